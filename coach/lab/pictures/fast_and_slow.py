"""Two waits on one line of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair

from coach.lab.experiment import Outcome
from coach.lab.pictures.picture import Picture

WAITING, WRITING = "#999999", "#0072B2"  # Okabe and Ito's, for the colour-blind


def pictures(outcome: Outcome, controls: Mapping[str, Any]) -> tuple[Picture, ...]:
    """Each step's waiting and writing."""
    parts = [
        part
        for row in outcome.rows
        for part in (
            {"step": row["step"], "of": "waiting", "from": 0, "to": row["first_ms"] / 1000},
            {
                "step": row["step"],
                "of": "writing and checking",
                "from": row["first_ms"] / 1000,
                "to": row["whole_ms"] / 1000,
            },
        )
    ]
    chart = (
        altair.Chart(altair.InlineData(values=parts))
        .mark_bar(size=24)
        .encode(
            x=altair.X("from:Q", title="seconds since the question", axis=altair.Axis(tickCount=6)),
            x2="to:Q",
            y=altair.Y("step:N", title=None, sort=[row["step"] for row in outcome.rows]),
            color=altair.Color(
                "of:N",
                title=None,
                scale=altair.Scale(domain=["waiting", "writing and checking"], range=[WAITING, WRITING]),
                legend=altair.Legend(orient="bottom"),
            ),
            tooltip=["step:N", "of:N", "from:Q", "to:Q"],
        )
    )
    return (Picture(chart.properties(height=190)),)
