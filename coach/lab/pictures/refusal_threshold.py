"""Wrong answers against wrong refusals as a curve with today's point and the chosen one; below it the cases on the threshold's line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair

from coach.lab.experiment import Outcome
from coach.lab.pictures.palette import BLUE, GREEN, GREY, ORANGE
from coach.lab.pictures.picture import Picture
from coach.lab.refusal_threshold import ANSWERED, REFUSED, outcome_at, wrong_at

TICKS = [0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1]
HERE, TODAY = "at this threshold", "today"
BINS = 25  # of the probability


def pictures(outcome: Outcome, controls: Mapping[str, Any]) -> tuple[Picture, ...]:
    """The curve, and how likely the cases are."""
    threshold = float(controls["threshold"])
    parts = {
        part: [row for row in outcome.rows if row["part"] == part] for part in ("case", "curve", "today")
    }
    return (
        _curve(parts["case"], parts["curve"], parts["today"][0], threshold),
        _cases(parts["case"], threshold),
    )


def _curve(
    cases: Sequence[Mapping[str, Any]],
    curve: Sequence[Mapping[str, Any]],
    today: Mapping[str, Any],
    threshold: float,
) -> Picture:
    # Few errors are where the choice lies: the root gives them room.
    scale, axis = altair.Scale(type="sqrt", domain=[0, 1]), altair.Axis(format="%", values=TICKS)
    x = altair.X("share of wrong refusals:Q", title="refused though answerable", axis=axis, scale=scale)
    y = altair.Y(
        "share of wrong answers:Q", title="answered though not in the article", axis=axis, scale=scale
    )
    order = altair.Order("threshold:Q")
    line = altair.Chart(altair.InlineData(values=list(curve))).mark_line(color=GREY).encode(x, y, order)
    points = [{**today, "point": TODAY}, {**wrong_at(cases, threshold), "point": HERE}]
    shape = altair.Scale(domain=[TODAY, HERE], range=["diamond", "circle"])
    colours = altair.Scale(domain=[TODAY, HERE], range=[BLUE, ORANGE])
    legend = altair.Legend(orient="top", title=None)
    marked = (
        altair.Chart(altair.InlineData(values=points))
        .mark_point(size=260, filled=True, opacity=1)
        .encode(
            x,
            y,
            altair.Shape("point:N", scale=shape, legend=legend),
            altair.Color("point:N", scale=colours, legend=legend),
            tooltip=["point:N", "wrong answers:Q", "wrong refusals:Q"],
        )
    )
    return Picture((line + marked).properties(height=320))


def _cases(cases: Sequence[Mapping[str, Any]], threshold: float) -> Picture:
    dots: list[dict[str, Any]] = []
    heights: dict[tuple[str, int], int] = {}
    for case in sorted(cases, key=lambda case: case["probability"]):
        place = min(int(case["probability"] * BINS), BINS - 1)
        up = heights[case["right"], place] = heights.get((case["right"], place), 0) + 1
        dots.append(
            {
                **case,
                "x": (place + 0.5) / BINS,
                "y": up if case["right"] == ANSWERED else -up,
                "to be": f"to be {case['right']}",
                "here": outcome_at(case, threshold),
            }
        )
    colours = altair.Scale(domain=[f"to be {ANSWERED}", f"to be {REFUSED}"], range=[GREEN, ORANGE])
    right = altair.datum.here == altair.datum.right
    drawn = (
        altair.Chart(altair.InlineData(values=dots))
        .mark_circle(size=45)
        .encode(
            altair.X(
                "x:Q", title="probability", axis=altair.Axis(tickCount=5), scale=altair.Scale(domain=[0, 1])
            ),
            altair.Y("y:Q", axis=None),
            altair.Color("to be:N", scale=colours, legend=altair.Legend(orient="top", title=None)),
            opacity=altair.condition(right, altair.value(0.35), altair.value(1)),
            tooltip=[
                "question:N",
                "right:N",
                "here:N",
                "today:N",
                altair.Tooltip("probability:Q", format=".2f"),
            ],
        )
    )
    line = (
        altair.Chart(altair.InlineData(values=[{"x": threshold}]))
        .mark_rule(color=GREY, strokeWidth=2)
        .encode(x="x:Q")
    )
    return Picture(
        (drawn + line).properties(height=320),
        "The cases by how likely the article answers them; left of the line they are refused",
    )
