"""Open a SQLite file of the user's for one transaction, so that several windows and processes may share it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def transaction(path: Path, schema: str, *, wait_seconds: float) -> Iterator[sqlite3.Connection]:
    """One transaction on the file at `path`, made with `schema` where it is not there; only its owner can read it.

    Waits up to `wait_seconds` for another connection. What is deleted leaves no bytes behind. Raises sqlite3.Error
    and OSError; nothing of the transaction is kept then.

    The write lock is taken first (BEGIN IMMEDIATE): a lock that is only raised to a write lock later, and a switch
    of the journal mode, fail at once when another connection is about to do the same, whatever the time-out
    (https://www.sqlite.org/c3ref/busy_handler.html).
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    with closing(sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete=ON")
        database.execute("BEGIN IMMEDIATE")
        try:
            for statement in schema.split(";"):
                database.execute(statement)
            yield database
        except BaseException:
            database.rollback()
            raise
        database.commit()
