"""Read the questions the answers are scored on: one JSON object a line, and a clear word on a bad line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from coach.errors import UsageError
from coach.text.json_lines import BadLineError, Record, one_of, read_records, require_fields, text
from coach.types import Role, Turn

CaseKind = Literal["answerable", "unanswerable", "follow_up", "odd", "small_talk"]
CaseSplit = Literal["fit", "held_out", "own"]

_REQUIRED = ("id", "kind", "question", "facts", "section", "split")
_OPTIONAL = ("history", "answerable", "note")
_MAY_GO_EITHER_WAY = ("follow_up", "odd")


@dataclass(frozen=True, slots=True)
class Case:
    """One question and what a right reply to it must hold.

    `facts` has one tuple of alternatives for each required fact: any one of them counts as that fact.
    `answerable` says whether the source holds the answer; small talk is not answerable from the source,
    and is not to be refused either. `section` is the heading the answer stands under, or, where there is
    none, the heading the question borrows from. `split` is "fit", "held_out" or "own": nothing is ever fitted
    on the last two. A user's own case names no section.
    """

    id: str
    kind: CaseKind
    question: str
    answerable: bool
    facts: tuple[tuple[str, ...], ...]
    section: str
    split: CaseSplit
    history: tuple[Turn, ...] = ()
    note: str = ""


def load_cases(path: str | Path) -> tuple[Case, ...]:
    """Every case of the file, in order; blank lines are passed over.

    Raises UsageError naming the file, the line and what is wrong with it.
    """
    file = Path(path)
    cases: dict[str, Case] = {}

    def build(record: Record) -> None:
        case = case_of(record)
        if case.id in cases:
            raise BadLineError(f"the id {case.id!r} is already used")
        cases[case.id] = case

    for _ in read_records(file, build):
        pass
    if not cases:
        raise UsageError(f"{file} holds no cases; add one JSON object a line and run again.")
    return tuple(cases.values())


def case_of(record: Record) -> Case:
    """The case that a line holds. Raises BadLineError for one that is off."""
    require_fields(record, _REQUIRED, _OPTIONAL)
    kind = one_of(record, "kind", get_args(CaseKind))
    answerable = _answerable(record, kind)
    split = one_of(record, "split", get_args(CaseSplit))
    return Case(
        id=text(record, "id"),
        kind=kind,
        question=text(record, "question"),
        answerable=answerable,
        facts=_facts(record["facts"], answerable),
        section=text(record, "section", may_be_empty=not answerable or split == "own"),
        split=split,
        history=_history(record, kind),
        note=text(record, "note") if "note" in record else "",
    )


def _answerable(record: Record, kind: CaseKind) -> bool:
    usual = kind not in ("unanswerable", "small_talk")
    given = record.get("answerable", usual)
    if not isinstance(given, bool):
        raise BadLineError("'answerable' must be true or false")
    if given != usual and kind not in _MAY_GO_EITHER_WAY:
        raise BadLineError(f"'answerable' cannot be {json.dumps(given)} when 'kind' is {kind!r}")
    return given


def _facts(value: object, answerable: bool) -> tuple[tuple[str, ...], ...]:
    shape = "'facts' must be a list of lists of texts, one inner list of alternatives for each fact"
    if not isinstance(value, list):
        raise BadLineError(shape)
    facts = []
    for alternatives in value:
        if not isinstance(alternatives, list) or not alternatives:
            raise BadLineError(shape)
        if not all(isinstance(one, str) and one.strip() for one in alternatives):
            raise BadLineError(shape)
        facts.append(tuple(alternatives))
    if answerable and not facts:
        raise BadLineError("an answerable case needs at least one fact")
    if facts and not answerable:
        raise BadLineError("a case without an answer cannot have facts")
    return tuple(facts)


def _history(record: Record, kind: CaseKind) -> tuple[Turn, ...]:
    given = record.get("history", [])
    if not isinstance(given, list):
        raise BadLineError("'history' must be a list")
    if kind == "follow_up" and not given:
        raise BadLineError("a follow_up case needs a history")
    if kind != "follow_up" and given:
        raise BadLineError("only a follow_up case has a history")
    return tuple(_turn(item) for item in given)


def _turn(item: object) -> Turn:
    if isinstance(item, str) and item.strip():
        return Turn("user", item)
    if isinstance(item, dict) and set(item) == {"role", "text"}:
        role: Role = one_of(item, "role", get_args(Role))
        return Turn(role, text(item, "text"))
    raise BadLineError("each item of 'history' must be a text or an object with 'role' and 'text'")
