"""Find the passages that speak to a query, best first, each text once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from coach.protocols import Embedder, PassageIndex
from coach.types import Passage

CANDIDATES = 60
KEYWORD_WEIGHT = 0.3
SENTENCE_WEIGHT = 0.5
# Share of three-word shingles two texts must have in common to count as one (Broder 1997 names the measure).
NEAR_DUPLICATE = 0.8
_SHINGLE_WORDS = 3
_WORD = re.compile(r"\w+")


def retrieve(query: str, *, embedder: Embedder, index: PassageIndex, limit: int) -> tuple[Passage, ...]:
    """Rank what `index` holds against `query` and return the best `limit` passages.

    `embedder` turns the query into a vector and must be the one the index was built with. Each returned
    passage has its `score` (higher is better, in 0..1 as a rule) and its `rank` from 1 up; passages with
    nearly the same text appear once, the best-scored one, with the other sources in `also_in`. Equal scores
    keep the order of the index's answer. An empty query, an empty index or a `limit` below 1 gives an empty
    tuple. Errors of the embedder and the index pass through.
    """
    if limit < 1 or not query.strip():
        return ()
    vector = embedder.embed([query])[0]
    candidates = index.search(vector, query, max(CANDIDATES, limit))
    scored = sorted(((_score(passage), passage) for passage in candidates), key=_by_score)
    return tuple(
        replace(passage, score=score, rank=rank, also_in=also_in)
        for rank, (score, passage, also_in) in enumerate(_merge_near_duplicates(scored, limit), start=1)
    )


def _score(passage: Passage) -> float:
    best_sentence = max(passage.sentence_scores, default=passage.cosine)
    meaning = (1 - SENTENCE_WEIGHT) * passage.cosine + SENTENCE_WEIGHT * best_sentence
    return KEYWORD_WEIGHT * passage.keyword + (1 - KEYWORD_WEIGHT) * meaning


def _by_score(scored: tuple[float, Passage]) -> float:
    return -scored[0]


def _merge_near_duplicates(
    scored: Sequence[tuple[float, Passage]], limit: int
) -> list[tuple[float, Passage, tuple[str, ...]]]:
    """The first `limit` distinct texts of `scored`, each with the further sources it was found in.

    Looks no further down than the last passage kept: what nobody will see needs no comparing.
    """
    kept: list[tuple[float, Passage, tuple[str, ...]]] = []
    seen: list[tuple[frozenset[tuple[str, ...]], tuple[str, ...]]] = []
    for score, passage in scored:
        print_of_text = _fingerprint(passage.chunk.text)
        twin = next((place for place, other in enumerate(seen) if _nearly_same(print_of_text, other)), None)
        if twin is not None:
            first_score, first, also_in = kept[twin]
            kept[twin] = (first_score, first, _sources(first, also_in, passage))
        elif len(kept) == limit:
            break
        else:
            kept.append((score, passage, passage.also_in))
            seen.append(print_of_text)
    return kept


def _fingerprint(text: str) -> tuple[frozenset[tuple[str, ...]], tuple[str, ...]]:
    """The text's shingles, and its numbers in order."""
    words = _WORD.findall(text.lower())
    if len(words) < _SHINGLE_WORDS:
        shingles = frozenset([tuple(words)])
    else:
        shingles = frozenset(zip(*(words[offset:] for offset in range(_SHINGLE_WORDS)), strict=False))
    return shingles, tuple(word for word in words if word[0].isdigit())


def _nearly_same(
    left: tuple[frozenset[tuple[str, ...]], tuple[str, ...]],
    right: tuple[frozenset[tuple[str, ...]], tuple[str, ...]],
) -> bool:
    """Whether two texts say the same. Texts that differ in a number do not, however alike."""
    if left[1] != right[1]:
        return False
    shared = len(left[0] & right[0])
    return shared >= NEAR_DUPLICATE * (len(left[0]) + len(right[0]) - shared)


def _sources(first: Passage, also_in: tuple[str, ...], twin: Passage) -> tuple[str, ...]:
    names = dict.fromkeys((*also_in, twin.source, *twin.also_in))
    names.pop(first.source, None)
    return tuple(names)
