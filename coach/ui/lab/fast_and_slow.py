"""Two waits on one line of time, the two texts side by side, and what changed between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair
import streamlit as st

from coach.lab.experiment import Outcome
from coach.ui.format import escaped

WAITING, WRITING = "#999999", "#0072B2"  # Okabe and Ito's, for the colour-blind


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The waits, the texts, the changes."""
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
    st.altair_chart(chart.properties(height=190), width="stretch")
    for column, row in zip(st.columns(len(outcome.rows)), outcome.rows, strict=True):
        with column:
            tokens = f", {row['reply_tokens']:,} tokens" if row["reply_tokens"] else ""
            st.html(
                f'<p class="coach-label">{escaped(row["step"].capitalize())}</p><p class="coach-note">{escaped(row["who"])}, '
                f"{row['whole_ms'] / 1000:.2f} s{tokens}</p><p>{escaped(row['text'])}</p>"
            )
    changes = outcome.extra.get("changes", ())
    if any(kind != "kept" for kind, _ in changes):
        marks = {"kept": "{}", "gone": "<del>{}</del>", "added": "<ins>{}</ins>"}
        changed = " ".join(marks[kind].format(escaped(text)) for kind, text in changes)
        st.html(f'<p class="coach-label">What changed</p><p>{changed}</p>')
