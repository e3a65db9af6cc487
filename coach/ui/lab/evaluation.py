"""The pictures of the evaluation, and what each measure can tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from coach.lab.evaluation import TELLS
from coach.lab.experiment import Outcome
from coach.lab.pictures.evaluation import pictures
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The pictures, then a sentence on each measure that is in them."""
    draw_pictures(pictures(outcome, controls))
    with st.expander("What each can tell, and what not"):
        labels = {row["measure"]: row["label"] for row in outcome.rows}
        for name, said in TELLS.items():
            if name == "perplexity":
                st.markdown(f"**Perplexity.** {said}")
            elif name in labels:
                st.markdown(f"**{labels[name]}.** {said}")
