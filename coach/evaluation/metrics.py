"""Say how good a ranking or a judge is, and how sure we are of it: pure functions over names and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Judged = TypeVar("Judged")


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


def quadratic_weighted_kappa(first: Sequence[int], second: Sequence[int]) -> float:
    """Agreement of two judges on levels from 0 up, beyond chance, a disagreement weighing the square of its distance (Cohen 1968).

    1 is full agreement, 0 what chance gives; nan where both gave everything one and the same level. Raises ValueError
    for judges of different cases, or of none. Not scikit-learn's: resampled thousands of times it has to take microseconds.
    """
    if len(first) != len(second) or not first:
        raise ValueError("Two judges agree or not on the same cases, at least one.")
    own, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    observed = np.mean((own - other) ** 2)
    by_chance = (
        np.mean(own**2) + np.mean(other**2) - 2 * own.mean() * other.mean()
    )  # over every pair of cases
    return float(1 - observed / by_chance) if by_chance > 0 else math.nan


def pearson(first: Sequence[float], second: Sequence[float]) -> float:
    """Linear correlation (Pearson 1895); nan where one side does not vary. Raises ValueError for unequal lengths."""
    if len(first) != len(second):
        raise ValueError("Two series correlate over the same cases.")
    if len(first) < 2 or len(set(first)) == 1 or len(set(second)) == 1:
        return math.nan
    return float(np.corrcoef(first, second)[0, 1])


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Correlation of the ranks, tied ones sharing theirs (Spearman 1904); nan and ValueError as `pearson`."""
    from scipy.stats import rankdata

    return pearson(rankdata(first), rankdata(second))


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann & Whitney 1947).

    nan where one side is empty. Not scikit-learn's: resampled thousands of times it has to take microseconds.
    """
    if not len(positives) or not len(negatives):
        return math.nan
    ordered = np.sort(np.asarray(negatives, dtype=np.float64))
    above = np.asarray(positives, dtype=np.float64)
    below = np.searchsorted(ordered, above, side="left")
    not_above = np.searchsorted(ordered, above, side="right")
    return float((below + not_above).mean() / 2 / len(ordered))


def macro_f1(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Mean over the labels' classes of the harmonic mean of precision and recall.

    A class that is never predicted has 0. Raises ValueError for no labels or for unequal lengths.
    """
    from sklearn.metrics import f1_score

    if len(labels) != len(predictions) or not labels:
        raise ValueError("Predictions are scored against as many labels, at least one.")
    classes = list(dict.fromkeys(labels))
    return float(f1_score(labels, predictions, labels=classes, average="macro", zero_division=0.0))


def pairs_in_order(worse: Sequence[float], better: Sequence[float]) -> tuple[int, int]:
    """How many pairs of a worse and a better one score in that order, and how many pairs there are.

    A tie is a pair that was not told apart: it does not count as in order.
    """
    return sum(low < high for low in worse for high in better), len(worse) * len(better)


def clustered_interval(
    clusters: Sequence[Sequence[Judged]],
    figure: Callable[[Sequence[Judged]], float],
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """`figure` over all of `clusters`, with its percentile bootstrap interval (Efron 1979).

    Whole clusters are drawn, since what belongs together (the drafts of one question) is not independent. A draw
    for which the figure is nan is left out; where all are, or where there is one cluster only, the bounds are
    nan. Raises ValueError for no clusters.
    """
    if not clusters:
        raise ValueError("No clusters to draw from.")
    whole = figure([one for cluster in clusters for one in cluster])
    if len(clusters) == 1:
        return Interval(whole, math.nan, math.nan)
    drawn = np.random.default_rng(seed).integers(0, len(clusters), size=(resamples, len(clusters)))
    # Of few clusters the same are drawn again and again: each set of them is measured once.
    distinct, places = np.unique(np.sort(drawn, axis=1), axis=0, return_inverse=True)
    measured = np.array([figure([one for place in draw for one in clusters[place]]) for draw in distinct])
    values = measured[places.ravel()]
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(whole, math.nan, math.nan)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values, (tail, 1.0 - tail))
    return Interval(whole, float(low), float(high))


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
