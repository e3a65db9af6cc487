"""What one visitor's Interview page remembers: which interview is open, and the reply that is being written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from coach.errors import CoachError
from coach.practice.interview import Candidate, Interview, Recommendation
from coach.settings import load_settings
from coach.store.fields import FieldStore
from coach.ui import outgoing, session

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.jobs.worker import Worker

INTERVIEW = "interview"  # in the page's address
REPLY = "interview_reply"  # the field's key; what stands in it outlives the page
LEVEL, ROUNDS, QUESTIONS = "interview_level", "interview_rounds", "interview_questions"
FROM_DOCUMENTS = "interview_from_documents"
NOTE, TO_BE_SEEN = "interview_note", "interview_to_be_seen"
_UNRATED = "interview_skipped"  # ids of those whose rating the candidate passed over
NO_WORDS = "There is no reply yet: type one, or end the interview."


def current(worker: Worker) -> tuple[Interview | None, str]:
    """The interview that the address names, or None and what to tell the visitor."""
    identity = st.query_params.get(INTERVIEW) or st.session_state.get(INTERVIEW, "")
    if not identity:
        return None, ""
    try:
        found = worker.interviews.interviews.get(identity)
    except CoachError as error:
        open_interview("")
        return None, str(error)
    open_interview(identity)
    if REPLY not in st.session_state:
        st.session_state[REPLY] = _kept_reply()
    return found, ""


def open_interview(identity: str) -> None:
    """Show this interview, or with an empty `identity` the way in."""
    st.session_state[INTERVIEW] = identity
    if identity:
        st.query_params[INTERVIEW] = identity
    else:
        st.query_params.pop(INTERVIEW, None)


def begin(coach: Coach, worker: Worker, *, five_minutes: bool) -> None:
    """Begin an interview as the form says."""
    candidate: Candidate = st.session_state.get(LEVEL) or "senior"
    try:
        begun = worker.interviews.interviews.begin(
            candidate,
            rubric=coach.rubrics()[0].name,
            chosen=st.session_state.get(ROUNDS) or (),
            questions=int(st.session_state.get(QUESTIONS) or 1),
            five_minutes=five_minutes,
            from_documents=bool(st.session_state.get(FROM_DOCUMENTS)),
        )
    except CoachError as error:
        st.session_state[NOTE] = str(error)
        return
    open_interview(begun.id)


def say(worker: Worker, identity: str) -> None:
    """Give the interviewer what was typed; where personal data would leave this machine with it, it is shown first."""
    said = str(st.session_state.get(REPLY) or "")
    if not said.strip():
        st.session_state[NOTE] = NO_WORDS
        return
    try:
        outgoing.submit(TO_BE_SEEN, [said], partial(_say, worker, identity, said))
    except CoachError as error:
        st.session_state[NOTE] = str(error)


def _say(worker: Worker, identity: str, said: str, unmasked: frozenset[str]) -> None:
    try:
        worker.interviews.say(identity, said, visitor=session.visitor(), unmasked=unmasked)
    except CoachError as error:
        st.session_state[NOTE] = str(error)
        return
    st.session_state[REPLY] = ""
    keep_reply()


def keep_reply() -> None:
    """Keep what is being written, so that it outlives the page."""
    try:
        FieldStore(load_settings().home).keep({REPLY: str(st.session_state.get(REPLY) or "")})
    except CoachError as error:
        st.session_state[NOTE] = str(error)


def leave(worker: Worker, identity: str) -> None:
    """End it before its time."""
    try:
        worker.interviews.leave(identity, visitor=session.visitor())
    except CoachError as error:
        st.session_state[NOTE] = str(error)


def delete(worker: Worker, identity: str) -> None:
    """Delete it for good."""
    try:
        worker.interviews.interviews.delete(identity)
    except CoachError as error:
        st.session_state[NOTE] = str(error)
        return
    open_interview("")


def is_unrated(found: Interview) -> bool:
    """Whether the candidate has neither rated a round nor passed it over."""
    return any(name not in found.own for name in found.rounds) and found.id not in st.session_state.get(
        _UNRATED, ()
    )


def rate(worker: Worker, found: Interview) -> None:
    """Keep the ratings that were given; those that were not are passed over."""
    own: dict[str, Recommendation] = {
        name: said for name in found.rounds if (said := st.session_state.get(f"own_{found.id}_{name}"))
    }
    st.session_state[_UNRATED] = {*st.session_state.get(_UNRATED, ()), found.id}
    try:
        worker.interviews.interviews.rate(found.id, own)
    except CoachError as error:
        st.session_state[NOTE] = str(error)


def _kept_reply() -> str:
    try:
        return FieldStore(load_settings().home).all().get(REPLY, "")
    except CoachError:
        return ""
