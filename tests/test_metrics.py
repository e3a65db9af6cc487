"""The measures agree with sums worked by hand."""

from __future__ import annotations

import pytest

from coach.evaluation.metrics import bootstrap_interval, ndcg, recall, reciprocal_rank

RANKING = ["a", "b", "c", "d", "e", "f"]


def test_ndcg_of_a_perfect_ranking_is_one() -> None:
    assert ndcg(RANKING, {"a", "b"}) == pytest.approx(1.0)


def test_ndcg_discounts_by_the_logarithm_of_the_rank() -> None:
    # One relevant name at rank 3: (1 / log2 4) / (1 / log2 2) = 0.5 / 1
    assert ndcg(RANKING, {"c"}) == pytest.approx(0.5)


def test_ndcg_of_two_relevant_names() -> None:
    # At ranks 1 and 3: 1 + 0.5 = 1.5; at best ranks 1 and 2: 1 + 1/log2 3 = 1.63093; 1.5 / 1.63093
    assert ndcg(RANKING, {"a", "c"}) == pytest.approx(0.919721, abs=1e-6)


def test_ndcg_never_asks_for_more_than_depth_can_hold() -> None:
    # Three are relevant, two places: both filled is perfect
    assert ndcg(RANKING, {"a", "b", "f"}, depth=2) == pytest.approx(1.0)


def test_ndcg_counts_a_name_once() -> None:
    # "a" again at rank 2 gains nothing: 1 / (1 + 1/log2 3) = 1 / 1.63093
    assert ndcg(["a", "a", "c"], {"a", "b"}) == pytest.approx(0.613147, abs=1e-6)


def test_what_lies_below_depth_does_not_count() -> None:
    assert ndcg(RANKING, {"f"}, depth=5) == 0.0
    assert recall(RANKING, {"f"}, depth=5) == 0.0
    assert reciprocal_rank(RANKING, {"f"}, depth=5) == 0.0


def test_recall_is_the_share_of_relevant_names_found() -> None:
    # b and e are among the first five, f and z are not: 2 / 4
    assert recall(RANKING, {"b", "e", "f", "z"}, depth=5) == pytest.approx(0.5)


def test_reciprocal_rank_looks_at_the_first_hit_only() -> None:
    # First hit at rank 2; the one at rank 4 changes nothing
    assert reciprocal_rank(RANKING, {"b", "d"}) == pytest.approx(0.5)


def test_an_empty_ranking_scores_zero() -> None:
    assert (ndcg([], {"a"}), recall([], {"a"}), reciprocal_rank([], {"a"})) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("measure", [ndcg, recall, reciprocal_rank])
def test_a_query_with_nothing_relevant_is_refused(measure: object) -> None:
    with pytest.raises(ValueError, match="leave it out"):
        measure(RANKING, set())  # type: ignore[operator]


def test_equal_values_leave_no_doubt() -> None:
    interval = bootstrap_interval([0.25] * 8)
    assert (interval.mean, interval.low, interval.high) == (0.25, 0.25, 0.25)


def test_the_interval_of_a_coin_is_the_binomial_one() -> None:
    # 50 ones and 50 zeros: standard error sqrt(.25 / 100) = 0.05, so 0.5 +- 1.96 x 0.05 = 0.402 .. 0.598
    interval = bootstrap_interval([1.0, 0.0] * 50)
    assert interval.mean == pytest.approx(0.5)
    assert interval.low == pytest.approx(0.402, abs=0.015)
    assert interval.high == pytest.approx(0.598, abs=0.015)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [0.1, 0.9, 0.4, 0.7]
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)


def test_no_values_and_odd_confidence_are_refused() -> None:
    with pytest.raises(ValueError, match="No values"):
        bootstrap_interval([])
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap_interval([1.0], confidence=1.0)
