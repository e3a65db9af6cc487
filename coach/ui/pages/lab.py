"""Open the machine: experiments that show, on this machine, what the article speaks of."""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from coach.errors import CoachError
from coach.jobs.experiments import Trial
from coach.jobs.reading import UNFORESEEN
from coach.lab.catalogue import EXPERIMENTS
from coach.lab.experiment import Control, Experiment, Outcome, Value, rows_as_csv
from coach.lab.pictures.save import FORMS, saved
from coach.ui import components, critique_session, outgoing, session
from coach.ui.format import document_address, escaped, step_html, with_code
from coach.ui.look_again import look_again
from coach.ui.way_back import draw_way_back

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.jobs.worker import Worker

EXPERIMENT = "experiment"  # in the page's address
LOOK_AGAIN = 0.5  # seconds between looks at a run

_log = logging.getLogger(__name__)


def render() -> None:
    """The list of experiments, or the one that the address names."""
    named = st.query_params.get(EXPERIMENT, "")
    chosen = next((one for one in EXPERIMENTS if one.name == named), None)
    if chosen is None:
        st.html(
            '<header class="coach-welcome"><h1>Lab</h1><p>The coach does what the article speaks of. Open it, change one thing, '
            "and measure what happens, here on your machine.</p></header>"
        )
    coach = components.load_coach()
    components.draw_sidebar(coach)
    if chosen is None:
        _draw_list()
    elif coach is not None:
        _draw_experiment(coach, session.current_worker(), chosen)


def _draw_list() -> None:
    for one in EXPERIMENTS:
        with st.container(key=f"experiment_{one.name}", border=True):
            st.html(
                f'<p class="coach-experiment"><strong>{escaped(one.title)}</strong></p>'
                f'<p class="coach-note">{escaped(one.explanation)}</p>'
            )
            st.button("Open", key=f"open_{one.name}", on_click=_open, args=(one.name,))


def _open(name: str) -> None:
    st.query_params[EXPERIMENT] = name


def _draw_experiment(coach: Coach, worker: Worker, one: Experiment) -> None:
    draw_way_back("All experiments")
    st.html(
        f'<header class="coach-welcome coach-compact"><h1>{escaped(one.title)}</h1><p>{escaped(one.explanation)}</p></header>'
        f"{_quote_html(coach, one)}"
    )
    given = {control.name: _draw_control(one, control) for control in one.controls}
    if one.preview is not None:
        _draw_preview(coach, one, given)
    try:
        trial = worker.experiments.trial(one.name)
    except CoachError as error:
        components.draw_error(str(error))
        return
    going_on = trial is not None and not trial.finished
    with st.container(horizontal=True):
        st.button(
            "Run it",
            key="lab_run",
            type="primary",
            disabled=going_on,
            on_click=_start,
            args=(worker, one, given),
        )
        if going_on:
            st.button("Stop", key="lab_stop", on_click=worker.experiments.stop, args=(one.name,))
    if note := st.session_state.pop("lab_note", ""):
        components.draw_error(note)
    outgoing.draw(_to_be_seen(one), "Edit it")
    look_again(partial(_draw_trial, worker, one, given, going_on))
    _draw_question(one)


def _quote_html(coach: Coach, one: Experiment) -> str:
    """The article's sentence, which opens the article there."""
    for document in coach.documents():
        start = document.text.find(one.quote)
        if start >= 0:
            address = document_address(document.source, start, start + len(one.quote))
            return (
                f'<section class="coach-verbatim"><p class="coach-label">In the article’s own words</p>'
                f'<p>{escaped(one.quote)}</p></section><p class="coach-place"><a href="{address}" target="_self">'
                "Open it in the document</a></p>"
            )
    return ""


def _draw_control(one: Experiment, control: Control) -> object:
    key = f"lab_{one.name}_{control.name}"
    default = control.default
    if control.choices:
        return st.selectbox(
            control.label,
            control.choices,
            index=control.choices.index(str(default)),
            key=key,
            persist_state="session",
        )
    if isinstance(default, str):
        return st.text_input(control.label, value=default, key=key, persist_state="session")
    if control.stops:
        return st.select_slider(control.label, control.stops, value=default, key=key, persist_state="session")
    step = 1 if isinstance(default, int) else 0.05
    kind = type(default)
    return st.slider(
        control.label,
        kind(control.least or 0),
        kind(control.most or 1),
        value=default,
        step=step,
        key=key,
        persist_state="session",
    )


def _draw_preview(coach: Coach, one: Experiment, given: Mapping[str, object]) -> None:
    """What moves as soon as a control does."""
    assert one.preview is not None  # the caller looked
    values = one.values(given)
    try:
        outcome = one.preview(coach, values, lambda doing, done, total: None)
    except CoachError as error:
        components.draw_error(str(error))
        return
    except Exception:
        _log.exception("The picture of an experiment failed.")
        components.draw_error(UNFORESEEN)
        return
    _draw_picture(one, outcome, values)


def _draw_picture(one: Experiment, outcome: Outcome, values: Mapping[str, Value]) -> None:
    """The picture, what it shows in words, and where its figures come from."""
    # Altair fails on a pandas that another visitor's page is in the middle of importing: this waits for it.
    importlib.import_module("pandas")
    picture: Any = importlib.import_module(f"coach.ui.lab.{one.name.replace('-', '_')}")
    picture.draw(outcome, values)
    st.html("".join(f"<p>{with_code(finding)}</p>" for finding in outcome.findings))
    estimated = f" Estimated, not measured: {', '.join(outcome.estimated)}." if outcome.estimated else ""
    st.html(f'<p class="coach-note">{escaped(outcome.measured + estimated)}</p>')


def _start(worker: Worker, one: Experiment, given: Mapping[str, object]) -> None:
    now = {name: st.session_state.get(f"lab_{one.name}_{name}", value) for name, value in given.items()}
    typed = (
        [str(now[control.name]) for control in one.controls if control.is_typed] if one.needs_model else []
    )

    def send(unmasked: frozenset[str]) -> None:
        worker.experiments.start(one, now, visitor=session.visitor(), unmasked=unmasked)

    try:
        outgoing.submit(_to_be_seen(one), typed, send)
    except CoachError as error:
        st.session_state["lab_note"] = str(error)


def _to_be_seen(one: Experiment) -> str:
    return f"lab_{one.name}_to_be_seen"


def _draw_trial(worker: Worker, one: Experiment, given: Mapping[str, object], going_on: bool) -> float | None:
    trial = worker.experiments.trial(one.name)
    if trial is None:
        return None
    if not trial.finished:
        st.html(step_html(trial.doing))
        st.progress(trial.share)
        return LOOK_AGAIN
    if going_on:
        st.rerun()
    if trial.error:
        components.draw_error(trial.error)
    elif trial.outcome is None:
        st.html('<p class="coach-note">Stopped before it was done.</p>')
    else:
        _draw_outcome(one, _as_set_now(one, trial, given))
    return None


def _as_set_now(one: Experiment, trial: Trial, given: Mapping[str, object]) -> Trial:
    """What was found, as the controls that move it stand now; says so where another one asks for a run of its own."""
    assert trial.outcome is not None  # the caller looked
    values = one.values(given)
    kept = {**one.values({}), **trial.controls}  # an earlier version may have had fewer controls
    if any(values[control.name] != kept[control.name] for control in one.controls if not control.moves):
        st.html(
            '<p class="coach-note">This is what the last run found: press “Run it” for what is set now.</p>'
        )
    now = {control.name: (values if control.moves else kept)[control.name] for control in one.controls}
    outcome = one.moved(trial.outcome, now) if one.moved is not None else trial.outcome
    return replace(trial, controls=now, outcome=outcome)


def _draw_outcome(one: Experiment, trial: Trial) -> None:
    outcome = trial.outcome
    assert outcome is not None  # the caller looked
    if one.preview is not None:
        said = ", ".join(
            f"{control.label.lower()}: {trial.controls[control.name]}" for control in one.controls
        )
        st.html(f'<p class="coach-label">The run with {escaped(said)}</p>')
    _draw_picture(one, outcome, trial.controls)
    with st.container(horizontal=True):
        st.download_button(
            "Rows as CSV",
            rows_as_csv(outcome.rows),
            file_name=f"{one.name}.csv",
            mime="text/csv",
            key="lab_csv",
            on_click="ignore",
        )
        st.download_button(
            "All as JSON",
            json.dumps(
                {
                    "controls": dict(trial.controls),
                    "rows": list(outcome.rows),
                    "findings": list(outcome.findings),
                }
            ),
            file_name=f"{one.name}.json",
            mime="application/json",
            key="lab_json",
            on_click="ignore",
        )
        for form in FORMS:  # made when the button is pressed, here and by nobody else
            st.download_button(
                f"Picture as {form.upper()}",
                partial(saved, one, outcome, trial.controls, form),
                file_name=f"{one.name}.{form}",
                mime="image/png" if form == "png" else "image/svg+xml",
                key=f"lab_{form}",
                on_click="ignore",
            )


def _draw_question(one: Experiment) -> None:
    st.html(
        f'<p class="coach-label">An interviewer could ask</p><p class="coach-experiment">{escaped(one.question)}</p>'
    )
    if st.button("Answer it and have it judged", key="lab_question"):
        critique_session.take_question(one.question, one.kind)
        st.switch_page(critique_session.PAGE)


if __name__ == "__main__":
    render()
