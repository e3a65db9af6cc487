"""Put the blocks that a reader found (headings, paragraphs, list lines, rows) together into one text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.readers.contents import Contents
from ingest.readers.sections import Heading, sections_under

LIST_MARK = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """A heading of `level` 1 to 6, or (0) a paragraph, a list line, a row of a table.

    `page` is the page it stands on, from 1, and 0 where there are none; one that `continues` goes on with the sentence of the
    block before it.
    """

    text: str
    level: int = 0
    page: int = 0
    continues: bool = False


def joined(
    blocks: Iterable[Block], *, title: str = "", pages: int = 0, warnings: Iterable[str] = ()
) -> Contents:
    """The blocks as one text, a blank line between any two that are not lines of one list or one sentence; headings as
    Markdown writes them. The title is the one given, else the first heading of the highest level.
    """
    parts: list[str] = []
    headings: list[Heading] = []
    starts: list[int] = []
    length = 0
    before = Block("")
    for block in blocks:
        line = block.text.strip()
        if not line:
            continue
        if block.level:
            line = " ".join(line.split())
        between = _between(before, block) if parts else ""
        start = length + len(between)
        starts += [start] * (block.page - len(starts))
        written = f"{'#' * block.level} {line}" if block.level else line
        if block.level:
            headings.append(Heading(block.level, line, start, start + len(written)))
        parts += [between, written]
        length = start + len(written)
        before = block
    starts += [length] * (pages - len(starts))
    top = min((heading.level for heading in headings), default=0)
    named = next((heading.title for heading in headings if heading.level == top), "")
    text = "".join(parts)
    return Contents(
        text, sections_under(text, headings), title.strip() or named, tuple(starts), tuple(warnings)
    )


def _between(before: Block, block: Block) -> str:
    in_list = before.text.startswith(LIST_MARK) and block.text.startswith(LIST_MARK)
    return "\n" if in_list or block.continues else "\n\n"
