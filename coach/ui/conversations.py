"""The side bar's list of conversations: open, find, rename, delete, take along and bring back."""

from __future__ import annotations

import json

import streamlit as st

from coach.answer.report import conversation_as_markdown
from coach.errors import CoachError
from coach.jobs.worker import Worker
from coach.privacy.reply import masked_text
from coach.settings import load_settings
from coach.store.conversations import Conversation
from coach.text.counted import counted
from coach.ui import components, session
from coach.ui.deletion import draw_deletion
from coach.ui.format import as_label

SHOWN = 30  # conversations; the search finds the others
SEARCH = "conversation_search"


def draw_list(worker: Worker) -> None:
    """A new one, a search, and the latest."""
    here = session.conversation()
    st.button(
        "New conversation",
        key="new_conversation",
        icon=":material/add:",
        width="stretch",
        disabled=not here,
        on_click=session.open_conversation,
        args=("",),
    )
    try:
        kept = worker.conversations.list()
        words = st.session_state.get(SEARCH, "") if kept else ""
        found = worker.conversations.list(words) if words.strip() else kept
    except CoachError as error:
        components.draw_error(str(error))
        return
    if kept:
        st.text_input("Find a conversation", key=SEARCH, placeholder="Words in it")
    if words.strip() and not found:
        st.html('<p class="coach-note">No conversation holds these words.</p>')
    with st.container(key="conversations", gap=None):
        for one in found[:SHOWN]:
            _draw_one(one, chosen=one.id == here)
    if len(found) > SHOWN:
        st.html(f'<p class="coach-note">and {len(found) - SHOWN} older ones: search for them</p>')
    chosen = next((one for one in kept if one.id == here), None)
    if chosen is not None:
        _draw_handling(worker, chosen)
    _draw_bringing_back(worker)


def _draw_one(one: Conversation, *, chosen: bool) -> None:
    st.button(
        as_label(one.title),
        key=f"conversation_{one.id}",
        type="secondary" if chosen else "tertiary",
        width="stretch",
        on_click=session.open_conversation,
        args=(one.id,),
    )


def _draw_handling(worker: Worker, one: Conversation) -> None:
    """What can be done with the conversation on the page."""
    with st.expander("This conversation", key="this_conversation"):
        st.text_input(
            "Title",
            value=one.title,
            key=f"title_{one.id}",
            on_change=_rename,
            args=(worker, one.id, f"title_{one.id}"),
        )
        masked = st.checkbox(
            "Mask names, mails, phones",
            key="conversation_masked",
            help="In the Markdown, for others to read. The JSON holds everything, to be brought back here.",
        )
        st.download_button(
            "Download as Markdown",
            lambda: _as_markdown(worker, one, masked=masked),
            file_name="conversation.md",
            mime="text/markdown",
            key="conversation_markdown",
            width="stretch",
            on_click="ignore",
        )
        st.download_button(
            "Download as JSON",
            lambda: json.dumps(worker.conversations.export([one.id]), ensure_ascii=False),
            file_name="conversation.json",
            mime="application/json",
            key="conversation_json",
            width="stretch",
            on_click="ignore",
        )
        draw_deletion(f"delete_conversation_{one.id}", "Delete", _delete, worker, one.id, width="stretch")
        _draw_note()


def _as_markdown(worker: Worker, one: Conversation, *, masked: bool) -> str:
    exchanges = worker.conversations.exchanges(one.id)
    written = conversation_as_markdown(one.title, [(each.question, each.reply) for each in exchanges])
    return masked_text(written, load_settings().own_words) if masked else written


def _draw_bringing_back(worker: Worker) -> None:
    with st.expander("Import conversations", key="bring_conversations_back"):
        st.file_uploader(
            "A JSON file that was downloaded here",
            type=["json"],
            key="conversations_upload",
            on_change=_bring_back,
            args=(worker,),
        )
        _draw_note("bring_back_note")


def _draw_note(key: str = "conversation_note") -> None:
    if note := st.session_state.pop(key, ""):
        components.draw_error(note)


def _rename(worker: Worker, identity: str, key: str) -> None:
    try:
        worker.conversations.rename(identity, st.session_state[key])
    except CoachError as error:
        st.session_state["conversation_note"] = str(error)


def _delete(worker: Worker, identity: str) -> None:
    try:
        worker.conversations.delete(identity)
        session.open_conversation("")
    except CoachError as error:
        st.session_state["conversation_note"] = str(error)


def _bring_back(worker: Worker) -> None:
    file = st.session_state.get("conversations_upload")
    if file is None:
        return
    try:
        count = worker.conversations.load(json.loads(file.getvalue()))
        note = f"{counted(count, 'conversation')} brought back."
    except ValueError:
        note = "This file is not JSON: choose one that was downloaded here with “Download as JSON”."
    except CoachError as error:
        note = str(error)
    st.session_state["bring_back_note"] = note
