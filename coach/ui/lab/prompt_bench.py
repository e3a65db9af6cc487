"""The pictures of the prompt bench, and the replies to read."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from coach.lab.experiment import Outcome, Value
from coach.lab.pictures.prompt_bench import pictures
from coach.ui.format import escaped
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Value]) -> None:
    """The fields, the costs below, then a panel for each case."""
    draw_pictures(pictures(outcome, controls))
    for case in dict.fromkeys(int(row["case"]) for row in outcome.rows):
        rows = [row for row in outcome.rows if row["case"] == case]
        with st.expander(f"{case}. {rows[0]['question']}"):
            st.html(
                f'<p class="coach-note">Wanted: {escaped(str(rows[0]["wanted"]))}</p>'
                + "".join(
                    f'<p class="coach-label">{escaped(str(row["prompt"]))}: {row["outcome"]}</p>'
                    f'<p class="coach-text">{escaped(str(row["reply"]))}</p>'
                    for row in rows
                )
            )
