"""The Interview page: a round from the first question to the debrief, at both widths, and nothing lost by a kill."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from coach.types import InterviewQuestion
from tests.browser.pages import LAPTOP, QUIET, TELEPHONE, new_page, serious_faults, serving

pytestmark = pytest.mark.browser

QUESTION = InterviewQuestion(
    "nurses",
    "Design an assistant that drafts the hand-over note for nurses at the end of a shift.",
    "design",
    "product_design",
    2,
    ("failure_modes", "mitigation", "technical_choice", "model_metrics", "cost"),
)
ANSWER = (
    "I would begin with the nurses of the night shift, who write forty hand-over notes. The note is drafted by a small model that reads "
    "the entries of that one patient, because a model trained on old notes knows nothing of today."
)


@pytest.fixture
def own_home(library: Path, tmp_path: Path) -> Path:
    """The bundled corpus, in a folder of the test's own."""
    for name in ("index", "models"):
        shutil.copytree(library / name, tmp_path / name)
    return tmp_path


def put(home: Path) -> str:
    """An interview of one question, which was just put; its id."""
    from coach.interviews import Interviews
    from coach.practice.interview import Asked, Interview, ask_next

    moment = "2026-11-28T10:00:00+00:00"
    asked = (Asked(QUESTION, 60.0),)
    begun = ask_next(Interview("0123456789ab", moment, "senior", "generative-ai-pm", asked), moment)
    Interviews(home).keep(begun)
    return begun.id


def opened(browser, address: str, width: int):
    page = new_page(browser, width)
    page.goto(f"{address}/interview")
    page.get_by_role("button", name="Five minutes, one question").wait_for()
    return page


def say(page, said: str) -> None:
    box = page.get_by_label("Your reply")
    box.fill(said)
    box.press("Tab")
    page.locator(QUIET).wait_for()
    page.get_by_role("button", name="Say it").click()


def test_a_question_is_put_probed_left_rated_and_debriefed(browser, axe, own_home, monkeypatch):
    monkeypatch.setenv("COACH_BACKEND", "none")
    with serving(own_home, "real") as (address, _):
        page = opened(browser, address, TELEPHONE)
        assert serious_faults(page, axe) == []
        page.get_by_role("button", name="Five minutes, one question").click()
        page.locator(".coach-asked").first.wait_for()
        page.goto(f"{address}/interview?interview={put(own_home)}")
        page.get_by_text(QUESTION.text).wait_for()
        say(page, ANSWER)
        page.locator(".coach-asked").nth(1).wait_for()
        assert "“" in page.locator(".coach-asked").nth(1).inner_text()
        assert serious_faults(page, axe) == []
        page.reload()  # what was said is there again
        page.locator(".coach-asked").nth(1).wait_for()
        page.get_by_role("button", name="End the interview").click()
        page.get_by_role("button", name="Show the debrief").wait_for()
        assert serious_faults(page, axe) == []
        page.get_by_role("button", name="Show the debrief").click()
        debrief = page.locator(".coach-debrief")
        debrief.wait_for()
        assert ANSWER[:40] in debrief.inner_text()
        assert serious_faults(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
        page.get_by_role("button", name=QUESTION.text).last.click()
        page.locator(".coach-marked").wait_for()  # the same verdicts, not read again
        assert ANSWER[:40] in page.locator(".coach-marked").inner_text()


def test_an_interview_goes_on_where_a_killed_server_left_it(browser, own_home, monkeypatch):
    monkeypatch.setenv("COACH_BACKEND", "none")
    with serving(own_home, "real") as (address, server):
        page = opened(browser, address, LAPTOP)
        place = f"interview={put(own_home)}"
        page.goto(f"{address}/interview?{place}")
        page.get_by_text(QUESTION.text).wait_for()
        say(page, ANSWER)
        page.locator(".coach-said").wait_for()
        server.kill()
        server.wait()
    with serving(own_home, "real") as (address, _):
        page.goto(f"{address}/interview?{place}")
        page.locator(".coach-asked").nth(1).wait_for()
        assert page.locator(".coach-said").inner_text().strip() == ANSWER
