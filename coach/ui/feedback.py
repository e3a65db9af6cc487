"""Thumbs under a reply, with a reason."""

from __future__ import annotations

import streamlit as st

from coach.errors import CoachError
from coach.settings import load_settings
from coach.store.conversations import Exchange
from coach.store.feedback import FeedbackStore
from coach.ui.format import error_html


def draw_thumbs(exchange: Exchange) -> None:
    """Two thumbs; once one is given, a line for the reason."""
    store = FeedbackStore(load_settings().home)
    thumb, reason = f"thumb_{exchange.id}", f"reason_{exchange.id}"
    try:
        given = store.of(exchange.id)
    except CoachError as error:
        st.html(error_html(str(error)))
        return
    if given is not None:
        st.session_state.setdefault(thumb, int(given.useful))
    with st.container(horizontal=True, key=f"feedback_{exchange.id}", vertical_alignment="center"):
        st.feedback("thumbs", key=thumb, on_change=_give, args=(store, exchange.id, thumb, reason))
        if given is not None:
            st.text_input(
                "Why",
                value=given.reason,
                key=reason,
                placeholder="Why? (kept on this machine)",
                label_visibility="collapsed",
                on_change=_give,
                args=(store, exchange.id, thumb, reason),
            )
    if note := st.session_state.pop(f"note_{exchange.id}", ""):
        st.html(error_html(note))


def _give(store: FeedbackStore, subject: str, thumb: str, reason: str) -> None:
    value = st.session_state.get(thumb)
    try:
        if value is None:
            store.take_back(subject)
        else:
            store.give(subject, bool(value), st.session_state.get(reason) or "")
    except CoachError as error:
        st.session_state[f"note_{subject}"] = str(error)
