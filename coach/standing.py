"""Where the user stands: what is kept of their drafts and stories, read with the steps of `practice`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from coach.interviews import Interviews
from coach.store.critiques import CritiqueStore
from coach.store.interviews import InterviewStore
from coach.store.stories import StoryStore
from coach.text.counted import counted
from coach.types import Rubric

if TYPE_CHECKING:
    from coach.practice.export import Progress
    from coach.practice.interview import Interview
    from coach.practice.readiness import Readiness
    from coach.practice.schedule import PracticeQuestion, Queue

ExportForm = Literal["md", "json", "csv", "apkg"]


def here_and_now() -> datetime:
    """This moment in the time zone of this machine, in which days are counted."""
    return datetime.now().astimezone()


def current_readiness(
    home: Path, rubrics: Sequence[Rubric], now: datetime, rounds: Mapping[str, str]
) -> Readiness:
    """The map, from every kept draft. `rounds` maps drafts that an interview asked for to their rounds. Raises StoreError."""
    from coach.practice.readiness import readiness

    return readiness(CritiqueStore(home).tries(), rubrics, now, rounds)


def current_queue(
    home: Path, rubrics: Sequence[Rubric], now: datetime, bank: Sequence[PracticeQuestion]
) -> Queue:
    """What is practised next, from every kept draft, with the questions of `bank`. Raises StoreError."""
    from coach.practice.schedule import practice_queue

    return practice_queue(CritiqueStore(home).tries(), rubrics, now, bank)


def export(
    home: Path,
    rubrics: Sequence[Rubric],
    form: ExportForm,
    now: datetime,
    rounds: Mapping[str, str],
    bank: Sequence[PracticeQuestion],
) -> bytes:
    """All of it as Markdown, JSON, CSV (a row for each verdict) or an Anki deck of cards. Raises StoreError."""
    from coach.practice.anki import anki_package
    from coach.practice.export import progress_as_json, progress_as_markdown, tries_as_csv

    progress = _progress(home, rubrics, now, rounds, bank)
    match form:
        case "md":
            return progress_as_markdown(progress).encode()
        case "json":
            return json.dumps(progress_as_json(progress), ensure_ascii=False, indent=1).encode()
        case "csv":
            return tries_as_csv(progress.tries, rounds).encode(
                "utf-8-sig"
            )  # Excel takes the rest for Latin-1
        case "apkg":
            return anki_package(progress.cards, now)


def bring_back(home: Path, text: str) -> tuple[int, int, int]:
    """Keep the drafts, the stories and the interviews of a JSON export; how many of each were new or changed.

    What is kept here already stays unless the export has it from a later day. Raises UsageError for anything else, StoreError.
    """
    from coach.practice.export import progress_from_json

    brought = progress_from_json(text)
    drafts = CritiqueStore(home).bring_back(brought.drafts)
    interviews = InterviewStore(home)
    new = [one for one in brought.interviews if interviews.get(one["id"]) is None]
    for one in new:
        interviews.keep(one["id"], json.dumps(one))
    return drafts, StoryStore(home).bring_back(brought.stories), len(new)


def brought_words(drafts: int, stories: int, interviews: int) -> str:
    """What `bring_back` did."""
    return (
        f"{counted(drafts, 'draft')}, {counted(stories, 'story', 'stories')} and {counted(interviews, 'interview')} brought back; "
        "the rest was here already."
    )


def _progress(
    home: Path,
    rubrics: Sequence[Rubric],
    now: datetime,
    rounds: Mapping[str, str],
    bank: Sequence[PracticeQuestion],
) -> Progress:
    from coach.practice.cards import practice_cards
    from coach.practice.export import Progress
    from coach.practice.readiness import readiness
    from coach.practice.schedule import practice_queue

    store = CritiqueStore(home)
    tries = store.tries()
    return Progress(
        readiness(tries, rubrics, now, rounds),
        practice_queue(tries, rubrics, now, bank),
        tries,
        practice_cards(rubrics, tries, bank),
        StoryStore(home).list(),
        store.export(),
        rounds,
        [json.loads(written) for written in InterviewStore(home).list()],
        [_debrief(one) for one in Interviews(home).list() if one.ended_at],
    )


def _debrief(interview: Interview) -> str:
    """The debrief of an interview as Markdown, a level lower than by itself."""
    from coach.practice.debrief import debrief
    from coach.practice.debrief_text import debrief_as_markdown
    from coach.practice.plan import round_titles

    read = {one.question.id: one.critique for one in interview.asked if one.critique is not None}
    written = debrief_as_markdown(debrief(interview, read), interview, round_titles())
    return re.sub(r"^(#+ )", r"#\1", written, flags=re.MULTILINE).rstrip()
