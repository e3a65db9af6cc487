"""What the Interview page draws, and nothing it decides."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import streamlit as st

from coach.errors import CoachError
from coach.practice.bank import rounds
from coach.practice.debrief_text import debrief_as_html, debrief_as_markdown, debrief_body
from coach.practice.interview import Asked, Interview, Line, Recommendation
from coach.practice.plan import MOST_QUESTIONS, round_titles
from coach.text.counted import counted
from coach.ui import components, critique_session, interview_session
from coach.ui.deletion import draw_deletion
from coach.ui.format import as_label, document_address, escaped, step_html

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.jobs.worker import Worker

CLOCK_SECONDS = 10.0
_PLACE = re.compile(r"\(([^()\s]+):(\d+)-(\d+)\)")  # a source with characters, as the debrief names it
SHOWN = 30  # interviews in the side bar
# Read from the page itself, so that nothing of a stranger's stands in the script; voices that are not on this machine are passed over.
_READ_ALOUD = """<div class="coach-aloud"><button type="button" class="coach-aloud-button">Read the question aloud</button>
<span role="status"></span><script>
(() => {
  const place = document.currentScript?.parentElement ?? [...document.querySelectorAll('.coach-aloud')].at(-1);
  const button = place.querySelector('button'), note = place.querySelector('span');
  const local = () => speechSynthesis.getVoices().find((one) => one.localService && one.lang.startsWith('en'));
  button.onclick = () => {
    const voice = 'speechSynthesis' in window ? local() : undefined;
    if (!voice) { note.textContent = 'This browser has no voice of its own on this machine.'; return; }
    const said = [...document.querySelectorAll('.coach-asked')].at(-1)?.textContent ?? '';
    speechSynthesis.cancel();
    const utterance = new SpeechSynthesisUtterance(said);
    utterance.voice = voice;
    speechSynthesis.speak(utterance);
  };
})();
</script></div>"""
_NO_DICTATION = (
    "This page never listens: browsers send what they hear to a service elsewhere. Type, or use a dictation program that runs on "
    "this machine."
)


def draw_welcome() -> None:
    """What this page is for."""
    st.html(
        '<header class="coach-welcome"><h1>Interview</h1><p>Be asked round by round, and probed where an answer is thin. Nothing is '
        "said about how you do until it is over; then you read what the committee would write.</p></header>"
    )


def draw_form(coach: Coach, worker: Worker) -> None:
    """How hard, which rounds, how many questions, and the two ways to begin."""
    titles = {one.name: one.title for one in rounds()}
    unfinished = worker.interviews.interviews.unfinished()
    if unfinished is not None:
        st.button(
            f"Go on with the interview of {unfinished.made_at[:10]}",
            key="interview_go_on",
            icon=":material/play_arrow:",
            on_click=interview_session.open_interview,
            args=(unfinished.id,),
        )
    st.segmented_control(
        "Level",
        ["senior", "principal"],
        default="senior",
        key=interview_session.LEVEL,
        persist_state="session",
    )
    st.pills(
        "Rounds",
        list(titles),
        selection_mode="multi",
        format_func=lambda name: titles.get(name, name),
        key=interview_session.ROUNDS,
        persist_state="session",
    )
    if not st.session_state.get(interview_session.ROUNDS):
        st.html(f'<p class="coach-note">None chosen: the whole loop of {len(titles)} rounds.</p>')
    st.slider(
        "Questions a round", 1, MOST_QUESTIONS, 1, key=interview_session.QUESTIONS, persist_state="session"
    )
    if len(coach.collections()) > 1:
        st.toggle(
            "A last round out of my own documents",
            key=interview_session.FROM_DOCUMENTS,
            help="The chat model makes them while you answer the others; what is not fit to be asked is left out.",
            persist_state="session",
        )
    with st.container(horizontal=True):
        for five_minutes, label in ((False, "Begin the interview"), (True, "Five minutes, one question")):
            st.button(
                label,
                key=f"interview_begin_{'five' if five_minutes else 'loop'}",
                type="secondary" if five_minutes else "primary",
                on_click=interview_session.begin,
                args=(coach, worker),
                kwargs={"five_minutes": five_minutes},
            )


def draw_list(worker: Worker, shown: Interview | None) -> None:
    """A new interview, and those that were, the latest first."""
    st.button(
        "New interview",
        key="new_interview",
        icon=":material/add:",
        width="stretch",
        disabled=shown is None,
        on_click=interview_session.open_interview,
        args=("",),
    )
    with st.container(key="interviews", gap=None):
        for one in worker.interviews.interviews.list()[:SHOWN]:
            state = "" if one.ended_at else "open, "
            asked = counted(sum(bool(each.lines) for each in one.asked), "question")
            st.button(
                f"{state}{_local(one.made_at)}, {asked}",
                key=f"interview_{one.id}",
                type="secondary" if shown is not None and shown.id == one.id else "tertiary",
                width="stretch",
                on_click=interview_session.open_interview,
                args=(one.id,),
            )
    if shown is None:
        return
    draw_deletion(
        f"interview_delete_{shown.id}",
        "Delete this interview",
        interview_session.delete,
        *(worker, shown.id),
        what="What the committee read of it stays among your drafts.",
        width="stretch",
    )


def draw_clock(found: Interview) -> None:
    """The round, the place in it, and how the time stands."""
    current = found.current
    if current is None:
        return
    now = datetime.now(UTC).isoformat()
    place = found.asked.index(current) + 1
    st.html(
        f'<p class="coach-label">{escaped(_title(current.question.round))} · question {place} of {len(found.asked)}</p>'
        f'<p class="coach-note">{current.minutes_used(now):.0f} of about {current.minutes:g} minutes for this question; '
        f"{found.minutes_used(now):.0f} of about {found.minutes:g} in all</p>"
    )


def draw_said(found: Interview) -> None:
    """The current question with all that was said to it."""
    current = found.current
    if current is None:
        return
    st.html("".join(map(_line_html, current.lines)))
    if current.question.origin:
        st.html(f'<p class="coach-note">{escaped(current.question.origin)}</p>')
    st.html(_READ_ALOUD, unsafe_allow_javascript=True)


def draw_thinking() -> None:
    """That a reply was heard."""
    st.html(step_html("The interviewer thinks"))


def draw_reply_box(worker: Worker, found: Interview) -> None:
    """Where the candidate answers; what is typed while the interviewer thinks stays."""
    st.text_area(
        "Your reply",
        key=interview_session.REPLY,
        height=200,
        placeholder=f"Answer as you would say it, in at most {found.current.longest if found.current else 0:,} characters.",
        on_change=interview_session.keep_reply,
        persist_state="session",
    )
    with st.container(horizontal=True):
        st.button(
            "Say it",
            key="interview_say",
            type="primary",
            disabled=found.waits_for_reaction,
            on_click=interview_session.say,
            args=(worker, found.id),
        )
        st.button(
            "End the interview",
            key="interview_leave",
            on_click=interview_session.leave,
            args=(worker, found.id),
        )
    st.html(f'<p class="coach-note">{_NO_DICTATION}</p>')


def draw_own_rating(worker: Worker, found: Interview) -> None:
    """The candidate's own word, before anybody else's."""
    st.html(
        '<header class="coach-welcome coach-compact"><h1>Before you read the debrief</h1><p>The interview is over. What would you say of '
        "yourself? It is put beside what the committee says; then you see all that was said.</p></header>"
    )
    for name in found.rounds:
        st.segmented_control(_title(name), get_args(Recommendation), key=f"own_{found.id}_{name}")
    st.button(
        "Show the debrief",
        key="interview_rate",
        type="primary",
        on_click=interview_session.rate,
        args=(worker, found),
    )


def draw_reading(found: Interview) -> None:
    """How far the committee is."""
    answered = [one for one in found.asked if one.answer]
    done = sum(one.is_judged for one in answered)
    st.html(step_html(f"The committee reads answer {min(done + 1, len(answered))} of {len(answered)}"))
    st.progress(done / len(answered))


def draw_debrief(coach: Coach, found: Interview) -> None:
    """The debrief, to keep and to print, and a way to work on each answer."""
    titles = round_titles()
    made = coach.debrief(found)
    with st.container(horizontal=True):
        for label, ending, kind, write in (
            ("As Markdown", "md", "text/markdown", debrief_as_markdown),
            ("As a page to print", "html", "text/html", debrief_as_html),
        ):
            st.download_button(
                label,
                write(made, found, titles),
                file_name=f"debrief-{found.made_at[:10]}.{ending}",
                mime=kind,
                key=f"debrief_{ending}",
                on_click="ignore",
            )
    body = _PLACE.sub(_link, debrief_body(made, found, titles))
    st.html(f'<section class="coach-debrief">{body}</section>')
    _draw_answers(coach, found)


def _link(place: re.Match[str]) -> str:
    source, start, end = html.unescape(place[1]), int(place[2]), int(place[3])
    return f'(<a href="{document_address(source, start, end)}" target="_self">open it in the document</a>)'


def _draw_answers(coach: Coach, found: Interview) -> None:
    if st.button("See your progress", key="debrief_progress"):
        st.switch_page("coach/ui/pages/progress.py")
    st.html(
        '<p class="coach-label">See the verdicts on an answer in Critique, overrule them, or work on it</p>'
    )
    for one in found.asked:
        if one.answer and st.button(
            as_label(one.question.text), key=f"work_on_{one.question.id}", width="stretch"
        ):
            _open_in_critique(coach, one)


def _open_in_critique(coach: Coach, one: Asked) -> None:
    try:
        if one.critique is not None:
            critique_session.open_critique(coach.with_what_was_said(one.critique))
        critique_session.take_question(one.question.text, one.question.kind)
        critique_session.replace_draft(one.answer)
        st.switch_page(critique_session.PAGE)
    except CoachError as error:
        components.draw_error(str(error))


def _line_html(line: Line) -> str:
    who, style = ("Interviewer", "coach-asked") if line.by == "interviewer" else ("You", "coach-said")
    paragraphs = "".join(f"<p>{escaped(part)}</p>" for part in line.text.split("\n") if part.strip())
    return f'<section class="coach-turn"><p class="coach-label">{who}</p><div class="{style}">{paragraphs}</div></section>'


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def _title(name: str) -> str:
    return round_titles().get(name, name)
