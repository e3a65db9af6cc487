"""Find the weightiest thing that an answer leaves thin: what weighs most is judged first, and judging ends where something is found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby

from coach.critique.evidence import is_touched
from coach.critique.prepare import PreparedDraft
from coach.types import Criterion, Verdict


def find_thin(
    criteria: Sequence[Criterion],
    weights: Callable[[Criterion], float],
    judge: Callable[[Criterion], Verdict],
    prepared: PreparedDraft,
    *,
    met: Collection[str] = (),
    passed_over: Collection[str] = (),
) -> tuple[Criterion | None, Mapping[str, Verdict]]:
    """The criterion to ask about, None where nothing is thin, and every verdict that was given on the way.

    `met` are criteria known to be met by what was said before, `passed_over` those already asked about. Of equal weight it is the one
    least likely to be met; where nobody judges, one of which no word speaks.
    """
    given: dict[str, Verdict] = {}
    for _, tier in groupby(sorted(criteria, key=weights, reverse=True), key=weights):
        thin: list[tuple[float, Criterion]] = []
        for criterion in tier:
            if criterion.id in met or criterion.id in passed_over:
                continue
            verdict = given[criterion.id] = judge(criterion)
            likely = _how_likely_met(verdict, prepared)
            if verdict.level != "met" and likely < 1.0:
                thin.append((likely, criterion))
        if thin:
            return min(thin, key=lambda one: one[0])[1], given
    return None, given


def _how_likely_met(verdict: Verdict, prepared: PreparedDraft) -> float:
    if verdict.probability is not None:
        return verdict.probability
    return float(is_touched(verdict.criterion, [quote.text for quote in prepared.kept]))
