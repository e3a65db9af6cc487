"""Mend misspelt words of a question that the sources spell otherwise."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from coach.text.words import STOP_WORDS

SHORTEST = 4  # letters: nearly every string of three is one letter away from a word
TWO_SLIPS_FROM = 8  # letters from which two slips still leave a word recognisable

# How people type words of which no letters are left to compare.
_TYPED = {
    "r": "are",
    "u": "you",
    "ur": "your",
    "pls": "please",
    "plz": "please",
    "cuz": "because",
    "teh": "the",
}
_BRITISH = (("is", "iz"), ("ys", "yz"), ("our", "or"), ("ll", "l"), ("tre", "ter"), ("ogue", "og"))
_WHY = re.compile(r"^y(?=\s+\w+)", re.IGNORECASE)
_WORD = re.compile(r"(?<![\w.@/-])[^\W\d_]+(?:['’][^\W\d_]+)?(?![\w@/-])")


def mend_spelling(question: str, vocabulary: frozenset[str]) -> str:
    """`question` with each word that is no English word replaced by the one of `vocabulary` it was meant for.

    A word is meant for another one slip away (a letter too many, too few, wrong, or two changed about: Damerau 1964),
    two in long words. Names (a capital inside the question), short words and words with no such neighbour stay.
    `vocabulary` is in lower case.
    """
    return _WORD.sub(
        lambda match: _meant(match[0], vocabulary, is_first=match.start() == 0) or match[0],
        _WHY.sub("why", question),
    )


def _meant(word: str, vocabulary: frozenset[str], *, is_first: bool) -> str | None:
    lower = word.lower()
    if lower in _TYPED and word == lower:
        return _TYPED[lower]
    if len(word) < SHORTEST or (word != lower and not (is_first and word[1:] == lower[1:])):
        return None
    if lower in STOP_WORDS or _is_word(lower, vocabulary):
        return None
    slips = 2 if len(lower) >= TWO_SLIPS_FROM else 1
    near = _neighbours(vocabulary, slips).candidates(lower) or ()
    return min(
        (other for other in near if other != lower), key=lambda other: _oddness(lower, other), default=None
    )


def _is_word(word: str, vocabulary: frozenset[str]) -> bool:
    """Whether it is one as it stands, with another ending ("roadmaps"), a prefix ("reranking") or British ("analyse")."""
    word = word.replace("’", "'")
    forms = [word, f"{word}s", *(word.removesuffix(ending) for ending in ("'s", "s", "ed", "ing"))]
    forms += [word.removeprefix(prefix) for prefix in ("pre", "post", "re", "un", "non", "multi", "fine")]
    forms += [word.replace(british, american) for british, american in _BRITISH]
    return any(form in vocabulary or form in _english() for form in forms)


def _oddness(word: str, other: str) -> tuple[bool, bool, int, str]:
    """The first letter is rarely wrong (Pollock and Zamora 1984) and a letter is most often left out; then the
    more alike in length; then the alphabet."""
    letters = iter(other)
    return (
        other[0] != word[0],
        not all(letter in letters for letter in word),
        abs(len(other) - len(word)),
        other,
    )


@lru_cache(maxsize=1)
def _english() -> Any:
    from spellchecker import SpellChecker

    return SpellChecker(language="en", distance=1)


@lru_cache(maxsize=4)
def _neighbours(vocabulary: frozenset[str], slips: int) -> Any:
    from spellchecker import SpellChecker

    checker = SpellChecker(language=None, distance=slips)
    checker.word_frequency.load_words(word for word in vocabulary if len(word) >= SHORTEST - 1)
    return checker
