"""Find the passages that speak to a query, best first, each text once."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from coach.protocols import Embedder, PassageIndex
from coach.types import Candidate, Passage, Search

CANDIDATES = 40  # from either side; 30 to 200 rank the public sets alike, and fewer are faster
# Fitted on public question sets with one set left out in turn: `python -m coach.evaluation.retrieval`.
KEYWORD_WEIGHT = 0.3
SENTENCE_WEIGHT = 0.3
# A question that a sentence of the passage is known to answer says more than its wording: on the fit questions of
# bench/answers any weight from 0.3 to 0.8 ranks alike.
ASKED_WEIGHT = 0.5
# Share of three-word shingles two texts must have in common to count as one (Broder 1997 names the measure).
NEAR_DUPLICATE = 0.8
NEXT_SHOWN = 3  # candidates that the trace shows beyond those taken
SAYS_THE_SAME, TOO_FAR = "says the same as one above", "behind the last that is taken"
_SHINGLE_WORDS = 3
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")


def retrieve(query: str, *, embedder: Embedder, index: PassageIndex, limit: int) -> tuple[Passage, ...]:
    """Rank what `index` holds against `query` and return the best `limit` passages.

    `embedder` turns the query into a vector and must be the one the index was built with. Each returned
    passage has its `score` (higher is better, in 0..1 as a rule) and its `rank` from 1 up; passages with
    nearly the same text appear once, the best-scored one, with the other sources in `also_in`. Equal scores
    keep the order of the index's answer. An empty query, an empty index or a `limit` below 1 gives an empty
    tuple. Errors of the embedder and the index pass through.
    """
    return _best(_scored(query, embedder, index, limit), limit)


def retrieve_and_tell(
    query: str, *, embedder: Embedder, index: PassageIndex, limit: int
) -> tuple[tuple[Passage, ...], Search]:
    """As `retrieve`, and what was looked at for it: every passage taken and the first few that were not."""
    scored = _scored(query, embedder, index, limit)
    passages = _best(scored, limit)
    return passages, Search(query, len(scored), _looked_at(scored, passages, max(CANDIDATES, limit)))


def _scored(query: str, embedder: Embedder, index: PassageIndex, limit: int) -> list[tuple[float, Passage]]:
    """The candidates with their fused scores, the best first."""
    if limit < 1 or not query.strip():
        return []
    vector = embedder.embed([query])[0]
    candidates = index.search(vector, query, max(CANDIDATES, limit))
    return sorted(zip(_scores(candidates), candidates, strict=True), key=_by_score)


def _best(scored: Sequence[tuple[float, Passage]], limit: int) -> tuple[Passage, ...]:
    return tuple(
        replace(passage, score=score, rank=rank, also_in=also_in)
        for rank, (score, passage, also_in) in enumerate(_merge_near_duplicates(scored, limit), start=1)
    )


def _looked_at(
    scored: Sequence[tuple[float, Passage]], taken: Sequence[Passage], from_either_side: int
) -> tuple[Candidate, ...]:
    """The candidates as the trace shows them; behind the last one taken `NEXT_SHOWN` more."""
    by_meaning = _ranks([passage.cosine for _, passage in scored], from_either_side)
    by_words = _ranks([passage.keyword for _, passage in scored], from_either_side)
    places = {passage.chunk.id: place for place, passage in enumerate(taken, start=1)}
    last = max((n for n, (_, one) in enumerate(scored) if one.chunk.id in places), default=-1)
    return tuple(
        Candidate(
            passage.source,
            passage.heading,
            passage.chunk.start,
            passage.chunk.end,
            round(passage.cosine, 3),
            round(passage.keyword, 3),
            by_meaning[n],
            by_words[n],
            round(score, 3),
            n + 1,
            "" if passage.chunk.id in places else SAYS_THE_SAME if n < last else TOO_FAR,
            passage.collection,
        )
        for n, (score, passage) in enumerate(scored[: last + 1 + NEXT_SHOWN])
    )


def _ranks(values: Sequence[float], most: int) -> list[int]:
    """The rank of each from 1; 0 for one that is beyond the first `most` or has nothing."""
    order = sorted(range(len(values)), key=lambda place: -values[place])
    ranks = [0] * len(values)
    for rank, place in enumerate(order[:most], start=1):
        ranks[place] = rank if values[place] > 0 else 0
    return ranks


def _scores(candidates: Sequence[Passage]) -> list[float]:
    """Meaning and keywords, weighed once both spread equally wide over the candidates.

    Keyword scores differ by tenths where cosines differ by hundredths: added as they are, the words
    would drown the meaning, the more so the closer in meaning the candidates are. Scaled to the same
    standard deviation (z-scores: Shaw & Fox 1994, Montague & Aslam 2001) one weight suits all queries.
    Only the keywords are rescaled, so that the sum stays on the scale of a cosine.
    """
    meanings = [_meaning(passage) for passage in candidates]
    keywords = [passage.keyword for passage in candidates]
    spread = _spread(keywords)
    exchange = _spread(meanings) / spread if spread > 0 else 0.0
    return [
        (1 - KEYWORD_WEIGHT) * meaning + KEYWORD_WEIGHT * exchange * keyword
        for meaning, keyword in zip(meanings, keywords, strict=True)
    ]


def _meaning(passage: Passage) -> float:
    """Cosine of the chunk, raised where one of its sentences, or a question that one is known to answer, is
    closer to the query."""
    best = max(passage.sentence_scores, default=passage.cosine)
    meaning = passage.cosine + SENTENCE_WEIGHT * max(0.0, best - passage.cosine)
    asked = max(passage.asked_scores, default=0.0)
    return meaning + ASKED_WEIGHT * max(0.0, asked - meaning)


def _spread(values: Sequence[float]) -> float:
    """Standard deviation; 0.0 for fewer than two values."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _by_score(scored: tuple[float, Passage]) -> float:
    return -scored[0]


def _merge_near_duplicates(
    scored: Sequence[tuple[float, Passage]], limit: int
) -> list[tuple[float, Passage, tuple[str, ...]]]:
    """The first `limit` distinct texts of `scored`, each with the further sources it was found in.

    Looks no further down than the last passage kept: what nobody will see needs no comparing.
    """
    kept: list[tuple[float, Passage, tuple[str, ...]]] = []
    for score, passage in scored:
        twin = _twin(passage, kept)
        if twin is not None:
            first_score, first, also_in = kept[twin]
            kept[twin] = (first_score, first, _sources(first, also_in, passage))
        elif len(kept) == limit:
            break
        else:
            kept.append((score, passage, passage.also_in))
    return kept


def _twin(passage: Passage, kept: Sequence[tuple[float, Passage, tuple[str, ...]]]) -> int | None:
    """Place of the kept passage that says the same."""
    text = passage.chunk.text
    return next(
        (place for place, (_, other, _) in enumerate(kept) if _nearly_same(text, other.chunk.text)), None
    )


def _nearly_same(left: str, right: str) -> bool:
    """Whether two texts say the same. Texts that differ in a number do not, however alike.

    Length and vocabulary come first: they rule out nearly every pair at a tenth of the cost.
    """
    if left == right:
        return True
    if min(len(left), len(right)) < NEAR_DUPLICATE * max(len(left), len(right)):
        return False
    if not _overlap(_vocabulary(left), _vocabulary(right)):
        return False
    return _NUMBER.findall(left) == _NUMBER.findall(right) and _overlap(_shingles(left), _shingles(right))


def _overlap(left: frozenset[Any], right: frozenset[Any]) -> bool:
    shared = len(left & right)
    return shared >= NEAR_DUPLICATE * (len(left) + len(right) - shared)


@lru_cache(maxsize=512)
def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Every run of three words."""
    words = _WORD.findall(text.lower())
    if len(words) < _SHINGLE_WORDS:
        return frozenset([tuple(words)])
    return frozenset(zip(*(words[offset:] for offset in range(_SHINGLE_WORDS)), strict=False))


def _sources(first: Passage, also_in: tuple[str, ...], twin: Passage) -> tuple[str, ...]:
    names = dict.fromkeys((*also_in, twin.source, *twin.also_in))
    names.pop(first.source, None)
    return tuple(names)
