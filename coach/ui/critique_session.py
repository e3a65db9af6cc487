"""What one visitor's Critique page remembers: the draft being written, and every reading of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from coach.critique.flow import by_weight
from coach.critique.rubric import with_criteria
from coach.errors import CoachError
from coach.practice.bank import exercised, likely_kind
from coach.settings import load_settings
from coach.store.critiques import CritiqueStore
from coach.store.fields import FieldStore
from coach.store.readings import Reading as KeptReading
from coach.text.encoding import decoded, what_it_is
from coach.types import Criterion, Critique, Level, Rubric, Verdict
from coach.ui import outgoing, session

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.critique.redraft import Redraft
    from coach.jobs.worker import Rewriting, Worker
    from coach.practice.schedule import Due

Panel = Literal["improve", "overrule"]
Stage = Literal["question", "hint", "rewrite"]

# Keys of the fields that keep their text wherever the visitor goes (`persist_state`).
QUESTION, DRAFT = "critique_question", "critique_draft"
KIND, RUBRIC = "critique_kind", "critique_rubric"
UPLOAD_MEGABYTES = 1  # some 150,000 words; no answer in an interview comes near
NO_WORDS = "There is no draft yet: paste one, or upload a text file."
NO_QUESTION = "There is no question yet: write the one you were asked, or pick an example."

TO_BE_SEEN = "critique"  # where a draft waits that is shown before it leaves
PAGE = "coach/ui/pages/critique.py"
READING = "reading"  # in the page's address, so that a refresh comes back to it
_KEPT_FIELDS = (QUESTION, DRAFT)


@dataclass(slots=True)
class Help:
    """How far the work on one criterion has come, and what each stage said."""

    stages: dict[Stage, Redraft] = field(default_factory=dict)
    wanted: Stage | None = "question"
    rewriting: Rewriting | None = None
    error: str = ""


@dataclass(slots=True)
class Reading:
    """One draft before the committee, and what the visitor does with its verdicts; the draft itself is the store's."""

    kept: KeptReading
    rubric: Rubric
    helps: dict[str, Help] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.kept.id

    @property
    def draft(self) -> str:
        return self.kept.draft

    @property
    def question(self) -> str:
        return self.kept.question

    @property
    def kind(self) -> str:
        return self.kept.kind

    @property
    def asked_for(self) -> Sequence[Criterion]:
        """The criteria that the answer is judged by, in their order."""
        judged_by = with_criteria(self.rubric, exercised(self.question, self.kind, self.rubric))
        return by_weight(judged_by, self.kind)

    @property
    def verdicts(self) -> Sequence[Verdict]:
        return self.kept.verdicts

    @property
    def critique(self) -> Critique | None:
        return self.kept.critique


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A draft as it was handed in."""

    draft: str
    question: str
    kind: str
    rubric: Rubric

    @property
    def texts(self) -> tuple[str, str]:
        return self.question, self.draft


@dataclass(slots=True)
class Desk:
    """What stands on the visitor's desk beside the fields of the form, which keep their own texts."""

    note: str = ""
    put_aside: str | None = None  # the draft that another one replaced
    editing: bool = True
    moved: bool = False  # the draft has just been opened from further down the page
    opened: tuple[str, Panel] | None = None
    practised: Due | None = None  # what of the practice queue the question was taken up for
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
    """This visitor's desk; on a new one lies what was being written when the last one was left."""
    if "critique_desk" not in st.session_state:
        st.session_state["critique_desk"] = Desk()
        try:
            written = FieldStore(load_settings().home).all()
        except CoachError as error:
            st.session_state["critique_desk"].note, written = str(error), {}
        for name in _KEPT_FIELDS:
            st.session_state.setdefault(name, written.get(name, ""))
    kept: Desk = st.session_state["critique_desk"]
    return kept


def come_back(worker: Worker, rubrics: Sequence[Rubric]) -> None:
    """Lay the reading that the page's address names on an empty desk, with those of earlier drafts."""
    here, identity = desk(), st.query_params.get(READING, "")
    if here.readings or not identity:
        return
    kept = worker.reading(identity)
    rubric = next((one for one in rubrics if kept is not None and one.name == kept.rubric), None)
    if kept is None or rubric is None:
        st.query_params.pop(READING, None)
        return
    drafts = worker.readings.of_question(kept.question, kept.kind, kept.rubric)
    here.readings = [Reading(one, rubric) for one in drafts if one.made_at < kept.made_at]
    here.readings.append(Reading(kept, rubric))
    here.editing = False


def keep_fields() -> None:
    """Keep what stands in the form; where that fails, the desk's note says so."""
    try:
        FieldStore(load_settings().home).keep({name: typed(name) for name in _KEPT_FIELDS})
    except CoachError as error:
        desk().note = str(error)


def typed(key: str) -> str:
    """What the form's field `key` holds, drawn or not."""
    return st.session_state.get(key) or ""


def replace_draft(text: str) -> None:
    """Put `text` in the draft's place, for editing; the one that was there can be brought back."""
    before = typed(DRAFT)
    desk().put_aside = before if before.strip() not in ("", text.strip()) else None
    desk().editing = desk().moved = True
    st.session_state[DRAFT] = text
    keep_fields()


def bring_back() -> None:
    """Exchange the draft with the one it replaced."""
    here = desk()
    st.session_state[DRAFT], here.put_aside = here.put_aside or "", typed(DRAFT)
    keep_fields()


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
        keep_fields()


def chosen_rubric(rubrics: Sequence[Rubric]) -> Rubric | None:
    """The rubric that was picked, else the first."""
    picked = typed(RUBRIC)
    return next((rubric for rubric in rubrics if rubric.name == picked), rubrics[0] if rubrics else None)


def chosen_kind(rubric: Rubric) -> str:
    """The kind of question that was picked, else the one that its words speak for."""
    picked = typed(KIND)
    return picked if picked in rubric.kinds else likely_kind(typed(QUESTION), rubric)


def submit(rubric: Rubric) -> None:
    """Hand the draft in: it is read, or shown first where personal data would leave with it.

    The kind is looked up only now: question and kind may have been changed in the same moment.
    """
    here, draft, question = desk(), typed(DRAFT), typed(QUESTION).strip()
    here.note = "" if question else NO_QUESTION
    here.note = here.note if draft.strip() else NO_WORDS
    if here.note:
        return
    _show_and_send(HandedIn(draft, question, chosen_kind(rubric), rubric))


def submit_again(reading: Reading) -> None:
    """Have the draft of `reading` read once more, in its place; shown first as by `submit`."""
    _show_and_send(HandedIn(reading.draft, reading.question, reading.kind, reading.rubric), reading)


def _show_and_send(one: HandedIn, instead_of: Reading | None = None) -> None:
    try:
        outgoing.submit(TO_BE_SEEN, one.texts, partial(_hand_in, one, instead_of))
    except CoachError as error:
        desk().note = str(error)


def _hand_in(one: HandedIn, instead_of: Reading | None, unmasked: frozenset[str]) -> None:
    """Give the draft to the worker. Raises StoreError, the draft then stays in the form."""
    kept = session.current_worker().read(
        one.draft, one.question, one.kind, one.rubric.name, visitor=session.visitor(), unmasked=unmasked
    )
    here = desk()
    here.readings = [other for other in here.readings if other is not instead_of]
    here.readings.append(Reading(kept, one.rubric))
    here.note, here.editing, here.put_aside, here.opened = "", False, None, None
    st.query_params[READING] = kept.id


def refresh(worker: Worker, reading: Reading) -> None:
    """Look how far the reading is. Raises StoreError where that cannot be read."""
    if reading.kept.under_way:
        reading.kept = worker.reading(reading.key) or reading.kept


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
            critique = coach.overrule(reading.critique, criterion, level, reason)
            session.current_worker().readings.correct(reading.key, critique)
            reading.kept = replace(reading.kept, critique=critique)
        except CoachError as error:
            help_.error = str(error)
        else:
            help_.error, desk().opened = "", None


def take_question(question: str, kind: str, practised: Due | None = None) -> None:
    """A new desk with this question in the form; the draft that lay there can be brought back. `practised` is what it is taken up for."""
    desk()
    start_over()
    desk().practised = practised
    st.session_state[QUESTION], st.session_state[KIND] = question, kind
    keep_fields()


def open_critique(critique: Critique) -> None:
    """Go to the Critique page with a draft that was judged elsewhere (in an interview, by the command line) and its verdicts. Raises
    StoreError."""
    st.switch_page(PAGE, query_params={READING: _lay(critique)})


def open_kept(identity: str) -> None:
    """The same on the Critique page itself, by the draft's id; the desk's note says where that failed."""
    try:
        rubrics = session.current_coach().rubrics()
        st.query_params[READING] = _lay(CritiqueStore(load_settings().home).get(identity, rubrics))
    except CoachError as error:
        desk().note = str(error)


def _lay(critique: Critique) -> str:
    """A clean desk for this draft, which stands in the form to be worked on; the one that lay there can be brought back. The id of its
    reading."""
    desk()
    reading = session.current_worker().readings.take_up(critique)
    written = typed(DRAFT)
    _clear_desk(put_aside=written if written.strip() not in ("", critique.draft.strip()) else None)
    st.session_state[QUESTION], st.session_state[KIND] = critique.question, critique.kind
    st.session_state[DRAFT] = critique.draft
    keep_fields()
    return reading.id


def open_reading(identity: str) -> None:
    """Lay another reading on the desk; what is being written stays in the form."""
    _clear_desk()
    st.query_params[READING] = identity


def delete_drafts(worker: Worker, reading: Reading) -> None:
    """Delete every draft that answers the question of `reading`; the desk's note says where that failed."""
    try:
        worker.readings.delete(reading.key)
    except CoachError as error:
        desk().note = str(error)
        return
    _clear_desk()
    st.query_params.pop(READING, None)
    if typed(QUESTION).strip() == reading.question:
        st.session_state[DRAFT] = st.session_state[QUESTION] = ""
        keep_fields()


def start_over() -> None:
    """A clean desk; the draft that lay there can be brought back."""
    draft = typed(DRAFT)
    _clear_desk(put_aside=draft if draft.strip() else None)
    st.session_state[DRAFT] = st.session_state[QUESTION] = ""
    st.query_params.pop(READING, None)
    keep_fields()


def _clear_desk(put_aside: str | None = None) -> None:
    st.session_state["critique_desk"] = Desk(put_aside=put_aside)
    outgoing.drop(TO_BE_SEEN)


def want_rewrite(reading: Reading, criterion: str, help_: Help, facts: str) -> None:
    """Have a rewrite with `facts` written, or shown first what would leave for it; the help's error says where that failed."""
    if reading.critique is None:
        return
    rewrite = partial(_rewrite, reading.critique, criterion, help_, facts)
    help_.error = ""
    try:
        outgoing.submit(rewrite_key(reading, criterion), (reading.question, reading.draft, facts), rewrite)
    except CoachError as error:
        help_.error = str(error)


def rewrite_key(reading: Reading, criterion: str) -> str:
    """Where the words wait of which a rewrite is to be made, until they are seen."""
    return f"critique_rewrite_{reading.key}_{criterion}"


def _rewrite(critique: Critique, criterion: str, help_: Help, facts: str, unmasked: frozenset[str]) -> None:
    help_.rewriting = session.current_worker().rewrite(
        critique, criterion, facts, visitor=session.visitor(), unmasked=unmasked
    )
