"""What the coach has read, and who answers from it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from coach.errors import CoachError
from coach.jobs.worker import UNFORESEEN
from coach.pace import Pace
from coach.types import Document
from coach.ui import components, session
from coach.ui.format import documents_html, lines_html, state_html, step_html

if TYPE_CHECKING:
    from coach.coach import Coach

_log = logging.getLogger(__name__)


def render() -> None:
    """Draw the indexed documents and the state of index and model."""
    st.html(
        '<header class="coach-welcome"><h1>Library</h1>'
        "<p>What the coach has read. Answers come from these texts and from nowhere else.</p></header>"
    )
    coach = _load_coach()
    components.draw_sidebar(coach)
    if coach is None:
        return
    st.button("Read the sources again", key="ingest", icon=":material/refresh:", on_click=_ask_to_ingest)
    if st.session_state.pop("ingest_wanted", False):
        _ingest(coach)
    _draw_state(coach)


def _load_coach() -> Coach | None:
    try:
        return session.current_coach()
    except CoachError as error:
        components.draw_error(str(error))
    except Exception:
        _log.exception("The coach could not be loaded.")
        components.draw_error(UNFORESEEN)
    st.button("Try again", key="load_again")
    return None


def _ask_to_ingest() -> None:
    st.session_state["ingest_wanted"] = True


def _ingest(coach: Coach) -> None:
    place, pace = st.empty(), Pace()

    def progress(step: str, done: int, total: int) -> None:
        with place.container():
            st.html(step_html(pace(step, done, total)))
            st.progress(min(done / total, 1.0) if total else 0.0)

    progress("Reading the sources", 0, 1)
    try:
        report = coach.ingest(progress=progress)
    except CoachError as error:
        with place:
            components.draw_error(str(error))
    except Exception:
        _log.exception("The sources could not be read again.")
        with place:
            components.draw_error(UNFORESEEN)
    else:
        place.html(lines_html("The sources have been read again", report.lines()))


def _draw_state(coach: Coach) -> None:
    documents: Sequence[Document] = coach.documents() if coach.index is not None else ()
    st.html(
        state_html(
            documents=len(documents),
            passages=0 if coach.index is None else len(coach.index),
            embedder="" if coach.index is None else coach.index.embedder_name,
            model=coach.model_name,
            backend=coach.backend,
            backend_reason=coach.backend_reason,
        )
    )
    st.html(documents_html(documents))


if __name__ == "__main__":
    render()
