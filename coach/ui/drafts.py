"""The side bar's list of drafts, by the question they answer."""

from __future__ import annotations

import streamlit as st

from coach.errors import CoachError
from coach.jobs.worker import Worker
from coach.store.conversations import title_of
from coach.ui import components, critique_session
from coach.ui.format import as_label

SHOWN = 30  # questions


def draw_list(worker: Worker) -> None:
    """A new draft, and the questions that drafts were handed in for, the latest first."""
    here = critique_session.desk()
    st.button(
        "New draft",
        key="new_draft",
        icon=":material/add:",
        width="stretch",
        disabled=here.reading is None,
        on_click=critique_session.start_over,
    )
    try:
        asked = worker.readings.questions()
    except CoachError as error:
        components.draw_error(str(error))
        return
    with st.container(key="drafts", gap=None):
        for one in asked[:SHOWN]:
            chosen = here.reading is not None and here.reading.question == one.question
            count = f" ({one.drafts} drafts)" if one.drafts > 1 else ""
            st.button(
                as_label(f"{title_of(one.question)}{count}"),
                key=f"drafts_{one.newest}",
                type="secondary" if chosen else "tertiary",
                width="stretch",
                on_click=critique_session.open_reading,
                args=(one.newest,),
            )
    if here.reading is None:
        return
    if st.session_state.get("drafts_deletion") == here.reading.key:
        st.button(
            "Delete them for good",
            key="delete_drafts_now",
            type="primary",
            width="stretch",
            on_click=critique_session.delete_drafts,
            args=(worker, here.reading),
        )
    else:
        st.button(
            "Delete the drafts of this question",
            key="delete_drafts",
            width="stretch",
            on_click=_ask_whether_to_delete,
            args=(here.reading.key,),
        )


def _ask_whether_to_delete(reading: str) -> None:
    st.session_state["drafts_deletion"] = reading
