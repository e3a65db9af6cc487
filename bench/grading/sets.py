"""Read the public sets of graded answers: what people gave each answer, beside the answer it was held against."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coach.errors import UsageError
from coach.text.json_lines import BadLineError, Record, number, read_records, text

ANSWERS_PER_QUESTION = 3  # drawn together: what they share is read by the model once


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """An answer, the references it is held against, and what people said.

    `score` is 0..1, None where people gave a label alone; `graders` are the scores of two people where both are
    known. `group` is the question: what was fitted on a question is never used on it.
    """

    id: str
    group: str
    question: str
    references: tuple[str, ...]
    answer: str
    label: str = ""
    score: float | None = None
    graders: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class GradedSet:
    """One public set. `levels` is how many marks a score has, 0 for labels without an order.

    `given` holds the floors and published figures that came with the data.
    """

    name: str
    levels: int
    answers: tuple[GradedAnswer, ...]
    given: Mapping[str, str] = field(default_factory=dict)


# Told by the keeper of the sets over the whole of each: other samples, so a guide and no contest.
MOHLER_GIVEN = {
    "floor, MiniLM cosine": "Pearson 0.492",
    "floor, token F1": "Pearson 0.451",
    "floor, length": "Pearson 0.067",
    "published, tf-idf + LR + SIM (Sultan 2016)": "Pearson 0.592, RMSE 0.887 of 5",
    "published, BERT SIM": "Pearson 0.318",
    "ceiling, two people": "Pearson 0.597, kappa 0.491",
}
SAF_GIVEN = {
    "floor, MiniLM cosine": "Pearson 0.654",
    "floor, commonest verdict": "macro-F1 0.24, accuracy 0.56-0.57",
}
SEMEVAL_GIVEN = {
    "floor, MiniLM cosine": "AUC 0.69-0.73, correct against the rest",
    "floor, commonest label": "macro-F1 0.20-0.22",
}
MOHLER_BEST = 5.0  # marks go from 0 to 5


def read_sets(data: Path) -> tuple[tuple[GradedSet, ...], tuple[str, ...]]:
    """The sets found under `data`, and a sentence on each that gives nothing to measure.

    Raises UsageError naming file and line for a malformed one, or where no set is there at all.
    """
    sets: list[GradedSet] = []
    notes: list[str] = []
    for name, read in _READERS.items():
        if (data / name).is_dir():
            sets += read(data / name)
        else:
            notes.append(f"{name} is not there: skipped.")
    if not sets:
        raise UsageError(
            f"None of {', '.join(_READERS)} is in {data}: give the folder that holds them with `--data FOLDER`."
        )
    if (data / "interview_faq").is_dir():
        notes.append("interview_faq holds model answers that nobody graded: there is nothing to agree with.")
    return tuple(sets), tuple(notes)


def sample(answers: Sequence[GradedAnswer], count: int, seed: int) -> tuple[GradedAnswer, ...]:
    """`count` answers, a few of each of many questions, question by question; the same for the same seed."""
    by_group: dict[str, list[GradedAnswer]] = {}
    for answer in answers:
        by_group.setdefault(answer.group, []).append(answer)
    random_order = random.Random(seed)
    groups = list(by_group)
    random_order.shuffle(groups)
    blocks: list[tuple[int, int, list[GradedAnswer]]] = []
    for place, group in enumerate(groups):
        drawn = by_group[group]
        random_order.shuffle(drawn)
        for start in range(0, len(drawn), ANSWERS_PER_QUESTION):
            blocks.append((start, place, drawn[start : start + ANSWERS_PER_QUESTION]))
    blocks.sort(key=lambda block: block[:2])
    chosen = [answer for _, _, block in blocks for answer in block][:count]
    return tuple(sorted(chosen, key=lambda answer: groups.index(answer.group)))


def _mohler(folder: Path) -> list[GradedSet]:
    def answer(row: Record) -> GradedAnswer:
        return GradedAnswer(
            text(row, "id"),
            text(row, "qid"),
            text(row, "question"),
            (text(row, "reference"),),
            text(row, "answer", may_be_empty=True),
            score=number(row, "score_avg") / MOHLER_BEST,
            graders=(number(row, "score_me") / MOHLER_BEST, number(row, "score_other") / MOHLER_BEST),
        )

    return [GradedSet("mohler", 6, tuple(read_records(folder / "mohler.jsonl", answer)), MOHLER_GIVEN)]


def _saf(folder: Path) -> list[GradedSet]:
    questions = dict(
        read_records(
            folder / "questions.jsonl",
            lambda row: (text(row, "q"), (text(row, "question"), text(row, "reference"))),
        )
    )

    def answer(row: Record) -> GradedAnswer:
        asked = text(row, "q")
        if asked not in questions:
            raise BadLineError(f"the question {asked!r} is not in questions.jsonl")
        question, reference = questions[asked]
        return GradedAnswer(
            text(row, "id"),
            asked,
            question,
            (reference,),
            text(row, "answer", may_be_empty=True),
            label=text(row, "verdict"),
            score=number(row, "score"),
        )

    return [GradedSet("saf", 5, tuple(read_records(folder / "saf_train_en.jsonl", answer)), SAF_GIVEN)]


def _semeval(folder: Path) -> list[GradedSet]:
    """Two collections in one file: scored apart, as the task did."""
    found = tuple(
        read_records(folder / "train_sample.jsonl", lambda row: (text(row, "source"), _labelled(row)))
    )
    sources = dict.fromkeys(source for source, _ in found)
    return [
        GradedSet(f"semeval {source}", 0, tuple(a for where, a in found if where == source), SEMEVAL_GIVEN)
        for source in sources
    ]


def _labelled(row: Record) -> GradedAnswer:
    references = row.get("references")
    if (
        not isinstance(references, list)
        or not references
        or not all(isinstance(one, str) for one in references)
    ):
        raise BadLineError("'references' must be a list of texts, at least one")
    return GradedAnswer(
        text(row, "id"),
        text(row, "qid"),
        text(row, "question"),
        tuple(references),
        text(row, "answer", may_be_empty=True),
        label=text(row, "label"),
    )


_READERS: Mapping[str, Callable[[Path], list[GradedSet]]] = {
    "mohler": _mohler,
    "saf": _saf,
    "semeval2013_task7": _semeval,
}
