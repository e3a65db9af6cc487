"""Say what got better or worse between two runs, case by case, and whether it is more than noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from coach.errors import UsageError
from coach.evaluation.answers import MEASURES, TIMINGS
from coach.evaluation.intervals import Pair, paired_difference, paired_median_difference
from coach.evaluation.run import Row, Run
from coach.text.counted import counted

LISTED = 60  # changed cases shown; the files hold the rest


@dataclass(frozen=True, slots=True)
class Change:
    """One measure in both runs, over the cases that both scored. `better` is "higher", "lower" or ""."""

    name: str
    label: str
    better: str
    before: float
    after: float
    low: float
    high: float
    cases: int
    unit: str = ""

    @property
    def beyond_noise(self) -> bool:
        """Whether the 95% interval of the difference lies on one side of zero."""
        return self.low > 0 or self.high < 0

    @property
    def verdict(self) -> str:
        if not self.beyond_noise:
            return "same" if self.before == self.after else "within noise"
        if not self.better:
            return "moved"
        return "better" if (self.low > 0) == (self.better == "higher") else "WORSE"

    @property
    def dropped(self) -> bool:
        """Whether a figure of quality is worse beyond its noise; times depend on the machine and never count."""
        return self.verdict == "WORSE" and not self.unit


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every measure both runs have, the cases that changed, and what makes the two hard to compare."""

    changes: tuple[Change, ...]
    cases: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def dropped(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.dropped)


def compare(before: Run, after: Run) -> Comparison:
    """Pair the cases of two runs by id. Raises UsageError for two suites, or where no case is in both."""
    if before.suite != after.suite:
        raise UsageError(
            f"One run is of {before.suite}, the other of {after.suite}: give two runs of one suite to `coach eval compare`."
        )
    pairs = _paired(before, after)
    if not pairs:
        raise UsageError(
            "The two runs have no scored case in common: run both with the same cases, then compare again."
        )
    changes = [*_shares(pairs, after.seed), *_times(pairs, after.seed)]
    changed = [line for old, new in pairs if (line := _case_line(old, new))]
    return Comparison(tuple(changes), tuple(changed), tuple(_remarks(before, after, len(pairs))))


def comparison_text(before: Run, after: Run, comparison: Comparison) -> str:
    """The comparison for the terminal."""
    lines = [
        f"A: {before.name}, {before.date}, version {before.version}",
        f"B: {after.name}, {after.date}, version {after.version}",
        *comparison.remarks,
        "",
        "| measure | A | B | B - A [95% interval] | cases | |",
        "|---|---|---|---|---|---|",
        *(_change_line(change) for change in comparison.changes),
        "",
        f"{counted(len(comparison.cases), 'case')} changed" + (":" if comparison.cases else "."),
        *(f"  {line}" for line in comparison.cases[:LISTED]),
    ]
    if len(comparison.cases) > LISTED:
        lines.append(f"  and {len(comparison.cases) - LISTED} more")
    return "\n".join(lines)


def _paired(before: Run, after: Run) -> list[tuple[Row, Row]]:
    earlier = {row.id: row for row in before.scored}
    return [(earlier[row.id], row) for row in after.scored if row.id in earlier]


def _shares(pairs: Sequence[tuple[Row, Row]], seed: int) -> list[Change]:
    """A case that has the measure on one side only (it was refused once) counts as none of none on the other."""
    changes = []
    for name in _names(pairs, lambda row: row.measures):
        rows = [(old, new) for old, new in pairs if name in old.measures or name in new.measures]
        olds = [old.measures.get(name, (0.0, 0.0)) for old, _ in rows]
        news = [new.measures.get(name, (0.0, 0.0)) for _, new in rows]
        if not _total(olds) or not _total(news):
            continue
        low, high = paired_difference(olds, news, seed=seed)
        known = MEASURES.get(name)
        label, better = (known.label, known.better) if known else (name, "higher")
        changes.append(Change(name, label, better, _value(olds), _value(news), low, high, len(rows)))
    return changes


def _times(pairs: Sequence[tuple[Row, Row]], seed: int) -> list[Change]:
    changes = []
    for name in _names(pairs, lambda row: row.milliseconds):
        timed = [
            (old.milliseconds[name], new.milliseconds[name])
            for old, new in pairs
            if name in old.milliseconds and name in new.milliseconds
        ]
        if not timed:
            continue
        olds, news = [old for old, _ in timed], [new for _, new in timed]
        low, high = paired_median_difference(olds, news, seed=seed)
        label = TIMINGS.get(name, name)
        changes.append(Change(name, label, "lower", median(olds), median(news), low, high, len(timed), "ms"))
    return changes


def _names(pairs: Sequence[tuple[Row, Row]], of: Callable[[Row], Mapping[str, object]]) -> list[str]:
    """Every name, in the order of the table where it is known there."""
    found = dict.fromkeys(name for pair in pairs for row in pair for name in of(row))
    known = [name for name in (*MEASURES, *TIMINGS) if name in found]
    return [*known, *(name for name in found if name not in known)]


def _total(pairs: Sequence[Pair]) -> float:
    return sum(pair[1] for pair in pairs)


def _value(pairs: Sequence[Pair]) -> float:
    return sum(pair[0] for pair in pairs) / _total(pairs)


def _case_line(old: Row, new: Row) -> str:
    """What changed in one case; empty when nothing did. That more or fewer sentences say the same is no change."""
    parts = [f"{old.outcome} -> {new.outcome}"] if old.outcome != new.outcome else []
    for name, measure in MEASURES.items():
        was, now = old.measures.get(name), new.measures.get(name)
        if measure.better and was and now and was[0] * now[1] != now[0] * was[1]:
            parts.append(f"{name} {_fraction(was)} -> {_fraction(now)}")
    return f"{new.id}: {', '.join(parts)}" if parts else ""


def _fraction(pair: Pair) -> str:
    return f"{pair[0]:g}/{pair[1]:g}"


def _remarks(before: Run, after: Run, paired: int) -> list[str]:
    remarks = [
        f"{counted(paired, 'case')} in both (A has {len(before.rows)}, B has {len(after.rows)}); only they are compared."
    ]
    if before.index_fingerprint != after.index_fingerprint:
        remarks.append("The index is not the same in both: the sources or the embedder changed between them.")
    if before.selection.get("cases_sha256") != after.selection.get("cases_sha256"):
        remarks.append("The case file changed between the two runs.")
    for name, run in (("A", before), ("B", after)):
        if run.unscored:
            remarks.append(
                f"{counted(len(run.unscored), 'case')} of {name} could not be scored and left out."
            )
        if not run.complete:
            remarks.append(f"{name} was stopped before its end.")
    return remarks


def _change_line(change: Change) -> str:
    if change.unit:
        figures = (
            f"{change.before:,.0f} ms | {change.after:,.0f} ms | [{change.low:+,.0f}, {change.high:+,.0f}] ms"
        )
    else:
        difference = change.after - change.before
        figures = f"{change.before:.3f} | {change.after:.3f} | {difference:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
    return f"| {change.label} | {figures} | {change.cases} | {change.verdict} |"
