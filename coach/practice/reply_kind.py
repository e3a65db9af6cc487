"""Tell an answer from what else a candidate may say: that they do not know, a question back, something else altogether, an order to the judge.

A logistic regression over the reply's vector, its words and how near it comes to what was asked. Of a short reply the chat model is asked
one word as well, with worked examples, and a second regression puts both together. `bench/fit/reply_kind.py` fitted them.
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
from coach.errors import BackendError
from coach.prompts import fill_prompt, read_examples, read_prompt
from coach.protocols import ChatModel, Embedder, Vectors
from coach.text.sentences import split_sentences
from coach.types import Turn

ReplyKind = Literal["answer", "dont_know", "clarify", "off_topic", "other_question", "steer"]

MODEL_FILE = "reply_kind_model.json"
SHORT = 30  # words: a longer reply is hardly ever anything but an answer, right or not (bench/interview)
WORDS = ("Unknown", "Question", "Answer", "Other")  # what the chat model may call a reply
_LEAST = 1e-3  # of a likelihood, before its logarithm
_LONG = 60  # words, about the length from which more says nothing about the kind


def reply_kind(
    reply: str, asked: Sequence[str], embedder: Embedder, chat_model: ChatModel | None = None
) -> ReplyKind:
    """What kind of reply this is to what was `asked`: the interview question, and the follow-up where there was one.

    A first answer that comes nowhere near the question answers another one. The `chat_model` is asked about a short reply where it is the
    one that was fitted. With another embedding model than the one fitted every reply is taken for an answer.
    """
    fitted = _model()
    if embedder.name.partition("@")[0] != fitted["embedder"]:
        return "answer"
    likely = likelihoods(features([reply], [asked], embedder), fitted)
    kind = decided(likely, fitted["kinds"], fitted["above"])[0]
    second = fitted["with_model"]
    if chat_model is not None and chat_model.name == second["model"] and len(reply.split()) <= SHORT:
        try:
            said = model_says(reply, asked[-1], chat_model)
        except BackendError:
            pass  # the first opinion stands
        else:
            kind = kind_of(signals_with_model(likely, np.array([said])), second)[0]
    if kind != "answer":
        return kind
    sentences = [reply[start:end] for start, end in split_sentences(reply)]
    if _speaks_to_the_judge_alone(sentences, embedder):
        return "steer"
    another = len(asked) == 1 and answers_another(sentences, asked[0], embedder)
    return "other_question" if another else "answer"


def model_says(reply: str, question: str, chat_model: ChatModel) -> list[float]:
    """How likely the chat model calls the reply each of WORDS. Raises BackendError where it cannot choose."""
    chosen = chat_model.choose(prompt(reply, question), WORDS)
    return [chosen[word] for word in WORDS]


def prompt(reply: str, question: str) -> tuple[Turn, ...]:
    """What the chat model is asked about a reply."""
    asked = fill_prompt("practice/reply_kind_question", question=question, reply=reply)
    return (*prompt_prefix(), Turn("user", asked))


@cache
def prompt_prefix() -> tuple[Turn, ...]:
    """What every question to the chat model about a reply begins with, for an engine to remember."""
    turns = [Turn("system", read_prompt("practice/reply_kind_system"))]
    for one in read_examples("practice/reply_kind_examples"):
        asked = fill_prompt("practice/reply_kind_question", question=one["question"], reply=one["reply"])
        turns += [Turn("user", asked), Turn("assistant", one["kind"])]
    return tuple(turns)


def signals_with_model(likely: Vectors, said: Vectors) -> Vectors:
    """What the second regression weighs: the logarithms of what the first one gives and of what the chat model says, a row for each reply."""
    return np.log(np.clip(np.hstack([likely, said]), _LEAST, 1.0))


def _speaks_to_the_judge_alone(sentences: Sequence[str], embedder: Embedder) -> bool:
    addressed = addressed_to_judge(sentences, embedder)
    return all(spans[:1] == [(0, len(one))] for one, spans in zip(sentences, addressed, strict=True))


def kind_of(rows: Vectors, fitted: Mapping[str, Any]) -> list[ReplyKind]:
    """The kind of each row of features."""
    return decided(likelihoods(rows, fitted), fitted["kinds"], fitted["above"])


def likelihoods(rows: Vectors, fitted: Mapping[str, Any]) -> Vectors:
    """How likely each kind is, for each row of features."""
    scores = rows @ np.array(fitted["weights"]).T + np.array(fitted["intercepts"])
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


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
