"""Shares, medians and their intervals agree with sums worked by hand."""

import pytest

from coach.evaluation.intervals import (
    independent_difference,
    median_ratio,
    paired_difference,
    paired_median_difference,
    share,
    timing,
    wilson_interval,
)

YES, NO = (1.0, 1.0), (0.0, 1.0)


def test_wilson_interval_of_eight_in_ten():
    # z = 1.96: centre (0.8 + 0.19207) / 1.38415 = 0.71674, half width 1.41600 * 0.16001 = 0.22658
    low, high = wilson_interval(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)


def test_wilson_interval_of_all_does_not_end_at_certainty():
    # 10 of 10: low = 1 / (1 + z^2 / 10) = 1 / 1.38415
    low, high = wilson_interval(10, 10)
    assert low == pytest.approx(0.7225, abs=1e-4)
    assert high == pytest.approx(1.0)


def test_a_share_of_yes_and_no_has_wilsons_interval():
    figure = share([YES] * 8 + [NO] * 2)
    assert (figure.value, figure.hits, figure.out_of, figure.cases) == (0.8, 8, 10, 10)
    assert (figure.low, figure.high) == wilson_interval(8, 10)


def test_a_share_of_several_a_case_weighs_them_alike():
    # 1 of 4 sentences and 2 of 2: 3 of 6, not the mean of 0.25 and 1
    figure = share([(1, 4), (2, 2)])
    assert figure.value == 0.5
    # Resampled whole, the two cases give 0.25, 0.5 or 1
    assert (figure.low, figure.high) == (0.25, 1.0)


def test_none_or_all_of_several_is_not_certain():
    assert share([(0, 4)] * 10).high == pytest.approx(wilson_interval(0, 10)[1])
    assert share([(4, 4)] * 10).low == pytest.approx(0.7225, abs=1e-4)


def test_the_same_seed_gives_the_same_bounds():
    pairs = [(count % 3, 3) for count in range(20)]
    assert share(pairs, seed=4) == share(pairs, seed=4)


def test_a_share_of_nothing_is_refused():
    for pairs in ([], [(0.0, 0.0)]):
        with pytest.raises(ValueError, match="leave it out"):
            share(pairs)


def test_no_change_has_no_width():
    assert paired_difference([YES, NO, YES], [YES, NO, YES]) == (0.0, 0.0)


def test_one_case_in_twenty_is_noise_and_eight_are_not():
    before = [YES] * 20
    low, high = paired_difference(before, [NO] + [YES] * 19)
    assert low < 0 == high
    low, high = paired_difference(before, [NO] * 8 + [YES] * 12)
    assert -0.7 < low < high < -0.1


def test_independent_samples_of_ten_and_ninety_in_a_hundred_differ():
    before, after = [YES] * 10 + [NO] * 90, [YES] * 90 + [NO] * 10
    low, high = independent_difference(before, after)
    assert 0.65 < low < 0.8 < high < 0.95
    low, high = independent_difference(before, before)
    assert low < 0 < high


def test_timing_gives_median_and_tail():
    figure = timing([10, 20, 30, 40, 50])
    assert (figure.median, figure.least, figure.most, figure.count) == (30, 10, 50, 5)
    assert figure.p95 == pytest.approx(48)  # a fifth of the way back from 50 to 40
    assert 10 <= figure.low <= 30 <= figure.high <= 50


def test_medians_are_compared_by_difference_and_by_ratio():
    before = [100.0, 101.0, 99.0] * 20
    assert paired_median_difference(before, [time + 50 for time in before]) == (50, 50)
    low, high = median_ratio(before, [time * 3 for time in before])
    assert 2.9 < low <= high < 3.1
