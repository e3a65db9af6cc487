"""How far the judge, as Critique and the debrief use it, agrees with the labels of answers that were written to be near misses.

    python -m bench.interview.near_misses [--sample 90] [--backend auto]

With `--held-out` the 45 held-out answers of `answers.jsonl` in their place. The near misses are `answers_to_fit.jsonl`. The judge that asks a chat model was not fitted on them; the one that asks none was, so its figure here
says little (`bench.fit.judge --without-model` leaves questions out).
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import cast

from coach.coach import Coach
from coach.evaluation.judge_fit import LEVELS
from coach.evaluation.metrics import area_under_curve, quadratic_weighted_kappa
from coach.practice.interview import Asked, Line
from coach.text.json_lines import read_records
from coach.types import InterviewQuestion, Level

ANSWERS = Path(__file__).parent / "answers_to_fit.jsonl"
HELD_OUT = Path(__file__).parent / "answers.jsonl"
Seen = tuple[
    Level, Level | None, float | None
]  # the label, the level given, and how likely the criterion is met


def main() -> None:
    """Judge the answers and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sample", type=int, default=0, help="Only so many answers, drawn at random.")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--backend", default="auto")
    arguments = parser.parse_args()
    coach = Coach.load(backend=arguments.backend, history="nothing", traces="nothing")
    read = coach.interviewer().read
    seen: list[Seen] = []
    rows = list(read_records(HELD_OUT if arguments.held_out else ANSWERS, dict))
    rows = [row for row in rows if row["split"] == "held_out"] if arguments.held_out else rows
    for row in random.Random(0).sample(rows, arguments.sample or len(rows)):
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
