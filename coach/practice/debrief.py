"""What the committee would say after the loop: round by round what was shown, what was not, the one thing to change, and how that was reckoned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coach.critique.flow import GETTING_THERE, READY, WORTH, next_move
from coach.practice.interview import Asked, Interview, LineKind, Recommendation
from coach.text.counted import counted
from coach.types import Criterion, Critique, Finding, Level, Quote, Verdict

STRONG_YES, YES = (
    READY,
    (GETTING_THERE + READY) / 2,
)  # of the weight: the bounds of the critique, and half way between
LEAST_SCORED = (
    2 / 3
)  # of the weight: a recommendation out of less would flatter or hurt by what the judge could not tell
UNTOLD = 0.5  # what counts of something the judge could not tell: left out it would flatter, taken for missing it would hurt
WEIGHTY = 2.0  # what counts double: a strong yes leaves none of it missing, or untold
NOT_YET_ALLOWED = 0.2  # of the rounds: one of five or more does not decide against a candidate alone
_ORDER: tuple[Level, ...] = ("missing", "partly", "met")
_BESIDE: Mapping[LineKind, str] = {
    "dont_know": "You said that you did not know",
    "off_topic": "What you said could not be read as an answer",
    "other_question": "You answered another question",
    "steer": "You told the interviewer how to judge",
}
_TIMES = {1: "once", 2: "twice"}
_INSISTED = "What was said first sounded like an answer to another question; it was read all the same."


@dataclass(frozen=True, slots=True)
class Point:
    """One criterion in one answer: the level that counts, the candidate's exact words, what judged it and whether a person overruled it."""

    criterion: Criterion
    weight: float
    level: Level | None
    quotes: tuple[Quote, ...]
    question: str
    suggestion: str
    overruled: bool = False


@dataclass(frozen=True, slots=True)
class RoundDebrief:
    """A round as the committee sees it. `share` is that of the weight which was met, None where too little was told; `reasons` say how the
    recommendation follows, `change` is the one thing to change, `own` what the candidate said before."""

    name: str
    points: tuple[Point, ...]
    habits: tuple[Finding, ...]
    share: float | None
    recommendation: Recommendation | None
    reasons: tuple[str, ...]
    change: str
    own: Recommendation | None
    unanswered: int
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Debrief:
    """The whole loop: the recommendation with its reasons, the one thing to change first, and the rounds."""

    rounds: tuple[RoundDebrief, ...]
    recommendation: Recommendation | None
    reasons: tuple[str, ...]
    change: str


def debrief(interview: Interview, critiques: Mapping[str, Critique]) -> Debrief:
    """The debrief of an interview whose answers were read; `critiques` by the id of the question, with what a person overruled."""
    rounds = tuple(
        _round(name, [one for one in interview.asked if one.question.round == name], critiques, interview)
        for name in interview.rounds
    )
    recommendation, reasons = _of_the_loop(rounds)
    worst = sorted(
        (point for one in rounds for point in one.points if point.level in ("missing", "partly")),
        key=lambda point: (-point.weight, _ORDER.index(point.level or "met")),
    )
    return Debrief(rounds, recommendation, reasons, worst[0].suggestion if worst else "")


def _round(
    name: str, asked: Sequence[Asked], critiques: Mapping[str, Critique], interview: Interview
) -> RoundDebrief:
    read = [(one, critiques[one.question.id]) for one in asked if one.question.id in critiques]
    points = tuple(_point(verdict, one) for one, critique in read for verdict in critique.verdicts)
    habits = tuple(finding for _, critique in read for finding in critique.findings)
    unanswered = sum(not one.answer for one in asked)
    share = _share(points)
    recommendation, reasons = _of_a_round(points, habits, share, _beside(asked), unanswered, len(asked))
    kind = asked[0].question.kind if asked else ""
    return RoundDebrief(
        name,
        points,
        habits,
        share,
        recommendation,
        tuple(
            dict.fromkeys(
                [
                    *reasons,
                    *(_INSISTED for one in asked if one.insists),
                    *(notice for _, critique in read for notice in critique.notices),
                ]
            )
        ),
        next_move([verdict for _, critique in read for verdict in critique.verdicts], kind),
        interview.own.get(name),
        unanswered,
        tuple(dict.fromkeys(one.unread for one in asked if one.unread)),
    )


def _point(verdict: Verdict, asked: Asked) -> Point:
    return Point(
        verdict.criterion,
        verdict.criterion.weights.get(asked.question.kind, 0.0),
        verdict.final,
        verdict.quotes,
        asked.question.text,
        verdict.suggestion or verdict.criterion.suggestion,
        verdict.override is not None,
    )


def _share(points: Iterable[Point]) -> float | None:
    """The share of the weight that is met; what is met partly, or could not be told, counts half. None where too little could be told."""
    points = list(points)
    whole = sum(one.weight for one in points)
    if not whole or sum(one.weight for one in points if one.level) < LEAST_SCORED * whole:
        return None
    return sum(one.weight * (WORTH[one.level] if one.level else UNTOLD) for one in points) / whole


def _beside(asked: Sequence[Asked]) -> dict[LineKind, str]:
    """What was said in place of an answer, as a committee would note it, by the kind of reply."""
    said = Counter(
        line.kind
        for one in asked
        for line in one.lines
        if not (one.insists and line.kind == "other_question")
    )
    return {
        kind: f"{words} {_TIMES.get(said[kind], f'{said[kind]} times')}."
        for kind, words in _BESIDE.items()
        if said[kind]
    }


def _of_a_round(
    points: Sequence[Point],
    habits: Sequence[Finding],
    share: float | None,
    beside: Mapping[LineKind, str],
    unanswered: int,
    asked: int,
) -> tuple[Recommendation | None, tuple[str, ...]]:
    """The recommendation and its reasons; `beside` is what was said in place of an answer: with more than "I don't know" of it no yes is a
    strong one."""
    if unanswered == asked:
        return "not yet", ("Nothing was said that answers what was asked.", *beside.values())
    if share is None:
        return None, ("Too little of it could be told for a recommendation.", *beside.values())
    whole = sum(one.weight for one in points)
    missing = [one.criterion.name for one in points if one.level == "missing" and one.weight >= WEIGHTY]
    reasons = [
        f"{share * whole:.3g} of {whole:g} points: what counts double has two, and what was met partly, or could not be told, half. "
        f"A yes begins at {YES * whole:.2g}, a strong yes at {STRONG_YES * whole:.2g}.",
        *beside.values(),
    ]
    if missing:
        reasons.append(f"Missing, and counting double: {'; '.join(dict.fromkeys(missing))}.")
    if untold := [one.criterion.name for one in points if one.level is None and one.weight >= WEIGHTY]:
        reasons.append(f"Counting double, and the judge could not tell: {'; '.join(dict.fromkeys(untold))}.")
    if habits:
        names = dict.fromkeys(one.anti_pattern.name for one in habits)
        reasons.append(f"A habit that the committee warns of: {'; '.join(names)}.")
    if unanswered:
        reasons.append(f"{unanswered} of {asked} questions had no answer.")
    if share < YES:
        return "not yet", tuple(reasons)
    is_strong = share >= STRONG_YES and not (
        missing or untold or habits or unanswered or beside.keys() - {"dont_know"}
    )
    if share >= STRONG_YES and not is_strong:
        reasons.append("The points would do for a strong yes; what is said above keeps it from one.")
    return ("strong yes" if is_strong else "yes"), tuple(reasons)


def _of_the_loop(rounds: Sequence[RoundDebrief]) -> tuple[Recommendation | None, tuple[str, ...]]:
    if len(rounds) == 1:
        return rounds[0].recommendation, ()
    known = [one for one in rounds if one.recommendation is not None]
    if len(known) * 2 < len(rounds) or not known:
        return None, ("Too few rounds could be scored for a recommendation.",)
    count = {
        level: sum(one.recommendation == level for one in known) for level in ("strong yes", "yes", "not yet")
    }
    reasons = (
        f"Of {counted(len(known), 'round')}: strong yes {count['strong yes']}, yes {count['yes']}, not yet {count['not yet']}. "
        f"More than one in five not yet is a not yet; a strong yes takes half of the rounds and no not yet.",
    )
    if count["not yet"] > NOT_YET_ALLOWED * len(known):
        return "not yet", reasons
    return (
        "strong yes" if not count["not yet"] and count["strong yes"] * 2 >= len(known) else "yes"
    ), reasons
