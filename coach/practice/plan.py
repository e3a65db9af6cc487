"""Choose the questions of an interview: round by round, as hard as the level asks, and none that was asked lately while there are others."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from coach.errors import UsageError
from coach.practice.bank import Round, rounds
from coach.practice.interview import Asked, Candidate
from coach.practice.made_questions import ROUND, ROUND_TITLE
from coach.types import InterviewQuestion

FIVE_MINUTES = 5.0
MOST_QUESTIONS = 5  # a round: what an hour holds
# How hard the questions of a round are, one after another; from the third on the last goes on.
_DIFFICULTY: dict[Candidate, tuple[int, ...]] = {"senior": (2, 2, 1), "principal": (3, 3, 2)}


def plan_interview(
    loop: Sequence[Round],
    candidate: Candidate,
    *,
    chosen: Collection[str] = (),
    questions: int = 1,
    five_minutes: bool = False,
    lately: Collection[str] = (),
    seed: int | None = None,
) -> tuple[Asked, ...]:
    """So many `questions` of each of the `chosen` rounds (all where none is named), in the order of a loop; with `five_minutes` one
    question in all.

    `lately` are the ids of questions asked before. Raises UsageError for a round that does not exist and a number out of bounds.
    """
    known = {one.name: one for one in loop}
    unknown = next((name for name in chosen if name not in known), None)
    if unknown is not None:
        raise UsageError(f"There is no round `{unknown}`: name one of {', '.join(known)}.")
    if not 1 <= questions <= MOST_QUESTIONS:
        raise UsageError(f"A round holds 1 to {MOST_QUESTIONS} questions: give a number between.")
    dice = random.Random(seed)
    wanted = [one for one in loop if one.name in chosen or not chosen]
    if five_minutes:
        one = dice.choice(wanted)
        return (Asked(_pick(one.questions, candidate, 0, lately, dice), FIVE_MINUTES),)
    asked: list[Asked] = []
    for one in wanted:
        taken: set[str] = set(lately)
        for place in range(questions):
            question = _pick(one.questions, candidate, place, taken, dice)
            taken.add(question.id)
            asked.append(Asked(question, one.minutes))
    return tuple(asked)


def round_titles() -> dict[str, str]:
    """What each round is called, by its name."""
    return {**{one.name: one.title for one in rounds()}, ROUND: ROUND_TITLE}


def _pick(
    questions: Sequence[InterviewQuestion],
    candidate: Candidate,
    place: int,
    taken: Collection[str],
    dice: random.Random,
) -> InterviewQuestion:
    """One that was not asked lately, else any; of the difficulty, else the nearest to it."""
    levels = _DIFFICULTY[candidate]
    wanted = levels[min(place, len(levels) - 1)]
    fresh = [one for one in questions if one.id not in taken] or list(questions)
    nearest = min(abs(one.difficulty - wanted) for one in fresh)
    return dice.choice([one for one in fresh if abs(one.difficulty - wanted) == nearest])
