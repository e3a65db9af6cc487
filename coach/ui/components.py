"""What the pages draw, and nothing they decide."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from coach.types import Answer, Refusal
from coach.ui import session
from coach.ui.format import (
    answer_html,
    error_html,
    escaped,
    models_html,
    notes_html,
    question_html,
    read_as_html,
    refusal_html,
    trace_html,
    visible,
    with_code,
)
from coach.ui.session import Exchange

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from coach.coach import Coach

# Drawn here because Streamlit fetches emoji and icon favicons from another host.
FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" '
    'fill="#0f5e59"/><path d="M9 11h14M9 16h14M9 21h8" stroke="#fff" stroke-width="2.6" '
    'stroke-linecap="round"/></svg>'
)
PROMISE = "Everything stays on this machine. Every sentence shows where it comes from."
PROMISE_AWAY = "Every sentence shows where it comes from. What you ask leaves this machine: see the side bar."
EXAMPLE_QUESTIONS = (
    "How is a Generative AI PM different from a traditional PM?",
    "What does the committee expect about RAG and fine-tuning?",
    "How many interview rounds are there?",
    "Why do candidates fail these interviews?",
    "What pay can a Generative AI PM expect?",
    "Is prior Generative AI experience mandatory?",
)
QUESTION_BOX = "ask_question"  # the chat input's key: a text put there is a text in the box

LOOK_AGAIN = 3.0  # seconds between looks at a model that is still loading
_WHO_ANSWERS = {
    "embedded": "built in, on this machine",
    "ollama": "through Ollama",
    "openai": "through your model server",
    "langchain": "through LangChain",
}

# A constant of ours with nothing of a stranger's in it; Streamlit itself leaves the page where it was.
_SCROLL_TO_NEWEST = (
    '<div class="coach-unseen"><script>'
    "[...document.querySelectorAll('.coach-question')].at(-1)?.scrollIntoView({block: 'start'})"
    "</script></div>"
)


def draw_stylesheet() -> None:
    """Our few styles on top of the theme; colours follow light and dark by themselves."""
    st.html(Path(__file__).with_name("style.css"))


def draw_promise(place: DeltaGenerator, promise: str = PROMISE) -> None:
    """The name, and what can be promised."""
    place.html(f'<header class="coach-welcome"><h1>GenAI PM Coach</h1><p>{promise}</p></header>')


def draw_welcome() -> DeltaGenerator:
    """The empty page: a name, a promise and questions to start from. Returns the place of the promise, which is made
    before it is known who answers."""
    place = st.empty()
    draw_promise(place)
    st.html('<p class="coach-label" id="coach-examples">Ask about the interview, or start here</p>')
    with st.container(key="examples"):
        for number, question in enumerate(EXAMPLE_QUESTIONS, start=1):
            st.button(
                question,
                key=f"example_{number}",
                width="stretch",
                on_click=session.ask_next,
                args=(question,),
            )
    return place


def draw_sidebar(coach: Coach | None, *, of_ask: bool = False) -> None:
    """Who answers; on the Ask page before it a way to begin a new conversation."""
    with st.sidebar:
        if of_ask:
            st.button(
                "New conversation",
                key="new_conversation",
                icon=":material/add:",
                width="stretch",
                disabled=not session.exchanges(),
                on_click=session.start_over,
            )
        if coach is not None:
            # The model loads in the background: look again until it is known who answers.
            st.fragment(_draw_who_answers, run_every=None if _is_known(coach) else LOOK_AGAIN)(coach)
            # A fragment: opening it must not end the script that is answering.
            st.fragment(_draw_models)(coach)


def _draw_who_answers(coach: Coach) -> None:
    if coach.notice:
        st.info(coach.notice)
    if coach.leaves:
        st.warning(coach.leaves, icon=":material/outbound:")
    if coach.caution:
        st.warning(coach.caution)
    st.html(_who_answers(coach))


def _draw_models(coach: Coach) -> None:
    """What is here, asked of Ollama only when somebody looks."""
    place = st.expander("Models here", key="models_here", on_change="rerun")
    if place.open:
        with place:
            st.html(models_html(coach.models()))


def _is_known(coach: Coach) -> bool:
    return coach.model_name is not None or coach.backend == "none"


def newest_place(conversation: Sequence[Exchange]) -> AbstractContextManager[object]:
    """Where the newest exchange is drawn: with room below it once there is something above it."""
    return st.container(key="newest_exchange") if len(conversation) > 1 else nullcontext()


def bring_newest_into_view() -> None:
    """Scroll to the question that has just been asked."""
    st.html(_SCROLL_TO_NEWEST, unsafe_allow_javascript=True)


def draw_question(exchange: Exchange) -> None:
    """What was asked."""
    st.html(question_html(exchange.question))


def draw_exchange(exchange: Exchange) -> None:
    """A question and all that came of it."""
    draw_question(exchange)
    if exchange.error is not None:
        draw_extracted(exchange)
        draw_failure(exchange)
    elif exchange.reply is None:
        draw_extracted(exchange)
        draw_interruption(exchange)
    else:
        draw_reply(exchange)
        draw_making(exchange)


def draw_extracted(exchange: Exchange) -> None:
    """The sources' own sentences, if they were found."""
    if exchange.extracted is not None:
        st.html(answer_html(exchange.extracted, f"{exchange.key}-extracted"))


def draw_reply(exchange: Exchange) -> None:
    """The verified answer, or the refusal."""
    if exchange.reply is not None and (read_as := read_as_html(exchange.reply)):
        st.html(read_as)
    match exchange.reply:
        case Answer() as answer:
            st.html(answer_html(answer, f"{exchange.key}-reply"))
            if answer.mode == "extractive" and answer.trace.notes:
                st.html(notes_html(answer.trace.notes))
        case Refusal() as refusal:
            st.html(refusal_html(refusal))


def draw_making(exchange: Exchange) -> None:
    """The panel that opens the box: query, passages, model, times."""
    reply = exchange.reply
    if reply is None:
        return
    with st.expander("How this answer was made", key=f"making_{exchange.key}"):
        match reply:
            case Answer():
                st.html(trace_html(reply.trace, reply.passages, reply.grounding))
            case Refusal():
                st.html(trace_html(reply.trace, reply.nearest, None))


def draw_failure(exchange: Exchange) -> None:
    """What went wrong, with the question kept."""
    draw_error(exchange.error or "")
    with st.container(horizontal=True, key=f"after_error_{exchange.key}"):
        _again_button("Try again", exchange)
        st.button(
            "Edit the question",
            key=f"edit_{exchange.key}",
            on_click=_back_into_the_box,
            args=(exchange.question,),
        )


def draw_interruption(exchange: Exchange) -> None:
    """An exchange that was stopped before its reply was verified."""
    st.html('<p class="coach-note">This answer was stopped before it was finished and checked.</p>')
    _again_button("Answer it now", exchange)


def draw_error(message: str) -> None:
    """One clear sentence, its command as code."""
    st.html(error_html(message))


def _again_button(label: str, exchange: Exchange) -> None:
    st.button(label, key=f"again_{exchange.key}", on_click=session.ask_again, args=(exchange,))


def _back_into_the_box(question: str) -> None:
    st.session_state[QUESTION_BOX] = visible(question)


def _who_answers(coach: Coach) -> str:
    reason = f"<p>{with_code(coach.backend_reason)}</p>" if coach.backend_reason else ""
    match coach.model_name:
        case str() as name:
            place = _WHO_ANSWERS.get(coach.backend, coach.backend)
        case None if _is_known(coach):
            name, place = "The sources alone", "word for word, without a language model"
        case _:
            name, place = "The sources at once, a model soon", "it is still loading"
    return (
        '<div class="coach-state"><p class="coach-label">Answers by</p>'
        f"<p><strong>{escaped(name)}</strong><br>{escaped(place)}</p>{reason}</div>"
    )
