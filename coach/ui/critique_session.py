"""What one visitor's Critique page remembers: the draft being written, and every reading of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal

import streamlit as st

from coach.critique.rubric import choose_kind
from coach.errors import CoachError
from coach.text.encoding import decoded, what_it_is
from coach.types import Critique, Level, Rubric, Verdict

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.critique.redraft import Redraft

Panel = Literal["improve", "overrule"]
Stage = Literal["question", "hint", "rewrite"]

# Keys of the fields that keep their text wherever the visitor goes (`persist_state`).
QUESTION, DRAFT = "critique_question", "critique_draft"
KIND, RUBRIC = "critique_kind", "critique_rubric"
UPLOAD_MEGABYTES = 1  # some 150,000 words; no answer in an interview comes near
NO_WORDS = "There is no draft yet: paste one, or upload a text file."
NO_QUESTION = "There is no question yet: write the one you were asked, or pick an example."

_serial = count(1)


@dataclass(slots=True)
class Help:
    """How far the work on one criterion has come, and what each stage said."""

    stages: dict[Stage, Redraft] = field(default_factory=dict)
    wanted: Stage | None = "question"
    error: str = ""


@dataclass(slots=True)
class Reading:
    """One draft before the committee; `critique` and `error` are both None until it ends."""

    draft: str
    question: str
    kind: str
    rubric: Rubric
    verdicts: list[Verdict] = field(default_factory=list)
    critique: Critique | None = None
    error: str | None = None
    helps: dict[str, Help] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(next(_serial)))


@dataclass(slots=True)
class Desk:
    """What stands on the visitor's desk beside the fields of the form, which keep their own texts."""

    note: str = ""
    put_aside: str | None = None  # the draft that another one replaced
    editing: bool = True
    moved: bool = False  # the draft has just been opened from further down the page
    waiting: Reading | None = None
    opened: tuple[str, Panel] | None = None
    readings: list[Reading] = field(default_factory=list)

    @property
    def reading(self) -> Reading | None:
        """The newest reading."""
        return self.readings[-1] if self.readings else None

    def earlier(self, reading: Reading) -> list[Reading]:
        """Finished readings before `reading` of answers to the same question, oldest first."""
        before = self.readings[: self.readings.index(reading)] if reading in self.readings else []
        return [
            other
            for other in before
            if other.critique is not None
            and (other.question, other.kind, other.rubric.name)
            == (reading.question, reading.kind, reading.rubric.name)
        ]


def desk() -> Desk:
    """This visitor's desk."""
    kept: Desk = st.session_state.setdefault("critique_desk", Desk())
    return kept


def typed(key: str) -> str:
    """What the form's field `key` holds, drawn or not."""
    return st.session_state.get(key) or ""


def replace_draft(text: str) -> None:
    """Put `text` in the draft's place, for editing; the one that was there can be brought back."""
    before = typed(DRAFT)
    desk().put_aside = before if before.strip() not in ("", text.strip()) else None
    desk().editing = desk().moved = True
    st.session_state[DRAFT] = text


def bring_back() -> None:
    """Exchange the draft with the one it replaced."""
    here = desk()
    st.session_state[DRAFT], here.put_aside = here.put_aside or "", typed(DRAFT)


def take_upload(key: str) -> None:
    """Read the uploaded file as the draft; the desk's note says what came of it."""
    file = st.session_state.get(key)
    if file is None:
        return
    content: bytes = file.getvalue()
    text = decoded(content)
    if len(content) > UPLOAD_MEGABYTES * 1024 * 1024:
        desk().note = "This file is larger than 1 MB: paste the answer itself instead."
    elif text is None:
        desk().note = f"This file is {what_it_is(content)}: save it as .txt or .md and upload it again."
    elif not text.strip():
        desk().note = "This file is empty: upload the one with your draft, or paste the draft."
    else:
        replace_draft(text.replace("\r\n", "\n"))
        desk().note = ""


def use_example(key: str) -> None:
    """Take the picked example as the question, and let the list be picked from again."""
    if st.session_state.get(key):
        st.session_state[QUESTION] = st.session_state[key]
        st.session_state[key] = None


def chosen_rubric(rubrics: Sequence[Rubric]) -> Rubric | None:
    """The rubric that was picked, else the first."""
    picked = typed(RUBRIC)
    return next((rubric for rubric in rubrics if rubric.name == picked), rubrics[0] if rubrics else None)


def chosen_kind(rubric: Rubric) -> str:
    """The kind of question that was picked, else the one that its words speak for."""
    picked = typed(KIND)
    return picked if picked in rubric.kinds else choose_kind(typed(QUESTION), rubric)


def submit(rubric: Rubric) -> None:
    """Hand the draft in: it is read when the page is next drawn.

    The kind is looked up only now: question and kind may have been changed in the same moment.
    """
    here, draft, question = desk(), typed(DRAFT), typed(QUESTION).strip()
    here.note = "" if question else NO_QUESTION
    here.note = here.note if draft.strip() else NO_WORDS
    if here.note:
        return
    here.waiting = Reading(draft, question, chosen_kind(rubric), rubric)
    here.editing, here.put_aside, here.opened = False, None, None


def submit_again(reading: Reading) -> None:
    """Have the draft of `reading` read once more, in its place."""
    here = desk()
    here.readings = [other for other in here.readings if other is not reading]
    here.waiting = Reading(reading.draft, reading.question, reading.kind, reading.rubric)
    here.editing, here.opened = False, None


def next_waiting() -> Reading | None:
    """The reading put down by `submit`, once; from now on it is the newest."""
    here = desk()
    reading, here.waiting = here.waiting, None
    if reading is not None:
        here.readings.append(reading)
    return reading


def edit(editing: bool) -> None:
    """Open the draft for editing, or go back to the marked one."""
    desk().editing = desk().moved = editing


def toggle(criterion: str, panel: Panel) -> None:
    """Open a panel under a verdict, closing any other; close it when it is open."""
    here = desk()
    here.opened = None if here.opened == (criterion, panel) else (criterion, panel)
    if here.reading is not None and criterion in here.reading.helps:
        here.reading.helps[criterion].error = ""


def want(help_: Help, stage: Stage) -> None:
    """Let `stage` be fetched when the page is next drawn."""
    help_.wanted = stage


def use_rewrite(reading: Reading, criterion: str) -> None:
    """Take the rewrite as the draft, open for editing."""
    replace_draft(reading.helps[criterion].stages["rewrite"].text)
    desk().opened = None


def overrule(coach: Coach, reading: Reading, criterion: str, level_key: str, reason_key: str) -> None:
    """Let the level that was picked count from now on; the judgement stays beside it."""
    help_ = reading.helps.setdefault(criterion, Help())
    level: Level | None = st.session_state.get(level_key)
    reason = str(st.session_state.get(reason_key) or "").strip()
    if level is None or reading.critique is None:
        help_.error = "No level is picked yet: pick the one you would give."
    elif not reason:
        help_.error = "A verdict is overruled with a reason: write in a few words what the coach did not see."
    else:
        try:
            reading.critique = coach.overrule(reading.critique, criterion, level, reason)
        except CoachError as error:
            help_.error = str(error)
        else:
            help_.error, desk().opened = "", None


def start_over() -> None:
    """A clean desk; the draft that lay there can be brought back."""
    draft = typed(DRAFT)
    st.session_state["critique_desk"] = Desk(put_aside=draft if draft.strip() else None)
    st.session_state[DRAFT] = st.session_state[QUESTION] = ""
