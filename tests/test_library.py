"""Documents of the user's: copied, found, cited, replaced and deleted for good."""

import shutil
import sqlite3

import pytest

from coach import library as shelf
from coach.backends import load_index
from coach.coach import Coach, ingest_apart
from coach.errors import IndexMissingError, IngestError, UsageError
from coach.library import Upload
from coach.settings import load_settings
from coach.store.conversations import ConversationStore
from coach.store.traces import TraceStore
from coach.types import Answer

NOTES = b"# Stories\n\nAt Quillfern I cut the handling time of refund tickets from nine minutes to six.\n"
QUESTION = "How far was the handling time of refund tickets cut?"


@pytest.fixture(scope="module")
def coach(tmp_path_factory, library, embedder):
    """A coach with a library of its own."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "models").symlink_to(library / "models")
    shutil.copytree(library / "index", folder / "index")
    settings = load_settings(backend="none", home=folder)
    return Coach(settings, embedder, load_index(settings, embedder.name))


def bytes_under(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_an_upload_is_answered_from_and_its_deletion_leaves_no_byte_of_it(coach):
    report = shelf.add_uploads(coach, [Upload("my notes.md", NOTES)], "notes")
    assert report.changes.added == ("notes/my notes.md",)
    reply = coach.answer(QUESTION).result()
    assert isinstance(reply, Answer) and "nine minutes" in reply.text
    assert "notes" in {one.collection for sentence in reply.sentences for one in sentence.citations}
    store = ConversationStore(coach.settings.home)
    asked = store.ask(QUESTION)
    store.update(asked.id, state="finished", reply=reply)
    assert len(TraceStore(coach.settings.home).recent(1)) == 1

    shelf.delete_document(coach, "notes/my notes.md")
    assert not any("my notes" in one.source for one in coach.documents())
    (left,) = store.exchanges(asked.conversation)
    assert (left.state, left.question, left.reply) == ("withdrawn", QUESTION, None)
    assert TraceStore(coach.settings.home).recent(1) == []
    assert b"Quillfern" not in bytes_under(coach.settings.home)
    assert "nine minutes" not in coach.answer(QUESTION).result().text


def test_a_file_of_a_followed_folder_is_taken_out_and_stays_on_the_disk(coach, tmp_path):
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "one.md").write_text("The role needs a PM who has launched a voice assistant.")
    (folder / "two.md").write_text("The office is in Lisbon, near the river.")
    coach.ingest([folder])
    assert shelf.folders(coach) == (folder,)
    shelf.delete_document(coach, "jobs/one.md")
    assert (folder / "one.md").exists()
    coach.ingest()
    assert [one.source for one in coach.documents() if one.source.startswith("jobs/")] == ["jobs/two.md"]
    coach.ingest([folder / "one.md"])  # asked for by name, it is there again
    assert "jobs/one.md" in [one.source for one in coach.documents()]
    shelf.forget_folder(coach, folder)
    shelf.forget_folder(coach, folder / "one.md")
    assert shelf.folders(coach) == ()
    assert all(one.source.startswith("guides/") for one in coach.documents())


def test_what_quotes_a_file_that_is_gone_is_kept_until_its_name_is_deleted(coach, tmp_path):
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "one.md").write_bytes(NOTES)
    coach.ingest([folder])
    store = ConversationStore(coach.settings.home)
    asked = store.ask(QUESTION)
    store.update(asked.id, state="finished", reply=coach.answer(QUESTION).result())
    (
        folder / "one.md"
    ).unlink()  # or the disk that it is on is not there today: what was answered is not lost for that
    coach.ingest()
    assert store.exchanges(asked.conversation)[0].state == "finished"
    (said,) = shelf.delete_document(coach, "jobs/one.md")
    assert said == "jobs/one.md had left the library: 2 kept answers and traces that quoted it are deleted."
    assert store.exchanges(asked.conversation)[0].state == "withdrawn"
    assert b"Quillfern" not in bytes_under(coach.settings.home)
    with pytest.raises(IndexMissingError, match="holds no document"):
        shelf.delete_document(coach, "jobs/one.md")
    shelf.forget_folder(coach, folder)


def test_what_quotes_a_path_that_the_command_line_forgets_goes_with_it(coach, tmp_path):
    notes = tmp_path / "own.md"
    notes.write_bytes(NOTES)
    coach.ingest([notes])
    store = ConversationStore(coach.settings.home)
    asked = store.ask(QUESTION)
    store.update(asked.id, state="finished", reply=coach.answer(QUESTION).result())
    said = ingest_apart(coach.settings, [notes])  # `coach ingest --forget`, in a process of its own
    assert said[0].startswith("removed: ")
    assert store.exchanges(asked.conversation)[0].state == "withdrawn"
    coach.reload()


def test_an_upload_of_the_same_name_replaces_the_one_before(coach):
    shelf.add_uploads(coach, [Upload("cv.txt", b"I led a team of four in Oslo.")])
    report = shelf.add_uploads(coach, [Upload("cv.txt", b"I led a team of nine in Oslo.")])
    assert report.changes.changed == ("own/cv.txt",)
    assert "nine" in coach.document("own/cv.txt").text
    shelf.delete_document(coach, "own/cv.txt")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../evil.md", "evil.md"),
        ("C:\\fake\\notes.md", "notes.md"),
        (".hidden.md", "hidden.md"),
        ("a" * 300 + ".md", "a" * 117 + ".md"),
        ("..", "document"),
    ],
)
def test_a_name_leads_into_no_other_folder(coach, name, kept):
    shelf.add_uploads(coach, [Upload(name, b"A sentence that is long enough to be one.")])
    assert [path.name for path in (coach.settings.home / "uploads").rglob("*") if path.is_file()] in (
        [kept],
        [],
    )
    for document in coach.documents():
        if document.source.startswith("own/"):
            shelf.delete_document(coach, document.source)
    assert not (coach.settings.home.parent / "evil.md").exists()


def test_what_cannot_be_read_is_reported_and_not_kept(coach):
    report = shelf.add_uploads(coach, [Upload("broken.pdf", b"%PDF-1.7 nothing more")])
    assert [skip.source for skip in report.skipped] == ["own/broken.pdf"]
    assert not list((coach.settings.home / "uploads").rglob("broken.pdf"))


def test_the_article_stays(coach):
    guide = coach.documents()[0].source
    with pytest.raises(UsageError, match="comes with the coach"):
        shelf.delete_document(coach, guide)


def test_a_collection_cannot_be_called_the_committee(coach):
    with pytest.raises(IngestError, match="cannot be called"):
        shelf.add_uploads(coach, [Upload("a.md", b"A sentence that is long enough.")], "committee")


def test_old_uploads_go_when_the_settings_say_so_with_the_answers_that_quote_them(coach, embedder):
    shelf.add_uploads(coach, [Upload("old.md", b"The old Bandicoot budget was four thousand euros.")])
    kept = coach.settings.home
    store = ConversationStore(kept)
    quoting, other = (store.ask(f"{whose} budget?") for whose in ("Which", "The committee's"))
    reply = coach.answer("What was the old Bandicoot budget?").result()
    assert "four thousand" in reply.text
    store.update(quoting.id, state="finished", reply=reply)
    of_article = coach.answer("How many interview rounds are typical?", (), ["committee"]).result()
    store.update(other.id, state="finished", reply=of_article)
    Coach.load(load_settings(backend="none", home=kept, uploads="forever"))
    assert (kept / "uploads" / "own" / "old.md").exists()
    Coach.load(load_settings(backend="none", home=kept, uploads="nothing"), prunes=False)  # as the app does
    assert not (kept / "uploads" / "own" / "old.md").exists()
    assert sqlite3.connect(kept / "coach.sqlite3").execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store.exchange(quoting.id).state == "withdrawn"
    assert store.exchange(other.id).reply == of_article
    assert b"four thousand euros" not in bytes_under(kept)
    assert "own/old.md" not in [one.source for one in load_index(coach.settings, embedder.name).documents()]
