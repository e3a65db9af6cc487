"""See where you stand, practise what is due, keep your stories, and take all of it along."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from coach.errors import CoachError
from coach.standing import brought_words
from coach.ui import components, critique_session
from coach.ui.practice_queue import draw_queue
from coach.ui.readiness_map import draw_map, draw_overruled, draw_trends
from coach.ui.story_bank import draw_stories

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.standing import ExportForm

NOTE = "progress_note"
_FORMS: dict[ExportForm, tuple[str, str]] = {
    "md": ("Markdown", "text/markdown"),
    "json": ("JSON", "application/json"),
    "csv": ("CSV", "text/csv"),
    "apkg": ("Anki cards", "application/octet-stream"),
}


def render() -> None:
    """The queue first: it is what to do; then the map, the stories, and what can be taken along."""
    st.html(
        '<header class="coach-welcome"><h1>Progress</h1><p>Where you stand with the committee, criterion by round, and what to practise '
        "next. It is practice, not a hiring decision.</p></header>"
    )
    coach = components.load_coach()
    components.draw_sidebar(coach)
    if coach is None:
        return
    try:
        _draw_standing(coach)
    except CoachError as error:
        components.draw_error(str(error))
    st.html('<h2 class="coach-part">Your stories</h2>')
    draw_stories(coach)
    st.html('<h2 class="coach-part">Take it along</h2>')
    _draw_taking_along(coach)


def _draw_standing(coach: Coach) -> None:
    found, queue = coach.readiness(), coach.practice_queue()
    st.html('<h2 class="coach-part">Practise next</h2>')
    draw_queue(queue)
    st.html('<h2 class="coach-part">Where you stand</h2>')
    if not found.drafts:
        st.html(
            '<p class="coach-note">No draft has been judged yet. Hand one in on the Critique page: each verdict on it counts here.</p>'
        )
        if st.button("Go to the Critique page", key="progress_critique"):
            st.switch_page(critique_session.PAGE)
        return
    draw_map(coach, found)
    st.html('<h2 class="coach-part">What changed</h2>')
    draw_trends(found)
    draw_overruled(found.overruled, found)


def _draw_taking_along(coach: Coach) -> None:
    st.html(
        '<p class="coach-note">Your progress, cards, stories and drafts with their verdicts. The JSON can be brought back here, on this '
        "machine or another; the cards are for Anki.</p>"
    )
    with st.container(horizontal=True, key="progress_downloads"):
        for form, (label, mime) in _FORMS.items():
            st.download_button(
                label,
                partial(coach.export_progress, form),
                file_name=f"progress.{form}",
                mime=mime,
                key=f"progress_{form}",
                on_click="ignore",
            )
    with st.expander("Bring an export back", key="progress_bring_back"):
        st.file_uploader(
            "A JSON file that was downloaded here",
            key="progress_upload",
            on_change=_bring_back,
            args=(coach,),
        )
        if note := st.session_state.pop(NOTE, ""):
            components.draw_error(note)


def _bring_back(coach: Coach) -> None:
    file = st.session_state.get("progress_upload")
    if file is None:
        return
    try:
        brought = coach.import_progress(file.getvalue().decode("utf-8-sig", errors="replace"))
    except CoachError as error:
        st.session_state[NOTE] = str(error)
        return
    st.session_state[NOTE] = brought_words(*brought)


if __name__ == "__main__":
    render()
