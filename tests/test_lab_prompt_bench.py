"""Stories of four prompts on the same cases: outcomes that are checked, tokens and time that are counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from coach.backends import load_index
from coach.coach import Coach
from coach.errors import BackendError, StoppedError
from coach.evaluation.score import facts_found
from coach.lab.cases import lab_cases
from coach.lab.experiment import quoted_in
from coach.lab.prompt_bench import CUT_OFF, EXPERIMENT, RIGHT, WRONG, outcome, totals
from coach.lab.speak import Said
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.types import Usage
from tests.fakes import ScriptedChatModel
from tests.lab_runs import plotted, quietly, stop_after

GUIDE = Path(__file__).parent.parent / "corpus" / "guides" / "generative-ai-pm-skillset-interview-prep.md"
ROUNDS, *_, BONUS = lab_cases(5)


def said(text: str, *, cut: bool = False) -> Said:
    return Said(text, 1.0, Usage(100, 0, 10), cut)


@pytest.fixture
def coach_with(library, embedder):
    def build(model: ScriptedChatModel) -> Coach:
        settings = load_settings()
        index = load_index(settings, embedder.name)
        return Coach(settings, embedder, index, ChosenModel(model, "given", "It was given."), keeps=False)

    return build


def test_a_reply_is_right_where_it_holds_the_fact_and_wrong_where_it_does_not():
    assert outcome(ROUNDS, said("There are 5-7 rounds.")) == RIGHT
    assert outcome(ROUNDS, said("There are 12 rounds.")) == WRONG
    assert outcome(ROUNDS, said("5-7, but that is not in the sources.")) == WRONG


def test_where_the_article_does_not_say_only_a_refusal_is_right():
    assert outcome(BONUS, said("Not in the sources.")) == RIGHT
    assert outcome(BONUS, said("It is $20,000.")) == WRONG


def test_of_a_reply_that_thinks_aloud_the_last_line_counts():
    thought = "They ask for rounds. The sources say 5-7 rounds.\nAnswer: "
    assert outcome(ROUNDS, said(f"{thought}5-7 rounds.")) == RIGHT
    assert outcome(ROUNDS, said(f"{thought}Twelve.")) == WRONG


def test_a_reply_that_the_limit_cut_is_neither():
    assert outcome(ROUNDS, said("There are 5-7", cut=True)) == CUT_OFF


def test_every_prompt_meets_every_case_with_the_same_passages(coach_with):
    model = ScriptedChatModel("5-7 rounds.")
    own = "Reply like a pirate."
    found = EXPERIMENT.run(coach_with(model), EXPERIMENT.values({"own": own, "cases": 2}), quietly)
    assert [(row["prompt"], row["case"]) for row in found.rows] == [
        (prompt, case)
        for prompt in ("zero-shot", "few-shot", "chain-of-thought", "your own")
        for case in (1, 2)
    ]
    assert [turns[0].text for turns in model.prompts[-2:]] == [own, own]
    assert len({turns[1].text for turns in model.prompts}) == 2
    assert [row["outcome"] for row in found.rows if row["case"] == 1] == [RIGHT] * 4
    few, zero = found.rows[2], found.rows[0]
    assert few["prompt_tokens"] > zero["prompt_tokens"] > 0


def test_the_passages_before_a_question_hold_the_fact_it_asks_for(coach_with):
    model = ScriptedChatModel("x")
    EXPERIMENT.run(coach_with(model), EXPERIMENT.values({}), quietly)
    for case, turns in zip(lab_cases(5), model.prompts, strict=False):
        sources = turns[1].text.partition("Question:")[0]
        assert facts_found(case.facts, sources) == len(case.facts)


def test_the_findings_say_how_little_so_few_cases_tell(coach_with):
    found = EXPERIMENT.run(
        coach_with(ScriptedChatModel("Not in the sources.")), EXPERIMENT.values({}), quietly
    )
    assert [one["right"] for one in totals(found.rows)] == [2, 2, 2, 2]
    assert "Zero-shot: 2 of 5 right" in found.findings[0]
    assert "2 of 5 right means, with 95% confidence, a share between 12% and 77%" in found.findings[-1]


def test_a_limit_that_cuts_replies_is_told_of(coach_with):
    model = ScriptedChatModel(" ".join(["long"] * 50))
    found = EXPERIMENT.run(coach_with(model), EXPERIMENT.values({"limit": 16, "cases": 1}), quietly)
    assert {row["outcome"] for row in found.rows} == {CUT_OFF}
    assert any(finding.startswith("4 replies were cut off") for finding in found.findings)


def test_stopping_ends_the_run_in_the_middle_of_a_reply(coach_with):
    model = ScriptedChatModel("one two three four five")
    with pytest.raises(StoppedError):
        EXPERIMENT.run(coach_with(model), EXPERIMENT.values({}), stop_after(3))
    assert len(model.prompts) == 1


def test_without_a_chat_model_it_says_what_to_do(sources_only):
    with pytest.raises(BackendError):
        EXPERIMENT.run(sources_only, EXPERIMENT.values({}), quietly)


def test_the_quote_is_the_articles():
    assert quoted_in(GUIDE.read_text("utf-8"), [EXPERIMENT]) == []


def picture(outcome, controls):
    from coach.ui.lab.prompt_bench import draw

    draw(outcome, controls)


def test_the_picture_shows_every_outcome_and_reply(coach_with):
    found = EXPERIMENT.run(
        coach_with(ScriptedChatModel("Not <i>in</i> the sources.")), EXPERIMENT.values({"cases": 1}), quietly
    )
    page = AppTest.from_function(picture, default_timeout=60, args=(found, EXPERIMENT.values({}))).run()
    assert not page.exception
    assert b"wrong" in plotted(page)
    assert len(page.get("vega_lite_chart")) == 4
    assert any("Not &lt;i&gt;in" in one.proto.body for one in page.get("html"))
