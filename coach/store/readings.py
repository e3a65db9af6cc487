"""Keep each reading of a draft while it goes on: what was handed in, the verdicts so far, and how it ended."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from coach.store.database import UNDER_WAY, Database, State, store_errors, update_under_way
from coach.types import Critique, Verdict

ID_LENGTH = 12  # hexadecimal digits, as a draft's

_VERDICTS: TypeAdapter[tuple[Verdict, ...]] = TypeAdapter(tuple[Verdict, ...])
_CRITIQUE: TypeAdapter[Critique] = TypeAdapter(Critique)
_COLUMNS = "id, made_at, question, kind, rubric, draft, state, owner, step, verdicts, critique, error"


@dataclass(frozen=True, slots=True)
class Reading:
    """A draft before the committee; `state` as an exchange's. `critique` is there once it is finished."""

    id: str
    made_at: str
    question: str
    kind: str
    rubric: str
    draft: str
    state: State = "waiting"
    owner: str = ""
    step: str = ""
    verdicts: tuple[Verdict, ...] = ()
    critique: Critique | None = None
    error: str = ""

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with the drafts that answer it: how many, and the newest reading of one."""

    question: str
    drafts: int
    newest: str
    made_at: str


class ReadingStore:
    """The readings under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def hand_in(self, draft: str, question: str, kind: str, rubric: str, *, owner: str = "") -> Reading:
        """Put a draft down to be read."""
        made_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        reading = Reading(
            secrets.token_hex(ID_LENGTH // 2), made_at, question, kind, rubric, draft, owner=owner
        )
        with self._opened("The draft was not kept") as database:
            database.execute(
                "INSERT INTO readings (id, made_at, question, kind, rubric, draft, state, owner) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (reading.id, made_at, question, kind, rubric, draft, reading.state, owner),
            )
        return reading

    def update(
        self,
        reading: str,
        *,
        state: State | None = None,
        step: str | None = None,
        verdicts: Sequence[Verdict] | None = None,
        critique: Critique | None = None,
        kept_as: str | None = None,
        error: str | None = None,
    ) -> bool:
        """Write how far it is; whether it was still under way (one that was stopped stays as it is)."""
        columns: dict[str, Any] = {"state": state, "step": step, "error": error, "kept_as": kept_as}
        if verdicts is not None:
            columns["verdicts"] = _VERDICTS.dump_json(tuple(verdicts)).decode()
        if critique is not None:
            columns["critique"] = _CRITIQUE.dump_json(critique).decode()
        with self._opened("The critique was not kept") as database:
            return update_under_way(database, "readings", reading, columns)

    def correct(self, reading: str, critique: Critique) -> None:
        """Put a critique in whose verdicts a person has overruled."""
        with self._opened("The critique was not kept") as database:
            written = _CRITIQUE.dump_json(critique).decode()
            database.execute("UPDATE readings SET critique = ? WHERE id = ?", (written, reading))

    def get(self, reading: str) -> Reading | None:
        """The reading; None where it is not kept."""
        found = self._select("id = ?", reading)
        return found[0] if found else None

    def of_question(self, question: str, kind: str, rubric: str) -> tuple[Reading, ...]:
        """Every reading of an answer to the same question, oldest first."""
        return self._select("question = ? AND kind = ? AND rubric = ?", question, kind, rubric)

    def questions(self) -> tuple[AskedQuestion, ...]:
        """Every question that drafts were handed in for, the latest first."""
        if not self._database.exists():
            return ()
        with (
            store_errors(self._database.path, "Your drafts cannot be read"),
            self._database.reading() as database,
        ):
            # SQLite takes the other columns from the row that has the maximum.
            rows = database.execute(
                "SELECT question, count(DISTINCT draft), id, max(made_at) FROM readings "
                "GROUP BY question, kind, rubric ORDER BY max(made_at) DESC"
            ).fetchall()
        return tuple(AskedQuestion(*row) for row in rows)

    def delete(self, reading: str) -> None:
        """Delete every draft that answers the same question as this reading, with its critique and what was said of the verdicts."""
        same = (
            "SELECT other.id FROM readings AS one JOIN readings AS other USING (question, kind, rubric) "
            "WHERE one.id = ?"
        )
        kept = f"SELECT kept_as FROM readings WHERE id IN ({same})"
        subjects = "substr(subject, 1, instr(subject, '/') - 1)"
        with self._opened("The drafts were not deleted") as database:
            for statement in (
                f"DELETE FROM overrides WHERE draft IN ({kept})",
                f"DELETE FROM feedback WHERE {subjects} IN ({kept})",
                f"DELETE FROM critiques WHERE id IN ({kept})",
                f"DELETE FROM readings WHERE id IN ({same})",
            ):
                database.execute(statement, (reading,))
        self._database.forget_what_was_deleted()

    def prune(self, retention_days: int) -> None:
        """Delete the readings that are older than `retention_days`."""
        if not self._database.exists():
            return
        oldest = (datetime.now(UTC) - timedelta(days=retention_days)).isoformat(timespec="milliseconds")
        with self._opened("Old drafts were not deleted") as database:
            gone = database.execute("DELETE FROM readings WHERE made_at < ?", (oldest,))
        if gone.rowcount:
            self._database.forget_what_was_deleted()

    def _select(self, condition: str, *values: str) -> tuple[Reading, ...]:
        if not self._database.exists():
            return ()
        with (
            store_errors(self._database.path, "Your drafts cannot be read"),
            self._database.reading() as database,
        ):
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM readings WHERE {condition} ORDER BY made_at, id", values
            ).fetchall()
            return tuple(map(_reading, rows))

    @contextmanager
    def _opened(self, trouble: str) -> Iterator[sqlite3.Connection]:
        with store_errors(self._database.path, trouble), self._database.transaction() as database:
            yield database


def _reading(row: Sequence[Any]) -> Reading:
    given = dict(zip(_COLUMNS.split(", "), row, strict=True))
    given["verdicts"] = _VERDICTS.validate_json(given["verdicts"])
    given["critique"] = _CRITIQUE.validate_json(given["critique"]) if given["critique"] else None
    return Reading(**given)
