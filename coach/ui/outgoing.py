"""What would leave this machine, shown before it does: the masked text, a tick for each thing masked, and the way to send it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from coach.ui.format import as_label, outgoing_html

if TYPE_CHECKING:
    from coach.privacy.outgoing import Outgoing

TITLE = "This is what would leave this machine"


def draw(
    show: Callable[[frozenset[str]], Sequence[Outgoing]],
    key: str,
    *,
    send: Callable[[frozenset[str]], None],
    edit: Callable[[], None],
    edit_label: str,
) -> None:
    """`show` gives the texts as they leave when the words it is given pass unmasked; the buttons call `send` with those, or `edit`."""
    items = dict.fromkeys(item for text in show(frozenset()) for item in text.items)
    passing = frozenset(
        words
        for number, (_, words) in enumerate(items)
        if not st.session_state.get(f"{key}_mask_{number}", True)
    )
    with st.container(border=True, key=f"{key}_outgoing"):
        st.html(outgoing_html(TITLE, [text.text for text in show(passing)]))
        st.html('<p class="coach-label">Masked, unless you take its tick away</p>')
        with st.container(key=f"{key}_masked", gap="xsmall"):
            for number, (placeholder, words) in enumerate(items):
                st.checkbox(as_label(f"{words} as {placeholder}"), value=True, key=f"{key}_mask_{number}")
        with st.container(horizontal=True, key=f"{key}_send_row"):
            st.button("Send", key=f"{key}_send", type="primary", on_click=send, args=(passing,))
            st.button(edit_label, key=f"{key}_edit", on_click=edit)
