"""Say when something was, and how it stands, in words that the page, the terminal and the exports share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from coach.practice.readiness import Standing, Trend

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def joined(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def days(moments: Sequence[datetime], now: datetime) -> str:
    """Days where the reader is, in order, the month said once and the year where it is not this one: `3 and 5 November`."""
    local = sorted({one.astimezone(now.tzinfo).date() for one in moments})
    months = [
        f"{joined([str(day.day) for day in group])} {_MONTHS[month - 1]}{'' if year == now.year else f' {year}'}"
        for (year, month), group in groupby(local, key=lambda day: (day.year, day.month))
    ]
    return joined(months)


def ago(at: datetime, now: datetime) -> str:
    """`today`, `yesterday`, `12 days ago`."""
    passed = (now.date() - at.astimezone(now.tzinfo).date()).days
    return "today" if passed <= 0 else "yesterday" if passed == 1 else f"{passed} days ago"


def standing_words(one: Standing) -> str:
    """`2.5 of 4 met (25 to 90 %): not clear yet`; below three tries that they are too few to say."""
    if not one.tries:
        return "not tried yet"
    grade = "too few tries to say" if one.grade == "too few" else one.grade
    return f"{one.met:g} of {one.tries} met ({round(100 * one.low)} to {round(100 * one.high)} %): {grade}"


def trend_words(trend: Trend) -> str:
    """`Better: 4 of 4 met lately, 0.5 of 4 before.`"""
    direction = "Better" if trend.better else "Worse"
    later, earlier = trend.later, trend.earlier
    return (
        f"{direction}: {later.met:g} of {later.tries} met lately, {earlier.met:g} of {earlier.tries} before."
    )
