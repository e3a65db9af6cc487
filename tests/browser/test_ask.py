"""The Ask page: what is seen, pressed and sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.browser.pages import SLOWLY, ask, ask_and_wait, new_page, serving

pytestmark = pytest.mark.browser


def test_a_question_is_answered_in_order_and_nothing_leaves_the_machine(open_page, address) -> None:
    page = open_page()
    ask(page, SLOWLY)
    page.locator(".coach-step").wait_for()
    page.locator(".coach-verbatim").wait_for()
    page.locator(".coach-draft").wait_for()
    assert "In the article’s own words" in page.locator(".coach-verbatim").inner_text()
    page.locator(".coach-written").wait_for()
    assert page.locator(".coach-draft").count() == 0
    assert page.locator(".coach-left-out").is_visible()
    assert "$250,000 to $400,000+" in page.locator(".coach-verbatim").inner_text()
    elsewhere = [url for url in page.sent if not url.startswith((address, "data:", "blob:"))]
    assert elsewhere == []


def test_a_citation_opens_and_closes_by_keyboard_alone(open_page) -> None:
    page = open_page()
    ask_and_wait(page)
    chip = page.locator(".coach-chip").first
    assert "Open the passage" in chip.get_attribute("aria-label")
    chip.focus()
    page.keyboard.press("Enter")
    passage = page.locator(".coach-passage:popover-open")
    passage.wait_for()
    marked = passage.locator("mark").inner_text()
    assert marked.startswith("A typical Generative AI PM interview loop involves 5-7 rounds")
    assert "The process often takes 6-8 weeks" in passage.inner_text()
    assert "How many interview rounds are typical" in passage.inner_text()
    assert "characters 11,397–11,636" in passage.inner_text()
    page.keyboard.press("Escape")
    passage.wait_for(state="hidden")
    assert chip.evaluate("chip => chip === document.activeElement")


@pytest.fixture
def busy_core() -> Iterator[None]:
    burning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    burning.kill()
    burning.wait()


@pytest.mark.usefixtures("busy_core")
def test_what_is_open_stays_open_through_the_end_of_an_answer_and_a_click_then_counts(open_page) -> None:
    page = open_page()
    broken = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    ask_and_wait(page)
    page.get_by_text("How this answer was made").click()
    page.locator(".coach-path").wait_for()
    ask(page, SLOWLY)
    page.locator(".coach-verbatim").nth(1).locator(".coach-chip").first.click()
    page.locator(".coach-written").nth(1).wait_for(state="attached")
    making = page.get_by_text("How this answer was made").nth(1)
    making.wait_for(state="attached")
    making.dispatch_event("click")  # a press of the mouse would close what is open
    page.locator(".coach-path").nth(1).wait_for()
    page.wait_for_timeout(1500)  # whatever is still drawn
    assert page.locator(".coach-passage:popover-open").is_visible()
    assert page.locator(".coach-path").count() == 2
    assert broken == []


def test_the_only_question_asked_again_shows_its_answer(open_page) -> None:
    page = open_page()
    ask(page, SLOWLY)
    page.locator(".coach-draft").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Ask again").click()
    page.locator(".coach-written").wait_for()


def test_stopping_takes_the_unchecked_draft_away_and_keeps_the_sources_words(open_page) -> None:
    page = open_page()
    ask(page, SLOWLY)
    page.locator(".coach-draft").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped before the answer was finished").wait_for()
    assert page.locator(".coach-draft").count() == 0
    assert page.locator(".coach-verbatim").is_visible()


def test_a_refresh_and_a_second_window_show_the_answer_that_goes_on(open_page) -> None:
    page = open_page()
    ask(page, SLOWLY)
    page.locator(".coach-draft").wait_for()
    page.reload()
    page.locator(".coach-draft, .coach-written").first.wait_for()
    other = open_page()
    other.goto(page.url)
    for window in (page, other):
        window.locator(".coach-written").wait_for()
        assert window.locator(".coach-question").inner_text() == SLOWLY
    page.get_by_role("link", name="Library").click()
    page.get_by_role("heading", name="Library").wait_for()
    page.get_by_role("link", name="Ask").click()
    page.locator(".coach-written").wait_for()  # left for another page, it is there on return


def test_the_link_of_the_page_that_is_open_leads_back_to_its_list(open_page, address) -> None:
    page = open_page()
    for name, place in (
        ("Lab", "lab?experiment=sampling"),
        ("Learn", "learn?line=ethics"),
        ("Library", "library?document=guides%2Fgenerative-ai-pm-skillset-interview-prep.md"),
    ):
        page.goto(f"{address}/{place}")
        page.locator(".st-key-way_back").wait_for()
        page.wait_for_function(
            "window.coachLinkGoesBack"
        )  # Streamlit loads the code of each kind of element by itself
        page.get_by_role("link", name=name, exact=True).click()
        page.get_by_role("heading", name=name, exact=True).wait_for()


def test_a_server_killed_in_mid_answer_loses_nothing(browser, tmp_path) -> None:
    page = new_page(browser)
    with serving(tmp_path) as (address, server):
        page.goto(address)
        ask(page, SLOWLY)
        page.locator(".coach-draft").wait_for()
        page.get_by_test_id("stChatInputTextArea").fill("And what pay?")
        page.get_by_test_id("stChatInputTextArea").press("Enter")
        page.get_by_text("Waiting for the one before it").wait_for()
        place = page.url.removeprefix(address)
        server.kill()
        server.wait()
    with serving(tmp_path) as (address, _):
        page.goto(address + place)
        page.get_by_text("The coach ended before this answer was finished").nth(1).wait_for()
        assert page.locator(".coach-question").all_inner_texts() == [SLOWLY, "And what pay?"]
        assert page.locator(".coach-verbatim").is_visible()
        page.get_by_role("button", name="Ask again").first.click()
        page.locator(".coach-written").wait_for()
    page.close()


def test_the_newest_question_is_in_view(open_page) -> None:
    page = open_page(height=600)
    for question in ("How many rounds?", "What pay?", "How long does it take?"):
        ask_and_wait(page, question)
        page.get_by_role("heading", name=question).wait_for()
    # The page scrolls once the question is drawn, and takes a moment over it: wait for where it comes to rest.
    newest = page.get_by_role("heading", name="How long does it take?")
    for _ in range(50):
        if 0 <= newest.bounding_box()["y"] <= 300:
            break
        page.wait_for_timeout(200)
    page.wait_for_timeout(500)
    assert 0 <= newest.bounding_box()["y"] <= 300


def test_a_telephone_shows_everything_without_scrolling_sideways(open_page) -> None:
    page = open_page(390, 844)
    ask_and_wait(page)
    page.get_by_text("How this answer was made").click()
    page.locator(".coach-path").wait_for()
    page.get_by_label("Price in").wait_for()
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    size = page.locator(".coach-chip").first.bounding_box()
    assert min(size["width"], size["height"]) >= 24  # WCAG 2.2, target size (minimum)


def test_the_path_opens_what_the_model_read_and_works_out_a_hosted_price(open_page) -> None:
    page = open_page()
    ask_and_wait(page)
    page.get_by_text("How this answer was made").click()
    page.locator(".coach-path").wait_for()
    page.wait_for_timeout(500)  # Streamlit would follow to the end of it
    assert 0 <= page.get_by_text("How this answer was made").bounding_box()["y"] < 900
    part = page.locator(".coach-path details", has_text="What was found").last
    part.locator("summary").click()
    assert "5-7 rounds" in part.locator(".coach-source-text").inner_text()
    page.get_by_label("Price in").fill("3")
    page.get_by_label("Price in").press("Enter")
    said = page.locator(".coach-note", has_text="0.007230")  # 2,410 tokens
    said.wait_for()
    assert "nothing was sent" in said.inner_text()
