"""Turn counts into figures with how sure they are: pure functions over pairs of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
Z_95 = 1.959963984540054  # two-sided 95% quantile of the normal distribution

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A share, `hits` of `out_of` in `cases` cases, with its 95% interval."""

    value: float
    low: float
    high: float
    hits: float
    out_of: float
    cases: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds over `count` measurements; `low` and `high` bound the median with 95%."""

    median: float
    low: float
    high: float
    p95: float
    least: float
    most: float
    count: int


def share(pairs: Sequence[Pair], *, seed: int = 0) -> Figure:
    """The sum of the first numbers over the sum of the second, one pair a case.

    Where every case is one yes or no the interval is Wilson's (1927); where a case holds several (sentences,
    facts) or a part, cases are resampled whole (percentile bootstrap, Efron 1979), since the sentences of one
    reply are not independent. None of several, or all of them, would look certain when resampled: there it is
    Wilson's again, with whole cases as trials. Raises ValueError where there is nothing to divide by.
    """
    hits, out_of = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    if not out_of:
        raise ValueError("A share of nothing cannot be told: leave it out.")
    if all(total == 1 and hit in (0, 1) for hit, total in pairs):
        low, high = wilson_interval(int(hits), len(pairs))
    elif len(pairs) == 1:
        low, high = 0.0, 1.0  # one case says nothing of how cases differ
    elif hits in (0, out_of):
        low, high = wilson_interval(len(pairs) if hits else 0, len(pairs))
    else:
        low, high = _bounds(_ratios(pairs, _weights(len(pairs), seed)))
    return Figure(hits / out_of, low, high, hits, out_of, len(pairs))


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """95% score interval of a share (Wilson 1927): sound for few trials and for shares near 0 and 1.

    Raises ValueError for no trials.
    """
    if trials < 1:
        raise ValueError("A share of nothing has no interval.")
    share_of = hits / trials
    widened = 1 + Z_95**2 / trials
    centre = (share_of + Z_95**2 / (2 * trials)) / widened
    half = Z_95 / widened * math.sqrt(share_of * (1 - share_of) / trials + Z_95**2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_interval(values: Sequence[float]) -> Pair:
    """The 95% interval of a mean, by the normal distribution; the value itself where there is only one."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return mean, mean
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = Z_95 * math.sqrt(variance / len(values))
    return mean - half, mean + half


def paired_difference(before: Sequence[Pair], after: Sequence[Pair], *, seed: int = 0) -> Pair:
    """95% interval of share(after) - share(before), the same cases in the same order on both sides.

    Cases are resampled in pairs (Sakai 2006), so what makes a case easy or hard cancels out. Raises
    ValueError where one side has nothing to divide by.
    """
    weights = _weights(len(before), seed)
    return _bounds(_ratios(after, weights) - _ratios(before, weights))


def independent_difference(
    before: Sequence[Pair], after: Sequence[Pair], *, confidence: float = 0.95, seed: int = 0
) -> Pair:
    """Interval of share(after) - share(before) over two samples that have nothing to do with each other.

    Raises ValueError where one side has nothing to divide by.
    """
    differences = _ratios(after, _weights(len(after), seed)) - _ratios(
        before, _weights(len(before), seed + 1)
    )
    return _bounds(differences, confidence)


def timing(milliseconds: Sequence[float], *, seed: int = 0) -> Timing:
    """Median with its bootstrap interval, the 95th percentile, least and most. Raises ValueError for none."""
    if not milliseconds:
        raise ValueError("Nothing was timed.")
    sample = np.asarray(milliseconds, dtype=np.float64)
    low, high = _bounds(_medians(sample, seed))
    return Timing(
        float(np.median(sample)),
        low,
        high,
        float(np.quantile(sample, 0.95)),
        float(sample.min()),
        float(sample.max()),
        len(sample),
    )


def paired_median_difference(before: Sequence[float], after: Sequence[float], *, seed: int = 0) -> Pair:
    """95% interval of the median of after - before, case by case."""
    return _bounds(_medians(np.asarray(after) - np.asarray(before), seed))


def median_ratio(
    before: Sequence[float], after: Sequence[float], *, confidence: float = 0.95, seed: int = 0
) -> Pair:
    """Interval of median(after) / median(before) over two independent samples of times above 0."""
    ratios = _medians(np.asarray(after), seed) / _medians(np.asarray(before), seed + 1)
    return _bounds(ratios, confidence)


@lru_cache(maxsize=2)  # a table has many figures over the same cases
def _weights(cases: int, seed: int) -> NDArray[np.float64]:
    """How often each case is drawn, one row a resample."""
    drawn = np.random.default_rng(seed).multinomial(cases, np.full(cases, 1 / cases), size=RESAMPLES)
    return drawn.astype(np.float64)


def _ratios(pairs: Sequence[Pair], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    hits, out_of = np.asarray(pairs, dtype=np.float64).T
    if not out_of.sum():
        raise ValueError("A share of nothing cannot be told: leave it out.")
    drawn = weights @ out_of
    ratios = np.full(len(drawn), np.nan)
    np.divide(weights @ hits, drawn, out=ratios, where=drawn > 0)
    return ratios


def _medians(sample: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    draws = np.random.default_rng(seed).integers(0, len(sample), size=(RESAMPLES // 5, len(sample)))
    medians: NDArray[np.float64] = np.median(sample[draws], axis=1)
    return medians


def _bounds(values: NDArray[np.float64], confidence: float = 0.95) -> Pair:
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values, (tail, 1 - tail))
    return float(low), float(high)
