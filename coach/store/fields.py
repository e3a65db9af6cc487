"""Keep what stands in the fields of a form, so that a draft that is being written outlives its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from coach.store.database import Database, store_errors


class FieldStore:
    """The fields under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, fields: Mapping[str, str]) -> None:
        """Keep what stands in them; an empty field is forgotten."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with (
            store_errors(self._database.path, "What you wrote was not kept"),
            self._database.transaction() as database,
        ):
            for name, text in fields.items():
                database.execute("DELETE FROM fields WHERE name = ?", (name,))
                if text:
                    database.execute("INSERT INTO fields VALUES (?, ?, ?)", (name, text, now))

    def prune(self, retention_days: int) -> None:
        """Forget the fields that were not written in within `retention_days`."""
        if not self._database.exists():
            return
        oldest = (datetime.now(UTC) - timedelta(days=retention_days)).isoformat(timespec="milliseconds")
        with (
            store_errors(self._database.path, "Old drafts were not deleted"),
            self._database.transaction() as database,
        ):
            gone = database.execute("DELETE FROM fields WHERE changed_at < ?", (oldest,))
        if gone.rowcount:
            self._database.forget_what_was_deleted()

    def all(self) -> dict[str, str]:
        """Every field that holds something."""
        if not self._database.exists():
            return {}
        with (
            store_errors(self._database.path, "What you wrote cannot be read"),
            self._database.reading() as database,
        ):
            return dict(database.execute("SELECT name, text FROM fields").fetchall())
