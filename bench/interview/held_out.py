"""How far the judge, as the debrief of an interview uses it, agrees with the labels of the 45 held-out answers.

    python -m bench.interview.held_out [--backend auto]

What it is worth on the answers that it was fitted on, their questions left out, `bench.fit.judge` says.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import cast

from coach.coach import Coach
from coach.evaluation.judge_fit import LEVELS
from coach.evaluation.metrics import area_under_curve, quadratic_weighted_kappa
from coach.practice.interview import Asked, Line
from coach.text.json_lines import read_records
from coach.types import InterviewQuestion, Level

ANSWERS = Path(__file__).parent / "answers.jsonl"
Seen = tuple[
    Level, Level | None, float | None
]  # the label, the level given, and how likely the criterion is met


def main() -> None:
    """Judge the answers and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", default="auto")
    coach = Coach.load(backend=parser.parse_args().backend, history="nothing", traces="nothing")
    read = coach.interviewer().read
    seen: list[Seen] = []
    for row in read_records(ANSWERS, dict):
        if row["split"] != "held_out":
            continue
        question = InterviewQuestion(row["id"], row["question"], row["kind"], "", 1, tuple(row["criteria"]))
        critique = read(Asked(question, 5.0, (Line("candidate", "answer", row["answer"], ""),)))
        labels = cast("dict[str, Level]", row["labels"])
        seen += [
            (labels[one.criterion.id], one.level, one.probability)
            for one in critique.verdicts
            if one.criterion.id in labels
        ]
        print(json.dumps({"id": row["id"], "seen": seen[-len(critique.verdicts) :]}), flush=True)
    print("\n".join(_table(seen)))


def _table(seen: list[Seen]) -> list[str]:
    told = [(LEVELS.index(label), LEVELS.index(level)) for label, level, _ in seen if level is not None]
    met = [likely for label, _, likely in seen if label == "met" and likely is not None]
    missing = [likely for label, _, likely in seen if label == "missing" and likely is not None]
    pairs = Counter((label, level or "no level") for label, level, _ in seen)
    return [
        f"{len(seen)} labels, {len(seen) - len(told)} left open",
        f"kappa {quadratic_weighted_kappa(*zip(*told, strict=True)):.3f}",
        f"AUC, met against missing {area_under_curve(met, missing):.3f}",
        *(f"labelled {label}, judged {level}: {count}" for (label, level), count in sorted(pairs.items())),
    ]


if __name__ == "__main__":
    main()
