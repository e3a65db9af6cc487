"""Tell a sentence that somebody said before: the rubric, the question, or the draft itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz, process

from coach.text.sentences import split_sentences
from coach.text.words import numbers

# Likeness of two sentences, 0..100, from which they say the same; measured in bench/critique/README.md.
_SAME = 85
_ECHO = 80  # lower, as people put words around a question
_PART_OF = 95  # of a stretch of the other: a part that was cut out
_WORDS_OF_A_PART = 6

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_YES_OR_NO = re.compile(r"(?:would|should|could|can|do|does|did|is|are|will|have|has)\b", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|no|never|none|without|nor|neither|cannot)\b|n['’]t\b", re.IGNORECASE)


class Pasted:
    """Knows the texts a sentence may be pasted from."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known = [_plain(text[start:end]) for text in texts for start, end in split_sentences(text)]

    def has(self, sentence: str) -> bool:
        said = _plain(sentence)
        if said.count(" ") < _WORDS_OF_A_PART - 1:
            return False
        return _is_among(said, self._known) or _is_part(said, self._known)


@lru_cache(maxsize=4)
def pasted_from(texts: tuple[str, ...]) -> Pasted:
    """Kept between drafts: a rubric is read far more often than it changes."""
    return Pasted(texts)


def is_echo(sentence: str, question: str) -> bool:
    """Whether `sentence` says the question, or one sentence of it, again and nothing else.

    "I would launch it." answers "Would you launch it?"; to such a question only a question is an echo.
    """
    if numbers(sentence) - numbers(question) or _denies(sentence) != _denies(question):
        return False
    if _YES_OR_NO.match(question) and not sentence.rstrip("\"'”) ").endswith("?"):
        return False
    said = _plain(sentence)
    asked = [_plain(question), *(_plain(question[start:end]) for start, end in split_sentences(question))]
    if said.count(" ") < 2:
        return False
    return any(fuzz.ratio(said, one) >= _ECHO for one in asked) or _is_part(said, asked)


class Seen:
    """The sentences so far."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._longer: dict[tuple[frozenset[str], bool], list[str]] = {}

    def before(self, sentence: str) -> bool:
        """Whether `sentence` was said already, with the same numbers and as much a denial; remembers it if not."""
        said = _plain(sentence)
        words = said.count(" ") + 1
        self._times[said] += 1
        if self._times[said] > (1 if words > 2 else 2):  # a heading ("Risks") may come twice
            return True
        known = self._longer.setdefault((numbers(sentence), _denies(sentence)), [])
        if words < _WORDS_OF_A_PART:
            return False  # of so few words each makes a difference
        if _is_among(said, known):
            return True
        known.append(said)
        return False


def _plain(sentence: str) -> str:
    return " ".join(_WORD.findall(sentence.lower()))


def _is_among(said: str, known: list[str]) -> bool:
    """Whether one of `known` says the same, in whatever order."""
    return process.extractOne(said, known, scorer=fuzz.token_sort_ratio, score_cutoff=_SAME) is not None


def _is_part(said: str, known: list[str]) -> bool:
    longer = [one for one in known if len(one) > len(said)]
    return process.extractOne(said, longer, scorer=fuzz.partial_ratio, score_cutoff=_PART_OF) is not None


def _denies(sentence: str) -> bool:
    return _NEGATION.search(sentence) is not None
