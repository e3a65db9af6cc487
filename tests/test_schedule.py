"""What is practised next follows from the kept verdicts alone: the same verdicts give the same queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from coach.practice.schedule import LONGEST_DAYS, coming_back, practice_queue
from tests.tries import CRITERIA, NOW, RUBRIC, on, several, tried


@dataclass(frozen=True)
class Question:
    id: str
    text: str
    kind: str
    round: str
    criteria: tuple[str, ...]
    calls_for: tuple[str, ...] = ()


BANK = (
    Question("q1", "Design a travel planner.", "design", "product_design", ("cost", "failure_modes")),
    Question("q2", "Design a tutor.", "design", "product_design", ("cost", "trade_off", "human_override")),
    Question("q3", "Explain RAG.", "technical", "technical_depth", ("trade_off",)),
)


def queue(tries, bank=BANK, now=NOW):
    return practice_queue(tries, [RUBRIC], now, bank)


def entry(found, criterion):
    return next(one for one in (*found.due, *found.later) if one.id == criterion)


def test_at_first_everything_is_due_because_it_was_never_tried():
    found = queue([])
    assert {one.id for one in found.due} == set(CRITERIA)
    assert {one.why for one in found.due} == {"new: never tried"}
    weights = [max(CRITERIA[one.id].weights.values()) for one in found.due]
    assert weights == sorted(weights, reverse=True)


def test_what_is_met_again_and_again_rests_longer_each_time_and_never_longer_than_half_a_loop():
    gaps = []
    tries = []
    at = on(1, month=1)
    for number in range(6):
        tries.append(tried("cost", "met", at, f"Question {number}?"))
        due = entry(queue(tries, now=NOW.replace(year=2025)), "cost").due
        gaps.append((due - at).days)
        at = due
    assert gaps == sorted(gaps) and gaps[0] < gaps[2]
    assert gaps[-1] == LONGEST_DAYS


@pytest.mark.parametrize("before", ["", "m", "mmmmmm"])
def test_what_was_missed_twice_in_a_row_is_due_within_two_days_whatever_came_before(before):
    tries = several("cost", f"{before}--")
    assert entry(queue(tries), "cost").due <= tries[-1].at + timedelta(days=2)


def test_the_reason_names_the_days_and_the_missed_come_first():
    tries = [
        tried("trade_off", "partly", on(1)),
        tried("cost", "missing", on(3)),
        tried("cost", "missing", on(5), "Price it."),
        tried("latency", "met", on(2)),
    ]
    found = queue(tries)
    assert found.due[0].id == "cost" and found.due[0].why == "missed on 3 and 5 November"
    assert entry(found, "trade_off").why == "met in part on 1 November"
    assert entry(found, "latency").why == "met on 2 November: see whether it stays"
    new = [one.new for one in found.due]
    assert new == sorted(new)  # what is new waits until the rest is done


def test_a_miss_after_a_success_names_only_the_misses_and_a_year_that_is_over():
    tries = [
        tried("cost", "met", on(1)),
        tried("cost", "missing", on(3).replace(year=2025, month=12)),
    ]
    assert entry(queue(tries), "cost").why.startswith("met on 1 November")
    assert entry(queue(tries[1:]), "cost").why == "missed on 3 December 2025"


def test_the_same_verdicts_in_any_order_give_the_same_queue():
    tries = several("cost", "m-pm") + several("trade_off", "-m")
    assert queue(tries) == queue(list(reversed(tries))) == queue(tries)


def test_a_question_is_due_again_as_a_whole_sooner_where_it_was_hardly_answered():
    weak = [
        tried(name, "missing", on(27), "Design a clinic.") for name in ("cost", "trade_off", "mitigation")
    ]
    strong = [tried(name, "met", on(27), "Design a bank.") for name in ("cost", "trade_off", "mitigation")]
    found = queue([*weak, *strong])
    by_name = {one.id: one for one in (*found.due, *found.later) if one.what == "question"}
    assert by_name["Design a clinic."].due < by_name["Design a bank."].due
    assert by_name["Design a clinic."].why == "hardly answered on 27 November"
    assert by_name["Design a bank."].why == "answered well on 27 November"


def test_five_minutes_hold_one_question_with_all_that_is_due_of_what_it_exercises():
    tries = [tried("cost", "missing", on(20)), tried("trade_off", "missing", on(20), "Explain it.")]
    found = queue(tries)
    assert {one.id for one in found.sitting[:2]} == {"cost", "trade_off"}
    assert {one.question.id for one in found.sitting} == {"q2"}  # of two that fit, the one that serves both
    assert found.sitting[0].lasts <= 5
    assert {one.id for one in found.sitting} == {"cost", "trade_off", "human_override"}


def test_a_question_that_was_asked_lately_waits_for_another_one():
    lately = [tried("cost", "missing", on(25), "Design a tutor.")]
    assert entry(queue(lately), "cost").question.id == "q1"
    long_ago = [tried("cost", "missing", on(1, month=10), "Design a tutor.")]
    assert entry(queue(long_ago), "cost").question.id in ("q1", "q2")
    only = queue([tried("trade_off", "missing", on(25), "Explain  RAG.")], BANK[2:])
    assert entry(only, "trade_off").question.id == "q3"  # better asked again than not at all


def test_a_question_whose_words_call_for_the_criterion_goes_before_one_that_leaves_room_for_it():
    asks = Question("q4", "What does it cost?", "design", "product_design", ("cost", "model_fit"), ("cost",))
    found = entry(queue([tried("cost", "missing", on(20))], (*BANK, asks)), "cost")
    assert found.question.id == "q4"
    assert found.bear_in_mind == CRITERIA["cost"].elicit


def test_a_success_in_one_round_does_not_hide_a_miss_in_another_on_the_same_day():
    tries = [
        tried("product_outcome", "missing", on(20, 10), "Plan it.", "execution"),
        tried("product_outcome", "met", on(20, 11), "Lead them.", "behavioural"),
    ]
    found = entry(queue(tries), "product_outcome")
    assert found.missed and found.why == "missed on 20 November"


def test_what_was_missed_lately_and_is_not_due_yet_is_told_with_its_day():
    assert coming_back(queue([])) == ""
    tries = [tried("cost", "missing", on(27, 22)), tried("trade_off", "missing", on(27, 22))]
    later = queue(tries, now=NOW - timedelta(days=1))
    assert coming_back(later) == "3 things that you missed come back on 28 November."  # the question is one
    assert coming_back(queue(tries)) == ""


def test_what_the_judge_was_unsure_of_is_neither_missed_nor_met():
    unsure = tried("cost", None, on(20), unsure=True)
    assert entry(queue([unsure]), "cost").new
    missed = tried("cost", "missing", on(3), "Plan it.")
    assert entry(queue([missed, unsure]), "cost").why == "missed on 3 November"


def test_without_a_bank_what_was_asked_before_is_asked_again_and_else_the_kind_says_what_will_do():
    found = queue([tried("cost", "missing", on(20), "Design a clinic.")], bank=())
    assert entry(found, "cost").question.text == "Design a clinic."
    assert entry(found, "own_role").question is None and entry(found, "own_role").kind == "behavioural"
    beside_a_bank = queue([tried("cost", "missing", on(20), "Design a clinic.")])
    assert (
        entry(beside_a_bank, "mitigation").question.text == "Design a clinic."
    )  # nothing of the bank exercises it


def test_what_is_due_this_evening_is_due_all_day():
    tries = [tried("cost", "missing", on(27, 22))]  # a day later: the 28th, 23 o'clock here
    assert "cost" in [one.id for one in queue(tries).due]
    assert "cost" in [one.id for one in queue(tries, now=NOW - timedelta(days=1)).later]
