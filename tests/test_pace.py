"""What a long step says of itself: how far, how fast, how long still."""

from __future__ import annotations

import io

from coach.cli.terminal import StepBars
from coach.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_is_told_once_it_can_be_judged_and_begins_anew_with_each_step():
    clock = Clock()
    pace = Pace(clock)
    assert pace("embed", 0, 5000) == "Embedding: 0 of 5,000 texts"
    clock.now += 1
    assert pace("embed", 85, 5000) == "Embedding: 85 of 5,000 texts"
    clock.now += 9
    assert pace("embed", 850, 5000) == "Embedding: 850 of 5,000 texts, 85 a second, about 49 s left"
    assert pace("store", 0, 10) == "Storing: 0 of 10 passages"
    clock.now += 600
    assert pace("store", 1, 10) == "Storing: 1 of 10 passages, about 2 h left"
    assert pace("store", 10, 10) == "Storing: 10 of 10 passages"


def test_a_step_without_a_unit_says_its_share():
    clock = Clock()
    pace = Pace(clock)
    pace("pulling the model", 0, 2_000_000_000)
    clock.now += 60
    assert pace("pulling the model", 500_000_000, 2_000_000_000) == "pulling the model: 25%, about 3 min left"


def test_what_is_quick_draws_nothing():
    stream = io.StringIO()
    bars = StepBars(stream)
    for done in range(11):
        bars("read", done, 10)
    bars.close()
    assert stream.getvalue() == ""
