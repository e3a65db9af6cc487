"""Keep conversations: each question with what has come back so far, from the first word to the checked reply."""

from __future__ import annotations

import json
import sqlite3
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from coach.errors import UsageError
from coach.store.database import UNDER_WAY, Database, State, days_ago, new_id, now, update_under_way
from coach.types import Answer, Refusal, Reply

TITLE_CHARACTERS = 60  # a line of the side bar
FORMAT = "genai-pm-coach conversations 1"

_REPLY: TypeAdapter[Reply] = TypeAdapter(Answer | Refusal)
_UNREADABLE = "Your conversations cannot be read"
_COLUMNS = "id, conversation, position, asked_at, question, collections, state, owner, step, extracted, said, reply, error"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as the list shows it. `title` is its first question's beginning until it is renamed."""

    id: str
    title: str
    made_at: str
    changed_at: str
    exchanges: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what has come back.

    `state`: `waiting` for its turn, `running`, `finished` (with a `reply`), `stopped` by the user, `failed` (`error` says why),
    `unfinished` (the coach ended meanwhile), or `withdrawn` (a document that it quoted was deleted). `extracted` are the
    sources' sentences, `said` what the model has said and nobody has checked. `owner` is the process that answers it.
    """

    id: str
    conversation: str
    position: int
    asked_at: str
    question: str
    collections: tuple[str, ...] = ()
    state: State = "waiting"
    owner: str = ""
    step: str = ""
    extracted: Answer | None = None
    said: str = ""
    reply: Reply | None = None
    error: str = ""

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY


_EXCHANGE: TypeAdapter[Exchange] = TypeAdapter(Exchange)


class ConversationStore:
    """The conversations under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def ask(
        self, question: str, conversation: str = "", *, owner: str = "", collections: Sequence[str] = ()
    ) -> Exchange:
        """Put a question at the end of `conversation`, or of a new one, where it waits to be answered.

        Raises UsageError for a conversation that is not kept.
        """
        with self._database.change("The question was not kept") as database:
            asked_at, identity = now(), new_id()
            if not conversation:
                conversation = new_id()
                _insert_conversation(
                    database, Conversation(conversation, title_of(question), asked_at, asked_at)
                )
            elif not database.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation,)).fetchone():
                raise _unknown(conversation)
            (position,) = database.execute(
                "SELECT coalesce(max(position), -1) + 1 FROM exchanges WHERE conversation = ?",
                (conversation,),
            ).fetchone()
            exchange = Exchange(
                identity, conversation, position, asked_at, question, tuple(collections), owner=owner
            )
            _insert_exchange(database, exchange)
            database.execute("UPDATE conversations SET changed_at = ? WHERE id = ?", (asked_at, conversation))
        return exchange

    def update(
        self,
        exchange: str,
        *,
        state: State | None = None,
        step: str | None = None,
        extracted: Answer | None = None,
        said: str | None = None,
        reply: Reply | None = None,
        error: str | None = None,
    ) -> bool:
        """Write what has come back; whether the exchange was still under way (one that was stopped stays as it is)."""
        columns: dict[str, Any] = {"state": state, "step": step, "said": said, "error": error}
        if extracted is not None:
            columns["extracted"] = written_reply(extracted)
        if reply is not None:
            columns |= {"reply": written_reply(reply), "text": reply.text}
        with self._database.change("The answer was not kept") as database:
            return update_under_way(database, "exchanges", exchange, columns)

    def again(self, exchange: str, owner: str) -> None:
        """Let a question that has no reply be answered anew, in its place."""
        with self._database.change("The question was not kept") as database:
            database.execute(
                "UPDATE exchanges SET state = 'waiting', owner = ?, step = '', extracted = NULL, said = '', "
                f"reply = NULL, error = '', text = '' WHERE id = ? AND state NOT IN {UNDER_WAY}",
                (owner, exchange),
            )

    def list(self, words: str = "") -> tuple[Conversation, ...]:
        """Conversations, the latest first; with `words`, those in whose title, questions or answers all of them stand."""
        condition = (
            "(title LIKE ? ESCAPE '\\' OR EXISTS (SELECT 1 FROM exchanges WHERE conversation = conversations.id "
            "AND (question LIKE ? ESCAPE '\\' OR text LIKE ? ESCAPE '\\')))"
        )
        patterns = [f"%{_literal(word)}%" for word in words.split()]
        return self._conversations(
            " AND ".join([condition] * len(patterns)) or "1",
            [pattern for pattern in patterns for _ in range(3)],
        )

    def get(self, conversation: str) -> Conversation:
        """The conversation; the beginning of its id will do. Raises UsageError for one that is not kept."""
        found = self._database.whole_ids(_UNREADABLE, "conversations", conversation)
        if len(found) != 1:
            raise _unknown(conversation)
        return self._conversations("id = ?", found)[0]

    def exchanges(self, conversation: str, since: int = 0) -> tuple[Exchange, ...]:
        """Its questions and answers in their order, from the position `since` on; none where it is not kept."""
        return self._exchanges("conversation = ? AND position >= ? ORDER BY position", conversation, since)

    def exchange(self, identity: str) -> Exchange | None:
        """One exchange by its whole id; None where it is not kept."""
        return next(iter(self._exchanges("id = ?", identity)), None)

    def find_exchange(self, beginning: str) -> Exchange:
        """The exchange whose id begins so. Raises UsageError where there is none or more than one."""
        found = self._database.whole_ids(_UNREADABLE, "exchanges", beginning)
        if len(found) != 1:
            raise UsageError(
                f"Not one question has an id that begins with `{beginning.strip().lower()}`: "
                "`coach conversations show ID` prints them."
            )
        return self._exchanges("id = ?", *found)[0]

    def under_way(self) -> tuple[Exchange, ...]:
        """Every exchange that waits or is being answered, in the order in which they were asked."""
        return self._exchanges(f"state IN {UNDER_WAY} ORDER BY asked_at")

    def rename(self, conversation: str, title: str) -> None:
        """Give it another title. Raises UsageError for an empty one, and for a conversation that is not kept."""
        title = title_of(title)
        if not title:
            raise UsageError("A conversation needs a title: write a word or two, then rename it again.")
        with self._database.change("The title was not kept") as database:
            changed = database.execute(
                "UPDATE conversations SET title = ? WHERE id = ?", (title, conversation)
            )
            if not changed.rowcount:
                raise _unknown(conversation)

    def delete(self, conversation: str) -> None:
        """Delete it with its exchanges, what was said of them and the cases made from them; no byte of it is left.

        Raises UsageError as `get`. Cases outlive a conversation that only grows old (`prune`), or that is read in again.
        """
        with self._database.deletion("The conversation was not deleted") as database:
            if not database.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation,)).fetchone():
                raise _unknown(conversation)
            database.execute(
                "DELETE FROM cases WHERE id IN (SELECT id FROM exchanges WHERE conversation = ?)",
                (conversation,),
            )
            _delete(database, [conversation])

    def prune(self, retention_days: int) -> None:
        """Delete the conversations in which nothing was said within `retention_days`."""
        if not self._database.exists():
            return
        with self._database.deletion("Old conversations were not deleted") as database:
            rows = database.execute(
                "SELECT id FROM conversations WHERE changed_at < ?", (days_ago(retention_days),)
            ).fetchall()
            _delete(database, [identity for (identity,) in rows])

    def cited(self, source: str) -> set[tuple[int, int]]:
        """The places of a document that kept answers cite, as (start, end) in characters."""
        replies = self._database.select(
            _UNREADABLE,
            "SELECT reply FROM exchanges WHERE reply LIKE ? ESCAPE '\\'",
            (f"%{_literal(json.dumps(source)[1:-1])}%",),
            lambda row: read_reply(row[0]),
        )
        return {
            (citation.span.start, citation.span.end)
            for answer in replies
            if isinstance(answer, Answer)
            for sentence in answer.sentences
            for citation in sentence.citations
            if citation.span.source == source
        }

    def withdraw(self, source: str) -> int:
        """Take the replies away that looked at a document which was deleted; how many. Their questions stay."""
        if not self._database.exists():
            return 0
        with self._database.deletion("The answers that quote it were not deleted") as database:
            rows = database.execute(
                "SELECT id, extracted, reply FROM exchanges WHERE reply NOT NULL OR extracted NOT NULL"
            ).fetchall()
            quoting = [
                (identity,)
                for identity, *replies in rows
                if any(source in sources_of(read_reply(one)) for one in replies if one)
            ]
            database.executemany(
                "UPDATE exchanges SET state = 'withdrawn', extracted = NULL, said = '', reply = NULL, text = '' "
                "WHERE id = ?",
                quoting,
            )
        return len(quoting)

    def export(self, conversations: Sequence[str] = ()) -> dict[str, Any]:
        """Conversations as JSON that `load` reads back without loss; all of them where none is named."""
        kept = {one.id: one for one in self.list()}
        written = []
        for identity in conversations or kept:
            if identity not in kept:
                raise _unknown(identity)
            one = kept[identity]
            written.append(
                {
                    "id": one.id,
                    "title": one.title,
                    "made_at": one.made_at,
                    "changed_at": one.changed_at,
                    "exchanges": [_as_json(exchange) for exchange in self.exchanges(identity)],
                }
            )
        return {"format": FORMAT, "conversations": written}

    def load(self, written: object) -> int:
        """Keep what `export` gave; a conversation of the same id is replaced. How many there were.

        Raises UsageError for anything else; nothing is kept then.
        """
        conversations = list(_from_json(written))
        with self._database.change("The conversations were not kept") as database:
            for conversation, exchanges in conversations:
                _delete(database, [conversation.id])
                _insert_conversation(database, conversation)
                for exchange in exchanges:
                    _insert_exchange(database, exchange)
        return len(conversations)

    def _conversations(self, condition: str, values: Sequence[str]) -> tuple[Conversation, ...]:
        query = (
            "SELECT id, title, made_at, changed_at, "
            "(SELECT count(*) FROM exchanges WHERE conversation = conversations.id) FROM conversations "
            f"WHERE {condition} ORDER BY changed_at DESC, id"
        )
        return self._database.select(_UNREADABLE, query, values, lambda row: Conversation(*row))

    def _exchanges(self, condition: str, *values: str | int) -> tuple[Exchange, ...]:
        query = f"SELECT {_COLUMNS} FROM exchanges WHERE {condition}"
        return self._database.select(_UNREADABLE, query, values, _exchange)


def title_of(question: str) -> str:
    """A question's beginning, as the title of its conversation."""
    return (
        textwrap.shorten(question, TITLE_CHARACTERS, placeholder="…") or question.strip()[:TITLE_CHARACTERS]
    )


def written_reply(reply: Reply) -> str:
    """The reply as JSON from which `read_reply` makes the same reply."""
    return _REPLY.dump_json(reply).decode()


def read_reply(written: str) -> Reply:
    """Raises ValueError for anything that `written_reply` did not write."""
    return _REPLY.validate_json(written)


def sources_of(reply: Reply) -> set[str]:
    """Every document that a reply looked at."""
    passages = reply.passages if isinstance(reply, Answer) else reply.nearest
    return {name for passage in passages for name in (passage.source, *passage.also_in)} | reply.trace.sources


def _exchange(row: Sequence[Any]) -> Exchange:
    given = dict(zip(_COLUMNS.split(", "), row, strict=True))
    extracted, reply = given["extracted"], given["reply"]
    given["collections"] = tuple(json.loads(given["collections"]))
    given["extracted"] = read_reply(extracted) if extracted else None
    given["reply"] = read_reply(reply) if reply else None
    return Exchange(**given)


def _insert_conversation(database: sqlite3.Connection, one: Conversation) -> None:
    database.execute(
        "INSERT INTO conversations VALUES (?, ?, ?, ?)", (one.id, one.title, one.made_at, one.changed_at)
    )


def _insert_exchange(database: sqlite3.Connection, one: Exchange) -> None:
    row = (
        one.id,
        one.conversation,
        one.position,
        one.asked_at,
        one.question,
        json.dumps(one.collections),
        one.state,
        one.owner,
        one.step,
        written_reply(one.extracted) if one.extracted else None,
        one.said,
        written_reply(one.reply) if one.reply else None,
        one.error,
        one.reply.text if one.reply else "",
    )
    database.execute(f"INSERT INTO exchanges ({_COLUMNS}, text) VALUES (?{', ?' * (len(row) - 1)})", row)


def _delete(database: sqlite3.Connection, conversations: Sequence[str]) -> None:
    for conversation in conversations:
        database.execute(
            "DELETE FROM feedback WHERE subject IN (SELECT id FROM exchanges WHERE conversation = ?)",
            (conversation,),
        )
        database.execute("DELETE FROM exchanges WHERE conversation = ?", (conversation,))
        database.execute("DELETE FROM conversations WHERE id = ?", (conversation,))


def _as_json(exchange: Exchange) -> dict[str, Any]:
    state = "unfinished" if exchange.under_way else exchange.state
    written: dict[str, Any] = _EXCHANGE.dump_python(replace(exchange, state=state, owner=""), mode="json")
    return written


def _from_json(written: object) -> Iterator[tuple[Conversation, list[Exchange]]]:
    if not isinstance(written, Mapping) or written.get("format") != FORMAT:
        raise UsageError(
            "This is no export of conversations: make one with `coach conversations export --json`."
        )
    try:
        for one in written["conversations"]:
            conversation = Conversation(
                str(one["id"]), str(one["title"]), str(one["made_at"]), str(one["changed_at"])
            )
            exchanges = [_EXCHANGE.validate_python(each) for each in one["exchanges"]]
            yield (
                conversation,
                [
                    replace(each, conversation=conversation.id, position=place)
                    for place, each in enumerate(exchanges)
                ],
            )
    except (KeyError, TypeError, ValidationError) as error:
        raise UsageError(
            f"This export of conversations is damaged ({type(error).__name__}): make it anew with "
            "`coach conversations export --json`."
        ) from error


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _unknown(conversation: str) -> UsageError:
    return UsageError(
        f"No conversation has an id that begins with `{conversation}`: run `coach conversations list`."
    )
