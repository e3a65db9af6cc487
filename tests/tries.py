"""Tries and kept drafts for tests: levels as the test asks for them, on the days it names."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from coach.critique.rubric import bundled_rubrics
from coach.store.critiques import CritiqueStore
from coach.store.database import FILE
from coach.types import Critique, Level, Override, Trace, Try, Verdict

RUBRIC = bundled_rubrics()[0]
CRITERIA = {criterion.id: criterion for criterion in RUBRIC.criteria}
ZONE = timezone(timedelta(hours=1))
NOW = datetime(2026, 11, 28, 9, tzinfo=ZONE)


def on(day: int, hour: int = 18, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def tried(
    criterion: str,
    level: Level | None,
    at: datetime,
    question: str = "Design a helper.",
    kind: str = "design",
    draft: str = "",
    override: Override | None = None,
    *,
    unsure: bool = False,
) -> Try:
    name = CRITERIA[criterion].name if criterion in CRITERIA else criterion
    return Try(
        draft or f"{question}{at}", at, question, kind, RUBRIC.name, criterion, name, level, override, unsure
    )


def several(criterion: str, levels: str, kind: str = "design") -> list[Try]:
    """One try a day, each at a question of its own: `m` met, `p` partly, `-` missing, `?` unsure."""
    read: dict[str, Level] = {"m": "met", "p": "partly", "-": "missing"}
    return [
        tried(criterion, read.get(sign), on(day), f"Question {day} ({kind})?", kind, unsure=sign == "?")
        for day, sign in enumerate(levels, 1)
    ]


def keep(
    home: Path,
    levels: Mapping[str, Level | None],
    at: datetime,
    question: str = "Design a helper.",
    kind: str = "design",
    draft: str = "I would start with refunds.",
) -> str:
    """Keep a draft with these verdicts as if it had been judged then; its id."""
    verdicts = tuple(
        Verdict(CRITERIA[name], level, unscored="" if level else "Nobody judged.")
        for name, level in levels.items()
    )
    identity = CritiqueStore(home).keep(
        Critique(question, kind, draft, RUBRIC.name, verdicts, (), Trace(question), "getting there")
    )
    with closing(sqlite3.connect(home / FILE)) as database, database:
        written = at.isoformat(timespec="milliseconds")
        database.execute("UPDATE critiques SET kept_at = ? WHERE id = ?", (written, identity))
    return identity
