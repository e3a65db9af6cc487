"""Find the sentences of a text, with their exact places."""

from __future__ import annotations

import re

# A full stop after these does not end a sentence (Kiss & Strunk 2006 call them ordinary abbreviations).
_ABBREVIATIONS = frozenset(
    [
        "e.g",
        "i.e",
        "vs",
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "sr",
        "jr",
        "st",
        "no",
        "fig",
        "figs",
        "eq",
        "al",
        "etc",
        "cf",
        "approx",
        "inc",
        "ltd",
        "co",
        "corp",
        "dept",
        "est",
        "u.s",
        "u.k",
        "a.m",
        "p.m",
    ]
)
_BREAK = re.compile(
    r"""
    (?:[.!?…]+["'”’)\]]*(?=\s))      # closing punctuation, quotes, then space
    | (?:[ \t]*\n[ \t]*\n\s*)        # a blank line
    | (?:[ \t]*\n(?=[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]))   # the next list line
    """,
    re.VERBOSE,
)
_LAST_WORD = re.compile(r"([\w.]+)[.]$")
_BULLET = re.compile(r"(?:[-*+•]|\d{1,3}[.)])[ \t]+|#{1,6}[ \t]+|>[ \t]?")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence of `text`, in order, without list markers or outer white space.

    Spans never overlap; a span is never empty. A line break inside a paragraph does not end a
    sentence; a blank line or the next list line does.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if not match.group().isspace() and _continues(text, start, match.start(), match.end()):
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def _continues(text: str, start: int, stop: int, end: int) -> bool:
    """Whether the full stop at `stop` belongs to an abbreviation, an initial or a number."""
    if text[stop] != "." or end - stop > 1 or text[stop - 1 : stop].isspace():
        return False  # a full stop set apart by a space, as in tokenised text, ends a sentence
    rest = text[end:].lstrip()
    last = _LAST_WORD.search(text, max(start, end - 20), end)
    word = last.group(1).lower() if last else ""
    if word in _ABBREVIATIONS:
        return True
    if len(word) == 1 and word.isalpha() and word != "i":
        return True
    if word.isdigit() and not text[start : end - len(word) - 1].strip():
        return True  # "1." at the start of a line is a list number
    return bool(rest) and rest[0].islower()


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while (bullet := _BULLET.match(text, start, end)) is not None:
        start = bullet.end()
    while start < end and text[end - 1].isspace():
        end -= 1
    if any(character.isalnum() for character in text[start:end]):
        spans.append((start, end))
