"""Keep a trace of every answer, so that what happens live can be looked at later."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from coach.store.database import Database, days_ago, now
from coach.types import Answer, Passage, Reply

BUSY_SECONDS = 1.0  # how long a write waits for another process before the trace is given up


@dataclass(frozen=True, slots=True)
class StoredTrace:
    """One answer as it was kept. `outcome` is `answer`, `refusal`, or `own_words` for small talk.

    Each of `passages` has source, start, end, rank, score, cosine and keyword; each of `sentences` text, status,
    origin, support (of its best citation, None without one) and citations as [source, start, end]. `trace` is the
    reply's `Trace` as a mapping: token counts, sampling, milliseconds per step.
    """

    asked_at: datetime
    outcome: str
    question: str
    standalone: str
    model: str | None
    embedder: str
    index_fingerprint: str
    passages: Sequence[Mapping[str, Any]]
    sentences: Sequence[Mapping[str, Any]]
    trace: Mapping[str, Any]


class TraceStore:
    """The traces under `home`."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def keep(self, reply: Reply) -> str:
        """Store one reply. Never raises for a disk or a database that fails: returns why not, else ""."""
        try:
            row = _row(reply)
            with self._database.transaction(BUSY_SECONDS) as database:
                database.execute(f"INSERT INTO traces VALUES (NULL{', ?' * len(row)})", row)
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            return f"The trace of this answer was not kept ({error}): run `coach doctor`."
        return ""

    def prune(self, retention_days: int) -> None:
        """Delete what is older than `retention_days`; a file that cannot be opened is left for `keep` to report."""
        if not self._database.exists():
            return
        try:
            with self._database.transaction(BUSY_SECONDS) as database:
                gone = database.execute("DELETE FROM traces WHERE asked_at < ?", (days_ago(retention_days),))
            if gone.rowcount:
                self._database.forget_what_was_deleted()
        except (sqlite3.Error, OSError):
            return

    def recent(self, days: int) -> list[StoredTrace]:
        """Traces of the last `days` days, oldest first; none where nothing was ever kept.

        Raises OSError for a file that is not a readable database.
        """
        if not self._database.exists():
            return []
        columns = "asked_at, outcome, question, standalone, model, embedder, index_fingerprint, reply"
        try:
            with self._database.reading() as database:
                rows = database.execute(
                    f"SELECT {columns} FROM traces WHERE asked_at >= ? ORDER BY asked_at, id",
                    (days_ago(days),),
                ).fetchall()
        except sqlite3.Error as error:
            raise OSError(f"{self._database.path.name} cannot be read: {error}") from error
        return [_stored(row) for row in rows]

    def forget(self, source: str) -> int:
        """Delete the traces of answers that looked at the document `source`; how many. Raises StoreError where the file fails."""
        if not self._database.exists():
            return 0
        with self._database.deletion("The traces that quote it were not deleted") as database:
            rows = database.execute("SELECT id, reply FROM traces").fetchall()
            quoting = [(identity,) for identity, reply in rows if source in _sources(json.loads(reply))]
            database.executemany("DELETE FROM traces WHERE id = ?", quoting)
        return len(quoting)


def _sources(written: Mapping[str, Any]) -> set[str]:
    """The documents that a kept trace names; one of an earlier version names its passages alone."""
    trace = written["trace"]
    looked_at = [one for search in trace.get("searches", ()) for one in search["candidates"]]
    return {one["source"] for one in (*written["passages"], *looked_at, *trace.get("weighed", ()))}


def _row(reply: Reply) -> tuple[str | None, ...]:
    passages = reply.passages if isinstance(reply, Answer) else reply.nearest
    written = {
        "passages": [_passage(passage) for passage in passages],
        "sentences": [_sentence(sentence) for sentence in reply.sentences]
        if isinstance(reply, Answer)
        else [],
        "trace": asdict(reply.trace.without_texts),
    }
    return (
        now(),
        _outcome(reply),
        reply.question,
        reply.standalone,
        reply.trace.model,
        reply.trace.embedder,
        reply.trace.index_fingerprint,
        json.dumps(written, ensure_ascii=False, default=float),
    )


def _outcome(reply: Reply) -> str:
    if not isinstance(reply, Answer):
        return "refusal"
    return "answer" if reply.passages else "own_words"


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "source": passage.source,
        "start": passage.chunk.start,
        "end": passage.chunk.end,
        "rank": passage.rank,
        "score": passage.score,
        "cosine": passage.cosine,
        "keyword": passage.keyword,
    }


def _sentence(sentence: Any) -> dict[str, Any]:
    supports = [citation.support for citation in sentence.citations]
    return {
        "text": sentence.text,
        "status": sentence.status,
        "origin": sentence.origin,
        "support": max(supports, default=None),
        "citations": [
            [citation.span.source, citation.span.start, citation.span.end] for citation in sentence.citations
        ],
    }


def _stored(row: Sequence[Any]) -> StoredTrace:
    asked_at, outcome, question, standalone, model, embedder, fingerprint, reply = row
    written = json.loads(reply)
    return StoredTrace(
        datetime.fromisoformat(asked_at),
        outcome,
        question,
        standalone,
        model,
        embedder,
        fingerprint,
        written["passages"],
        written["sentences"],
        written["trace"],
    )
