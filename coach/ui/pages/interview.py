"""Rehearse an interview: be asked, be probed, say what you think of it yourself, and read what the committee would say."""

from __future__ import annotations

from functools import partial

import streamlit as st

from coach.errors import CoachError
from coach.jobs.worker import Worker
from coach.practice.interview import Interview
from coach.ui import components, interview_components, interview_session, outgoing, session
from coach.ui.look_again import look_again

LOOK_AGAIN = 0.5  # seconds between looks at an interviewer who thinks


def render() -> None:
    """The way in, the interview as far as it is, or its debrief."""
    worker = session.current_worker()
    found, trouble = interview_session.current(worker)
    if found is None:
        interview_components.draw_welcome()
    coach, not_loaded = session.coach_or_trouble()
    with st.sidebar:
        interview_components.draw_list(worker, found)
    components.draw_sidebar(coach)
    components.draw_trouble(trouble or not_loaded)
    if coach is None or found is None or found.ended_at:
        _draw_note()
    if coach is None:
        return
    if found is None:
        interview_components.draw_form(coach, worker)
    elif not found.ended_at:
        _draw_round(worker, found)
    elif interview_session.is_unrated(found):
        interview_components.draw_own_rating(worker, found)
    else:
        _draw_debrief(worker, found)


def _draw_round(worker: Worker, found: Interview) -> None:
    if found.waits_for_reaction:
        worker.interviews.go_on(found.id, visitor=session.visitor())  # nothing happens where it is going on
    look_again(partial(_draw_transcript, worker, found))
    if not outgoing.draw(interview_session.TO_BE_SEEN, "Edit the reply"):
        interview_components.draw_reply_box(worker, found)
    _draw_note()  # beside what it speaks of


def _draw_note() -> None:
    if note := st.session_state.pop(interview_session.NOTE, ""):
        components.draw_error(note)


def _draw_transcript(worker: Worker, before: Interview) -> float | None:
    """The clock, and what was said to the question so far."""
    try:
        found = worker.interviews.interviews.get(before.id)
    except CoachError as error:
        components.draw_error(str(error))
        return None
    if found.waits_for_reaction != before.waits_for_reaction or found.ended_at:
        st.rerun()
    interview_components.draw_clock(found)
    interview_components.draw_said(found)
    if trouble := worker.interviews.trouble(found.id):
        components.draw_error(trouble)
        return None
    if found.waits_for_reaction:
        interview_components.draw_thinking()
        return worker.pace(LOOK_AGAIN)
    return interview_components.CLOCK_SECONDS


def _draw_debrief(worker: Worker, found: Interview) -> None:
    if _is_read(found):
        interview_components.draw_debrief(session.current_coach(), found)
        return
    worker.interviews.go_on(found.id, visitor=session.visitor())
    look_again(partial(_draw_committee, worker, found.id))


def _is_read(found: Interview) -> bool:
    return all(one.is_judged for one in found.asked if one.answer)


def _draw_committee(worker: Worker, identity: str) -> float | None:
    """How far the committee is."""
    try:
        found = worker.interviews.interviews.get(identity)
    except CoachError as error:
        components.draw_error(str(error))
        return None
    if trouble := worker.interviews.trouble(identity):
        components.draw_error(trouble)
        return None
    if _is_read(found):
        st.rerun()
    interview_components.draw_reading(found)
    return worker.pace(LOOK_AGAIN)


if __name__ == "__main__":
    render()
