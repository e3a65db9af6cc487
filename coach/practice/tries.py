"""Say which verdicts count as tries, and to which round of the interview each belongs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from coach.types import Criterion, Try

# The rounds that the article describes, in their order.
ROUNDS: Mapping[str, str] = {
    "recruiter_screen": "Recruiter screen",
    "hiring_manager_screen": "Hiring manager",
    "product_strategy": "Product strategy",
    "product_design": "Product design",
    "technical_depth": "Technical depth",
    "execution": "Execution",
    "leadership": "Leadership",
}
OTHER = "other"  # the round of a kind that only a rubric of the user's own knows
_ROUND_OF_KIND: Mapping[str, str] = {
    "design": "product_design",
    "strategy": "product_strategy",
    "technical": "technical_depth",
    "execution": "execution",
    "metrics": "execution",
    "behavioural": "leadership",
    "ethics": "leadership",
}


def counted(tries: Iterable[Try], zone: tzinfo | None) -> list[Try]:
    """The tries that say how the candidate does unaided, the earliest first.

    Of the drafts that answer one question on one day (of the time zone `zone`) the first counts: those that follow were written with its
    critique at hand. What nobody could judge is no try; what the judge was unsure of is one whose outcome is open.
    """
    first: dict[tuple[str, str, str, object], Try] = {}
    for one in sorted(tries, key=lambda one: one.at):
        if one.final is not None or one.unsure:
            day = one.at.astimezone(zone).date()
            first.setdefault((one.rubric, one.criterion, one.question, day), one)
    return list(first.values())


def round_of(one: Try, rounds: Mapping[str, str]) -> str:
    """The round in which it was tried: what `rounds` says of its draft's id, else that of the question's kind."""
    return rounds.get(one.draft) or _ROUND_OF_KIND.get(one.kind, OTHER)


def rounds_that_ask(criterion: Criterion) -> frozenset[str]:
    """The rounds whose kinds of question are judged by the criterion."""
    return frozenset(
        _ROUND_OF_KIND.get(kind, OTHER) for kind, weight in criterion.weights.items() if weight > 0
    )


def round_label(name: str) -> str:
    """What a reader calls a round."""
    return ROUNDS.get(name, "Other rounds")
