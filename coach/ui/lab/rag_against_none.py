"""The picture of sources against none: how much of each reply is carried, the replies themselves, and what fine-tuning would take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import streamlit as st

from coach.lab.experiment import Outcome, Value
from coach.lab.rag_against_none import WITH, WITHOUT, Estimate, duration, estimate
from coach.ui.format import escaped

CARRIED, NOT_CARRIED = "carried by the article", "not carried"
# Each has a contrast of at least 3 to 1 with both grounds (WCAG AA for graphics).
COLOURS = {CARRIED: "#1f9488", NOT_CARRIED: "#c26a2e"}
BAR_HEIGHT = 34


def draw(outcome: Outcome, controls: Mapping[str, Value]) -> None:
    """Draw both ways beside each other, then the estimate at the sliders' settings."""
    sentences = outcome.extra["sentences"]
    st.altair_chart(_shares(sentences), width="stretch")
    for number, question in enumerate(dict.fromkeys(str(row["question"]) for row in sentences), 1):
        with st.expander(f"{number}. {question}"):
            st.html(
                "".join(
                    _reply_html(
                        [row for row in sentences if (row["question"], row["way"]) == (question, way)], way
                    )
                    for way in (WITH, WITHOUT)
                )
            )
    estimated = estimate(outcome.extra["corpus"], controls)
    st.html('<p class="coach-label">What fine-tuning on your documents would take: an estimate</p>')
    st.altair_chart(_hours(estimated), width="stretch")
    st.html(_table_html(estimated))


def _shares(sentences: Any) -> Any:
    questions = list(dict.fromkeys(row["question"] for row in sentences))
    counted = [
        {
            "reply": f"{questions.index(row['question']) + 1}  {row['way']}",
            "sentence": row["sentence"],
            "fate": CARRIED if row["supported"] else NOT_CARRIED,
            "count": 1,
        }
        for row in sentences
    ]
    order = [f"{number}  {way}" for number in range(1, len(questions) + 1) for way in (WITH, WITHOUT)]
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    return (
        alt.Chart(alt.InlineData(values=counted))
        .mark_bar()
        .encode(
            y=alt.Y(
                "reply:N",
                sort=order,
                scale=alt.Scale(domain=order),
                title=None,
                axis=alt.Axis(labelLimit=160),
            ),
            x=alt.X(
                "sum(count):Q",
                title="Sentences of the reply to each question",
                axis=alt.Axis(tickMinStep=1, format="d"),
            ),
            color=alt.Color(
                "fate:N", scale=scale, legend=alt.Legend(title=None, orient="top", symbolType="square")
            ),
            order=alt.Order("fate:N"),
            tooltip=[
                alt.Tooltip("fate:N", title="The sentences"),
                alt.Tooltip("sum(count):Q", title="How many"),
            ],
        )
        .properties(height=BAR_HEIGHT * len(order) + 70)
    )


def _reply_html(rows: list[Mapping[str, Any]], way: str) -> str:
    """One reply, each sentence with whether it is carried."""
    said = "".join(
        f'<li class="{"coach-carried" if row["supported"] else "coach-not-carried"}">{escaped(str(row["sentence"]))} '
        f'<span class="coach-note">({CARRIED if row["supported"] else NOT_CARRIED})</span></li>'
        for row in rows
    )
    return f'<p class="coach-label">{escaped(way.capitalize())}</p><ul class="coach-checked">{said or "<li>It refused.</li>"}</ul>'


def _hours(estimated: Estimate) -> Any:
    hours = {
        "writing the examples": estimated.writing_hours,
        "training, at least": estimated.training_hours,
        "sources: reading anew": estimated.reading_seconds / 3600,
    }
    order = list(hours)
    points = [{"what": what, "hours": taken, "in words": duration(taken)} for what, taken in hours.items()]
    return (
        alt.Chart(alt.InlineData(values=points))
        .mark_point(filled=True, size=140, color=COLOURS[CARRIED])
        .encode(
            y=alt.Y("what:N", sort=order, title=None, axis=alt.Axis(labelLimit=180)),
            x=alt.X(
                "hours:Q",
                title="Hours, each line a hundred times the one before",
                scale=alt.Scale(type="log", domain=[0.0001, 100_000]),
                axis=alt.Axis(format="~g", values=[0.0001, 0.01, 1, 100, 10_000]),
            ),
            tooltip=[alt.Tooltip("what:N", title="What"), alt.Tooltip("in words:N", title="Takes")],
        )
        .properties(height=BAR_HEIGHT * len(order) + 60)
    )


def _table_html(estimated: Estimate) -> str:
    rows = (
        (
            "Data",
            "the documents as they are",
            f"{estimated.examples:,} examples, {duration(estimated.writing_hours)} of writing",
        ),
        (
            "Time",
            "none before the first question",
            f"at least {duration(estimated.training_hours)} of training here",
        ),
        (
            "Freshness",
            f"{estimated.reading_seconds:.1f} seconds after a change (measured)",
            f"{duration(estimated.changed_hours)} after a change",
        ),
    )
    body = "".join(f"<tr><th>{name}</th><td>{ours}</td><td>{theirs}</td></tr>" for name, ours, theirs in rows)
    return f'<table class="coach-compared"><tr><td></td><th>Sources</th><th>Fine-tuning (estimate)</th></tr>{body}</table>'
