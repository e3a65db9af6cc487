"""The form of the Critique page: the question, its kind, and the draft, typed or uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from coach.practice.bank import likely_kind
from coach.types import Rubric
from coach.ui import components, critique_session, outgoing
from coach.ui.critique_session import Desk

if TYPE_CHECKING:
    from coach.coach import Coach

EXAMPLE_QUESTIONS = (
    "How would you design a generative AI feature that answers customer-support questions for an online shop?",
    "Should our company build its own language model or buy one? Walk us through your strategy.",
    "When would you choose RAG over fine-tuning, and what do you give up?",
    "How would you measure whether an AI writing assistant is good enough to launch?",
    "How would you keep a model that screens job applications from harming people?",
    "Tell me about a time you shipped a product that relied on machine learning.",
)


def draw_form(coach: Coach | None, here: Desk, rubrics: Sequence[Rubric]) -> None:
    """The question, its kind, and the draft; without the coach nothing can be handed in. A draft with which personal data would
    leave this machine is shown first."""
    if outgoing.draw(critique_session.TO_BE_SEEN, "Edit the draft"):
        return
    _kept_text("The interview question", critique_session.QUESTION, height=80)
    with st.container(horizontal=True, key="critique_choices", vertical_alignment="bottom"):
        st.selectbox(
            "Or pick an example",
            EXAMPLE_QUESTIONS,
            index=None,
            placeholder="Example questions",
            key="critique_example",
            on_change=critique_session.use_example,
            args=("critique_example",),
        )
        rubric = _draw_rubric(rubrics)
        if rubric is not None:
            _draw_kind(rubric)
    _kept_text("Your draft answer", critique_session.DRAFT, height=320)
    st.file_uploader(
        "Or upload it as a text file (.txt or .md)",
        type=["txt", "md"],
        max_upload_size=critique_session.UPLOAD_MEGABYTES,
        key="critique_upload",
        on_change=critique_session.take_upload,
        args=("critique_upload",),
    )
    if here.put_aside is not None:
        st.button(
            "Bring back the draft it replaced",
            key="critique_bring_back",
            on_click=critique_session.bring_back,
        )
    if here.note:
        components.draw_error(here.note)
    with st.container(horizontal=True, key="critique_submit_row"):
        st.button(
            "Read it as the committee",
            key="critique_submit",
            type="primary",
            disabled=rubric is None or coach is None,
            on_click=critique_session.submit,
            args=(rubric,),
        )
        if here.readings:
            st.button(
                "Back to the critique", key="critique_back", on_click=critique_session.edit, args=(False,)
            )


def _draw_rubric(rubrics: Sequence[Rubric]) -> Rubric | None:
    if len(rubrics) > 1:
        titles = {rubric.name: rubric.title for rubric in rubrics}
        st.selectbox(
            "Rubric",
            list(titles),
            format_func=lambda name: titles.get(name, name),
            key=critique_session.RUBRIC,
            persist_state="session",
        )
    return critique_session.chosen_rubric(rubrics)


def _draw_kind(rubric: Rubric) -> None:
    question = critique_session.typed(critique_session.QUESTION).strip()
    # The guess stands in the label: an option whose words change would lose what was chosen.
    guess = f" (guess: {rubric.kinds[likely_kind(question, rubric)]})" if question else ""
    st.selectbox(
        f"Kind of question{guess}",
        ["", *rubric.kinds],
        format_func=lambda kind: rubric.kinds.get(kind, "As guessed from the question"),
        key=critique_session.KIND,
        persist_state="session",
    )


def _kept_text(label: str, key: str, *, height: int) -> None:
    st.text_area(
        label, key=key, height=height, persist_state="session", on_change=critique_session.keep_fields
    )
