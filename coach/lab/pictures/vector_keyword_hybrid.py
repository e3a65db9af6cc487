"""The passages of one question, rank by rank in three columns; the cases as bars; the graph beside looking at everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair

from coach.lab.experiment import Outcome
from coach.lab.pictures.palette import BLUE, GREEN, GREY, ORANGE, PINK
from coach.lab.pictures.picture import Picture
from coach.lab.vector_keyword_hybrid import DEPTHS, WAYS, share_found

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MARKED = 3  # of the best by both are coloured


def pictures(outcome: Outcome, controls: Mapping[str, Any]) -> tuple[Picture, ...]:
    """The three pictures; `lettered` says which passage each letter of the first is."""
    parts = {part: [row for row in outcome.rows if row["part"] == part] for part in ("case", "graph")}
    passages = int(controls["passages"])
    return (
        _ranks(lettered(outcome, controls), passages),
        _cases(parts["case"]),
        _graph(parts["graph"]),
    )


def lettered(outcome: Outcome, controls: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The passages that any way of searching puts among the first, with the letter that stands for each."""
    passages = int(controls["passages"])
    shown = [
        row
        for row in outcome.rows
        if row["part"] == "ranks" and any((row[way] or passages + 1) <= passages for way in WAYS.values())
    ]
    return list(zip(LETTERS, shown, strict=False))


def _ranks(shown: Sequence[tuple[str, Mapping[str, Any]]], passages: int) -> Picture:
    below = passages + 1
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
        for place, (letter, row) in enumerate(shown)
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
    return Picture(
        picture.properties(height=70 + 34 * below),
        key=tuple(f"{letter}  {row['heading']}: {row['begins']}" for letter, row in shown),
    )


def _cases(cases: Sequence[Mapping[str, Any]]) -> Picture:
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
    return Picture(
        (coloured.mark_bar() + figures).properties(height=260),
        "Questions with a known answer: how often a passage with it is among the first",
    )


def _depth(depth: int) -> str:
    return "first" if depth == 1 else f"first {depth}"


def _graph(rows: Sequence[Mapping[str, Any]]) -> Picture:
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
    return Picture(
        (coloured + figures).properties(height=60 + 46 * len(rows)),
        "Milliseconds a search: every vector looked at, and the graph, with the share of the nearest that it finds",
    )
