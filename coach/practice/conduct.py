"""Conduct an interview: hear what was said, react as an interviewer does, and between the replies let the committee read what is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from coach.critique.flow import DRAFT_CHARACTERS, judge_by_evidence
from coach.critique.prepare import PreparedDraft, prepare_draft
from coach.critique.rubric import with_criteria
from coach.errors import CoachError
from coach.practice.interview import (
    MOST_PROBES,
    Asked,
    Interview,
    Line,
    LineKind,
    Mark,
    ask_next,
    end_question,
    mark,
    with_questions,
)
from coach.practice.made_questions import MINUTES
from coach.practice.probe import compose_probe, question_of
from coach.practice.reply_kind import ReplyKind, reply_kind
from coach.practice.thin import find_thin
from coach.protocols import ChatModel, ChosenModel, Embedder
from coach.text.language import language_of
from coach.text.sentences import split_sentences
from coach.types import Criterion, Critique, InterviewQuestion, Rubric, Verdict

THANKS, LAST_THANKS = "Thank you. Let us go on.", "Thank you, that was the last question."
_MOVE_ON = "Let us leave it there and go on."
_ALL_RIGHT = "That is all right."
_ENGLISH = "I can follow English only: could you say that in English?"
_REMARKS: dict[ReplyKind, str] = {
    "dont_know": f"{_ALL_RIGHT} Say how you would go about finding out, and what you would assume until then.",
    "clarify": "Once more: {question} Where that leaves something open, say what you assume, and go on from there.",
    "off_topic": "Let us stay with my question: {question}",
    "other_question": "That would answer another question. Mine was: {question}",
    "steer": "I cannot help with that: I ask, and the committee reads afterwards. The question was: {question}",
}


@dataclass(frozen=True, slots=True)
class Interviewer:
    """What conducting takes. `sources` are the texts the rubric quotes; `read` has the committee read a whole answer; it
    raises CoachError where it cannot. `make` makes questions out of the candidate's own documents, unlike those it is given."""

    rubric: Rubric
    embedder: Embedder
    chosen: Callable[[], ChosenModel]
    read: Callable[[Asked], Critique]
    sources: Callable[[], Sequence[str]] = tuple
    make: Callable[[Sequence[str]], Iterator[InterviewQuestion]] = lambda known: iter(())
    now: Callable[[], str] = lambda: datetime.now(UTC).isoformat(timespec="microseconds")


def react(interview: Interview, interviewer: Interviewer) -> Interview:
    """The interview with what the interviewer says to the last reply: a follow-up, a remark, or thanks and the next question; as it is where
    nothing waits for a reaction. Raises CoachError where the chat model fails."""
    if not interview.waits_for_reaction:
        return interview
    now = interview.current
    if now is None:
        return ask_next(make_ahead(interview, interviewer), interviewer.now())
    if not now.lines:
        return ask_next(interview, interviewer.now())
    return _after_reply(interview, now, interviewer)


def _after_reply(interview: Interview, now: Asked, interviewer: Interviewer) -> Interview:
    asked = [now.question.text, *(_asked_by(line, interviewer) for line in now.probes[-1:])]
    if _is_foreign(now.lines[-1].text):
        return _aside(interview, _heard_as("off_topic", now), _ENGLISH, interviewer)
    kind = reply_kind(now.lines[-1].text, asked, interviewer.embedder, _model_of(interviewer))
    heard = _heard_as(kind, now)
    if kind == "answer" or (kind == "other_question" and heard.insists):
        prepared = prepared_answer(heard, interviewer)
        if not prepared.off_topic:
            return _after_answer(interview.with_asked(heard), heard, prepared, interviewer)
        kind = "off_topic"
        heard = _heard_as(kind, now)
    interview = interview.with_asked(heard)
    if kind == "dont_know" and heard.probes:
        prepared = prepared_answer(heard, interviewer)
        return _probe_or_go_on(interview, heard, prepared, interviewer, before=f"{_ALL_RIGHT} ")
    return _aside(interview, heard, _REMARKS[kind].format(question=asked[-1]), interviewer)


def _aside(interview: Interview, heard: Asked, remark: str, interviewer: Interviewer) -> Interview:
    """Answer what is no answer with a remark, or go on where it was one too many."""
    interview = interview.with_asked(heard)
    if heard.is_stuck:
        return end_question(interview, _thanks(interview, _MOVE_ON), interviewer.now())
    return interview.with_asked(_saying(heard, "remark", remark, interviewer))


def _asked_by(probe: Line, interviewer: Interviewer) -> str:
    """What the follow-up asks, without the words it gives back."""
    criterion = next((one for one in interviewer.rubric.criteria if one.id == probe.criterion), None)
    return question_of(criterion) if criterion is not None else probe.text


def _is_foreign(said: str) -> bool:
    """Whether it is in another language than English, and no sentence of it in English."""
    if language_of(said) in (None, "English"):
        return False
    return all(language_of(said[start:end]) != "English" for start, end in split_sentences(said))


def _model_of(interviewer: Interviewer) -> ChatModel | None:
    """The chat model, None where none can be had: judging says so."""
    try:
        return interviewer.chosen().model
    except CoachError:
        return None


def _heard_as(kind: ReplyKind, now: Asked) -> Asked:
    return replace(now, lines=(*now.lines[:-1], replace(now.lines[-1], kind=kind)))


def make_ahead(interview: Interview, interviewer: Interviewer) -> Interview:
    """The interview with the questions out of the candidate's own documents that it was to have, as many as are fit to be asked."""
    known = [one.question.text for one in interview.asked]
    return with_questions(interview, list(islice(interviewer.make(known), interview.to_make)), MINUTES)


def confer(interview: Interview, interviewer: Interviewer) -> Iterator[Interview]:
    """Have every answer that is complete read as a whole, one after the other: the interview as it is after each.

    Whoever has something more urgent stops reading the iterator.
    """
    for asked in interview.asked:
        if not asked.ended or asked.is_judged:
            continue
        try:
            interview = interview.with_asked(replace(asked, critique=interviewer.read(asked)))
        except CoachError as error:
            interview = interview.with_asked(replace(asked, unread=str(error)))
        yield interview


def _after_answer(
    interview: Interview, now: Asked, prepared: PreparedDraft, interviewer: Interviewer
) -> Interview:
    out_of_time = now.minutes_used(interviewer.now()) >= now.minutes
    if out_of_time or len(now.probes) >= MOST_PROBES:
        return end_question(interview, _thanks(interview, THANKS), interviewer.now())
    # What was not met may be by now; what was met stays so.
    now = replace(now, marks=tuple(one for one in now.marks if one.level == "met"))
    return _probe_or_go_on(interview, now, prepared, interviewer)


def _probe_or_go_on(
    interview: Interview,
    now: Asked,
    prepared: PreparedDraft,
    interviewer: Interviewer,
    before: str = "",
) -> Interview:
    """Ask about the weightiest thing that is thin; where nothing is left to ask, go on. `before` is said first."""
    thanks = before + _thanks(interview, THANKS)
    if not prepared.kept or len(now.probes) >= MOST_PROBES:
        return end_question(interview, thanks, interviewer.now())
    criterion, verdicts = thin_in(now, prepared, interviewer)
    marks = [Mark(name, verdict.level, verdict.probability) for name, verdict in verdicts.items()]
    now = mark(now, marks)
    interview = interview.with_asked(now)
    if criterion is None:
        return end_question(interview, thanks, interviewer.now())
    probe = compose_probe(
        criterion,
        now.question.text,
        prepared,
        interviewer.embedder,
        quoted=[line.quote for line in now.probes],
        number=len(now.probes),
    )
    said = before + probe.text
    line = Line("interviewer", "probe", said, interviewer.now(), criterion.id, probe.quote.text)
    return interview.with_asked(replace(now, lines=(*now.lines, line)))


def thin_in(
    now: Asked, prepared: PreparedDraft, interviewer: Interviewer
) -> tuple[Criterion | None, dict[str, Verdict]]:
    """The criterion of the question that its answer leaves thinnest, and what was judged to find it."""
    question, kind = now.question.text, now.question.kind
    criteria = with_criteria(interviewer.rubric, now.question.criteria).for_kind(kind)
    judging = judge_by_evidence(prepared)
    found, verdicts = find_thin(
        criteria,
        lambda criterion: criterion.weights[kind],
        lambda criterion: judging.verdict(criterion, prepared, question, interviewer.embedder),
        prepared,
        met=[one.criterion for one in now.marks if one.level == "met"],
        passed_over=[line.criterion for line in now.probes],
    )
    return found, dict(verdicts)


def prepared_answer(now: Asked, interviewer: Interviewer) -> PreparedDraft:
    """What of the answer is read. Raises UsageError for one far too long."""
    return prepare_draft(
        now.answer,
        now.question.text,
        interviewer.rubric,
        interviewer.embedder,
        limit=DRAFT_CHARACTERS,
        sources=interviewer.sources(),
    )


def _saying(now: Asked, kind: LineKind, text: str, interviewer: Interviewer) -> Asked:
    return replace(now, lines=(*now.lines, Line("interviewer", kind, text, interviewer.now())))


def _thanks(interview: Interview, words: str) -> str:
    """The words, unless this was the last question."""
    left = sum(not one.ended for one in interview.asked)
    return LAST_THANKS if left <= 1 else words
