"""Write a debrief down: as Markdown, which the terminal shows too, and as a page that can be printed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from coach.practice.debrief import Debrief, Point, RoundDebrief
from coach.practice.interview import Interview

NO_RECOMMENDATION = "no recommendation"
# `python -m bench.interview.held_out`, the built-in model: 99 of 109 and 52 of 80, 24 more of which were labelled partly.
THE_COACHS_OWN = (
    "Of ten things that the judge calls met a person called nine so, of ten that it calls missing more than six, and three more met in part (45 answers it was "
    "not fitted on): read the words each rests on. The bounds are the coach's own; a real committee decides otherwise, and by more than words."
)
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_STYLE = (
    "body{font:16px/1.5 Georgia,serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "h1,h2,h3{font-family:system-ui,sans-serif;line-height:1.2}blockquote{border-left:3px solid #888;margin-left:0;padding-left:1rem}"
    "@media print{body{margin:0}h2{break-after:avoid}}"
)


def debrief_as_markdown(found: Debrief, interview: Interview, titles: Mapping[str, str]) -> str:
    """The debrief with the transcript behind it; `titles` are what the rounds are called."""
    blocks = [
        f"# Debrief of {interview.made_at[:10]}, {interview.candidate} level",
        f"**{_recommended(found.recommendation)}**",
        *found.reasons,
        *_not_reached(interview, titles),
        THE_COACHS_OWN,
        *([f"**Change this first:** {found.change}"] if found.change else []),
    ]
    for one in found.rounds:
        blocks += _round(one, titles.get(one.name, one.name))
    blocks.append("## What was said")
    for asked in interview.asked:
        for line in asked.lines:
            who = "Interviewer" if line.by == "interviewer" else "You"
            blocks.append(f"**{who}:** {_plain(line.text)}")
    return "\n\n".join(blocks) + "\n"


def debrief_as_html(found: Debrief, interview: Interview, titles: Mapping[str, str]) -> str:
    """The same as one HTML page that needs nothing from elsewhere; nothing in it can run."""
    title = html.escape(f"Debrief of {interview.made_at[:10]}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<body>{debrief_body(found, interview, titles)}</body></html>\n"
    )


def debrief_body(found: Debrief, interview: Interview, titles: Mapping[str, str]) -> str:
    """The same as HTML to stand in a page."""
    from markdown_it import MarkdownIt

    written = debrief_as_markdown(found, interview, titles)
    return str(MarkdownIt("commonmark", {"html": False}).render(written))


def _not_reached(interview: Interview, titles: Mapping[str, str]) -> Iterator[str]:
    if interview.not_reached:
        names = "; ".join(titles.get(name, name) for name in interview.not_reached)
        yield f"Ended before its time, so nothing is known of: {names}."


def _round(one: RoundDebrief, title: str) -> Iterator[str]:
    yield f"## {title}: {_recommended(one.recommendation)}"
    if one.own is not None:
        yield f"You said beforehand: {one.own}.{_beside_own(one)}"
    yield from one.reasons
    yield from one.unread
    for point in sorted(one.points, key=lambda point: -point.weight):
        yield "\n".join(_point(point))
    if one.change:
        yield f"**The one thing to change:** {one.change}"


def _point(point: Point) -> Iterator[str]:
    level = point.level or "could not be told"
    by_you = ", by your own word" if point.overruled else ""
    yield f"- **{_plain(point.criterion.name)}: {level}**{by_you} (counts {point.weight:g})"
    for quote in point.quotes:
        yield f"    - Your words: “{_plain(quote.text)}”"
    span = point.criterion.span
    yield f"    - What asks for it: “{_plain(span.text)}” ({span.source}:{span.start}-{span.end})"
    if point.level != "met" and point.suggestion:
        yield f"    - {point.suggestion}"


def _beside_own(one: RoundDebrief) -> str:
    if one.recommendation is None:
        return ""
    if one.own == one.recommendation:
        return " That agrees."
    return f" The committee says {one.recommendation}: look which words it rests on, and overrule them in Critique where it misread you."


def _recommended(recommendation: str | None) -> str:
    return (recommendation or NO_RECOMMENDATION).capitalize()


def _plain(text: str) -> str:
    """The text on one line, with nothing in it that Markdown would take for markup."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
