"""Find the personal data in a text, on this machine: names, mails, phones, addresses, links to profiles, numbers, the user's own words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coach.privacy.addresses import find_addresses
from coach.privacy.analyzer import MISSING_NAMES, Analyzer, is_installed, load_analyzer
from coach.privacy.item import PersonalItem, without_overlap
from coach.privacy.names import find_names
from coach.privacy.patterns import find_patterns

# Characters that the model reads at once: its memory grows with them, and a page has about 3,000.
_PIECE = 20_000


__all__ = ["MISSING_NAMES", "find_personal", "names_are_found", "prepare_to_find"]


def find_personal(text: str, own_words: Sequence[str] = ()) -> tuple[PersonalItem, ...]:
    """The personal data of `text` in its order, none overlapping another. `own_words` are found in whatever case.

    Where the extra `privacy` is not installed (`names_are_found` tells) only what has a form is found: mails, phones, addresses,
    links, own words. The first call loads the model.
    """
    items = [*find_patterns(text, own_words), *find_addresses(text)]
    if names_are_found():
        items += _read_by_the_model(text, load_analyzer())
    return without_overlap(text, items)


def names_are_found() -> bool:
    """Whether names can be found here; loads nothing."""
    return is_installed()


def prepare_to_find() -> None:
    """Load now what the first call of `find_personal` would load, where it is installed."""
    if names_are_found():
        find_personal("Ada")


def _read_by_the_model(text: str, analyzer: Analyzer) -> Iterator[PersonalItem]:
    for start, piece in _pieces(text):
        doc, numbers = analyzer.read(piece)
        for item in (*numbers, *find_names(doc, analyzer)):
            yield PersonalItem(item.kind, start + item.start, start + item.end, item.text)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that end at a paragraph, or else at a space, where there is one: (where it begins, piece)."""
    start = 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        if end < len(text):
            breaks = (text.rfind(mark, start + 1, end) for mark in ("\n\n", "\n", " "))
            end = next((place for place in breaks if place > start), end)
        yield start, text[start:end]
        start = end
