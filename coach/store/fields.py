"""Keep what stands in the fields of a form, so that a draft that is being written outlives its page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from coach.store.database import Database, days_ago, now


class FieldStore:
    """The fields under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, fields: Mapping[str, str]) -> None:
        """Keep what stands in them; an empty field is forgotten."""
        written_at = now()
        with self._database.change("What you wrote was not kept") as database:
            for name, text in fields.items():
                database.execute("DELETE FROM fields WHERE name = ?", (name,))
                if text:
                    database.execute("INSERT INTO fields VALUES (?, ?, ?)", (name, text, written_at))

    def prune(self, retention_days: int) -> None:
        """Forget the fields that were not written in within `retention_days`."""
        if not self._database.exists():
            return
        with self._database.deletion("Old drafts were not deleted") as database:
            database.execute("DELETE FROM fields WHERE changed_at < ?", (days_ago(retention_days),))

    def all(self) -> dict[str, str]:
        """Every field that holds something."""
        return dict(self._database.select("What you wrote cannot be read", "SELECT name, text FROM fields"))
