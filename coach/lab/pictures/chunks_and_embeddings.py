"""The passages as a map around the question, and recall by the size of a chunk with the chosen one marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair

from coach.lab.chunks_and_embeddings import SIZES, cuts, nearest_cut
from coach.lab.experiment import Outcome
from coach.lab.pictures.palette import BLUE, GREEN, GREY, ORANGE, PINK
from coach.lab.pictures.picture import Picture


def pictures(outcome: Outcome, controls: Mapping[str, Any]) -> tuple[Picture, ...]:
    """The map, then the curve."""
    return (
        _map(outcome.rows, int(controls["passages"])),
        _curve(cuts(outcome, controls), controls),
    )


def _map(rows: Sequence[Mapping[str, Any]], depth: int) -> Picture:
    star = next(row for row in rows if row["part"] == "question")
    points = [{**row, "near": row["rank"] <= depth} for row in rows if row["part"] == "map"]
    whose = list(dict.fromkeys(row["whose"] for row in points))
    colours = altair.Scale(domain=whose, range=[GREEN, BLUE, PINK, GREY])
    x, y = (altair.X("x:Q", title=None, axis=None), altair.Y("y:Q", title=None, axis=None))
    near = altair.datum.near
    passages = (
        altair.Chart(altair.InlineData(values=points))
        .mark_circle()
        .encode(
            x.scale(zero=False, padding=30),
            y.scale(zero=False, padding=30),
            altair.Color("whose:N", scale=colours, legend=altair.Legend(orient="top", title=None)),
            size=altair.condition(near, altair.value(260), altair.value(70)),
            opacity=altair.condition(near, altair.value(1), altair.value(0.4)),
            tooltip=[altair.Tooltip(f"{name}:N") for name in ("whose", "document", "heading", "begins")]
            + [altair.Tooltip("likeness:Q", format=".2f"), altair.Tooltip("rank:Q")],
        )
    )
    rays = [{"x": star["x"], "y": star["y"], "x2": row["x"], "y2": row["y"]} for row in points if row["near"]]
    lines = (
        altair.Chart(altair.InlineData(values=rays))
        .mark_rule(color=ORANGE, opacity=0.7)
        .encode(x, y, x2="x2:Q", y2="y2:Q")
    )
    question = (
        altair.Chart(altair.InlineData(values=[star]))
        .mark_point(shape=STAR, size=420, filled=True, color=ORANGE, opacity=1)
        .encode(x, y, tooltip=["question:N"])
    )
    return Picture(
        (lines + passages + question).properties(height=380),
        "Passages that mean alike lie close together; the star is the question",
    )


def _curve(rows: Sequence[Mapping[str, Any]], controls: Mapping[str, Any]) -> Picture:
    base = altair.Chart(altair.InlineData(values=list(rows))).encode(
        x=altair.X("size:Q", title="tokens a chunk holds at most", axis=altair.Axis(values=list(SIZES))),
        y=altair.Y("recall:Q", title=None, axis=altair.Axis(format="%"), scale=altair.Scale(domain=[0, 1])),
        tooltip=["size:Q", "overlap:Q", "chunks:Q", altair.Tooltip("recall:Q", format=".0%")],
    )
    curve = base.mark_line(point=True, color=BLUE)
    chosen = base.transform_filter(altair.datum.size == nearest_cut(rows, controls)["size"])
    figure = chosen.mark_text(dy=-18, fontSize=14, fontWeight="bold", color=ORANGE).encode(
        text=altair.Text("recall:Q", format=".0%")
    )
    picture = curve + chosen.mark_point(size=260, filled=True, color=ORANGE, opacity=1) + figure
    return Picture(
        picture.properties(height=260),
        f"Questions with their answer among the first {int(controls['passages'])} chunks, by the size of a chunk",
    )


# Five points, as an SVG path around the middle.
STAR = "M0,-1 L0.29,-0.4 0.95,-0.31 0.47,0.15 0.59,0.81 0,0.5 -0.59,0.81 -0.47,0.15 -0.95,-0.31 -0.29,-0.4 Z"
