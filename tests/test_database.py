"""One file for everything: made once, migrated from the files of earlier versions, shared by several processes."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from coach.store.conversations import ConversationStore
from coach.store.critiques import CritiqueStore, draft_id
from coach.store.database import FILE, MIGRATIONS, Database, StoreError, now
from coach.store.traces import TraceStore
from tests.critiques import FIRST, first_critique
from tests.test_traces import ANSWER

TRACES_OF_BEFORE = """
CREATE TABLE traces (id INTEGER PRIMARY KEY, asked_at TEXT NOT NULL, outcome TEXT NOT NULL, question TEXT NOT NULL,
    standalone TEXT NOT NULL, model TEXT, embedder TEXT NOT NULL, index_fingerprint TEXT NOT NULL, reply TEXT NOT NULL)
"""
DRAFTS_OF_BEFORE = (
    "CREATE TABLE critiques (id TEXT PRIMARY KEY, kept_at TEXT NOT NULL, critique TEXT NOT NULL)",
    "CREATE TABLE overrides (draft TEXT NOT NULL REFERENCES critiques (id), criterion TEXT NOT NULL, made_at TEXT NOT NULL, "
    "level TEXT NOT NULL, reason TEXT NOT NULL, judged TEXT, model TEXT, PRIMARY KEY (draft, criterion))",
)


def copied(home, target, schema, tables):
    """A file as the version before wrote it, with the rows that stand in today's."""
    with closing(sqlite3.connect(target)) as database:
        for statement in schema:
            database.execute(statement)
        database.execute("ATTACH ? AS today", (os.fspath(home / FILE),))
        for table in tables:
            database.execute(f"INSERT INTO main.{table} SELECT * FROM today.{table}")
        database.commit()


@pytest.fixture
def before(tmp_path):
    """A home as the version before left it: two traces, one draft, one override."""
    now, home = tmp_path / "now", tmp_path / "home"
    home.mkdir()
    TraceStore(now).keep(ANSWER)
    TraceStore(now).keep(ANSWER)
    CritiqueStore(now).overrule(first_critique(), "cost", "met", "The last line names it.")
    copied(now, home / "traces.sqlite3", [TRACES_OF_BEFORE], ["traces"])
    copied(now, home / "critiques.sqlite3", DRAFTS_OF_BEFORE, ["critiques", "overrides"])
    return home


def test_what_the_version_before_kept_is_moved_in_and_nothing_is_lost(before):
    assert len(TraceStore(before).recent(1)) == 2
    kept = CritiqueStore(before).get(draft_id(first_critique()))
    assert kept.draft == FIRST
    assert kept.verdicts[1].override.reason == "The last line names it."
    assert sorted(path.name for path in before.iterdir()) == [FILE, f"{FILE}.lock"]


def test_a_move_that_was_cut_off_is_done_again_and_doubles_nothing(before, tmp_path):
    again = {name: (before / name).read_bytes() for name in ("traces.sqlite3", "critiques.sqlite3")}
    assert len(TraceStore(before).recent(1)) == 2
    for name, content in again.items():
        (before / name).write_bytes(content)  # as a process leaves it that is killed before it deletes them
    assert len(TraceStore(before).recent(1)) == 2
    assert len(CritiqueStore(before).list()) == 1
    assert not (before / "traces.sqlite3").exists()


def test_an_earlier_file_that_cannot_be_read_stays_where_it_is(before):
    (before / "traces.sqlite3").write_bytes(b"no database at all" * 100)
    assert len(CritiqueStore(before).list()) == 1
    assert TraceStore(before).recent(1) == []
    assert (before / "traces.sqlite3").exists()


def test_the_file_is_in_wal_mode_from_the_start_and_says_its_version(tmp_path):
    ConversationStore(tmp_path).ask("How many rounds?")
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_a_file_of_a_later_version_is_left_alone(tmp_path):
    ConversationStore(tmp_path).ask("How many rounds?")
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match=r"later version of the coach.*update the coach"):
        ConversationStore(tmp_path).list()


def test_two_processes_that_make_the_file_at_once_make_one(tmp_path):
    code = (
        "import sys; from pathlib import Path; from coach.store.conversations import ConversationStore\n"
        "store = ConversationStore(Path(sys.argv[1]))\n"
        "for number in range(25): store.ask(f'Question {number}?')\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 4
    assert len(ConversationStore(tmp_path).list()) == 100


def test_nothing_is_made_by_looking(tmp_path):
    assert not Database(tmp_path).exists()
    assert ConversationStore(tmp_path).list() == ()
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_within_one_millisecond_keeps_its_order():
    moments = []
    for _ in range(40):
        moments.append(now())
        time.sleep(0.00005)
    assert moments == sorted(set(moments))
