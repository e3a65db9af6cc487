"""The passages of one question, rank by rank in three columns; the cases as bars; the graph beside looking at everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair
import streamlit as st

from coach.lab.experiment import Outcome
from coach.lab.vector_keyword_hybrid import DEPTHS, WAYS, share_found
from coach.ui.format import escaped
from coach.ui.lab.palette import BLUE, GREEN, GREY, ORANGE, PINK

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MARKED = 3  # of the best by both are coloured


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The three pictures, the key of the letters below the first."""
    parts = {
        part: [row for row in outcome.rows if row["part"] == part] for part in ("ranks", "case", "graph")
    }
    _draw_ranks(parts["ranks"], int(controls["passages"]))
    _draw_cases(parts["case"])
    _draw_graph(parts["graph"])


def _draw_ranks(rows: Sequence[Mapping[str, Any]], passages: int) -> None:
    below = passages + 1
    shown = [row for row in rows if any((row[way] or below) <= passages for way in WAYS.values())]
    points = [
        {
            "letter": letter,
            "way": way.capitalize(),
            "rank": min(row[way] or below, below),
            "place": str(row[way] or "not found"),
            "passage": f"{row['heading']}: {row['begins']}",
            "whose": row["whose"],
            "colour": (BLUE, ORANGE, GREEN)[place] if place < MARKED else GREY,
        }
        for place, (letter, row) in enumerate(zip(LETTERS, shown, strict=False))
        for way in WAYS.values()
    ]
    ticks = list(range(1, below + 1))
    base = altair.Chart(altair.InlineData(values=points)).encode(
        x=altair.X(
            "way:N", sort=None, title=None, axis=altair.Axis(labelAngle=0, orient="top", labelFontSize=13)
        ),
        y=altair.Y(
            "rank:Q",
            title=None,
            scale=altair.Scale(domain=[below + 0.4, 0.6], nice=False),
            axis=altair.Axis(
                values=ticks, grid=False, labelExpr=f"datum.value == {below} ? 'lower' : datum.value"
            ),
        ),
        color=altair.Color("colour:N", scale=None, legend=None),
        detail="letter:N",
        tooltip=[altair.Tooltip(f"{name}:N") for name in ("passage", "whose", "way", "place")],
    )
    kept = altair.datum.rank <= passages
    letters = base.mark_text(fontSize=12, fontWeight="bold").encode(
        text="letter:N", color=altair.value("white")
    )
    picture = base.mark_line(strokeWidth=2, opacity=0.7) + (
        (base.mark_circle(size=420, opacity=1) + letters).transform_filter(kept)
    )
    st.altair_chart(picture.properties(height=70 + 34 * below), width="stretch")
    lines = (
        f"<li><strong>{letter}</strong> {escaped(row['heading'])} · <span class='coach-note'>{escaped(row['begins'])}"
        f"{'' if row['whose'].startswith('The committee') else ' (' + escaped(row['whose']) + ')'}</span></li>"
        for letter, row in zip(LETTERS, shown, strict=False)
    )
    st.html(f'<ul style="list-style:none;padding:0">{"".join(lines)}</ul>')


def _draw_cases(cases: Sequence[Mapping[str, Any]]) -> None:
    st.html(
        '<p class="coach-label">Questions with a known answer: how often a passage with it is among the first</p>'
    )
    bars = [
        {"way": way.capitalize(), "depth": _depth(depth), "share": share_found(cases, way, depth)}
        for way in WAYS.values()
        for depth in DEPTHS
    ]
    picture = altair.Chart(altair.InlineData(values=bars)).encode(
        x=altair.X("depth:N", sort=None, title=None, axis=altair.Axis(labelAngle=0)),
        xOffset=altair.XOffset("way:N", sort=None),
        y=altair.Y("share:Q", title=None, axis=altair.Axis(format="%"), scale=altair.Scale(domain=[0, 1])),
    )
    colours = altair.Scale(domain=[way.capitalize() for way in WAYS.values()], range=[ORANGE, BLUE, GREEN])
    coloured = picture.encode(
        color=altair.Color("way:N", scale=colours, title=None, legend=altair.Legend(orient="bottom"))
    )
    figures = picture.mark_text(dy=-7, color=GREY).encode(text=altair.Text("share:Q", format=".0%"))
    st.altair_chart((coloured.mark_bar() + figures).properties(height=260), width="stretch")


def _depth(depth: int) -> str:
    return "first" if depth == 1 else f"first {depth}"


def _draw_graph(rows: Sequence[Mapping[str, Any]]) -> None:
    st.html(
        '<p class="coach-label">Milliseconds a search: every vector looked at, and the graph, with the share of the nearest that it '
        "finds</p>"
    )
    bars = [
        {
            "over": f"{row['vectors']:,} {row['vectors of'].partition(',')[0]}",
            "how": how,
            "ms": row[f"{how} ms"],
            "figure": f"{row[f'{how} ms']:.2f} ms" + (f"; {row['recall']:.1%}" if how == "graph" else ""),
        }
        for row in rows
        for how in ("exact", "graph")
    ]
    picture = altair.Chart(altair.InlineData(values=bars)).encode(
        y=altair.Y("over:N", sort=None, title=None, axis=altair.Axis(labelLimit=160)),
        yOffset=altair.YOffset("how:N", sort=None),
        x=altair.X(
            "ms:Q",
            title="milliseconds (median)",
            axis=altair.Axis(tickCount=4),
            scale=altair.Scale(domain=[0, 2 * max(bar["ms"] for bar in bars)]),
        ),
    )
    colours = altair.Scale(domain=["exact", "graph"], range=[BLUE, PINK])
    coloured = picture.mark_bar().encode(
        color=altair.Color("how:N", scale=colours, title=None, legend=altair.Legend(orient="bottom"))
    )
    figures = picture.mark_text(align="left", dx=4, color=GREY).encode(text="figure:N")
    st.altair_chart((coloured + figures).properties(height=60 + 46 * len(rows)), width="stretch")
