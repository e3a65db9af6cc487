"""Draw up where the candidate stands: each criterion in each round, from the tries so far, with how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from coach.critique.flow import WORTH
from coach.practice.tries import OTHER, ROUNDS, counted, round_of, rounds_that_ask
from coach.types import Criterion, Rubric, Try

FEWEST = 3  # tries: below, an interval covers half of all there is, whatever was found
SURE = 0.90  # of the intervals
EVEN = 0.5  # the share that an interval lies above or below where it is graded
# What the judge credits on average (met 1, partly a half) where a person said met, and where a person said missing, on the answers it is
# worst at: 179 near misses, their questions left out of the fit (`python -m bench.fit.judge`, the built-in model). On held-out answers it is 0.91
# and 0.09.
CREDIT_FOR_MET, CREDIT_FOR_MISSING = 0.65, 0.14

Grade = Literal["too few", "mostly met", "mostly missed", "not clear yet"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Some tries: how many got a level, how many of them met (one met partly counts half), and between what the true share most likely is.

    `low` and `high` bound it: Jeffreys' interval of 90 % (Brown, Cai & DasGupta 2001), in which the `unsure` tries are all missing for the
    lower bound and all met for the upper one, widened by what the judge is known to get wrong. A try met partly enters it as half a
    success and half a failure; values between 0 and 1 spread less than yes and no do, so that it is too wide rather than too narrow.
    """

    tries: int
    met: float
    low: float
    high: float
    newest: datetime | None = None
    unsure: int = 0

    @property
    def grade(self) -> Grade:
        """What may be said of it: nothing below three tries, and nothing on which the interval leaves both open."""
        if self.tries < FEWEST:
            return "too few"
        if self.low > EVEN:
            return "mostly met"
        return "mostly missed" if self.high < EVEN else "not clear yet"


@dataclass(frozen=True, slots=True)
class Trend:
    """The earlier half of the tries against the later one, where their intervals lie apart."""

    earlier: Standing
    later: Standing

    @property
    def better(self) -> bool:
        return self.later.low > self.earlier.high


@dataclass(frozen=True, slots=True)
class Row:
    """A criterion of a rubric: how it stands in each round that asks for it, and as a whole; `tries` are those that count, the earliest
    first."""

    criterion: Criterion
    rubric: str
    rounds: Mapping[str, Standing]
    whole: Standing
    trend: Trend | None
    tries: tuple[Try, ...]

    @property
    def tried(self) -> bool:
        return bool(self.tries)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The map, at the moment `now`. `rounds` are its columns; `overruled` the tries in which a person gave another level than the
    judge, the latest first; `drafts` how many drafts it is made of, `left_out` how many others are kept that do not count."""

    now: datetime
    rounds: tuple[str, ...]
    rows: tuple[Row, ...]
    overruled: tuple[Try, ...]
    drafts: int
    left_out: int = 0

    @property
    def comparable(self) -> bool:
        """Whether any criterion was tried often enough for its halves to be set against each other."""
        return any(len(row.tries) >= 2 * FEWEST for row in self.rows)


def readiness(
    tries: Sequence[Try], rubrics: Sequence[Rubric], now: datetime, rounds: Mapping[str, str] | None = None
) -> Readiness:
    """The map of `tries`, with a row for each criterion of the first rubric and of every other that was used.

    `rounds` maps the ids of drafts to their rounds, where they were asked in an interview; else the kind of question says. `now`
    carries the time zone in which days are counted.
    """
    rounds = rounds or {}
    counting = counted(tries, now.tzinfo)
    used = {one.rubric for one in counting}
    rows = tuple(
        _row(criterion, rubric, counting, rounds)
        for place, rubric in enumerate(rubrics)
        if place == 0 or rubric.name in used
        for criterion in rubric.criteria
    )
    columns = {name for row in rows for name in row.rounds}
    overruled = [one for one in tries if one.override is not None and one.override.level != one.judged]
    drafts = {one.draft for one in counting}
    return Readiness(
        now,
        tuple(name for name in (*ROUNDS, OTHER) if name in columns),
        rows,
        tuple(sorted(overruled, key=lambda one: one.at, reverse=True)),
        len(drafts),
        len({one.draft for one in tries} - drafts),
    )


def standing(tries: Sequence[Try], *, widened: bool = True) -> Standing:
    """How often these were met, and how sure that is; without `widened` as if the judge never erred."""
    levels = [one.final for one in tries if one.final is not None]
    met, unsure = sum(WORTH[level] for level in levels), len(tries) - len(levels)
    low, high = jeffreys(met, len(tries))[0], jeffreys(met + unsure, len(tries))[1]
    if widened:
        low = max(0.0, (low - CREDIT_FOR_MISSING) / (1 - CREDIT_FOR_MISSING))
        high = min(1.0, high / CREDIT_FOR_MET)
    return Standing(len(levels), met, low, high, max((one.at for one in tries), default=None), unsure)


def jeffreys(hits: float, tries: int) -> tuple[float, float]:
    """Jeffreys' equal-tailed interval of 90 % for a share; it reaches 0 where nothing was hit, and 1 where everything was."""
    from scipy.stats import beta

    tail = (1 - SURE) / 2
    low = float(beta.ppf(tail, hits + 0.5, tries - hits + 0.5)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 0.5, tries - hits + 0.5)) if hits < tries else 1.0
    return low, high


def _row(criterion: Criterion, rubric: Rubric, counting: Iterable[Try], rounds: Mapping[str, str]) -> Row:
    own = [one for one in counting if (one.rubric, one.criterion) == (rubric.name, criterion.id)]
    by_round: dict[str, list[Try]] = {name: [] for name in rounds_that_ask(criterion)}
    for one in own:
        by_round.setdefault(round_of(one, rounds), []).append(one)
    return Row(
        criterion,
        rubric.name,
        {name: standing(of_round) for name, of_round in by_round.items()},
        standing(own),
        _trend(own),
        tuple(own),
    )


def _trend(tries: Sequence[Try]) -> Trend | None:
    """None where the intervals of both halves overlap: then nothing can be said. The judge's errors are the same in both."""
    half = len(tries) // 2
    found = Trend(standing(tries[:half], widened=False), standing(tries[half:], widened=False))
    apart = found.better or found.later.high < found.earlier.low
    return found if half and apart else None
