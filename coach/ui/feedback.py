"""Thumbs under a reply and beside a verdict, with a reason."""

from __future__ import annotations

import streamlit as st

from coach.errors import CoachError
from coach.settings import load_settings
from coach.store.feedback import Feedback, FeedbackStore
from coach.ui.format import error_html


def draw_thumbs(subject: str) -> Feedback | None:
    """Two thumbs for an exchange's id or `draft/criterion`; once one is given, a line for the reason. What was given."""
    store = FeedbackStore(load_settings().home)
    thumb, reason = f"thumb_{subject}", f"reason_{subject}"
    try:
        given = store.of(subject)
    except CoachError as error:
        st.html(error_html(str(error)))
        return None
    if given is not None:
        st.session_state.setdefault(thumb, int(given.useful))
    with st.container(horizontal=True, key=f"feedback_{subject}", vertical_alignment="center"):
        st.feedback("thumbs", key=thumb, on_change=_give, args=(store, subject, thumb, reason))
        if given is not None:
            st.text_input(
                "Why",
                value=given.reason,
                key=reason,
                placeholder="Why? (kept on this machine)",
                label_visibility="collapsed",
                on_change=_give,
                args=(store, subject, thumb, reason),
            )
    if note := st.session_state.pop(f"note_{subject}", ""):
        st.html(error_html(note))
    return given


def _give(store: FeedbackStore, subject: str, thumb: str, reason: str) -> None:
    value = st.session_state.get(thumb)
    try:
        if value is None:
            store.take_back(subject)
        else:
            store.give(subject, bool(value), st.session_state.get(reason) or "")
    except CoachError as error:
        st.session_state[f"note_{subject}"] = str(error)
