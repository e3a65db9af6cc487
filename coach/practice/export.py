"""Write down where the candidate stands, to keep, to read elsewhere, and to bring back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from pydantic import TypeAdapter

from coach.critique.report import plain_markdown, quoted_markdown
from coach.errors import UsageError
from coach.json_form import critique_from_json
from coach.practice.cards import Card
from coach.practice.interview import Interview
from coach.practice.readiness import Readiness, Standing
from coach.practice.schedule import Queue
from coach.practice.tries import round_label, round_of
from coach.practice.words import days, judged_word, made_from, nothing_changed, standing_words, trend_words
from coach.types import Level, Story, Try

FORMAT = "genai-pm-coach progress 1"
BEGINNING = "<!-- Written by `coach export`. -->"
AHEAD = timedelta(days=1)  # by which another machine's clock may run before this one's

_LEVELS = get_args(Level)
_INTERVIEW: TypeAdapter[Interview] = TypeAdapter(Interview)
_TELLS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute instead of show


@dataclass(frozen=True, slots=True)
class Progress:
    """All of it: `drafts` as the store exports them, `rounds` the rounds of drafts that an interview asked for, by the draft's id,
    `interviews` as JSON and the `debriefs` of those that have ended as Markdown."""

    readiness: Readiness
    queue: Queue
    tries: tuple[Try, ...]
    cards: tuple[Card, ...]
    stories: tuple[Story, ...]
    drafts: Sequence[Mapping[str, Any]]
    rounds: Mapping[str, str]
    interviews: Sequence[Mapping[str, Any]] = ()
    debriefs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Brought:
    """What an export holds that can be brought back."""

    drafts: tuple[Mapping[str, Any], ...]
    stories: tuple[Story, ...]
    interviews: tuple[Mapping[str, Any], ...] = ()


# ------------------------------------------------------------------ JSON, out and in


def progress_as_json(progress: Progress) -> dict[str, Any]:
    """All of it; `drafts` and `stories` are what `progress_from_json` reads back, the rest is for the reader."""
    return {
        "format": FORMAT,
        "made_at": progress.readiness.now.isoformat(timespec="seconds"),
        "readiness": readiness_as_json(progress.readiness),
        "practice": queue_as_json(progress.queue),
        "cards": [asdict(card) for card in progress.cards],
        "stories": [asdict(story) for story in progress.stories],
        "drafts": list(progress.drafts),
        "interviews": list(progress.interviews),
    }


def readiness_as_json(found: Readiness) -> list[dict[str, Any]]:
    """A row for each criterion and round that asks for it."""
    return list(_cells(found))


def queue_as_json(queue: Queue) -> dict[str, Any]:
    """What is due and what comes later, each with why and with which question."""

    def plain(entries: Iterable[Any]) -> list[dict[str, Any]]:
        return [
            {**asdict(one), "due": one.due.astimezone(queue.now.tzinfo).isoformat(), "minutes": one.lasts}
            for one in entries
        ]

    return {"five_minutes": plain(queue.sitting), "due": plain(queue.due), "later": plain(queue.later)}


def progress_from_json(text: str) -> Brought:
    """The drafts and stories of an export. Raises UsageError, in a sentence, for anything else."""
    try:
        written = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("This is not JSON: give a file that `coach export FILE.json` wrote.") from error
    if not isinstance(written, Mapping) or written.get("format") != FORMAT:
        raise UsageError(
            "This is no export of your progress: give a file that `coach export FILE.json` wrote."
        )
    try:
        stories = tuple(_story(one) for one in written["stories"])
        interviews = tuple(map(_interview, written.get("interviews", ())))
        return Brought(tuple(map(_draft, written["drafts"])), stories, interviews)
    except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
        raise UsageError(
            f"This export is damaged ({_told(error)}): make it anew with `coach export FILE.json`."
        ) from error


def _told(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(error) if isinstance(error, _DamagedError) else "a part of it cannot be read"


class _DamagedError(ValueError):
    """What is wrong with an export, in words for its user."""


def _draft(written: Mapping[str, Any]) -> Mapping[str, Any]:
    critique_from_json(written["critique"])
    return {
        "id": _text(written["id"]),
        "kept_at": _moment(written["kept_at"]),
        "critique": written["critique"],
        "overrides": [_override(one) for one in written["overrides"]],
    }


def _interview(written: Mapping[str, Any]) -> Mapping[str, Any]:
    _text(written["id"])
    return json.loads(_INTERVIEW.dump_json(_INTERVIEW.validate_python(written)))  # type: ignore[no-any-return]


def _override(written: Mapping[str, Any]) -> dict[str, Any]:
    levels = {"level": written["level"], "judged": written["judged"]}
    if written["level"] not in _LEVELS or written["judged"] not in (*_LEVELS, None):
        raise _DamagedError("a level is not one of the three")
    model = written["model"]
    return levels | {
        "criterion": _text(written["criterion"]),
        "made_at": _moment(written["made_at"]),
        "reason": _text(written["reason"]),
        "model": None if model is None else _text(model),
    }


def _story(written: Mapping[str, Any]) -> Story:
    parts = {name: _text(written[name]) for name in ("id", "title", "situation", "action", "result")}
    return Story(**parts, changed_at=_moment(written["changed_at"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _DamagedError("a text is missing")
    return value


def _moment(value: object) -> str:
    """As the store writes moments (once to the millisecond, now to the microsecond), so that they compare as texts do."""
    written = _text(value)
    try:
        moment = datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _DamagedError("a date cannot be read") from error
    if moment > datetime.now(UTC) + AHEAD:
        raise _DamagedError(f"{moment.date()} has not come yet")
    as_once = moment.isoformat(timespec="milliseconds")
    return written if written == as_once else moment.isoformat(timespec="microseconds")


# ------------------------------------------------------------------ CSV


def readiness_as_csv(found: Readiness) -> str:
    """A row for each criterion and round that asks for it."""
    return _csv(_cells(found))


def tries_as_csv(tries: Sequence[Try], rounds: Mapping[str, str]) -> str:
    """A row for each verdict of each draft, the earliest first."""
    return _csv(
        {
            "at": one.at.isoformat(timespec="seconds"),
            "draft": one.draft,
            "question": one.question,
            "kind": one.kind,
            "round": round_of(one, rounds),
            "criterion": one.criterion,
            "name": one.name,
            "judged": one.judged or "",
            "counts": one.final or "",
            "reason": one.override.reason if one.override else "",
        }
        for one in tries
    )


def _cells(found: Readiness) -> Iterator[dict[str, Any]]:
    for row in found.rows:
        for name in found.rounds:
            if (cell := row.rounds.get(name)) is not None:
                yield {
                    "rubric": row.rubric,
                    "criterion": row.criterion.id,
                    "name": row.criterion.name,
                    "group": row.criterion.group,
                    "round": name,
                    **_figures(cell),
                }


def _figures(cell: Standing) -> dict[str, Any]:
    share = cell.met / cell.tries if cell.tries else None
    return {
        "tries": cell.tries,
        "met": cell.met,
        "unsure": cell.unsure,
        "share": None if share is None else round(share, 4),
        "low": round(cell.low, 4),
        "high": round(cell.high, 4),
        "grade": cell.grade,
        "newest": cell.newest.isoformat(timespec="seconds") if cell.newest else None,
    }


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    listed = [{name: _cell(value) for name, value in row.items()} for row in rows]
    written = io.StringIO()
    if listed:
        writer = csv.DictWriter(written, fieldnames=list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return written.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV injection")."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_TELLS_A_FORMULA) else value


# ------------------------------------------------------------------ Markdown


def progress_as_markdown(progress: Progress) -> str:
    """All of it to read: the map, the trends, what was overruled, what comes next, the stories, the drafts with their verdicts."""
    now = progress.readiness.now
    blocks = [
        *readiness_as_markdown(progress.readiness).strip().split("\n\n"),
        "## To practise next",
        _list(
            f"{plain_markdown(one.name)}: {plain_markdown(one.why)}"
            + (
                f" (with “{plain_markdown(one.question.text)}”)"
                if one.question and one.what == "criterion"
                else ""
            )
            for one in progress.queue.due
        )
        or "Nothing is due.",
    ]
    if progress.stories:
        blocks.append("## Your stories")
    for story in progress.stories:
        blocks.append(f"### {plain_markdown(story.title)}")
        for label, part in (
            ("Situation", story.situation),
            ("Action", story.action),
            ("Result", story.result),
        ):
            blocks += [f"**{label}**", quoted_markdown(part)] if part else []
    blocks += progress.debriefs
    by_draft: dict[str, list[Try]] = {}
    for one in reversed(progress.tries):
        by_draft.setdefault(one.draft, []).append(one)
    written = {one["id"]: one for one in progress.drafts}
    if by_draft:
        blocks.append("## Your drafts and their verdicts")
    for own in by_draft.values():
        blocks.append(f"### {plain_markdown(own[0].question)}")
        blocks.append(f"{days([own[0].at], now)}, {round_label(round_of(own[0], progress.rounds)).lower()}")
        critique = written[own[0].draft]["critique"]
        read = {verdict["criterion"]: verdict for verdict in critique["verdicts"]}
        blocks.append(quoted_markdown(critique["draft"]))
        blocks.append(_list(_verdict_lines(one, read[one.criterion]) for one in reversed(own)))
    return "\n\n".join([BEGINNING, *blocks]) + "\n"


def readiness_as_markdown(found: Readiness) -> str:
    """The map as a table, the trends, and what was overruled."""
    columns = [round_label(name) for name in found.rounds]
    rows = [
        [plain_markdown(row.criterion.name), *(_cell_words(row.rounds.get(name)) for name in found.rounds)]
        for row in found.rows
    ]
    table = "\n".join(
        f"| {' | '.join(cells)} |" for cells in (["", *columns], ["---"] * (len(columns) + 1), *rows)
    )
    trends = _list(
        f"{plain_markdown(row.criterion.name)}: {trend_words(row.trend)}" for row in found.rows if row.trend
    )
    overruled = _list(_verdict_line(one) for one in found.overruled)
    return "\n\n".join(
        [
            "# Where you stand",
            f"On {days([found.now], found.now)} {found.now.year}. {made_from(found)} Each entry: how many tries were met, partly counting half, and "
            "between what the true share most likely lies (90 %, the judge's known errors and what it was unsure of counted in); below three "
            "tries nothing is graded. It is practice, not a hiring decision.",
            table,
            "## What changed",
            trends or nothing_changed(found),
            "## What you overruled",
            overruled or "Nothing.",
        ]
    )


def _cell_words(cell: Standing | None) -> str:
    return "not asked" if cell is None else standing_words(cell)


def _verdict_lines(one: Try, read: Mapping[str, Any]) -> str:
    """The verdict, below it the draft's words that it rests on, or what the judge said instead."""
    said = [f"“{' '.join(quote['text'].split())}”" for quote in read["quotes"]] or [read["explanation"]]
    return "\n".join([_verdict_line(one), *(f"  - {plain_markdown(text)}" for text in said if text)])


def _verdict_line(one: Try) -> str:
    judged = judged_word(one)
    if one.override is None:
        return f"{plain_markdown(one.name)}: {judged}"
    reason = f" ({plain_markdown(one.override.reason)})" if one.override.reason else ""
    return f"{plain_markdown(one.name)}: the judge said {judged}, you said {one.override.level}{reason}"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
