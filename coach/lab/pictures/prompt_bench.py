"""The pictures of the prompt bench: a field for each prompt and case, and what each prompt costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from coach.lab.experiment import Outcome, Value
from coach.lab.pictures.picture import Picture
from coach.lab.prompt_bench import CUT_OFF, RIGHT, WRONG, totals

# Each has a contrast of at least 3 to 1 with both grounds (WCAG AA for graphics), and of 4.5 to 1 with the mark on it.
COLOURS = {RIGHT: "#177f75", WRONG: "#b4541a", CUT_OFF: "#737b81"}
MARKS = {RIGHT: "✓", WRONG: "✗", CUT_OFF: "…"}
COSTS = {"prompt_tokens": "Tokens read", "reply_tokens": "Tokens written", "seconds": "Seconds"}
ROW_HEIGHT = 38


def pictures(outcome: Outcome, controls: Mapping[str, Value]) -> tuple[Picture, ...]:
    """The fields, and the costs below."""
    prompts = list(dict.fromkeys(str(row["prompt"]) for row in outcome.rows))
    cases = {str(row["case"]): str(row["question"]) for row in outcome.rows}
    summed = totals(outcome.rows)
    return (
        Picture(_fields(outcome, prompts), key=tuple(f"{case}. {asked}" for case, asked in cases.items())),
        *(
            Picture(_costs(summed, cost, f"{title}, average of a reply", prompts))
            for cost, title in COSTS.items()
        ),
    )


def _fields(outcome: Outcome, prompts: list[str]) -> Any:
    fields = [
        {
            "prompt": row["prompt"],
            "case": str(row["case"]),
            "question": row["question"],
            "outcome": row["outcome"],
            "mark": MARKS[row["outcome"]],
        }
        for row in outcome.rows
    ]
    common = alt.Chart(alt.InlineData(values=fields)).encode(
        y=alt.Y("prompt:N", sort=prompts, title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False)),
        x=alt.X("case:N", title="Case", axis=alt.Axis(labelAngle=0)),
        tooltip=[
            alt.Tooltip("question:N", title="Question"),
            alt.Tooltip("outcome:N", title="Outcome"),
        ],
    )
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    legend = alt.Legend(title=None, orient="top", symbolType="square")
    rectangles = common.mark_rect(stroke="#ffffff00", strokeWidth=4).encode(
        color=alt.Color("outcome:N", scale=scale, legend=legend)
    )
    marks = common.mark_text(size=18, color="#ffffff").encode(text="mark:N")
    return (rectangles + marks).properties(height=ROW_HEIGHT * len(prompts) + 80)


def _costs(summed: list[dict[str, Any]], cost: str, title: str, prompts: list[str]) -> Any:
    return (
        alt.Chart(alt.InlineData(values=summed))
        .mark_bar(color=COLOURS[RIGHT])
        .encode(
            y=alt.Y("prompt:N", sort=prompts, title=None, axis=alt.Axis(labelLimit=160, labelOverlap=False)),
            x=alt.X(f"{cost}:Q", title=title),
            tooltip=[
                alt.Tooltip("prompt:N", title="Prompt"),
                alt.Tooltip(f"{cost}:Q", title=title, format=".1f"),
            ],
        )
        .properties(height=24 * len(prompts) + 50)
    )
