"""Say how likely it is that the sentences found speak of what is asked, from a few learned signals.

Cheap ones first (`evidence_signals`). Then a chat model's Yes or No, where there is one and these leave doubt. One logistic
regression for each set of signals, and apart for questions that only name a topic (covered when it is mentioned) and for exact
ones (covered only when the particular is stated); `bench/fit/answerability.py` fits them and says on what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from coach.answer.coefficients import coefficients
from coach.answer.evidence_signals import gather
from coach.answer.late_interaction import names_topic
from coach.protocols import Embedder
from coach.types import Extract, Passage, RefusalReason, Statement
from coach.yes_or_no import logistic

OFF_TOPIC = 0.25  # likeness of the best sentence below which the question is about something else altogether

Outcome = Literal["answered", "in doubt", "not covered"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """How likely the sentences found are an answer, 0..1, and what follows from it.

    `signals` holds what that was read from; `nearest` the best sentences, the best first; `missing` the words of the question
    that nothing found covers; `undecided` whether a chat model's Yes or No could change the outcome. `refuse_below` and `doubt_below` are the bounds of
    the outcomes.
    """

    probability: float
    outcome: Outcome
    signals: Mapping[str, float] = field(default_factory=dict)
    nearest: tuple[Statement, ...] = ()
    missing: str = ""
    reason: RefusalReason | None = None
    undecided: bool = False
    refuse_below: float = 0.0
    doubt_below: float = 0.0

    @property
    def enough(self) -> bool:
        """Whether the question is to be answered, as far as is known by now."""
        return self.outcome != "not covered"


def score_evidence(
    question: str,
    passages: Sequence[Passage],
    found: Extract,
    embedder: Embedder,
    is_known: Callable[[str], bool] = lambda word: False,
) -> Evidence:
    """The evidence by the cheap signals: of what was `found` for the question in `passages`.

    `is_known` says of a word that nothing found covers whether it stands elsewhere in the sources, or names nothing.
    """
    if not passages or not found.nearest:
        return Evidence(0.0, "not covered", reason="no_evidence")
    seen = gather(question, passages, found, embedder, is_known)
    reason: RefusalReason = "off_topic" if found.likeness < OFF_TOPIC else "no_evidence"
    return _judged(seen.signals, seen.nearest, seen.missing, reason)


def with_entailment(evidence: Evidence, log_odds: float) -> Evidence:
    """The evidence scored anew with the log-odds of a chat model's Yes."""
    signals = {**evidence.signals, "model": log_odds}
    return _judged(signals, evidence.nearest, evidence.missing, evidence.reason or "no_evidence")


def _judged(
    signals: Mapping[str, float], nearest: tuple[Statement, ...], missing: str, reason: RefusalReason
) -> Evidence:
    cheap = {name: value for name, value in signals.items() if name != "model"}
    fit = coefficients()["fits"][fit_name(cheap)]
    total = log_odds_by(fit, cheap)
    if "model" in signals:  # beside what the other signals say together
        fit = coefficients()["fits"][fit_name(signals)]
        total = log_odds_by(fit, {"cheap": total, "model": signals["model"]})
    probability = logistic(total)
    if signals.get("asked", 1.0) < coefficients()["strange_below"]:
        probability = 0.0  # another subject than any question that the document is known to answer
    outcome: Outcome = "answered"
    if probability < fit["refuse_below"]:
        outcome = "not covered"
    elif probability < fit["doubt_below"]:
        outcome = "in doubt"
    least, most = fit.get("ask_between", (0.0, 0.0))
    refused = outcome == "not covered"
    return Evidence(
        probability,
        outcome,
        signals,
        nearest,
        missing,
        reason if refused else None,
        least <= probability < most,
        fit["refuse_below"],
        fit["doubt_below"],
    )


def fit_name(signals: Mapping[str, float]) -> str:
    """Which of the fits these signals belong to, such as "topic" or "exact, written, model"."""
    kind = "topic" if names_topic(signals["topic_words"]) and not signals["typed"] else "exact"
    known = [name for name, signal in (("written", "asked"), ("model", "model")) if signal in signals]
    return ", ".join([kind, *known])


def log_odds_by(fit: Mapping[str, Any], signals: Mapping[str, float]) -> float:
    """The log-odds that a fit gives these signals."""
    total = sum(weight * signals[name] for name, weight in fit["weights"].items())
    return float(fit["intercept"] + total)
