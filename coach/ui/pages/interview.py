"""Rehearse an interview: be asked, be probed, say what you think of it yourself, and read what the committee would say."""

from __future__ import annotations

import streamlit as st

from coach.errors import CoachError
from coach.jobs.worker import Worker
from coach.practice.interview import Interview
from coach.ui import components, interview_components, interview_session, session

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
    if note := st.session_state.pop(interview_session.NOTE, ""):
        components.draw_error(note)
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
    thinking = found.waits_for_reaction
    if thinking:
        worker.interviews.go_on(found.id, visitor=session.visitor())  # nothing happens where it is going on
    st.fragment(interview_components.draw_clock, run_every=interview_components.CLOCK_SECONDS)(found)
    pace = worker.pace(LOOK_AGAIN) if thinking else None
    st.fragment(_draw_transcript, run_every=pace)(worker, found)
    if interview_session.TO_BE_SEEN in st.session_state:
        interview_components.draw_outgoing(worker, found)
    else:
        interview_components.draw_reply_box(worker, found)


def _draw_transcript(worker: Worker, before: Interview) -> None:
    """What was said to the question so far; looks again while the interviewer thinks."""
    try:
        found = worker.interviews.interviews.get(before.id)
    except CoachError as error:
        components.draw_error(str(error))
        return
    if found.waits_for_reaction != before.waits_for_reaction:
        st.rerun()
    interview_components.draw_said(found)
    if trouble := worker.interviews.trouble(found.id):
        components.draw_trouble(trouble)
    elif found.waits_for_reaction:
        interview_components.draw_thinking()


def _draw_debrief(worker: Worker, found: Interview) -> None:
    reading = not all(one.is_judged for one in found.asked if one.answer)
    if reading:
        worker.interviews.go_on(found.id, visitor=session.visitor())
    st.fragment(_draw_committee, run_every=worker.pace(LOOK_AGAIN) if reading else None)(
        worker, found, reading
    )


def _draw_committee(worker: Worker, before: Interview, reading: bool) -> None:
    """How far the committee is, then its debrief."""
    try:
        found = worker.interviews.interviews.get(before.id)
        if trouble := worker.interviews.trouble(found.id):
            components.draw_trouble(trouble)
            return
        if not all(one.is_judged for one in found.asked if one.answer):
            interview_components.draw_reading(found)
            return
        if reading:
            st.rerun()
        interview_components.draw_debrief(session.current_coach(), found)
    except CoachError as error:
        components.draw_error(str(error))


if __name__ == "__main__":
    render()
