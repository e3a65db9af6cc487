"""The article's preparation checklist as a path: each line with its passages, experiments, drills and questions to practise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from coach.errors import CoachError
from coach.jobs.drills import Check
from coach.lab.catalogue import experiment
from coach.learn.check import MOST_CHARACTERS, Outcome
from coach.learn.path import Drill, Line, learning_path
from coach.learn.progress import DONE, progress_of, summary
from coach.settings import load_settings
from coach.store.learning import LearningStore
from coach.ui import components, critique_session, session
from coach.ui.format import document_address, escaped, step_html
from coach.ui.way_back import draw_way_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coach.jobs.worker import Worker
    from coach.types import Span

LINE = "line"  # in the page's address
DRILL = "learn_drill"  # in the session: the place of the drill that is open
LOOK_AGAIN = 0.5  # seconds between looks at an answer that is being checked


def render() -> None:
    """The checklist, or the line of it that the address names."""
    named = st.query_params.get(LINE, "")
    chosen = next((one for one in learning_path() if one.name == named), None)
    if chosen is None:
        st.html(
            '<header class="coach-welcome"><h1>Learn</h1><p>The article’s preparation checklist, line by line: read what it says, '
            "try it in the lab, say it in your own words, and practise.</p></header>"
        )
    coach = components.load_coach()
    components.draw_sidebar(coach)
    kept = _kept()
    if chosen is None:
        _draw_list(kept)
    elif coach is not None:
        _draw_line(session.current_worker(), chosen, kept)


def _store() -> LearningStore:
    return LearningStore(load_settings().home)


def _kept() -> Mapping[str, str]:
    """The progress, none where it cannot be read, which is said."""
    try:
        return _store().all()
    except CoachError as error:
        components.draw_error(str(error))
        return {}


def _draw_list(kept: Mapping[str, str]) -> None:
    st.html(f'<p class="coach-label">{summary(learning_path(), kept)}</p>')
    for one in learning_path():
        with st.container(key=f"line_{one.name}", border=True):
            first, _, rest = one.words.text.partition(":")
            st.html(
                f'<p class="coach-experiment"><strong>{one.number}. {escaped(first)}:</strong>{escaped(rest)}</p>'
                f'<p class="coach-note">{progress_of(one, kept).in_words.capitalize()}</p>'
            )
            st.button(f"Open line {one.number}", key=f"open_{one.name}", on_click=_open, args=(one.name,))


def _open(name: str) -> None:
    st.query_params[LINE] = name
    st.session_state[DRILL] = 0


def _draw_line(worker: Worker, one: Line, kept: Mapping[str, str]) -> None:
    draw_way_back("The whole checklist")
    st.html(f'<header class="coach-welcome coach-compact"><h1>{escaped(one.title)}</h1></header>')
    _draw_done(one, kept)
    with st.expander("What the article says on it"):  # closed: the drills ask for it
        st.html("".join(_quote_html(span, label="") for span in (one.words, *one.passages)))
    st.html('<h2 class="coach-part">Drills</h2>')
    _draw_drills(worker, one, kept)
    st.html('<h2 class="coach-part">Try it</h2>')
    for name in one.experiments:
        if st.button(experiment(name).title, key=f"learn_lab_{name}", icon=":material/science:"):
            st.switch_page("coach/ui/pages/lab.py", query_params={"experiment": name})
    st.html('<h2 class="coach-part">Questions an interviewer could ask</h2>')
    for place, practice in enumerate(one.practice, 1):
        st.html(f'<p class="coach-experiment">{escaped(practice.text)}</p>')
        if st.button(f"Answer question {place} and have it judged", key=f"learn_practice_{place}"):
            critique_session.take_question(practice.text, practice.kind)
            st.switch_page(critique_session.PAGE)


def _quote_html(span: Span, label: str = "In the article’s own words") -> str:
    """Words of the article, which open it there."""
    address = document_address(span.source, span.start, span.end)
    heading = f'<p class="coach-label">{label}</p>' if label else ""
    return (
        f'<section class="coach-verbatim">{heading}<p>{escaped(span.text)}</p></section>'
        f'<p class="coach-place"><a href="{address}" target="_self" aria-label="Open in the document: {escaped(span.text[:60])}">'
        "Open it in the document</a></p>"
    )


def _draw_done(one: Line, kept: Mapping[str, str]) -> None:
    key = f"learn_done_{one.name}"
    st.session_state[key] = kept.get(one.name) == DONE
    st.checkbox("I have done this", key=key, on_change=_tick, args=(one, key))
    if note := st.session_state.pop("learn_note", ""):
        components.draw_error(note)


def _tick(one: Line, key: str) -> None:
    try:
        if st.session_state[key]:
            _store().keep(one.name, DONE)
        else:
            _store().forget(one.name)
    except CoachError as error:
        st.session_state["learn_note"] = str(error)


def _draw_drills(worker: Worker, one: Line, kept: Mapping[str, str]) -> None:
    """One drill at a time, its answer checked beside the page."""
    place = min(st.session_state.get(DRILL, 0), len(one.drills) - 1)
    drill = one.drills[place]
    said = " (said before)" if kept.get(drill.name) == "says" else ""
    st.html(
        f'<p class="coach-label">Question {place + 1} of {len(one.drills)}{said}</p>'
        f'<p class="coach-experiment">{escaped(drill.question)}</p>'
    )
    check = worker.drills.of(session.visitor())
    ours = check if check is not None and check.drill == drill else None
    going_on = ours is not None and not ours.finished
    key = f"learn_typed_{drill.name}"
    with st.form(f"learn_form_{drill.name}", border=False):
        st.text_area("Your answer, in a sentence or two", key=key, max_chars=MOST_CHARACTERS, height=100)
        st.form_submit_button(
            "Check it", type="primary", disabled=going_on, on_click=_start, args=(worker, drill, key)
        )
    st.fragment(_draw_check, run_every=LOOK_AGAIN if going_on else None)(worker, drill, going_on)
    with st.container(horizontal=True):
        st.button("Question before", key="learn_before", disabled=place == 0, on_click=_go, args=(place - 1,))
        last = place == len(one.drills) - 1
        st.button("Next question", key="learn_next", disabled=last, on_click=_go, args=(place + 1,))


def _go(place: int) -> None:
    st.session_state[DRILL] = place


def _start(worker: Worker, drill: Drill, key: str) -> None:
    worker.drills.start(drill, st.session_state.get(key) or "", session.visitor())


def _draw_check(worker: Worker, drill: Drill, going_on: bool) -> None:
    check = worker.drills.of(session.visitor())
    if check is None or check.drill != drill:
        return
    if not check.finished:
        st.html(step_html("Checking what you wrote"))
        st.button("Stop", key="learn_stop", on_click=worker.drills.stop, args=(session.visitor(),))
        return
    if going_on:
        st.rerun()
    _draw_checked(check)


def _draw_checked(check: Check) -> None:
    if check.error:
        components.draw_error(check.error)
        return
    if check.checked is None:
        st.html('<p class="coach-note">Stopped before it was checked.</p>')
        return
    st.html(
        f'<p class="coach-checked-answer" role="status"><strong>{escaped(check.checked.in_words)}</strong></p>'
        f"{_quote_html(check.drill.sentence)}"
    )
    _draw_own_word(check.drill, check.checked.outcome)


def _draw_own_word(drill: Drill, outcome: Outcome) -> None:
    """The reader takes some right words for wrong ones, and some turned round for right ones: the learner's word counts."""
    key = f"learn_said_{drill.name}"
    try:
        st.session_state[key] = _store().all().get(drill.name, outcome) == "says"
    except CoachError as error:
        components.draw_error(str(error))
        return
    st.checkbox("Count it as said", key=key, on_change=_overrule, args=(drill, outcome, key))
    st.html(
        '<p class="coach-note">The check can be wrong both ways: compare it with the article, and decide.</p>'
    )


def _overrule(drill: Drill, outcome: Outcome, key: str) -> None:
    says = st.session_state[key]
    try:
        _store().keep(drill.name, "says" if says else "not found" if outcome == "says" else outcome)
    except CoachError as error:
        st.session_state["learn_note"] = str(error)


if __name__ == "__main__":
    render()
