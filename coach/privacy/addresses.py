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
_SMALL = {"de", "du", "des", "la", "le", "del", "della", "da", "dos", "van", "von", "der", "den", "the", "of", "and", "und", "et", "nan"}
_NUMBERED_STREET = re.compile(r"\b(?:[A-ZÀ-Ž]\w+\s)?[A-ZÀ-Ž]\w{3,}(?:straße|strasse|str\.|straat|gasse|weg|platz|allee|laan|gatan|vej)\s\d{1,4}[a-z]?\b|\b[A-ZÀ-Ž]\w*(?:straße|strasse|straat|gasse|laan|gatan)\s\d{1,4}[a-z]?\b")
_MOST_TOKENS = 16


def find_addresses(text: str) -> Iterator[PersonalItem]:
    """The addresses in `text`; they may overlap."""
    for match in _POSTCODE_SPOKEN_OF.finditer(text):
        yield PersonalItem("address", match.start(1), match.end(1), match.group(1))
    for match in _NUMBERED_STREET.finditer(text):
        yield PersonalItem("address", match.start(), match.end(), match.group())
    tokens = list(_TOKEN.finditer(text))
    place = 0
    while place < len(tokens):
        end = _run(tokens, place, text) if _HOUSE.fullmatch(tokens[place].group()) else place
        if end - place > 1 and _is_address([token.group() for token in tokens[place:end]], text, tokens[place].start()):
            start, stop = tokens[place].start(), _without_full_stop(text, tokens[end - 1].end())
            yield PersonalItem("address", start, stop, text[start:stop])
            place = end
        else:
            place += 1


def _run(tokens: list[re.Match[str]], place: int, text: str) -> int:
    """Where the run of numbers and capitalised words that begins at `place` ends, small words at its end left out."""
    end = last = place
    lower = _in_lower_case(text)
    while end < len(tokens) and end - place < _MOST_TOKENS:
        word = tokens[end].group()
        if end > place and _broken(text[tokens[end - 1].end() : tokens[end].start()], tokens[end - 1].group()):
            break
        if word[0].isupper() or word[0].isdigit() or (lower and word[0].isalpha()):
            last = end + 1
        elif word not in _SMALL and not _STREET_WORD.fullmatch(word):
            break
        elif word not in _SMALL:
            last = end + 1
        end += 1
    return max(last, place)


def _broken(between: str, before: str) -> bool:
    """Whether an address ends here: at a sentence's end or an empty line with none of its own behind it."""
    return between.count("\n") > 2 or ";" in between or (before[-1] in ".!?" and not _STREET_WORD.fullmatch(before) and not before[0].isdigit())


def _is_address(words: list[str], text: str, start: int) -> bool:
    capital = any(word[0].isupper() for word in words) or _in_lower_case(text)
    street = any(_STREET_WORD.fullmatch(word) for word in words[1:])
    spoken_of = _SPOKEN_OF.search(text, max(0, start - 80), start) is not None
    return capital and (street or spoken_of)


def _in_lower_case(text: str) -> bool:
    """Whether the whole text is written without capitals: then they tell nothing."""
    return text == text.lower()


def _without_full_stop(text: str, end: int) -> int:
    return end - 1 if text[end - 1] in ".!?)" else end
