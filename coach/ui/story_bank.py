"""Draw the candidate's own stories: write, change, delete, and find those that answer a question."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from coach.critique.inventions import as_written, find_numbers
from coach.errors import CoachError
from coach.practice.words import NO_STORY_SURE
from coach.store.stories import PARTS, StoryStore
from coach.types import Story
from coach.ui import components
from coach.ui.deletion import draw_deletion
from coach.ui.format import as_label, escaped

if TYPE_CHECKING:
    from coach.coach import Coach

EDITING, NOTE = "story_editing", "story_note"
BEGINNING = 60  # characters of a story whose title another one has too
_LABELS = {
    "title": "What it shows",
    "situation": "Situation",
    "action": "What you did",
    "result": "What came of it, with its figures",
}
_WHAT_FOR = (
    "Write down what you would tell when asked for an example: a draft’s figures and employers are then looked up here, and a question "
    "finds the stories that answer it. They stay on this machine until you delete them."
)


def draw_stories(coach: Coach) -> None:
    """The stories, a search, and the form for a new one."""
    try:
        stories = coach.stories.list()
    except CoachError as error:
        components.draw_error(str(error))
        return
    st.html(f'<p class="coach-note">{_WHAT_FOR}</p>')
    if stories:
        _draw_match(coach)
    for story in stories:
        _draw_story(coach.stories, story, as_label(_told_apart(story, stories)))
    with st.expander("Add a story", key="story_add", expanded=not stories):
        _draw_form(coach.stories, None)
    if note := st.session_state.pop(NOTE, ""):
        components.draw_error(note)


def _draw_match(coach: Coach) -> None:
    question = st.text_input(
        "Find stories for a question", key="story_question", placeholder="Tell me about a time you failed."
    )
    if not question.strip():
        return
    try:
        found = coach.matching_stories(question)
    except CoachError as error:
        components.draw_error(str(error))
        return
    listed = "".join(f"<li>{escaped(match.story.title)}</li>" for match in found)
    said = "The nearest first:" if found[0].sure else NO_STORY_SURE
    st.html(f'<div class="coach-note" role="status">{said}<ol class="coach-matches">{listed}</ol></div>')


def _told_apart(story: Story, stories: Sequence[Story]) -> str:
    """Its title; where others have the same, with how it begins."""
    if sum(one.title == story.title for one in stories) == 1:
        return story.title
    return f"{story.title}: {textwrap.shorten(story.text.removeprefix(story.title), BEGINNING, placeholder=' …')}"


def _draw_story(store: StoryStore, story: Story, label: str) -> None:
    with st.expander(label, key=f"story_{story.id}"):
        if st.session_state.get(EDITING) == story.id:
            _draw_form(store, story)
            return
        st.html(story_html(story))
        with st.container(horizontal=True, key=f"story_actions_{story.id}"):
            st.button("Edit", key=f"story_edit_{story.id}", on_click=_set, args=(EDITING, story.id))
            draw_deletion(f"story_delete_{story.id}", "Delete", _delete, store, story.id)


def story_html(story: Story) -> str:
    """The parts of a story under their names, and the figures that stand in it."""
    parts = "".join(
        f'<p class="coach-label">{_LABELS[name].partition(",")[0]}</p><p class="coach-text">{escaped(getattr(story, name))}</p>'
        for name in PARTS[1:]
        if getattr(story, name)
    )
    figures = [as_written(story.text, number) for number in find_numbers(story.text)]
    found = ", ".join(dict.fromkeys(figures))
    return f'<div class="coach-story">{parts}<p class="coach-note">{"Its figures: " + escaped(found) if found else "It holds no figure yet."}</p></div>'


def _draw_form(store: StoryStore, story: Story | None) -> None:
    """The four fields; what stands in them stays until it is kept, wherever the visitor goes meanwhile."""
    name = story.id if story else "new"
    for part in PARTS:
        key = f"story_{part}_{name}"
        if story is not None:
            st.session_state.setdefault(key, getattr(story, part))
        if part == "title":
            st.text_input(_LABELS[part], key=key, persist_state="session")
        else:
            st.text_area(_LABELS[part], key=key, height=90, persist_state="session")
    with st.container(horizontal=True, key=f"story_form_{name}"):
        st.button(
            "Keep the story", key=f"story_keep_{name}", type="primary", on_click=_keep, args=(store, story)
        )
        if story is not None:
            st.button("Leave it as it was", key=f"story_leave_{name}", on_click=_forget, args=(story.id,))


def _keep(store: StoryStore, story: Story | None) -> None:
    name = story.id if story else "new"
    written = {part: st.session_state.get(f"story_{part}_{name}") or "" for part in PARTS}
    if _try(lambda: store.edit(story.id, written) if story else store.add(written)):
        _forget(name)


def _delete(store: StoryStore, identity: str) -> None:
    _try(lambda: store.delete(identity))


def _forget(name: str) -> None:
    """Empty the form, and end the editing."""
    for part in PARTS:
        st.session_state.pop(f"story_{part}_{name}", None)
    if name == "new":
        st.session_state.update({f"story_{part}_new": "" for part in PARTS})
    st.session_state.pop(EDITING, None)


def _set(key: str, identity: str) -> None:
    st.session_state[key] = identity


def _try(change: Callable[[], object]) -> bool:
    try:
        change()
    except CoachError as error:
        st.session_state[NOTE] = str(error)
        return False
    return True
