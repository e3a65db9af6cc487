"""The pictures of three ways of searching, and which passage each letter of the first is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from coach.lab.experiment import Outcome
from coach.lab.pictures.vector_keyword_hybrid import lettered, pictures
from coach.ui.format import escaped
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The ranks with the key of their letters, then the other two."""
    ranks, *others = pictures(outcome, controls)
    draw_pictures([ranks])
    lines = (
        f"<li><strong>{letter}</strong> {escaped(row['heading'])} · <span class='coach-note'>{escaped(row['begins'])}"
        f"{'' if row['whose'].startswith('The committee') else ' (' + escaped(row['whose']) + ')'}</span></li>"
        for letter, row in lettered(outcome, controls)
    )
    st.html(f'<ul style="list-style:none;padding:0">{"".join(lines)}</ul>')
    draw_pictures(others)
