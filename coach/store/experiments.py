"""Keep the last outcome of each experiment, as the JSON it was written in."""

from __future__ import annotations

from pathlib import Path

from coach.store.database import Database, now


class ExperimentStore:
    """The outcomes under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, name: str, outcome: str) -> None:
        """Keep an outcome in the place of the one before."""
        with self._database.change("The outcome was not kept") as database:
            database.execute("INSERT OR REPLACE INTO experiments VALUES (?, ?, ?)", (name, now(), outcome))

    def get(self, name: str) -> str | None:
        """The outcome that was kept last; None where none was."""
        query = "SELECT outcome FROM experiments WHERE name = ?"
        kept = self._database.select("The outcomes cannot be read", query, (name,), lambda row: str(row[0]))
        return kept[0] if kept else None
