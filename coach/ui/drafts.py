"""The side bar's list of drafts, by the question they answer."""

from __future__ import annotations

import streamlit as st

from coach.errors import CoachError
from coach.jobs.worker import Worker
from coach.store.conversations import title_of
from coach.ui import components, critique_session
from coach.ui.deletion import draw_deletion
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
    draw_deletion(
        f"delete_drafts_{here.reading.key}",
        "Delete the drafts of this question",
        critique_session.delete_drafts,
        *(worker, here.reading),
        sure="Delete them for good",
        keep="Keep them",
        width="stretch",
    )
