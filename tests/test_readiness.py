"""Where a candidate stands: never surer than the tries allow, and never kinder than they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import beta

from coach.practice.readiness import jeffreys, readiness
from coach.practice.words import made_from, nothing_changed, standing_words, trend_words, try_words
from coach.store.critiques import CritiqueStore
from coach.types import Override
from tests.tries import CRITERIA, NOW, RUBRIC, keep, on, several, tried


def row_of(tries, criterion, rounds=None):
    return next(row for row in readiness(tries, [RUBRIC], NOW, rounds).rows if row.criterion.id == criterion)


def test_a_criterion_stands_in_the_round_of_the_kind_of_question_it_was_tried_at():
    tries = (
        several("cost", "m", "strategy") + several("cost", "-", "technical") + several("cost", "p", "metrics")
    )
    found = row_of(tries, "cost").rounds
    assert {name: (cell.tries, cell.met) for name, cell in found.items() if cell.tries} == {
        "product_strategy": (1, 1.0),
        "technical_depth": (1, 0.0),
        "execution": (1, 0.5),
    }
    assert found["product_design"].tries == 0  # asked there, not tried yet
    assert "leadership" not in found  # no behavioural or ethical question is judged by it


def test_a_draft_that_an_interview_asked_for_stands_in_the_interviews_round():
    one = tried("cost", "met", on(3), draft="d1")
    assert row_of([one], "cost").rounds["product_design"].tries == 1
    moved = row_of([one], "cost", {"d1": "hiring_manager_screen"}).rounds
    assert (moved["hiring_manager_screen"].tries, moved["product_design"].tries) == (1, 0)
    assert "hiring_manager_screen" in readiness([one], [RUBRIC], NOW, {"d1": "hiring_manager_screen"}).rounds
    assert "hiring_manager_screen" not in readiness([one], [RUBRIC], NOW).rounds


def test_the_interval_is_jeffreys_a_half_success_counts_half_on_either_side_and_the_judges_errors_widen_it():
    cell = row_of(several("cost", "mmp-"), "cost").whole
    assert (cell.tries, cell.met) == (4, 2.5)
    low, high = beta.ppf([0.05, 0.95], 3.0, 2.0)
    assert cell.low == pytest.approx((low - 0.14) / 0.86) and cell.low < low
    assert cell.high == pytest.approx(min(1.0, high / 0.65)) and cell.high > high
    assert jeffreys(0, 4)[0] == 0.0 and jeffreys(4, 4)[1] == 1.0 and jeffreys(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("levels", "grade"),
    [
        ("mm", "too few"),
        ("--", "too few"),
        ("mmm", "not clear yet"),
        ("mmmm", "mostly met"),
        ("mm-", "not clear yet"),
        ("ppp", "not clear yet"),
        ("----", "not clear yet"),
        ("------", "mostly missed"),
        ("mmmmm-", "not clear yet"),
        ("mmmmmmm-", "mostly met"),
        ("------??", "not clear yet"),
        ("mmmm?", "not clear yet"),
        ("--?", "too few"),
    ],
)
def test_nothing_is_graded_below_three_tries_nor_where_the_interval_leaves_both_open(levels, grade):
    assert row_of(several("cost", levels), "cost").whole.grade == grade


def test_the_words_of_two_tries_say_that_they_are_too_few_and_how_wide_it_is():
    assert standing_words(row_of(several("cost", "mm"), "cost").whole) == ("2 of 2 met (34 to 100 %)")
    assert standing_words(row_of(several("cost", "--??"), "cost").whole) == (
        "0 of 2 met, 2 more unsure (0 to 100 %)"
    )
    assert standing_words(row_of(several("cost", "------"), "cost").whole).endswith(" %): mostly missed")
    assert standing_words(row_of([], "cost").whole) == "not tried yet"


def test_a_trend_is_said_only_where_the_intervals_of_both_halves_lie_apart():
    assert row_of(several("cost", "-m"), "cost").trend is None
    assert row_of(several("cost", "--mm"), "cost").trend is None
    assert row_of(several("cost", "-p-mpm"), "cost").trend is None
    better, worse = (
        row_of(several("cost", "---mmm"), "cost").trend,
        row_of(several("cost", "mmmm----"), "cost").trend,
    )
    assert trend_words(better) == "Better: 3 of 3 met lately, 0 of 3 before."
    assert trend_words(worse) == "Worse: 0 of 4 met lately, 4 of 4 before."


def test_what_was_written_anew_on_the_same_day_with_the_critique_at_hand_is_no_try_of_its_own():
    first = tried("cost", "missing", on(3, 10), draft="d1")
    again = tried("cost", "met", on(3, 11), draft="d2")
    elsewhere = tried("cost", "met", on(3, 12), "Price it.", draft="d3")
    next_day = tried("cost", "met", on(4, 10), draft="d4")
    assert row_of([again, first], "cost").whole.met == 0
    assert row_of([first, again, elsewhere, next_day], "cost").whole.tries == 3
    late = tried(
        "cost", "met", on(3, 23, 11), draft="d5"
    )  # half past midnight on the 4th where the reader is
    assert row_of([first, replace(late, at=on(3, 23))], "cost").whole.tries == 2


def test_what_the_judge_was_unsure_of_is_a_try_whose_outcome_is_open_and_lets_no_rewrite_in():
    sure, open_ones = row_of(several("cost", "----"), "cost").whole, row_of(several("cost", "----?"), "cost")
    assert (open_ones.whole.tries, open_ones.whole.unsure, open_ones.whole.met) == (4, 1, 0)
    assert open_ones.whole.high > sure.high and open_ones.whole.low == sure.low == 0
    assert [try_words(one) for one in open_ones.tries] == ["missing"] * 4 + ["unsure"]
    first = tried("cost", None, on(3, 10), unsure=True)
    again = tried("cost", "met", on(3, 11), draft="with the critique at hand")
    assert row_of([first, again], "cost").whole.met == 0
    assert readiness([first, again], [RUBRIC], NOW).left_out == 1


def test_the_words_say_which_drafts_do_not_count_and_when_nothing_can_be_compared():
    few = readiness(several("cost", "m-"), [RUBRIC], NOW)
    assert made_from(few) == "From 2 drafts."
    assert nothing_changed(few).startswith("Nothing can be compared yet")
    many = readiness(several("cost", "m-m-m-"), [RUBRIC], NOW)
    assert "differ" in nothing_changed(many)
    again = tried("cost", "met", on(1, 20), "Question 1 (design)?", draft="again")
    assert made_from(readiness([*several("cost", "m-"), again], [RUBRIC], NOW)).startswith(
        "From 2 drafts; 1 more does not count"
    )


def test_what_nobody_could_judge_is_no_try_and_a_persons_word_counts_instead_of_the_judges():
    unscored = tried("cost", None, on(3))
    assert row_of([unscored], "cost").whole.tries == 0
    said = replace(unscored, override=Override("met", "It names the cost.", "2026-11-03T19:00:00+00:00"))
    assert row_of([said], "cost").whole.met == 1
    found = readiness([said, tried("trade_off", "met", on(4))], [RUBRIC], NOW)
    assert [one.criterion for one in found.overruled] == ["cost"]


def test_the_map_is_drawn_up_from_what_the_store_keeps_with_the_age_of_the_newest(tmp_path):
    keep(tmp_path, {"cost": "missing", "trade_off": "met"}, on(3), "Design one.")
    later = keep(tmp_path, {"cost": "partly", "latency": None}, on(20), "Design another.")
    store = CritiqueStore(tmp_path)
    store.overrule(store.get(later, [RUBRIC]), "cost", "met", "The last line names it.")
    found = readiness(store.tries(), [RUBRIC], NOW)
    cost = next(row for row in found.rows if row.criterion.id == "cost")
    assert (cost.whole.tries, cost.whole.met, cost.whole.newest) == (2, 1.0, on(20))
    assert (found.drafts, len(found.rows)) == (2, len(CRITERIA))
    assert [(one.criterion, one.judged, one.final) for one in found.overruled] == [("cost", "partly", "met")]


def test_a_home_in_which_nothing_was_kept_has_an_empty_map_and_makes_no_file(tmp_path):
    found = readiness(CritiqueStore(tmp_path).tries(), [RUBRIC], NOW)
    assert found.drafts == 0 and all(row.whole.tries == 0 for row in found.rows)
    assert list(tmp_path.iterdir()) == []
