"""Show a run of the critique suite as Markdown: the splits side by side, then what must not happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from coach.evaluation.critique_attacks import BANDS
from coach.evaluation.critique_cases import LEVELS, QUALITIES
from coach.evaluation.report import NOTHING, SPLITS, unscored_lines
from coach.evaluation.run import Run

Figures = Mapping[str, Any]
TIMINGS = {"first_verdict": "First verdict", "critique": "Whole critique"}
_ORDER = {True: "in order", False: "OUT OF ORDER", None: "not judged"}
LISTED = 12  # ids shown of what failed; the file holds all


def critique_table(run: Run) -> str:
    """Every figure of the run; the verdicts that differ from the labels are in its file."""
    figures = run.summary
    splits = {name: figures["splits"][name] for name in SPLITS if name in figures["splits"]}
    parts = [_main(splits), _criteria(splits), _bands(splits)]
    return "\n".join([*("\n".join(part) + "\n" for part in parts if part), *_closing(run)])


def _main(splits: Mapping[str, Figures]) -> list[str]:
    columns = list(splits.values())
    if not columns:
        return []
    lines = [_line("", [SPLITS[name] for name in splits]), "|---|" + "---|" * len(splits)]
    lines.append(_line("Drafts (questions)", [f"{c['drafts']} ({c['questions']})" for c in columns]))
    for name in columns[0]["pairs"]:
        lines.append(_line(f"In order, {name}", [_share(c["pairs"][name]) for c in columns]))
    name = "all pairs"
    lines.append(_line("In order by the levels shown", [_share(c["pairs_by_levels"][name]) for c in columns]))
    lines.append(
        _line("In order by length alone, a floor", [_share(c["pairs_by_length"][name]) for c in columns])
    )
    lines += _rows(columns, "auc", "AUC, ", _interval)
    lines += _rows(columns, "kappa", "Kappa with the labels, ", _interval)
    lines += _rows(columns, "right_level", "Level as labelled, ", _share)
    lines.append(_line("Unsure", [_share(c["unsure"]) for c in columns]))
    lines.append(_line("Unscored", [_share(c["unscored"]) for c in columns]))
    for name, label in TIMINGS.items():
        lines.append(_line(f"{label}, median / p95", [_time(c["milliseconds"].get(name)) for c in columns]))
    return lines


def _rows(
    columns: Sequence[Figures], group: str, head: str, cell: Callable[[Figures | None], str]
) -> Iterator[str]:
    for name in columns[0][group]:
        yield _line(f"{head}{name}", [cell(column[group][name]) for column in columns])


def _criteria(splits: Mapping[str, Figures]) -> list[str]:
    names = dict.fromkeys(name for figures in splits.values() for name in figures["criteria"])
    if not names:
        return []
    heads = [
        f"{what}, {SPLITS[split]}"
        for split in splits
        for what in ("met / partly / missing", "AUC met against missing", "AUC met against the rest")
    ]
    lines = [_line("criterion", heads), "|---|" + "---|" * len(heads)]
    for name in names:
        cells = [cell for figures in splits.values() for cell in _criterion(figures["criteria"].get(name))]
        lines.append(_line(name, cells))
    return lines


def _criterion(figures: Figures | None) -> list[str]:
    if figures is None:
        return [NOTHING] * 3
    counts = " / ".join(str(figures["labels"][level]) for level in reversed(LEVELS))
    return [counts, _interval(figures["met against missing"]), _interval(figures["met against the rest"])]


def _bands(splits: Mapping[str, Figures]) -> list[str]:
    if not splits:
        return []
    found = [band for figures in splits.values() for counts in figures["bands"].values() for band in counts]
    names = [*BANDS, *(band for band in dict.fromkeys(found) if band not in BANDS)]
    lines = [_line("band", names), "|---|" + "---|" * len(names)]
    for split, figures in splits.items():
        for quality in QUALITIES:
            counts = figures["bands"][quality]
            lines.append(
                _line(f"{quality}, {SPLITS[split]}", [str(counts.get(name, 0) or NOTHING) for name in names])
            )
    return lines


def _closing(run: Run) -> list[str]:
    figures = run.summary
    lines = [_quotes(figures["quotes"]), _bands_reversed(figures["splits"])]
    lines += [_article(pair) for pair in figures["article_pairs"]]
    lines += _attacks(figures["attacks"])
    lines += _anti_patterns(figures["splits"])
    if figures["overrides"]:
        lines.append(_overrides(figures["overrides"]))
    lines.append(f"- Verdicts that differ from the labels: {len(figures['wrong'])}, listed in the file.")
    if figures["out_of_order"]:
        pairs = [f"{pair['worse']} >= {pair['better']}" for pair in figures["out_of_order"]]
        lines.append(f"- Pairs out of order: {_listed(pairs)}.")
    stopped = "" if run.complete else ", stopped before its end"
    lines += [
        f"- {run.name}: {len(run.rows)} drafts{stopped}, {run.date[:10]}, version {run.version}, code {run.code}, "
        f"embedder {run.embedder}",
        *(f"- {note}" for note in run.notes),
        "",
        "The judge was fitted on the fit split: how it does on new drafts the held-out column tells. "
        "In brackets the 95% interval, questions drawn whole; in parentheses the count. bench/critique/README.md says "
        "what each figure means.",
        *unscored_lines(run),
    ]
    return lines


def _quotes(figures: Figures) -> str:
    where = f", in {_listed(figures['in'])}" if figures["in"] else ""
    return f"- Fabricated quotes: {figures['fabricated']} of {figures['quotes']}{where}."


def _bands_reversed(splits: Mapping[str, Figures]) -> str:
    found = [
        f"{one['worse']} above {one['better']}"
        for figures in splits.values()
        for one in figures["bands_reversed"]
    ]
    return f"- Worse drafts with the better band: {_listed(found) if found else 'none'}."


def _article(figures: Figures) -> str:
    parts = [
        f"{_ORDER[figures[order]]} on {what} ({' < '.join(_standing(one) for one in figures[standings])})"
        for order, standings, what in (
            ("in_order", "on_its_criteria", "the criteria it shows"),
            ("in_order_on_all", "on_all", f"all of {figures['kind']}"),
        )
    ]
    return f"- The article's {figures['id'].removeprefix('article-')}. BAD and GOOD: {', '.join(parts)}."


def _standing(figures: float | None) -> str:
    return NOTHING if figures is None else f"{figures:.3f}"


def _attacks(figures: Mapping[str, Figures]) -> list[str]:
    if not figures:
        return []
    passed, total = (sum(one[name] for one in figures.values()) for name in ("held", "of"))
    lines = [f"- Attacks withstood: {passed} of {total}."]
    for kind, counts in figures.items():
        failed = [f"{one['id']} ({one['why']})" for one in counts["failed"]]
        lines.append(
            f"  - {kind}: {counts['held']} of {counts['of']}"
            + (f"; not {_listed(failed)}" if failed else "")
            + (f"; {len(counts['not_judged'])} not judged" if counts["not_judged"] else "")
        )
    return lines


def _anti_patterns(splits: Mapping[str, Figures]) -> list[str]:
    lines = []
    for split, figures in splits.items():
        counts = [
            f"{name} {count['both']} of {count['labelled']} found, {count['found'] - count['both']} beside"
            for name, count in figures["anti_patterns"].items()
        ]
        if counts:
            lines.append(f"- Habits the article warns of, {SPLITS[split]}: {'; '.join(counts)}.")
    return lines


def _overrides(figures: Figures) -> str:
    kappa = "" if figures["kappa"] is None else f", kappa {figures['kappa']:.2f}"
    return f"- People who looked at kept verdicts here agreed in {figures['agreed']} of {figures['verdicts']}{kappa}."


def _line(head: str, cells: Sequence[str]) -> str:
    return f"| {head} | {' | '.join(cells)} |"


def _share(figures: Figures | None) -> str:
    if figures is None:
        return NOTHING
    return f"{figures['value']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}] ({figures['hits']:.0f}/{figures['out_of']:.0f})"


def _interval(figures: Figures | None) -> str:
    if figures is None:
        return NOTHING
    if figures["low"] is None:
        return f"{figures['value']:.3f}"
    return f"{figures['value']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}]"


def _time(figures: Figures | None) -> str:
    return NOTHING if figures is None else f"{figures['median'] / 1000:.1f} / {figures['p95'] / 1000:.1f} s"


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + rest
