"""An interview as a value: its questions, all that was said, and what follows next; nothing here waits, reads a clock or keeps anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise, takewhile
from typing import Literal

from coach.types import Critique, InterviewQuestion, Level

Candidate = Literal["senior", "principal"]
Recommendation = Literal["strong yes", "yes", "not yet"]
Speaker = Literal["interviewer", "candidate"]
# Of the interviewer; then of the candidate, "unheard" until it is known which of the others it is.
LineKind = Literal[
    "question",
    "probe",
    "remark",
    "thanks",
    "unheard",
    "answer",
    "dont_know",
    "clarify",
    "off_topic",
    "other_question",
    "steer",
]

MOST_PROBES = 3  # a question: with more the round becomes an interrogation
MOST_ASIDES = 2  # replies in a row that are no answer, before the interviewer goes on; questions back are counted by themselves
# Of a first answer and of each reply to a follow-up, in characters: five minutes and one. Together they are what a reading takes.
LONGEST_ANSWER, LONGEST_REPLY = 5_000, 1_000
BREAK_MINUTES = 10.0  # a longer silence is a break (a closed laptop), and not counted as time that was used


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said. `at` is when (ISO 8601); of a probe, `criterion` is what it is aimed at and `quote` the candidate's own
    words in it."""

    by: Speaker
    kind: LineKind
    text: str
    at: str
    criterion: str = ""
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known so far of one criterion in an answer; `level` None where the judge could not say."""

    criterion: str
    level: Level | None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the minutes it may take and all that was said to it. `critique` is that of the whole answer, None until it was read;
    `unread` says why it could not be."""

    question: InterviewQuestion
    minutes: float
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    ended: bool = False
    critique: Critique | None = None
    unread: str = ""

    @property
    def answer(self) -> str:
        """What the candidate answered, follow-ups included, a paragraph each; also what seemed to answer another question, of one who insists."""
        kinds = ("answer", "other_question") if self.insists else ("answer",)
        return "\n\n".join(line.text for line in self.lines if line.kind in kinds)

    @property
    def insists(self) -> bool:
        """Whether the candidate, told that this would answer another question, went on so: 8 of 540 who do answer are told (bench/interview)."""
        kinds = [line.kind for line in self.lines if line.by == "candidate"]
        return ("other_question", "other_question") in pairwise(kinds)

    @property
    def probes(self) -> tuple[Line, ...]:
        """The follow-ups that were put."""
        return tuple(line for line in self.lines if line.kind == "probe")

    @property
    def heard(self) -> bool:
        """Whether nothing that the candidate said waits for a reaction."""
        return not self.lines or self.lines[-1].by == "interviewer"

    @property
    def is_judged(self) -> bool:
        """Whether the committee has nothing left to read of it."""
        return self.ended and bool(self.critique or self.unread or not self.answer)

    @property
    def is_stuck(self) -> bool:
        """Whether it is time to go on: since the last answer or follow-up too many replies were none, or too many were questions back."""
        since = list(
            takewhile(lambda line: line.kind not in ("answer", "probe", "question"), reversed(self.lines))
        )
        own = [line.kind for line in since if line.by == "candidate"]
        back = own.count("clarify")
        return max(back, len(own) - back) > MOST_ASIDES

    @property
    def longest(self) -> int:
        """How many characters the next reply may have."""
        return LONGEST_REPLY if self.probes else LONGEST_ANSWER

    def minutes_used(self, now: str = "") -> float:
        """How long it took so far, breaks left out; `now` counts the silence since the last line."""
        times = [datetime.fromisoformat(at) for at in (*(line.at for line in self.lines), now) if at]
        gaps = ((later - earlier).total_seconds() / 60 for earlier, later in pairwise(times))
        return sum(gap for gap in gaps if 0 < gap <= BREAK_MINUTES)


@dataclass(frozen=True, slots=True)
class Interview:
    """A rehearsed loop. `asked` are its questions in order, round by round; `own` is how the candidate rates each round, given before the
    debrief is shown; `to_make` is how many questions out of the candidate's own documents are still to be made, which come last; `ended_at` is
    empty while it goes on; `not_reached` are the planned rounds of one that was ended before they came."""

    id: str
    made_at: str
    candidate: Candidate
    rubric: str
    asked: tuple[Asked, ...]
    own: Mapping[str, Recommendation] = field(default_factory=dict)
    to_make: int = 0
    ended_at: str = ""
    not_reached: tuple[str, ...] = ()

    @property
    def rounds(self) -> tuple[str, ...]:
        """The names of its rounds, in order."""
        return tuple(dict.fromkeys(one.question.round for one in self.asked))

    @property
    def current(self) -> Asked | None:
        """The question that is being answered; None once all were."""
        return next((one for one in self.asked if not one.ended), None)

    @property
    def waits_for_reaction(self) -> bool:
        """Whether the interviewer has to speak next."""
        if self.ended_at:
            return False
        now = self.current
        return self.to_make > 0 if now is None else not now.lines or not now.heard

    @property
    def minutes(self) -> float:
        """How long it was planned for."""
        return sum(one.minutes for one in self.asked)

    def minutes_used(self, now: str = "") -> float:
        """How long it took so far, breaks left out."""
        current = self.current
        return sum(one.minutes_used(now if one is current else "") for one in self.asked)

    def with_asked(self, changed: Asked) -> Interview:
        """The interview with what has become of one question."""
        return replace(
            self,
            asked=tuple(changed if one.question.id == changed.question.id else one for one in self.asked),
        )


def hear(interview: Interview, said: str, at: str) -> Interview:
    """What the candidate said to the current question; it waits for a reaction."""
    now = interview.current
    if now is None:
        return interview
    return interview.with_asked(
        replace(now, lines=(*now.lines, Line("candidate", "unheard", said.strip(), at)))
    )


def ask_next(interview: Interview, at: str) -> Interview:
    """Put the current question, where it was not put yet; once there is none, and none is to be made, the interview has ended."""
    now = interview.current
    if now is None and interview.to_make:
        return interview
    if now is None:
        return replace(interview, ended_at=interview.ended_at or at)
    if now.lines:
        return interview
    return interview.with_asked(replace(now, lines=(Line("interviewer", "question", now.question.text, at),)))


def with_questions(interview: Interview, made: Sequence[InterviewQuestion], minutes: float) -> Interview:
    """The interview with further questions at its end, and nothing left to make."""
    return replace(interview, asked=(*interview.asked, *(Asked(one, minutes) for one in made)), to_make=0)


def end_question(interview: Interview, said: str, at: str) -> Interview:
    """Close the current question with a word of thanks, and put the next."""
    now = interview.current
    if now is None:
        return interview
    closed = replace(now, lines=(*now.lines, Line("interviewer", "thanks", said, at)), ended=True)
    return ask_next(interview.with_asked(closed), at)


def leave(interview: Interview, at: str) -> Interview:
    """End it before its time: what was said is read as an answer, and questions that were not answered are as if they had not been planned."""
    asked = [replace(one, lines=tuple(map(_as_answer, one.lines))) for one in interview.asked]
    answered = tuple(replace(one, ended=True) for one in asked if one.answer) or interview.asked[:1]
    left = replace(interview, asked=answered, to_make=0, ended_at=at)
    return replace(left, not_reached=tuple(name for name in interview.rounds if name not in left.rounds))


def _as_answer(line: Line) -> Line:
    return replace(line, kind="answer") if line.kind == "unheard" else line


def mark(asked: Asked, marks: Sequence[Mark]) -> Asked:
    """The question with what is known of its criteria, the newest mark of each."""
    known = {one.criterion: one for one in (*asked.marks, *marks)}
    return replace(asked, marks=tuple(known.values()))
