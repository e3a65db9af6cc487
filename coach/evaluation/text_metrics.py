"""Compare texts by their words: ROUGE, and perplexity, each with a sentence on what it can tell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")

WHAT_THEY_TELL = {
    "rouge": "ROUGE counts words (1), word pairs (2) and the longest common order of words (L) that the reply "
    "shares with the text of the section the answer stands in: it shows a reply that drifts away from its source, "
    "but it knows no meaning, so a true paraphrase scores low and a wrong number inside copied words scores high.",
    "perplexity": "Perplexity is how surprised the model is by a text, from its log-probabilities: it shows fluent "
    "against garbled text under one and the same model, says nothing about truth, and cannot be compared between "
    "models with other vocabularies.",
}


@dataclass(frozen=True, slots=True)
class Overlap:
    """Share of the reference found, share of the candidate that is in it, and their harmonic mean."""

    recall: float
    precision: float

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both else 0.0


def rouge_n(candidate: str, reference: str, size: int = 1) -> Overlap:
    """ROUGE-N (Lin 2004): runs of `size` words in common, each counted as often as both texts have it.

    Words are runs of letters and digits in lower case; nothing is stemmed. Either text without such a run gives 0.
    """
    said, wanted = _runs(candidate, size), _runs(reference, size)
    return _overlap((said & wanted).total(), said.total(), wanted.total())


def rouge_l(candidate: str, reference: str) -> Overlap:
    """ROUGE-L (Lin 2004): length of the longest common subsequence of words, over the whole texts."""
    said, wanted = words(candidate), words(reference)
    return _overlap(_longest_common(said, wanted), len(said), len(wanted))


def perplexity(log_probabilities: Sequence[float]) -> float:
    """exp(-mean) of the natural log-probabilities of a text's tokens (Jelinek et al. 1977); 1.0 is the least.

    Raises ValueError for no tokens.
    """
    if not log_probabilities:
        raise ValueError("A text without tokens has no perplexity.")
    return math.exp(-sum(log_probabilities) / len(log_probabilities))


def words(text: str) -> list[str]:
    """Runs of letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def _runs(text: str, size: int) -> Counter[tuple[str, ...]]:
    found = words(text)
    return Counter(tuple(found[place : place + size]) for place in range(len(found) - size + 1))


def _overlap(common: int, said: int, wanted: int) -> Overlap:
    return Overlap(common / wanted if wanted else 0.0, common / said if said else 0.0)


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, one row of the table at a time."""
    row = [0] * (len(second) + 1)
    for word in first:
        corner = 0
        for place, other in enumerate(second, 1):
            above = row[place]
            row[place] = corner + 1 if word == other else max(above, row[place - 1])
            corner = above
    return row[-1]
