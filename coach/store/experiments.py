"""Keep the last outcome of each experiment, as the JSON it was written in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from coach.store.database import Database, store_errors


class ExperimentStore:
    """The outcomes under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, name: str, outcome: str) -> None:
        """Keep an outcome in the place of the one before."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with (
            store_errors(self._database.path, "The outcome was not kept"),
            self._database.transaction() as database,
        ):
            database.execute("INSERT OR REPLACE INTO experiments VALUES (?, ?, ?)", (name, now, outcome))

    def get(self, name: str) -> str | None:
        """The outcome that was kept last; None where none was."""
        if not self._database.exists():
            return None
        with (
            store_errors(self._database.path, "The outcomes cannot be read"),
            self._database.reading() as database,
        ):
            row = database.execute("SELECT outcome FROM experiments WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None
