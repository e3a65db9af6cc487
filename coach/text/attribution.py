"""Say whose words a sentence is: what a reader calls a collection and a place in it."""

from __future__ import annotations

from collections.abc import Sequence

from coach.types import COMMITTEE, OWN


def collection_label(collection: str) -> str:
    """What a reader calls it: "The committee's article", "Your documents", "Your job description"."""
    if collection == COMMITTEE:
        return "The committee's article"
    return "Your documents" if collection == OWN else f"Your {collection}"


def named_page(name: str, page: int) -> str:
    """A document with the page that is meant: "cv.pdf, page 3"; its name alone where it has no pages."""
    return f"{name}, page {page}" if page else name


def attribution(collection: str, source: str, headings: Sequence[str], page: int = 0) -> str:
    """Whose words, and where: "The committee's article, Heading", or "Your notes: cv.pdf, page 2, Heading"."""
    place = list(headings[-1:])
    if collection != COMMITTEE:
        place.insert(0, named_page(source.rpartition("/")[2], page))
    joined = ", ".join(place)
    between = ", " if collection == COMMITTEE else ": "
    return f"{collection_label(collection)}{between if joined else ''}{joined}"


def voice_label(collections: Sequence[str]) -> str:
    """Whose words a group of sentences is, by the collections it is cited from; empty for the coach's own words."""
    distinct = tuple(dict.fromkeys(collections))
    if not distinct:
        return ""
    if len(distinct) == 1:
        return collection_label(distinct[0])
    return f"{collection_label(COMMITTEE)} and your documents" if COMMITTEE in distinct else "Your documents"


def searched_label(collections: Sequence[str]) -> str:
    """All that is searched, inside a sentence: "the committee's article and your notes"."""
    labels = [collection_label(collection) for collection in collections]
    lower = [f"{label[0].lower()}{label[1:]}" for label in labels] or ["your documents"]
    return " and ".join([", ".join(lower[:-1]), lower[-1]] if lower[1:] else lower)


def is_own(collections: Sequence[str]) -> bool:
    """Whether any of the words are the user's: then they are not the committee's view."""
    return any(collection != COMMITTEE for collection in collections)


def denied(collections: Sequence[str], verb: str) -> str:
    """That none of all that was searched does it: "The article does not speak", "Neither the article nor your notes speak"."""
    own = [collection for collection in collections if collection != COMMITTEE]
    yours = collection_label(own[0]) if len(own) == 1 else "Your documents"
    if not own:
        return f"The article does not {verb}"
    if COMMITTEE in collections:
        return f"Neither the article nor y{yours[1:]} {_does(yours, verb)}"
    return f"{yours} {'do' if _is_many(yours) else 'does'} not {verb}"


def says(collection: str) -> str:
    """What a word of it begins with: "Your notes say", "Your job description says"."""
    label = collection_label(collection)
    return f"{label} {_does(label, 'say')}"


def _does(label: str, verb: str) -> str:
    return verb if _is_many(label) else f"{verb}s"


def _is_many(label: str) -> bool:
    return label.endswith("s") and not label.endswith("ss")
