"""Make the pictures of the docs from the running app: a cited answer, a critique, and every other page.

    coach serve &
    python scripts/screenshots.py [http://127.0.0.1:8501]

Needs Playwright and Chromium (`CHROMIUM`, else /usr/bin/chromium).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
QUESTION = "What does the committee expect about RAG and fine-tuning?"
INTERVIEW = (
    "How would you design a generative AI feature that answers customer-support questions for an online shop?"
)
DRAFT = """I would start with the ten questions that make up most of the tickets, such as where is my order. The assistant answers them from the
shop's own help pages with retrieval, because those change weekly and fine-tuning would lag behind; we give up some fluency for that.

The worst failure is a made-up refund promise. Every amount is copied from the order system, and a reply without a matching page goes to an
agent. We launch with under 1% wrong amounts on 500 labelled chats, and repeat contacts should fall from 22% to 18% within a quarter.
A small model costs 0.2 cents an answer and replies in a second; the large one only drafts for agents."""
OTHER_PAGES = ("Interview", "Progress", "Learn", "Library", "Lab", "Settings")
MINUTES = 3 * 60_000


def main() -> None:
    """Take them."""
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8501"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        _answer(page, address)
        _critique(page, address)
        for name in OTHER_PAGES:
            page.goto(f"{address}/{name.lower()}")
            page.get_by_role("heading", name=name).wait_for(timeout=MINUTES)
            page.wait_for_timeout(1000)
            page.screenshot(path=IMAGES / f"{name.lower()}.png")
        browser.close()


def _answer(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".st-key-examples").get_by_role("button", name=QUESTION).click(timeout=MINUTES)
    page.get_by_text("How this answer was made").wait_for(timeout=MINUTES)
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / "answer.png")


def _critique(page: Page, address: str) -> None:
    page.goto(f"{address}/critique")
    page.get_by_label("The interview question").fill(INTERVIEW, timeout=MINUTES)
    page.get_by_label("Your draft answer").fill(DRAFT)
    page.get_by_label("Your draft answer").press("Control+Enter")
    page.get_by_role("button", name="Read it as the committee").click()
    page.get_by_role("button", name="Download as Markdown").wait_for(timeout=MINUTES)
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / "critique.png")


if __name__ == "__main__":
    main()
