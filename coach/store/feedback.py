"""Keep what a person thought of a reply: a thumb, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coach.store.database import Database, now

REASON_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Feedback:
    """`subject` is the id of an exchange, or `draft/criterion` of a verdict."""

    subject: str
    useful: bool
    reason: str
    made_at: str

    @property
    def in_words(self) -> str:
        """`thumb down: too short`."""
        thumb = f"thumb {'up' if self.useful else 'down'}"
        return f"{thumb}: {self.reason}" if self.reason else thumb


class FeedbackStore:
    """What was said of replies and verdicts under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def give(self, subject: str, useful: bool, reason: str = "") -> Feedback:
        """Keep it; the last word counts."""
        given = Feedback(subject, useful, " ".join(reason.split())[:REASON_CHARACTERS], now())
        with self._database.change("The thumb was not kept") as database:
            database.execute(
                "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?)",
                (given.subject, given.useful, given.reason, given.made_at),
            )
        return given

    def take_back(self, subject: str) -> None:
        """Keep nothing of it any more."""
        with self._database.change("The thumb was not deleted") as database:
            database.execute("DELETE FROM feedback WHERE subject = ?", (subject,))

    def of(self, subject: str) -> Feedback | None:
        """What was said of it last; None where nothing was."""
        return next(iter(self._select("subject = ?", subject)), None)

    def list(self) -> tuple[Feedback, ...]:
        """All of it, the latest first."""
        return self._select("1")

    def _select(self, condition: str, *values: str) -> tuple[Feedback, ...]:
        query = (
            f"SELECT subject, useful, reason, made_at FROM feedback WHERE {condition} ORDER BY made_at DESC"
        )
        return self._database.select("The thumbs cannot be read", query, values, _feedback)


def _feedback(row: Sequence[Any]) -> Feedback:
    subject, useful, reason, made_at = row
    return Feedback(subject, bool(useful), reason, made_at)
