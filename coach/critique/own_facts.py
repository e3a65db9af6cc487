"""Compare the draft's figures and employers with the candidate's own documents, and point out what contradicts them, with both places.

Only where both sentences say the same but for that one figure or name: what is left of them without it must be alike as a whole, and one must
cover every word of the other. What speaks of another year, version, group or product is no contradiction, and neither is a figure that any
near sentence of the documents confirms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from coach.critique.inventions import Number, as_written, find_names, find_numbers
from coach.protocols import Embedder, Vectors
from coach.text.words import STOP_WORDS, WORD, content_words
from coach.types import Contradiction, Quote, Statement

# Chosen on the fit pairs of bench/critique/own_facts.jsonl: `python -m bench.critique.own_facts` prints what they give.
SAME = 0.77  # cosine of the two sentences without the figure from which they may say the same
COVERED = 0.45  # cosine of a word to the nearest of the other sentence below which it names something else
CLOSE = 0.05  # share by which a figure may be off and still be the same, rounded
ABOUT = 0.15  # the same where either says "about", or gives it in another unit
LIKELY = 0.4  # cosine of a sentence to the draft's from which it may confirm a figure
COUNTED = 3  # words behind a bare number among which the thing counted is

_SECONDS = {"ms": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}
_SECONDS |= {"month": 2629800.0, "quarter": 7889400.0, "year": 31557600.0}
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_ORDINAL = re.compile(r"\b(?:first|second|third|fourth|fifth|last|\d+(?:st|nd|rd|th)|[qQ][1-4]|[vV]\d+)\b")
# The verbs of what is not, or not yet: what would be done differs from what was.
NOT_YET = re.compile(
    r"\b(?:would|could|should|might|may|will|shall|goal|target)\b|['’](?:d|ll)\b", re.IGNORECASE
)
_ROUGHLY = re.compile(r"\b(?:about|around|roughly|nearly|almost|approximately|some|circa)\W*$|~\s*$", re.I)
_AT_LEAST = re.compile(r"\b(?:more than|over|at least|above)\W*$", re.IGNORECASE)
_AT_MOST = re.compile(r"\b(?:less than|fewer than|under|at most|up to|below)\W*$", re.IGNORECASE)
_CENTS = re.compile(r"\s?cents?\b", re.IGNORECASE)
_MIXED = re.compile(
    r"\b\w+ and an? (?:half|third|quarter)\b", re.IGNORECASE
)  # read as two numbers, which it is not
_EMPLOYED = re.compile(r"\b(?:at|for|with|joined)\s$")

Near = Callable[[str, Vectors], Sequence[Statement]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number made comparable: its kind ("%", "$", "time", "x", "count"), its value in the kind's unit, and the things it may count."""

    kind: str
    value: float
    unit: str
    counted: tuple[str, ...]
    about: bool
    least: bool
    most: bool
    number: Number

    def speaks_of(self, other: Figure) -> bool:
        """Whether both give the same kind of thing."""
        if self.kind != "count":
            return self.kind == other.kind
        heads = {*self.counted[:1], *other.counted[:1]}
        return self.kind == other.kind and bool(heads & {*self.counted} & {*other.counted})

    def agrees(self, other: Figure) -> bool:
        """Whether both may be the same figure, given how exactly each is said."""
        for one, exact in ((self, other), (other, self)):
            if (one.least and exact.value >= one.value) or (one.most and exact.value <= one.value):
                return True
        close = ABOUT if self.about or other.about or self.unit != other.unit else CLOSE
        return abs(self.value - other.value) <= close * max(abs(self.value), abs(other.value))


@dataclass(frozen=True, slots=True)
class _Difference:
    """Where the draft and a document part: the places in each, and the words."""

    ours: tuple[int, int]
    theirs: tuple[int, int]
    said: str
    known: str


def find_contradictions(
    sentences: Sequence[Quote], near: Near, holds: Callable[[str], bool], embedder: Embedder
) -> tuple[Contradiction, ...]:
    """What the candidate's own documents say otherwise, in the order of the draft, at most once a sentence.

    `near` gives the sentences of the documents nearest to a text with its vector, the nearest first, `holds` whether a name stands in them anywhere.
    """
    with_facts = [quote for quote in sentences if _has_facts(quote.text)]
    vectors = embedder.embed([quote.text for quote in with_facts]) if with_facts else ()
    found = (
        _contradiction(quote, near(quote.text, vector), holds, embedder)
        for quote, vector in zip(with_facts, vectors, strict=True)
    )
    return tuple(one for one in found if one is not None)


def _has_facts(text: str) -> bool:
    return bool(find_figures(text)) or bool(find_employers(text))


def _contradiction(
    quote: Quote, statements: Sequence[Statement], holds: Callable[[str], bool], embedder: Embedder
) -> Contradiction | None:
    for statement in statements:
        difference = _difference(quote.text, statement.text, holds)
        if (
            difference is not None
            and not _confirmed(quote.text, difference, statements)
            and _say_the_same(quote.text, statement.text, difference, embedder)
        ):
            return Contradiction(
                quote,
                difference.said,
                difference.known,
                statement.span,
                statement.headings,
                statement.collection,
            )
    return None


def _difference(ours: str, theirs: str, holds: Callable[[str], bool]) -> _Difference | None:
    """The one thing in which two sentences differ that give the same kinds of figures, or name an employer."""
    if _apart(_YEAR, ours, theirs) or _apart(_ORDINAL, ours, theirs):
        return None
    if bool(NOT_YET.search(ours)) != bool(NOT_YET.search(theirs)):
        return None
    mine, other = find_figures(ours), find_figures(theirs)
    pairs = [(one, two) for one in mine for two in other if one.speaks_of(two)]
    differing = [(one, two) for one, two in pairs if not one.agrees(two)]
    if not differing:
        return _other_employer(ours, theirs, holds)
    one, two = differing[0]
    among = [pair for pair in pairs if pair[0].number == one.number or pair[1].number == two.number]
    if len(differing) > 1 or len(among) > 1:  # which of them answers which cannot be told
        return None
    return _Difference(
        (one.number.start, one.number.end),
        (two.number.start, two.number.end),
        as_written(ours, one.number),
        as_written(theirs, two.number),
    )


def _apart(pattern: re.Pattern[str], ours: str, theirs: str) -> bool:
    """Whether both say which year, or which of several, and not the same."""
    mine, other = ({found.casefold() for found in pattern.findall(text.lower())} for text in (ours, theirs))
    return bool(mine) and bool(other) and mine.isdisjoint(other)


def _other_employer(ours: str, theirs: str, holds: Callable[[str], bool]) -> _Difference | None:
    mine, other = find_employers(ours), find_employers(theirs)
    if len(mine) != 1 or len(other) != 1 or holds(mine[0][0]) or mine[0][0] in theirs:
        return None
    (said, *ours_at), (known, *theirs_at) = mine[0], other[0]
    return _Difference((ours_at[0], ours_at[1]), (theirs_at[0], theirs_at[1]), said, known)


def find_employers(text: str) -> list[tuple[str, int, int]]:
    """Names that somebody works at, for or with, each with its start and end."""
    return [name for name in find_names(text) if _EMPLOYED.search(text[: name[1]].lower())]


@lru_cache(maxsize=2048)  # the same sentences of the documents are near to many of the draft
def find_figures(text: str) -> tuple[Figure, ...]:
    """Every number of `text` made comparable, years left out."""
    unread = [match.span() for pattern in (_YEAR, _MIXED) for match in pattern.finditer(text)]
    return tuple(
        _figure(text, number)
        for number in find_numbers(text)
        if not any(start <= number.start and number.end <= end for start, end in unread)
    )


def _figure(text: str, number: Number) -> Figure:
    before = text[: number.start]
    kind, value, unit = number.unit, number.value, number.unit
    if unit in _SECONDS:
        kind, value = "time", value * _SECONDS[unit]
    elif unit == "part":
        kind, value = "%", 100 * value
    elif unit == "$" and _CENTS.match(text, number.end):
        value, unit = value / 100, "cent"
    elif not unit:
        kind = "count"
    return Figure(
        kind,
        value,
        unit,
        tuple(_counted(text[number.end :])) if kind == "count" else (),
        bool(_ROUGHLY.search(before)),
        bool(_AT_LEAST.search(before)),
        bool(_AT_MOST.search(before)),
        number,
    )


def _counted(behind: str) -> Iterator[str]:
    """Stems of the words behind a bare number, up to the first that joins another phrase."""
    clause = re.split(r"[.;:,(]", behind, maxsplit=1)[0]
    for word in list(WORD.finditer(clause))[:COUNTED]:
        if word.group().lower() in STOP_WORDS:
            return
        yield from content_words(word.group())


def _confirmed(ours: str, difference: _Difference, statements: Sequence[Statement]) -> bool:
    """Whether a sentence near by gives the draft's figure after all."""
    said = [figure for figure in find_figures(ours) if figure.number.start == difference.ours[0]]
    return any(
        one.speaks_of(two) and one.agrees(two)
        for one in said
        for statement in statements
        if statement.cosine >= LIKELY
        for two in find_figures(statement.text)
    )


def _say_the_same(ours: str, theirs: str, difference: _Difference, embedder: Embedder) -> bool:
    """Whether two sentences are alike without what they differ in, and one covers every word of the other."""
    mine, other = _without(ours, difference.ours), _without(theirs, difference.theirs)
    first, second = embedder.embed_tokens([mine, other])
    if float(first.own @ second.own) < SAME:
        return False
    cosines = first.vectors @ second.vectors.T
    ours_covered = _worst_covered(mine, first.spans, cosines.max(axis=1, initial=-1.0))
    theirs_covered = _worst_covered(other, second.spans, cosines.max(axis=0, initial=-1.0))
    return max(ours_covered, theirs_covered) >= COVERED


def _without(text: str, place: tuple[int, int]) -> str:
    return f"{text[: place[0]]}some{text[place[1] :]}"


def _worst_covered(text: str, spans: Sequence[tuple[int, int]], nearest: Vectors) -> float:
    """Cosine of the word of `text` that the other covers worst (late interaction: Khattab & Zaharia 2020), of its tokens the mean; 1.0
    without words. `nearest` holds the best cosine of each token, which stand at `spans`."""
    worst = 1.0
    for word in WORD.finditer(text):
        pieces = [n for n, (first, last) in enumerate(spans) if first < word.end() and last > word.start()]
        if pieces and content_words(word.group()) and not find_numbers(word.group()):
            worst = min(worst, float(nearest[pieces].mean()))
    return worst
