"""Draw where the candidate stands: a picture of intervals, criterion by round, and beside it the same as a table."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from coach.errors import CoachError
from coach.lab.pictures.palette import BLUE, GREEN, GREY, ORANGE
from coach.practice.readiness import Grade, Readiness, Row, Standing
from coach.practice.tries import round_label
from coach.practice.words import (
    ago,
    days,
    made_from,
    nothing_changed,
    standing_words,
    trend_words,
    try_words,
)
from coach.store.conversations import title_of
from coach.store.critiques import CritiqueStore
from coach.types import Try
from coach.ui import components, critique_session
from coach.ui.format import escaped, shortened

if TYPE_CHECKING:
    from coach.coach import Coach

ROW_HEIGHT = 50  # pixels: a name, and below it the bars
AROUND = 150  # pixels above and below the rows, for the rounds and the legend
ROOM = 0.8  # of a column's width, for shares from none to all
COLOURS: dict[Grade, str] = {
    "mostly met": GREEN,
    "mostly missed": ORANGE,
    "not clear yet": BLUE,
    "too few": GREY,
}


def draw_map(coach: Coach, found: Readiness) -> None:
    """The picture, what its colours mean, the table, and the tries behind it, whose drafts can be opened."""
    tried = [row for row in found.rows if row.tried]
    _draw_picture(found, tried)
    st.html(
        f'<p class="coach-note">{escaped(made_from(found))} Under the name of a criterion each round that asks for it has a thin line from none met to all met, '
        "with a mark at the half; a round that does not ask for it has none. The bar on it says between what the true share most likely lies (90 %, the judge’s "
        "known errors and what it was unsure of counted in), the dot what was met so far; one met partly counts half. Below three tries "
        "there is no dot and no colour.</p>"
    )
    st.html(
        f'<details class="coach-left-out"><summary>The same as a table</summary>{table_html(found, tried)}</details>'
    )
    st.html(
        f'<details class="coach-left-out"><summary>The tries behind it</summary>{_tries_html(found, tried)}</details>'
    )
    _draw_opening(coach, found)
    untried = [row.criterion.name for row in found.rows if not row.tried]
    if untried:
        st.html(
            f'<details class="coach-left-out"><summary>Not tried yet ({len(untried)})</summary><ul>'
            f"{''.join(f'<li>{escaped(name)}</li>' for name in untried)}</ul></details>"
        )


def _draw_opening(coach: Coach, found: Readiness) -> None:
    """The way to a draft and its verdicts."""
    drafts = {one.draft: one for row in found.rows for one in row.tries}
    latest_first = sorted(drafts, key=lambda draft: drafts[draft].at, reverse=True)
    with st.container(horizontal=True, key="progress_opening", vertical_alignment="bottom"):
        chosen = st.selectbox(
            "A draft with its verdicts, to see what they rest on or to overrule them",
            latest_first,
            format_func=lambda draft: (
                f"{days([drafts[draft].at], found.now)}: {title_of(drafts[draft].question)}"
            ),
            key="progress_draft",
        )
        if st.button("Open it in Critique", key="progress_open_draft") and chosen:
            try:
                critique_session.open_critique(
                    CritiqueStore(coach.settings.home).get(chosen, coach.rubrics())
                )
            except CoachError as error:
                components.draw_error(str(error))


def draw_trends(found: Readiness) -> None:
    """What got better or worse, as far as that can be told."""
    trends = [(row, row.trend) for row in found.rows if row.trend]
    if not trends:
        st.html(f'<p class="coach-note">{escaped(nothing_changed(found))}</p>')
        return
    listed = "".join(
        f"<li><strong>{escaped(row.criterion.name)}</strong><br>{escaped(trend_words(trend))}</li>"
        for row, trend in trends
    )
    st.html(f'<ul class="coach-lines">{listed}</ul>')


def draw_overruled(overruled: Sequence[Try], found: Readiness) -> None:
    """The verdicts that a person gave another level, the latest first; nothing where there are none."""
    if not overruled:
        return
    listed = "".join(
        f"<li><strong>{escaped(one.name)}</strong>: {escaped(_overruled_words(one))} "
        f'<span class="coach-figures">{escaped(ago(one.at, found.now))}</span></li>'
        for one in overruled
    )
    st.html(
        f'<details class="coach-left-out"><summary>Overruled by you ({len(overruled)})</summary><ul>{listed}</ul></details>'
    )


def _tries_html(found: Readiness, rows: Sequence[Row]) -> str:
    """Every try that counts, by criterion, the latest first."""
    listed = "".join(
        f'<p class="coach-label">{escaped(row.criterion.name)}</p><ul class="coach-lines">'
        + "".join(
            f"<li>{escaped(try_words(one))} · {escaped(days([one.at], found.now))} · {escaped(shortened(one.question))}</li>"
            for one in reversed(row.tries)
        )
        + "</ul>"
        for row in rows
    )
    return listed


def table_html(found: Readiness, rows: Sequence[Row]) -> str:
    """The map in words, a row a criterion."""
    head = "".join(f'<th scope="col">{escaped(round_label(name))}</th>' for name in found.rounds)
    body = "".join(
        f'<tr><th scope="row">{escaped(row.criterion.name)}</th>'
        f"{''.join(f'<td>{_cell_html(row.rounds.get(name), found)}</td>' for name in found.rounds)}</tr>"
        for row in rows
    )
    return (
        '<div class="coach-wide" tabindex="0" role="region" aria-label="Where you stand, as a table">'
        f'<table class="coach-compared"><thead><tr><th scope="col">Criterion</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell_html(cell: Standing | None, found: Readiness) -> str:
    if cell is None:
        return '<span class="coach-figures">not asked</span>'
    newest = (
        f', <span class="coach-figures">{escaped(ago(cell.newest, found.now))}</span>' if cell.newest else ""
    )
    return f"{escaped(standing_words(cell)).replace(' %', '&nbsp;%')}{newest}"


def _overruled_words(one: Try) -> str:
    assert one.override is not None  # `Readiness.overruled` holds no other
    reason = f": {one.override.reason}" if one.override.reason else ""
    return f"the coach said {one.judged or 'nothing'}, you said {one.override.level}{reason}"


def _draw_picture(found: Readiness, rows: Sequence[Row]) -> None:
    # Altair fails on a pandas that another visitor's page is in the middle of importing: this waits for it.
    importlib.import_module("pandas")
    altair: Any = importlib.import_module("altair")
    bars = [
        _bar(row, place, name, found)
        for row in rows
        for place, name in enumerate(found.rounds)
        if name in row.rounds
    ]
    tried = [bar for bar in bars if bar["newest"]]
    halves = [{**bar, "from": bar["middle"]} for bar in bars]
    labels = [round_label(name) for name in found.rounds]
    x_axis = altair.Axis(
        orient="top",
        values=[place + 0.5 for place in range(len(labels))],
        labelExpr=f"{labels}[floor(datum.value)]",
        labelAngle=-35,
        labelOverlap=False,
        labelAlign="left",
        labelPadding=14,
        grid=False,
        ticks=False,
        domain=False,
        title=None,
    )
    x = altair.X("from:Q", axis=x_axis, scale=altair.Scale(domain=[0, len(labels)], nice=False))
    # Streamlit's own grey is faint for names to be read by.
    ink = {"labelColor": "#1c2326"} if st.context.theme.type == "light" else {}
    name_axis = altair.Axis(  # inside the picture: on a telephone beside it they would leave the bars no room
        labelAlign="left",
        labelPadding=0,
        labelOffset=-15,
        **ink,
        labelFlush=False,
        labelLimit=420,
        labelOverlap=False,
        ticks=False,
        domain=False,
    )
    order = [row.criterion.name for row in rows]
    y = altair.Y("criterion:N", sort=order, title=None, axis=name_axis)
    colour = altair.Color(
        "grade:N",
        scale=altair.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
        legend=altair.Legend(orient="bottom", title=None, columns=2, symbolType="circle"),
    )
    tooltip = [
        altair.Tooltip("criterion:N"),
        altair.Tooltip("round:N"),
        altair.Tooltip("words:N", title="so far"),
        altair.Tooltip("newest:N", title="last tried"),
    ]
    room = altair.Chart(
        altair.InlineData(values=[{**bar, "from": bar["begin"], "to": bar["end"]} for bar in bars])
    )
    drawn = altair.Chart(altair.InlineData(values=tried))
    dots = altair.Chart(
        altair.InlineData(
            values=[{**bar, "from": bar["share"]} for bar in tried if bar["grade"] != "too few"]
        )
    )
    weight = altair.condition("datum.grade === 'too few'", altair.value(0.3), altair.value(0.75))
    picture = (
        room.mark_rule(strokeWidth=1, opacity=0.35, color=GREY).encode(x, y, x2="to:Q")
        + altair.Chart(altair.InlineData(values=halves))
        .mark_tick(thickness=1, size=9, opacity=0.5, color=GREY)
        .encode(x, y)
        + drawn.mark_rule(strokeWidth=5, strokeCap="round").encode(
            x, y, colour, x2="to:Q", tooltip=tooltip, opacity=weight
        )
        + dots.mark_circle(size=75, opacity=1).encode(x, y, colour, tooltip=tooltip)
    )
    said = f"{len(tried)} entries, criterion by round, each an interval; the table below holds the same in words."
    st.altair_chart(
        picture.properties(height=ROW_HEIGHT * len(rows) + AROUND, description=f"Where you stand: {said}"),
        width="stretch",
        key="readiness_map",
    )


def _bar(row: Row, place: int, name: str, found: Readiness) -> dict[str, Any]:
    """An entry with its places along the picture: columns are one wide."""
    cell = row.rounds[name]

    def at(share: float) -> float:
        return place + (1 - ROOM) / 2 + ROOM * share

    return {
        "criterion": row.criterion.name,
        "round": round_label(name),
        "tries": cell.tries,
        "grade": cell.grade,
        "begin": at(0),
        "end": at(1),
        "middle": at(0.5),
        "from": at(cell.low),
        "to": at(cell.high),
        "share": at(cell.met / cell.tries if cell.tries else 0),
        "words": standing_words(cell),
        "newest": ago(cell.newest, found.now) if cell.newest else "",
    }
