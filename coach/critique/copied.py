"""Tell a sentence that somebody said before: the rubric, the question, or the draft itself."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache

from coach.text.sentences import split_sentences
from coach.text.words import content_words, numbers, share_covered

_SAME = 0.8  # Jaccard of the stems from which two sentences say the same
_PASTED = 0.7  # share of a sentence's word triples that stand in the texts

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_NEGATION = re.compile(r"\b(?:not|no|never|none|without|nor|neither|cannot)\b|n['’]t\b", re.IGNORECASE)
_OPEN_CHOICE = re.compile(
    r"(?:^|[.!?]\s+)(?:is|are|was|were|do|does|did|would|should|could|can|will|has|have)\b|\bor\b|\bwhether\b"
    r"|\bwhich (?:one|of|model|option|approach|\w+ would you (?:choose|pick|take|use))\b",
    re.IGNORECASE,
)
_SPEAKERS = {"i": "you", "we": "you", "my": "your", "our": "your", "me": "you", "us": "you"}
# What people say around a question they repeat; it adds nothing to it.
_AROUND_A_QUESTION = frozenset(
    content_words(
        "question asked asking ask asks answer answering today here topic about think thinking talk discuss explain describe "
        "tell consider address look start begin first going want try let well so basically interesting important matter "
        "good great thing things try approach come comes need needs restate rephrase understand word words interview "
        "interviewer prompt task subject"
    )
)


class Pasted:
    """Knows the texts a sentence may be pasted from."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._triples: set[tuple[str, ...]] = set()
        self._stems: defaultdict[int, list[frozenset[str]]] = defaultdict(list)
        for text in texts:
            for start, end in split_sentences(text):
                self._triples.update(_triples(text[start:end]))
                stems = frozenset(content_words(text[start:end]))
                self._stems[len(stems)].append(stems)

    def has(self, sentence: str) -> bool:
        triples = _triples(sentence)
        if len(triples) >= 5 and sum(t in self._triples for t in triples) >= _PASTED * len(triples):
            return True
        stems = frozenset(content_words(sentence))
        if len(stems) < 5:
            return False
        sizes = range(
            math.ceil(_SAME * len(stems)), int(len(stems) / _SAME) + 1
        )  # others cannot overlap enough
        return any(_overlap(stems, other) >= _SAME for size in sizes for other in self._stems[size])


@lru_cache(maxsize=4)
def pasted_from(texts: tuple[str, ...]) -> Pasted:
    """Kept between drafts: a rubric is read far more often than it changes."""
    return Pasted(texts)


def _triples(sentence: str) -> list[tuple[str, ...]]:
    words = [word.lower() for word in _WORD.findall(sentence)]
    return list(zip(words, words[1:], words[2:], strict=False))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard, 0..1."""
    return len(one & other) / len(one | other)


def is_echo(sentence: str, question: str) -> bool:
    """Whether `sentence` says the question again and nothing else.

    To a question that leaves a choice ("RAG or fine-tuning?", "Would you launch?") a sentence in its words can
    be the answer: there, only the very words of the question are an echo.
    """
    if _in_a_row(sentence, question):
        return True
    said, asked = set(content_words(sentence)), set(content_words(question))
    if (
        len(said) < 3
        or numbers(sentence) - numbers(question)
        or (_negations(sentence) and not _negations(question))
    ):
        return False
    asks = sentence.rstrip("\"'”) ").endswith("?")
    if _OPEN_CHOICE.search(question) and not asks:
        return False
    new = said - asked - _AROUND_A_QUESTION
    return len(new) <= len(said) // 8 and (asks or _covers(said, question))


def _covers(said: set[str], question: str) -> bool:
    """Whether most of the question, or of one of its sentences, is in what was said."""
    parts = [question, *(question[start:end] for start, end in split_sentences(question))]
    asked = [tuple(set(content_words(part)) - _AROUND_A_QUESTION) for part in parts]
    return any(len(stems) >= 2 and share_covered(stems, said) >= 0.5 for stems in asked)


def _in_a_row(sentence: str, question: str) -> bool:
    """Whether the words of `sentence` stand in the question as they are, "I" and "you" taken for one."""
    said, asked = (
        " ".join(_SPEAKERS.get(word, word) for word in _WORD.findall(one.lower()))
        for one in (sentence, question)
    )
    return said.count(" ") >= 2 and f" {said} " in f" {asked} "


def _negations(sentence: str) -> bool:
    return _NEGATION.search(sentence) is not None


class Seen:
    """The sentences so far, found again by their rarest stems.

    Two sets with a Jaccard of at least `_SAME` must share one of the first few stems in any fixed order (prefix
    filtering, Chaudhuri et al. 2006), so each sentence is compared with few others however long the draft is.
    """

    def __init__(self, frequency: Counter[str]) -> None:
        self._frequency = frequency
        self._exact: Counter[str] = Counter()
        self._by_stem: defaultdict[str, list[tuple[frozenset[str], frozenset[str], bool]]] = defaultdict(list)

    def before(self, sentence: str) -> bool:
        """Whether `sentence` was said already; remembers it if not."""
        words = _WORD.findall(sentence)
        exact = " ".join(words).lower()
        self._exact[exact] += 1
        if self._exact[exact] > (1 if len(words) > 2 else 2):  # a heading ("Risks") may come twice
            return True
        stems = frozenset(content_words(sentence))
        if len(stems) < 4:
            return False  # of so few words each makes a difference
        said = (stems, numbers(sentence), _negations(sentence))
        prefix = sorted(stems, key=lambda stem: (self._frequency[stem], stem))[
            : int(len(stems) * (1 - _SAME)) + 1
        ]
        known = [other for stem in prefix for other in self._by_stem[stem]]
        if any(said[1:] == other[1:] and _overlap(stems, other[0]) >= _SAME for other in known):
            return True
        for stem in prefix:
            self._by_stem[stem].append(said)
        return False
