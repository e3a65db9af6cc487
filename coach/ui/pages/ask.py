"""Ask a question, watch it being answered, open every source; what is asked goes on whether or not the page is open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from coach.errors import CoachError, UsageError
from coach.jobs.worker import Worker
from coach.settings import load_settings
from coach.store.conversations import Exchange
from coach.text.sanitize import clean_question
from coach.ui import components, conversations, outgoing, session
from coach.ui.format import question_html
from coach.ui.look_again import look_again

# In the session: a question that is shown as it leaves, and what is to be asked now, with the words that leave as they are.
TO_BE_SEEN, SEEN = "ask", "seen"
LOOK_AGAIN = 0.3  # seconds between looks at an answer that is being written


def render() -> None:
    """Draw the conversation; hand the question that has just been asked to the worker."""
    # Before the box is drawn: what need not be seen any more is put back into it.
    waiting = outgoing.waiting_texts(TO_BE_SEEN)
    typed = st.chat_input(
        "Ask about the GenAI PM interview", key=components.QUESTION_BOX, disabled=bool(waiting)
    )
    worker = session.current_worker()
    trouble = _hand_over(worker, (typed or session.waiting_question() or "").strip())
    exchanges, unread = _read(worker)
    promise = None
    if not exchanges and not waiting:
        promise = (
            components.draw_welcome()
        )  # before the coach is loaded: the page is there while the models wake
    _draw_exchanges(worker, exchanges)
    for question in waiting:
        st.html(question_html(question))
        outgoing.draw(TO_BE_SEEN, "Edit the question")
    components.draw_trouble(trouble or unread)

    coach, not_loaded = session.coach_or_trouble()
    with st.sidebar:
        if coach is not None:
            components.draw_where_to_search(coach)
        conversations.draw_list(worker)
    components.draw_sidebar(coach)
    if promise is not None and coach is not None and coach.leaves:
        components.draw_promise(promise, components.PROMISE_AWAY)
    if not exchanges:
        components.draw_trouble(not_loaded)


def _hand_over(worker: Worker, question: str) -> str:
    """Have the question answered, unless personal data would leave this machine with it: then it waits to be seen first."""
    if question:
        try:
            if _is_refused_anyway(question):
                _send(question, frozenset())
            else:
                give_back = partial(_give_back, question)
                outgoing.submit(TO_BE_SEEN, [question], partial(_send, question), give_back)
        except CoachError as error:
            components.draw_lost_question(question)
            return str(error)
        if SEEN not in st.session_state:
            st.rerun()
    seen = st.session_state.pop(SEEN, None)
    return _ask(worker, *seen) if seen else ""


def _send(question: str, unmasked: frozenset[str]) -> None:
    st.session_state[SEEN] = question, unmasked


def _give_back(question: str) -> None:
    components.put_back_into_the_box(question)


def _is_refused_anyway(question: str) -> bool:
    """Whether it is too long to be read: nothing of it leaves, and a pasted book is not searched for names."""
    try:
        clean_question(question, load_settings().max_question_characters)
    except UsageError:
        return True
    return False


def _ask(worker: Worker, question: str, unmasked: frozenset[str]) -> str:
    """What to tell the visitor where the question could not be kept."""
    try:
        exchange = worker.ask(
            question,
            session.conversation(),
            visitor=session.visitor(),
            collections=components.chosen_collections(),
            unmasked=unmasked,
        )
    except CoachError as error:
        components.draw_lost_question(question)
        return str(error)
    session.open_conversation(exchange.conversation)
    st.session_state["newest"] = exchange.id
    return ""


def _read(worker: Worker, since: int = 0) -> tuple[Sequence[Exchange], str]:
    """The conversation on the page from the position `since` on, or what to tell the visitor."""
    try:
        return (worker.exchanges(session.conversation(), since) if session.conversation() else ()), ""
    except CoachError as error:
        return (), str(error)


def _draw_exchanges(worker: Worker, exchanges: Sequence[Exchange]) -> None:
    """The answered ones as they stand; from the first that is still under way, and always the last, in a place that looks again.

    What is answered meanwhile stays in that place: a passage that is being read stays open, and no click is lost on the way.
    """
    if not exchanges:
        return
    first = next((place for place, one in enumerate(exchanges) if one.under_way), len(exchanges) - 1)
    for exchange in exchanges[:first]:
        components.draw_exchange(worker, exchange)
    with components.newest_place(exchanges):
        look_again(partial(_draw_newest, worker, exchanges[first].position))
        if st.session_state.pop("newest", None):
            components.bring_newest_into_view()


def _draw_newest(worker: Worker, since: int) -> float | None:
    """Seconds until the next look; None where there is nothing more to come."""
    # The answered ones before stand as they are: they are not read again.
    exchanges, trouble = _read(worker, since)
    components.draw_trouble(trouble)
    for exchange in exchanges:
        components.draw_exchange(worker, exchange, within_fragment=True)
    under_way = any(one.under_way for one in exchanges)
    return worker.pace(LOOK_AGAIN) if under_way or trouble else None


if __name__ == "__main__":
    render()
