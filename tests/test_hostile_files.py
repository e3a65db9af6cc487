"""Broken and hostile files: each ends in one clear line, in time, and the rest of the batch goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from document_files import docx, epub, odt, pdf, zipped
from fakes import HashingEmbedder

from coach.backends.chroma import ChromaIndexWriter, open_index
from coach.types import Document
from ingest import ingest
from ingest.load import Skipped, load_document
from ingest.sandbox import Sandbox, UnreadableError

MALFORMED = Path(__file__).resolve().parents[2] / "shared" / "data" / "malformed_public"
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)
FETCHED = (
    '<!DOCTYPE r [<!ENTITY x SYSTEM "http://192.0.2.1/x"><!ENTITY f SYSTEM "file:///etc/hostname">'
    '<!ENTITY % d SYSTEM "http://192.0.2.1/x.dtd"> %d;]>'
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


def reason_for(sandbox: Sandbox, content: bytes, suffix: str) -> str:
    """Why the file is left out; fails where it is read."""
    with pytest.raises(UnreadableError) as raised:
        sandbox.parse(content, suffix)
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "suffix", "reason"),
    [
        (pdf([(11, 700, "Cut off.")])[:60], ".pdf", "damaged"),
        (b"%PDF-1.7\n", ".pdf", "damaged"),
        (docx(("", "Cut off in the middle."))[:-400], ".docx", "damaged"),
        (docx(("", "x")).replace(b"document.xml", b"nothing.here"), ".docx", "a ZIP archive that is no document"),
        (OLD_OFFICE, ".doc", "an old Word"),
        (OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"), ".docx", "encrypted; save it without a password"),
        (b"Only text.", ".docx", "damaged"),
        (b"", ".pdf", "damaged"),
        (bytes(range(256)) * 40, ".txt", "not a text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), ".html", "not a text file"),
        (zipped({"readme.txt": "hello"}), ".epub", "a ZIP archive that is no document"),
        (epub({}, more={"META-INF/encryption.xml": "<e><EncryptedData><EncryptionMethod Algorithm='aes'/></EncryptedData></e>"}),
         ".epub", "copy-protected"),
        (odt("", manifest="<m><encryption-data/></m>"), ".odt", "encrypted"),
        (lambda: zipped({"word/document.xml": bytes(310 * 2**20)}), ".docx", "unpacks to more than"),
        (lambda: zipped({"mimetype": "application/epub+zip", **{f"{n}": "" for n in range(20_001)}}), ".epub", "unpacks to more than"),
    ],
    ids=[
        "truncated PDF", "PDF without pages", "truncated Word file", "Word file without text", "old Word file",
        "Word file with a password", "text named .docx", "empty PDF", "binary named .txt", "picture named .html",
        "ZIP named .epub", "locked book", "ODT with a password", "bomb", "archive of 20,001 parts",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_the_way_out(sandbox, content, suffix, reason):
    made = content() if callable(content) else content  # the large ones only when their turn comes
    assert reason_for(sandbox, made, suffix).startswith(reason)


def test_a_bomb_inside_the_limits_of_the_archive_meets_those_of_the_process():
    """A small limit stands in for the gigabyte, so that the test is quick."""
    bomb = docx(body="<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 100_000)
    assert len(bomb) < 100_000
    with Sandbox(memory=160 * 2**20) as small:
        assert "memory" in reason_for(small, bomb, ".docx")
        assert small.parse(docx(("", "The next file is read.")), ".docx")[0].text == "The next file is read."


def test_a_file_that_takes_too_long_is_stopped_and_the_next_one_is_read():
    slow = docx(body="<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 200_000)
    with Sandbox(seconds=1) as hurried:
        hurried.parse(b"<p>Warm.</p>", ".html")
        started = time.perf_counter()
        assert "took more than 1 seconds" in reason_for(hurried, slow, ".docx")
        assert time.perf_counter() - started < 3
    with Sandbox(seconds=20) as patient:
        assert patient.parse(b"<p>Fine.</p>", ".html")[0].text == "Fine."


def test_more_text_than_anybody_reads_is_not_handed_on():
    endless = "<table>" + "<tr><td>cell</td><td>cell</td></tr>" * 4_000 + "</table>"
    with Sandbox(output=20_000) as narrow:
        assert "of text" in reason_for(narrow, endless.encode(), ".html")


def test_a_page_nested_a_hundred_thousand_deep_ends_in_text_or_a_reason(sandbox):
    page = b"<div>" * 100_000 + b"The bottom." + b"</div>" * 100_000
    tables = b"<table><tr><td>" * 20_000 + b"The bottom."
    for content in (page, tables):
        try:
            contents, _ = sandbox.parse(content, ".html")
            assert len(contents.text) < 100_000
        except UnreadableError as error:
            assert str(error)
    assert sandbox.parse(b"<p>Fine.</p>", ".html")[0].text == "Fine."


def test_an_archive_in_an_archive_is_never_opened(sandbox):
    inner = zipped({"bomb": bytes(10_000_000)})
    for _ in range(5):
        inner = zipped({"inner.zip": inner})
    assert reason_for(sandbox, inner, ".docx").startswith("a ZIP archive that is no document")


@pytest.mark.parametrize("prologue", [LAUGHS, FETCHED], ids=["a billion laughs", "external entities"])
def test_entities_are_neither_unfolded_nor_fetched(sandbox, prologue):
    chapter = f"{prologue}<html><body><p>Before &j; &x; &f; after.</p></body></html>"
    contents, _ = sandbox.parse(epub({"c.xhtml": chapter}), ".epub")
    assert len(contents.text) < 200
    assert Path("/etc/hostname").read_text().strip() not in contents.text
    package = zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"{prologue}<r xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0'><body>"
            "<text:p>Before &j;&x;&f; after.</text:p></body></r>",
        }
    )
    text = sandbox.parse(package, ".odt")[0].text
    assert len(text) < 200
    assert Path("/etc/hostname").read_text().strip() not in text


def test_a_linked_picture_is_neither_fetched_nor_opened(sandbox):
    page = b"<p>Text.</p><img src='http://192.0.2.1/a.png'><iframe src='file:///etc/passwd'></iframe><link href='http://192.0.2.1/s.css'>"
    assert sandbox.parse(page, ".html")[0].text == "Text."


def test_scripts_and_what_only_scripts_would_show_are_no_text(sandbox):
    page = b"<p>Seen.</p><script>var a = '<p>unseen</p>'</script><template>unseen</template><style>p:after {content: 'unseen'}</style>"
    assert sandbox.parse(page, ".html")[0].text == "Seen."


def test_the_parser_may_open_no_socket_start_no_program_and_write_no_file():
    """In a process of its own: an audit hook stays for good."""
    import subprocess
    import sys

    script = (
        "import socket, subprocess, sys, tempfile\n"
        "from ingest.sandboxed import _refuse\n"
        "sys.addaudithook(_refuse)\n"
        "for act in (lambda: socket.create_connection(('127.0.0.1', 9)), lambda: subprocess.run(['true']),\n"
        "            lambda: open(sys.argv[1], 'w')):\n"
        "    try:\n"
        "        act()\n"
        "        print('done')\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "never-written"], capture_output=True, text=True, check=True,
        cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    assert done.stdout.split() == ["refused"] * 3


def test_a_batch_goes_on_past_its_bad_files_and_says_each_in_a_line(tmp_path):
    notes = tmp_path / "notes"
    (tmp_path / "corpus" / "guides").mkdir(parents=True)
    notes.mkdir()
    (notes / "a good.pdf").write_bytes(pdf([], [(11, 700, "There are five rounds to pass.")]))
    (notes / "b locked.docx").write_bytes(OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"))
    (notes / "c cut.pdf").write_bytes(b"%PDF-1.7\n")
    (notes / "d good.docx").write_bytes(docx(("", "Bring a notebook.")))
    report = ingest(
        HashingEmbedder(), ChromaIndexWriter(tmp_path / "index"), [notes], corpus=tmp_path / "corpus"
    )
    lines = report.lines()
    assert (
        "skipped: notes/b locked.docx: encrypted; save it without a password, then run `coach ingest` again"
        in lines
    )
    assert sum("notes/c cut.pdf: damaged" in line for line in lines) == 1
    assert "note: notes/a good.pdf: page 1 holds no text: scanned?" in lines
    assert report.added == ("notes/a good.pdf", "notes/d good.docx")
    index = open_index(tmp_path / "index")
    document = index.document("notes/a good.pdf")
    assert document.page_at(document.text.index("five")) == 2


def test_a_file_whose_parser_was_stopped_is_tried_again_the_next_time(tmp_path, monkeypatch):
    (tmp_path / "corpus" / "guides").mkdir(parents=True)
    (tmp_path / "corpus" / "guides" / "guide.md").write_text("There are five rounds.")
    (tmp_path / "slow.docx").write_bytes(docx(("", "Slow as it is.")))

    def ingested():
        writer = ChromaIndexWriter(tmp_path / "index")
        return ingest(HashingEmbedder(), writer, [tmp_path / "slow.docx"], corpus=tmp_path / "corpus")

    with monkeypatch.context() as patch:
        patch.setattr("ingest.pipeline.Sandbox", lambda: Sandbox(seconds=0.001))
        assert "took more than" in ingested().skipped[0].reason
    assert ingested().added == ("slow.docx",)


@pytest.mark.skipif(not MALFORMED.is_dir(), reason="the malformed public files are not on this machine")
def test_every_malformed_public_file_ends_in_text_or_in_a_reason_within_20_seconds(sandbox):
    outcomes = {}
    for path in sorted(MALFORMED.rglob("*.*")):
        started = time.perf_counter()
        outcomes[path.name] = load_document(path, path.name, sandbox.parse)
        assert time.perf_counter() - started < 20
    read = {name for name, outcome in outcomes.items() if isinstance(outcome, Document)}
    reasons = {name: outcome.reason for name, outcome in outcomes.items() if isinstance(outcome, Skipped)}
    assert len(read) >= 8
    assert {name for name, reason in reasons.items() if reason.startswith("encrypted")} == {
        "aes-256-r6.pdf",
        "rc4-40.pdf",
    }
    assert reasons["issue-791-non-unicode-cmap.pdf"].startswith("holds the shapes of letters")
    assert not any("Traceback" in reason or "\n" in reason for reason in reasons.values())
