"""The side bar's list of drafts, by the question they answer."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from coach.errors import CoachError
from coach.jobs.worker import Worker
from coach.settings import load_settings
from coach.store.conversations import title_of
from coach.store.critiques import CritiqueStore, KeptDraft
from coach.ui import components, critique_session
from coach.ui.deletion import draw_deletion
from coach.ui.format import as_label

SHOWN, SHOWN_ELSEWHERE = 30, 10  # questions


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
        elsewhere = _judged_elsewhere({" ".join(one.question.split()) for one in asked})
    except CoachError as error:
        components.draw_error(str(error))
        return
    with st.container(key="drafts", gap=None):
        for kept in elsewhere[:SHOWN_ELSEWHERE]:
            st.button(
                as_label(title_of(kept.question)),
                key=f"drafts_kept_{kept.id}",
                type="tertiary",
                width="stretch",
                on_click=critique_session.open_kept,
                args=(kept.id,),
            )
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


def _judged_elsewhere(known: Collection[str]) -> list[KeptDraft]:
    """The newest draft of each question that no draft of this page answers, the latest first."""
    newest: dict[str, KeptDraft] = {}
    for one in CritiqueStore(load_settings().home).judged_elsewhere():
        if one.question not in known:
            newest.setdefault(one.question, one)
    return list(newest.values())
