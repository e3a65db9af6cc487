"""The Progress page, driven without a browser over a faked coach with a real store."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow
import pytest
from streamlit.testing.v1 import AppTest

from coach.store.critiques import CritiqueStore, draft_id
from coach.store.readings import ReadingStore
from coach.store.stories import StoryStore
from coach.ui import critique_session
from tests.critiques import first_critique
from tests.fakes import FakeCoach
from tests.tries import keep, on

PROJECT = Path(__file__).resolve().parent.parent
HOSTILE = "<img src=x onerror=alert(1)> $x$ **b**"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    return tmp_path


def open_page() -> AppTest:
    page = AppTest.from_file(str(PROJECT / "coach" / "ui" / "pages" / "progress.py"), default_timeout=30)
    page.session_state["coach"] = FakeCoach()
    return page.run()


def shown(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def words(page: AppTest) -> str:
    """What is read on the page, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", shown(page)).replace("&nbsp;", " ").split())


def picture(page: AppTest) -> tuple[dict, dict[str, list[dict]]]:
    """The one picture on the page, and by the kind of its marks what each layer is drawn of."""
    (chart,) = page.get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    rows = {
        one.name: pyarrow.ipc.open_stream(one.data.data).read_all().to_pylist()
        for one in chart.proto.datasets
    }
    return spec, {layer["mark"]["type"]: rows[layer["data"]["name"]] for layer in spec["layer"]}


def fill(home: Path) -> None:
    for day in range(1, 7):
        keep(home, {"cost": "missing", "trade_off": "met"}, on(day), f"Design number {day}.")
    keep(home, {"latency": "met"}, on(7), "Explain caching.", "technical")


def test_with_nothing_judged_the_page_says_what_to_do_and_what_is_new() -> None:
    page = open_page()
    text = words(page)
    assert "No draft has been judged yet. Hand one in on the Critique page" in text
    assert "new: never tried" in text and "Write down what you would tell" in text
    assert not page.get("vega_lite_chart")
    assert [button.label for button in page.button if button.key == "progress_critique"]


def test_the_map_draws_intervals_and_the_table_holds_the_same_in_words(own_home: Path) -> None:
    fill(own_home)
    page = open_page()
    spec, drawn = picture(page)
    cost = next(one for one in drawn["rule"] if one["criterion"] == "Knows what it costs")
    assert (cost["grade"], cost["words"]) == ("mostly missed", "0 of 6 met (0 to 41 %): mostly missed")
    few = [one for one in drawn["rule"] if one["criterion"] == "Knows how fast it must answer"]
    assert {one["grade"] for one in few} == {"too few"}
    assert {one["grade"] for one in drawn["circle"]} == {
        "mostly missed",
        "mostly met",
    }  # none below three tries
    assert "the table below holds the same in words" in spec["description"]
    text = words(page)
    assert "0 of 6 met (0 to 41 %): mostly missed" in text
    assert "1 of 1 met (" in text
    assert "Not tried yet (" in text and "not asked" in text


def test_what_is_due_says_why_and_opens_the_critique_page_with_its_question(own_home: Path) -> None:
    fill(own_home)
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=30)
    app.session_state["coach"] = FakeCoach()
    app.run()
    app.switch_page("coach/ui/pages/progress.py").run()
    assert "missed on 4, 5 and 6 November" in words(app)
    app.button(key="practise_0").click().run()
    assert not app.exception
    question = app.session_state[critique_session.QUESTION]
    assert question.startswith("Design number") and app.session_state[critique_session.KIND] == "design"
    assert app.text_area(key=critique_session.QUESTION).value == question  # on the Critique page
    assert "You are practising: Knows what it costs missed on 4, 5 and 6 November · about 5 minutes" in words(
        app
    )
    app.button(key="practised_back").click().run()
    assert "Where you stand" in words(app)


def test_a_try_is_opened_with_its_verdicts_and_not_read_again(own_home: Path) -> None:
    CritiqueStore(own_home).keep(first_critique())
    CritiqueStore(own_home).overrule(first_critique(), "cost", "met", "The last line names it.")
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=30)
    app.session_state["coach"] = FakeCoach()
    app.run()
    app.switch_page("coach/ui/pages/progress.py").run()
    for _ in range(2):  # a second time it is the same reading
        app.button(key="progress_open_draft").click().run()
        assert not app.exception
        assert first_critique().draft[:40] in words(app) and "The last line names it." in words(app)
        assert len(ReadingStore(own_home).questions()) == 1
        app.switch_page("coach/ui/pages/progress.py").run()


def test_the_page_lists_what_was_overruled(own_home: Path) -> None:
    CritiqueStore(own_home).overrule(first_critique(), "cost", "met", f"It does. {HOSTILE}")
    text = shown(open_page())
    assert "Overruled by you (1)" in text and "the coach said missing, you said met: It does." in text
    assert "<img" not in text


def test_a_story_is_written_found_changed_and_deleted(own_home: Path) -> None:
    page = open_page()
    page.text_input(key="story_title_new").set_value(f"A launch I stopped {HOSTILE}")
    page.button(key="story_keep_new").click().run()
    assert "There is only a title yet" in words(page)
    assert page.text_input(key="story_title_new").value.startswith("A launch")  # nothing typed is lost
    page.text_area(key="story_action_new").set_value("I held back a chat: 1 in 40 doses was wrong.")
    page.button(key="story_keep_new").click().run()
    (story,) = StoryStore(own_home).list()
    text = shown(page)
    assert "I held back a chat" in text and "Its figures: 1, 40" in text and "<img" not in text
    assert page.text_input(key="story_title_new").value == ""

    page.text_input(key="story_question").set_value("Tell me about a launch.").run()
    assert "The nearest first" in words(page)
    page.text_input(key="story_question").set_value("Salary?").run()
    assert "No story of yours clearly answers this. The nearest, if it can be told so:" in words(page)

    page.button(key=f"story_edit_{story.id}").click().run()
    assert page.text_area(key=f"story_action_{story.id}").value == story.action
    page.text_area(key=f"story_result_{story.id}").set_value("No wrong dose.")
    page.button(key=f"story_keep_{story.id}").click().run()
    assert StoryStore(own_home).list()[0].result == "No wrong dose."
    page.button(key=f"story_delete_{story.id}").click().run()
    assert len(StoryStore(own_home).list()) == 1  # it asks first
    page.button(key=f"story_delete_{story.id}_not").click().run()
    page.button(key=f"story_delete_{story.id}").click().run()
    page.button(key=f"story_delete_{story.id}_now").click().run()
    assert StoryStore(own_home).list() == ()


def test_an_export_is_downloaded_and_brought_back(own_home: Path) -> None:
    fill(own_home)
    page = open_page()
    labels = [element.proto.label for element in page.get("download_button")]
    assert labels == ["Markdown", "JSON", "CSV", "Anki cards"]
    content = FakeCoach().export_progress("json")
    for draft in CritiqueStore(own_home).list():
        CritiqueStore(own_home).delete(draft.id)
    page.file_uploader(key="progress_upload").upload("progress.json", content, "application/json").run()
    assert "7 drafts, 0 stories and 0 interviews brought back" in words(page)
    assert len(CritiqueStore(own_home).list()) == 7
    page.file_uploader(key="progress_upload").upload("progress.json", b"{}", "application/json").run()
    assert "This is no export of your progress" in words(page)


def test_a_file_that_cannot_be_read_is_said_and_the_page_goes_on(own_home: Path) -> None:
    CritiqueStore(own_home).keep(first_critique())
    (own_home / "coach.sqlite3").write_bytes(b"no database at all" * 100)
    text = words(open_page())
    assert "cannot be read" in text and "coach doctor" in text and "Take it along" in text


def test_a_draft_that_is_deleted_leaves_the_map(own_home: Path) -> None:
    store = CritiqueStore(own_home)
    store.keep(first_critique())
    assert "Knows what it costs" in words(open_page())
    store.delete(draft_id(first_critique()))
    assert "No draft has been judged yet" in words(open_page())
