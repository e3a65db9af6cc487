"""Say who answers what is asked of both: the committee's article, or the user's own documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from coach.answer.answerability import Evidence
from coach.text.attribution import collection_label
from coach.text.words import content_words
from coach.types import COMMITTEE, OWN, Passage
from coach.yes_or_no import logistic

# Fitted by `python -m bench.own_documents --fit` on the fit part of the topics and cases of bench/answers, three documents beside the guide in turn:
# likeness of the own best sentence, cosine of the own nearest text, likeness of the committee's best sentence and of the nearest question written for it.
INTERCEPT, OWN_BEST, OWN_COSINE, COMMITTEE_BEST, COMMITTEE_ASKED = 3.3, 14.4, 6.4, -11.8, -9.3
OWN_FROM = 0.65  # what is not plainly the user's is the committee's: of the fit questions on the article at most 5 % then begin with another's words


def own_answers(question: str, committee: Evidence, own: Evidence, own_passages: Sequence[Passage]) -> bool:
    """Whether the user's own documents, in which the passages were found, answer rather than the committee.

    Who is asked by name answers, if it can ("what does the committee expect", "in my CV" where a file or a collection is called so); else
    who comes nearer to the question. Who does not answer at all leaves it to the other, where that one is sure.
    """
    named = asked_by_name(question, own_passages)
    if named and (committee if named == COMMITTEE else own).enough:
        return named != COMMITTEE
    rather_own = _probability(committee, own, nearest_cosine(own_passages)) >= OWN_FROM
    leading, other = (own, committee) if rather_own else (committee, own)
    if not leading.enough and other.outcome == "answered":
        return not rather_own
    return rather_own


def nearest_cosine(passages: Sequence[Passage]) -> float:
    """Cosine of the question to the nearest passage, or sentence of one."""
    return max((max(one.cosine, *one.sentence_scores) for one in passages), default=0.0)


def asked_by_name(question: str, own_passages: Sequence[Passage]) -> str:
    """The collection that the question is put to by name, COMMITTEE or one of those found; empty where it names none, or both sides."""
    asked = set(content_words(question))
    committee = bool(set(content_words(collection_label(COMMITTEE))) & asked)
    own = _named(asked, own_passages)
    return "" if committee and own else COMMITTEE if committee else own


def _named(asked: set[str], passages: Sequence[Passage]) -> str:
    """The collection of which, or of a file of which, every word of the name is asked for; empty where none is."""
    for one in passages:
        for name in {one.collection, PurePath(one.source).stem} - {OWN}:
            words = set(content_words(_apart(name)))
            if words and words <= asked:
                return one.collection
    return ""


def _apart(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name)


def signals(committee: Evidence, own: Evidence, own_cosine: float) -> tuple[float, float, float, float]:
    """What it is told by, in the order of the weights; where no questions are written down the best sentence stands for the nearest."""
    committee_best = committee.signals.get("best_sentence", 0.0)
    asked = committee.signals.get("asked", committee_best)
    return own.signals.get("best_sentence", 0.0), own_cosine, committee_best, asked


def _probability(committee: Evidence, own: Evidence, own_cosine: float) -> float:
    weights = (OWN_BEST, OWN_COSINE, COMMITTEE_BEST, COMMITTEE_ASKED)
    found = signals(committee, own, own_cosine)
    return logistic(INTERCEPT + sum(weight * one for weight, one in zip(weights, found, strict=True)))
