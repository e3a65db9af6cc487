"""Move the bound below which the coach refuses, over cases whose right outcome is known: what it then gets wrong, either way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.answer.condense import condense
from coach.answer.resources import Resources
from coach.answer.search import search
from coach.evaluation.cases import Case
from coach.stream import Tracer
from coach.types import COMMITTEE

if TYPE_CHECKING:
    from coach.coach import Coach


@dataclass(frozen=True, slots=True)
class Weighed:
    """A case, how likely the sources answer it (0..1, by the signals that need no chat model), and today's outcome of that."""

    case: Case
    probability: float
    outcome: str


def weigh_cases(coach: Coach, cases: Sequence[Case]) -> Iterator[Weighed]:
    """Each case searched in the bundled article as a question would be; what it asks in parts is as likely as its likeliest."""
    index = coach.index.within({COMMITTEE})
    resources = Resources(
        coach.embedder, index, coach.chosen_model, coach.remembered_sections, coach.settings
    )
    for case in cases:
        found = search(condense(case.question, ()), resources, Tracer())
        evidence = max((part.evidence for part in found.parts), key=lambda one: (one.enough, one.probability))
        yield Weighed(case, evidence.probability, evidence.outcome)
