"""Read the questions the answers are scored on: one JSON object a line, and a clear word on a bad line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from coach.errors import UsageError
from coach.types import Role, Turn

CaseKind = Literal["answerable", "unanswerable", "follow_up", "odd", "small_talk"]
CaseSplit = Literal["fit", "held_out"]

_REQUIRED = ("id", "kind", "question", "facts", "section", "split")
_OPTIONAL = ("history", "answerable", "note")
_MAY_GO_EITHER_WAY = ("follow_up", "odd")


@dataclass(frozen=True, slots=True)
class Case:
    """One question and what a right reply to it must hold.

    `facts` has one tuple of alternatives for each required fact: any one of them counts as that fact.
    `answerable` says whether the source holds the answer; small talk is not answerable from the source,
    and is not to be refused either. `section` is the heading the answer stands under, or, where there is
    none, the heading the question borrows from. `split` is "fit" or "held_out": nothing is ever fitted
    on a held-out case.
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
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file} is not UTF-8 text ({error.reason}); save it as UTF-8 and run again."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{file} cannot be read ({reason}); check the path and run again.") from error
    cases: list[Case] = []
    lines: dict[str, int] = {}
    # Not splitlines(): that would also break at U+2028 and the like, which JSON allows inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = _case(line)
            if case.id in lines:
                raise _BadLineError(f"the id {case.id!r} is already used on line {lines[case.id]}")
        except _BadLineError as error:
            raise UsageError(f"{file}, line {number}: {error}; correct that line and run again.") from error
        lines[case.id] = number
        cases.append(case)
    if not cases:
        raise UsageError(f"{file} holds no cases; add one JSON object a line and run again.")
    return tuple(cases)


class _BadLineError(ValueError):
    """What is wrong with a line, without saying which line it is."""


def _case(line: str) -> Case:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise _BadLineError(f"not valid JSON ({error.msg} at column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise _BadLineError("not valid JSON (a number or a nesting that is far too large)") from error
    if not isinstance(record, dict):
        raise _BadLineError("not a JSON object")
    for name in _REQUIRED:
        if name not in record:
            raise _BadLineError(f"the field {name!r} is missing")
    for name in record:
        if name not in _REQUIRED + _OPTIONAL:
            raise _BadLineError(f"the field {name!r} is not known")
    kind = _one_of(record, "kind", get_args(CaseKind))
    answerable = _answerable(record, kind)
    return Case(
        id=_text(record, "id"),
        kind=kind,
        question=_text(record, "question"),
        answerable=answerable,
        facts=_facts(record["facts"], answerable),
        section=_text(record, "section", may_be_empty=not answerable),
        split=_one_of(record, "split", get_args(CaseSplit)),
        history=_history(record, kind),
        note=_text(record, "note") if "note" in record else "",
    )


def _text(record: Mapping[str, Any], name: str, may_be_empty: bool = False) -> str:
    value = record[name]
    if not isinstance(value, str) or not (may_be_empty or value.strip()):
        raise _BadLineError(f"{name!r} must be a text{'' if may_be_empty else ' that is not empty'}")
    return value


def _one_of(record: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> Any:
    if record[name] not in allowed:
        raise _BadLineError(f"{name!r} is {record[name]!r}, not one of {', '.join(allowed)}")
    return record[name]


def _answerable(record: Mapping[str, Any], kind: CaseKind) -> bool:
    usual = kind not in ("unanswerable", "small_talk")
    given = record.get("answerable", usual)
    if not isinstance(given, bool):
        raise _BadLineError("'answerable' must be true or false")
    if given != usual and kind not in _MAY_GO_EITHER_WAY:
        raise _BadLineError(f"'answerable' cannot be {json.dumps(given)} when 'kind' is {kind!r}")
    return given


def _facts(value: object, answerable: bool) -> tuple[tuple[str, ...], ...]:
    shape = "'facts' must be a list of lists of texts, one inner list of alternatives for each fact"
    if not isinstance(value, list):
        raise _BadLineError(shape)
    facts = []
    for alternatives in value:
        if not isinstance(alternatives, list) or not alternatives:
            raise _BadLineError(shape)
        if not all(isinstance(text, str) and text.strip() for text in alternatives):
            raise _BadLineError(shape)
        facts.append(tuple(alternatives))
    if answerable and not facts:
        raise _BadLineError("an answerable case needs at least one fact")
    if facts and not answerable:
        raise _BadLineError("a case without an answer cannot have facts")
    return tuple(facts)


def _history(record: Mapping[str, Any], kind: CaseKind) -> tuple[Turn, ...]:
    given = record.get("history", [])
    if not isinstance(given, list):
        raise _BadLineError("'history' must be a list")
    if kind == "follow_up" and not given:
        raise _BadLineError("a follow_up case needs a history")
    if kind != "follow_up" and given:
        raise _BadLineError("only a follow_up case has a history")
    return tuple(_turn(item) for item in given)


def _turn(item: object) -> Turn:
    if isinstance(item, str) and item.strip():
        return Turn("user", item)
    if isinstance(item, dict) and set(item) == {"role", "text"}:
        role: Role = _one_of(item, "role", get_args(Role))
        return Turn(role, _text(item, "text"))
    raise _BadLineError("each item of 'history' must be a text or an object with 'role' and 'text'")
