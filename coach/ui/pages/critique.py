"""Hand in a draft, watch the committee read it, work on it, and hand it in again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from coach.critique.flow import Critiqued, Judged
from coach.errors import CoachError
from coach.jobs.worker import UNFORESEEN
from coach.types import Rubric, StepStarted
from coach.ui import components, critique_components, critique_session, session
from coach.ui.critique_form import draw_form
from coach.ui.critique_format import reading_html
from coach.ui.critique_session import Desk, Reading

if TYPE_CHECKING:
    from coach.coach import Coach

_log = logging.getLogger(__name__)


def render() -> None:
    """Draw the form, or the newest reading; read the draft that has just been handed in."""
    here = critique_session.desk()
    new = critique_session.next_waiting()
    reading = here.reading
    if reading is None:
        critique_components.draw_welcome()  # before the coach is loaded: the page is there while the models wake
    else:
        critique_components.draw_question(reading)
    coach, rubrics, trouble = _load()
    components.draw_sidebar(coach)
    if trouble and new is None:
        components.draw_error(trouble)
        st.button("Try again", key="load_again")
    if reading is None:
        draw_form(here, rubrics)
    elif new is not None and coach is not None:
        _read(coach, new)
        st.rerun()
    else:
        if new is not None:
            new.error = trouble
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
        critique_components.draw_unfinished(reading)
    critique_components.draw_summary(reading)
    comparison = critique_components.draw_comparison(here, reading)
    with st.container(key=critique_components.SCOPE):
        left, right = st.columns([5, 6], gap="large")
        with left, st.container(key=critique_components.DRAFT_SIDE):
            if here.editing:
                critique_components.bring_draft_into_view(here)
                draw_form(here, rubrics)
            else:
                st.html(critique_components.draft_side_html(reading, comparison))
                critique_components.draw_draft_actions(reading, comparison)
        with right:
            critique_components.draw_verdicts(coach, here, reading)


def _read(coach: Coach, reading: Reading) -> None:
    """Read the draft on screen, verdict by verdict; what has been judged stays, whatever happens."""
    components.bring_newest_into_view()
    with st.container(horizontal=True, key="critique_progress", vertical_alignment="center"):
        step = st.empty()
        # Pressing it starts the page anew, which ends this reading with the verdict in hand.
        st.button("Stop", key="critique_stop")
    step.html(reading_html("Reading the draft"))
    with st.container(key=critique_components.SCOPE):
        left, right = st.columns([5, 6], gap="large")
        with left, st.container(key=critique_components.DRAFT_SIDE):
            draft = st.empty()
        with right:
            slots = critique_components.draw_waiting(reading)
    draft.html(critique_components.draft_side_html(reading))
    try:
        for event in coach.critique(
            reading.draft, reading.question, kind=reading.kind, rubric=reading.rubric.name
        ):
            match event:
                case StepStarted(name=name):
                    step.html(reading_html(name))
                case Judged(verdict=verdict):
                    reading.verdicts.append(verdict)
                    critique_components.draw_judged(coach, reading, verdict, slots)
                    draft.html(critique_components.draft_side_html(reading))
                case Critiqued(critique=critique):
                    reading.critique = critique
    except CoachError as error:
        reading.error = str(error)
    except Exception:
        _log.exception("The draft could not be read.")
        reading.error = UNFORESEEN


if __name__ == "__main__":
    render()
