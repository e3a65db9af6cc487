"""Names of people: what the model calls one, what stands where a name stands, and given names, less what is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from coach.privacy.analyzer import Analyzer
from coach.privacy.item import PersonalItem
from coach.privacy.known_names import family_names, given_names
from coach.settings import corpus_folder

_WORD = r"[^\W\d_](?:[\w'’-]*\w)?\.?"
_NAME = rf"(?P<name>{_WORD}(?:[ \t]+{_WORD}){{0,2}})"
# Who is spoken of by name: family, and those one works with.
_ROLES = (
    r"(?:kids?|child|son|daughter|brother|sister|cousin|uncle|aunt|mother|father|mom|mum|dad|wife|husband|boyfriend|girlfriend|fianc[eé]e?"
    r"|friend|neighbou?r|flatmate|boss|manager|supervisor|mentor|coach|colleague|co-?worker|teammate|director|recruiter|interviewer"
    r"|engineer|designer|analyst|scientist|developer|researcher|founder|co-?founder|lawyer|counsel|head|lead|chief|ceo|cto|cpo|cfo)"
)
# Where a name stands for sure, whatever the word: behind a title, or behind who it is the name of.
_SURELY = (
    re.compile(rf"\b(?i:mr|mrs|ms|mx|dr|prof)\b\.?\s+{_NAME}"),
    re.compile(
        rf"\b(?i:my|his|her|our|their|your)\s+(?:[a-z-]+\s+)?(?i:{_ROLES}),?\s+(?=[^\W\d_a-z]){_NAME}"
    ),
    re.compile(
        rf"\b(?i:(?:last|first|maiden|full|middle|my|his|her|partner['’]s)\s+name)(?:['’]s|\s+is|\?|:)?\s+(?=[^\W\d_a-z]){_NAME}"
    ),
)
# Where a name often stands: a salutation, a signature, whom one speaks to, whose relative or colleague it is.
_OFTEN = (
    re.compile(
        rf"\b(?:(?i:call(?:s|ed)?\s+me|dear|hi|hello|sincerely,|regards,|thanks,|name:)|I\s?['’]m|I\s+am)\s+{_NAME}"
    ),
    re.compile(
        rf"(?:^|[.!?]\s+)(?P<name>{_WORD}),\s+(?:can|could|would|will|please|thank|thanks|may|let|do|did|have|are)\b"
    ),
    re.compile(rf"(?<!\w)(?=[^\W\d_a-z])(?P<name>{_WORD}(?:[ \t]+{_WORD})?)['’]s\s+{_ROLES}\b"),
)
_PARTICLES = {
    "de",
    "da",
    "di",
    "del",
    "della",
    "van",
    "von",
    "der",
    "den",
    "bin",
    "al",
    "el",
    "la",
    "le",
    "dos",
    "du",
}
_LONGEST = 4  # words in a name


def find_names(doc: Any, analyzer: Analyzer) -> Iterator[PersonalItem]:
    """The names in `doc`, a text as spaCy has read it; they may overlap. Each further mention of a part of one counts as well."""
    likely = (*_called_people(doc), *_where_names_stand(doc, _OFTEN, analyzer), *_given(doc, analyzer))
    found = [
        *(
            _trimmed(doc, *place)
            for place in _where_names_stand(doc, _SURELY, analyzer)
            if doc[place[0]].text not in _no_names()
        ),
        *(place for place in (_trimmed(doc, *one) for one in likely) if not _is_none(doc, *place, analyzer)),
    ]
    found = [(start, end) for start, end in found if start < end]
    for start, end in (*found, *_mentioned_again(doc, found, analyzer)):
        span = doc[start:end]
        yield PersonalItem("name", span.start_char, span.end_char, span.text)


def _called_people(doc: Any) -> Iterator[tuple[int, int]]:
    for entity in doc.ents:
        if entity.label_ == "PERSON":
            yield entity.start, entity.end


def _where_names_stand(
    doc: Any, patterns: Sequence[re.Pattern[str]], analyzer: Analyzer
) -> Iterator[tuple[int, int]]:
    for match in (match for pattern in patterns for match in pattern.finditer(doc.text)):
        span = doc.char_span(*match.span("name"), alignment_mode="expand")
        end = span.start
        while end < span.end and _is_capital(doc[end]) and not _is_of_the_language(doc[end], analyzer):
            end += 1
        yield span.start, end


def _is_of_the_language(token: Any, analyzer: Analyzer) -> bool:
    return token.tag_ not in {"NNP", "NNPS"} and (token.is_stop or analyzer.is_ordinary(token.text))


def _given(doc: Any, analyzer: Analyzer) -> Iterator[tuple[int, int]]:
    """Runs of names that begin with a given name, or with a word unknown to the language and a family name behind it."""
    for token in doc:
        if token.tag_ != "NNP" or not (
            _is_given_name(token) or _stands_before_a_family_name(token, analyzer)
        ):
            continue
        if doc[max(0, token.i - 1) : token.i + 1].text in _no_names():
            continue  # the second word of "Monte Carlo"
        end = token.i + 1
        while end < len(doc) and end - token.i < _LONGEST and _goes_on(doc, end, analyzer):
            end += 1
        alone = end == token.i + 1
        if not (alone and analyzer.is_ordinary(token.text)):
            yield token.i, end


def _is_given_name(token: Any) -> bool:
    """Whether it is a given name, written as one: not "LoRA"."""
    return token.lower_ in given_names() and token.text[1:].islower()


def _stands_before_a_family_name(token: Any, analyzer: Analyzer) -> bool:
    if token.i + 1 == len(token.doc) or not _is_capital(token) or token.is_upper:
        return False
    following = token.nbor()
    named = following.lower_ in family_names() and _is_capital(following) and not following.is_upper
    return named and not any(
        analyzer.is_ordinary(one.text) or one.text in _no_names() for one in (token, following)
    )


def _goes_on(doc: Any, place: int, analyzer: Analyzer) -> bool:
    """Whether a name goes on here: with a capital, or, after a particle or a name in small letters, without."""
    token = doc[place]
    particle = token.lower_ in _PARTICLES and place + 1 < len(doc) and _is_capital(doc[place + 1])
    small = (
        doc[place - 1].is_lower and token.is_alpha and not (token.is_stop or analyzer.is_ordinary(token.text))
    )
    return (_is_capital(token) and token.tag_ in {"NNP", "NNPS"}) or particle or small


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
    if doc[start:end].text in _no_names() or any(
        character.isdigit() for token in words for character in token.text
    ):
        return True
    return all(_is_no_name(token, analyzer, alone=len(words) == 1) for token in words)


def _is_no_name(token: Any, analyzer: Analyzer, *, alone: bool) -> bool:
    if token.text in _no_names() or (token.is_upper and alone):
        return True
    if _is_given_name(token):
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
def _no_names() -> frozenset[str]:
    """What is no name by itself: words of the guides that came with the coach, and products and methods called like people."""
    corpus = corpus_folder()
    guides = " ".join(path.read_text(encoding="utf-8") for path in sorted((corpus / "guides").glob("*.md")))
    listed = (corpus / "not_names.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(re.findall(r"[^\W_]+", guides)) | {line for line in listed if not line.startswith("#")}
