"""Draw a draft with the words that carry each verdict marked: coloured, numbered, and linked both ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from coach.critique.report import SET_ASIDE
from coach.types import Criterion, Quote, Verdict
from coach.ui.format import escaped

GROUP_COLOURS = 8  # the stylesheet has so many; a rubric with more groups uses them again
SHOWN_DRAFT_CHARACTERS = 40_000  # some 15 pages; a pasted book must not choke the page

_LAST_WORD = re.compile(r"\S{1,30}\Z")  # a longer one must be free to break


@dataclass(frozen=True, slots=True)
class Place:
    """Where a criterion stands: its number on the page, and the colour of its group (both from 1)."""

    number: int
    colour: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of the draft that is marked alike: by whose quotes, and whose of them begin or end here."""

    text: str
    numbers: tuple[int, ...]
    begins: tuple[tuple[int, int], ...]
    ends: tuple[int, ...]
    added: bool
    aside: bool


def places(criteria: Iterable[Criterion]) -> dict[str, Place]:
    """Number the criteria as they come, and give every group its colour."""
    colours: dict[str, int] = {}
    numbered = {}
    for number, criterion in enumerate(criteria, start=1):
        colour = colours.setdefault(criterion.group, len(colours) % GROUP_COLOURS + 1)
        numbered[criterion.id] = Place(number, colour)
    return numbered


def verdict_id(key: str, number: int) -> str:
    """The id of a verdict's card, for links to it."""
    return f"coach-verdict-{key}-{number}"


def quote_id(key: str, number: int, order: int) -> str:
    """The id of the place in the draft where a verdict's quote begins."""
    return f"coach-quote-{key}-{number}-{order}"


def marked_draft_html(
    draft: str,
    verdicts: Sequence[Verdict],
    placed: Mapping[str, Place],
    key: str,
    *,
    added: Sequence[Quote] = (),
    set_aside: Sequence[Quote] = (),
) -> str:
    """The draft as its writer wrote it. Behind each quote stand the numbers of its verdicts, as links."""
    shown = draft[:SHOWN_DRAFT_CHARACTERS]
    named = {placed[verdict.criterion.id].number: verdict for verdict in verdicts}
    colours = {place.number: place.colour for place in placed.values()}
    quotes = {number: found_in(shown, verdict.quotes) for number, verdict in named.items()}
    pieces = _pieces(shown, quotes, found_in(shown, added), found_in(shown, set_aside))
    body = "".join(_piece_html(piece, named, colours, key) for piece in pieces)
    rest = len(draft) - len(shown)
    more = f'<p class="coach-note">… and {rest:,} more characters</p>' if rest > 0 else ""
    return f'<div class="coach-marked">{body}</div>{more}'


def found_in(draft: str, quotes: Iterable[Quote]) -> list[Quote]:
    """The quotes that are in the draft word for word, moved to where they stand in this draft.

    While verdicts still arrive the draft on the page is the one that was typed, and the quotes count in
    the cleaned one.
    """
    found = []
    for quote in quotes:
        if draft[quote.start : quote.end] == quote.text:
            found.append(quote)
        elif quote.text and (start := draft.find(quote.text)) >= 0:
            found.append(Quote(quote.text, start, start + len(quote.text)))
    return found


def legend_html(verdicts: Sequence[Verdict], placed: Mapping[str, Place], *, added: bool, aside: bool) -> str:
    """What each colour stands for, with the numbers of its verdicts."""
    groups: dict[tuple[int, str], list[int]] = {}
    for verdict in verdicts:
        if verdict.quotes:
            place = placed[verdict.criterion.id]
            groups.setdefault((place.colour, verdict.criterion.group), []).append(place.number)
    lines = [
        f'<li class="coach-group-{colour}"><span class="coach-swatch" aria-hidden="true"></span>'
        f'<span>{escaped(group)} <span class="coach-figures">({_listed(numbers)})</span></span></li>'
        for (colour, group), numbers in groups.items()
    ]
    if added:
        lines.append('<li><span><ins class="coach-added">Underlined</ins>: new in this draft</span></li>')
    if aside:
        lines.append(f'<li><span><s class="coach-aside">Struck out</s>: {SET_ASIDE.lower()}</span></li>')
    return f'<ul class="coach-legend" aria-label="What the marks mean">{"".join(lines)}</ul>' if lines else ""


def links_style(scope: str, numbers: Iterable[int]) -> str:
    """Rules that light up a verdict with its quotes, and its quotes with the verdict.

    A style can only compare with what it names, hence one rule for each number. `scope` is the class of
    the element that holds the draft and the verdicts.
    """
    states = (":hover", ":focus-within", ":target")
    rules = (
        f".{scope}:has({', '.join(f'.coach-n-{number}{state}' for state in states)}) .coach-n-{number} "
        "{ --coach-lit: var(--coach-group-line); }"
        for number in numbers
    )
    return f"<style>{' '.join(rules)}</style>"


def _pieces(
    draft: str, quotes: Mapping[int, Sequence[Quote]], added: Sequence[Quote], aside: Sequence[Quote]
) -> Iterable[_Piece]:
    every = [quote for several in quotes.values() for quote in several] + [*added, *aside]
    edges = sorted({0, len(draft), *(q.start for q in every), *(q.end for q in every)})
    numbered = [
        (number, order, quote)
        for number, several in sorted(quotes.items())
        for order, quote in enumerate(several, 1)
    ]
    for start, end in pairwise(edges):
        covering = (number for number, _, quote in numbered if quote.start <= start and end <= quote.end)
        yield _Piece(
            text=draft[start:end],
            numbers=tuple(dict.fromkeys(covering)),
            begins=tuple((number, order) for number, order, quote in numbered if quote.start == start),
            ends=tuple(dict.fromkeys(number for number, _, quote in numbered if quote.end == end)),
            added=any(quote.start <= start and end <= quote.end for quote in added),
            aside=any(quote.start <= start and end <= quote.end for quote in aside),
        )


def _piece_html(piece: _Piece, named: Mapping[int, Verdict], colours: Mapping[int, int], key: str) -> str:
    anchors = "".join(
        f'<span id="{quote_id(key, number, order)}" class="coach-anchor coach-group-{colours[number]} '
        f'coach-n-{number}" tabindex="-1"></span>'
        for number, order in piece.begins
    )
    if not piece.ends:
        return anchors + _words_html(piece.text, piece, colours, key)
    # The numbers stay on the line of the word they stand behind.
    chips = "".join(_chip(number, named[number], colours, key) for number in piece.ends)
    last = _LAST_WORD.search(piece.text)
    cut = last.start() if last else len(piece.text)
    together = f"{_words_html(piece.text[cut:], piece, colours, key)}{chips}"
    return (
        f"{anchors}{_words_html(piece.text[:cut], piece, colours, key)}"
        f'<span class="coach-together">{together}</span>'
    )


def _words_html(words: str, piece: _Piece, colours: Mapping[int, int], key: str) -> str:
    text = escaped(words)
    if not words:
        return ""
    if piece.aside:
        text = f'<s class="coach-aside">{text}</s>'
    if piece.added:
        text = f'<ins class="coach-added">{text}</ins>'
    if not piece.numbers:
        return text
    first = piece.numbers[0]
    classes = " ".join(f"coach-n-{number}" for number in piece.numbers)
    # The numbers behind the quote are the links for the keyboard; its words are the larger target for a finger.
    return (
        f'<mark class="coach-quoted coach-group-{colours[first]} {classes}">'
        f'<a href="#{verdict_id(key, first)}" tabindex="-1">{text}</a></mark>'
    )


def _chip(number: int, verdict: Verdict, colours: Mapping[int, int], key: str) -> str:
    label = f"{number}, {escaped(verdict.criterion.name)}. Go to the verdict."
    return (
        f'<a class="coach-chip coach-number-link coach-group-{colours[number]} coach-n-{number}" '
        f'href="#{verdict_id(key, number)}" aria-label="{label}">{number}</a>'
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
