"""Draw what is practised next: first what five minutes are enough for, then what else is due, and what comes later."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from coach.practice.schedule import Due, Queue, coming_back
from coach.practice.words import days, joined
from coach.ui import critique_session
from coach.ui.format import escaped

SHOWN = 4  # due entries before the rest folds away; what was never tried always does
NAMED = 3  # criteria that a question exercises besides


def draw_queue(queue: Queue) -> None:
    """Every entry with why it is due, and a button that opens its question on the Critique page."""
    rest = [one for one in queue.due if one not in queue.sitting[:1]]
    if queue.sitting:
        st.html('<p class="coach-label">Five minutes</p>')
        _draw_due(queue.sitting[0], 0, [one.name for one in queue.sitting[1:]])
    elif not rest:
        st.html('<p class="coach-note">Nothing is due today.</p>')
    if back := coming_back(queue):
        st.html(f'<p class="coach-note">{escaped(back)}</p>')
    shown = [one for one in rest if not one.new][:SHOWN]
    folded = [one for one in rest if one not in shown]
    if shown:
        st.html('<p class="coach-label">Also due</p>')
    for number, one in enumerate(shown, 1):
        _draw_due(one, number)
    if folded:
        with st.expander(f"{len(folded)} more", key="practice_more"):
            for number, one in enumerate(folded, len(shown) + 1):
                _draw_due(one, number)
    if queue.later:
        listed = "".join(
            f"<li>{escaped(days([one.due], queue.now))}: {escaped(one.name)} "
            f'<span class="coach-figures">{escaped(one.why)}</span></li>'
            for one in queue.later
        )
        st.html(
            f'<details class="coach-left-out"><summary>Later ({len(queue.later)})</summary><ul>{listed}</ul></details>'
        )


def _draw_due(one: Due, number: int, besides: Sequence[str] = ()) -> None:
    with st.container(key=f"practice_{number}", border=True):
        what = "The whole answer again: " if one.what == "question" else ""
        question = "" if one.what == "question" else _question_html(one)
        st.html(
            f'<div class="coach-due"><p><strong>{what}{escaped(one.name)}</strong></p>'
            f'<p class="coach-note">{escaped(_why_words(one))}</p>{question}{_bear_in_mind_html(one)}{_besides_html(besides)}</div>'
        )
        if st.button("Practise this", key=f"practise_{number}"):
            critique_session.take_question(one.question.text if one.question else "", one.kind, one)
            st.switch_page(critique_session.PAGE)


def draw_practised(one: Due, *, read: bool) -> None:
    """On the page where it is practised: what, why, how long, and the way back; once it was `read` only what, and the way back."""
    with st.container(key="practised", border=True):
        name = "the whole answer" if one.what == "question" else one.name
        st.html(
            f'<div class="coach-due"><p>You are practising: <strong>{escaped(name)}</strong></p>'
            + (
                "</div>"
                if read
                else f'<p class="coach-note">{escaped(_why_words(one))}</p>{_bear_in_mind_html(one)}</div>'
            )
        )
        if st.button("Back to Progress", key="practised_back", icon=":material/arrow_back:"):
            st.switch_page("coach/ui/pages/progress.py")


def _why_words(one: Due) -> str:
    """`missed on 3 November · about 5 minutes`"""
    return f"{one.why} · about {one.lasts} minutes"


def _bear_in_mind_html(one: Due) -> str:
    """What the answer is to hold, whatever the question asks for."""
    return f"<p>Answer this in it: {escaped(one.bear_in_mind)}</p>" if one.bear_in_mind else ""


def _question_html(one: Due) -> str:
    if one.question is None:
        return f'<p class="coach-note">Any question of this kind will do: {escaped(one.kind)}.</p>'
    return f'<p class="coach-text">{escaped(one.question.text)}</p>'


def _besides_html(names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = [*names[:NAMED], *([f"{len(names) - NAMED} more"] if names[NAMED:] else [])]
    return f'<p class="coach-note">It exercises too: {escaped(joined(shown))}.</p>'
