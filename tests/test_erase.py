"""What is erased is gone: no byte of it stays in the coach's folder, and the coach goes on from the article."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coach.cli import run
from coach.coach import Coach, ingest_library
from coach.library import Upload, add_uploads
from coach.settings import corpus_folder, load_settings, save_setting
from coach.store.conversations import ConversationStore
from coach.store.critiques import CritiqueStore
from coach.store.feedback import FeedbackStore
from coach.store.fields import FieldStore
from coach.store.learning import LearningStore
from coach.store.traces import TraceStore
from coach.types import Answer, Trace
from coach.ui import session
from tests.critiques import first_critique
from tests.fakes import FakeCoach

ROUNDS = "How many interview rounds are typical?"
# One word for each place in which something of the user's is kept; none stands in anything that came with the coach.
DOCUMENT, QUESTION, DRAFT, FIELD, THUMB, CODE_NAME, RUBRIC, REASON = (
    "quokkaledger",
    "wombatfigure",
    "numbatplan",
    "bilbyfield",
    "potoroothumb",
    "Dunnartproject",
    "bettongrubric",
    "quollreason",
)
WORDS = (DOCUMENT, QUESTION, DRAFT, FIELD, THUMB, CODE_NAME, RUBRIC, REASON)


@pytest.fixture
def own_home(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own with the real models, which are no user's, linked in."""
    return make_home(tmp_path / "home", library, monkeypatch)


def make_home(home: Path, library: Path, patch: pytest.MonkeyPatch) -> Path:
    home.mkdir()
    (home / "models").symlink_to(library / "models", target_is_directory=True)
    patch.setenv("COACH_HOME", str(home))
    patch.setattr(session, "_warm", lambda coach: None)  # it would compete with the test for two cores
    return home


@pytest.fixture(scope="module")
def lived_in_once(library: Path, embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which a user has left something in every place in which something is kept."""
    folder = tmp_path_factory.mktemp("lived-in")
    with pytest.MonkeyPatch.context() as patch:
        home = make_home(folder / "home", library, patch)
        shutil.copytree(library / "index", home / "index")
        leave_something_everywhere(home, folder, embedder)
    assert {word for word in WORDS if not found_under(home, word)} == set()
    yield home


@pytest.fixture
def lived_in(lived_in_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    shutil.copytree(lived_in_once, home, symlinks=True)
    monkeypatch.setenv("COACH_HOME", str(home))
    monkeypatch.setattr(session, "_warm", lambda coach: None)
    return home


def leave_something_everywhere(home: Path, folder: Path, embedder) -> None:
    document = folder / "notes.md"
    document.write_text(f"# Notes\n\nThe {DOCUMENT} is closed by Friday.\n", encoding="utf-8")
    bundled = (corpus_folder() / "rubrics" / "generative-ai-pm.toml").read_text(encoding="utf-8")
    own = bundled.replace('"generative-ai-pm"', '"mine"').replace("Generative AI product manager", RUBRIC)
    (home / "rubrics").mkdir()
    (home / "rubrics" / "mine.toml").write_text(own, encoding="utf-8")
    save_setting("own_words", [CODE_NAME])
    save_setting("backend", "none")
    ingest_library(load_settings(), [document], embedder=embedder)
    server = session.Server()
    exchange = server.worker.ask(f"When is the {DOCUMENT} closed, says the {QUESTION}?")
    reading = server.worker.read(f"{DRAFT}: I would start with refunds.", f"{QUESTION}?", "design", "mine")
    assert server.worker.wait(60)
    assert server.worker.exchanges(exchange.conversation)[0].state == "finished"
    critique = server.worker.reading(reading.id).critique
    server.coach().overrule(critique, critique.verdicts[0].criterion.id, "met", REASON)
    FeedbackStore(home).give(exchange.id, False, THUMB)
    FieldStore(home).keep({"critique_draft": FIELD})
    server.coach().close()


def found_under(home: Path, word: str) -> list[str]:
    """The files under `home`, the linked models left out, that hold the word in whatever encoding."""
    files = [Path(folder) / name for folder, _, names in os.walk(home) for name in names]
    wanted = [word.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")]
    return [str(path) for path in files if any(one in path.read_bytes() for one in wanted)]


def test_erasing_by_command_leaves_no_byte_while_the_app_is_open_and_answers(lived_in):
    other = sqlite3.connect(lived_in / "coach.sqlite3")
    other.execute("BEGIN").execute("SELECT count(*) FROM traces")
    erased, asked_for = threading.Event(), threading.Semaphore(0)

    def coach() -> Coach:
        asked_for.release()
        assert erased.wait(60)
        return before

    before = Coach.load(load_settings())
    app = session.Worker(lived_in, coach)
    app.ask(f"Is the {QUESTION} kept?")
    app.read(f"{DRAFT}: I would start.", f"{QUESTION}?", "design", "generative-ai-pm")
    assert all(asked_for.acquire(timeout=60) for _ in range(2))  # both are under way
    assert run(["erase", "--all", "--yes"]) == 0
    assert [path.name for path in lived_in.iterdir()] == ["models"]
    erased.set()
    assert app.wait(60)
    other.close()
    assert [found_under(lived_in, word) for word in WORDS] == [[]] * len(WORDS)


def test_what_the_coach_did_not_put_into_its_folder_is_left_alone_and_named(own_home, capsys):
    (own_home / "thesis").mkdir()
    (own_home / "thesis" / "chapter.md").write_text("Mine.")
    (own_home / "coach.sqlite3").write_bytes(b"")
    assert run(["erase", "--all", "--yes"]) == 0
    assert "Left alone, for the coach did not put it there: thesis." in capsys.readouterr().out
    assert sorted(path.name for path in own_home.iterdir()) == ["models", "thesis"]
    assert (own_home / "thesis" / "chapter.md").read_text() == "Mine."


def test_erasing_in_the_app_stops_what_runs_leaves_no_byte_and_goes_on_from_the_article(lived_in):
    server = session.Server()
    server.coach()
    under_way = server.worker.ask(f"When is the {DOCUMENT} closed, and what is the {QUESTION}?")
    reading = server.worker.read(f"{DRAFT}: I would start.", f"{QUESTION}?", "design", "mine")
    server.erase()
    assert [found_under(lived_in, word) for word in WORDS] == [[]] * len(WORDS)
    assert server.worker.exchanges(under_way.conversation) == ()
    assert server.worker.reading(reading.id) is None
    again = server.worker.ask(ROUNDS)
    assert server.worker.wait(60)
    (exchange,) = server.worker.exchanges(again.conversation)
    assert isinstance(exchange.reply, Answer) and "5-7" in exchange.reply.text
    assert [document.source for document in server.coach().documents()] == [
        "guides/generative-ai-pm-skillset-interview-prep.md"
    ]


def test_deleting_one_conversation_or_draft_leaves_no_byte_of_it(lived_in):
    conversations, drafts = ConversationStore(lived_in), CritiqueStore(lived_in)
    other = ConversationStore(lived_in).ask("Is the platypusword kept?")
    reading_on = sqlite3.connect(lived_in / "coach.sqlite3")
    reading_on.execute("SELECT count(*) FROM exchanges").fetchall()
    (conversation,) = (one for one in conversations.list() if one.id != other.conversation)
    conversations.delete(conversation.id)
    (draft,) = drafts.list()
    drafts.delete(draft.id)
    for word in (DRAFT, THUMB, REASON):
        assert found_under(lived_in, word) == []
    TraceStore(lived_in).prune(
        0
    )  # traces are kept apart from conversations, and as long as their own setting says
    assert found_under(lived_in, QUESTION) == []
    assert found_under(lived_in, "platypusword") != []
    reading_on.close()


# --- how long things are kept ----------------------------------------------------------------------------------------


def keep_something(home: Path, days_old: int) -> None:
    """A conversation, a critique with a person's word, a reading, a field and a trace, made so many days ago."""
    ConversationStore(home).ask("How many rounds?")
    session.Worker(home, lambda: pytest.fail("nobody answers here")).readings.hand_in(
        "A draft.", "Why?", "design", "mine"
    )
    CritiqueStore(home).overrule(first_critique(), "cost", "met", "It does.")
    FieldStore(home).keep({"critique_draft": "A draft."})
    LearningStore(home).keep("ethics", "done")
    TraceStore(home).keep(Answer("How many?", "How many?", (), (), Trace("How many?")))
    then = (datetime.now(UTC) - timedelta(days=days_old)).isoformat(timespec="milliseconds")
    with closing(sqlite3.connect(home / "coach.sqlite3")) as database:
        for table, column in AGES.items():
            database.execute(f"UPDATE {table} SET {column} = ?", (then,))
        database.commit()


AGES = {
    "conversations": "changed_at",
    "readings": "made_at",
    "critiques": "kept_at",
    "overrides": "made_at",
    "fields": "changed_at",
    "learning": "changed_at",
    "traces": "asked_at",
}


def still_kept(home: Path) -> set[str]:
    with closing(sqlite3.connect(home / "coach.sqlite3")) as database:
        return {table for table in AGES if database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]}


@pytest.mark.parametrize(
    ("history", "traces", "days_old", "left"),
    [
        ("30 days", "30 days", 31, set()),
        ("30 days", "30 days", 29, set(AGES)),
        ("forever", "30 days", 4000, set(AGES) - {"traces"}),
        ("30 days", "forever", 4000, {"traces"}),
        ("nothing", "nothing", 0, set()),
    ],
)
def test_the_app_starts_without_what_is_older_than_the_settings_say(
    own_home, history, traces, days_old, left
):
    keep_something(own_home, days_old)
    save_setting("history", history)
    save_setting("traces", traces)
    session.Server()
    assert still_kept(own_home) == left


def test_with_nothing_a_conversation_is_gone_when_the_app_ends(own_home):
    program = (
        "from coach.ui.session import Server\n"
        "server = Server()\n"
        "server.worker.conversations.ask('How many rounds?')\n"
        "assert server.worker.conversations.list()\n"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**os.environ, "COACH_HISTORY": "nothing"}
    )
    assert ConversationStore(own_home).list() == ()
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**os.environ, "COACH_HISTORY": "forever"}
    )
    assert len(ConversationStore(own_home).list()) == 1


def test_a_server_that_runs_on_keeps_nothing_longer_than_the_settings_say(own_home, monkeypatch):
    clock = [0.0]
    coach = FakeCoach()
    monkeypatch.setattr(session, "_open_coach", lambda: coach)
    server = session.Server(lambda: clock[0])
    keep_something(own_home, 91)
    server.daily.look()
    assert still_kept(own_home) == set(AGES)  # a day has not passed yet
    clock[0] += 86_400
    asked = server.worker.ask("How many rounds? Answer slowly.")
    server.daily.look()
    assert still_kept(own_home) == set(AGES)  # something is being answered
    assert server.worker.wait(60)
    server.daily.look()
    assert still_kept(own_home) == {"conversations"}
    assert server.worker.exchanges(asked.conversation)[0].state == "finished"
    keep_something(own_home, 91)
    clock[0] += 86_399
    server.daily.look()
    assert still_kept(own_home) == set(AGES)
    clock[0] += 1
    server.daily.look()
    assert still_kept(own_home) == set()


def test_what_is_kept_for_no_time_outlives_the_day_on_which_it_is_read(own_home):
    clock = [0.0]
    for name in ("history", "traces"):
        save_setting(name, "nothing")
    server = session.Server(lambda: clock[0])
    keep_something(own_home, 0)
    clock[0] += 86_400
    server.daily.look()
    assert still_kept(own_home) == set(AGES)
    keep_something(own_home, 2)
    clock[0] += 86_400
    server.daily.look()
    assert still_kept(own_home) == set()


def test_a_server_that_runs_on_drops_old_uploads_with_what_quotes_them(lived_in):
    clock = [0.0]
    server = session.Server(lambda: clock[0])
    upload = Upload("budget.md", b"The Bandicoot budget is four thousand euros.")
    add_uploads(server.coach(), [upload])
    asked = server.worker.ask("What is the Bandicoot budget?")
    assert server.worker.wait(60)
    assert "four thousand" in server.worker.exchanges(asked.conversation)[0].reply.text
    save_setting("uploads", "30 days")
    then = time.time() - 31 * 86_400
    for copy in (lived_in / "uploads").rglob("*.md"):
        os.utime(copy, (then, then))
    clock[0] += 86_400
    server.daily.look()
    while server.worker.library.under_way:
        time.sleep(0.1)
    assert server.worker.library.work.lines == (
        "1 upload was kept as long as the setting `uploads` says (30 days): deleted, with every answer that quoted them.",
    )
    assert server.worker.exchanges(asked.conversation)[0].state == "withdrawn"
    assert found_under(lived_in, "four thousand euros") == []


def test_opening_the_coach_anew_in_the_middle_of_a_conversation_deletes_nothing_of_it(lived_in, monkeypatch):
    monkeypatch.setenv("COACH_HISTORY", "nothing")
    server = session.Server()
    exchange = server.worker.ask(ROUNDS)
    server.reopen()
    assert server.worker.wait(60)
    assert server.worker.exchanges(exchange.conversation)[0].state == "finished"
    server.reopen()
    server.coach()
    assert len(server.worker.exchanges(exchange.conversation)) == 1
