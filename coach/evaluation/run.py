"""What one run of a suite leaves: who spoke, over which index, and a row for every case; written and read as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coach.errors import UsageError
from coach.evaluation.intervals import Pair


@dataclass(frozen=True, slots=True)
class Row:
    """One case of a run.

    `measures` holds (hits, out of) by measure, `milliseconds` what was timed, `signals` other numbers by name
    (what `coach eval drift` looks at). `model_sentences` are the model's own as they were shown, each with its support,
    for people to judge. `unscored` is empty, or why nothing could be measured: then the rest is empty.
    """

    id: str
    kind: str = ""
    split: str = ""
    outcome: str = ""
    measures: Mapping[str, Pair] = field(default_factory=dict)
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    signals: Mapping[str, float] = field(default_factory=dict)
    text: str = ""
    model_sentences: Sequence[tuple[str, float]] = ()
    unscored: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A suite, run once. `summary` holds what a suite without rows of its own has to tell."""

    suite: str
    date: str
    version: str
    code: str
    backend: str
    model: str | None
    embedder: str
    index_fingerprint: str
    settings: Mapping[str, Any]
    selection: Mapping[str, Any]
    seed: int
    rows: tuple[Row, ...]
    complete: bool = True
    notes: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Who spoke, for the head of a column."""
        return self.model or "extractive"

    @property
    def scored(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.unscored)

    @property
    def unscored(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.unscored)

    def pairs(self, measure: str, split: str | None = None) -> list[Pair]:
        """(hits, out of) of every scored row that has this measure, of one split or of both."""
        return [row.measures[measure] for row in self._of(split) if measure in row.measures]

    def times(self, name: str, split: str | None = None) -> list[float]:
        """Milliseconds of every scored row that was timed so."""
        return [row.milliseconds[name] for row in self._of(split) if name in row.milliseconds]

    def _of(self, split: str | None) -> Sequence[Row]:
        return [row for row in self.scored if split is None or row.split == split]


def write_run(run: Run, path: Path) -> None:
    """Write a run whole or not at all. Raises UsageError where the place cannot be written to."""
    written = {**asdict(run), "rows": [_lean(row) for row in run.rows]}
    rows = written.pop("rows")
    head = json.dumps(written, indent=1, ensure_ascii=False)
    body = ",\n  ".join(
        json.dumps(row, ensure_ascii=False) for row in rows
    )  # a row a line: readable in a diff
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(f'{head[:-2]},\n "rows": [\n  {body}\n ]\n}}\n', encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise UsageError(
            f"{path} cannot be written ({reason}): give another file with `--out FILE`."
        ) from error


def read_run(path: Path) -> Run:
    """A run from its file. Raises UsageError naming the file for one that is missing or is no run."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(_row(row) for row in written.pop("rows"))
        written["notes"] = tuple(written["notes"])
        return Run(rows=rows, **written)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} cannot be read ({reason}): check the name and run again.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not what `coach eval` writes ({error!r}): make it anew with `coach eval answers --out {path}`."
        ) from error


def _lean(row: Row) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if value or name == "id"}


def _row(written: Mapping[str, Any]) -> Row:
    measures = {
        name: (float(hits), float(total)) for name, (hits, total) in written.get("measures", {}).items()
    }
    names = {"spoken": "model_sentences"}  # as earlier versions wrote it
    return Row(**{**{names.get(name, name): value for name, value in written.items()}, "measures": measures})
