"""One window of Chromium for all of these tests, and the app over a faked coach."""

from __future__ import annotations

import importlib.resources
import shutil
from collections.abc import Iterator

import pytest

from tests.browser.pages import BROWSERS, new_page, serving


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory):
    """A window of Chromium that keeps what it has compiled: each page then loads in two thirds of the time."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        window = driver.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"),
            executable_path=path,
            args=["--no-sandbox"],
        )
        yield window
        window.close()


@pytest.fixture(scope="package")
def address(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("browser-home")) as (address, _):
        yield address


@pytest.fixture
def open_page(browser, address):
    pages = []

    def opened(width: int = 1280, height: int = 900):
        page = new_page(browser, width, height)
        pages.append(page)
        page.sent = []
        page.on("request", lambda request: page.sent.append(request.url))
        page.goto(address)
        page.locator(".coach-welcome").wait_for()
        return page

    yield opened
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def axe() -> str:
    pytest.importorskip(
        "axe_playwright_python", reason="axe-playwright-python, which carries axe-core, is not installed"
    )
    return (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
