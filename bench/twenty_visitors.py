"""Twenty visitors in twenty pages of one real browser: who got which answer, in which order, how soon.

    PYTHONPATH=. python -m bench.twenty_visitors

The app is the real one over a scripted coach (tests/fakes.py) whose model writes for some three seconds, one visitor at a time.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.pages import BROWSERS, ask, serving

VISITORS = 20
PATIENCE = 300.0  # seconds
WAITS = "Waiting for the model"


def main() -> None:
    """Print the figures."""
    browser_path = next(path for name in BROWSERS if (path := shutil.which(name)))
    with (
        tempfile.TemporaryDirectory() as home,
        sync_playwright() as driver,
        serving(Path(home)) as (address, _),
    ):
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        broken: list[str] = []
        pages = [_opened(browser.new_context().new_page(), address, broken) for _ in range(VISITORS)]
        asked = [_asked(page, number) for number, page in enumerate(pages)]
        shown, saw_their_place = _watched(pages)
        waits = [shown[number] - asked[number] for number in sorted(shown)]
        own = sum(
            page.locator(".coach-question").all_inner_texts() == [_question(number)]
            for number, page in enumerate(pages)
        )
        errors = sum(page.locator(".coach-error").count() for page in pages) + len(broken)
        browser.close()
    order = sorted(shown, key=shown.__getitem__)
    print(f"answered {len(shown)} of {VISITORS}, with their own question {own}, errors {errors}")
    print(f"seconds until the answer: median {statistics.median(waits):.1f}, longest {max(waits):.1f}")
    print(f"saw their place in the queue: {len(saw_their_place)}")
    print(
        f"furthest from the order of asking: {max(abs(place - who) for place, who in enumerate(order))} places"
    )


def _question(number: int) -> str:
    return f"How many rounds? Answer slowly to visitor {number}."


def _opened(page: Page, address: str, broken: list[str]) -> Page:
    page.set_default_timeout(PATIENCE * 1000)
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(address)
    page.locator(".coach-welcome").wait_for()
    page.locator(".stApp[data-test-script-state=notRunning]").wait_for()
    return page


def _asked(page: Page, number: int) -> float:
    ask(page, _question(number))
    return time.monotonic()


def _watched(pages: list[Page]) -> tuple[dict[int, float], set[int]]:
    """When each answer was on its page, and who saw how many are before them."""
    shown: dict[int, float] = {}
    saw_their_place: set[int] = set()
    end = time.monotonic() + PATIENCE
    while len(shown) < len(pages) and time.monotonic() < end:
        for number, page in enumerate(pages):
            if number in shown:
                continue
            if page.locator(".coach-written").count():
                shown[number] = time.monotonic()
            elif page.get_by_text(WAITS).count():
                saw_their_place.add(number)
        time.sleep(0.1)
    return shown, saw_their_place


if __name__ == "__main__":
    main()
