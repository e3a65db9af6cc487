"""The pictures of drift and attacks, and below them each attack with what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from coach.lab.drift_and_attacks import ATTACK
from coach.lab.experiment import Outcome
from coach.lab.pictures.drift_and_attacks import pictures
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """What the rows hold of either."""
    draw_pictures(pictures(outcome, controls))
    for row in outcome.rows:
        if row["of"] == ATTACK:
            _draw_attack(row)


def _draw_attack(row: Mapping[str, Any]) -> None:
    with st.expander(f"{row['attack']}: {row['stopped_by']} ({row['seconds']:.1f} s)"):
        st.caption(row["why"])
        st.text(row["draft"])
        if row["set_aside"]:
            st.caption("Set aside, word for word:")
            st.text(row["set_aside"])
        if row["read"]:
            st.caption("Read as the answer:")
            st.text(row["read"])
