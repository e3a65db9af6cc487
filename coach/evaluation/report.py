"""Show runs as a Markdown table: one beside another, each figure with its interval and its count."""

from __future__ import annotations

from collections.abc import Sequence

from coach.errors import UsageError
from coach.evaluation.answers import MEASURES, TIMINGS
from coach.evaluation.intervals import Figure, Timing, share, timing
from coach.evaluation.run import Run
from coach.evaluation.text_metrics import WHAT_THEY_TELL

SPLITS = {"fit": "fit", "held_out": "held out", "own": "your own"}
NOTHING = "-"


def answers_table(runs: Sequence[Run]) -> str:
    """Runs of the answers suite side by side, the splits apart, and what the figures do not say by themselves.

    Raises UsageError for a run of another suite.
    """
    for run in runs:
        if run.suite != "answers":
            raise UsageError(
                f"This is a run of the suite {run.suite}, and the table is for answers: run `coach eval answers` and give its file."
            )
    columns = [
        (run, split) for run in runs for split in SPLITS if any(row.split == split for row in run.rows)
    ]
    lines = [
        "| | " + " | ".join(f"{run.name}, {SPLITS[split]}" for run, split in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name, measure in MEASURES.items():
        cells = [_share_cell(run, name, split) for run, split in columns]
        if any(cell != NOTHING for cell in cells):
            lines.append(f"| {measure.label} | {' | '.join(cells)} |")
    for name, label in TIMINGS.items():
        cells = [_timing_cell(run, name, split) for run, split in columns]
        if any(cell != NOTHING for cell in cells):
            lines.append(f"| {label}, median / p95 | {' | '.join(cells)} |")
    lines.append(f"| Cases scored | {' | '.join(_scored_cell(run, split) for run, split in columns)} |")
    lines += ["", *(_origin(run) for run in runs), "", *_legend()]
    return "\n".join([*lines, *(line for run in runs for line in unscored_lines(run))])


def speed_table(run: Run) -> str:
    """Every timed step with its median, least and most."""
    names = list(dict.fromkeys(name for row in run.rows for name in row.milliseconds))
    lines = [
        "| step | median [95% interval] ms | least | p95 | most | times |",
        "|---|---|---|---|---|---|",
    ]
    for name in names:
        figure = timing(run.times(name), seed=run.seed)
        lines.append(
            f"| {name} | {figure.median:.1f} [{figure.low:.1f}, {figure.high:.1f}] | {figure.least:.1f} "
            f"| {figure.p95:.1f} | {figure.most:.1f} | {figure.count} |"
        )
    return "\n".join([*lines, *(f"\n{note}" for note in run.notes)])


def unscored_lines(run: Run) -> list[str]:
    """The cases that could not be scored, with the reason."""
    if not run.unscored:
        return []
    head = f"\n{run.name}: {len(run.unscored)} of {len(run.rows)} cases could not be scored:"
    return [head, *(f"  {row.id}: {row.unscored}" for row in run.unscored)]


def as_share(figure: Figure) -> str:
    """`0.871 [0.787, 0.926] (81/93)`; a count that is no whole number is left out for the number of cases."""
    counted = (
        f"{figure.hits:.0f}/{figure.out_of:.0f}" if figure.hits.is_integer() else f"{figure.cases} cases"
    )
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}] ({counted})"


def as_timing(figure: Timing) -> str:
    """`84 / 121 ms (202)`."""
    return f"{figure.median:,.0f} / {figure.p95:,.0f} ms ({figure.count})"


def _share_cell(run: Run, name: str, split: str) -> str:
    pairs = run.pairs(name, split)
    return as_share(share(pairs, seed=run.seed)) if pairs else NOTHING


def _timing_cell(run: Run, name: str, split: str) -> str:
    times = run.times(name, split)
    return as_timing(timing(times, seed=run.seed)) if times else NOTHING


def _scored_cell(run: Run, split: str) -> str:
    rows = [row for row in run.rows if row.split == split]
    return f"{sum(not row.unscored for row in rows)} of {len(rows)}"


def _origin(run: Run) -> str:
    """Where a column's figures come from, a list line in Markdown."""
    asked = run.selection.get("subset") or run.selection.get("split")
    stopped = "" if run.complete else ", stopped before its end"
    return (
        f"- {run.name}: {len(run.rows)} cases ({asked}){stopped}, {run.date[:10]}, version {run.version}, code {run.code}, "
        f"index {run.index_fingerprint[:12]}, embedder {run.embedder}"
    )


def _legend() -> list[str]:
    return [
        "In brackets the 95% interval, in parentheses the count. bench/README.md says what each figure means.",
        "",
        WHAT_THEY_TELL["rouge"],
        "",
        f"{WHAT_THEY_TELL['perplexity']} It is not in the table: a chat model hands its text over without log-probabilities.",
    ]
