"""Ingest brings the index up to date with the files, embeds nothing twice, and can be killed at any time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import HashingEmbedder

from coach.backends.chroma import ChromaIndexWriter, open_index
from coach.errors import IndexMismatchError, IngestError
from ingest import ingest

TESTS = Path(__file__).resolve().parent


class Library:
    """A corpus of one guide, a folder of notes and an index, all in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.corpus = folder / "corpus"
        self.notes = folder / "notes"
        self.index = folder / "index"
        self.embedder = HashingEmbedder()
        (self.corpus / "guides").mkdir(parents=True)
        self.notes.mkdir()
        self.write(
            self.corpus / "guides" / "guide.md", "# Guide\n\n## Rounds\n\nThere are five rounds. Be on time."
        )
        (self.corpus / "README.md").write_text("Who made this.")
        self.write(self.notes / "a.md", "# Apples\n\nApples are red. They grow on trees.")
        self.write(self.notes / "deep" / "b.txt", "Bananas are yellow. They grow in bunches.")

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def ingest(self, *paths, **options):
        self.embedder.embedded = 0
        writer = ChromaIndexWriter(self.index)
        return ingest(self.embedder, writer, paths, corpus=self.corpus, **options)

    def best(self, words: str) -> tuple[str, str]:
        """Source and text of the nearest passage."""
        index = open_index(self.index, self.embedder.name)
        passages = index.search(self.embedder.embed([words])[0], words, 5)
        top = max(passages, key=lambda passage: passage.cosine)
        return top.source, top.chunk.text

    def sources(self) -> list[str]:
        return [document.source for document in open_index(self.index).documents()]

    def chroma_ids(self) -> dict[str, int]:
        import chromadb
        from chromadb.config import Settings

        client = chromadb.PersistentClient(
            str(self.index / "chroma"), settings=Settings(anonymized_telemetry=False)
        )
        return {found.name: client.get_collection(found.name).count() for found in client.list_collections()}


@pytest.fixture
def library(tmp_path) -> Library:
    return Library(tmp_path)


def test_a_first_ingest_reads_guides_and_paths_but_not_the_readme(library):
    report = library.ingest(library.notes)
    assert report.added == ("guides/guide.md", "notes/a.md", "notes/deep/b.txt")
    assert (report.chunks_total, report.chunks_embedded) == (3, 3)
    assert library.sources() == ["guides/guide.md", "notes/a.md", "notes/deep/b.txt"]
    assert library.best("yellow bananas") == (
        "notes/deep/b.txt",
        "Bananas are yellow. They grow in bunches.",
    )


def test_an_unchanged_corpus_embeds_nothing_and_writes_nothing(library):
    library.ingest(library.notes)
    before = {path: path.stat().st_mtime_ns for path in library.index.rglob("*.json")}
    report = library.ingest()  # the notes are remembered
    assert (library.embedder.embedded, report.chunks_embedded) == (0, 0)
    assert len(report.unchanged) == report.chunks_total == 3
    assert {path: path.stat().st_mtime_ns for path in library.index.rglob("*.json")} == before


def test_an_edited_file_replaces_its_chunks_and_embeds_only_what_is_new(library):
    library.write(library.notes / "a.md", "# Apples\n\nRed ones.\n\n# Pears\n\nGreen ones.")
    library.ingest(library.notes)
    library.write(library.notes / "a.md", "# Apples\n\nRed ones.\n\n# Pears\n\nBrown ones.")
    report = library.ingest()
    assert report.changed == ("notes/a.md",)
    assert report.chunks_embedded == 1
    assert library.embedder.embedded == 1  # the chunk under its heading, its sentence along with it
    texts = [passage.chunk.text for passage in everything(library)]
    assert "Brown ones." in texts
    assert "Green ones." not in texts
    assert list(library.chroma_ids().values()) == [4]


def test_a_deleted_file_takes_its_chunks_with_it(library):
    library.ingest(library.notes)
    (library.notes / "a.md").unlink()
    report = library.ingest()
    assert report.removed == ("notes/a.md",)
    assert library.embedder.embedded == 0
    assert library.sources() == ["guides/guide.md", "notes/deep/b.txt"]
    assert list(library.chroma_ids().values()) == [2]


def files_with(library: Library, word: str) -> list[str]:
    """Every file of the index in which the word stands, whatever its case, as text or as UTF-16."""
    forms = [form.encode(code) for form in (word, word.lower()) for code in ("utf-8", "utf-16-le")]
    found = [path for path in library.index.rglob("*") if path.is_file()]
    return [path.name for path in found if any(form in path.read_bytes() for form in forms)]


@pytest.mark.parametrize("forgotten", [False, True], ids=["deleted", "forgotten"])
def test_no_byte_of_a_document_that_is_gone_stays_in_the_index(library, forgotten):
    library.write(library.notes / "diary.md", "# Zyzzyva\n\nMy weevil is a zyzzyva from Brazil. It bites.")
    library.ingest(library.notes)
    assert "documents.json" in files_with(library, "Zyzzyva")
    if forgotten:
        library.ingest(forget=[library.notes])
    else:
        (library.notes / "diary.md").unlink()
        library.ingest()
    assert files_with(library, "Zyzzyva") == []
    assert files_with(library, "diary") == []


def test_a_moved_file_is_reported_as_moved_and_nothing_is_embedded_again(library):
    library.write(library.notes / "old name.txt", "Bananas are best in March.")
    library.ingest(library.notes)
    (library.notes / "old name.txt").rename(library.notes / "new name.txt")
    report = library.ingest()
    assert report.changes.moved == (("notes/old name.txt", "notes/new name.txt"),)
    assert (report.added, report.removed, library.embedder.embedded) == ((), (), 0)
    assert "moved: notes/old name.txt -> notes/new name.txt" in report.lines()
    document = open_index(library.index).document("notes/new name.txt")
    assert document.title == "new name"


def test_a_document_keeps_what_is_known_of_it(library):
    library.ingest(library.notes)
    first = {document.source: document for document in open_index(library.index).documents()}
    bananas = first["notes/deep/b.txt"]
    assert (bananas.kind, bananas.size, bananas.statement_count, bananas.warnings) == ("txt", 41, 2, ())
    assert bananas.indexed_at.endswith("+00:00")
    library.write(library.notes / "c.md", "Cherries are dark.")
    library.ingest()
    again = open_index(library.index).document("notes/deep/b.txt")
    assert again.indexed_at == bananas.indexed_at


def test_content_that_was_read_before_is_not_read_again(library, monkeypatch):
    (library.notes / "slides.pdf").write_bytes(b"%PDF")
    library.ingest(library.notes)

    def never(*given):
        raise AssertionError("read again")

    monkeypatch.setattr("ingest.pipeline.as_document", never)
    report = library.ingest()
    assert [skip.source for skip in report.skipped] == ["notes/slides.pdf"]
    monkeypatch.setattr("ingest.manifest.READERS_VERSION", 0)
    with pytest.raises(AssertionError, match="read again"):
        library.ingest()  # other readers may read it differently


def test_pictures_in_a_folder_are_one_line_of_the_report(library):
    for number in range(5):
        (library.notes / f"{number}.jpg").write_bytes(b"\xff\xd8")
    lines = library.ingest(library.notes).lines()
    assert "skipped: 5 files of other kinds (.jpg)" in lines


def test_two_files_with_one_content_give_one_set_of_chunks_with_both_names(library):
    library.write(library.notes / "z copy.md", (library.notes / "a.md").read_text())
    report = library.ingest(library.notes)
    assert report.chunks_total == 3
    passage = next(passage for passage in everything(library) if "Apples" in passage.chunk.text)
    assert (passage.source, passage.also_in) == ("notes/a.md", ("notes/z copy.md",))
    index = open_index(library.index)
    assert index.document("notes/z copy.md").text == index.document("notes/a.md").text
    (library.notes / "a.md").unlink()
    library.ingest()
    passage = next(passage for passage in everything(library) if "Apples" in passage.chunk.text)
    assert (passage.source, passage.also_in) == ("notes/z copy.md", ())


def test_roots_of_one_name_are_told_apart_and_can_be_forgotten(library, tmp_path):
    library.write(tmp_path / "other" / "notes" / "a.md", "Cherries are dark.")
    library.write(tmp_path / "other" / "a.md", "Dates are sweet.")
    library.write(tmp_path / "a.md", "Figs are soft.")
    library.ingest(
        library.notes, tmp_path / "other" / "notes", tmp_path / "a.md", tmp_path / "other" / "a.md"
    )
    assert library.sources()[1:] == ["notes/a.md", "notes/deep/b.txt", "notes-2/a.md", "a.md", "a-2.md"]
    report = library.ingest(forget=[tmp_path / "other" / "notes"])
    assert report.removed == ("notes-2/a.md",)
    with pytest.raises(IngestError, match="not a remembered path"):
        library.ingest(forget=[tmp_path / "nowhere"])


def test_what_cannot_be_read_is_skipped_with_its_reason(library):
    (library.notes / "empty.md").write_text("")
    (library.notes / "slides.pdf").write_bytes(b"%PDF")
    report = library.ingest(library.notes)
    assert {skip.source: skip.reason.split(" ")[0] for skip in report.skipped} == {
        "notes/empty.md": "empty",
        "notes/slides.pdf": "damaged;",
    }
    assert "skipped: notes/empty.md: empty" in report.lines()
    assert report.lines()[-1].startswith("3 files (0 unchanged), 3 chunks, 3 embedded, in ")


def test_headings_without_text_are_no_reason_to_fail(library):
    library.write(library.notes / "plan.md", "# To do\n\n## Later\n")
    assert library.ingest(library.notes).chunks_total == 3
    assert library.ingest().chunks_total == 3


def test_a_path_that_is_not_there_and_an_empty_corpus_are_said_in_one_sentence(library, tmp_path):
    with pytest.raises(IngestError, match=r"does not exist: .*`coach ingest PATH`\.$"):
        library.ingest(tmp_path / "missing")
    (library.corpus / "guides" / "guide.md").unlink()
    with pytest.raises(IngestError, match=r"no text to read .*`coach ingest PATH`\.$"):
        library.ingest()


def test_a_remembered_folder_that_is_gone_takes_its_chunks_and_is_reported(library):
    library.ingest(library.notes)
    library.notes.rename(library.notes.with_name("moved"))
    report = library.ingest()
    assert report.removed == ("notes/a.md", "notes/deep/b.txt")
    assert "not there any more" in report.skipped[0].reason
    library.notes.with_name("moved").rename(library.notes)
    assert library.ingest().added == ("notes/a.md", "notes/deep/b.txt")


def test_another_embedder_builds_a_new_collection_and_switches_at_the_end(library):
    library.ingest(library.notes)
    old = library.embedder
    library.embedder = HashingEmbedder("other", 32)
    seen = []

    def watch(step, done, total):
        if step == "write" and done:
            seen.append((open_index(library.index).embedder_name, len(library.chroma_ids())))

    report = library.ingest(progress=watch)
    assert seen == [("hashing", 2)]  # the old one answers while both collections are there
    assert report.chunks_embedded == report.chunks_total == 3
    assert library.best("yellow bananas")[0] == "notes/deep/b.txt"
    assert list(library.chroma_ids().values()) == [3]
    with pytest.raises(
        IndexMismatchError, match=r"made with .* other, but hashing .*`coach ingest` first\.$"
    ):
        open_index(library.index, old.name)


@pytest.mark.parametrize("step", ["keep_vectors", "write_generation", "write_current"])
def test_a_full_disk_is_said_and_leaves_the_previous_index(library, monkeypatch, step):
    library.ingest()

    def full(*args, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if step == "keep_vectors":
            patch.setattr(ChromaIndexWriter, step, full)
        else:
            patch.setattr(f"coach.backends.chroma.{step}", full)
        with pytest.raises(IngestError, match=r"disk is full .* then run `coach ingest`\.$"):
            library.ingest(library.notes)
    assert library.sources() == ["guides/guide.md"]
    assert library.best("five rounds")[0] == "guides/guide.md"
    assert library.ingest().added == ("notes/a.md", "notes/deep/b.txt")  # it goes on where it was
    assert list((library.index / "generations").iterdir()) == [
        library.index / "generations" / open_index(library.index)._current.generation
    ]


def test_a_full_disk_inside_chroma_is_recognised(library, monkeypatch):
    from chromadb.errors import InternalError

    def full(*args, **options):
        raise InternalError("error returned from database: (code: 13) database or disk is full")

    monkeypatch.setattr("coach.backends.chroma._add", full)
    with pytest.raises(IngestError, match="disk is full"):
        library.ingest()


def test_two_ingests_at_once_do_not_meet(library):
    with ChromaIndexWriter(library.index).locked():
        command = [sys.executable, "-c", KILLED, str(library.index.parent), "none", "0"]
        other = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert other.returncode == 1
    assert "Another ingest is writing this index" in other.stderr
    library.ingest()


# Ingests the notes; kills itself, as hard as can be, when the step is told for the nth time.
KILLED = """
import os, signal, sys
from pathlib import Path
from fakes import HashingEmbedder
import ingest.pipeline
from coach.backends.chroma import ChromaIndexWriter

folder, last, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ingest.pipeline.SLICE = 2
told = 0

def progress(step, done, total):
    global told
    told += step == last
    if step == last and told == count:
        os.kill(os.getpid(), signal.SIGKILL)

index = ChromaIndexWriter(folder / "index")
ingest.pipeline.ingest(
    HashingEmbedder(), index, [folder / "notes"], corpus=folder / "corpus", progress=progress
)
"""


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize(
    ("step", "count", "switched"),
    [
        ("embed", 2, False),
        ("store", 2, False),
        ("write", 2, False),
        ("switch", 1, True),
        ("sweep", 2, True),
    ],
)
def test_killed_at_any_step_an_index_answers_and_the_next_ingest_finishes(library, step, count, switched):
    library.ingest()
    library.write(library.corpus / "guides" / "guide.md", "# Guide\n\n## Rounds\n\nNow there are six rounds.")
    command = [sys.executable, "-c", KILLED, str(library.index.parent), step, str(count)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    rounds = library.best("how many rounds")[1]
    assert rounds == ("Now there are six rounds." if switched else "There are five rounds. Be on time.")
    report = library.ingest()  # the notes of the killed one are remembered
    # Three chunks are new; a slice of two was kept when killed at the second "embed".
    assert library.embedder.embedded == (3 - 2 if step == "embed" else 0)
    assert report.chunks_total == 3
    assert library.sources() == ["guides/guide.md", "notes/a.md", "notes/deep/b.txt"]
    assert library.best("how many rounds")[1] == "Now there are six rounds."
    assert list(library.chroma_ids().values()) == [3]
    assert len(list((library.index / "generations").iterdir())) == 1
    assert not (library.index / "embedded").exists()
    assert not (library.index / "unfinished.json").exists()


def test_a_damaged_switch_or_slice_is_made_anew(library):
    library.ingest(library.notes)
    (library.index / "current.json").write_text("{")
    (library.index / "embedded" / "x").mkdir(parents=True)
    assert library.ingest(library.notes).chunks_total == 3
    assert library.best("yellow bananas")[0] == "notes/deep/b.txt"


def everything(library: Library):
    index = open_index(library.index)
    return index.search(library.embedder.embed(["fruit"])[0], "fruit", 100)
