"""Find the sections of a document: what stands under one heading."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coach.types import Document, Passage

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """The text under one heading, without the heading itself: `document.text[start:end] == text`."""

    source: str
    headings: tuple[str, ...]
    start: int
    end: int
    text: str

    def holds(self, passage: Passage) -> bool:
        """Whether the passage stands inside this section."""
        return self.source == passage.source and self.start <= passage.chunk.start < self.end


def split_sections(document: Document) -> tuple[Section, ...]:
    """Sections with text in them, in order. A document without headings is one section."""
    marks = list(_HEADING.finditer(document.text))
    bounds = [(0, 0, marks[0].start() if marks else len(document.text), "")]
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(document.text)
        bounds.append((len(mark.group(1)), mark.end(), end, mark.group(2)))
    path: dict[int, str] = {}
    sections = []
    for level, start, end, heading in bounds:
        path = {depth: title for depth, title in path.items() if depth < level}
        if heading:
            path[level] = heading
        whole = document.text[start:end]
        text = whole.strip()
        if text:
            first = start + len(whole) - len(whole.lstrip())
            headings = tuple(path[depth] for depth in sorted(path)) or (document.title,)
            sections.append(Section(document.source, headings, first, first + len(text), text))
    return tuple(sections)
