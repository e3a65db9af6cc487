"""Under a verdict: help with one criterion, and a way to overrule."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

import streamlit as st

from coach.errors import CoachError
from coach.store.critiques import draft_id
from coach.types import Level, Verdict
from coach.ui import components, critique_session, outgoing, session
from coach.ui.critique_format import redraft_html, with_icon
from coach.ui.critique_session import Desk, Help, Panel, Reading
from coach.ui.feedback import draw_thumbs
from coach.ui.format import step_html
from coach.ui.look_again import look_again
from coach.ui.own_cases import draw_verdict_case

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.jobs.worker import Worker

LOOK_AGAIN = 0.5  # seconds between looks at a rewrite that is being written


def draw_actions(coach: Coach, here: Desk, reading: Reading, verdict: Verdict) -> None:
    """The two buttons of a verdict and its thumbs, the way to make it a case, and the panel that a button has opened."""
    identity = verdict.criterion.id
    with st.container(horizontal=True, key=f"critique_actions_{identity}", vertical_alignment="center"):
        _panel_button("Help me improve this", identity, "improve")
        _panel_button("Overrule", identity, "overrule")
        if reading.critique is not None:
            draw_thumbs(f"{draft_id(reading.critique)}/{identity}")
    if reading.critique is not None:
        draw_verdict_case(reading.critique, verdict)
    if here.opened == (identity, "improve"):
        with st.container(key="critique_panel"):
            _draw_improve(coach, reading, identity)
    elif here.opened == (identity, "overrule"):
        with st.container(key="critique_panel"):
            _draw_overrule(coach, reading, verdict)


def _panel_button(label: str, identity: str, panel: Panel) -> None:
    st.button(
        label,
        key=f"critique_{panel}_{identity}",
        type="tertiary",
        on_click=critique_session.toggle,
        args=(identity, panel),
    )


def _draw_improve(coach: Coach, reading: Reading, identity: str) -> None:
    """One question, then a hint, then, only when asked, a rewrite."""
    help_ = reading.helps.setdefault(identity, Help())
    _fetch(coach, reading, identity, help_)
    for stage in ("question", "hint"):
        if stage in help_.stages:
            st.html(redraft_html(help_.stages[stage]))
    if outgoing.draw(critique_session.rewrite_key(reading, identity), "Not now"):
        return
    st.text_area(
        "Your answer, in a few words", key=_facts_key(reading, identity), height=96, persist_state="session"
    )
    if "rewrite" in help_.stages:
        st.html(redraft_html(help_.stages["rewrite"]))
    if help_.error:
        components.draw_error(help_.error)
    if help_.rewriting is not None:
        look_again(partial(_draw_rewriting, session.current_worker(), help_))
    else:
        _draw_stages(reading, identity, help_)


def _fetch(coach: Coach, reading: Reading, identity: str, help_: Help) -> None:
    """Get the stage that is wanted: question and hint are the rubric's own words, a rewrite waits for the model."""
    stage, help_.wanted = help_.wanted, None
    if stage is None or reading.critique is None:
        return
    help_.error = ""
    if stage == "rewrite":
        facts = critique_session.typed(_facts_key(reading, identity))
        critique_session.want_rewrite(reading, identity, help_, facts)
        return
    try:
        help_.stages[stage] = coach.redraft(reading.critique, identity, stage)
    except CoachError as error:
        help_.error = str(error)


def _draw_rewriting(worker: Worker, help_: Help) -> float | None:
    """What the rewrite waits for, until it is there; then the whole page is drawn."""
    rewriting = help_.rewriting
    if rewriting is None:
        st.rerun()
    if not rewriting.under_way:
        help_.rewriting, help_.error = None, rewriting.error
        if rewriting.redraft is not None:
            help_.stages["rewrite"] = rewriting.redraft
        st.rerun()
    with st.container(horizontal=True, key="critique_rewriting", vertical_alignment="center"):
        st.html(step_html(components.step_of(worker, rewriting)))
        st.button("Stop", key="critique_stop_rewriting", on_click=_stop_rewriting, args=(worker, help_))
    return worker.pace(LOOK_AGAIN)


def _stop_rewriting(worker: Worker, help_: Help) -> None:
    if help_.rewriting is not None:
        worker.stop(help_.rewriting.id)
    help_.rewriting = None


def _facts_key(reading: Reading, identity: str) -> str:
    return f"critique_facts_{reading.key}_{identity}"


def _draw_stages(reading: Reading, identity: str, help_: Help) -> None:
    with st.container(horizontal=True, key="critique_stages"):
        if "question" not in help_.stages:
            _stage_button("Try again", identity, help_, "question")
        elif "hint" not in help_.stages:
            _stage_button("Give me a hint", identity, help_, "hint")
        else:
            label = "Write it again" if "rewrite" in help_.stages else "Write it for me"
            _stage_button(label, identity, help_, "rewrite")
        if "rewrite" in help_.stages:
            st.button(
                "Use as new draft",
                key=f"critique_use_{identity}",
                type="primary",
                on_click=critique_session.use_rewrite,
                args=(reading, identity),
            )


def _stage_button(label: str, identity: str, help_: Help, stage: critique_session.Stage) -> None:
    st.button(label, key=f"critique_{stage}_{identity}", on_click=critique_session.want, args=(help_, stage))


def _draw_overrule(coach: Coach, reading: Reading, verdict: Verdict) -> None:
    identity = verdict.criterion.id
    help_ = reading.helps.setdefault(identity, Help())
    keys = (f"critique_level_{reading.key}_{identity}", f"critique_reason_{reading.key}_{identity}")
    levels: tuple[Level, ...] = get_args(Level)[::-1]
    st.radio(
        "The level you would give",
        levels,
        index=levels.index(verdict.final) if verdict.final else None,
        format_func=lambda level: " ".join(with_icon(level)),
        key=keys[0],
        horizontal=True,
        persist_state="session",
    )
    st.text_input(
        "Your reason", key=keys[1], placeholder="What the coach did not see", persist_state="session"
    )
    if help_.error:
        components.draw_error(help_.error)
    st.button(
        "Overrule this verdict",
        key=f"critique_overrule_now_{identity}",
        on_click=critique_session.overrule,
        args=(coach, reading, identity, *keys),
    )
