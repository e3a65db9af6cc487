"""The picture of sampling: a bar for each of the likeliest tokens before and after the temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import altair as alt

from coach.lab.experiment import Outcome, Value
from coach.lab.pictures.picture import Picture
from coach.lab.sampling import Draw, drawn_from

KEPT, CUT = "can be drawn", "cut off by top-p"
# Each has a contrast of at least 3 to 1 with both grounds (WCAG AA for graphics).
COLOURS = {KEPT: "#1f9488", CUT: "#c26a2e"}
BEFORE = "#858d93"
BAR_HEIGHT = 20
KEY = "A filled bar is the probability after the temperature; its outline is what the model itself gave, which is temperature 1. A piece such as “eval” is the beginning of a word, one with a space before it begins a new word."


def pictures(outcome: Outcome, controls: Mapping[str, Value]) -> tuple[Picture, ...]:
    """The bars at the sliders' settings."""
    return (Picture(_chart(drawn_from(outcome.extra, controls)), key=(KEY,)),)


def _chart(weighed: Draw) -> Any:
    bars = _bars(weighed)
    order = list(dict.fromkeys(str(bar["token"]) for bar in bars))
    where = alt.Y("token:N", sort=order, title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False))
    title = "Probability of the next token"
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    after = (
        alt.Chart(alt.InlineData(values=bars))
        .mark_bar()
        .encode(
            y=where,
            x=alt.X("after:Q", stack=True, title=title, axis=alt.Axis(format=".0%")),
            color=alt.Color(
                "fate:N", scale=scale, legend=alt.Legend(title=None, orient="top", symbolType="square")
            ),
            tooltip=[
                alt.Tooltip("token:N", title="Token"),
                alt.Tooltip("before:Q", title="The model's own", format=".2%"),
                alt.Tooltip("after:Q", title="After temperature", format=".2%"),
                alt.Tooltip("fate:N", title="Top-p"),
            ],
        )
    )
    before = (
        alt.Chart(alt.InlineData(values=list({bar["token"]: bar for bar in bars}.values())))
        .mark_bar(filled=False, stroke=BEFORE, strokeWidth=1.5)
        .encode(y=where, x="before:Q")
    )
    return (after + before).properties(height=BAR_HEIGHT * len(order) + 60)


def _bars(weighed: Draw) -> list[dict[str, object]]:
    bars: list[dict[str, object]] = [
        {
            "token": f"{bar.rank}  {_seen(bar.token)}",
            "before": math.exp(bar.log_probability),
            "after": bar.after_temperature,
            "fate": KEPT if bar.kept else CUT,
        }
        for bar in weighed.bars
    ]
    if weighed.others:
        bars += _others(weighed)
    return bars


def _others(weighed: Draw) -> list[dict[str, object]]:
    """All other tokens as one bar in two parts: those that can be drawn, which are the likelier ones, and those cut off."""
    kept = weighed.others_kept_after_temperature
    name = f"{weighed.others:,} others"
    common = {"token": name, "before": weighed.others_probability}
    return [
        {**common, "after": kept, "fate": KEPT},
        {**common, "after": weighed.others_after_temperature - kept, "fate": CUT},
    ]


def _seen(token: str) -> str:
    """A token so that one sees where it begins and ends, and a line break."""
    return f"“{token}”".replace("\n", "⏎")
