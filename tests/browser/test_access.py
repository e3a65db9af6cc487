"""The app for everybody: axe-core finds no serious fault, the keyboard will do, and no stranger's text makes a page reach out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from coach.store.critiques import CritiqueStore
from coach.store.stories import StoryStore
from tests.browser.pages import (
    QUIET,
    SERIOUS,
    SLOWLY,
    TELEPHONE,
    TRIED,
    ask,
    hand_in_and_wait,
    new_page,
    open_critique,
    serious_faults,
    serving,
)
from tests.critique_fakes import DRAFT, QUESTION
from tests.critiques import first_critique
from tests.hostile import ELSEWHERE, HOSTILE
from tests.tries import keep, on

pytestmark = pytest.mark.browser

# Whether an element, or a box close around it, looks another way with the keyboard's focus than without.
FOCUS_IS_SEEN = """
async (element) => {
  const drawn = () => new Promise((done) => setTimeout(done, 100));
  const look = () => {
    const seen = [];
    for (let at = element, up = 0; at && up < 4; at = at.parentElement, up++) {
      const {outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor} = getComputedStyle(at);
      seen.push([outlineStyle === "none" ? "" : outlineWidth + outlineColor, boxShadow, borderColor, backgroundColor]);
    }
    return JSON.stringify(seen);
  };
  const style = document.createElement("style");
  style.textContent = "* { transition: none !important; }";
  document.head.append(style);
  await drawn();
  const focused = look();
  element.blur();
  await drawn();
  const plain = look();
  element.focus();
  style.remove();
  return focused !== plain;
}
"""


def every_page(page) -> Iterator[str]:
    """Each page that the navigation lists, opened in turn; its name."""
    links = page.get_by_test_id("stSidebarNavLink")
    links.first.wait_for(state="attached")
    first, *others = (text.split()[-1] for text in links.all_inner_texts())
    assert len(others) >= 6
    page.goto(links.first.evaluate("link => link.href"))
    page.locator("h1").first.wait_for()
    page.locator(QUIET).wait_for()
    yield first
    for name in others:
        links.filter(has_text=name).click()
        page.locator("h1", has_text=name).first.wait_for()
        page.locator(QUIET).wait_for()
        yield name


def test_axe_finds_no_serious_fault_in_a_line_of_the_checklist(open_page, address, axe) -> None:
    page = open_page(TELEPHONE)
    page.goto(f"{address}/learn?line=ethics")
    page.get_by_label("Your answer, in a sentence or two").fill("Bias and fairness.")
    page.get_by_text("What the article says on it").click()
    assert serious_faults(page, axe) == []
    page.get_by_role("button", name="Check it").click()
    page.locator(".coach-checked-answer, .coach-error").wait_for()
    assert serious_faults(page, axe) == []


def test_axe_finds_no_serious_fault_in_a_conversation(open_page, axe) -> None:
    page = open_page(TELEPHONE)
    ask(page, "unknown")
    page.locator(".coach-refusal").wait_for()
    ask(page, "fail")
    page.locator(".coach-error").wait_for()
    ask(page, SLOWLY)
    page.locator(".coach-draft").wait_for()
    page.evaluate(axe)
    for _ in range(5):  # while the model speaks: Streamlit dims for a moment what it draws anew
        if not (faults := page.evaluate(SERIOUS, {})):
            break
    assert faults == []
    page.locator(".coach-written").wait_for()
    page.locator(QUIET).wait_for()  # the page is drawn once more when a reply has come
    page.get_by_text("How this answer was made").last.click()
    page.locator(".coach-trace").last.wait_for()
    page.locator(".coach-left-out summary").last.click()
    page.locator(".coach-written .coach-chip").first.click()
    assert serious_faults(page, axe) == []
    page.keyboard.press("Escape")
    page.get_by_test_id("stExpandSidebarButton").click()
    for panel in ("This conversation", "Import conversations", "Models here"):
        page.get_by_text(panel, exact=True).click()
    page.get_by_label("Title").wait_for()
    assert serious_faults(page, axe) == []


def test_axe_finds_no_serious_fault_in_a_critique(open_page, axe) -> None:
    page = open_critique(open_page, TELEPHONE)
    hand_in_and_wait(page)
    page.locator(".st-key-critique_improve_cost button").click()
    page.locator(".coach-redraft").wait_for()
    assert serious_faults(page, axe) == []
    page.locator(".st-key-critique_overrule_cost button").click()
    page.get_by_label("Your reason").wait_for()
    page.locator(".coach-verdict .coach-open").first.click()
    assert serious_faults(page, axe) == []


@pytest.fixture(scope="module")
def standing(browser, tmp_path_factory) -> Iterator[str]:
    """The app of somebody whose drafts were judged and who has a story."""
    home = tmp_path_factory.mktemp("standing")
    for day in range(1, 6):
        keep(
            home,
            {"cost": "missing", "trade_off": "met", "failure_modes": "partly"},
            on(day),
            f"Design number {day}.",
        )
    CritiqueStore(home).overrule(first_critique(), "cost", "met", "The last line names it.")
    StoryStore(home).add(
        {"title": "A launch I stopped", "action": "I held back 12 answers.", "result": "None was wrong."}
    )
    with serving(home) as (address, _):
        yield address


def test_axe_finds_no_serious_fault_where_one_stands(browser, standing, axe) -> None:
    page = new_page(browser, TELEPHONE)
    page.goto(f"{standing}/progress")
    page.locator("[data-testid=stVegaLiteChart] :is(canvas, svg)").first.wait_for()
    assert serious_faults(page, axe) == []
    for summary in page.locator(".stMain summary").all():
        summary.click()
    page.get_by_role("region", name="Where you stand, as a table").wait_for()
    assert "1 of 6 met" in page.locator(".coach-wide").inner_text()
    assert serious_faults(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE
    page.locator(".st-key-story_question input").fill("Tell me about a launch.")
    page.keyboard.press("Enter")
    page.locator(".coach-matches").wait_for()
    page.locator(QUIET).wait_for()
    tab_to(page, page.get_by_label("What it shows").last)
    page.get_by_role("button", name="Practise this").first.click()
    page.get_by_label("The interview question").wait_for()
    assert page.get_by_label("The interview question").input_value().startswith("Design number")
    page.close()


def tab_to(page, target) -> None:
    """Press Tab until `target` has the focus, which is then to be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if target.count() and target.evaluate("element => element === document.activeElement"):
            assert target.evaluate(FOCUS_IS_SEEN), f"nobody sees where the keyboard is: {target}"
            return
    pytest.fail(f"Tab does not come to {target}")


def test_the_keyboard_alone_asks_stops_opens_a_source_and_renames(open_page) -> None:
    page = open_page()
    keyboard, box = page.keyboard, page.get_by_test_id("stChatInputTextArea")
    tab_to(page, box)
    keyboard.type("How many rounds? Answer very slowly.")
    keyboard.press("Enter")
    page.locator(".coach-draft").wait_for()
    tab_to(page, page.get_by_role("button", name="Stop"))
    keyboard.press("Enter")
    page.get_by_text("Stopped before the answer was finished").wait_for()

    tab_to(page, box)
    keyboard.type("How many rounds?")
    keyboard.press("Enter")
    page.locator(".coach-written").wait_for()
    page.locator(QUIET).wait_for()
    tab_to(page, page.locator(".coach-written .coach-chip").first)
    keyboard.press("Enter")
    opened = page.locator(".coach-passage:popover-open")
    opened.wait_for()
    tab_to(page, opened.get_by_role("button", name="Close the passage"))
    keyboard.press("Enter")
    opened.wait_for(state="hidden")

    tab_to(page, page.get_by_role("button", name="New conversation"))
    keyboard.press("Enter")
    page.locator(".coach-welcome").wait_for()
    page.locator(QUIET).wait_for()
    tab_to(page, page.locator(".st-key-conversations button").first)
    keyboard.press("Enter")
    page.locator(".coach-written").wait_for()
    page.locator(QUIET).wait_for()
    tab_to(page, page.locator("summary", has_text="This conversation"))
    keyboard.press("Enter")
    page.get_by_label("Title").wait_for()
    tab_to(page, page.get_by_label("Title"))
    keyboard.press("ControlOrMeta+a")
    keyboard.type("Rounds of the loop")
    keyboard.press("Enter")
    page.locator(".st-key-conversations button", has_text="Rounds of the loop").wait_for()


def test_a_telephone_starts_without_the_side_bar_over_the_page(open_page) -> None:
    page = open_page(390, 844)
    heading = page.get_by_role("heading", name="GenAI PM Coach")
    assert on_top(heading)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Library").wait_for()
    page.reload()
    heading.wait_for()
    page.wait_for_timeout(500)
    assert on_top(heading)


def on_top(element) -> bool:
    return element.evaluate(
        "(element) => { const {x, y} = element.getBoundingClientRect();"
        " return element.contains(document.elementFromPoint(x + 20, y + 10)); }"
    )


def test_a_warm_server_shows_the_page_at_once(open_page, address) -> None:
    page = open_page()
    began = time.monotonic()
    page.goto(address)
    page.get_by_role("heading", name="GenAI PM Coach").wait_for()
    assert time.monotonic() - began < 5  # 1.5 s is the aim; a busy machine is given time


def test_hostile_text_is_shown_as_text_nothing_tries_to_leave_and_no_page_has_a_serious_fault(
    browser, axe, tmp_path
) -> None:
    with serving(tmp_path, "hostile") as (address, _):
        page = new_page(browser)
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.on("websocket", lambda socket: requested.append(socket.url.replace("ws://", "http://")))
        page.goto(address)
        page.get_by_text(f"caution {HOSTILE}").wait_for()
        for said in (f"model {HOSTILE}", f"notice {HOSTILE}", f"leaves {HOSTILE}", f"because {HOSTILE}"):
            assert said in page.get_by_test_id("stSidebar").inner_text()

        ask(page, f"unknown {HOSTILE}")
        page.locator(".coach-refusal").wait_for()
        assert page.locator(".coach-question").inner_text() == f"unknown {HOSTILE}"
        ask(page, SLOWLY)
        page.locator(".coach-draft", has_text=ELSEWHERE).wait_for()
        page.locator(".coach-written").wait_for()
        page.locator(QUIET).wait_for()  # only then does how it was made stand below it
        assert HOSTILE in page.locator(".coach-written").inner_text()
        assert page.get_by_role("button", name="unknown ![x](http").count() == 1
        page.locator(".coach-verbatim .coach-chip").first.click()
        assert HOSTILE in page.locator(".coach-passage:popover-open").inner_text()
        page.keyboard.press("Escape")
        page.get_by_text("How this answer was made").last.click()
        page.locator(".coach-trace", has_text=ELSEWHERE).last.wait_for()
        page.get_by_text("Models here", exact=True).click()
        page.locator(".coach-state li", has_text=f"listed {HOSTILE}").wait_for()
        page.get_by_text("This conversation", exact=True).click()
        for kind in ("Markdown", "JSON"):
            with page.expect_download() as waiting:
                page.get_by_role("button", name=f"Download as {kind}").click()
            assert ELSEWHERE in waiting.value.path().read_text("utf-8")
        assert_disarmed(page)

        for _ in every_page(page):
            for summary in page.locator(".stMain summary").all():
                summary.click()
            assert_disarmed(page)
            assert serious_faults(page, axe) == []

        page.goto(f"{address}/critique")
        page.get_by_label("Your draft answer").wait_for()
        page.locator(QUIET).wait_for()
        page.get_by_label("The interview question").fill(f"{QUESTION} {HOSTILE}")
        page.get_by_label("Your draft answer").fill(f"{DRAFT} {HOSTILE}")
        page.get_by_role("button", name="Read it as the committee").click()
        page.locator(".coach-summary").wait_for()
        page.locator(QUIET).wait_for()
        assert HOSTILE in page.locator(".coach-question").inner_text()
        assert ELSEWHERE in page.locator(".coach-marked").inner_text()
        assert_disarmed(page)
        page.close()
        assert [url for url in requested if not url.startswith((address, "data:", "blob:"))] == []
        assert len(requested) > 20
    assert not (tmp_path / TRIED).exists()


def assert_disarmed(page) -> None:
    """Nothing of the hostile text was obeyed, and nothing on the page points elsewhere or runs when it is pressed."""
    page.locator(QUIET).wait_for()
    assert page.evaluate("window.obeyed") is None
    assert (
        page.locator(
            # a document's name stands in the address of its own page here
            f"[src*='{ELSEWHERE}'], [href*='{ELSEWHERE}']:not([href^='library?document=']), "
            "[href^='javascript' i], iframe"
        ).count()
        == 0
    )


def test_the_record_of_tries_to_leave_the_machine_works(tmp_path) -> None:
    record = tmp_path / TRIED
    program = (
        "import socket, urllib.request\n"
        f"for host in ('{ELSEWHERE}', 'example.org'):\n"
        "    try: urllib.request.urlopen(f'http://{host}/', timeout=2)\n"
        "    except OSError: pass\n"
    )
    environment = {**os.environ, "LOOPBACK_ONLY_RECORD": str(record), "http_proxy": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
    assert {ELSEWHERE, "example.org"} <= set(record.read_text("utf-8").split())
