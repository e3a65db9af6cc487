"""The sentences of the prompt below its picture, those that fell out of the window struck through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from coach.lab.experiment import Outcome
from coach.lab.pictures.context_window import pictures
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The two bars, then the sentences as they stand in the prompt."""
    draw_pictures(pictures(outcome, controls))
    for row in outcome.rows:
        if row["part"] == "sentence":
            line = f"{row['tokens']} tokens · {row['text']}"
            st.caption(line if row["stays"] else f"~~{line}~~")
