"""Keep how far somebody is on the learning path: the last outcome of each line and drill, never what was typed."""

from __future__ import annotations

from pathlib import Path

from coach.store.database import Database, days_ago, now


class LearningStore:
    """The progress under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, item: str, outcome: str) -> None:
        """Keep the outcome of a line or a drill in the place of the one before."""
        with self._database.change("Your progress was not kept") as database:
            database.execute("INSERT OR REPLACE INTO learning VALUES (?, ?, ?)", (item, outcome, now()))

    def forget(self, item: str) -> None:
        """Keep nothing of it any more."""
        with self._database.deletion("Your progress was not deleted") as database:
            database.execute("DELETE FROM learning WHERE item = ?", (item,))

    def prune(self, retention_days: int) -> None:
        """Forget what did not change within `retention_days`."""
        if not self._database.exists():
            return
        with self._database.deletion("Old progress was not deleted") as database:
            database.execute("DELETE FROM learning WHERE changed_at < ?", (days_ago(retention_days),))

    def all(self) -> dict[str, str]:
        """The outcome of every line and drill that has one."""
        return dict(
            self._database.select("Your progress cannot be read", "SELECT item, outcome FROM learning")
        )
