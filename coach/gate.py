"""Decide whether the passages hold enough to answer from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from coach.protocols import ChatModel
from coach.types import Passage, RefusalReason, Sentence, Turn
from coach.words import content_words, numbers, share_covered

# Logistic regression, slopes bounded to their sensible sign, on the fit part of bench/answers against forty
# questions of SQuAD 2 on other subjects: AUC 0.95. Questions that the sources nearly answer are beyond these
# signals (a tenth are refused); they are the chat model's to judge.
CHEAP = {"intercept": -2.34, "best_sentence": 11.58, "unknown_name": -2.23}
CLEARLY_NO = 0.37  # 3 % of the answerable fit questions fall below, and 75 % of those on other subjects
# The same with the chat model's opinion (log-odds), on questions in the corpus's own vocabulary: AUC 0.74.
JUDGED = {"intercept": -0.14, "opinion": 1.27, "unknown_name": -1.84}
JUDGED_NO = 0.21  # an opinion below 0.28: 3 % of the answerable fit questions
CONVINCED = 0.5  # opinion of a section from which no further section is asked
OFF_TOPIC_COSINE = 0.15

# A capitalised word inside the question, acronyms aside: "Lisbon", "OpenAI".
_NAME = re.compile(r"(?<=\s)[A-Z][a-z][\w&.-]*\b")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether to answer. `scores` holds every signal, for the trace; `section` the prompt that convinced most."""

    verdict: Literal["no", "unsure", "yes"]
    reason: RefusalReason | None
    scores: Mapping[str, float]
    section: int = 0

    @property
    def enough(self) -> bool:
        """Whether the question is to be answered: an unsure verdict is."""
        return self.verdict != "no"


def gate(question: str, passages: Sequence[Passage], sentences: Sequence[Sentence]) -> Evidence:
    """Weigh how well `sentences` (the extractive answer) and `passages` cover the question.

    Signals of words and vectors can say "no"; where they do not, a chat model may be asked (`ask_model`).
    """
    if not passages or not sentences:
        return Evidence("no", "no_evidence", {"probability": 0.0})
    scores = _signals(question, passages, sentences)
    scores["probability"] = _logistic(CHEAP, scores)
    if scores["probability"] >= CLEARLY_NO:
        return Evidence("unsure", None, scores)
    off_topic = passages[0].cosine < OFF_TOPIC_COSINE
    return Evidence("no", "off_topic" if off_topic else "no_evidence", scores)


def ask_model(evidence: Evidence, chat_model: ChatModel, prompts: Sequence[Sequence[Turn]]) -> Evidence:
    """Ask whether each prompt's sources state the answer (Yes or No), until one convinces.

    Raises BackendError when the model cannot choose.
    """
    opinions: list[float] = []
    for prompt in prompts:
        opinions.append(chat_model.choose(prompt, ("Yes", "No"))["Yes"])
        if opinions[-1] >= CONVINCED:
            break
    best = max(opinions)
    odds = {
        "opinion": math.log((best + 1e-4) / (1 - best + 1e-4)),
        "unknown_name": evidence.scores["unknown_name"],
    }
    probability = _logistic(JUDGED, odds)
    scores = {**evidence.scores, "opinion": best, "probability": probability}
    if probability < JUDGED_NO:
        return Evidence("no", "no_evidence", scores)
    return Evidence("yes", None, scores, opinions.index(best))


def _signals(question: str, passages: Sequence[Passage], sentences: Sequence[Sentence]) -> dict[str, float]:
    known: set[str] = set()
    for passage in passages:
        known.update(content_words(" ".join([*passage.chunk.headings, passage.chunk.text])))
    names = [name for name in _NAME.findall(question) if content_words(name)]
    figures = numbers(question) - set().union(*(numbers(passage.chunk.text) for passage in passages))
    unknown = figures or any(not set(content_words(name)) <= known for name in names)
    return {
        "best_sentence": max(citation.support for s in sentences for citation in s.citations),
        "coverage": share_covered(content_words(question), known),
        "unknown_name": 1.0 if unknown else 0.0,
    }


def _logistic(coefficients: Mapping[str, float], scores: Mapping[str, float]) -> float:
    total = sum(value * scores.get(name, 1.0) for name, value in coefficients.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
