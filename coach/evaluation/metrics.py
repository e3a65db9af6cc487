"""Say how good a ranking is, and how sure we are of it: pure functions over names and numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the bounds that hold it with the asked-for confidence."""

    mean: float
    low: float
    high: float


def ndcg(ranking: Sequence[str], relevant: Collection[str], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `depth` names, with binary gains.

    Each relevant name at rank r gains 1 / log2(r + 1) (Järvelin & Kekäläinen 2002, the discount of
    trec_eval), once; the sum is divided by that of a perfect ranking, so 1.0 is the best.
    Raises ValueError when nothing is relevant: there is no perfect ranking to compare with.
    """
    _require_relevant(relevant)
    gained = sum(_discount(rank) for rank in _hits(ranking, relevant, depth))
    return gained / sum(_discount(rank) for rank in range(1, min(depth, len(set(relevant))) + 1))


def recall(ranking: Sequence[str], relevant: Collection[str], depth: int = 5) -> float:
    """Share of the relevant names that are among the first `depth`.

    Raises ValueError when nothing is relevant.
    """
    _require_relevant(relevant)
    return len(_hits(ranking, relevant, depth)) / len(set(relevant))


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str], depth: int = 10) -> float:
    """1 / rank of the first relevant name within `depth`, 0.0 if there is none; its mean over queries is MRR.

    Raises ValueError when nothing is relevant.
    """
    _require_relevant(relevant)
    hits = _hits(ranking, relevant, depth)
    return 1.0 / hits[0] if hits else 0.0


def bootstrap_interval(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Mean of `values` with its percentile bootstrap interval (Efron 1979).

    For two methods on the same queries give the differences query by query: the interval is then paired
    (Sakai 2006). The same `seed` gives the same bounds. Raises ValueError for no values or a
    confidence outside 0..1.
    """
    if not values:
        raise ValueError("No values to take a mean of.")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"A confidence lies between 0 and 1, not at {confidence}.")
    sample = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    draws = random.integers(0, len(sample), size=(resamples, len(sample)))
    means = sample[draws].mean(axis=1)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(means, (tail, 1.0 - tail))
    return Interval(float(sample.mean()), float(low), float(high))


def _require_relevant(relevant: Collection[str]) -> None:
    if not relevant:
        raise ValueError("A query without relevant names cannot be scored: leave it out.")


def _hits(ranking: Sequence[str], relevant: Collection[str], depth: int) -> list[int]:
    """Ranks, from 1, at which a relevant name first appears within `depth`."""
    wanted = set(relevant)
    ranks: list[int] = []
    for rank, name in enumerate(ranking[:depth], start=1):
        if name in wanted:
            wanted.discard(name)
            ranks.append(rank)
    return ranks


def _discount(rank: int) -> float:
    return 1.0 / math.log2(rank + 1)
