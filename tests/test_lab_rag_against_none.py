"""Stories of the same model with and without sources, and of what fine-tuning would take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from coach.backends import load_index
from coach.coach import Coach
from coach.errors import BackendError, StoppedError
from coach.evaluation.cases import load_cases
from coach.lab.cases import lab_cases
from coach.lab.experiment import quoted_in
from coach.lab.rag_against_none import EXPERIMENT, WITH, WITHOUT, estimate
from coach.protocols import ChosenModel
from coach.settings import load_settings
from tests.fakes import ScriptedChatModel
from tests.lab_runs import plotted, quietly, stop_after

PROJECT = Path(__file__).parent.parent
GUIDE = PROJECT / "corpus" / "guides" / "generative-ai-pm-skillset-interview-prep.md"
SURE = "The process often takes 6-8 weeks from initial contact to offer."
MADE_UP = "You fly to Zurich for a chess match against the founder."
CORPUS = {"sentences": 100, "tokens": 2_000, "tokens_per_second": 50.0, "reading_seconds": 0.5}


def coach_with(model: ScriptedChatModel, embedder, home: Path) -> Coach:
    settings = load_settings()
    index = load_index(settings, embedder.name)
    kept = settings.model_copy(update={"home": home})
    return Coach(kept, embedder, index, ChosenModel(model, "given", "It was given."))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the coach of this file keeps what it keeps."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def outcome(library, embedder, kept):
    model = ScriptedChatModel(f"{SURE} {MADE_UP}", choices={"Zurich": "No", "weeks": "Yes"})
    coach = coach_with(model, embedder, kept)
    return EXPERIMENT.run(coach, EXPERIMENT.values({}), quietly)


def test_every_sentence_of_both_ways_is_checked_against_the_article(outcome):
    weeks = [row for row in outcome.rows if "weeks" in str(row.get("question"))]
    supported = {(row["way"], row["sentence"]): row["supported"] for row in weeks}
    assert supported[WITHOUT, SURE] and not supported[WITHOUT, MADE_UP]
    said_with = [row for row in weeks if row["way"] == WITH]
    assert said_with and any(row["supported"] for row in said_with)
    assert all(row["source"] for row in said_with if row["supported"])
    assert all(row["reply_holds_what_was_asked"] for row in weeks)


def test_the_findings_count_what_the_rows_say(outcome):
    rows = [row for row in outcome.rows if row["row"] == "sentence" and row["way"] == WITHOUT]
    assert f"from memory {sum(row['supported'] for row in rows)} of {len(rows)}" in outcome.findings[0]
    assert len({row["question"] for row in rows}) == 3
    assert outcome.estimated and outcome.findings[-1].startswith("Estimate:")


def test_a_run_leaves_no_trace_among_the_users_own(outcome, kept):
    assert list(kept.iterdir()) == []


def test_a_slider_moves_the_estimate_and_asks_no_model(outcome):
    values = EXPERIMENT.values({})
    moved = EXPERIMENT.moved(outcome, {**values, "examples": 20})
    written = {
        key: next(row["fine_tuning"] for row in one.rows if row.get("what") == "examples to write")
        for key, one in (("before", outcome), ("after", moved))
    }
    assert written["after"] == 2 * written["before"] > 0


def test_the_estimate_is_what_its_formula_says():
    found = estimate(CORPUS, {"examples": 10, "minutes": 3, "passes": 2})
    assert found.examples == 1_000
    assert found.writing_hours == pytest.approx(50)
    assert found.training_tokens == 10 * 2 * 2_000 * 2
    assert found.training_hours == pytest.approx(3 * 80_000 / 50 / 3_600)
    assert found.changed_hours == pytest.approx(0.5 + found.training_hours)
    assert found.reading_seconds == 0.5


def test_without_a_chat_model_it_says_what_to_do(sources_only):
    with pytest.raises(BackendError):
        EXPERIMENT.run(sources_only, EXPERIMENT.values({}), quietly)


def test_stopping_ends_the_run_between_two_pieces(library, embedder, tmp_path):
    model = ScriptedChatModel(SURE)
    with pytest.raises(StoppedError):
        EXPERIMENT.run(coach_with(model, embedder, tmp_path), EXPERIMENT.values({}), stop_after(3))
    assert len(model.prompts) <= 1


def test_the_questions_are_those_the_coach_is_measured_with_and_none_is_held_out():
    measured_with = {case.id: case for case in load_cases(PROJECT / "bench" / "answers" / "cases.jsonl")}
    assert [measured_with[case.id] for case in lab_cases(99)] == list(lab_cases(99))
    assert {case.split for case in lab_cases(99)} == {"fit"}


def test_the_outcome_can_be_kept(outcome):
    assert json.dumps([dict(row) for row in outcome.rows]) and json.dumps(dict(outcome.extra))


def test_the_quote_is_the_articles():
    assert quoted_in(GUIDE.read_text("utf-8"), [EXPERIMENT]) == []


def picture(outcome, controls):
    from coach.ui.lab.rag_against_none import draw

    draw(outcome, controls)


def test_the_picture_shows_both_replies_and_moves_with_the_sliders(outcome):
    tables = []
    for examples in (1, 40):
        page = AppTest.from_function(
            picture, default_timeout=60, args=(outcome, EXPERIMENT.values({"examples": examples}))
        ).run()
        assert not page.exception
        tables.append(page.get("html")[-1].proto.body)
    assert b"carried by the article" in plotted(page)
    assert any(MADE_UP in one.proto.body for one in page.get("html"))
    assert tables[0] != tables[1]
