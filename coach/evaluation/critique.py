"""Judge a draft as a user would have it judged, and put down what came back in numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coach.critique.report import NO_BAND
from coach.errors import CoachError, UsageError
from coach.evaluation.critique_cases import LEVELS
from coach.evaluation.run import Row
from coach.types import Critique, Level, Quote, Verdict

if TYPE_CHECKING:
    from coach.coach import Coach

PROBABILITY, LEVEL, PATTERN = "probability ", "level ", "anti-pattern "  # before a name, in a row's signals
STANDING, POINTS = "standing", "points"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """A critique as it came, or why there is none, with what was waited for in milliseconds."""

    critique: Critique | None
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    refusal: str = ""
    failure: str = ""


def judge(coach: Coach, draft: str, question: str, kind: str, rubric: str | None = None) -> Judged:
    """One critique, by the first rubric unless one is named. `refusal` is the sentence to a draft that the coach does not take, `failure` any other fault."""
    from coach.critique.flow import Judged as OneVerdict

    started = time.perf_counter()
    times: dict[str, float] = {}
    try:
        stream = coach.critique(draft, question, kind=kind, rubric=rubric)
        for event in stream:
            if isinstance(event, OneVerdict):
                times.setdefault("first_verdict", _since(started))
        critique = stream.result()
    except UsageError as error:
        return Judged(None, refusal=str(error))
    except CoachError as error:
        return Judged(None, failure=str(error))
    except Exception as error:  # one fault of ours in one case: the other cases still tell something
        return Judged(None, failure=f"{type(error).__name__}: {error}")
    return Judged(critique, {**times, "critique": _since(started)})


def row(identity: str, kind: str, split: str, draft: str, judged: Judged) -> Row:
    """What one draft leaves in the run. A row without a critique says why; a refusal is an outcome of its own."""
    if judged.failure:
        return Row(identity, kind, split, unscored=judged.failure)
    if judged.critique is None:
        return Row(identity, kind, split, outcome=REFUSED, text=judged.refusal)
    critique = judged.critique
    quotes = list(all_quotes(critique))
    true = sum(is_true(quote, critique, draft) for quote in quotes)
    scored = sum(verdict.level is not None for verdict in critique.verdicts)
    return Row(
        identity,
        kind,
        split,
        outcome=critique.band or NO_BAND,
        measures={
            "true_quotes": (float(true), float(len(quotes))),
            "scored": (float(scored), float(len(critique.verdicts))),
        },
        milliseconds={name: round(value, 1) for name, value in judged.milliseconds.items()},
        signals=signals(critique),
        text=" ".join([*_reasons(critique.verdicts), *critique.notices]),
    )


def signals(critique: Critique) -> dict[str, float]:
    """Every verdict as numbers: its probability, its level from 0 (missing) to 2 (met); absent where there is none."""
    found: dict[str, float] = {}
    for verdict in critique.verdicts:
        if verdict.probability is not None:
            found[PROBABILITY + verdict.criterion.id] = round(verdict.probability, 5)
        if verdict.level is not None:
            found[LEVEL + verdict.criterion.id] = float(LEVELS.index(verdict.level))
    for finding in critique.findings:
        found[PATTERN + finding.anti_pattern.id] = 1.0
    if (standing := _weighted(critique, lambda verdict: verdict.probability)) is not None:
        found[STANDING] = round(standing, 5)
    if (points := _weighted(critique, lambda verdict: _points(verdict.level))) is not None:
        found[POINTS] = round(points, 5)
    return found


def all_quotes(critique: Critique) -> Iterable[Quote]:
    """Everything the critique shows as the draft's own words."""
    for verdict in critique.verdicts:
        yield from verdict.quotes
    for finding in critique.findings:
        yield from finding.quotes
    yield from critique.set_aside


def is_true(quote: Quote, critique: Critique, draft: str) -> bool:
    """Whether a quote stands where it says in the draft that was judged, and in `draft` as it was given."""
    there = critique.draft[quote.start : quote.end] == quote.text
    return bool(quote.text) and there and quote.text.encode() in draft.encode()


def _weighted(critique: Critique, value: Callable[[Verdict], float | None]) -> float | None:
    """Mean over the criteria that have a value, each with its weight for the kind of question."""
    pairs = [(value(v), v.criterion.weights.get(critique.kind, 0.0)) for v in critique.verdicts]
    known = [(float(one), weight) for one, weight in pairs if one is not None]
    total = sum(weight for _, weight in known)
    return sum(one * weight for one, weight in known) / total if total else None


def _points(level: Level | None) -> float | None:
    return None if level is None else LEVELS.index(level) / (len(LEVELS) - 1)


def _reasons(verdicts: Iterable[Verdict]) -> list[str]:
    """Why criteria are unscored, each reason once, with how often."""
    reasons = [verdict.unscored for verdict in verdicts if verdict.unscored]
    return [f"{reason} ({reasons.count(reason)})" for reason in dict.fromkeys(reasons)]


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
