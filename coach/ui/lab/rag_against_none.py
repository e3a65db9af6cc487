"""Sources against none: the pictures, the replies themselves, and what fine-tuning would take as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from coach.lab.experiment import Outcome, Value
from coach.lab.pictures.rag_against_none import CARRIED, NOT_CARRIED, pictures
from coach.lab.rag_against_none import WITH, WITHOUT, Estimate, duration, estimate
from coach.ui.format import escaped
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Value]) -> None:
    """Both ways beside each other, then the estimate at the sliders' settings."""
    sentences = outcome.extra["sentences"]
    carried, hours = pictures(outcome, controls)
    draw_pictures([carried])
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
    draw_pictures([hours])
    st.html(_table_html(estimate(outcome.extra["corpus"], controls)))


def _reply_html(rows: list[Mapping[str, Any]], way: str) -> str:
    """One reply, each sentence with whether it is carried."""
    said = "".join(
        f'<li class="{"coach-carried" if row["supported"] else "coach-not-carried"}">{escaped(str(row["sentence"]))} '
        f'<span class="coach-note">({CARRIED if row["supported"] else NOT_CARRIED})</span></li>'
        for row in rows
    )
    return f'<p class="coach-label">{escaped(way.capitalize())}</p><ul class="coach-checked">{said or "<li>It refused.</li>"}</ul>'


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
