"""What would leave this machine, shown before it does: the masked text, a tick for each thing masked, and the way to send it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from coach.errors import CoachError
from coach.ui import session
from coach.ui.format import as_label, error_html, outgoing_html

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.privacy.outgoing import Outgoing

TITLE = "This is what would leave this machine"
LET_PASS = "let_pass"  # in the session: each text that was sent, with the words that left it as they are

Send = Callable[[frozenset[str]], object]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Texts that nobody has been sent yet; how to send them, but for the words that pass unmasked, and what to do instead."""

    texts: tuple[str, ...]
    send: Send
    give_back: Callable[[], object]


def submit(
    key: str, texts: Sequence[str], send: Send, give_back: Callable[[], object] = lambda: None
) -> None:
    """Call `send` at once where nothing personal would leave this machine with the texts; else they wait under `key` to be seen.

    Raises CoachError where it cannot be told whether something would, and what `send` raises.
    """
    if _who_would_send(texts) is not None:
        st.session_state[_place(key)] = Waiting(tuple(texts), send, give_back)
    else:
        send(frozenset())


def waiting_texts(key: str) -> tuple[str, ...]:
    """What is to be seen first. That of which nothing personal would leave any more, for the settings were changed, is given back."""
    waiting: Waiting | None = st.session_state.get(_place(key))
    if waiting is None:
        return ()
    with suppress(CoachError):  # whoever sends it again meets the trouble, and reports it
        if _who_would_send(waiting.texts) is not None:
            return waiting.texts
    _give_back(key)
    return ()


def drop(key: str) -> None:
    """Let nothing wait there any more."""
    st.session_state.pop(_place(key), None)


def draw(key: str, edit_label: str) -> bool:
    """Show what waits under `key`, with a button to send it and one named `edit_label` to go on without; whether something does."""
    if note := st.session_state.pop(f"{key}_outgoing_note", ""):
        st.html(error_html(note))
    if not waiting_texts(key):
        return False
    waiting: Waiting = st.session_state[_place(key)]
    items = dict.fromkeys(item for text in _shown(waiting, frozenset()) for item in text.items)
    passed = frozenset[str]().union(*map(_let_pass, waiting.texts))
    passing = frozenset(
        words
        for number, (_, words) in enumerate(items)
        if not st.session_state.get(f"{key}_mask_{number}", words not in passed)
    )
    with st.container(border=True, key=f"{key}_outgoing"):
        st.html(outgoing_html(TITLE, [text.text for text in _shown(waiting, passing)]))
        st.html('<p class="coach-label">Masked, unless you take its tick away</p>')
        with st.container(key=f"{key}_masked", gap="xsmall"):
            for number, (placeholder, words) in enumerate(items):
                label = as_label(f"{words} as {placeholder}")
                st.checkbox(label, value=words not in passed, key=f"{key}_mask_{number}")
        with st.container(horizontal=True, key=f"{key}_send_row"):
            st.button("Send", key=f"{key}_send", type="primary", on_click=_send, args=(key, passing))
            st.button(edit_label, key=f"{key}_send_not", on_click=_give_back, args=(key,))
    return True


def _who_would_send(texts: Sequence[str]) -> Coach | None:
    """The coach with whose model personal data in the texts would leave this machine; None where none would."""
    coach = session.coach_that_may_send()
    return coach if coach is not None and any(map(coach.outgoing, texts)) else None


def _shown(waiting: Waiting, unmasked: frozenset[str]) -> list[Outgoing]:
    coach = session.current_coach()
    return list(filter(None, (coach.outgoing(text, unmasked) for text in waiting.texts)))


def _send(key: str, passing: frozenset[str]) -> None:
    waiting: Waiting = st.session_state.pop(_place(key))
    kept: dict[str, frozenset[str]] = st.session_state.setdefault(LET_PASS, {})
    kept.update(dict.fromkeys(waiting.texts, passing))
    try:
        waiting.send(passing)
    except CoachError as error:
        st.session_state[f"{key}_outgoing_note"] = str(error)


def _give_back(key: str) -> None:
    waiting: Waiting = st.session_state.pop(_place(key))
    waiting.give_back()


def _let_pass(text: str) -> frozenset[str]:
    """What left a text as it is when it was sent before: such words begin without their tick when it is sent again."""
    kept: dict[str, frozenset[str]] = st.session_state.get(LET_PASS, {})
    return kept.get(text, frozenset())


def _place(key: str) -> str:
    return f"{key}_waiting"
