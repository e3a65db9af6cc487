"""The docs say what is there: generated parts are fresh, links lead somewhere, the README stays short."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def docs():
    spec = importlib.util.spec_from_file_location("docs_script", PROJECT / "scripts" / "docs.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize("name", ["settings.md", "command-line.md", "json.md"])
def test_what_is_generated_is_fresh(name, docs, monkeypatch):
    for variable in ("COACH_HOME", "OLLAMA_HOST"):
        monkeypatch.delenv(variable, raising=False)
    page = (PROJECT / "docs" / name).read_text(encoding="utf-8")
    assert docs.filled(page, docs.GENERATED[name]()) == page, "run `python scripts/docs.py`"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_of_a_page_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_file_that_a_page_names_is_there(path):
    named = re.findall(
        r"`((?:coach|ingest|corpus|bench|scripts|tests|docs)/[\w./-]+)`", path.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (PROJECT / name).exists()] == []


def test_the_readme_stays_short():
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
