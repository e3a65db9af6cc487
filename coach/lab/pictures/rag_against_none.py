"""The picture of sources against none: how much of each reply is carried, the replies themselves, and what fine-tuning would take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from coach.lab.experiment import Outcome, Value
from coach.lab.pictures.picture import Picture
from coach.lab.rag_against_none import WITH, WITHOUT, Estimate, duration, estimate

CARRIED, NOT_CARRIED = "carried by the article", "not carried"
# Each has a contrast of at least 3 to 1 with both grounds (WCAG AA for graphics).
COLOURS = {CARRIED: "#1f9488", NOT_CARRIED: "#c26a2e"}
BAR_HEIGHT = 34
FINE_TUNING = "What fine-tuning on your documents would take: an estimate"


def pictures(outcome: Outcome, controls: Mapping[str, Value]) -> tuple[Picture, ...]:
    """Both ways beside each other, and the estimate at the sliders' settings."""
    sentences = outcome.extra["sentences"]
    questions = dict.fromkeys(str(row["question"]) for row in sentences)
    return (
        Picture(
            _shares(sentences), key=tuple(f"{place}. {asked}" for place, asked in enumerate(questions, 1))
        ),
        Picture(_hours(estimate(outcome.extra["corpus"], controls)), FINE_TUNING),
    )


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
                axis=alt.Axis(labelLimit=160, labelOverlap=False),
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
            y=alt.Y("what:N", sort=order, title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)),
            x=alt.X(
                "hours:Q",
                title="Hours, each line a hundred times the one before",
                scale=alt.Scale(type="log", domain=[0.000001, 100_000], clamp=True),
                axis=alt.Axis(format="~g", values=[0.000001, 0.0001, 0.01, 1, 100, 10_000]),
            ),
            tooltip=[alt.Tooltip("what:N", title="What"), alt.Tooltip("in words:N", title="Takes")],
        )
        .properties(height=BAR_HEIGHT * len(order) + 60)
    )
