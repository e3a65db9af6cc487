"""The Critique page: verdicts one by one, links both ways, and a draft that is never lost."""

from __future__ import annotations

import pytest

from tests.browser.pages import QUIET, go_to_critique, hand_in, hand_in_and_wait, new_page, open_critique
from tests.critique_fakes import DRAFT, SECOND

pytestmark = pytest.mark.browser

SLOWLY = f"{DRAFT} I would go slowly."


def lit(page, selector: str) -> bool:
    """Whether the element is drawn with a coloured ring round it."""
    page.wait_for_timeout(300)  # the ring fades in
    shadow = page.locator(selector).first.evaluate("element => getComputedStyle(element).boxShadow")
    return shadow != "none" and "rgba(0, 0, 0, 0)" not in shadow


def test_verdicts_arrive_one_by_one_beside_the_draft_and_nothing_leaves_the_machine(
    open_page, address
) -> None:
    page = open_critique(open_page)
    hand_in(page, SLOWLY)
    page.locator(".coach-verdict:not(.coach-pending)").first.wait_for()
    assert page.locator(".coach-pending").count() > 0
    assert page.locator(".coach-marked").is_visible()
    page.locator(".coach-summary").wait_for()
    page.locator(QUIET).wait_for()
    assert page.locator(".coach-pending").count() == 0
    assert page.locator(".coach-verdict").count() == 10
    draft, verdict = (
        page.locator(".coach-marked").bounding_box(),
        page.locator(".coach-verdict").first.bounding_box(),
    )
    assert draft["x"] + draft["width"] <= verdict["x"]
    assert [url for url in page.sent if not url.startswith((address, "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def judged(browser, address):
    """A page with a critique on it, for tests that only look at it."""
    page = go_to_critique(new_page(browser), address)
    hand_in_and_wait(page)
    yield page
    page.close()


def test_a_quote_lights_up_its_verdict_and_a_verdict_its_quote(judged) -> None:
    page = judged
    page.locator("h2").first.hover()
    assert not lit(page, ".coach-verdict.coach-n-1")
    page.locator(".coach-quoted.coach-n-1").first.hover()
    assert lit(page, ".coach-verdict.coach-n-1")
    page.locator(".coach-verdict.coach-n-3").hover()
    assert lit(page, ".coach-quoted.coach-n-3")
    assert not lit(page, ".coach-quoted.coach-n-1")


def test_the_keyboard_goes_from_the_quote_to_its_verdict_and_back(judged) -> None:
    page = judged
    page.locator("a.coach-number-link.coach-n-3").focus()
    page.keyboard.press("Enter")
    page.locator(".coach-verdict.coach-n-3:target").wait_for()
    page.wait_for_timeout(300)
    assert 0 <= page.locator(".coach-verdict.coach-n-3").bounding_box()["y"] < 900
    page.locator(".coach-verdict.coach-n-3 .coach-draft-words a").focus()
    page.keyboard.press("Enter")
    page.locator(".coach-anchor.coach-n-3:target").wait_for(state="attached")
    assert lit(page, ".coach-quoted.coach-n-3")
    page.locator(".coach-verdict.coach-n-3 .coach-open").focus()
    page.keyboard.press("Enter")
    passage = page.locator(".coach-passage:popover-open")
    passage.wait_for()
    assert passage.locator("mark").inner_text()
    page.keyboard.press("Escape")
    passage.wait_for(state="hidden")


def test_stop_keeps_the_draft_and_the_verdicts_so_far(open_page) -> None:
    page = open_critique(open_page)
    hand_in(page, SLOWLY)
    page.locator(".coach-verdict:not(.coach-pending)").first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Read it again").wait_for()
    page.locator(QUIET).wait_for()
    judged = page.locator(".coach-verdict").count()
    assert 1 <= judged < 10
    assert "invents a refund rule" in page.locator(".coach-marked").inner_text()
    page.get_by_role("button", name="Read it again").click()
    page.locator(".coach-summary").wait_for()
    page.locator(QUIET).wait_for()
    assert page.locator(".coach-verdict").count() == 10


def test_what_was_typed_is_there_after_a_visit_to_another_page(open_page) -> None:
    page = open_critique(open_page)
    page.get_by_label("Your draft answer").fill(DRAFT)
    page.keyboard.press("Tab")  # Streamlit drops a click that comes while it takes the text over
    page.wait_for_timeout(300)
    page.locator(QUIET).wait_for()
    page.get_by_role("link", name="Library").click()
    page.get_by_role("heading", name="Library").wait_for()
    page.locator(QUIET).wait_for()
    page.get_by_role("link", name="Critique").click()
    page.get_by_label("Your draft answer").wait_for()
    page.locator(QUIET).wait_for()
    assert page.get_by_label("Your draft answer").input_value() == DRAFT


def test_a_reading_left_half_way_is_there_on_return(open_page) -> None:
    page = open_critique(open_page)
    hand_in(page, SLOWLY)
    page.locator(".coach-verdict:not(.coach-pending)").first.wait_for()
    page.get_by_role("link", name="Library").click()
    page.get_by_role("heading", name="Library").wait_for()
    page.get_by_role("link", name="Critique").click()
    page.locator(".coach-summary").wait_for()  # it was read on meanwhile
    page.reload()
    page.locator(".coach-summary").wait_for()
    assert "invents a refund rule" in page.locator(".coach-marked").inner_text()


def test_the_critique_is_downloaded_as_markdown(judged, tmp_path) -> None:
    page = judged
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as Markdown").click()
    waiting.value.save_as(tmp_path / "critique.md")
    written = (tmp_path / "critique.md").read_text(encoding="utf-8")
    assert "it invents a refund rule" in written
    assert "Names how the model can fail" in written


def test_a_telephone_shows_everything_without_scrolling_sideways(open_page) -> None:
    page = open_critique(open_page, 390, 844)
    hand_in_and_wait(page)
    page.locator(".st-key-critique_improve_cost button").click()
    page.get_by_role("button", name="Give me a hint").wait_for()
    page.get_by_role("button", name="Edit the draft").click()
    page.get_by_label("Your draft answer").fill(SECOND)
    page.get_by_role("button", name="Read it as the committee").click()
    page.locator(".coach-comparison").wait_for()
    page.locator(QUIET).wait_for()
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for selector in (".coach-number-link", ".coach-open"):
        size = page.locator(selector).first.bounding_box()
        assert min(size["width"], size["height"]) >= 24  # WCAG 2.2, target size (minimum)
