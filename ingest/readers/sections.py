"""Find what stands under each heading of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach.types import Section


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading line of a text: `text[start:end]` is the line without its line break."""

    level: int
    title: str
    start: int
    end: int


def sections_under(text: str, headings: Sequence[Heading], start: int = 0) -> tuple[Section, ...]:
    """The stretches between heading lines, from `start` on, that hold text, each with its heading path."""
    path: list[Heading] = []
    sections = []
    for heading in [*headings, Heading(1, "", len(text), len(text))]:
        if text[start : heading.start].strip():
            titles = tuple(parent.title for parent in path if parent.title)
            sections.append(Section(titles, start, heading.start))
        path = [*(parent for parent in path if parent.level < heading.level), heading]
        start = heading.end
    return tuple(sections)
