"""Find the weightiest thing that an answer leaves thin: what weighs most is judged first, and judging ends where something is found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby

from coach.critique.evidence import find_evidence, is_touched
from coach.critique.prepare import PreparedDraft
from coach.protocols import Embedder
from coach.types import Criterion, Verdict

# A probability of being met below which nothing else of the same weight is looked at: it is thin enough to ask about at once.
PLAINLY_THIN = 0.15


def find_thin(
    criteria: Sequence[Criterion],
    weights: Callable[[Criterion], float],
    judge: Callable[[Criterion], Verdict],
    prepared: PreparedDraft,
    embedder: Embedder,
    *,
    met: Collection[str] = (),
    passed_over: Collection[str] = (),
) -> tuple[Criterion | None, Mapping[str, Verdict]]:
    """The criterion to ask about, None where nothing is thin, and every verdict that was given on the way.

    `met` are criteria known to be met by what was said before, `passed_over` those already asked about. What is missing comes before what is
    touched on, since the judge is strict with what was said in few words: so fewer follow-ups go astray (bench/interview/README.md). Of
    equal weight it is the one least likely to be met; without a chat model, one of which no word speaks.
    """
    given: dict[str, Verdict] = {}
    touched: list[tuple[float, float, Criterion]] = []
    heaviest_first = sorted(criteria, key=lambda one: -weights(one))
    for weight, tier in groupby(heaviest_first, key=weights):
        open_ones = [one for one in tier if one.id not in met and one.id not in passed_over]
        missing: list[tuple[float, Criterion]] = []
        for criterion in _least_spoken_of_first(open_ones, prepared, embedder):
            verdict = given[criterion.id] = judge(criterion)
            likely = _how_likely_met(verdict, prepared)
            if verdict.level == "missing" or likely == 0.0:
                missing.append((likely, criterion))
            elif verdict.level != "met" and likely < 1.0:
                touched.append((-weight, likely, criterion))
            if likely < PLAINLY_THIN:
                break
        if missing:
            return min(missing, key=lambda one: one[0])[1], given
    return (min(touched, key=lambda one: one[:2])[2] if touched else None), given


def _least_spoken_of_first(
    criteria: Sequence[Criterion], prepared: PreparedDraft, embedder: Embedder
) -> list[Criterion]:
    sentences = [quote.text for quote in prepared.kept]
    if not sentences:
        return list(criteria)
    return sorted(criteria, key=lambda one: find_evidence(one, sentences, embedder).signals["evidence"])


def _how_likely_met(verdict: Verdict, prepared: PreparedDraft) -> float:
    if verdict.probability is not None:
        return verdict.probability
    if verdict.level is not None:
        return float(verdict.level == "met")
    return float(is_touched(verdict.criterion, [quote.text for quote in prepared.kept]))
