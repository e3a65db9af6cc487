"""Say how likely it is that the sentences found speak of what is asked, from a few learned signals.

Cheap ones first: likeness of the best sentence, how well each word of the question is covered by the tokens found (late
interaction: Khattab & Zaharia 2020, arXiv:2004.12832), and, where a document comes with written questions, likeness to those it
answers and to those it leaves open. Then a chat model's Yes or No, where there is one and these leave doubt. One
logistic regression for each set of signals, and apart for questions that only name a topic (covered when it is spoken of) and
for exact ones (covered only when the particular is stated); `bench/fit/answerability.py` fits them and says on what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from coach.answer.answer_type import TypeMatch, match_type
from coach.answer.coefficients import coefficients
from coach.answer.late_interaction import TOPIC_WORDS, Coverage, cover
from coach.errors import UsageError
from coach.protocols import Embedder
from coach.text.words import content_words
from coach.types import Extract, Passage, RefusalReason, Statement
from coach.yes_or_no import logistic

CALIBRATION_FILE = "answerability_calibration.json"
LONGEST = 600  # characters read of one sentence: a table row may have thousands
OFF_TOPIC = 0.25  # likeness of the best sentence below which the question is about something else altogether

# A capitalised word inside a sentence, acronyms aside ("Lisbon", "OpenAI"), or a year.
_NAME = re.compile(r"(?<=[^.!?:\s] )[A-Z][a-z][\w&.-]*\b|\b(?:19|20)\d\d\b")

Outcome = Literal["answered", "in doubt", "not covered"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """How likely the sentences found are an answer, 0..1, and what follows from it.

    `signals` holds what that was read from; `nearest` the best sentences, the best first; `missing` the words of the question
    that nothing found covers; `undecided` whether a chat model's Yes or No could change the outcome.
    """

    probability: float
    outcome: Outcome
    signals: Mapping[str, float] = field(default_factory=dict)
    nearest: tuple[Statement, ...] = ()
    missing: str = ""
    reason: RefusalReason | None = None
    undecided: bool = False

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


def with_model_opinion(evidence: Evidence, opinion: float) -> Evidence:
    """The evidence weighed anew with the log-odds of a chat model's Yes."""
    signals = {**evidence.signals, "model": opinion}
    return _judged(signals, evidence.nearest, evidence.missing, evidence.reason or "no_evidence")


class Gathered(NamedTuple):
    """What the sentences found are judged by: the `nearest`, the signals that need no chat model (`asked` and `unanswered` only
    where questions are written down), and what is `missing`, in words for the reader, empty where that cannot be told."""

    nearest: tuple[Statement, ...]
    signals: Mapping[str, float]
    missing: str


def gather(
    question: str,
    passages: Sequence[Passage],
    found: Extract,
    embedder: Embedder,
    is_known: Callable[[str], bool] = lambda word: False,
) -> Gathered:
    """Look at what was `found` for the question in `passages`, neither of them empty."""
    nearest = tuple(map(_shortened, found.nearest))
    covered = cover(question, [one.in_context for one in nearest], embedder).together()
    kind = _kind(question, passages, nearest)
    names = unknown_names(question, passages)
    signals = {
        "best_sentence": found.likeness,
        "covered": float(covered.mean()[0]),
        "worst_covered": float(covered.worst()[0]),
        "topic_words": float(len(covered.heavy)),
        "names_missing": float(min(2, len(names))),
        "typed": float(bool(kind.label)),
        "kind_missing": float(kind.missing),
        "condition_unmet": float(bool(kind.condition)),
        **_written_signals(passages, found.nearest[0]),
    }
    return Gathered(nearest, signals, _missing(kind, covered, names, is_known))


def _shortened(statement: Statement) -> Statement:
    text = statement.text
    return statement if len(text) <= LONGEST else replace(statement, text=f"{text[:LONGEST].rstrip()}…")


def calibrated(opinion: float, model_name: str, own: Path) -> float:
    """A chat model's log-odds of Yes on the scale of the built-in model, on which the fits were made.

    The file `own`, which `coach eval answers --calibrate` writes, holds scale and shift by model; one that it does not hold
    counts as it is. Raises UsageError for a file that cannot be read.
    """
    if not own.is_file():
        return opinion
    try:
        scale, shift = json.loads(own.read_text(encoding="utf-8")).get(model_name.casefold(), (1.0, 0.0))
        return float(scale) * opinion + float(shift)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The calibration {own} cannot be read ({error}): delete it, or run `coach eval answers --calibrate`."
        ) from error


def _kind(question: str, passages: Sequence[Passage], nearest: Sequence[Statement]) -> TypeMatch:
    """Whether the sentences hold the kind of thing that is asked for: an amount, a date, a name."""
    others = [statement for place, passage in enumerate(passages) for statement in passage.statements(place)]
    return match_type(question, nearest, others)


def _missing(
    kind: TypeMatch, covered: Coverage, names: Sequence[str], is_known: Callable[[str], bool]
) -> str:
    if kind.missing or kind.condition:
        return f"{kind.label} for “{kind.condition}”" if kind.condition else kind.label
    uncovered = covered.uncovered(coefficients()["uncovered_below"], is_known)
    return uncovered or " and ".join(f"“{name}”" for name in names if not is_known(name))


def unknown_names(question: str, passages: Sequence[Passage]) -> list[str]:
    """Names and years of the question that none of the passages holds."""
    known = {
        word
        for passage in passages
        for word in content_words(" ".join([*passage.chunk.headings, passage.chunk.text]))
    }
    names = [name for name in _NAME.findall(question) if content_words(name)]
    return [name for name in names if not set(content_words(name)) <= known]


def _written_signals(passages: Sequence[Passage], best: Statement) -> dict[str, float]:
    """How near the question is to those written down for the document that the best sentence stands in: to one that is
    answered there and to one that is left open. Empty where none are written down."""
    source = best.source
    own = [passage for passage in passages if passage.source == source and passage.asked_scores]
    if not own:
        return {}
    return {"asked": max(max(p.asked_scores) for p in own), "unanswered": own[0].unanswered_score}


def fit_name(signals: Mapping[str, float]) -> str:
    """Which of the fits these signals belong to, such as "topic" or "exact, written, model"."""
    kind = "topic" if signals["topic_words"] <= TOPIC_WORDS and not signals["typed"] else "exact"
    known = [name for name, signal in (("written", "asked"), ("model", "model")) if signal in signals]
    return ", ".join([kind, *known])


def log_odds_by(fit: Mapping[str, Any], signals: Mapping[str, float]) -> float:
    """The log-odds that a fit gives these signals."""
    weighed = sum(weight * signals[name] for name, weight in fit["weights"].items())
    return float(fit["intercept"] + weighed)


def _judged(
    signals: Mapping[str, float], nearest: tuple[Statement, ...], missing: str, reason: RefusalReason
) -> Evidence:
    cheap = {name: value for name, value in signals.items() if name != "model"}
    fit = coefficients()["fits"][fit_name(cheap)]
    total = log_odds_by(fit, cheap)
    if "model" in signals:  # weighed with what the other signals say together
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
    )
