"""Documents of every ordinary format: the same text comes out of each, under its headings, with its page."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from document_files import docx, docx_table, epub, odt, pdf, pptx

from coach.types import Document
from ingest.load import Skipped, load_document
from ingest.sandbox import Sandbox

PUBLIC = Path(__file__).resolve().parents[2] / "shared" / "data" / "docs_public"
needs_public = pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public documents are not on this machine")


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


@pytest.fixture
def loaded(tmp_path, sandbox):
    """Write bytes under a name and load them as ingest does."""

    def load(content: bytes, name: str) -> Document:
        path = tmp_path / name
        path.write_bytes(content)
        document = load_document(path, name, sandbox.parse)
        assert isinstance(document, Document), document
        return document

    return load


def under(document: Document, words: str) -> tuple[str, ...]:
    """The headings that the words stand under."""
    section = document.section_at(document.text.index(words))
    assert section is not None
    return section.headings


def test_a_word_document_gives_its_headings_lists_and_tables(loaded):
    table = docx_table([["Team", "Cups"], ["Ducks", "1"]])
    document = loaded(
        docx(("Title", "My CV"), ("Heading1", "Work"), ("", "I led a team of five."), body=table), "cv.docx"
    )
    assert (document.title, document.kind) == ("My CV", "docx")
    assert under(document, "I led a team") == ("Work",)
    assert "Team | Cups\n\nDucks | 1" in document.text


def test_a_pdf_gives_pages_and_headings_and_joins_what_a_page_break_parts(loaded):
    first = [(20, 720, "My projects"), (-11, 690, "Search"), (11, 676, "We made search faster than any of")]
    second = [(11, 720, "the rivals. It took a year."), (-11, 690, "Chat"), (11, 676, "Users love to chat.")]
    document = loaded(pdf(first, second), "cv.pdf")
    assert document.title == "My projects"
    assert under(document, "Users love") == ("My projects", "Chat")
    assert "faster than any of\nthe rivals." in document.text
    places = {
        word: document.page_at(document.text.index(word)) for word in ("My projects", "rivals", "Users")
    }
    assert places == {"My projects": 1, "rivals": 2, "Users": 2}


def test_pages_without_text_are_a_warning_and_a_pdf_without_any_is_left_out(loaded, tmp_path, sandbox):
    line = [(11, 700, "Only here is text to read.")]
    document = loaded(pdf([], line, [], [], [], []), "scan.pdf")
    assert document.warnings == ("pages 1 and 3 to 6 hold no text: scanned?",)
    assert document.page_at(0) == 2
    (tmp_path / "blank.pdf").write_bytes(pdf([], []))
    skipped = load_document(tmp_path / "blank.pdf", "blank.pdf", sandbox.parse)
    assert isinstance(skipped, Skipped)
    assert re.search(r"scanned.*`coach ingest`", skipped.reason)


def test_running_titles_and_page_numbers_of_a_pdf_are_no_text_of_it(loaded):
    pages = [
        [(9, 760, f"ACME handbook {n}"), (11, 700, f"Rule {word} is short.")]
        for n, word in enumerate("abcd", 1)
    ]
    text = loaded(pdf(*pages), "handbook.pdf").text
    assert "ACME" not in text
    assert "Rule d is short." in text
    assert loaded(pdf(*[[(11, 700, f"Card {n}")] for n in range(4)]), "cards.pdf").text.count("Card") == 4


def test_slides_come_in_the_order_shown_each_a_page_under_its_title(loaded):
    document = loaded(pptx(("Why us", "We are fast."), ("Plan", "Ship in May.")), "deck.pptx")
    assert document.text == "## Why us\n\nWe are fast.\n\n## Plan\n\nShip in May."
    assert document.page_at(document.text.index("Ship")) == 2
    assert under(document, "Ship") == ("Plan",)


def test_a_book_is_read_in_reading_order_and_without_leaving_its_archive(loaded):
    chapters = {
        "two.xhtml": "<html><body><h1>First</h1><p>It begins.</p></body></html>",
        "one.xhtml": "<html><body><h1>Last</h1><p>It ends.</p></body></html>",
        "../../../etc/passwd": "",
    }
    document = loaded(epub(chapters, title="The whole"), "book.epub")
    assert document.title == "The whole"
    assert document.text == "# First\n\nIt begins.\n\n# Last\n\nIt ends."
    assert document.warnings == ("1 of 3 chapters are not in the file",)


def test_an_opendocument_text_gives_headings_lists_and_tables(loaded):
    body = (
        '<text:h text:outline-level="1">Plan</text:h><text:p>Two<text:s/>parts.</text:p>'
        "<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>"
    )
    document = loaded(odt(body), "plan.odt")
    assert document.text == "# Plan\n\nTwo parts.\n\n- one\n\na | b"


def test_rich_text_gives_its_paragraphs(loaded):
    document = loaded(rb"{\rtf1\ansi\ansicpg1252 Na\'efve caf\'e9.\par Second.\par}", "note.rtf")
    assert document.text == "Naïve café.\n\nSecond."


PAGE = """<html><head><title>Blog – A title</title><style>p {color: red}</style></head><body>
<nav><a href="/">Home</a> <a href="/about">About us</a></nav>
<article><h1>On rounds</h1><p>There are <b>five</b> rounds, and each of them is an hour long, as a rule.</p>
<h2>Before</h2><ul><li>Read the <a href="x">brief</a>, and then read it once again, slowly.</li><li>Sleep well.</li></ul>
<p>Line one, which is long enough<br>to be broken.</p><table><tr><th>Round</th><th>Minutes</th></tr><tr><td>1</td><td>45</td></tr></table>
<script>alert("never shown")</script><noscript>nor this</noscript></article><footer>Imprint and cookies</footer></body></html>"""


def test_a_web_page_gives_its_article_without_scripts_and_menus(loaded):
    document = loaded(PAGE.encode(), "page.html")
    assert document.title == "On rounds"
    assert under(document, "Sleep well") == ("On rounds", "Before")
    assert "There are five rounds, and" in document.text
    assert "- Read the brief, and then read it once again, slowly.\n- Sleep well." in document.text
    assert "Round | Minutes\n\n1 | 45" in document.text
    for absent in ("never shown", "nor this", "color", "Imprint", "About us"):
        assert absent not in document.text


def test_a_web_page_is_read_in_the_encoding_it_names(loaded):
    page = '<html><head><meta charset="iso-8859-1"></head><body><p>“Naïve” café</p></body></html>'
    assert loaded(page.encode("cp1252"), "a.html").text == "“Naïve” café"
    assert loaded(page.encode("utf-16"), "b.html").text == "“Naïve” café"


def test_a_file_is_read_by_what_it_holds_whatever_its_name_says(loaded):
    word = docx(("", "This is a Word file."))
    assert loaded(word, "renamed.txt").kind == "docx"
    assert loaded(word, "renamed.pdf").text == "This is a Word file."
    assert loaded(pdf([(11, 700, "This is a PDF.")]), "report.doc").kind == "pdf"


def words_of(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def token_f1(text: str, expected: str) -> float:
    found, wanted = words_of(text), words_of(expected)
    return 2 * (found & wanted).total() / (found.total() + wanted.total())


@needs_public
@pytest.mark.parametrize(
    "ending", ["doc", "docx", "epub", "html", "md", "odt", "ppt", "pptx", "rtf"]
)  # .doc and .ppt there are new files under old names
def test_one_text_reads_the_same_in_every_format(ending, sandbox):
    expected = (PUBLIC / "parity" / "eng_spa_mult.txt").read_text("utf-8")
    document = load_document(PUBLIC / "parity" / f"eng_spa_mult.{ending}", "a", sandbox.parse)
    assert isinstance(document, Document)
    assert token_f1(document.text, expected) >= 0.99


@needs_public
@pytest.mark.parametrize("name", ["dropbox-blog", "gitlab-blog", "google-sre-book-1", "v8-blog"])
def test_the_main_text_of_real_pages_is_found(name, sandbox):
    from lxml import html

    folder = PUBLIC / "html_main_content"
    expected = html.fromstring((folder / f"{name}.expected.html").read_text("utf-8")).text_content()
    document = load_document(folder / f"{name}.source.html", "a", sandbox.parse)
    assert isinstance(document, Document)
    assert token_f1(document.text, expected) >= 0.98


@needs_public
def test_every_ordinary_public_document_is_read_or_named(sandbox):
    outcomes = {
        path.name: load_document(path, path.name, sandbox.parse)
        for folder in ("ordinary", "encodings", "epub", "pm_handbook_18f")
        for path in sorted((PUBLIC / folder).iterdir())
    }
    left_out = {name: outcome.reason for name, outcome in outcomes.items() if isinstance(outcome, Skipped)}
    foreign = {name for name, reason in left_out.items() if reason.startswith("not a .")}
    assert {Path(name).suffix for name in foreign} == {".org", ".rst", ".eml", ".csv", ".xlsx"}
    assert {name: reason for name, reason in left_out.items() if name not in foreign} == {
        "simple.doc": "an old Word or PowerPoint file; save it as .docx or .pptx, then run `coach ingest`",
        "empty.txt": "empty",
        "fake-text-all-whitespace.txt": "empty",
    }
    for document in outcomes.values():
        if isinstance(document, Document):
            assert document.text[: document.sections[0].start].count("\n\n") < 8
            assert all(section.start < section.end for section in document.sections)
