"""Ask a question, watch it being answered, open every source."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from coach.answer.flow import Extracted, Finished
from coach.errors import CoachError
from coach.types import StepStarted, Token, Turn
from coach.ui import components, session
from coach.ui.format import answer_html, draft_html, passages_html, step_html
from coach.ui.session import Exchange

if TYPE_CHECKING:
    from coach.coach import Coach

UNFORESEEN = "Something unforeseen went wrong, and nothing is lost: try again, or run `coach doctor`."
DRAFT_PAUSE = 0.08  # seconds between redraws of the draft: faster than reading, slower than the tokens

_log = logging.getLogger(__name__)


def render() -> None:
    """Draw the conversation; answer the question that has just been asked."""
    # "stop" keeps the box closed while an answer is on its way: nothing typed can be lost.
    typed = st.chat_input("Ask about the GenAI PM interview", key=components.QUESTION_BOX, submit_mode="stop")
    question = (typed or session.waiting_question() or "").strip()
    history = session.history()
    new = Exchange(question) if question else None
    if new is not None:
        session.exchanges().append(new)

    conversation = list(session.exchanges())
    promise = None
    if not conversation:
        promise = (
            components.draw_welcome()
        )  # before the coach is loaded: the page is there while the models wake
    for exchange in conversation[:-1]:
        components.draw_exchange(exchange)
    coach, trouble = _load_coach()
    components.draw_sidebar(coach, of_ask=True)
    if promise is not None and coach is not None and coach.leaves:
        components.draw_promise(promise, components.PROMISE_AWAY)
    if not conversation:
        _draw_trouble(trouble)
        return
    with components.newest_place(conversation):
        if new is None:
            components.draw_exchange(conversation[-1])
        elif coach is None:
            new.error = trouble
            components.draw_exchange(new)
        else:
            _answer(coach, new, history)


def _load_coach() -> tuple[Coach | None, str]:
    """The Coach, or None and what to tell the visitor."""
    try:
        return session.current_coach(), ""
    except CoachError as error:
        return None, str(error)
    except Exception:
        _log.exception("The coach could not be loaded.")
        return None, UNFORESEEN


def _draw_trouble(trouble: str) -> None:
    if trouble:
        components.draw_error(trouble)
        st.button("Try again", key="load_again")


def _answer(coach: Coach, exchange: Exchange, history: Sequence[Turn]) -> None:
    """Answer on screen, step by step; what stays is what was verified."""
    components.draw_question(exchange)
    components.bring_newest_into_view()
    step, reply, draft, passages, after = st.empty(), st.empty(), st.empty(), st.empty(), st.container()
    step.html(step_html("Reading the question"))
    said, drawn_at = "", 0.0
    try:
        for event in coach.answer(exchange.question, history=history):
            match event:
                case StepStarted(name=name):
                    step.html(step_html(name))
                case Extracted(answer=answer):
                    exchange.extracted = answer
                    key = f"{exchange.key}-extracted"
                    reply.html(answer_html(answer, key, with_passages=False))
                    # In a place of their own: one that is being read stays open when the reply is replaced.
                    passages.html(passages_html(answer, key))
                case Token(text=text):
                    said += text
                    if time.monotonic() - drawn_at > DRAFT_PAUSE:
                        draft.html(draft_html(said))
                        drawn_at = time.monotonic()
                case Finished(reply=checked):
                    exchange.reply = checked
    except CoachError as error:
        exchange.error = str(error)
    except Exception:
        _log.exception("The question could not be answered.")
        exchange.error = UNFORESEEN

    step.empty()
    draft.empty()
    if exchange.error is None:
        with reply.container():
            components.draw_reply(exchange)
    with after:
        if exchange.error is None:
            components.draw_making(exchange)
        else:
            components.draw_failure(exchange)


if __name__ == "__main__":
    render()
