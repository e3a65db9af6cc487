"""Two waits as a picture, the two texts side by side, and what changed between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from coach.lab.experiment import Outcome
from coach.lab.pictures.fast_and_slow import pictures
from coach.ui.format import escaped
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The waits, the texts, the changes."""
    draw_pictures(pictures(outcome, controls))
    for column, row in zip(st.columns(len(outcome.rows)), outcome.rows, strict=True):
        with column:
            tokens = f", {row['reply_tokens']:,} tokens" if row["reply_tokens"] else ""
            st.html(
                f'<p class="coach-label">{escaped(row["step"].capitalize())}</p><p class="coach-note">{escaped(row["who"])}, '
                f"{row['whole_ms'] / 1000:.2f} s{tokens}</p><p>{escaped(row['text'])}</p>"
            )
    changes = outcome.extra.get("changes", ())
    if any(kind != "kept" for kind, _ in changes):
        marks = {"kept": "{}", "gone": "<del>{}</del>", "added": "<ins>{}</ins>"}
        changed = " ".join(marks[kind].format(escaped(text)) for kind, text in changes)
        st.html(f'<p class="coach-label">What changed</p><p>{changed}</p>')
