"""Judge a draft by one criterion: the chat model's Yes or No and the draft's own evidence, put together by a fitted logistic.

The model is asked Yes or No and its log-probabilities are read, but only where what it may plausibly say can change the verdict;
every question to one draft begins with the same words, which the engine computes once. How far the Yes and each sign of evidence are to be
trusted was fitted by `bench/fit/judge.py` on labelled drafts, for each chat model by its name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.critique.evidence import Evidence, find_evidence
from coach.errors import BackendError, UsageError
from coach.prompts import fill_prompt
from coach.protocols import ChatModel, Embedder
from coach.types import Criterion, Level, Quote, Turn, Verdict
from coach.yes_or_no import logistic

if TYPE_CHECKING:
    from coach.critique.prepare import PreparedDraft

CALIBRATION_FILE = "judge_calibration.json"
EVIDENCE_ALONE = (
    "evidence alone"  # the calibration that weighs no chat model's opinion, by its name in the file
)
YES, NO = "Yes", "No"
LEAST_PROBABILITY = (
    1e-4  # of Yes or No: beyond it the log-odds say nothing that eight bits of weights can carry
)
# Standard deviations of the model's log-odds on labelled drafts, to either side of their mean: what it may plausibly say. Of 1,020 held-out
# verdicts and verdicts on interview answers 40 % need no model then, and none is another one (bench/critique/README.md).
PLAUSIBLE = 2.0
SHOWN_WORDS = 14  # of a quote inside an explanation: the whole stands in `quotes`
_FIRST_WORDS = re.compile(rf"(?:\S+\s+){{{SHOWN_WORDS - 1}}}\S+(?=\s)")
UNSURE = "The judge is unsure: it could be read either way. Decide for yourself, or say it more plainly."


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the model's Yes and the evidence are worth, as fitted for one chat model.

    `offsets` are the criteria's own; a criterion without one gets none. `partly` and `met` are the
    probabilities from which a criterion counts so, `unsure` the distance to either within which it is left open.
    """

    model: str
    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]
    scales: Mapping[str, float]
    offsets: Mapping[str, float]
    partly: float
    met: float
    unsure: float

    def probability(self, criterion: str, signals: Mapping[str, float]) -> float:
        """How likely the criterion is met, 0..1. Raises KeyError for a signal that is missing."""
        total = self.intercept + self.offsets.get(criterion, 0.0)
        for name, weight in self.weights.items():
            total += weight * (signals[name] - self.means[name]) / self.scales[name]
        return logistic(total)

    def settled(self, criterion: str, signals: Mapping[str, float]) -> float | None:
        """The probability without the model's opinion, where that can plausibly not change the level; else None."""
        if "opinion" not in self.weights:
            return self.probability(criterion, signals)
        usual, spread = self.means["opinion"], self.scales["opinion"]
        low, probability, high = (
            self.probability(criterion, {**signals, "opinion": usual + steps * spread})
            for steps in (-PLAUSIBLE, 0.0, PLAUSIBLE)
        )
        level = self.level(probability)
        return probability if level and level == self.level(low) == self.level(high) else None

    def level(self, probability: float) -> Level | None:
        """The level, or None where the probability is too near to a threshold to say."""
        if min(abs(probability - self.partly), abs(probability - self.met)) < self.unsure:
            return None
        if probability >= self.met:
            return "met"
        return "partly" if probability >= self.partly else "missing"


def judge(
    criterion: Criterion,
    prepared: PreparedDraft,
    question: str,
    chat_model: ChatModel | None,
    embedder: Embedder,
    calibration: Calibration,
) -> Verdict:
    """The verdict on one criterion; unscored, with the reason, where the model cannot choose or is unsure. Without a chat model
    the calibration is one that weighs no opinion."""
    if not prepared.kept:
        return missing(criterion)
    evidence = find_evidence(criterion, [quote.text for quote in prepared.kept], embedder)
    measured = chat_model is None or calibration.model.casefold() == chat_model.name.casefold()
    likely = (
        calibration.settled(criterion.id, evidence.signals) if measured else None
    )  # another may be surer of itself
    if likely is None:
        assert chat_model is not None, "a calibration that weighs an opinion needs a model"
        try:
            log_odds = ask_model(criterion, prepared, question, chat_model)
        except BackendError as error:
            return unscored(criterion, str(error))
        likely = calibration.probability(criterion.id, signals(evidence, log_odds))
    probability = round(likely, 4)
    level = calibration.level(probability)
    if level is None:
        return Verdict(criterion, None, probability, UNSURE, suggestion=criterion.suggestion)
    quote = prepared.kept[evidence.best]
    return _explained(Verdict(criterion, level, probability), quote if level != "missing" else None)


def ask_model(criterion: Criterion, prepared: PreparedDraft, question: str, chat_model: ChatModel) -> float:
    """The model's log-odds of Yes. Raises BackendError when it cannot choose."""
    asked = Turn("user", fill_prompt("critique/judge_question", question=criterion.question))
    yes = chat_model.choose((shared_prefix(prepared, question), asked), (YES, NO))[YES]
    yes = min(1 - LEAST_PROBABILITY, max(LEAST_PROBABILITY, yes))
    return math.log(yes / (1 - yes))


def shared_prefix(prepared: PreparedDraft, question: str) -> Turn:
    """What every question to this draft begins with: rules, interview question and draft."""
    draft, asked = _without_tags(prepared.text), _without_tags(question)
    return Turn("system", fill_prompt("critique/judge_system", question=asked, draft=draft))


def signals(evidence: Evidence, log_odds: float | None) -> dict[str, float]:
    """All that the calibration may weigh, by name; all but the opinion where no model was asked."""
    return dict(evidence.signals) if log_odds is None else {**evidence.signals, "opinion": log_odds}


def unscored(criterion: Criterion, reason: str) -> Verdict:
    """A verdict without a level: nothing was judged, and `reason` says why."""
    return Verdict(criterion, None, None, reason, suggestion=criterion.suggestion)


def missing(criterion: Criterion) -> Verdict:
    """The verdict on a draft of which nothing could be read as an answer: no model need be asked."""
    return _explained(Verdict(criterion, "missing", 0.0), None)


def load_calibration(model_name: str, own: Path | None = None) -> Calibration | None:
    """The calibration of the chat model with this name, None where it was never measured.

    One in the file `own`, which `coach eval critique --calibrate` writes, goes before the shipped one. Raises
    UsageError for such a file that cannot be read.
    """
    name = model_name.casefold()
    if own is not None and own.is_file():
        try:
            found = _calibrations(own.read_text(encoding="utf-8"))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UsageError(
                f"The calibration {own} cannot be read ({error}): delete it, then run `coach eval critique --calibrate`."
            ) from error
        if name in found:
            return found[name]
    return _shipped().get(name)


def default_calibration() -> Calibration:
    """That of the built-in model: what a model without a calibration of its own is judged with."""
    return next(iter(_shipped().values()))


def evidence_calibration() -> Calibration:
    """That which needs no chat model."""
    return _shipped()[EVIDENCE_ALONE]


@cache
def _shipped() -> Mapping[str, Calibration]:
    return _calibrations(files("coach").joinpath("critique", CALIBRATION_FILE).read_text(encoding="utf-8"))


def _calibrations(text: str) -> dict[str, Calibration]:
    return {name.casefold(): read_calibration(name, one) for name, one in json.loads(text)["models"].items()}


def read_calibration(name: str, record: Mapping[str, Any]) -> Calibration:
    """A calibration from its JSON form. Raises KeyError for one that is not whole."""
    rows = record["signals"]
    return Calibration(
        model=name,
        intercept=record["intercept"],
        weights={signal: row["weight"] for signal, row in rows.items()},
        means={signal: row["mean"] for signal, row in rows.items()},
        scales={signal: row["scale"] for signal, row in rows.items()},
        offsets=record["offsets"],
        partly=record["levels"]["partly"],
        met=record["levels"]["met"],
        unsure=record["levels"]["unsure"],
    )


def _explained(verdict: Verdict, quote: Quote | None) -> Verdict:
    """The verdict with its words: what the draft does or lacks, and the next move where something is left to do."""
    criterion = verdict.criterion
    if quote is None:
        explanation = f"Nothing in the draft does this: {_lower_first(criterion.anchors['met'])}"
    elif verdict.level == "met":
        explanation = f"Your words “{_beginning(quote.text)}” do this. {criterion.anchors['met']}"
    else:
        explanation = f"Your words “{_beginning(quote.text)}” touch on this; what is asked: {_lower_first(criterion.anchors['met'])}"
    return Verdict(
        criterion,
        verdict.level,
        verdict.probability,
        quotes=(quote,) if quote else (),
        explanation=explanation,
        suggestion="" if verdict.level == "met" else criterion.suggestion,
    )


def _beginning(text: str) -> str:
    """The first words, exactly as they stand in the draft."""
    found = _FIRST_WORDS.match(text)
    return f"{found.group()} …" if found else text


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _without_tags(text: str) -> str:
    """Text that cannot close the place where it is quoted."""
    return text.replace("</", "< /").replace("<draft", "< draft")
