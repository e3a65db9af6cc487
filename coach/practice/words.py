"""Say when something was, and how it stands, in words that the page, the terminal and the exports share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from coach.practice.readiness import Readiness, Standing, Trend
from coach.text.counted import counted
from coach.types import Try

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

NO_STORY_SURE = "No story of yours clearly answers this. The nearest, if it can be told so:"


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
    """`2.5 of 4 met, 1 more unsure (22 to 95 %): not clear yet`; below three tries nothing is graded."""
    if not one.tries + one.unsure:
        return "not tried yet"
    unsure = f", {one.unsure} more unsure" if one.unsure else ""
    grade = "" if one.grade == "too few" else f": {one.grade}"
    return (
        f"{one.met:g} of {one.tries} met{unsure} ({round(100 * one.low)} to {round(100 * one.high)} %){grade}"
    )


def made_from(found: Readiness) -> str:
    """Which drafts the map is made of, and why others are left out."""
    drafts = counted(found.drafts, "draft")
    if not found.left_out:
        return f"From {drafts}."
    others = "1 more does" if found.left_out == 1 else f"{found.left_out} more do"
    return f"From {drafts}; {others} not count: it takes the first draft to a question on a day, and one that somebody could judge."


def nothing_changed(found: Readiness) -> str:
    """Why no trend is shown: too little to compare, or no difference."""
    if not found.comparable:
        return "Nothing can be compared yet: it takes six tries of a criterion, three earlier ones and three later ones."
    return "Nothing can be said: earlier and later tries do not differ by more than chance allows."


def judged_word(one: Try) -> str:
    """The judge's level, or why there is none."""
    return one.judged or ("unsure" if one.unsure else "not scored")


def try_words(one: Try) -> str:
    """The level that counts, and who gave it."""
    judged = judged_word(one)
    if one.override is None:
        return judged
    said = f"you said {one.override.level}"
    return said if one.override.level == one.judged else f"{said}, the judge {judged}"


def trend_words(trend: Trend) -> str:
    """`Better: 4 of 4 met lately, 0.5 of 4 before.`"""
    direction = "Better" if trend.better else "Worse"
    later, earlier = trend.later, trend.earlier
    return (
        f"{direction}: {later.met:g} of {later.tries} met lately, {earlier.met:g} of {earlier.tries} before."
    )
