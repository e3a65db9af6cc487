"""Judge a sample of every public set of graded answers, and hold that against what people gave.

python -m bench.grading --data ../shared/data [--limit 45] [--seed 0] [--out FILE] [--resume]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import coach as package
from bench.grading import figures as grading
from bench.grading.sets import GradedAnswer, GradedSet, read_sets, sample
from coach.evaluation.run import Row, Run, read_run, write_run
from coach.evaluation.suites import (
    Progress,
    code_fingerprint,
    measured,
    now,
    public_sets,
    shared_settings,
)
from coach.protocols import ChosenModel, Embedder
from coach.settings import Settings, load_settings

SAMPLE = 45  # answers a set: with the built-in model on two cores some ten minutes for all sets

Drawn = Sequence[tuple[GradedSet, Sequence[GradedAnswer]]]


def run_grading(
    settings: Settings,
    data: Path | None = None,
    *,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    embedder: Embedder | None = None,
    chosen: ChosenModel | None = None,
    earlier: Run | None = None,
    keep: Callable[[Run], None] | None = None,
) -> Run:
    """Judge `limit` answers of every set, drawn with `seed`. Stopped with Ctrl-C it returns what there is.

    Embedder and chat model are loaded unless given. `earlier` and `keep` are as in the other suites. Raises
    UsageError where the sets are not there or malformed, BackendError where no model can judge.
    """
    from coach.backends import load_chat_model, load_embedder

    sets, notes = read_sets(public_sets(data))
    drawn = [(graded, sample(graded.answers, limit or SAMPLE, seed)) for graded in sets]
    embedder = embedder or load_embedder(settings)
    chosen = chosen or load_chat_model(settings)
    model = chosen.required()
    started = Run(
        "grading",
        now(),
        package.__version__,
        code_fingerprint(),
        chosen.backend,
        model.name,
        embedder.name,
        "",
        shared_settings(settings),
        {"sets": [graded.name for graded in sets], "answers_a_set": limit or SAMPLE},
        seed,
        (),
        complete=False,
        notes=notes,
    )
    wanted = [grading.row_id(graded.name, one) for graded, answers in drawn for one in answers]

    def measure(known: Collection[str]) -> Iterator[Row]:
        waiting = [
            (graded, [one for one in answers if grading.row_id(graded.name, one) not in known])
            for graded, answers in drawn
        ]
        for number, row in enumerate(grading.measure(waiting, model, embedder), len(known) + 1):
            yield row
            if progress is not None:
                progress("grading", number, len(wanted))

    run = measured(started, wanted, measure, earlier=earlier, keep=keep)
    scored = {row.id: row for row in run.scored}
    return replace(run, summary={"sets": grading.summarise(drawn, scored, seed=seed)})


def main() -> None:
    """Judge, print the table, write the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds mohler, saf, semeval2013_task7"
    )
    parser.add_argument("--limit", type=int, help="answers of each set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("bench/critique/results/grading.json"))
    parser.add_argument("--resume", action="store_true", help="take up a run that was stopped")
    asked = parser.parse_args()
    run = run_grading(
        load_settings(),
        asked.data,
        limit=asked.limit,
        seed=asked.seed,
        progress=lambda step, done, total: print(f"{step} {done} of {total}", file=sys.stderr),
        earlier=read_run(asked.out) if asked.resume and asked.out.is_file() else None,
        keep=lambda run: write_run(run, asked.out),
    )
    print(grading.as_table(run.summary, run.notes))
    write_run(run, asked.out)


if __name__ == "__main__":
    main()
