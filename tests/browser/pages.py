"""What the tests in a browser share: the app served, a page opened, what one does on it, and what axe-core says of it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.critique_fakes import DRAFT, QUESTION

PROJECT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SLOWLY = "How many rounds? Answer slowly."
TRIED = "tried-to-leave.txt"  # one line for each try, written by tests/loopback_only
PATIENCE = 30_000  # milliseconds: two slow cores may be busy with other tests

# Streamlit itself, with the shared coach replaced before the first page is drawn.
LAUNCHER = """
import sys
from coach.ui import session
from tests import fakes, hostile
if sys.argv[2] != "real":
    coach = {"fake": fakes.FakeCoach, "hostile": hostile.HostileCoach}[sys.argv[2]]()
    session._open_coach = lambda: coach
from streamlit.web.cli import main
sys.argv = ["streamlit", "run", "app.py", "--server.port", sys.argv[1]]
main()
"""
QUIET = ".stApp[data-test-script-state=notRunning]"

# Faults of Streamlit's own markup, by rule and selector, each with why it stays. There are none.
STREAMLITS_OWN: dict[tuple[str, str], str] = {}

SERIOUS = """
(options) => axe.run(document, {resultTypes: ["violations"], ...options}).then(({violations}) => violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .flatMap(({id, nodes}) => nodes.map(({target, html, failureSummary}) =>
    ({rule: id, selector: target.join(" "), html: html.slice(0, 200), why: failureSummary}))))
"""

# What axe-core finds otherwise in another colour scheme, and does not find otherwise in another width.
COLOURS = ["color-contrast", "link-in-text-block"]

# Whether the app has taken the colours of the scheme over.
PAINTED = """
(scheme) => {
  const [red] = getComputedStyle(document.querySelector(".stApp")).backgroundColor.match(/\\d+/g).map(Number);
  return (red > 127) === (scheme === "light");
}
"""

TELEPHONE, LAPTOP = 390, 1280


def new_page(browser, width: int = 1280, height: int = 900):
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="light")
    page.set_default_timeout(PATIENCE)
    return page


@contextlib.contextmanager
def serving(home: Path, coach: str = "fake") -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app over a faked coach, or with "real" over the one of `home`, with what it keeps under `home`, and a record there of every try to leave this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(port), coach],
        cwd=PROJECT,
        env={
            **os.environ,
            "COACH_HOME": str(home),
            "LOOPBACK_ONLY_RECORD": str(home / TRIED),
            "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
        },
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, server)
        yield address, server
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert server.poll() is None, "the app ended before it answered"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
            return
        time.sleep(0.2)
    pytest.fail("the app did not answer within a minute")


def ask(page, question: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")


def ask_and_wait(page, question: str = "How many rounds?") -> None:
    before = page.locator(".coach-written").count()
    ask(page, question)
    page.locator(".coach-written").nth(before).wait_for()
    page.locator(QUIET).wait_for()


def open_critique(open_page, *arguments):
    page = open_page(*arguments)
    return go_to_critique(page, page.url.rstrip("/"))


def go_to_critique(page, address: str):
    page.goto(f"{address}/critique")
    page.get_by_label("Your draft answer").wait_for()
    page.locator(QUIET).wait_for()
    return page


def hand_in(page, draft: str = DRAFT) -> None:
    page.get_by_label("The interview question").fill(QUESTION)
    page.get_by_label("Your draft answer").fill(draft)
    page.get_by_role("button", name="Read it as the committee").click()


def hand_in_and_wait(page, draft: str = DRAFT) -> None:
    hand_in(page, draft)
    page.locator(".coach-summary").wait_for()
    page.locator(QUIET).wait_for()


def serious_faults(page, axe: str) -> list[dict[str, str]]:
    """What axe-core counts as serious or critical on the page as it stands: in light and in dark, and where the page is
    as wide as a telephone also as wide as a laptop. (A laptop's page made narrow has its side bar over it.)"""
    page.locator(QUIET).wait_for()
    window = page.viewport_size
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")
    page.evaluate(axe)
    found = []
    looks = [(window["width"], "dark", {"runOnly": COLOURS}), (window["width"], "light", {})]
    if window["width"] == TELEPHONE:
        looks.append((LAPTOP, "light", {"rules": {rule: {"enabled": False} for rule in COLOURS}}))
    for width, scheme, options in looks:
        # of what is out of view axe does not look at the colours
        page.set_viewport_size({"width": width, "height": 8000})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(PAINTED, arg=scheme)
        found += page.evaluate(SERIOUS, options)
    page.set_viewport_size(window)
    return [
        fault
        for fault in found
        if not any(rule == fault["rule"] and part in fault["selector"] for rule, part in STREAMLITS_OWN)
    ]
