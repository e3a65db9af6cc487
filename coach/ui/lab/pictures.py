"""Draw pictures of an experiment on the page, each under its title."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from coach.lab.pictures.picture import Picture
from coach.ui.format import escaped


def draw_pictures(pictures: Sequence[Picture]) -> None:
    """Each in turn, as wide as the page."""
    for picture in pictures:
        if picture.title:
            st.html(f'<p class="coach-label">{escaped(picture.title)}</p>')
        st.altair_chart(picture.chart, width="stretch")
