"""The picture of sampling, and five samples side by side."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from coach.lab.experiment import Outcome, Value
from coach.lab.pictures.sampling import KEY, pictures
from coach.ui.format import escaped
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Value]) -> None:
    """The bars at the sliders' settings, and the samples that were drawn."""
    draw_pictures(pictures(outcome, controls))
    st.html(f'<p class="coach-note">{KEY}</p>')
    prompt = str(outcome.extra["prompt"])
    cards = "".join(
        f"<li>{escaped(str(one['text']) or '(nothing)')}</li>" for one in outcome.extra["samples"]
    )
    st.html(
        f'<p class="coach-label">{escaped(prompt)} …</p><ol class="coach-samples" aria-label="Five samples">{cards}</ol>'
    )
