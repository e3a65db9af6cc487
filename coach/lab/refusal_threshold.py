"""Move the bound below which the coach refuses: fewer wrong answers are paid for with more wrong refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from coach.evaluation.selection import bundled_cases
from coach.evaluation.thresholds import weigh_cases
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured

if TYPE_CHECKING:
    from coach.coach import Coach

ANSWERED, REFUSED = "answered", "refused"
STEPS = 100  # of the curve
NAMED = 3  # cases that flip


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """How likely each held-out case is answered by the article, and the curve that follows from it."""
    cases = bundled_cases("held_out", "answerable", "unanswerable")
    rows: list[dict[str, Any]] = []
    for weighed in weigh_cases(coach, cases):
        tell("Weighing the cases", len(rows), len(cases))
        rows.append(
            {
                "part": "case",
                "question": weighed.case.question,
                "right": ANSWERED if weighed.case.answerable else REFUSED,
                "probability": weighed.probability,
                "today": REFUSED if weighed.outcome == "not covered" else ANSWERED,
                "doubt": weighed.outcome == "in doubt",
            }
        )
    curve = [
        {"part": "curve", "threshold": step / STEPS, **wrong_at(rows, step / STEPS)}
        for step in range(STEPS + 1)
    ]
    today = {"part": "today", **wrong(rows, [row["today"] for row in rows])}
    said = measured(f"{coach.embedder.name}, {len(cases)} cases held out, no chat model")
    return moved(Outcome((*rows, *curve, today), measured=said), controls)


def moved(outcome: Outcome, controls: Mapping[str, Value]) -> Outcome:
    """What the threshold does, in sentences; the rows are those of every threshold."""
    cases = [row for row in outcome.rows if row["part"] == "case"]
    today = next(row for row in outcome.rows if row["part"] == "today")
    threshold = float(controls["threshold"])
    findings = (*_said(cases, today, threshold), *_said_of_flips(cases, threshold))
    return Outcome(outcome.rows, findings, outcome.measured, outcome.estimated)


def outcome_at(case: Mapping[str, Any], threshold: float) -> str:
    """What becomes of a case where everything less likely than the threshold is refused."""
    return REFUSED if case["probability"] < threshold else ANSWERED


def wrong_at(cases: Sequence[Mapping[str, Any]], threshold: float) -> dict[str, Any]:
    """What is wrong at one threshold; see `wrong`."""
    return wrong(cases, [outcome_at(case, threshold) for case in cases])


def wrong(cases: Sequence[Mapping[str, Any]], outcomes: Sequence[str]) -> dict[str, Any]:
    """Wrong answers with their share of what was to be refused, wrong refusals with theirs of what was to be answered."""
    pairs = [(case["right"], outcome) for case, outcome in zip(cases, outcomes, strict=True)]
    answers, refusals = pairs.count((REFUSED, ANSWERED)), pairs.count((ANSWERED, REFUSED))
    to_refuse = sum(right == REFUSED for right, _ in pairs)
    return {
        "wrong answers": answers,
        "wrong refusals": refusals,
        "share of wrong answers": answers / to_refuse,
        "share of wrong refusals": refusals / (len(pairs) - to_refuse),
    }


def flips(cases: Sequence[Mapping[str, Any]], threshold: float) -> list[Mapping[str, Any]]:
    """The cases that come out otherwise than today: in turn one rightly and one wrongly, the nearest to the threshold first."""
    other = [case for case in cases if outcome_at(case, threshold) != case["today"]]
    near = sorted(other, key=lambda case: abs(case["probability"] - threshold))
    rightly = [case for case in near if outcome_at(case, threshold) == case["right"]]
    wrongly = [case for case in near if outcome_at(case, threshold) != case["right"]]
    return [case for pair in zip_longest(rightly, wrongly) for case in pair if case is not None]


def _said(cases: Sequence[Mapping[str, Any]], today: Mapping[str, Any], threshold: float) -> list[str]:
    here = wrong_at(cases, threshold)
    to_refuse = sum(case["right"] == REFUSED for case in cases)
    to_answer = len(cases) - to_refuse
    doubted = sum(case["right"] == REFUSED and case["doubt"] for case in cases)
    return [
        f"At {threshold:.2f}, {here['wrong answers']} of {to_refuse} questions that the article does not answer are answered all the "
        f"same, and {here['wrong refusals']} of {to_answer} that it answers are refused.",
        f"Today it is {today['wrong answers']} and {today['wrong refusals']}, with a threshold of its own for each kind of question; "
        f"{doubted} of those wrong answers say first that they may not be one.",
    ]


def _said_of_flips(cases: Sequence[Mapping[str, Any]], threshold: float) -> list[str]:
    other = flips(cases, threshold)
    if not other:
        return ["No case comes out otherwise than today."]
    named = [
        f"“{case['question']}”: here {outcome_at(case, threshold)}, today {case['today']}, right is to be {case['right']}."
        for case in other[:NAMED]
    ]
    better = sum(outcome_at(case, threshold) == case["right"] for case in other)
    return [f"{len(other)} cases come out otherwise than today, {better} of them rightly.", *named]


EXPERIMENT = Experiment(
    name="refusal-threshold",
    title="Hallucination and refusal",
    explanation="Before it answers, the coach estimates how likely the article answers the question at all, and refuses below a "
    "threshold: that is what keeps it from making things up. Move the threshold and watch the point on the curve: to the right it "
    "refuses what it could have answered, upwards it answers what it should have refused.",
    quote="Where is the plan for when the model hallucinates legal advice, or generates copyrighted material?",
    question="Your assistant sometimes makes up an answer and sometimes refuses a question it could answer. How do you decide where to "
    "set the threshold between the two?",
    kind="metrics",
    controls=(Control("threshold", "Refuse below this probability", 0.65, 0.0, 1.0, moves=True),),
    run=run,
    moved=moved,
)
