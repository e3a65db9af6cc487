"""Plan what is practised next: spaced repetition over criteria and questions, played through anew from the verdicts that are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol

from coach.critique.flow import GETTING_THERE, READY, WORTH
from coach.practice.tries import counted
from coach.practice.words import days
from coach.types import Criterion, Level, Rubric, Try

if TYPE_CHECKING:
    from fsrs import Scheduler

LONGEST_DAYS = 21  # half of the six weeks that a loop takes at least: nothing rests until it is over
MISSED_TWICE_DAYS = 2  # whatever else is due, what was missed twice in a row comes back by then
LATELY_DAYS = 14  # a question asked since then is remembered, and says little of how another would go
SHOWN_DAYS = 3  # of those on which something was missed
SITTING_MINUTES = 5
MINUTES = {"criterion": 5, "question": 15}  # one answer typed with one thing in mind; a whole answer again


class PracticeQuestion(Protocol):
    """A question of a bank: `criteria` are the ids of those that it exercises, `calls_for` of those that its words ask for outright."""

    @property
    def id(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def round(self) -> str: ...
    @property
    def criteria(self) -> Sequence[str]: ...
    @property
    def calls_for(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """The question to practise with; `id` is empty for one that a draft answered and no bank holds."""

    id: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Due:
    """A criterion, or a question asked before, with when it is to be practised and why.

    `name` is what a reader calls it. `question` is what to answer, None for a criterion that no question at hand exercises: then any of the
    `kind` will do. `bear_in_mind` is what to have an answer to, whatever the question asks for. `lasts` is in minutes; `missed` whether the
    last try was a miss.
    """

    what: Literal["criterion", "question"]
    id: str
    rubric: str
    name: str
    due: datetime
    why: str
    kind: str
    question: Asked | None
    missed: bool = False
    new: bool = False
    bear_in_mind: str = ""

    @property
    def lasts(self) -> int:
        return MINUTES[self.what]


@dataclass(frozen=True, slots=True)
class Queue:
    """What is practised next, at the moment `now`: `due` the most urgent first, `later` the next first.

    `sitting` is what five minutes are enough for: one question, with everything due that it exercises.
    """

    now: datetime
    due: tuple[Due, ...]
    later: tuple[Due, ...]
    sitting: tuple[Due, ...]


def practice_queue(
    tries: Sequence[Try], rubrics: Sequence[Rubric], now: datetime, bank: Sequence[PracticeQuestion] = ()
) -> Queue:
    """The queue as the kept `tries` make it, criteria of the first rubric and of every other that was used.

    A try missing is `Again`, met partly `Hard`, met `Good` of FSRS (Ye 2024, the package `fsrs` with its published parameters). `now`
    carries the time zone in which days are counted.
    """
    counting = [one for one in counted(tries, now.tzinfo) if one.final is not None]
    used = {one.rubric for one in counting}
    asked_for = [rubric for place, rubric in enumerate(rubrics) if place == 0 or rubric.name in used]
    every = [due for rubric in asked_for for due in _of_rubric(rubric, counting, now)]
    today = [one for one in every if one.due.astimezone(now.tzinfo).date() <= now.date()]
    due = sorted(today, key=_urgency)
    later = sorted((one for one in every if one not in today), key=lambda one: one.due)
    asking = _Asking(tries, asked_for, bank, now)
    with_questions = asking.questions_for(due)
    return Queue(now, with_questions, asking.questions_for(later), _sitting(with_questions, asking))


def coming_back(queue: Queue) -> str:
    """When what was missed comes back, where it is not due yet; empty where there is nothing of that."""
    missed = [one for one in queue.later if one.missed]
    if not missed:
        return ""
    once = len(missed) == 1
    what = "One thing that you missed comes" if once else f"{len(missed)} things that you missed come"
    return f"{what} back on {days([one.due for one in missed], queue.now)}."


def _urgency(one: Due) -> tuple[bool, bool, int, datetime]:
    """What was missed, then what is due, then what is new; of these first what takes five minutes, then by date."""
    return one.new, not one.missed, one.lasts, one.due


# ------------------------------------------------------------------ when


def _of_rubric(rubric: Rubric, counting: Sequence[Try], now: datetime) -> list[Due]:
    of_criterion: dict[str, list[Try]] = defaultdict(list)
    of_question: dict[str, list[Try]] = defaultdict(list)
    for one in counting:
        if one.rubric == rubric.name:
            of_criterion[one.criterion].append(one)
            of_question[one.question].append(one)
    by_weight = sorted(rubric.criteria, key=lambda criterion: -max(criterion.weights.values(), default=0.0))
    return [
        *(_criterion(rubric, criterion, of_criterion[criterion.id], now) for criterion in by_weight),
        *(_question(rubric, own, now) for own in of_question.values()),
    ]


def _criterion(rubric: Rubric, criterion: Criterion, own: Sequence[Try], now: datetime) -> Due:
    kind = max(criterion.weights, key=lambda name: criterion.weights[name], default="")
    new = Due(
        "criterion",
        criterion.id,
        rubric.name,
        criterion.name,
        now,
        "new: never tried",
        kind,
        None,
        bear_in_mind=criterion.elicit or criterion.question,
    )
    if not own:
        return replace(new, new=True)
    played = _by_day(own, now)
    due = _due(played)
    if [one.final for one in own[-2:]] == ["missing", "missing"]:
        due = min(due, own[-1].at + timedelta(days=MISSED_TWICE_DAYS))
    return replace(new, due=due, why=_why(played, now), kind=own[-1].kind, missed=played[-1][1] == "missing")


def _by_day(own: Sequence[Try], now: datetime) -> list[tuple[datetime, Level]]:
    """Each day on which it was tried, with the worst level of that day: one round's success does not hide another's miss."""
    levels: dict[date, list[tuple[datetime, Level]]] = defaultdict(list)
    for one in own:
        if one.final is not None:
            levels[one.at.astimezone(now.tzinfo).date()].append((one.at, one.final))
    return [
        (tried[-1][0], min((level for _, level in tried), key=WORTH.__getitem__)) for tried in levels.values()
    ]


def _question(rubric: Rubric, own: Sequence[Try], now: datetime) -> Due:
    """The question as a whole: the share of the weight met, by the marks at which a draft is ready, or not nearly."""
    weights = {criterion.id: criterion.weights for criterion in rubric.criteria}
    by_draft: dict[str, list[Try]] = defaultdict(list)
    for one in own:
        by_draft[one.draft].append(one)
    played = [(tried[0].at, _level_of_draft(tried, weights)) for tried in by_draft.values()]
    last = own[-1]
    said = {"met": "answered well", "partly": "answered in part", "missing": "hardly answered"}[played[-1][1]]
    return Due(
        "question",
        last.question,
        rubric.name,
        last.question,
        _due(played),
        f"{said} on {days([played[-1][0]], now)}",
        last.kind,
        Asked("", last.question, last.kind),
        missed=played[-1][1] == "missing",
    )


def _level_of_draft(tried: Sequence[Try], weights: Mapping[str, Mapping[str, float]]) -> Level:
    each = [(weights.get(one.criterion, {}).get(one.kind, 1.0), one.final) for one in tried]
    whole = sum(weight for weight, _ in each)
    share = (
        sum(weight * WORTH[level] for weight, level in each if level is not None) / whole if whole else 0.0
    )
    return "met" if share >= READY else "missing" if share < GETTING_THERE else "partly"


def _due(played: Sequence[tuple[datetime, Level]]) -> datetime:
    from fsrs import Card, Rating

    ratings = {"missing": Rating.Again, "partly": Rating.Hard, "met": Rating.Good}
    card = Card(card_id=0)
    for at, level in played:
        card, _ = _scheduler().review_card(card, ratings[level], at.astimezone(UTC))
    return card.due


@cache
def _scheduler() -> Scheduler:
    """In whole days: nobody writes the same answer again ten minutes later. Without chance: the same verdicts give the same queue."""
    from fsrs import Scheduler

    return Scheduler(
        learning_steps=(), relearning_steps=(), maximum_interval=LONGEST_DAYS, enable_fuzzing=False
    )


def _why(played: Sequence[tuple[datetime, Level]], now: datetime) -> str:
    """What happened last, over all the days in a row that ended alike: "missed on 3 and 5 November"."""
    level = played[-1][1]
    alike: list[datetime] = []
    for at, other in reversed(played):
        if other != level:
            break
        alike.append(at)
    said = {"missing": "missed", "partly": "met in part", "met": "met"}[level]
    when = f"{said} on {days(alike[:SHOWN_DAYS], now)}"
    return f"{when}: see whether it stays" if level == "met" else when


# ------------------------------------------------------------------ with which question


_Exercise = tuple[
    Asked, frozenset[str], frozenset[str]
]  # a question, the criteria that it exercises, and those it calls for


class _Asking:
    """Which question exercises what is due: one of the bank, and where it has none one that a draft has answered before."""

    def __init__(
        self,
        tries: Sequence[Try],
        rubrics: Sequence[Rubric],
        bank: Sequence[PracticeQuestion],
        now: datetime,
    ) -> None:
        self._last = {" ".join(one.question.split()): one.at for one in sorted(tries, key=lambda one: one.at)}
        self._lately = now - timedelta(days=LATELY_DAYS)
        self._bank: list[_Exercise] = [
            (Asked(one.id, one.text, one.kind), frozenset(one.criteria), frozenset(one.calls_for))
            for one in bank
        ]
        kinds = {
            rubric.name: {one.question: one.kind for one in tries if one.rubric == rubric.name}
            for rubric in rubrics
        }
        self._answered: list[_Exercise] = [
            (Asked("", question, kind), frozenset(one.id for one in rubric.for_kind(kind)), frozenset())
            for rubric in rubrics
            for question, kind in kinds[rubric.name].items()
        ]

    def questions_for(self, dues: Sequence[Due]) -> tuple[Due, ...]:
        """Each with a question; no question twice while there is another, and one that serves several where that can be."""
        wanted = {one.id for one in dues if one.what == "criterion"}
        given: set[str] = set()
        found = []
        for one in dues:
            question = self._held(one.question) if one.question else self._best(one.id, wanted, given)
            given |= {question.text} if question else set()
            found.append(replace(one, question=question, kind=question.kind if question else one.kind))
        return tuple(found)

    def _held(self, asked: Asked) -> Asked:
        """The same question as the bank holds it, where it does."""
        return next((one for one, _, _ in self._bank if " ".join(one.text.split()) == asked.text), asked)

    def exercises(self, question: Asked, criterion: str) -> bool:
        return any(
            one == question and criterion in criteria for one, criteria, _ in (*self._bank, *self._answered)
        )

    def _best(self, criterion: str, wanted: set[str], given: set[str]) -> Asked | None:
        """Not asked lately before asked lately, not given yet before given, what calls for it before what leaves room for it, then what
        serves most of what is due, then what was asked longest ago; of equal ones the bank's first."""
        never = datetime.min.replace(tzinfo=UTC)
        fitting = [entry for entry in self._bank if criterion in entry[1]] or [
            entry for entry in self._answered if criterion in entry[1]
        ]

        def order(entry: _Exercise) -> tuple[bool, bool, bool, int, datetime]:
            question, criteria, calls_for = entry
            last = self._last.get(" ".join(question.text.split()), never)
            lately = last > self._lately
            return lately, question.text in given, criterion not in calls_for, -len(criteria & wanted), last

        return min(fitting, key=order)[0] if fitting else None


def _sitting(due: Sequence[Due], asking: _Asking) -> tuple[Due, ...]:
    """The most urgent that five minutes are enough for, then what else is due of which its question takes care."""
    first = next((one for one in due if one.lasts <= SITTING_MINUTES), None)
    if first is None:
        return ()
    question = first.question
    others = [
        one
        for one in due
        if one is not first
        and question is not None
        and one.what == "criterion"
        and asking.exercises(question, one.id)
    ]
    return first, *(replace(one, question=question) for one in others)
