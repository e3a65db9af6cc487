"""The one SQLite file that holds the user's work: made once, migrated step by step, opened for one transaction at a time."""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from filelock import FileLock

from coach.errors import CoachError

FILE = "coach.sqlite3"
BUSY_SECONDS = 5.0  # how long a call waits for another window: a slow disk under load takes its time

# SQLite's words for what is wrong with the folder or the disk, not with the file
_OUTSIDE = ("unable to open", "readonly", "disk is full", "disk I/O")
_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a database
_log = logging.getLogger(__name__)

# The n-th script makes version n of the file out of the one before. A published script is never changed: add another.
MIGRATIONS = (
    """
    CREATE TABLE traces (
        id INTEGER PRIMARY KEY, asked_at TEXT NOT NULL, outcome TEXT NOT NULL, question TEXT NOT NULL,
        standalone TEXT NOT NULL, model TEXT, embedder TEXT NOT NULL, index_fingerprint TEXT NOT NULL,
        reply TEXT NOT NULL
    );
    CREATE TABLE critiques (id TEXT PRIMARY KEY, kept_at TEXT NOT NULL, critique TEXT NOT NULL);
    CREATE TABLE overrides (
        draft TEXT NOT NULL REFERENCES critiques (id), criterion TEXT NOT NULL, made_at TEXT NOT NULL,
        level TEXT NOT NULL, reason TEXT NOT NULL, judged TEXT, model TEXT, PRIMARY KEY (draft, criterion)
    );
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY, title TEXT NOT NULL, made_at TEXT NOT NULL, changed_at TEXT NOT NULL
    );
    CREATE TABLE exchanges (
        id TEXT PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversations (id), position INTEGER NOT NULL,
        asked_at TEXT NOT NULL, question TEXT NOT NULL, collections TEXT NOT NULL, state TEXT NOT NULL,
        owner TEXT NOT NULL, step TEXT NOT NULL DEFAULT '', extracted TEXT, said TEXT NOT NULL DEFAULT '',
        reply TEXT, error TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX exchanges_in_order ON exchanges (conversation, position);
    CREATE TABLE readings (
        id TEXT PRIMARY KEY, made_at TEXT NOT NULL, question TEXT NOT NULL, kind TEXT NOT NULL,
        rubric TEXT NOT NULL, draft TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
        step TEXT NOT NULL DEFAULT '', verdicts TEXT NOT NULL DEFAULT '[]', critique TEXT,
        error TEXT NOT NULL DEFAULT '', kept_as TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE feedback (
        subject TEXT PRIMARY KEY, useful INTEGER NOT NULL, reason TEXT NOT NULL, made_at TEXT NOT NULL
    );
    CREATE TABLE cases (id TEXT PRIMARY KEY, made_at TEXT NOT NULL, written TEXT NOT NULL);
    CREATE TABLE fields (name TEXT PRIMARY KEY, text TEXT NOT NULL, changed_at TEXT NOT NULL)
    """,
    "CREATE TABLE experiments (name TEXT PRIMARY KEY, made_at TEXT NOT NULL, outcome TEXT NOT NULL)",
    "CREATE TABLE interviews (id TEXT PRIMARY KEY, made_at TEXT NOT NULL, changed_at TEXT NOT NULL, written TEXT NOT NULL)",
    "CREATE TABLE stories (id TEXT PRIMARY KEY, title TEXT NOT NULL, situation TEXT NOT NULL, action TEXT NOT NULL, "
    "result TEXT NOT NULL, changed_at TEXT NOT NULL)",
    "CREATE TABLE learning (item TEXT PRIMARY KEY, outcome TEXT NOT NULL, changed_at TEXT NOT NULL)",
)

# Files of earlier versions of the coach: what is copied out of each, and how a row that is there already is known.
_EARLIER = {
    "traces.sqlite3": (
        "INSERT INTO traces (asked_at, outcome, question, standalone, model, embedder, index_fingerprint, reply) "
        "SELECT asked_at, outcome, question, standalone, model, embedder, index_fingerprint, reply "
        "FROM earlier.traces AS old WHERE NOT EXISTS (SELECT 1 FROM main.traces AS new "
        "WHERE new.asked_at = old.asked_at AND new.reply = old.reply) ORDER BY old.id",
    ),
    "critiques.sqlite3": (
        "INSERT OR IGNORE INTO critiques SELECT id, kept_at, critique FROM earlier.critiques",
        "INSERT OR IGNORE INTO overrides SELECT draft, criterion, made_at, level, reason, judged, model "
        "FROM earlier.overrides",
    ),
}


# A draft's id is as long: short enough to type, and no two of a million share it.
ID_LENGTH = 12  # hexadecimal digits
SHORTEST_ID = 4  # digits from which the beginning of an id will do

State = Literal["waiting", "running", "finished", "stopped", "failed", "unfinished", "withdrawn"]
UNDER_WAY: tuple[State, ...] = ("waiting", "running")


Row = TypeVar("Row")


class StoreError(CoachError):
    """The file with the user's work cannot be read or written."""


class Database:
    """The file under `home`. Every call opens it anew, so that several windows and processes share it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / FILE

    def exists(self) -> bool:
        """Whether anything was ever kept, by this version or an earlier one."""
        return self.path.exists() or any((self.home / name).exists() for name in _EARLIER)

    @contextmanager
    def transaction(self, wait_seconds: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
        """One transaction, in a file that is made where it is not there; only its owner can read it.

        Waits up to `wait_seconds` for another connection. What is deleted leaves no bytes behind. Raises sqlite3.Error and
        OSError; nothing of the transaction is kept then.

        The write lock is taken first (BEGIN IMMEDIATE): a lock that is only raised to a write lock later fails at once when
        another connection is about to do the same, whatever the time-out (https://www.sqlite.org/c3ref/busy_handler.html).
        """
        self._make()
        with closing(_connect(self.path, wait_seconds)) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                _migrate(database)
                yield database
            except BaseException:
                database.rollback()
                raise
            database.commit()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file as it stands at the first question, without keeping writers out. Raises as `transaction`."""
        self._make()
        with closing(_connect(self.path, BUSY_SECONDS)) as database:
            if _version(database) != len(MIGRATIONS):
                database.execute("BEGIN IMMEDIATE")
                _migrate(database)
                database.commit()
            yield database

    def select(
        self,
        trouble: str,
        query: str,
        values: Sequence[Any] = (),
        read: Callable[[Sequence[Any]], Row] = tuple,  # type: ignore[assignment]
    ) -> tuple[Row, ...]:
        """The rows of a query, each as `read` makes it; none, and no file is made, where nothing was ever kept.

        Raises StoreError, which begins with `trouble`, where the file or a row of it fails.
        """
        if not self.exists():
            return ()
        with store_errors(self.path, trouble), self.reading() as database:
            return tuple(read(row) for row in database.execute(query, values))

    @contextmanager
    def change(self, trouble: str) -> Iterator[sqlite3.Connection]:
        """One transaction, as `transaction`. Raises StoreError, which begins with `trouble`."""
        with store_errors(self.path, trouble), self.transaction() as database:
            yield database

    @contextmanager
    def deletion(self, trouble: str) -> Iterator[sqlite3.Connection]:
        """As `change`; once it is done, no byte of what was deleted is left in the write-ahead log either."""
        with store_errors(self.path, trouble):
            with self.transaction() as database:
                yield database
                changed = database.total_changes
            if changed:
                self.forget_what_was_deleted()

    def whole_ids(self, trouble: str, table: str, beginning: str) -> tuple[str, ...]:
        """The ids in `table` that begin so; none where the beginning is too short to mean one. Raises as `select`."""
        beginning = beginning.strip().lower()
        if len(beginning) < SHORTEST_ID:
            return ()
        query = f"SELECT id FROM {table} WHERE substr(id, 1, ?) = ?"
        return self.select(trouble, query, (len(beginning), beginning), lambda row: str(row[0]))

    def forget_what_was_deleted(self) -> None:
        """Empty the write-ahead log, which holds pages as they were before a deletion, as far as nobody reads them just now."""
        with closing(_connect(self.path, BUSY_SECONDS)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _make(self) -> None:
        """Make the file, and move in what an earlier version kept in files of its own.

        It is made whole under another name first: a process that is killed meanwhile leaves nothing half done.
        """
        earlier = [path for name in _EARLIER if (path := self.home / name).is_file()]
        if self.path.exists() and not earlier:
            return
        self.home.mkdir(parents=True, exist_ok=True)
        with FileLock(self.home / f"{FILE}.lock"):
            if not self.path.exists():
                _make_new(self.path)
            for path in earlier:
                _move_in(self.path, path)


def update_under_way(
    database: sqlite3.Connection,
    table: Literal["exchanges", "readings"],
    identity: str,
    columns: Mapping[str, Any],
) -> bool:
    """Write those of `columns` that are not None; whether the row was still under way: one that was stopped stays as it is."""
    given = {name: value for name, value in columns.items() if value is not None}
    assignments = ", ".join(f"{name} = ?" for name in given)
    changed = database.execute(
        f"UPDATE {table} SET {assignments} WHERE id = ? AND state IN {UNDER_WAY}", (*given.values(), identity)
    )
    return changed.rowcount == 1


def new_id() -> str:
    """An id that no other row has."""
    return secrets.token_hex(ID_LENGTH // 2)


def now() -> str:
    """This moment, as the tables hold it."""
    return days_ago(0)


def days_ago(days: int) -> str:
    """The moment so many days ago, as the tables hold it: to the microsecond, so that no two rows tie in their order."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")


@contextmanager
def store_errors(path: Path, trouble: str) -> Iterator[None]:
    """Raise StoreError, with the next step, for whatever goes wrong with the file. `trouble` says what becomes of the text."""
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, LookupError) as error:
        raise StoreError(f"{trouble} ({path.name}: {error}): {_next_step(error, path)}.") from error


def _next_step(error: Exception, path: Path) -> str:
    words = str(error)
    if "locked" in words:
        return "close other windows of the coach, then try again"
    if "later version" in words:
        return "update the coach, then run `coach doctor`"
    if isinstance(error, OSError | UnicodeEncodeError) or any(sign in words for sign in _OUTSIDE):
        return "run `coach doctor`"
    return f"move {path} away (a new one is made), then run `coach doctor`"


def _connect(path: Path, wait_seconds: float) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
    database.execute("PRAGMA secure_delete=ON")
    database.execute(
        "PRAGMA synchronous=NORMAL"
    )  # with a write-ahead log no crash of the coach loses what was committed
    return database


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    return version


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the file to this version, within the caller's transaction."""
    version = _version(database)
    if version > len(MIGRATIONS):
        raise sqlite3.DatabaseError("it was written by a later version of the coach")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        for statement in script.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version={number}")


def _make_new(path: Path) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    with closing(_connect(new, BUSY_SECONDS)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("BEGIN IMMEDIATE")
        _migrate(database)
        database.commit()
    new.replace(path)


def _move_in(path: Path, earlier: Path) -> None:
    """Copy what the file of an earlier version holds, then delete it. One that cannot be read stays where it is."""
    try:
        with closing(_connect(path, BUSY_SECONDS)) as database:
            database.execute("ATTACH DATABASE ? AS earlier", (os.fspath(earlier),))
            database.execute("BEGIN IMMEDIATE")
            for statement in _EARLIER[earlier.name]:
                database.execute(statement)
            database.commit()
    except sqlite3.Error as error:
        _log.warning("%s was left where it is (%s): run `coach doctor`.", earlier, error)
        return
    for left in (earlier, *(earlier.with_name(earlier.name + end) for end in _BESIDE)):
        left.unlink(missing_ok=True)
