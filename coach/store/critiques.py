"""Keep drafts, their critiques and what people said of the verdicts."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

from coach.errors import UsageError
from coach.json_form import critique_from_json, critique_to_json
from coach.store.database import ID_LENGTH, SHORTEST_ID, Database, StoreError, days_ago, now
from coach.types import Band, Critique, Level, Override, Rubric, Try

REASON_LIMIT = 2000  # characters
BEGINNING = 90  # characters: one line of a terminal

_UNREADABLE = "The draft cannot be read"
_OVERRIDE = ("criterion", "made_at", "level", "reason", "judged", "model")
_UNREAD = "SELECT made_at, rubric, question, kind, draft FROM readings WHERE kept_as = ''"
_UNREAD_WITH_ID = _UNREAD.replace("SELECT", "SELECT id,")
_LEVELS: tuple[Level, ...] = get_args(Level)  # from worst to best


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A draft as the list shows it. `beginning` are its first words; `overrides` counts the verdicts a person confirmed or overruled.
    One that was not read to the end is not `finished`: it has no critique."""

    id: str
    kept_at: datetime
    question: str
    kind: str
    band: Band | None
    beginning: str
    words: int
    overrides: int = 0
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often people and the judge say the same, over the verdicts that people confirmed or overruled.

    `counts` maps (the judge's level, the person's level) to how often that happened; `by_criterion` maps a
    criterion to (agreed, looked at). `unscored` are verdicts a person gave where the judge gave none: they are
    in no other figure. `kappa` is Cohen's kappa with quadratic weights (Cohen 1968), None where it is not
    defined: no verdicts, or everybody always said the same one level.
    """

    counts: Mapping[tuple[Level, Level], int]
    by_criterion: Mapping[str, tuple[int, int]]
    unscored: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def agreed(self) -> int:
        return sum(count for (judged, said), count in self.counts.items() if judged == said)

    @property
    def kappa(self) -> float | None:
        return _weighted_kappa(self.counts)


@dataclass(frozen=True, slots=True)
class UnreadDraft:
    """A draft that was handed in and not read to the end."""

    made_at: str
    rubric: str
    question: str
    kind: str
    draft: str

    @property
    def id(self) -> str:
        """The id it would have been kept under."""
        return _id_of(self.rubric, self.question, self.draft)


def draft_id(critique: Critique) -> str:
    """The same for the same draft, question and rubric, whatever the white space, the kind and the model."""
    return _id_of(critique.rubric, critique.question, critique.draft)


def _id_of(*parts: str) -> str:
    written = json.dumps([" ".join(part.split()) for part in parts])
    return hashlib.sha256(written.encode()).hexdigest()[:ID_LENGTH]


class CritiqueStore:
    """The drafts under `home`. Every method raises StoreError where the file fails; who has a critique in hand catches it
    and goes on."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, critique: Critique) -> str:
        """Store the critique and return its id. The same draft to the same question replaces its earlier critique."""
        identity = draft_id(critique)
        with self._database.change("The draft was not kept") as database:
            _write(database, identity, critique)
        return identity

    def holds(self, critique: Critique) -> bool:
        """Whether this draft is kept."""
        query = "SELECT 1 FROM critiques WHERE id = ?"
        return bool(self._database.select(_UNREADABLE, query, (draft_id(critique),)))

    def overrides(self, critique: Critique) -> dict[str, Override]:
        """What people said of this draft's verdicts, now or in an earlier critique of it, by criterion."""
        return self._overrides(draft_id(critique))

    def overrule(self, critique: Critique, criterion_id: str, level: Level, reason: str = "") -> Override:
        """Keep that a person gives `criterion_id` this `level`; the same level as the judge's confirms it.

        The last word counts. Keeps the critique as well where it is not kept yet. Raises UsageError as `persons_word`.
        """
        override = persons_word(critique, criterion_id, level, reason)
        judged = next(one.level for one in critique.verdicts if one.criterion.id == criterion_id)
        identity, model = draft_id(critique), critique.trace.model
        row = (identity, criterion_id, override.made_at, level, override.reason, judged, model)
        with self._database.change("The draft was not kept") as database:
            if not database.execute("SELECT 1 FROM critiques WHERE id = ?", (identity,)).fetchone():
                _write(database, identity, critique)
            database.execute("INSERT OR REPLACE INTO overrides VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return override

    def list(self) -> tuple[KeptDraft, ...]:
        """Every kept draft, the latest first."""
        kept = self._kept("TRUE")
        known = {draft.id for draft in kept}
        unread = tuple(_listed_unread(draft) for draft in self._unread() if draft.id not in known)
        return tuple(sorted((*kept, *unread), key=lambda draft: draft.kept_at, reverse=True))

    def judged_elsewhere(self) -> tuple[KeptDraft, ...]:
        """The kept drafts of which the Critique page has no reading, the latest first: of an interview, of the command line."""
        return self._kept("NOT EXISTS (SELECT 1 FROM readings WHERE kept_as = critiques.id)")

    def _kept(self, condition: str) -> tuple[KeptDraft, ...]:
        query = (
            "SELECT id, kept_at, critique, (SELECT count(*) FROM overrides WHERE draft = critiques.id) "
            f"FROM critiques WHERE {condition} ORDER BY kept_at DESC, id"
        )
        return self._database.select(_UNREADABLE, query, read=lambda row: _listed(*row))

    def unread(self, identity: str) -> UnreadDraft | None:
        """The draft, where it was not read to the end; None where it has a critique. Raises UsageError as `get`."""
        identity = self.full_id(identity)
        if self._database.whole_ids(_UNREADABLE, "critiques", identity):
            return None
        return next((draft for draft in self._unread() if draft.id == identity), None)

    def _unread(self) -> tuple[UnreadDraft, ...]:
        """The drafts that were not read to the end, each once."""
        found = self._database.select(_UNREADABLE, f"{_UNREAD} ORDER BY made_at", read=_unread_draft)
        return tuple({draft.id: draft for draft in found}.values())

    def tries(self) -> tuple[Try, ...]:
        """What every kept draft showed of each criterion it was judged by, the earliest draft first."""
        query = "SELECT draft, criterion, level, reason, made_at FROM overrides"
        said = dict(
            self._database.select(_UNREADABLE, query, read=lambda row: ((row[0], row[1]), Override(*row[2:])))
        )
        query = "SELECT id, kept_at, critique FROM critiques ORDER BY kept_at, id"
        kept = self._database.select(_UNREADABLE, query, read=lambda row: _tries(row, said))
        return tuple(one for draft in kept for one in draft)

    def get(self, identity: str, rubrics: Sequence[Rubric] = ()) -> Critique:
        """The kept critique, with what people said of it; the beginning of the id will do.

        Raises UsageError for an id that no draft or more than one has, and for a draft that was not read to the end.
        """
        identity = self.full_id(identity)
        critiques = self._database.select(
            _UNREADABLE,
            "SELECT critique FROM critiques WHERE id = ?",
            (identity,),
            lambda row: critique_from_json(json.loads(row[0]), rubrics),
        )
        if not critiques:
            raise UsageError(
                f"The draft `{identity}` was not read to the end, so it has no critique: see `coach drafts show {identity}`."
            )
        return overruled(critiques[0], self._overrides(identity))

    def full_id(self, beginning: str) -> str:
        """The id that begins so. Raises UsageError as `get`."""
        beginning = beginning.strip().lower()
        found = set(self._database.whole_ids(_UNREADABLE, "critiques", beginning))
        if len(beginning) >= SHORTEST_ID:
            found |= {draft.id for draft in self._unread() if draft.id.startswith(beginning)}
        if len(found) == 1:
            return found.pop()
        trouble = "More than one kept draft has" if found else "No kept draft has"
        raise _unknown(trouble, beginning)

    def delete(self, identity: str) -> None:
        """Delete a draft, its critique, its readings to whatever end, what people said of it and the cases made from it.
        Raises UsageError for an id that no draft or more than one has.

        Cases outlive a draft that only grows old (`prune`).
        """
        identity = self.full_id(identity)
        with self._database.deletion("The draft was not deleted") as database:
            delete_drafts(database, (identity,))

    def delete_all(self) -> int:
        """Delete every draft, with the cases made from them; how many drafts there were."""
        drafts = [draft.id for draft in self.list()]
        if drafts:
            with self._database.deletion("The draft was not deleted") as database:
                delete_drafts(database, drafts)
        return len(drafts)

    def prune(self, retention_days: int) -> None:
        """Delete the drafts that were neither judged nor overruled within `retention_days`.

        A file that cannot be opened is left for `keep` to report.
        """
        if not self._database.exists():
            return
        query = (
            "SELECT id FROM critiques WHERE kept_at < ?1 AND NOT EXISTS "
            "(SELECT 1 FROM overrides WHERE draft = critiques.id AND made_at >= ?1)"
        )
        with suppress(StoreError), self._database.deletion("The draft was not deleted") as database:
            rows = database.execute(query, (days_ago(retention_days),)).fetchall()
            _delete(database, [identity for (identity,) in rows])

    def agreement(self, model: str | None = None) -> Agreement:
        """How often people agree with the judge, over all kept drafts; with `model`, with that judge only."""
        query = "SELECT criterion, judged, level FROM overrides WHERE ?1 IS NULL OR model = ?1"
        return _agreement(self._database.select(_UNREADABLE, query, (model,)))

    def export(self) -> tuple[dict[str, Any], ...]:
        """Every draft as JSON that `bring_back` reads without loss, the earliest first: `id`, `kept_at`, `critique`, `overrides`."""
        query = f"SELECT draft, {', '.join(_OVERRIDE)} FROM overrides ORDER BY criterion"
        said: Sequence[Sequence[Any]] = self._database.select(_UNREADABLE, query)
        query = "SELECT id, kept_at, critique FROM critiques ORDER BY kept_at, id"
        return self._database.select(_UNREADABLE, query, read=lambda row: _exported(row, said))

    def bring_back(self, drafts: Sequence[Mapping[str, Any]]) -> int:
        """Keep drafts that `export` gave, as far as nothing later is kept of them; how many were new or changed.

        Raises UsageError for a draft whose id is not its own; nothing is kept then.
        """
        changed = set()
        with self._database.change("The drafts were not kept") as database:
            for one in drafts:
                identity = draft_id(critique_from_json(one["critique"]))
                if identity != one["id"]:
                    raise UsageError(
                        f"The draft {one['id']} was changed by hand: make the export anew with `coach export`."
                    )
                if _brought_back(database, one) > 0:
                    changed.add(identity)
        return len(changed)

    def _overrides(self, identity: str) -> dict[str, Override]:
        query = "SELECT criterion, level, reason, made_at FROM overrides WHERE draft = ?"
        return dict(self._database.select(_UNREADABLE, query, (identity,), _override))


def persons_word(critique: Critique, criterion_id: str, level: Level, reason: str = "") -> Override:
    """What a person says of a verdict, made now and kept nowhere.

    Raises UsageError for a criterion that was not judged, and for a level other than the judge's without a reason.
    """
    verdict = next((one for one in critique.verdicts if one.criterion.id == criterion_id), None)
    if verdict is None:
        known = ", ".join(one.criterion.id for one in critique.verdicts)
        raise UsageError(f"This critique has no criterion `{criterion_id}`: name one of {known}.")
    reason = " ".join(reason.split())[:REASON_LIMIT]
    if level != verdict.level and not reason:
        raise UsageError(
            'Say why you overrule the judge: give a reason (`--reason "..."` on the command line).'
        )
    return Override(level, reason, now())


def overruled(critique: Critique, overrides: Mapping[str, Override]) -> Critique:
    """The critique with what people said beside its verdicts, and nothing else beside them; the band stays."""
    verdicts = tuple(
        replace(verdict, override=overrides.get(verdict.criterion.id)) for verdict in critique.verdicts
    )
    return replace(critique, verdicts=verdicts)


def _unknown(trouble: str, beginning: str) -> UsageError:
    return UsageError(f"{trouble} an id that begins with `{beginning}`: run `coach drafts list`.")


def _write(database: sqlite3.Connection, identity: str, critique: Critique) -> None:
    written = json.dumps(critique_to_json(critique), ensure_ascii=False, default=float)
    database.execute("INSERT OR REPLACE INTO critiques VALUES (?, ?, ?)", (identity, now(), written))


def _exported(row: Sequence[Any], said: Sequence[Sequence[Any]]) -> dict[str, Any]:
    identity, kept_at, critique = row
    overrides = [dict(zip(_OVERRIDE, values, strict=True)) for draft, *values in said if draft == identity]
    return {"id": identity, "kept_at": kept_at, "critique": json.loads(critique), "overrides": overrides}


def _brought_back(database: sqlite3.Connection, one: Mapping[str, Any]) -> int:
    """How many rows of the draft were new or later than what is kept."""
    written = json.dumps(one["critique"], ensure_ascii=False)
    rows = database.execute(
        "INSERT INTO critiques VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET kept_at = excluded.kept_at, "
        "critique = excluded.critique WHERE excluded.kept_at > kept_at",
        (one["id"], one["kept_at"], written),
    ).rowcount
    for said in one["overrides"]:
        rows += database.execute(
            "INSERT INTO overrides VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (draft, criterion) DO UPDATE SET "
            "made_at = excluded.made_at, level = excluded.level, reason = excluded.reason, judged = excluded.judged, "
            "model = excluded.model WHERE excluded.made_at > made_at",
            (one["id"], *(said[name] for name in _OVERRIDE)),
        ).rowcount
    return rows


def _override(row: Sequence[Any]) -> tuple[str, Override]:
    criterion, level, reason, made_at = row
    return criterion, Override(level, reason, made_at)


def delete_drafts(database: sqlite3.Connection, identities: Sequence[str]) -> None:
    """Delete drafts, within the caller's transaction: critiques, readings to whatever end, what people said of them, the cases made
    from them, and the same text where it stands in a form's field."""
    texts = _texts(database, identities)
    _delete(database, identities)
    unread = [(reading, _unread_draft(row)) for reading, *row in database.execute(_UNREAD_WITH_ID).fetchall()]
    for reading, draft in unread:
        if draft.id in identities or _words(draft.draft) in texts:
            texts.add(_words(draft.draft))
            database.execute("DELETE FROM readings WHERE id = ?", (reading,))
    for name, text in database.execute("SELECT name, text FROM fields").fetchall():
        if _words(text) in texts:
            database.execute("DELETE FROM fields WHERE name = ?", (name,))
    database.executemany(
        "DELETE FROM cases WHERE id LIKE ? || '/%'", [(identity,) for identity in identities]
    )


def _texts(database: sqlite3.Connection, identities: Sequence[str]) -> set[tuple[str, ...]]:
    """The words of the drafts, as they were handed in and as they were judged."""
    texts = set()
    for identity in identities:
        for (draft,) in database.execute("SELECT draft FROM readings WHERE kept_as = ?", (identity,)):
            texts.add(_words(draft))
        for (critique,) in database.execute("SELECT critique FROM critiques WHERE id = ?", (identity,)):
            texts.add(_words(json.loads(critique)["draft"]))
    return texts


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _unread_draft(row: Sequence[Any]) -> UnreadDraft:
    return UnreadDraft(*row)


def _delete(database: sqlite3.Connection, identities: Sequence[str]) -> None:
    for identity in identities:
        database.execute("DELETE FROM overrides WHERE draft = ?", (identity,))
        database.execute("DELETE FROM readings WHERE kept_as = ?", (identity,))
        database.execute("DELETE FROM feedback WHERE subject LIKE ? || '/%'", (identity,))
        database.execute("DELETE FROM critiques WHERE id = ?", (identity,))


def _listed(identity: str, kept_at: str, critique: str, overrides: int) -> KeptDraft:
    written: Mapping[str, Any] = json.loads(critique)
    return KeptDraft(
        id=identity,
        kept_at=datetime.fromisoformat(kept_at),
        question=" ".join(written["question"].split()),
        kind=written["kind"],
        band=cast(Band | None, written["band"]),
        beginning=textwrap.shorten(written["draft"], BEGINNING, placeholder=" …"),
        words=len(_words(written["draft"])),
        overrides=overrides,
    )


def _tries(row: Sequence[Any], said: Mapping[tuple[str, str], Override]) -> list[Try]:
    identity, kept_at, critique = row
    written: Mapping[str, Any] = json.loads(critique)
    return [
        Try(
            draft=identity,
            at=datetime.fromisoformat(kept_at),
            question=" ".join(written["question"].split()),
            kind=written["kind"],
            rubric=written["rubric"],
            criterion=verdict["criterion"],
            name=verdict["name"],
            judged=cast(Level | None, verdict["level"]),
            override=said.get((identity, verdict["criterion"])),
            unsure=verdict["level"] is None and verdict["probability"] is not None,
        )
        for verdict in written["verdicts"]
    ]


def _listed_unread(one: UnreadDraft) -> KeptDraft:
    return KeptDraft(
        id=one.id,
        kept_at=datetime.fromisoformat(one.made_at),
        question=" ".join(one.question.split()),
        kind=one.kind,
        band=None,
        beginning=textwrap.shorten(one.draft, BEGINNING, placeholder=" …"),
        words=len(_words(one.draft)),
        finished=False,
    )


def _agreement(rows: Sequence[tuple[str, Level | None, Level]]) -> Agreement:
    counts: dict[tuple[Level, Level], int] = {}
    by_criterion: dict[str, tuple[int, int]] = {}
    unscored = 0
    for criterion, judged, said in rows:
        if judged is None:
            unscored += 1
            continue
        counts[judged, said] = counts.get((judged, said), 0) + 1
        agreed, seen = by_criterion.get(criterion, (0, 0))
        by_criterion[criterion] = (agreed + (judged == said), seen + 1)
    return Agreement(counts, by_criterion, unscored)


def _weighted_kappa(counts: Mapping[tuple[Level, Level], int]) -> float | None:
    """None where everybody always gave one and the same level: chance then leaves nothing to disagree on."""
    from sklearn.metrics import cohen_kappa_score

    if len({level for pair in counts for level in pair}) < 2:
        return None
    judged, said = zip(*counts, strict=True)
    return float(
        cohen_kappa_score(
            judged, said, labels=_LEVELS, weights="quadratic", sample_weight=list(counts.values())
        )
    )
