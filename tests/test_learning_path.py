"""The article's checklist as a path: its words are the article's, its drills are checked, its progress is kept as long as the rest."""

from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from coach.coach import Coach
from coach.critique.rubric import bundled_rubrics
from coach.errors import BackendError, UsageError
from coach.jobs.drills import DrillJobs
from coach.jobs.turns import ModelTurns
from coach.lab.catalogue import experiment
from coach.learn.check import check, check_with
from coach.learn.path import Drill, learning_path
from coach.protocols import ChosenModel
from coach.settings import corpus_folder, load_settings
from coach.store.learning import LearningStore
from coach.store.retention import apply_retention, erase_all
from coach.ui import session
from tests.fakes import ScriptedChatModel

PAGES = Path(session.__file__).parent / "pages"
ARTICLE = next((corpus_folder() / "guides").glob("*.md")).read_text("utf-8")
DRILLS = {drill.question: drill for line in learning_path() for drill in line.drills}
LENS = DRILLS["How does the strategic lens shift?"]
ROUNDS = DRILLS["How many interview rounds are typical for a Generative AI PM role?"]


def test_the_lines_are_the_articles_checklist_word_for_word():
    checklist = ARTICLE.partition("## Preparation Checklist")[2].partition("\n## ")[0]
    items = re.findall(r"^- (.+)$", checklist, re.MULTILINE)
    assert [line.words.text for line in learning_path()] == items
    assert len(items) == 7


def test_everything_that_a_line_opens_is_there():
    kinds = {kind for rubric in bundled_rubrics() for kind in rubric.kinds}
    for line in learning_path():
        assert line.passages and line.drills and line.experiments and line.practice
        assert all(ARTICLE[span.start : span.end] == span.text for span in (line.words, *line.passages))
        assert [experiment(name).name for name in line.experiments] == list(line.experiments)
        assert {practice.kind for practice in line.practice} <= kinds


def test_every_drill_is_a_question_written_down_for_its_sentence():
    (written,) = (
        tomllib.loads(path.read_text("utf-8")) for path in (corpus_folder() / "questions").glob("*.toml")
    )
    asked = {entry["text"]: entry["questions"] for entry in written["sentence"]}
    assert [
        drill.question for drill in DRILLS.values() if drill.question not in asked[drill.sentence.text]
    ] == []
    assert len(DRILLS) == sum(len(line.drills) for line in learning_path())


@pytest.mark.parametrize(
    ("drill", "typed", "outcome"),
    [
        (LENS, "Instead of market sizing one does risk sizing, and builds guardrails.", "says"),
        (LENS, "It moves to risk sizing.", "partly"),
        (LENS, "Strategy becomes more forward-looking.", "not found"),
        (ROUNDS, "Five to seven.", "says"),
        (ROUNDS, "Three rounds.", "not found"),
        (ROUNDS, "There are 12 rounds.", "not found"),
    ],
)
def test_an_answer_says_it_or_part_of_it_or_is_not_found(sources_only, drill, typed, outcome):
    found = check_with(sources_only, typed, drill)
    assert found.outcome == outcome
    assert not found.by_model


def test_what_is_missing_is_said_in_the_articles_words(sources_only):
    found = check_with(sources_only, "It moves to risk sizing.", LENS)
    assert found.in_words == "Says part of it. Not found in it: building robust guardrails."


def test_the_articles_own_words_are_right_and_are_called_its_own(sources_only):
    found = check_with(sources_only, LENS.sentence.text, LENS)
    assert (found.outcome, found.copied) == ("says", True)
    assert "try it in yours" in found.in_words


def test_a_chat_model_is_asked_about_what_the_signals_cannot_tell(sources_only):
    swapped = "The strategic lens shifts from risk sizing and robust guardrails to purely market sizing."
    assert check_with(sources_only, swapped, LENS).outcome == "says"  # the signals are blind to the order
    for says, outcome in (("No", "not found"), ("Yes", "says")):
        model = ScriptedChatModel(choices={"Statement": says})
        coach = Coach(
            sources_only.settings.model_copy(update={"backend": "auto"}),
            sources_only.embedder,
            sources_only.index,
            ChosenModel(model, "given", "It was given."),
            keeps=False,
        )
        found = check_with(coach, swapped, LENS)
        assert (found.outcome, found.by_model) == (outcome, True)


def test_without_a_chat_model_that_can_tell_the_signals_decide(sources_only):
    def fails(claim: str) -> float:
        raise BackendError("It gives no log-probabilities: take another model.")

    found = check("It moves to risk sizing.", LENS, sources_only.embedder, fails)
    assert (found.outcome, found.by_model) == ("partly", False)


@pytest.mark.parametrize("typed", ["", "  \n", "it is the", "word " * 200])
def test_nothing_and_an_essay_are_not_checked(sources_only, typed):
    with pytest.raises(UsageError):
        check_with(sources_only, typed, LENS)


@pytest.fixture
def waiting(sources_only, tmp_path):
    """An answer that waits for a chat model that somebody else has, and the jobs that it is one of."""
    model = ScriptedChatModel(choices={"Statement": "Yes"})
    settings = sources_only.settings.model_copy(update={"backend": "auto"})
    chosen = ChosenModel(model, "given", "It was given.")
    coach = Coach(settings, sources_only.embedder, sources_only.index, chosen, keeps=False)
    turns = ModelTurns()
    somebody = turns.turn("somebody")
    somebody.take()
    jobs = DrillJobs(LearningStore(tmp_path), turns, lambda: coach)
    jobs.start(LENS, "It moves to risk sizing.", "me")
    yield jobs
    somebody.give_back()
    assert jobs.wait(20)


def test_an_answer_that_waits_for_the_model_can_be_stopped_and_nothing_is_kept(waiting, tmp_path):
    assert not waiting.wait(0.3)
    assert not waiting.of("me").finished
    waiting.stop("me")
    assert waiting.wait(20)
    assert (waiting.of("me").finished, waiting.of("me").checked) == (True, None)
    assert LearningStore(tmp_path).all() == {}


def test_erasing_ends_what_waits_and_forgets_what_was_typed(waiting, tmp_path):
    waiting.forget()
    assert waiting.wait(20)
    assert waiting.of("me") is None
    assert LearningStore(tmp_path).all() == {}


# --- in the terminal -------------------------------------------------------------------------------------------------


@pytest.fixture
def own_home(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own with the real index and models linked in."""
    for name in ("models", "index"):
        (tmp_path / name).symlink_to(library / name, target_is_directory=True)
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    monkeypatch.setenv("COACH_BACKEND", "none")
    return tmp_path


def test_the_checklist_is_listed_opened_ticked_off_and_drilled_in_the_terminal(own_home, run_coach):
    listed = run_coach("learn")
    assert listed.returncode == 0
    assert "7. [ ] Build a GenAI portfolio:" in listed.stdout
    assert "0 of 7 lines done, 0 of 30 drills said." in listed.stdout

    opened = run_coach("learn", "4").stdout
    assert "(guides/generative-ai-pm-skillset-interview-prep.md:" in opened
    assert "coach lab refusal-threshold" in opened
    assert "coach critique DRAFT --kind ethics" in opened

    typed = (
        "Bias, fairness, transparency and accountability.\n"
        "\n"
        "From sizing the market to risk sizing.\n"
        "The salaries of the engineers.\n"
        "Bias.\n"
    )
    drilled = run_coach("learn", "4", "--drill", stdin=typed.encode())
    assert drilled.returncode == 0
    assert "Says what the article says." in drilled.stdout
    assert "Says part of it. Not found in it: building robust guardrails." in drilled.stdout
    assert "Not found there" in drilled.stdout
    for drill in learning_path()[3].drills:
        assert f"The article: “{drill.sentence.text}”" in drilled.stdout
        assert f":{drill.sentence.start}-{drill.sentence.end})" in drilled.stdout

    assert run_coach("learn", "4", "--done").stdout == "Line 4 is done.\n"
    listed = run_coach("learn").stdout
    assert "4. [x] Develop a framework" in listed
    assert "1 of 7 lines done, 1 of 30 drills said." in listed
    assert (
        "1 of 4" in run_coach("learn", "4", "--drill", stdin=b"\n\n\n\n").stdout
    )  # the one that was said is left out
    assert run_coach("learn", "4", "--not-done").stdout == "Line 4 is not done.\n"
    assert "0 of 7 lines done" in run_coach("learn").stdout


@pytest.mark.parametrize(
    ("arguments", "said"), [(["8"], "no line 8"), (["0"], "no line 0"), (["--drill"], "Say which line")]
)
def test_a_line_that_is_not_there_is_one_sentence(own_home, run_coach, arguments, said):
    done = run_coach("learn", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_nothing_is_kept_where_nothing_is_to_be_kept(own_home, run_coach):
    done = run_coach("learn", "1", "--done", COACH_HISTORY="nothing")
    assert "Nothing is kept" in done.stderr
    drilled = run_coach("learn", "7", "--drill", stdin=b"Personal projects and open source.\n\n\n\n")
    assert "Says what the article says." in drilled.stdout
    assert LearningStore(own_home).all() == {}


def test_progress_is_kept_as_long_as_conversations_and_is_erased_with_the_rest(tmp_path):
    LearningStore(tmp_path).keep("ethics", "done")
    settings = load_settings(history="30 days").model_copy(update={"home": tmp_path})
    apply_retention(settings)
    assert LearningStore(tmp_path).all() == {"ethics": "done"}
    apply_retention(settings.model_copy(update={"history": "nothing"}))
    assert LearningStore(tmp_path).all() == {}
    LearningStore(tmp_path).keep("ethics", "done")
    erase_all(settings)
    assert not list(tmp_path.iterdir())


# --- on the page -----------------------------------------------------------------------------------------------------


def shown(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def open_page(coach: Coach, **address: str) -> AppTest:
    page = AppTest.from_file(str(PAGES / "learn.py"), default_timeout=30)
    page.session_state["coach"] = coach
    for name, value in address.items():
        page.query_params[name] = value
    return page.run()


def answered(page: AppTest, drill: Drill, typed: str) -> str:
    """Type an answer to the drill, and wait until it has been checked."""
    page.text_area(key=f"learn_typed_{drill.name}").set_value(typed)
    next(button for button in page.button if button.label == "Check it").click()
    page.run()
    worker, visitor = page.session_state["worker"], page.session_state["visitor"]
    end = time.monotonic() + 20
    while not worker.drills.of(visitor).finished:
        assert time.monotonic() < end, "the answer was not checked"
        time.sleep(0.02)
    return shown(page.run())


def test_a_line_is_opened_drilled_and_ticked_off_on_the_page(sources_only, tmp_path, monkeypatch):
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    page = open_page(sources_only)
    assert "0 of 7 lines done, 0 of 30 drills said." in shown(page)
    text = shown(page.button(key="open_ethics").click().run())
    assert "Develop a framework for ethical AI" in text
    first, second, *_ = learning_path()[3].drills
    assert first.sentence.text.partition(": ")[2] not in text.partition("Question 1 of 5")[2]
    text = answered(page, first, "Bias and fairness.")
    assert "Says part of it. Not found in it: transparency" in text
    assert (
        f"document=guides%2Fgenerative-ai-pm-skillset-interview-prep.md&amp;start={first.sentence.start}"
        in text
    )
    page.checkbox(key=f"learn_said_{first.name}").check().run()  # the learner's own word counts
    assert LearningStore(tmp_path).all() == {first.name: "says"}
    page.checkbox(key=f"learn_said_{first.name}").uncheck().run()
    assert LearningStore(tmp_path).all() == {first.name: "partly"}
    assert "Says what the article says." in answered(
        page, first, "Bias, fairness, transparency and accountability."
    )
    text = shown(page.button(key="learn_next").click().run())
    assert second.question in text
    assert "Says what" not in text
    assert "type a sentence or two" in answered(page, second, "")
    page.checkbox(key="learn_done_ethics").check().run()
    text = shown(page.button(key="way_back").click().run())
    assert "1 of 7 lines done, 1 of 30 drills said." in text
    assert "Done, 1 of 5 drills said" in text
    assert LearningStore(tmp_path).all() == {"ethics": "done", first.name: "says"}


def test_a_line_leads_to_its_experiments_and_its_questions_to_critique(sources_only, tmp_path, monkeypatch):
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    page = open_page(sources_only, line="prompting")
    assert {"Temperature and top-p", "Drag the window down"} <= {button.label for button in page.button}
    page.button(key="learn_practice_1").click().run()
    assert page.session_state["critique_question"] == learning_path()[2].practice[0].text
