"""The experiment on refusals: the curve, today's point on it, and what flips."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from coach.lab.refusal_threshold import EXPERIMENT, flips, outcome_at, wrong_at
from coach.settings import corpus_folder
from coach.types import Answer


@pytest.fixture(scope="module")
def outcome(sources_only):
    return EXPERIMENT.run(sources_only, EXPERIMENT.values({}), lambda doing, done, total: None)


def cases(outcome):
    return [row for row in outcome.rows if row["part"] == "case"]


def test_refusing_nothing_and_refusing_all_are_the_ends_of_the_curve(outcome):
    curve = [row for row in outcome.rows if row["part"] == "curve"]
    assert (curve[0]["share of wrong answers"], curve[0]["share of wrong refusals"]) == (1, 0)
    assert (curve[-1]["share of wrong answers"], curve[-1]["share of wrong refusals"]) == (0, 1)
    answers = [row["wrong answers"] for row in curve]
    assert answers == sorted(answers, reverse=True)


def test_today_is_what_the_coach_itself_does_with_the_cases(outcome, sources_only):
    for row in cases(outcome)[::24]:
        answered = isinstance(sources_only.answer(row["question"]).result(), Answer)
        assert answered == (row["today"] == "answered"), row["question"]


def test_a_moved_threshold_names_three_cases_that_flip(outcome):
    moved = EXPERIMENT.moved(outcome, {"threshold": 0.9})
    other = flips(cases(outcome), 0.9)
    assert len(other) > 3
    named = moved.findings[-3:]
    for case, said in zip(other, named, strict=False):
        assert case["question"] in said and f"here {outcome_at(case, 0.9)}, today {case['today']}" in said
    assert all(outcome_at(case, 0.9) != case["today"] for case in other)


def test_a_higher_threshold_answers_less_wrongly_and_refuses_more(outcome):
    low, high = wrong_at(cases(outcome), 0.2), wrong_at(cases(outcome), 0.9)
    assert high["wrong answers"] < low["wrong answers"]
    assert high["wrong refusals"] > low["wrong refusals"]


def test_its_quote_stands_in_the_article_and_its_rows_can_be_kept(outcome):
    assert any(
        EXPERIMENT.quote in guide.read_text("utf-8") for guide in (corpus_folder() / "guides").glob("*.md")
    )
    assert json.loads(json.dumps(outcome.rows)) == [dict(row) for row in outcome.rows]


def test_its_pictures_are_drawn(outcome):
    def page(outcome, controls):
        from coach.ui.lab.refusal_threshold import draw

        draw(outcome, controls)

    drawn = AppTest.from_function(page, args=(outcome, EXPERIMENT.values({}))).run(timeout=30)
    assert not drawn.exception
    assert len(drawn.get("vega_lite_chart") or drawn.get("arrow_vega_lite_chart")) == 2
