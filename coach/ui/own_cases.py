"""Make a case of the user's own evaluation from a reply that went wrong, or from a verdict that was overruled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from coach.errors import CoachError
from coach.settings import load_settings
from coach.store.cases import CaseStore, OwnCase
from coach.store.critiques import draft_id
from coach.types import Critique, Verdict
from coach.ui.format import error_html, escaped, with_code

MAKE_IT = "Make it a case"
SHOULD_SAY, NOT_THERE = "It should have said something else", "The sources do not say it"


def draw_reply_case(exchange: str) -> None:
    """What should have happened instead of this reply: one choice, one field, one button."""
    with st.container(key=f"case_{exchange}"):
        if _draw_kept(exchange):
            return
        choice, words = f"case_choice_{exchange}", f"case_words_{exchange}"
        st.radio("What should have happened?", (SHOULD_SAY, NOT_THERE), key=choice, horizontal=True)
        if st.session_state[choice] == SHOULD_SAY:
            st.text_input(
                "Words that a right answer holds",
                key=words,
                placeholder="Word for word, such as: 5-7 rounds; 6-8 weeks",
            )
        st.button(MAKE_IT, key=f"case_make_{exchange}", on_click=_keep_reply, args=(exchange, choice, words))


def draw_verdict_case(critique: Critique, verdict: Verdict) -> None:
    """A button below a verdict that was overruled; nothing below any other."""
    if verdict.override is None or verdict.override.level == verdict.level:
        return
    criterion = verdict.criterion.id
    subject = f"{draft_id(critique)}/{criterion}"
    with st.container(key=f"critique_case_{criterion}"):
        if not _draw_kept(subject, {criterion: verdict.override.level}):
            st.button(
                MAKE_IT,
                key=f"case_make_{subject}",
                on_click=_keep_verdict,
                args=(subject, critique, criterion),
            )


def _draw_kept(subject: str, labels: dict[str, Any] | None = None) -> bool:
    """What is kept as a case of this, with a way to delete it; whether it is the case that would be made now."""
    if note := st.session_state.pop(f"case_note_{subject}", ""):
        st.html(error_html(note))
    try:
        case = _store().get(subject)
    except CoachError as error:
        st.html(error_html(str(error)))
        return True
    if case is None or (labels is not None and case.written["labels"] != labels):
        return False
    run = with_code(f"`coach eval {case.suite}` runs it and reports it apart.")
    st.html(
        f'<p class="coach-note">A case of your own evaluation: {escaped(case.expected)}. {run} It is kept until you '
        "delete it, or what it was made from.</p>"
    )
    st.button("Delete the case", key=f"case_delete_{subject}", on_click=_delete, args=(subject,))
    return True


def _keep_reply(exchange: str, choice: str, words: str) -> None:
    should_say = st.session_state.get(words) or "" if st.session_state[choice] == SHOULD_SAY else None
    _try(exchange, lambda store: store.keep_reply(exchange, should_say))


def _keep_verdict(subject: str, critique: Critique, criterion: str) -> None:
    _try(subject, lambda store: store.keep_verdict(critique, criterion))


def _delete(subject: str) -> None:
    _try(subject, lambda store: store.delete(subject))


def _try(subject: str, change: Callable[[CaseStore], OwnCase | None]) -> None:
    try:
        change(_store())
    except CoachError as error:
        st.session_state[f"case_note_{subject}"] = str(error)


def _store() -> CaseStore:
    return CaseStore(load_settings().home)
