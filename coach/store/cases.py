"""Keep the user's own cases: what a reply should have been, and what a verdict should have said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coach.errors import UsageError
from coach.store.conversations import ConversationStore
from coach.store.critiques import draft_id
from coach.store.database import SHORTEST_ID, Database, new_id, now
from coach.types import Critique

Suite = Literal["answers", "critique"]

OWN = "own"  # the split of every such case: nothing is fitted on them, and no published figure counts them
BETWEEN_FACTS = ";"


@dataclass(frozen=True, slots=True)
class OwnCase:
    """A case as it is kept; its id is the exchange's or `draft/criterion`, or its own where it was written by hand.

    `written` is a line of `bench/answers/cases.jsonl` for the suite `answers`. For `critique` it is one of
    `bench/critique/drafts.jsonl` with the levels that a person gave and no others, and the name of the rubric.
    """

    id: str
    made_at: str
    written: Mapping[str, Any]

    @property
    def suite(self) -> Suite:
        return "critique" if "draft" in self.written else "answers"

    @property
    def expected(self) -> str:
        """What should have happened, in words."""
        if self.suite == "critique":
            return ", ".join(f"{name}: {level}" for name, level in self.written["labels"].items())
        facts = [fact for (fact,) in self.written["facts"]]
        return (
            f"it should have said {f'{BETWEEN_FACTS} '.join(facts)}" if facts else "the sources do not say it"
        )


class CaseStore:
    """The user's own cases under `home`, kept until they or what they were made from is deleted.

    Every method raises StoreError where the file fails.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._database = Database(home)

    def keep_question(
        self, question: str, should_say: str | None, *, earlier: Sequence[str] = (), identity: str = ""
    ) -> OwnCase:
        """A question with the words that a right reply holds, `;` between them; None where the sources do not say it.

        `earlier` are the questions before it in its conversation. Raises UsageError for no question, and for no words.
        """
        facts = [] if should_say is None else _facts(should_say)
        if not question.strip():
            raise UsageError('A case needs a question: give it with `coach cases add --question "..."`.')
        kind = "follow_up" if earlier else "answerable" if facts else "unanswerable"
        written: dict[str, Any] = {"kind": kind, "question": question.strip(), "facts": facts, "section": ""}
        if earlier:
            written |= {"history": list(earlier), "answerable": bool(facts)}
        return self._keep(identity or new_id(), written)

    def keep_reply(self, exchange: str, should_say: str | None) -> OwnCase:
        """What a reply should have been, with the questions before it. One case an exchange: the last word counts.

        Raises UsageError for an exchange that is not kept, and as `keep_question`.
        """
        conversations = ConversationStore(self._home)
        one = conversations.find_exchange(exchange)
        before = [
            earlier.question
            for earlier in conversations.exchanges(one.conversation)
            if earlier.position < one.position and earlier.reply is not None
        ]
        return self.keep_question(one.question, should_say, earlier=before, identity=one.id)

    def keep_verdict(self, critique: Critique, criterion: str) -> OwnCase:
        """The level that a person gave where the judge gave another. Raises UsageError where nobody did."""
        verdict = next((one for one in critique.verdicts if one.criterion.id == criterion), None)
        if verdict is None or verdict.override is None or verdict.override.level == verdict.level:
            raise UsageError(
                f"The verdict on `{criterion}` is not overruled: say what it should be with `coach overrule`, then make it a case."
            )
        draft = draft_id(critique)
        written = {
            "question_id": draft,
            "kind": critique.kind,
            "question": critique.question,
            "rubric": critique.rubric,
            "draft": critique.draft,
            "labels": {criterion: verdict.override.level},
        }
        return self._keep(f"{draft}/{criterion}", written)

    def list(self, suite: Suite | None = None) -> tuple[OwnCase, ...]:
        """Every case, of one suite or of both, the oldest first."""
        return tuple(case for case in self._select("1") if suite in (None, case.suite))

    def get(self, identity: str) -> OwnCase | None:
        """The case with this whole id; None where there is none."""
        return next(iter(self._select("id = ?", identity)), None)

    def find(self, beginning: str) -> OwnCase:
        """The case whose id begins so. Raises UsageError where there is none or more than one."""
        beginning = beginning.strip().lower()
        found = [case for case in self.list() if case.id.startswith(beginning)]
        exact = [case for case in found if case.id == beginning]
        if len(beginning) < SHORTEST_ID or len(exact or found) != 1:
            raise UsageError(
                f"Not one case has an id that begins with `{beginning}`: run `coach cases list`."
            )
        return (exact or found)[0]

    def delete(self, identity: str) -> None:
        """Delete the case with this whole id; no byte of it is left."""
        with self._database.deletion("The case was not deleted") as database:
            database.execute("DELETE FROM cases WHERE id = ?", (identity,))

    def _keep(self, identity: str, written: Mapping[str, Any]) -> OwnCase:
        case = OwnCase(identity, now(), {"id": identity, **written, "split": OWN})
        with self._database.change("The case was not kept") as database:
            database.execute(
                "INSERT OR REPLACE INTO cases VALUES (?, ?, ?)",
                (case.id, case.made_at, json.dumps(case.written, ensure_ascii=False)),
            )
        return case

    def _select(self, condition: str, *values: str) -> tuple[OwnCase, ...]:
        query = f"SELECT id, made_at, written FROM cases WHERE {condition} ORDER BY made_at, id"
        return self._database.select("Your own cases cannot be read", query, values, _case)


def _case(row: Sequence[Any]) -> OwnCase:
    identity, made_at, written = row
    return OwnCase(identity, made_at, json.loads(written))


def _facts(should_say: str) -> list[list[str]]:
    """One fact a part between semicolons, each with one way to write it."""
    facts = [[" ".join(part.split())] for part in should_say.split(BETWEEN_FACTS) if part.strip()]
    if not facts:
        raise UsageError(
            "Say which words a right answer holds, such as a figure or a name, or that the sources do not say it "
            "(`--should-say` or `--not-in-sources` on the command line)."
        )
    return facts
