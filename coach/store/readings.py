"""Keep each reading of a draft while it goes on: what was handed in, the verdicts so far, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from coach.store.critiques import UnreadDraft, delete_drafts, draft_id
from coach.store.database import UNDER_WAY, Database, State, days_ago, new_id, now, update_under_way
from coach.types import Critique, Verdict

_VERDICTS: TypeAdapter[tuple[Verdict, ...]] = TypeAdapter(tuple[Verdict, ...])
_CRITIQUE: TypeAdapter[Critique] = TypeAdapter(Critique)
_UNREADABLE = "Your drafts cannot be read"
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
        made_at = now()
        reading = Reading(new_id(), made_at, question, kind, rubric, draft, owner=owner)
        with self._database.change("The draft was not kept") as database:
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
        with self._database.change("The critique was not kept") as database:
            return update_under_way(database, "readings", reading, columns)

    def take_up(self, critique: Critique) -> Reading:
        """The finished reading of a draft that was judged elsewhere; the one that is kept of it, where there is one."""
        kept_as = draft_id(critique)
        if found := self._select("kept_as = ? AND state = 'finished'", kept_as):
            self.correct(found[-1].id, critique)  # a person may have overruled it since
            return replace(found[-1], critique=critique)
        reading = self.hand_in(critique.draft, critique.question, critique.kind, critique.rubric)
        self.update(reading.id, state="finished", critique=critique, kept_as=kept_as)
        return self._select("id = ?", reading.id)[0]

    def correct(self, reading: str, critique: Critique) -> None:
        """Put a critique in whose verdicts a person has overruled."""
        with self._database.change("The critique was not kept") as database:
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
        # SQLite takes the other columns from the row that has the maximum.
        query = (
            "SELECT question, count(DISTINCT draft), id, max(made_at) FROM readings "
            "GROUP BY question, kind, rubric ORDER BY max(made_at) DESC"
        )
        return self._database.select(_UNREADABLE, query, read=lambda row: AskedQuestion(*row))

    def delete(self, reading: str) -> None:
        """Delete every draft that answers the same question as this reading, with all that is deleted with a draft."""
        same = (
            "SELECT other.kept_as, other.made_at, other.rubric, other.question, other.kind, other.draft "
            "FROM readings AS one JOIN readings AS other USING (question, kind, rubric) WHERE one.id = ?"
        )
        with self._database.deletion("The drafts were not deleted") as database:
            rows = database.execute(same, (reading,)).fetchall()
            delete_drafts(database, [kept_as or UnreadDraft(*row).id for kept_as, *row in rows])

    def prune(self, retention_days: int) -> None:
        """Delete the readings that are older than `retention_days`."""
        if not self._database.exists():
            return
        with self._database.deletion("Old drafts were not deleted") as database:
            database.execute("DELETE FROM readings WHERE made_at < ?", (days_ago(retention_days),))

    def _select(self, condition: str, *values: str) -> tuple[Reading, ...]:
        query = f"SELECT {_COLUMNS} FROM readings WHERE {condition} ORDER BY made_at, id"
        return self._database.select(_UNREADABLE, query, values, _reading)


def _reading(row: Sequence[Any]) -> Reading:
    given = dict(zip(_COLUMNS.split(", "), row, strict=True))
    given["verdicts"] = _VERDICTS.validate_json(given["verdicts"])
    given["critique"] = _CRITIQUE.validate_json(given["critique"]) if given["critique"] else None
    return Reading(**given)
