"""Decide whether the passages hold enough to answer from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coach.errors import BackendError
from coach.protocols import ChatModel
from coach.types import Passage, RefusalReason, Sentence, Turn
from coach.words import content_words, numbers, share_covered

# Logistic regression over the features below; see bench/gate.json for the fit and its figures.
COEFFICIENTS: Mapping[str, float] = {
    "intercept": -9.0,
    "best_sentence": 14.0,
    "coverage": 5.0,
    "unknown_names": -2.5,
}
SURE_NO, SURE_YES = 0.25, 0.75  # between these the chat model, where there is one, is asked too
OFF_TOPIC_COSINE = 0.15

_NAME = re.compile(r"(?<=\s)[A-Z][\w&.-]*\b")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether to answer. `scores` holds every signal, for the trace."""

    enough: bool
    reason: RefusalReason | None
    scores: Mapping[str, float]
    unsure: bool = False


def gate(
    question: str,
    passages: Sequence[Passage],
    sentences: Sequence[Sentence],
    *,
    chat_model: ChatModel | None = None,
    messages: Sequence[Turn] = (),
) -> Evidence:
    """Weigh how well `sentences` (the extractive answer) and `passages` cover the question.

    `messages` is a prompt that asks the chat model for Yes or No; it is used only where the cheap
    signals are unsure, and a chat model that fails changes nothing.
    """
    if not passages or not sentences:
        return Evidence(False, "no_evidence", {"probability": 0.0})
    scores = _signals(question, passages, sentences)
    probability = _logistic(scores)
    scores["cheap"] = probability
    unsure = SURE_NO < probability < SURE_YES
    if unsure and chat_model is not None and messages:
        opinion = _second_opinion(chat_model, messages)
        if opinion is not None:
            scores["opinion"] = opinion
            probability = (probability + opinion) / 2
    scores["probability"] = probability
    if probability >= 0.5:
        return Evidence(True, None, scores, unsure)
    off_topic = passages[0].cosine < OFF_TOPIC_COSINE
    return Evidence(False, "off_topic" if off_topic else "no_evidence", scores, unsure)


def _signals(question: str, passages: Sequence[Passage], sentences: Sequence[Sentence]) -> dict[str, float]:
    known: set[str] = set()
    for passage in passages:
        known.update(content_words(" ".join([*passage.chunk.headings, passage.chunk.text])))
    names = [name for name in _NAME.findall(question) if content_words(name)] + sorted(numbers(question))
    unknown = [name for name in names if not set(content_words(name)) <= known]
    return {
        "best_sentence": max(citation.support for s in sentences for citation in s.citations),
        "coverage": share_covered(content_words(question), known),
        "unknown_names": float(len(unknown)),
    }


def _logistic(scores: Mapping[str, float]) -> float:
    total = COEFFICIENTS["intercept"] + sum(COEFFICIENTS[name] * value for name, value in scores.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def _second_opinion(chat_model: ChatModel, messages: Sequence[Turn]) -> float | None:
    try:
        return chat_model.choose(messages, ("Yes", "No"))["Yes"]
    except (BackendError, KeyError):
        return None
