"""What the coach has read: add documents, open them, follow folders, take them out for good."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from coach import library
from coach.errors import CoachError
from coach.jobs.reading import LibraryJobs, Progress
from coach.text.attribution import collection_label
from coach.types import COMMITTEE, OWN, Document
from coach.ui import components, session
from coach.ui.deletion import draw_deletion
from coach.ui.format import (
    document_facts,
    document_html,
    document_row_html,
    escaped,
    lines_html,
    shown_title,
    step_html,
)
from coach.ui.look_again import look_again
from coach.ui.way_back import draw_way_back

if TYPE_CHECKING:
    from coach.coach import Coach

UPLOAD_MEGABYTES = 50
SHOWN_AT_ONCE = 50  # documents; the search finds the others
LOOK_AGAIN = 0.5  # seconds between looks at documents that are being read
KINDS = ("Your documents", "job description", "CV", "notes", "company pages")
FIND, WHAT, FOLDER, FILES, SERIAL = (
    "library_find",
    "library_what",
    "library_folder",
    "library_files",
    "library_serial",
)

_log = logging.getLogger(__name__)
# A constant of ours with nothing of a stranger's in it; Streamlit itself leaves the page where it was.
_SCROLL_TO_PLACE = '<div class="coach-unseen"><script>document.getElementById("coach-meant")?.scrollIntoView()</script></div>'


def render() -> None:
    """Draw one document where the address names it, else the list and what can be done with it."""
    named = st.query_params.get("document", "")
    if not named:
        st.html(
            '<header class="coach-welcome"><h1>Library</h1>'
            "<p>What the coach has read. Answers come from these texts and from nowhere else.</p></header>"
        )
    coach = components.load_coach()
    components.draw_sidebar(coach)
    if coach is None:
        return
    if named:
        _draw_document(coach, named)
        return
    jobs = session.current_worker().library
    look_again(partial(_draw_work, jobs, jobs.under_way))
    _draw_adding(coach, jobs)
    _draw_documents(coach, jobs)
    _draw_folders(coach, jobs)


def _draw_work(jobs: LibraryJobs, going_on: bool) -> float | None:
    """What is being read, and what came of it; how soon to look again."""
    work = jobs.work
    if work is None:
        return None
    if not work.finished:
        st.html(step_html(work.doing))
        st.progress(work.share)
        return LOOK_AGAIN
    if going_on:
        st.rerun()
    if work.error:
        components.draw_error(work.error)
    else:
        st.html(lines_html("Done", work.lines))
    st.button("OK", key="library_dismiss", on_click=jobs.dismiss)
    return None


def _start(jobs: LibraryJobs, run: Callable[[Progress], Sequence[str]]) -> None:
    if not jobs.start(run):
        st.session_state["library_note"] = "Documents are being read already: wait until that is done."


def _draw_adding(coach: Coach, jobs: LibraryJobs) -> None:
    from coach.coach import readable_endings

    if note := st.session_state.pop("library_note", ""):
        components.draw_error(note)
    with st.container(key="library_add", border=True):
        serial = st.session_state.setdefault(
            SERIAL, 0
        )  # a new field after each upload: the old one would keep its files
        st.file_uploader(
            "Add documents of yours",
            type=readable_endings(),
            accept_multiple_files=True,
            max_upload_size=UPLOAD_MEGABYTES,
            key=f"{FILES}_{serial}",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                "What they are",
                [
                    *KINDS,
                    *(
                        one.label
                        for one in coach.collections()
                        if one.label not in KINDS and one.name != COMMITTEE
                    ),
                ],
                key=WHAT,
                accept_new_options=True,
                help="Citations say so, and a question can be asked of them alone.",
            )
            st.button("Add", key="library_upload", type="primary", on_click=_upload, args=(coach, jobs))
        with st.expander("Or follow a folder on this computer", key="library_follow"):
            st.text_input("Path of a file or folder", key=FOLDER, placeholder="~/interview-notes")
            st.button("Follow it", key="library_follow_now", on_click=_follow, args=(coach, jobs))


def _upload(coach: Coach, jobs: LibraryJobs) -> None:
    files = st.session_state.get(f"{FILES}_{st.session_state[SERIAL]}") or []
    if not files:
        st.session_state["library_note"] = "No file is chosen yet: choose some, or drag them here."
        return
    uploads = [library.Upload(file.name, file.getvalue()) for file in files]
    collection = _collection()
    _start(jobs, lambda progress: library.add_uploads(coach, uploads, collection, progress).lines())
    st.session_state[SERIAL] += 1


def _follow(coach: Coach, jobs: LibraryJobs) -> None:
    typed = str(st.session_state.get(FOLDER) or "").strip()
    if not typed:
        st.session_state["library_note"] = "No folder is named yet: write its path, as in ~/interview-notes."
        return
    collection = _collection()
    name = None if collection == OWN else collection
    _start(jobs, lambda progress: coach.ingest([Path(typed)], collection=name, progress=progress).lines())


def _collection() -> str:
    """The collection that was picked, by its name."""
    label = str(st.session_state.get(WHAT) or KINDS[0])
    if label == KINDS[0]:
        return OWN
    return label if label in KINDS or not label.startswith("Your ") else label.removeprefix("Your ")


def _draw_documents(coach: Coach, jobs: LibraryJobs) -> None:
    documents = coach.documents()
    if len(documents) > SHOWN_AT_ONCE // 5:
        st.text_input("Find a document", key=FIND, placeholder="Words of its title or name")
    words = str(st.session_state.get(FIND) or "").lower().split()
    found = [one for one in documents if all(word in f"{one.title} {one.source}".lower() for word in words)]
    found.sort(key=lambda one: (one.collection != COMMITTEE, one.collection.casefold(), one.source))
    if not found:
        st.html('<p class="coach-note">No document has these words in its title or name.</p>')
    for collection, own in groupby(found[:SHOWN_AT_ONCE], key=lambda one: one.collection):
        st.html(f'<p class="coach-label">{escaped(collection_label(collection))}</p>')
        for document in own:
            _draw_row(coach, jobs, document)
    if len(found) > SHOWN_AT_ONCE:
        st.html(f'<p class="coach-note">and {len(found) - SHOWN_AT_ONCE:,} more: search for them</p>')
    if not any(one.collection != COMMITTEE for one in documents):
        st.html(
            '<p class="coach-note">No documents of yours yet. Add the job description, your CV and your notes: the coach then '
            "answers from them too, and compares your drafts with them.</p>"
        )


def _draw_row(coach: Coach, jobs: LibraryJobs, document: Document) -> None:
    with st.container(horizontal=True, key=f"document_{document.id}", vertical_alignment="center"):
        st.html(document_row_html(document))
        if document.collection == COMMITTEE:
            return
        draw_deletion(
            f"delete_{document.id}",
            "Delete",
            _delete,
            *(coach, jobs, document.source),
            sure="Delete for good",
            what="From the index, the coach's copy, and every kept answer that quotes it. Files in folders of yours stay.",
            kind="tertiary",
        )


def _delete(coach: Coach, jobs: LibraryJobs, source: str) -> None:
    _start(jobs, lambda _: library.delete_document(coach, source))


def _draw_folders(coach: Coach, jobs: LibraryJobs) -> None:
    followed = library.folders(coach)
    if followed:
        st.html('<p class="coach-label">Followed on this computer</p>')
    for number, folder in enumerate(followed):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<p class="coach-place">{escaped(str(folder))}</p>')
            st.button(
                "Take it out",
                key=f"forget_{number}",
                type="tertiary",
                on_click=_forget,
                args=(coach, jobs, folder),
                help="Its documents leave the library; the files stay where they are.",
            )
    st.button(
        "Read the sources again",
        key="ingest",
        icon=":material/refresh:",
        on_click=_read_again,
        args=(coach, jobs),
        help="New, changed, moved and removed files follow.",
    )


def _forget(coach: Coach, jobs: LibraryJobs, folder: Path) -> None:
    _start(jobs, lambda _: library.forget_folder(coach, folder))


def _read_again(coach: Coach, jobs: LibraryJobs) -> None:
    _start(jobs, lambda progress: coach.ingest(progress=progress).lines())


def _draw_document(coach: Coach, source: str) -> None:
    draw_way_back("All documents")
    worker = session.current_worker()
    try:
        document = coach.document(source)
        cited = worker.conversations.cited(source)
    except CoachError:
        components.draw_error(f"The library holds no document {source!r} any more: see all documents.")
        look_again(partial(_draw_work, worker.library, worker.library.under_way))
        st.button(
            "Delete every kept answer that quotes it",
            key="delete_quotes",
            on_click=_delete,
            args=(coach, worker.library, source),
        )
        return
    st.html(
        f'<header class="coach-welcome coach-compact"><h1>{escaped(shown_title(document.title or source))}</h1>'
        f"<p>{escaped(collection_label(document.collection))} · {escaped(document_facts(document))}</p></header>"
    )
    if document.warnings:
        st.html(lines_html("What could not be read", document.warnings))
    meant = _meant(document)
    if cited and meant is None:
        st.html('<p class="coach-note">Marked: what your conversations cite.</p>')
    st.html(document_html(document, meant, cited))
    if meant is not None:
        st.html(_SCROLL_TO_PLACE, unsafe_allow_javascript=True)


def _meant(document: Document) -> tuple[int, int] | None:
    """The characters that the address means; None where it means none that are there."""
    try:
        start, end = int(st.query_params["start"]), int(st.query_params["end"])
    except (KeyError, ValueError):
        return None
    return (start, end) if 0 <= start < end <= len(document.text) else None


if __name__ == "__main__":
    render()
