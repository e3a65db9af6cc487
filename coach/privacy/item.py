"""One piece of personal data in a text, and what is done where two of them meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["own word", "email", "profile link", "card", "id number", "phone", "address", "name"]
# Where two overlap, the one that stands first here says what both are: the surer finder comes first.
KINDS: tuple[Kind, ...] = (
    "own word",
    "email",
    "profile link",
    "card",
    "id number",
    "phone",
    "address",
    "name",
)


@dataclass(frozen=True, slots=True)
class PersonalItem:
    """Personal data: `whole[start:end] == text` in the text it was found in."""

    kind: Kind
    start: int
    end: int
    text: str


def without_overlap(whole: str, items: Iterable[PersonalItem]) -> tuple[PersonalItem, ...]:
    """The items of the text `whole` in its order; those that overlap become one that covers them all, so that no part is left bare."""
    settled: list[PersonalItem] = []
    for item in sorted(items, key=lambda item: (item.start, -item.end)):
        if settled and item.start < settled[-1].end:
            last = settled.pop()
            kind = min(last.kind, item.kind, key=KINDS.index)
            end = max(last.end, item.end)
            settled.append(PersonalItem(kind, last.start, end, whole[last.start : end]))
        else:
            settled.append(item)
    return tuple(settled)
