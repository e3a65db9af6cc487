"""Measure how near the words of a question come to the tokens of the sentences found: late interaction.

Each content word of the question looks for its nearest token (Khattab & Zaharia 2020, arXiv:2004.12832), by the embedder's own token
vectors. A word weighs what it says about the topic: little where many questions have it ("tell", "important", "committee").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from coach.answer.coefficients import coefficients
from coach.protocols import Embedder, Vectors
from coach.text.words import STOP_WORDS, WORD, content_words

HEAVY = 0.55  # weight from which a word names the topic rather than the wish
TOPIC_WORDS = 2  # words that weigh, up to which a question names a topic and no more


@dataclass(frozen=True, slots=True)
class Coverage:
    """The content words of a question with their weights, 0..1, whether each stands right behind the one before, and cosines
    of shape (words, texts): of each word to the nearest token of each text."""

    words: tuple[str, ...]
    weights: tuple[float, ...]
    follows: tuple[bool, ...]
    cosines: Vectors

    @property
    def heavy(self) -> list[int]:
        """Places of the words that name the topic."""
        return [place for place, weight in enumerate(self.weights) if weight >= HEAVY]

    @property
    def is_topic(self) -> bool:
        """Whether the question names a topic and asks nothing particular about it."""
        return names_topic(len(self.heavy))

    def worst(self) -> Vectors:
        """For each text the cosine of its worst covered word that weighs, of any where none does; 1.0 without words."""
        rows = self.cosines[self.heavy] if self.heavy else self.cosines
        return rows.min(axis=0) if len(rows) else np.ones(self.cosines.shape[1], dtype=np.float32)

    def together(self) -> Coverage:
        """The same words against all texts as one."""
        return replace(self, cosines=self.cosines.max(axis=1, keepdims=True, initial=-1.0))

    def mean(self) -> Vectors:
        """For each text the mean cosine of the words, by weight; 1.0 without words."""
        total = sum(self.weights)
        if not total:
            return np.ones(self.cosines.shape[1], dtype=np.float32)
        averaged: Vectors = np.asarray(self.weights, dtype=np.float32) @ self.cosines / total
        return averaged

    def uncovered(self, below: float, is_known: Callable[[str], bool] = lambda word: False) -> str:
        """The words that weigh, that no text comes near and that are not known to stand elsewhere, quoted as they stand in the
        question: those that stand side by side as one."""
        best = self.cosines.max(axis=1, initial=-1.0)
        runs: list[list[int]] = []
        for place in self.heavy:
            if best[place] >= below or is_known(self.words[place]):
                continue
            if self.words[place] in {self.words[p] for run in runs for p in run}:
                continue
            if runs and runs[-1][-1] == place - 1 and self.follows[place]:
                runs[-1].append(place)
            else:
                runs.append([place])
        quoted = [f"“{' '.join(self.words[place] for place in run)}”" for run in runs]
        return " and ".join(quoted)


def cover(question: str, texts: Sequence[str], embedder: Embedder) -> Coverage:
    """How well each of `texts` covers each content word of the question."""
    asked, *found = embedder.embed_tokens([question, *texts])
    words, follows, rows = [], [], []
    end = 0  # of the last content word
    nearest = np.stack([_nearest(asked.vectors, text.vectors) for text in found], axis=1) if found else None
    for match in WORD.finditer(question):
        pieces = [
            n for n, (first, last) in enumerate(asked.spans) if first < match.end() and last > match.start()
        ]
        if pieces and nearest is not None and match.group().lower() not in STOP_WORDS:
            words.append(match.group())
            follows.append(question[end : match.start()].isspace())
            end = match.end()
            rows.append(nearest[pieces].mean(axis=0))
    cosines = np.stack(rows) if rows else np.zeros((0, len(texts)), dtype=np.float32)
    return Coverage(tuple(words), tuple(map(word_weight, words)), tuple(follows), cosines)


def names_topic(heavy_words: float) -> bool:
    """Whether so many words that weigh only name a topic."""
    return heavy_words <= TOPIC_WORDS


def word_weight(word: str) -> float:
    """How much a word says about the topic, 0..1."""
    weights = coefficients()["words"]
    return max((float(weights.get(stem, 1.0)) for stem in content_words(word)), default=0.0)


def _nearest(words: Vectors, tokens: Vectors) -> Vectors:
    """For each row of `words` the best cosine to a row of `tokens`; -1.0 where there is none."""
    best: Vectors = (words @ tokens.T).max(axis=1, initial=-1.0)
    return best
