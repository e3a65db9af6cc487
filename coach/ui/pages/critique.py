"""Hand in a draft, watch the committee read it, work on it, and hand it in again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from coach.errors import CoachError
from coach.jobs.reading import UNFORESEEN
from coach.jobs.worker import Worker
from coach.types import Rubric
from coach.ui import components, critique_components, critique_session, drafts, session
from coach.ui.critique_form import draw_form
from coach.ui.critique_session import Desk, Reading
from coach.ui.format import step_html
from coach.ui.look_again import look_again
from coach.ui.practice_queue import draw_practised

if TYPE_CHECKING:
    from coach.coach import Coach

_log = logging.getLogger(__name__)


LOOK_AGAIN = 0.5  # seconds between looks at a draft that is being read


def render() -> None:
    """Draw the form, or the newest reading as far as it is."""
    here = critique_session.desk()
    worker = session.current_worker()
    if here.reading is None and critique_session.READING not in st.query_params:
        critique_components.draw_welcome()  # before the coach is loaded: the page is there while the models wake
    coach, rubrics, trouble = _load()
    try:
        critique_session.come_back(worker, rubrics)
        if here.reading is not None:
            critique_session.refresh(worker, here.reading)
    except CoachError as error:
        trouble = str(error)
    reading = here.reading
    if here.practised is not None:
        draw_practised(here.practised, read=reading is not None)
    if reading is not None:
        st.query_params[critique_session.READING] = reading.key
        critique_components.draw_question(reading)
    with st.sidebar:
        drafts.draw_list(worker)
    components.draw_sidebar(coach)
    if trouble:
        components.draw_error(trouble)
        st.button("Try again", key="load_again")
    if reading is None:
        draw_form(coach, here, rubrics)
    elif reading.kept.under_way:
        components.bring_newest_into_view()
        look_again(partial(_draw_live, coach, worker, reading))
    else:
        _draw_reading(coach, here, reading, rubrics)


def _load() -> tuple[Coach | None, Sequence[Rubric], str]:
    """The Coach and its rubrics, or what to tell the visitor."""
    try:
        coach = session.current_coach()
        return coach, coach.rubrics(), ""
    except CoachError as error:
        return None, (), str(error)
    except Exception:
        _log.exception("The coach could not be loaded.")
        return None, (), UNFORESEEN


def _draw_reading(coach: Coach | None, here: Desk, reading: Reading, rubrics: Sequence[Rubric]) -> None:
    if reading.critique is None:
        critique_components.draw_unfinished(here, reading)
    critique_components.draw_summary(reading)
    comparison = critique_components.draw_comparison(here, reading)
    with st.container(key=critique_components.SCOPE):
        left, right = st.columns([5, 6], gap="large")
        with left, st.container(key=critique_components.DRAFT_SIDE):
            if here.editing:
                critique_components.bring_draft_into_view(here)
                draw_form(coach, here, rubrics)
            else:
                st.html(critique_components.draft_side_html(reading, comparison))
                critique_components.draw_draft_actions(reading, comparison)
        with right:
            critique_components.draw_verdicts(coach, here, reading)


def _draw_live(coach: Coach | None, worker: Worker, reading: Reading) -> float:
    """The draft being read, verdict by verdict, and how soon to look again; it is read on whether or not anybody looks."""
    try:
        critique_session.refresh(worker, reading)
    except CoachError as error:
        components.draw_error(str(error))
        return worker.pace(LOOK_AGAIN)
    if not reading.kept.under_way:
        st.rerun()
    with st.container(horizontal=True, key="critique_progress", vertical_alignment="center"):
        st.html(step_html(components.step_of(worker, reading.kept)))
        st.button("Stop", key="critique_stop", on_click=worker.stop, args=(reading.key,))
    with st.container(key=critique_components.SCOPE):
        left, right = st.columns([5, 6], gap="large")
        with left, st.container(key=critique_components.DRAFT_SIDE):
            st.html(critique_components.draft_side_html(reading))
        with right:
            critique_components.draw_verdicts_so_far(coach, reading)
    return worker.pace(LOOK_AGAIN)


if __name__ == "__main__":
    render()
