"""Read Markdown, and plain text, whose `#` lines are headings too."""

from __future__ import annotations

import re

from coach.text.encoding import decoded, what_it_is
from ingest.readers.contents import Contents, UnreadableError
from ingest.readers.sections import Heading, sections_under

_FENCE_OR_HEADING = re.compile(r"^ {0,3}(?:(`{3,}|~{3,})(.*)|(#{1,6})(?:[ \t]+(.*))?)$", re.MULTILINE)
# Fields between two lines of dashes at the very beginning, as site generators write them (Jekyll, Hugo).
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:[\w-]+:.*\n|[ \t]+.*\n|-[ \t].*\n|\n)*---[ \t]*(?:\n|\Z)")


def read(content: bytes) -> Contents:
    """The text of the file, its line ends as `\\n` and otherwise exact, with its sections."""
    text = decoded(content)
    if text is None:
        raise UnreadableError(what_it_is(content))
    return parse(text.replace("\r\n", "\n").replace("\r", "\n"))


def parse(text: str) -> Contents:
    """The text with its sections, and its first top heading as the title; the fields about the page at its top
    ("layout: post") belong to no section."""
    headings = find_headings(text)
    titles = (heading.title for heading in headings if heading.level == 1 and heading.title)
    front_matter = _FRONT_MATTER.match(text)
    start = front_matter.end() if front_matter else 0
    inside = [heading for heading in headings if heading.start >= start]
    return Contents(text, sections_under(text, inside, start), next(titles, ""))


def find_headings(text: str) -> list[Heading]:
    """The `#` lines of a Markdown text that are not inside a code fence, in order."""
    headings = []
    fence = ""
    for match in _FENCE_OR_HEADING.finditer(text):
        ticks, after, hashes, title = match.groups()
        if ticks:
            fence = fence_after(fence, ticks, after)
        elif not fence:
            title = re.sub(r"(?:^|[ \t])#+[ \t]*$", "", title or "").strip()
            headings.append(Heading(len(hashes), title, match.start(), match.end()))
    return headings


def fence_after(fence: str, ticks: str, after: str) -> str:
    """The open fence once a fence line was read; empty when none is open (CommonMark 0.31, section 4.5)."""
    if not fence:
        return "" if ticks[0] == "`" and "`" in after else ticks
    closes = ticks[0] == fence[0] and len(ticks) >= len(fence) and not after.strip()
    return "" if closes else fence
