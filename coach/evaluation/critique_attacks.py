"""Drafts that try to be judged better than they are: read them, and say which of them got their way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from coach.critique.report import NO_BAND
from coach.errors import UsageError
from coach.evaluation.cases import CaseSplit
from coach.evaluation.critique import PROBABILITY, REFUSED, STANDING
from coach.evaluation.run import Row
from coach.text.json_lines import BadLineError, Record, one_of, read_records, require_fields, text
from coach.types import Band, Rubric

BANDS: tuple[Band, ...] = get_args(Band)  # from worst to best
_REQUIRED = ("id", "attack", "question", "kind", "draft", "expect", "split")
_OPTIONAL = ("base", "repeat")
MOST_REPEATS = 10_000
BETWEEN = "\n\n"  # repeated drafts


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold for the attack to have failed. A field that is empty asks for nothing.

    `max_band` is the best band allowed. `below` and `above` name an attack whose draft must stand higher, or
    lower. `same_band` and `at_most_base` compare with the draft's `base`; where nothing was judged the latter
    holds. `language` must be named in what the candidate is told.
    """

    max_band: str = ""
    below: str = ""
    above: str = ""
    same_band: bool = False
    at_most_base: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class AttackCase:
    """One attack. `base` is the honest draft it was made from, where there is one."""

    id: str
    attack: str
    question: str
    kind: str
    draft: str
    split: CaseSplit
    expect: Expectation
    base: str = ""

    @property
    def base_id(self) -> str:
        """The row of the honest draft."""
        return f"{self.id}-base"

    def texts(self) -> Iterator[tuple[str, str]]:
        """(row, draft) of what has to be judged to tell whether the attack failed."""
        if self.base:
            yield self.base_id, self.base
        yield self.id, self.draft


def load_attacks(path: Path, rubric: Rubric) -> tuple[AttackCase, ...]:
    """Every attack of the file, in order. Raises UsageError naming file and line for a bad one."""
    attacks = tuple(read_records(path, lambda record: _attack(record, rubric)))
    known = [attack.id for attack in attacks]
    for attack in attacks:
        if known.count(attack.id) > 1:
            raise UsageError(f"{path}: the id {attack.id!r} is used twice; give one of them another.")
        for other in (attack.expect.below, attack.expect.above):
            if other and other not in known:
                raise UsageError(f"{path}: {attack.id} names {other!r}, which is not there; correct it.")
    return attacks


def attack_figures(attacks: Sequence[AttackCase], rows: Mapping[str, Row]) -> dict[str, dict[str, Any]]:
    """By kind of attack: how many failed as they must, of how many judged; the others with the reason."""
    found: dict[str, dict[str, Any]] = {}
    for attack in attacks:
        if attack.id not in rows:
            continue
        counts = found.setdefault(attack.attack, {"held": 0, "of": 0, "failed": [], "not_judged": []})
        missing = not_judged(attack, rows)
        if missing:
            counts["not_judged"].append({"id": attack.id, "split": attack.split, "why": missing})
            continue
        why = breach(attack, rows)
        counts["of"] += 1
        counts["held"] += not why
        if why:
            counts["failed"].append({"id": attack.id, "split": attack.split, "why": why})
    return found


def not_judged(attack: AttackCase, rows: Mapping[str, Row]) -> str:
    """Why nothing can be said of an attack; empty where something can.

    A draft without a band tells nothing where no criterion was judged either (there was no model, or it failed),
    unless that is what is asked for.
    """
    for identity in _needed(attack):
        row = rows.get(identity)
        if row is None or row.unscored:
            return row.unscored if row is not None else f"{identity} was not judged"
        judged = row.outcome != NO_BAND or any(name.startswith(PROBABILITY) for name in row.signals)
        if not judged and not (attack.expect.at_most_base and identity == attack.id):
            return row.text or "no criterion was judged"
    return ""


def breach(attack: AttackCase, rows: Mapping[str, Row]) -> str:
    """What the attack got away with; empty where it failed. Every row it needs must be there (`not_judged`)."""
    row, expect = rows[attack.id], attack.expect
    if expect.language and expect.language not in row.text:
        return f"the candidate is not told that this is {expect.language}"
    return _band_breach(attack, row, rows) or _order_breach(expect, row, rows)


def _band_breach(attack: AttackCase, row: Row, rows: Mapping[str, Row]) -> str:
    if attack.expect.max_band and _place(row.outcome) > _place(attack.expect.max_band):
        return f"band {row.outcome}"
    if not attack.base:
        return ""
    base = rows[attack.base_id].outcome
    moved = attack.expect.same_band and row.outcome != base
    raised = attack.expect.at_most_base and _place(row.outcome) > _place(base)
    return f"band {row.outcome}, its base {base}" if moved or raised else ""


def _order_breach(expect: Expectation, row: Row, rows: Mapping[str, Row]) -> str:
    if expect.below and not _standing(row) < _standing(rows[expect.below]):
        return f"not below {expect.below}"
    if expect.above and not _standing(row) > _standing(rows[expect.above]):
        return f"not above {expect.above}"
    return ""


def _needed(attack: AttackCase) -> list[str]:
    others = (attack.expect.below, attack.expect.above, attack.base_id if attack.base else "")
    return [attack.id, *(other for other in others if other)]


def _place(outcome: str) -> int:
    """Where a band stands; a draft that was refused, or got no band, stands below all."""
    return BANDS.index(outcome) if outcome in BANDS else -1


def _standing(row: Row) -> float:
    return 0.0 if row.outcome == REFUSED else row.signals.get(STANDING, 0.0)


def _attack(record: Record, rubric: Rubric) -> AttackCase:
    require_fields(record, _REQUIRED, _OPTIONAL)
    base = text(record, "base") if "base" in record else ""
    return AttackCase(
        id=text(record, "id"),
        attack=text(record, "attack"),
        question=text(record, "question"),
        kind=one_of(record, "kind", tuple(rubric.kinds)),
        draft=BETWEEN.join([text(record, "draft", may_be_empty=True)] * _repeats(record)),
        split=one_of(record, "split", get_args(CaseSplit)),
        expect=_expectation(record["expect"], bool(base)),
        base=base,
    )


def _repeats(record: Record) -> int:
    times = record.get("repeat", 1)
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= MOST_REPEATS:
        raise BadLineError(f"'repeat' must be a whole number from 1 to {MOST_REPEATS}")
    return times


def _expectation(expect: object, has_base: bool) -> Expectation:
    if not isinstance(expect, dict) or not expect:
        raise BadLineError("'expect' must be an object that asks for something")
    require_fields(
        expect, (), ("max_band", "below", "above", "same_band_as", "unscored_or_at_most", "language")
    )
    for name in ("same_band_as", "unscored_or_at_most"):
        if name in expect and (expect[name] != "base" or not has_base):
            raise BadLineError(f"{name!r} must be 'base', and the line must have a 'base'")
    return Expectation(
        max_band=one_of(expect, "max_band", BANDS) if "max_band" in expect else "",
        below=text(expect, "below") if "below" in expect else "",
        above=text(expect, "above") if "above" in expect else "",
        same_band="same_band_as" in expect,
        at_most_base="unscored_or_at_most" in expect,
        language=text(expect, "language") if "language" in expect else "",
    )
