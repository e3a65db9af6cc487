"""What the pages draw, and nothing they decide."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from coach.answer.path import NOTHING_SENT, cost_in_words
from coach.errors import CoachError
from coach.store.conversations import Exchange
from coach.store.readings import Reading
from coach.types import Answer, Refusal, Reply, Usage
from coach.ui import feedback, outgoing, own_cases, session
from coach.ui.format import (
    answer_html,
    caution_html,
    draft_html,
    error_html,
    escaped,
    models_html,
    notes_html,
    passages_html,
    question_html,
    read_as_html,
    refusal_html,
    step_html,
    visible,
    with_code,
)
from coach.ui.look_again import look_again
from coach.ui.path_format import path_html

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from coach.coach import Coach
    from coach.jobs.worker import Rewriting, Worker

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
NOTHING = '<div class="coach-unseen"></div>'  # keeps a part's place
NO_REPLY = {
    "stopped": "Stopped before the answer was finished and checked.",
    "unfinished": "The coach ended before this answer was finished and checked.",
    "withdrawn": "This answer quoted a document that has been deleted since, so it was deleted too.",
}

# In the session: the choice of collections, and with which key it was drawn and what it means to choose none there.
COLLECTIONS, DRAWN_COLLECTIONS = "ask_of", "ask_of_drawn"
HOSTED_PRICE = "hosted_price"  # in the session: per million tokens in and out, as it was typed last
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

# Streamlit opens the side bar the way it was left; where it covers the page, the next visit begins without it.
_FORGET_THE_SIDEBAR = """<div class="coach-unseen"><script>
addEventListener('pagehide', () => {
  if (innerWidth > 768) return;
  Object.keys(localStorage).filter((key) => key.startsWith('stSidebarCollapsed'))
    .forEach((key) => localStorage.removeItem(key));
});
</script></div>"""

# A page with a chat box follows its end, so what is opened there would be seen from its last line. Streamlit 1.67 moves by setting
# `scrollTop`: that is left without effect from the click until the reader scrolls, by which it stops following.
_STAY_WHERE_SOMETHING_OPENS = """<div class="coach-unseen"><script>
(() => {
  if (window.coachStays) return;
  window.coachStays = true;
  document.addEventListener('click', (event) => {
    const page = event.target.closest('.stMain');
    if (!page || !event.target.closest('summary')) return;
    const get = () => Math.round(Object.getOwnPropertyDescriptor(Element.prototype, 'scrollTop').get.call(page));
    Object.defineProperty(page, 'scrollTop', {configurable: true, get, set: () => {}});
    page.addEventListener('scroll', () => { delete page.scrollTop; }, {once: true});
  }, true);
})();
</script></div>"""


def draw_stylesheet() -> None:
    """Our few styles on top of the theme; colours follow light and dark by themselves."""
    st.html(Path(__file__).with_name("style.css"))
    st.html(_FORGET_THE_SIDEBAR, unsafe_allow_javascript=True)
    st.html(_STAY_WHERE_SOMETHING_OPENS, unsafe_allow_javascript=True)


def load_coach() -> Coach | None:
    """The Coach; where it cannot be loaded, why not is drawn, and None comes back."""
    coach, trouble = session.coach_or_trouble()
    draw_trouble(trouble)
    return coach


def draw_trouble(trouble: str) -> None:
    """Why something could not be loaded, and a way to try again; nothing where there is no trouble."""
    if trouble:
        draw_error(trouble)
        st.button("Try again", key="load_again")


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


def draw_sidebar(coach: Coach | None) -> None:
    """Who answers."""
    if coach is None:
        return
    with st.sidebar:
        # The model loads in the background: look again until it is known who answers.
        look_again(partial(_draw_who_answers, coach))
        # A fragment: opening it must not draw the whole page anew.
        st.fragment(_draw_models)(coach)


def draw_where_to_search(coach: Coach) -> None:
    """A choice of collections, once there are documents of the user's beside the article."""
    found = coach.collections()
    if len(found) < 2:
        return
    labels = {one.name: one.label for one in found}
    # Another key when the setting changes: the choice then begins with it anew.
    key = "_".join([COLLECTIONS, *coach.default_collections])
    st.session_state[DRAWN_COLLECTIONS] = key, tuple(labels) if coach.default_collections else ()
    st.pills(
        "Ask of",
        list(labels),
        selection_mode="multi",
        default=coach.default_collections,
        format_func=lambda name: labels.get(name, name),
        key=key,
        help="None chosen: all of them.",
        persist_state="session",
    )


def chosen_collections() -> tuple[str, ...]:
    """The collections to search; empty for those that the settings name."""
    key, every = st.session_state.get(DRAWN_COLLECTIONS, (COLLECTIONS, ()))
    return tuple(st.session_state.get(key) or every)


def _draw_who_answers(coach: Coach) -> float | None:
    said = filter(None, (coach.notice, coach.leaves, coach.caution, coach.missing_collections))
    st.html("".join(map(caution_html, said)) + _who_answers(coach))
    return None if _is_known(coach) else LOOK_AGAIN


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


def draw_exchange(worker: Worker, exchange: Exchange, *, within_fragment: bool = False) -> None:
    """A question and all that has come of it; `within_fragment` where it is drawn by one.

    Every part has its place, filled or not: what is drawn again as it was stays, so a passage that is being read stays open.
    """
    st.html(question_html(exchange.question))
    with st.container(horizontal=True, key=f"progress_{exchange.id}", vertical_alignment="center"):
        if exchange.under_way:
            st.html(step_html(step_of(worker, exchange)))
            st.button("Stop", key=f"stop_{exchange.id}", on_click=worker.stop, args=(exchange.id,))
    reply, draft, passages = NOTHING, NOTHING, NOTHING
    if exchange.extracted is not None:
        reply = answer_html(exchange.extracted, f"{exchange.id}-extracted", with_passages=False)
        passages = passages_html(exchange.extracted, f"{exchange.id}-extracted")
    if exchange.reply is not None:
        reply = reply_html(exchange.reply, exchange.id)
    elif exchange.under_way and exchange.said:
        draft = draft_html(exchange.said)
    for part in (reply, draft, passages):
        st.html(part)
    with st.container():
        if exchange.reply is not None:
            given = feedback.draw_thumbs(exchange.id)
            if given is not None and not given.useful:
                own_cases.draw_reply_case(exchange.id)
            # A fragment: opening it, or typing a price, must not draw the whole page anew. Never one within another: of two runs that
            # the browser has not had yet, Streamlit 1.67 drops the first but for its inner fragment, and the page breaks.
            draw_making = _draw_making if within_fragment else st.fragment(_draw_making)
            draw_making(exchange.reply, exchange.id)
        elif not exchange.under_way:
            _draw_failure(exchange)


def reply_html(reply: Reply, key: str) -> str:
    """The verified answer, or the refusal, with how the question was read."""
    match reply:
        case Answer() as answer:
            notes = notes_html(answer.trace.notes) if answer.mode == "extractive" else ""
            return read_as_html(reply) + answer_html(answer, f"{key}-reply") + notes
        case Refusal() as refusal:
            return read_as_html(reply) + refusal_html(refusal)


def step_of(worker: Worker, job: Exchange | Reading | Rewriting) -> str:
    """What is being done for a question, a draft or a rewrite, or what it waits for."""
    ahead = worker.ahead(job.id)
    if ahead:
        return f"Waiting for the model: {ahead} before this one"
    return job.step or "Waiting for the one before it"


def _draw_making(reply: Reply, key: str) -> None:
    """The panel that opens the box: the path of this one question, drawn when somebody looks."""
    place = st.expander("How this answer was made", key=f"making_{key}", on_change="rerun")
    if not place.open:
        return
    with place:
        st.html(path_html(reply))
        if reply.trace.usage is not None:
            _draw_cost(reply.trace.usage, key)


def _draw_cost(usage: Usage, key: str) -> None:
    """What the same tokens would have taken at a price that the user types in, kept in the session."""
    prices = st.session_state.setdefault(HOSTED_PRICE, {"in": 0.0, "out": 0.0})
    st.html('<p class="coach-label">Hosted price per million tokens (in / out)</p>')
    with st.container(horizontal=True, key=f"price_{key}"):
        for name, price in prices.items():
            field = f"price_{name}_{key}"
            st.session_state[field] = price  # the one typed last, under whichever reply
            st.number_input(
                f"Price {name}",
                min_value=0.0,
                max_value=1e6,
                step=0.5,
                key=field,
                on_change=_keep_price,
                args=(name, field),
            )
    said = cost_in_words(usage, prices["in"], prices["out"]) if any(prices.values()) else NOTHING_SENT
    st.html(f'<p class="coach-note" role="status">{escaped(said)}</p>')


def _keep_price(name: str, field: str) -> None:
    st.session_state[HOSTED_PRICE][name] = st.session_state[field]


def _draw_failure(exchange: Exchange) -> None:
    """Why there is no checked reply, with the question kept; it is asked again as it was asked first, seen before it leaves."""
    key = f"again_{exchange.id}"
    if exchange.state == "failed":
        draw_error(exchange.error)
    else:
        st.html(f'<p class="coach-note">{NO_REPLY[exchange.state]}</p>')
    if note := st.session_state.pop(f"note_{key}", ""):
        draw_error(note)
    if outgoing.draw(key, "Not now"):
        return
    with st.container(horizontal=True, key=f"after_{exchange.id}"):
        st.button("Ask again", key=key, on_click=_ask_again, args=(exchange, key))
        st.button(
            "Edit the question",
            key=f"edit_{exchange.id}",
            on_click=put_back_into_the_box,
            args=(exchange.question,),
        )


def _ask_again(exchange: Exchange, key: str) -> None:
    def send(unmasked: frozenset[str]) -> None:
        session.current_worker().ask_again(exchange, visitor=session.visitor(), unmasked=unmasked)

    try:
        outgoing.submit(key, [exchange.question], send)
    except CoachError as error:
        st.session_state[f"note_{key}"] = str(error)


def draw_lost_question(question: str) -> None:
    """A question that could not be kept, with a way back into the box."""
    st.html(question_html(question))
    st.button("Edit the question", key="edit_lost", on_click=put_back_into_the_box, args=(question,))


def draw_error(message: str) -> None:
    """One clear sentence, its command as code."""
    st.html(error_html(message))


def put_back_into_the_box(question: str) -> None:
    """Let a question be written on."""
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
