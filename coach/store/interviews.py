"""Keep rehearsed interviews, each as the JSON it was written in, so that one that was broken off goes on where it stood."""

from __future__ import annotations

from pathlib import Path

from coach.store.database import Database, days_ago, now


class InterviewStore:
    """The interviews under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, identity: str, written: str) -> None:
        """Keep an interview as it stands, in the place of what was kept of it before."""
        moment = now()
        with self._database.change("The interview was not kept") as database:
            database.execute(
                "INSERT INTO interviews VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at, written = excluded.written",
                (identity, moment, moment, written),
            )

    def get(self, identity: str) -> str | None:
        """The interview; None where there is none."""
        query = "SELECT written FROM interviews WHERE id = ?"
        kept = self._database.select("The interview cannot be read", query, (identity,), _text)
        return kept[0] if kept else None

    def list(self) -> tuple[str, ...]:
        """Every interview, the latest first."""
        query = "SELECT written FROM interviews ORDER BY made_at DESC, id"
        return self._database.select("The interviews cannot be read", query, (), _text)

    def whole_ids(self, beginning: str) -> tuple[str, ...]:
        """The ids that begin so."""
        return self._database.whole_ids("The interviews cannot be read", "interviews", beginning)

    def delete(self, identity: str) -> None:
        """Delete an interview, without a trace; the critiques of its answers are drafts, and stay among those."""
        with self._database.deletion("The interview was not deleted") as database:
            database.execute("DELETE FROM interviews WHERE id = ?", (identity,))

    def prune(self, retention_days: int) -> None:
        """Delete those that did not change within `retention_days`."""
        if not self._database.exists():
            return
        with self._database.deletion("Old interviews were not deleted") as database:
            database.execute("DELETE FROM interviews WHERE changed_at < ?", (days_ago(retention_days),))


def _text(row: object) -> str:
    return str(row[0])  # type: ignore[index]
