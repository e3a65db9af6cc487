"""Say who answers what is asked of both: the committee's article, or the user's own documents."""

from __future__ import annotations

from coach.answer.answerability import Evidence
from coach.yes_or_no import logistic

# Fitted by `python -m bench.own_documents --fit` on the fit part of the topics and cases of bench/answers, three documents beside the guide in turn:
# likeness of the own best sentence, cosine of the own nearest text, likeness of the committee's best sentence and of the nearest question written for it.
INTERCEPT, OWN_BEST, OWN_COSINE, COMMITTEE_BEST, COMMITTEE_ASKED = 2.9, 13.5, 6.6, -11.1, -9.1
OWN_FROM = 0.65  # what is not plainly the user's is the committee's: of the fit questions on the article at most 5 % then begin with another's words


def own_answers(committee: Evidence, own: Evidence, own_cosine: float) -> bool:
    """Whether the user's own documents answer rather than the committee. `own_cosine` is that of the question to what is nearest there.

    Who does not answer at all leaves it to the other, where that one is sure.
    """
    rather_own = _probability(committee, own, own_cosine) >= OWN_FROM
    leading, other = (own, committee) if rather_own else (committee, own)
    if not leading.enough and other.outcome == "answered":
        return not rather_own
    return rather_own


def signals(committee: Evidence, own: Evidence, own_cosine: float) -> tuple[float, float, float, float]:
    """What it is told by, in the order of the weights; where no questions are written down the best sentence stands for the nearest."""
    committee_best = committee.signals.get("best_sentence", 0.0)
    asked = committee.signals.get("asked", committee_best)
    return own.signals.get("best_sentence", 0.0), own_cosine, committee_best, asked


def _probability(committee: Evidence, own: Evidence, own_cosine: float) -> float:
    weights = (OWN_BEST, OWN_COSINE, COMMITTEE_BEST, COMMITTEE_ASKED)
    found = signals(committee, own, own_cosine)
    return logistic(INTERCEPT + sum(weight * one for weight, one in zip(weights, found, strict=True)))
