"""Tell an answer from what else a candidate may say: that they do not know, a question back, something else altogether, an order to the judge.

A logistic regression over the reply's vector, its words and how near it comes to what was asked; `bench/fit/reply_kind.py` fitted it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

import numpy as np

from coach.critique.injection import addressed_to_judge, signals
from coach.critique.off_topic import answers_another
from coach.protocols import Embedder, Vectors
from coach.text.sentences import split_sentences

ReplyKind = Literal["answer", "dont_know", "clarify", "off_topic", "other_question", "steer"]

MODEL_FILE = "reply_kind_model.json"
_LONG = 60  # words, about the length from which more says nothing about the kind


def reply_kind(reply: str, asked: Sequence[str], embedder: Embedder) -> ReplyKind:
    """What kind of reply this is to what was `asked`: the interview question, and the follow-up where there was one.

    A first answer that comes nowhere near the question answers another one. With another embedding model than the one it was fitted on every reply is taken for an answer.
    """
    fitted = _model()
    if embedder.name.partition("@")[0] != fitted["embedder"]:
        return "answer"
    kind = kind_of(features([reply], [asked], embedder), fitted)[0]
    if kind != "answer":
        return kind
    sentences = [reply[start:end] for start, end in split_sentences(reply)]
    if _speaks_to_the_judge_alone(sentences, embedder):
        return "steer"
    another = len(asked) == 1 and answers_another(sentences, asked[0], embedder)
    return "other_question" if another else "answer"


def _speaks_to_the_judge_alone(sentences: Sequence[str], embedder: Embedder) -> bool:
    addressed = addressed_to_judge(sentences, embedder)
    return all(spans[:1] == [(0, len(one))] for one, spans in zip(sentences, addressed, strict=True))


def kind_of(rows: Vectors, fitted: Mapping[str, Any]) -> list[ReplyKind]:
    """The kind of each row of features."""
    scores = rows @ np.array(fitted["weights"]).T + np.array(fitted["intercepts"])
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return decided(likely / likely.sum(axis=1, keepdims=True), fitted["kinds"], fitted["above"])


def decided(likely: Vectors, kinds: Sequence[str], above: Mapping[str, float]) -> list[ReplyKind]:
    """The likeliest kind of each row, and an answer where that is less likely than its bound."""
    best = [(kinds[place], row[place]) for row, place in zip(likely, likely.argmax(axis=1), strict=True)]
    return [cast(ReplyKind, kind if share >= above.get(kind, 0.0) else "answer") for kind, share in best]


def features(replies: Sequence[str], asked: Sequence[Sequence[str]], embedder: Embedder) -> Vectors:
    """A row for each reply: its vector and hashed words, its likeness to what was asked as a whole and by its nearest sentence, its length,
    and whether it ends in a question."""
    rows = []
    for reply, questions in zip(replies, asked, strict=True):
        sentences = [reply[start:end] for start, end in split_sentences(reply)] or [reply]
        vectors = embedder.embed([*questions, reply, *sentences])
        to_asked = vectors[len(questions) :] @ vectors[: len(questions)].T
        words = len(reply.split())
        rows.append(
            [
                float(to_asked[0].max()),
                float(to_asked[1:].max()),
                math.log1p(min(words, _LONG)) / math.log1p(_LONG),
                float(reply.rstrip().endswith("?")),
                sum(one.rstrip().endswith("?") for one in sentences) / len(sentences),
            ]
        )
    return np.hstack([signals(list(replies), embedder), np.array(rows, dtype=np.float32)])


@cache
def _model() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        files("coach").joinpath("practice", MODEL_FILE).read_text(encoding="utf-8")
    )
    return found
