"""The prompt as one bar over the window as another: what sticks out on the right has fallen out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair

from coach.lab.experiment import Outcome
from coach.lab.pictures.picture import Picture

# In the order of the prompt. Okabe and Ito's colours, told apart by the colour-blind and on light and dark.
COLOURS = {
    "instructions": "#0072B2",
    "worked examples": "#56B4E9",
    "sentence": "#009E73",
    "question": "#E69F00",
    "request to answer": "#D55E00",
    "chat template": "#999999",
    "room for the reply": "#CC79A7",
}
GONE = "fallen out"
BESIDE = 1.15  # of the whole prompt: how far the picture reaches


def pictures(outcome: Outcome, controls: Mapping[str, Any]) -> tuple[Picture, ...]:
    """Two bars to one scale."""
    window = int(controls["window"])
    reach = max(row["to"] for row in outcome.rows) * BESIDE
    parts = [
        {
            **row,
            "bar": "The prompt",
            "shown": row["part"] if row["stays"] else GONE,
        }
        for row in outcome.rows
    ]
    ends = {"bar": "The window", "from": 0, "to": min(window, reach)}
    title = f"tokens; the window ends at {window:,}" + (", beyond this picture" if window > reach else "")
    colours = {**COLOURS, GONE: "#8884"}
    x = altair.X("from:Q", title=title, scale=altair.Scale(domain=[0, reach], nice=False))
    y = altair.Y("bar:N", title=None, sort=["The prompt", "The window"])
    prompt = (
        altair.Chart(altair.InlineData(values=parts))
        .mark_bar(stroke="#8886", strokeWidth=1)
        .encode(
            x=x,
            x2="to:Q",
            y=y,
            color=altair.Color(
                "shown:N",
                title=None,
                scale=altair.Scale(domain=list(colours), range=list(colours.values())),
                legend=altair.Legend(orient="bottom", columns=2, labelLimit=200),
            ),
            tooltip=["part:N", "tokens:Q", "text:N"],
        )
    )
    whole = (
        altair.Chart(altair.InlineData(values=[ends]))
        .mark_bar(color="#8888", height=18)
        .encode(x=x, x2="to:Q", y=y)
    )
    edge = (
        altair.Chart(altair.InlineData(values=[{"to": window}] if window <= reach else []))
        .mark_rule(color="#D55E00", strokeDash=[5, 3], strokeWidth=2)
        .encode(x="to:Q")
    )
    return (Picture((prompt + whole + edge).properties(height=330)),)
