"""What the Critique page draws, piece by piece; what the visitor decides stands in `critique_session`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from coach.critique.compare import Comparison, compare_drafts
from coach.critique.report import critique_as_markdown
from coach.errors import CoachError
from coach.types import Document, Verdict
from coach.ui import components, critique_session, outgoing
from coach.ui.critique_actions import draw_actions
from coach.ui.critique_format import (
    comparison_html,
    contradictions_html,
    findings_html,
    notices_html,
    pending_html,
    summary_html,
    unbacked_html,
    verdict_html,
)
from coach.ui.critique_marks import Place, legend_html, links_style, marked_draft_html, places
from coach.ui.critique_session import Desk, Reading
from coach.ui.format import escaped, question_html

if TYPE_CHECKING:
    from coach.coach import Coach

SCOPE = "critique_reading"  # the container that holds draft and verdicts, so that a style can join them
DRAFT_SIDE = "critique_draft_side"

# A constant of ours with nothing of a stranger's in it; Streamlit itself leaves the page where it was.
_SCROLL_TO_DRAFT = (
    '<div class="coach-unseen"><script>'
    f"document.querySelector('.st-key-{DRAFT_SIDE}')?.scrollIntoView({{block: 'start'}})"
    "</script></div>"
)


def draw_welcome() -> None:
    """What the page is for."""
    st.html(
        '<header class="coach-welcome"><h1>Critique</h1><p>Your draft answer, read the way a hiring committee '
        "reads it: what it shows, what it misses, and what to do next.</p></header>"
    )


def draw_question(reading: Reading) -> None:
    """What was asked, and as what kind of question it is read."""
    kind = reading.rubric.kinds.get(reading.kind, reading.kind)
    st.html(
        f'<div class="coach-asked-question"><p class="coach-label">{escaped(kind)}</p>'
        f"{question_html(reading.question)}</div>"
    )


def bring_draft_into_view(here: Desk) -> None:
    """Scroll to the draft where it has just been opened from further down; on a telephone it stands above."""
    if here.moved:
        here.moved = False
        st.html(_SCROLL_TO_DRAFT, unsafe_allow_javascript=True)


def draw_unfinished(here: Desk, reading: Reading) -> None:
    """A reading that was stopped or went wrong: what was judged stays, and it can be read again."""
    if reading.kept.state == "failed":
        components.draw_error(reading.kept.error)
    else:
        why = "Stopped" if reading.kept.state == "stopped" else "The coach ended"
        st.html(
            f'<p class="coach-note">{why} before the end. Your draft and the verdicts so far are kept.</p>'
        )
    if not here.editing:  # else both stand with the form
        if here.note:
            components.draw_error(here.note)
        if outgoing.draw(critique_session.TO_BE_SEEN, "Not now"):
            return
    st.button(
        "Read it again",
        key="critique_again",
        type="primary",
        on_click=critique_session.submit_again,
        args=(reading,),
    )


def draw_summary(reading: Reading) -> None:
    """Next move, band, habits, notices."""
    if reading.critique is not None:
        critique = reading.critique
        st.html(
            summary_html(critique)
            + findings_html(critique.findings)
            + contradictions_html(critique.contradictions)
            + unbacked_html(critique.unbacked)
            + notices_html(critique)
        )


def draw_comparison(here: Desk, reading: Reading) -> Comparison | None:
    """How this draft compares with an earlier one to the same question; None without one."""
    names = {other.key: f"draft {here.readings.index(other) + 1}" for other in here.earlier(reading)}
    if reading.critique is None or not names:
        return None
    chosen = list(names)[-1]
    if len(names) > 1:
        chosen = st.selectbox(
            "Compare with",
            list(names),
            index=len(names) - 1,
            format_func=lambda key: names.get(key, key),
            key=f"critique_compare_{reading.key}",
        )
    old = next(other.critique for other in here.earlier(reading) if other.key == chosen)
    assert old is not None  # `earlier` holds finished readings only
    comparison = compare_drafts(old, reading.critique)
    st.html(comparison_html(comparison, names[chosen]))
    return comparison


def draft_side_html(reading: Reading, comparison: Comparison | None = None) -> str:
    """The draft with the quotes of the verdicts so far, and what the marks mean."""
    critique, verdicts, placed = reading.critique, verdicts_of(reading), placed_criteria(reading)
    added = comparison.added if comparison else ()
    aside = critique.set_aside if critique else ()
    marked = marked_draft_html(
        critique.draft if critique else reading.draft,
        verdicts,
        placed,
        reading.key,
        added=added,
        set_aside=aside,
    )
    return (
        f'<h2 class="coach-part">Your draft</h2>{marked}'
        f"{legend_html(verdicts, placed, added=bool(added), aside=bool(aside))}"
        f"{links_style(f'st-key-{SCOPE}', (place.number for place in placed.values()))}"
    )


def draw_draft_actions(reading: Reading, comparison: Comparison | None) -> None:
    """Edit, take along, begin anew."""
    with st.container(horizontal=True, key="critique_draft_actions"):
        st.button("Edit the draft", key="critique_edit", on_click=critique_session.edit, args=(True,))
        if reading.critique is not None:
            st.download_button(
                "Download as Markdown",
                critique_as_markdown(reading.critique, comparison),
                file_name="critique.md",
                mime="text/markdown",
                key="critique_download",
                on_click="ignore",
            )
        st.button("New question", key="critique_start_over", on_click=critique_session.start_over)


def draw_verdicts(coach: Coach | None, here: Desk, reading: Reading) -> None:
    """Every verdict with its article passage; in a finished critique also help and a way to overrule."""
    verdicts, placed = verdicts_of(reading), placed_criteria(reading)
    if verdicts:
        st.html('<h2 class="coach-part">The verdicts</h2>')
    documents = documents_of(coach, verdicts)
    for verdict in verdicts:
        criterion = verdict.criterion
        with st.container(key=f"critique_verdict_{criterion.id}"):
            document = documents.get(criterion.span.source)
            st.html(verdict_html(verdict, placed[criterion.id], reading.key, document))
            if coach is not None and reading.critique is not None:
                draw_actions(coach, here, reading, verdict)


def draw_verdicts_so_far(coach: Coach | None, reading: Reading) -> None:
    """Each criterion in its place: the verdict where it has come, else that it is awaited."""
    st.html('<h2 class="coach-part">The verdicts</h2>')
    placed = placed_criteria(reading)
    judged = {verdict.criterion.id: verdict for verdict in reading.verdicts}
    documents = documents_of(coach, reading.verdicts)
    for criterion in reading.asked_for:
        place = placed[criterion.id]
        with st.container(key=f"critique_verdict_{criterion.id}"):
            if criterion.id in judged:
                document = documents.get(criterion.span.source)
                st.html(verdict_html(judged[criterion.id], place, reading.key, document))
            else:
                st.html(pending_html(criterion, place, reading.key))


def verdicts_of(reading: Reading) -> Sequence[Verdict]:
    """The verdicts so far."""
    return reading.critique.verdicts if reading.critique else reading.verdicts


def placed_criteria(reading: Reading) -> dict[str, Place]:
    """Number and colour of every criterion that is asked, as they are judged, then of any other verdict."""
    judged = [verdict.criterion for verdict in verdicts_of(reading)]
    return places({criterion.id: criterion for criterion in (*reading.asked_for, *judged)}.values())


def documents_of(coach: Coach | None, verdicts: Sequence[Verdict]) -> dict[str, Document]:
    """The texts that the verdicts' criteria point into, as far as the coach has read them."""
    found: dict[str, Document] = {}
    for source in dict.fromkeys(verdict.criterion.span.source for verdict in verdicts):
        try:
            if coach is not None:
                found[source] = coach.document(source)
        except CoachError:
            continue  # the criterion's own words are shown without what stands around them
    return found
