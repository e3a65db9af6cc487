"""What one visitor's page remembers, and the one Coach that all pages share."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import streamlit as st

from coach.settings import load_settings
from coach.types import Answer, Reply, Turn

if TYPE_CHECKING:
    from coach.coach import Coach

_log = logging.getLogger(__name__)
_serial = count(1)


@dataclass(slots=True)
class Exchange:
    """A question and what has come back so far; `reply` and `error` are both None until it ends."""

    question: str
    extracted: Answer | None = None
    reply: Reply | None = None
    error: str | None = None
    key: str = field(default_factory=lambda: str(next(_serial)))


def current_coach() -> Coach:
    """The Coach of this session: the one placed in the session, else the one this server shares.

    Raises CoachError when it cannot be loaded; the next call tries again.
    """
    placed: Coach | None = st.session_state.get("coach")
    return placed if placed is not None else _shared_coach()


@st.cache_resource(show_spinner="Opening your sources and choosing who answers…")
def _shared_coach() -> Coach:
    from coach.coach import Coach  # here, so that the page is drawn before the models' libraries are read

    coach = Coach.load(load_settings())
    threading.Thread(target=_warm, args=(coach,), name="coach-warm", daemon=True).start()
    return coach


def _warm(coach: Coach) -> None:
    """Get the slow parts ready while the visitor is still reading the page."""
    try:
        coach.warm()
    except Exception:
        # A question asked later meets the same trouble and reports it where someone is looking.
        _log.warning("Warming up failed; the first answer will take longer.", exc_info=True)


def exchanges() -> list[Exchange]:
    """The conversation so far, oldest first."""
    conversation: list[Exchange] = st.session_state.setdefault("exchanges", [])
    return conversation


def history() -> list[Turn]:
    """The answered part of the conversation, as the coach reads it."""
    turns: list[Turn] = []
    for exchange in exchanges():
        if exchange.reply is not None:
            turns += [Turn("user", exchange.question), Turn("assistant", exchange.reply.text)]
    return turns


def start_over() -> None:
    """Begin a new conversation."""
    st.session_state["exchanges"] = []
    st.session_state.pop("waiting_question", None)


def ask_next(question: str) -> None:
    """Let `question` be asked when the page is next drawn."""
    st.session_state["waiting_question"] = question


def ask_again(exchange: Exchange) -> None:
    """Ask the question of `exchange` once more in its place at the end."""
    st.session_state["exchanges"] = [other for other in exchanges() if other is not exchange]
    ask_next(exchange.question)


def waiting_question() -> str | None:
    """The question put down by `ask_next`, once."""
    question: str | None = st.session_state.pop("waiting_question", None)
    return question
