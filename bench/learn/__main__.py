"""Score the check of drills on the typed answers of `drills.jsonl`, and choose its bounds on those of the split `fit`.

python -m bench.learn [--backend none]
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coach.coach import Coach
from coach.evaluation.intervals import wilson_interval
from coach.learn.check import Bounds, Signals, signals_with, weigh
from coach.learn.path import Drill, learning_path
from coach.settings import load_settings

ANSWERS = Path(__file__).with_name("drills.jsonl")
POINT, CARRIED, LOG_ODDS = np.arange(0.3, 0.7, 0.02), np.arange(0.0, 0.7, 0.05), np.arange(-2.0, 1.0, 0.1)


@dataclass(frozen=True, slots=True)
class Answer:
    """A typed answer with the outcome it should have, and its signals."""

    drill: Drill
    signals: Signals
    kind: str
    right: str
    split: str

    def is_right(self, bounds: Bounds) -> bool:
        """Whether the check, with these bounds, gives the outcome it should."""
        return weigh(self.drill, self.signals, bounds).outcome == self.right


def main() -> None:
    """Print the best bounds on `fit`, then accuracy by split and kind with the bounds in use."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="none")
    coach = Coach.load(load_settings(backend=parser.parse_args().backend), keeps=False)
    answers = list(_answers(coach))
    by_model = any(one.signals.log_odds is not None for one in answers)
    print(
        f"by {coach.model_name if by_model else 'the signals alone'}; best bounds on fit: {_best(answers, by_model)}"
    )
    for split in ("fit", "held_out"):
        own = [one for one in answers if one.split == split]
        _print_row(split, own)
        for kind in dict.fromkeys(one.kind for one in own):
            _print_row(f"  {kind}", [one for one in own if one.kind == kind])
        confused = Counter((one.right, weigh(one.drill, one.signals).outcome) for one in own)
        print("  should be, was:", dict(confused))


def _answers(coach: Coach) -> Iterator[Answer]:
    drills = {drill.question: drill for line in learning_path() for drill in line.drills}
    for written in map(json.loads, ANSWERS.read_text(encoding="utf-8").splitlines()):
        drill = drills[written["question"]]
        signals = signals_with(coach, written["typed"], drill)
        yield Answer(drill, signals, written["kind"], written["outcome"], written["split"])


def _best(answers: Sequence[Answer], by_model: bool) -> Bounds:
    """The middle of the bounds that get most of `fit` right."""
    fit = [one for one in answers if one.split == "fit"]
    tried = [
        Bounds(float(point), float(carried), float(carried), float(odds))
        for point in POINT
        for carried in CARRIED
        for odds in (LOG_ODDS if by_model else [0.0])
    ]
    counts = {bounds: sum(one.is_right(bounds) for one in fit) for bounds in tried}
    best = [bounds for bounds, count in counts.items() if count == max(counts.values())]
    return Bounds(
        round(statistics.median(one.point for one in best), 2),
        round(statistics.median(one.carried for one in best), 2),
        round(statistics.median(one.carried_at_all for one in best), 2),
        round(statistics.median(one.log_odds for one in best), 2),
    )


def _print_row(name: str, answers: Sequence[Answer]) -> None:
    right = sum(one.is_right(Bounds()) for one in answers)
    low, high = wilson_interval(right, len(answers))
    print(f"{name}: {right / len(answers):.3f} [{low:.3f}, {high:.3f}] ({right}/{len(answers)})")


if __name__ == "__main__":
    main()
