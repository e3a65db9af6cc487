"""Every answer leaves a trace, none is lost to one, and old ones go."""

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coach.coach import Coach
from coach.settings import load_settings
from coach.store.traces import TraceStore
from coach.types import Answer, Citation, Refusal, Sentence, Span, Trace
from tests.builders import passage

SPAN = Span("guides/a.md", 0, 4, "Five")
ANSWER = Answer(
    "How many?",
    "How many rounds?",
    (
        Sentence("Five rounds.", "supported", (Citation(SPAN, 0, 0.81, "words"),)),
        Sentence("Bring snacks.", "unsupported"),
    ),
    (passage("Five rounds."),),
    Trace("How many rounds?", model="tiny", index_fingerprint="f00d", first_citation_ms=12.5),
    "generated",
)


def test_a_trace_holds_what_the_answer_stood_on(tmp_path):
    store = TraceStore(tmp_path)
    assert store.keep(ANSWER) == ""
    (trace,) = store.recent(1)
    assert (trace.outcome, trace.question, trace.standalone) == ("answer", "How many?", "How many rounds?")
    assert (trace.model, trace.index_fingerprint) == ("tiny", "f00d")
    assert trace.passages[0]["cosine"] == 0.6
    assert [(one["status"], one["support"]) for one in trace.sentences] == [
        ("supported", 0.81),
        ("unsupported", None),
    ]
    assert trace.trace["first_citation_ms"] == 12.5
    assert (datetime.now(UTC) - trace.asked_at).total_seconds() < 60


def test_a_refusal_leaves_its_nearest_passages(tmp_path):
    store = TraceStore(tmp_path)
    store.keep(Refusal("q", "q", "no_evidence", "No.", (passage("x"),), Trace("q")))
    assert store.recent(1)[0].outcome == "refusal"
    assert len(store.recent(1)[0].passages) == 1


def test_what_somebody_asked_is_for_their_eyes(tmp_path):
    store = TraceStore(tmp_path)
    store.keep(ANSWER)
    if sys.platform != "win32":
        assert store._database.path.stat().st_mode & 0o077 == 0


def test_a_disk_that_says_no_costs_a_note_and_not_the_answer(tmp_path):
    (tmp_path / "coach.sqlite3").mkdir()
    assert "run `coach doctor`" in TraceStore(tmp_path).keep(ANSWER)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "coach.sqlite3").write_bytes(b"no database at all" * 100)
    assert "not kept" in TraceStore(damaged).keep(ANSWER)
    with pytest.raises(OSError, match="cannot be read"):
        TraceStore(damaged).recent(1)
    TraceStore(damaged).prune(1)  # nothing to be done, and nothing is


def test_odd_text_is_kept_or_noted_and_never_raises(tmp_path):
    store = TraceStore(tmp_path)
    assert store.keep(replace(ANSWER, question="null \x00 and emoji 🎈")) == ""
    assert "not kept" in store.keep(replace(ANSWER, question="half a surrogate \ud83c"))
    assert len(store.recent(1)) == 1


def test_traces_older_than_the_retention_go(tmp_path):
    store = TraceStore(tmp_path)
    store.keep(ANSWER)
    store.keep(ANSWER)
    with sqlite3.connect(store._database.path) as database:
        database.execute("UPDATE traces SET asked_at = '2020-01-01T00:00:00.000+00:00' WHERE id = 1")
    assert len(store.recent(3650)) == 2
    store.prune(90)
    assert len(store.recent(3650)) == 1


def test_several_threads_keep_all_of_theirs(tmp_path):
    store = TraceStore(tmp_path)
    troubles = []
    threads = [
        threading.Thread(target=lambda: troubles.extend(store.keep(ANSWER) for _ in range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(troubles) == {""}
    assert len(store.recent(1)) == 40


def test_a_process_killed_while_writing_leaves_what_was_kept(tmp_path):
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.test_traces import ANSWER\n"
        "from coach.store.traces import TraceStore\n"
        "store = TraceStore(Path(sys.argv[1]))\n"
        "store.keep(ANSWER)\n"
        "with store._database.transaction() as database:\n"
        "    database.execute('INSERT INTO traces SELECT NULL, asked_at, outcome, question, standalone, model,"
        " embedder, index_fingerprint, reply FROM traces')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    store = TraceStore(tmp_path)
    assert len(store.recent(1)) == 1
    assert store.keep(ANSWER) == ""


def test_asking_leaves_a_trace_and_small_talk_one_of_its_own(coach_at, tmp_path):
    coach = coach_at()
    coach.answer("How many interview rounds are typical?").result()
    coach.answer("Hello").result()
    assert [trace.outcome for trace in TraceStore(tmp_path).recent(1)] == ["answer", "own_words"]


def test_with_the_setting_off_nothing_is_written(coach_at, tmp_path):
    coach_at(traces=False).answer("How many interview rounds are typical?").result()
    assert not (tmp_path / "coach.sqlite3").exists()


def test_an_answer_whose_trace_fails_says_so_in_its_notes(coach_at, tmp_path):
    (tmp_path / "coach.sqlite3").mkdir()
    reply = coach_at().answer("How many interview rounds are typical?").result()
    assert "5-7" in reply.text
    assert "was not kept" in reply.trace.notes[-1]


def test_starting_the_coach_prunes(library):
    store = TraceStore(load_settings().home)
    store.keep(ANSWER)
    with sqlite3.connect(store._database.path) as database:
        two_days_ago = (datetime.now(UTC) - timedelta(days=2)).isoformat()
        database.execute("UPDATE traces SET asked_at = ?, question = 'an old one'", (two_days_ago,))
    Coach.load(load_settings(backend="none"), keeps=False)
    assert "an old one" in [trace.question for trace in store.recent(3650)]
    Coach.load(load_settings(backend="none", traces="1 day"))
    assert "an old one" not in [trace.question for trace in store.recent(3650)]
