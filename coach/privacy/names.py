"""Names of people: what the model calls one, what stands where a name stands, and given names, less what is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from coach.privacy.analyzer import Analyzer
from coach.privacy.given_names import given_names
from coach.privacy.item import PersonalItem
from coach.settings import corpus_folder

_WORD = r"[^\W\d_](?:[\w'’-]*\w)?\.?"
# Where a name stands: behind a title, an introduction, a salutation, at the end of a letter.
_NAME_FOLLOWS = re.compile(
    r"\b(?:(?i:mr|mrs|ms|mx|miss|dr|prof|sir)\b\.?|(?i:(?:(?:last|first|maiden|full|real|middle)\s)?name(?:\s+is|\?|:)|call(?:s|ed)?\s+me"
    r"|dear|hi|hello|sincerely,|regards,|my\s+name['’]s)|I\s?['’]m|I\s+am)\s+"
    rf"(?P<name>{_WORD}(?:[ \t]+{_WORD}){{0,2}})"
)
_PARTICLES = {"de", "da", "di", "del", "della", "van", "von", "der", "den", "bin", "al", "el", "la", "le", "dos", "du"}
_LONGEST = 4  # words in a name


def find_names(doc: Any, analyzer: Analyzer) -> Iterator[PersonalItem]:
    """The names in `doc`, a text as spaCy has read it; they may overlap. Each further mention of a part of one counts as well."""
    found = [
        (start, end)
        for start, end in (*_called_people(doc), *_after_a_title(doc), *_given(doc, analyzer))
        for start, end in [_trimmed(doc, start, end)]
        if start < end and not _is_none(doc, start, end, analyzer)
    ]
    for start, end in (*found, *_mentioned_again(doc, found, analyzer)):
        span = doc[start:end]
        yield PersonalItem("name", span.start_char, span.end_char, span.text)


def _called_people(doc: Any) -> Iterator[tuple[int, int]]:
    for entity in doc.ents:
        if entity.label_ == "PERSON":
            yield entity.start, entity.end


def _after_a_title(doc: Any) -> Iterator[tuple[int, int]]:
    for match in _NAME_FOLLOWS.finditer(doc.text):
        span = doc.char_span(*match.span("name"), alignment_mode="expand")
        end = span.start
        while end < span.end and (_is_capital(doc[end]) or doc[end].is_punct):
            end += 1
        yield span.start, end


def _given(doc: Any, analyzer: Analyzer) -> Iterator[tuple[int, int]]:
    """Runs of names that begin with a given name."""
    for token in doc:
        if token.lower_ not in given_names() or token.tag_ != "NNP":
            continue
        end = token.i + 1
        while end < len(doc) and end - token.i < _LONGEST and _goes_on(doc, end):
            end += 1
        alone = end == token.i + 1
        if not (alone and analyzer.is_ordinary(token.text)):
            yield token.i, end


def _goes_on(doc: Any, place: int) -> bool:
    token = doc[place]
    particle = token.lower_ in _PARTICLES and place + 1 < len(doc) and _is_capital(doc[place + 1])
    return (_is_capital(token) and token.tag_ in {"NNP", "NNPS"}) or particle


def _trimmed(doc: Any, start: int, end: int) -> tuple[int, int]:
    """Without what is no word at either side, nor what stands on another line."""
    while start < end and not doc[start].text[0].isalpha():
        start += 1
    breaks = [place for place in range(start, end) if "\n" in doc[place].text]
    end = min([end, *breaks])
    while start < end and (not doc[end - 1].text[0].isalpha() or doc[end - 1].text in {"'s", "’s"}):
        end -= 1
    return start, end


def _is_none(doc: Any, start: int, end: int, analyzer: Analyzer) -> bool:
    """Whether it is no name after all: nothing in it but words of English or of the guides, in capitals or with figures."""
    words = [token for token in doc[start:end] if token.text[0].isalpha()]
    if any(character.isdigit() for token in words for character in token.text):
        return True
    return all(_is_no_name(token, analyzer, alone=len(words) == 1) for token in words)


def _is_no_name(token: Any, analyzer: Analyzer, *, alone: bool) -> bool:
    if token.text in _words_of_the_guides() or (token.is_upper and alone):
        return True
    if token.lower_ in given_names():
        return False
    return not _is_capital(token) or analyzer.is_ordinary(token.text)


def _is_capital(token: Any) -> bool:
    return bool(token.text[:1].isupper())


def _mentioned_again(doc: Any, found: list[tuple[int, int]], analyzer: Analyzer) -> Iterator[tuple[int, int]]:
    parts = {
        token.text
        for start, end in found
        for token in doc[start:end]
        if _is_capital(token) and len(token) > 2 and not _is_no_name(token, analyzer, alone=True)
    }
    for token in doc:
        if token.text in parts:
            yield token.i, token.i + 1


@cache
def _words_of_the_guides() -> frozenset[str]:
    """What stands in a guide that came with the coach is not personal."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((corpus_folder() / "guides").glob("*.md")))
    return frozenset(re.findall(r"[^\W_]+", " ".join(texts)))
