"""Live figures as points over time with the baseline as a band; attacks as a table of what stopped each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair

from coach.lab.drift_and_attacks import ATTACK, BASELINE, DRIFT, NOT_STOPPED
from coach.lab.experiment import Outcome
from coach.lab.pictures.picture import Picture

LIVE, BEFORE, BAD = "#0072B2", "#E69F00", "#D55E00"  # Okabe and Ito's, for the colour-blind


def pictures(outcome: Outcome, controls: Mapping[str, Any]) -> tuple[Picture, ...]:
    """A picture of each look at the traces, then one of the attacks: what the rows hold of either."""
    drift = [dict(row) for row in outcome.rows if row["of"] == DRIFT]
    attacks = [dict(row) for row in outcome.rows if row["of"] == ATTACK]
    return (
        *(
            _look(label, [row for row in drift if row["label"] == label])
            for label in dict.fromkeys(row["label"] for row in drift)
        ),
        *([_stopped(attacks)] if attacks else []),
    )


def _look(label: str, rows: Sequence[dict[str, Any]]) -> Picture:
    live = [row for row in rows if row["period"] != BASELINE]
    before = [row for row in rows if row["period"] == BASELINE]
    y = altair.Y("low:Q", title=None, scale=altair.Scale(zero=False), axis=altair.Axis(tickCount=4))
    band = (
        altair.Chart(altair.InlineData(values=before))
        .mark_rect(color=BEFORE, opacity=0.25)
        .encode(y=y, y2="high:Q")
    )
    line = (
        altair.Chart(altair.InlineData(values=before))
        .mark_rule(color=BEFORE, strokeDash=[5, 3])
        .encode(y="value:Q")
    )
    base = altair.Chart(altair.InlineData(values=live)).encode(
        x=altair.X("period:O", title=None, axis=altair.Axis(labelAngle=-40)),
        tooltip=["period:O", "value:Q", "low:Q", "high:Q", "answers:Q"],
    )
    points = base.mark_rule(color=LIVE, strokeWidth=2).encode(y=y, y2="high:Q") + base.mark_point(
        filled=True, size=70, color=LIVE
    ).encode(y="value:Q")
    return Picture((band + line + points).properties(height=190), label)


def _stopped(rows: Sequence[Mapping[str, Any]]) -> Picture:
    counted = [
        {"stopped by": kind, "attacks": count}
        for kind, count in Counter(row["stopped_by"] for row in rows).items()
    ]
    chart = (
        altair.Chart(altair.InlineData(values=counted))
        .mark_bar(size=22)
        .encode(
            x=altair.X("attacks:Q", axis=altair.Axis(tickMinStep=1)),
            y=altair.Y("stopped by:N", title=None, axis=altair.Axis(labelLimit=220)),
            color=altair.condition(
                altair.datum["stopped by"] == NOT_STOPPED, altair.value(BAD), altair.value(LIVE)
            ),
            tooltip=["stopped by:N", "attacks:Q"],
        )
    )
    return Picture(chart.properties(height=50 + 40 * len(counted)))
