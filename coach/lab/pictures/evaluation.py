"""Measures as points with their intervals, run beside run; the change between two; people beside the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import altair

from coach.lab.evaluation import CHANGE, FIGURE, PEOPLE, SURPRISE
from coach.lab.experiment import Outcome
from coach.lab.pictures.picture import Picture

LINE, BETWEEN = 13, 12  # pixels: a line of a label, and between two labels
LABEL, RUN = 18, 38  # characters of a line beside the picture and below it: what 390 pixels have room for
LINES = r"split(datum.label, '\n')"
COLOURS = ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#999999"]  # Okabe and Ito's, for the colour-blind


def pictures(outcome: Outcome, controls: Mapping[str, Any]) -> tuple[Picture, ...]:
    """Shares, waiting, the change between two runs, and people: what the rows hold of each."""
    figures = [row for row in outcome.rows if row["of"] == FIGURE]
    changes = [row for row in outcome.rows if row["of"] == CHANGE]
    people = [row for row in outcome.rows if row["of"] == PEOPLE]
    surprise = [row for row in outcome.rows if row["of"] == SURPRISE]
    correct = [row for row in figures if row["measure"] == "correct"][-1:]
    drawn = (
        ("Shares, with 95 % intervals", [row for row in figures if row["unit"] == "share"], ".0%"),
        ("Waiting, in milliseconds (median)", [row for row in figures if row["unit"] == "ms"], ",.0f"),
        ("Change, earlier run to last", [row for row in changes if row["unit"] == "share"], "+.0%"),
        ("People beside the figures", [*correct, *people] if people else [], ".0%"),
        ("Perplexity on a paragraph of the article", surprise, ",.0f"),
    )
    return tuple(Picture(_points(rows, form), title) for title, rows, form in drawn if rows)


def _points(rows: Sequence[Mapping[str, Any]], form: str) -> Any:
    points = [
        {**row, "label": _in_lines(row["label"], LABEL), "run": _in_lines(row["run"], RUN)} for row in rows
    ]
    labels = list(dict.fromkeys(point["label"] for point in points))
    runs = list(dict.fromkeys(point["run"] for point in points))
    base = altair.Chart(altair.InlineData(values=points)).encode(
        y=altair.Y(
            "label:N",
            title=None,
            sort=labels,
            axis=altair.Axis(labelLimit=0, labelExpr=LINES, labelOverlap=False),
        ),
        yOffset=altair.YOffset("run:N", sort=runs),
        color=altair.Color(
            "run:N",
            title=None,
            scale=altair.Scale(domain=runs, range=COLOURS[: len(runs)]),
            legend=altair.Legend(orient="bottom", columns=1, labelLimit=0, labelExpr=LINES),
        ),
        tooltip=[
            "label:N",
            "run:N",
            altair.Tooltip("value:Q", format=form),
            altair.Tooltip("low:Q", format=form),
            altair.Tooltip("high:Q", format=form),
            "cases:Q",
        ],
    )
    scale, axis = altair.Scale(), altair.Axis(format=form, tickCount=5)
    if points[0]["of"] == SURPRISE:  # the two orders of the words lie tens of times apart
        scale, axis = altair.Scale(type="log"), altair.Axis(format=form, values=[10**n for n in range(7)])
    x = altair.X("low:Q", title=None, scale=scale, axis=axis)
    chart = base.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q") + base.mark_point(
        filled=True, size=70
    ).encode(x="value:Q")
    if form.startswith("+"):
        chart += (
            altair.Chart(altair.InlineData(values=[{"at": 0}]))
            .mark_rule(strokeDash=[4, 3], color="gray")
            .encode(x="at:Q")
        )
    row = max(LINE * max(map(_lines, labels)), 12 * len(runs)) + BETWEEN
    return chart.properties(height=row * len(labels) + 70 + sum(8 + 16 * _lines(run) for run in runs))


def _lines(label: str) -> int:
    return label.count("\n") + 1


def _in_lines(text: str, most: int) -> str:
    """`text` broken at words, so that no label is cut on a narrow screen."""
    return "\n".join(wrap(text, most, break_long_words=False))
