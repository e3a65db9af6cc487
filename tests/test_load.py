"""Reading files: text in many encodings comes back exact; what is no text is named and left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coach.settings import corpus_folder
from coach.types import Document, Section
from ingest.load import MAX_BYTES, Skipped, load_document
from ingest.readers import READERS, Contents, UnreadableError

TEXT = "# Überblick\n\n“Five rounds”, naïve café – 5–7 weeks.\n"


def written(folder: Path, content: bytes, name: str = "notes.md") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_a_text_is_read_exactly_in_every_common_encoding(tmp_path, encoding):
    document = load_document(written(tmp_path, TEXT.encode(encoding)), "notes.md")
    assert isinstance(document, Document)
    assert document.text == TEXT
    assert document.title == "Überblick"


def test_line_ends_become_newlines_and_all_else_stays(tmp_path):
    document = load_document(written(tmp_path, b"one\r\ntwo\rthree\n\n  four\t \n"), "a.md")
    assert isinstance(document, Document)
    assert document.text == "one\ntwo\nthree\n\n  four\t \n"


def test_a_damaged_byte_does_not_turn_a_utf8_text_into_another_alphabet(tmp_path):
    document = load_document(written(tmp_path, "naïve café “quote” — ".encode() * 3 + b"\xff end"), "a.txt")
    assert isinstance(document, Document)
    assert document.text.startswith("naïve café “quote”")


def test_a_russian_text_in_an_eight_bit_encoding_is_recognised(tmp_path):
    text = "Собеседование на роль менеджера продукта состоит из пяти или семи раундов.\n" * 5
    document = load_document(written(tmp_path, text.encode("cp1251")), "a.txt")
    assert isinstance(document, Document)
    assert document.text == text


def test_the_title_is_the_first_top_heading_or_the_stem_of_the_name(tmp_path):
    heading = load_document(written(tmp_path, b"intro\n\n```\n# code\n```\n\n# Real title #\n"), "a.md")
    none = load_document(written(tmp_path, b"no heading at all", "my notes.txt"), "my notes.txt")
    assert isinstance(heading, Document)
    assert isinstance(none, Document)
    assert heading.title == "Real title"
    assert none.title == "my notes"


def test_a_new_format_is_a_reader_and_a_line(tmp_path, monkeypatch):
    def read(content: bytes) -> Contents:
        if not content.startswith(b"toy:"):
            raise UnreadableError("no toy")
        text = content.removeprefix(b"toy:").decode()
        return Contents(text, (Section(("Toys",), 0, len(text)),), "A toy")

    monkeypatch.setitem(READERS, ".toy", read)
    document = load_document(written(tmp_path, b"toy:A loop has 5 rounds.", "a.toy"), "a.toy")
    assert isinstance(document, Document)
    assert (document.title, document.section_at(3)) == ("A toy", Section(("Toys",), 0, 20))
    assert load_document(written(tmp_path, b"none", "b.toy"), "b.toy") == Skipped("b.toy", "no toy")


def test_the_same_text_has_the_same_id_whatever_its_name_and_encoding(tmp_path):
    first = load_document(written(tmp_path, TEXT.encode(), "a.md"), "a.md")
    second = load_document(written(tmp_path, TEXT.encode("utf-16"), "b.txt"), "b.txt")
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert first.id == second.id


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.png", b"\x89PNG", "not a"),
        ("a.pdf", b"%PDF-1.7", "damaged"),
        ("a.md", b"", "empty"),
        ("a.md", b" \n\t\r\n", "empty"),
        ("a.html", b"<p> </p>", "holds no text"),
        ("a.txt", b"\x7fELF\x02\x01\x01\0\0\0\0" + bytes(range(256)), "not a text file"),
        ("a.txt", b"\0" * 1000, "not a text file"),
        ("a.txt", bytes(range(1, 32)) * 40, "not a text file"),
    ],
)
def test_what_is_no_text_is_skipped_with_a_reason(tmp_path, name, content, reason):
    skipped = load_document(written(tmp_path, content, name), name)
    assert isinstance(skipped, Skipped)
    assert skipped.source == name
    assert reason in skipped.reason


def test_a_huge_a_missing_and_a_forbidden_file_are_skipped(tmp_path):
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (tmp_path / "folder.md").mkdir()
    reasons = [load_document(tmp_path / name, name) for name in ("huge.txt", "missing.md", "folder.md")]
    assert [skip.reason[:8] for skip in reasons if isinstance(skip, Skipped)] == [
        "larger t",
        "not a re",
        "not a re",
    ]
    if os.geteuid() != 0:
        forbidden = written(tmp_path, b"text", "forbidden.txt")
        forbidden.chmod(0)
        assert isinstance(load_document(forbidden, "forbidden.txt"), Skipped)


def test_the_bundled_article_is_read_word_for_word():
    path = next((corpus_folder() / "guides").glob("*.md"))
    document = load_document(path, f"guides/{path.name}")
    assert isinstance(document, Document)
    assert document.text == path.read_text("utf-8")
    assert document.title == "22-generative-ai-pm-skillset-interview-prep"
