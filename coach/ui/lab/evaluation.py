"""Measures as points with their intervals, run beside run; the change between two; people beside the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair
import streamlit as st

from coach.lab.evaluation import CHANGE, FIGURE, PEOPLE, TELLS
from coach.lab.experiment import Outcome

ROW = 34  # pixels a measure
COLOURS = ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#999999"]  # Okabe and Ito's, for the colour-blind


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """Three pictures, then what each measure can tell."""
    figures = [row for row in outcome.rows if row["of"] == FIGURE]
    changes = [row for row in outcome.rows if row["of"] == CHANGE]
    people = [row for row in outcome.rows if row["of"] == PEOPLE]
    _draw_points("Shares, with 95 % intervals", [row for row in figures if row["unit"] == "share"], ".0%")
    _draw_points("Waiting, in milliseconds (median)", [row for row in figures if row["unit"] == "ms"], ",.0f")
    _draw_points(
        "Change, earlier run to last", [row for row in changes if row["unit"] == "share"], "+.0%", zero=True
    )
    if people:
        correct = [row for row in figures if row["measure"] == "correct"][-1:]
        _draw_points("People beside the figures", [*correct, *people], ".0%")
    with st.expander("What each can tell, and what not"):
        labels = {row["measure"]: row["label"] for row in outcome.rows}
        for name, said in TELLS.items():
            if name in labels or name == "perplexity":
                st.markdown(f"**{labels.get(name, 'Perplexity')}.** {said}")


def _draw_points(title: str, rows: Sequence[Mapping[str, Any]], form: str, *, zero: bool = False) -> None:
    if not rows:
        return
    st.html(f'<p class="coach-label">{title}</p>')
    labels = list(dict.fromkeys(row["label"] for row in rows))
    runs = list(dict.fromkeys(row["run"] for row in rows))
    base = altair.Chart(altair.InlineData(values=[dict(row) for row in rows])).encode(
        y=altair.Y("label:N", title=None, sort=labels, axis=altair.Axis(labelLimit=170)),
        yOffset=altair.YOffset("run:N", sort=runs),
        color=altair.Color(
            "run:N",
            title=None,
            scale=altair.Scale(domain=runs, range=COLOURS[: len(runs)]),
            legend=altair.Legend(orient="bottom", columns=1, labelLimit=190),
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
    x = altair.X("low:Q", title=None, axis=altair.Axis(format=form, tickCount=5))
    chart = base.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q") + base.mark_point(
        filled=True, size=70
    ).encode(x="value:Q")
    if zero:
        chart += (
            altair.Chart(altair.InlineData(values=[{"at": 0}]))
            .mark_rule(strokeDash=[4, 3], color="gray")
            .encode(x="at:Q")
        )
    height = max(ROW, 12 * len(runs)) * len(labels) + 60 + 22 * len(runs)
    st.altair_chart(chart.properties(height=height), width="stretch")
