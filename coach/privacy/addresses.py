"""Postal addresses: a house number with capitalised words, where the name of a street or the words before it say what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coach.privacy.item import PersonalItem

_TOKEN = re.compile(r"[^\s,;]+")
_HOUSE = re.compile(r"\d{1,5}[A-Za-z]?[.,]?")
_POSTCODE_SPOKEN_OF = re.compile(
    r"\b(?:zip(?:\s?code)?|postcode|postal code|plz)\b\W{0,4}(\d[\w-]{3,9}|[A-Z]{1,2}\d\w?\s?\d[A-Z]{2})",
    re.IGNORECASE,
)
_STREET_WORD = re.compile(
    r"(?:street|st|road|rd|avenue|ave|av|lane|ln|drive|dr|boulevard|blvd|court|terrace|place|pl|crescent|parkway|pkwy|highway|hwy|square|sq|quay"
    r"|rue|via|calle|avenida|plaza|piazza|chemin|rua|ulica|ul|rkp|utca|útja|út|gürtel|tér"
    r"|apt|apartment|suite|flat|unit|p\.?o\.?\sbox"
    r"|\w{3,}(?:straße|strasse|str|straat|gasse|weg|platz|allee|laan|plein|gatan|gata|vej|vägen|katu))\.?",
    re.IGNORECASE,
)
_SPOKEN_OF = re.compile(
    r"\b(?:address(?:es)?|lives?|lived|living|located|return\sto|reside[sd]?|moved\sto|deliver(?:ed)?\sto|mail(?:ed)?\sto|sent?\sto"
    r"|(?:is|are|be)\s(?:at|on))\b(?P<between>[^\d.!?]{0,40})\Z",
    re.IGNORECASE,
)
_SMALL = {
    "de",
    "du",
    "des",
    "la",
    "le",
    "del",
    "della",
    "da",
    "dos",
    "van",
    "von",
    "der",
    "den",
    "the",
    "of",
    "and",
    "und",
    "et",
    "nan",
}
_MOST_TOKENS = 16


def find_addresses(text: str) -> Iterator[PersonalItem]:
    """The addresses in `text`; they may overlap."""
    for match in _POSTCODE_SPOKEN_OF.finditer(text):
        yield PersonalItem("address", match.start(1), match.end(1), match.group(1))
    tokens = list(_TOKEN.finditer(text))
    place = 0
    while place < len(tokens):
        end = _run(tokens, place, text) if _may_begin(tokens, place) else place
        if end - place > 1 and _is_address(
            [token.group() for token in tokens[place:end]], text, tokens[place].start()
        ):
            start, stop = tokens[place].start(), _without_full_stop(text, tokens[end - 1].end())
            yield PersonalItem("address", start, stop, text[start:stop])
            place = end
        else:
            place += 1


def _may_begin(tokens: list[re.Match[str]], place: int) -> bool:
    """Whether an address may begin here: with a number, or with a street that its number follows ("Hauptstraße 5")."""
    word = tokens[place].group()
    street = word[0].isupper() and len(word) > 6 and _STREET_WORD.fullmatch(word) is not None
    numbered = place + 1 < len(tokens) and _HOUSE.fullmatch(tokens[place + 1].group()) is not None
    return _HOUSE.fullmatch(word) is not None or (street and numbered)


def _run(tokens: list[re.Match[str]], place: int, text: str) -> int:
    """Where the run of numbers and capitalised words that begins at `place` ends, small words at its end left out."""
    end = last = place
    lower = _in_lower_case(text)
    while end < len(tokens) and end - place < _MOST_TOKENS:
        word = tokens[end].group()
        between = text[tokens[end - 1].end() : tokens[end].start()] if end > place else ""
        if end > place and _broken(tokens[end - 1].group(), between, word):
            break
        if word[0].isupper() or word[0].isdigit() or (lower and word[0].isalpha()):
            last = end + 1
        elif word not in _SMALL and not _STREET_WORD.fullmatch(word):
            break
        elif word not in _SMALL:
            last = end + 1
        end += 1
    return max(last, place)


def _broken(before: str, between: str, word: str) -> bool:
    """Whether an address ends between two of its words: at an empty line or two, and at a full stop that is no abbreviation's."""
    if between.count("\n") > 2 or ";" in between:
        return True
    if before[-1] not in ".!?":
        return False
    short = len(before) <= 5 and (
        _STREET_WORD.fullmatch(before) is not None or before[:-1].isdigit() or len(before) == 2
    )
    goes_on = "\n" not in between or word[0].isdigit() or _STREET_WORD.fullmatch(word) is not None
    return not (short and goes_on)


def _is_address(words: list[str], text: str, start: int) -> bool:
    capital = any(word[0].isupper() for word in words) or _in_lower_case(text)
    street = any(_STREET_WORD.fullmatch(word) for word in words)
    spoken_of = _SPOKEN_OF.search(text, max(0, start - 80), start) is not None
    return capital and (street or spoken_of)


def _in_lower_case(text: str) -> bool:
    """Whether the whole text is written without capitals: then they tell nothing."""
    return text == text.lower()


def _without_full_stop(text: str, end: int) -> int:
    return end - 1 if text[end - 1] in ".!?)" else end
