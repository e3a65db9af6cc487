"""Hold the judge's machinery against people's grades: the model's Yes or No, vectors and words, fitted by question."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.grading.sets import GradedAnswer, GradedSet
from coach.evaluation.metrics import (
    Interval,
    area_under_curve,
    clustered_interval,
    macro_f1,
    pearson,
    quadratic_weighted_kappa,
    spearman,
)
from coach.evaluation.run import Row
from coach.protocols import ChatModel, Embedder
from coach.text.words import content_words
from coach.types import Turn

Array = NDArray[np.float64]

SAYS_IT = "Does the answer say what the reference says?"
CONTRADICTS = "Does the answer contradict the reference?"
CONTRADICTORY = "contradictory"  # the label of SemEval-2013 for an answer at odds with the reference
RIGHT = ("correct", "Correct")
LONGEST = 1500  # characters of a reference or an answer put into the prompt: every graded answer but a few
FOLDS = 5
FEATURES = ("opinion", "cosine", "recall", "precision", "new_words", "length")


def measure(
    sets: Sequence[tuple[GradedSet, Sequence[GradedAnswer]]],
    chat_model: ChatModel,
    embedder: Embedder,
) -> Iterator[Row]:
    """One row an answer, its signals the features. An answer on which the model fails is unscored, with the reason."""
    for graded, answers in sets:
        contradictions = any(answer.label == CONTRADICTORY for answer in graded.answers)
        for answer in answers:
            yield _row(graded.name, answer, chat_model, embedder, contradictions)


def row_id(name: str, answer: GradedAnswer) -> str:
    """The id of an answer's row: unique over all sets."""
    return f"{name}/{answer.id}"


def signals(
    answer: GradedAnswer, chat_model: ChatModel, embedder: Embedder, *, contradictions: bool = False
) -> dict[str, float]:
    """What the judge would look at: the model's log-odds of Yes, nearness, and words shared with a reference.

    With several references the nearest counts, and the model is shown that one. Raises BackendError where the
    model cannot choose.
    """
    vectors = embedder.embed([answer.answer, *answer.references])
    nearness = vectors[1:] @ vectors[0]
    nearest = int(np.argmax(nearness))
    reference = answer.references[nearest]
    found = {
        "opinion": _opinion(chat_model, answer, reference, SAYS_IT),
        "cosine": float(nearness[nearest]),
        **_words(answer, reference),
    }
    if contradictions:
        found["contradiction"] = _opinion(chat_model, answer, reference, CONTRADICTS)
    return {name: round(value, 5) for name, value in found.items()}


def summarise(
    sets: Sequence[tuple[GradedSet, Sequence[GradedAnswer]]], rows: Mapping[str, Row], *, seed: int = 0
) -> dict[str, Any]:
    """Figures by set, over the answers that were scored: agreement with people, intervals by question, floors."""
    found = {}
    for graded, answers in sets:
        scored = [a for a in answers if row_id(graded.name, a) in rows]
        if scored:
            measured = [rows[row_id(graded.name, answer)].signals for answer in scored]
            found[graded.name] = _figures(graded, scored, measured, seed)
    return found


def as_table(summary: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """The figures of every set as Markdown, with the floors and published figures that came with the data."""
    lines = [
        "| set | figure | ours, fitted on other questions | model's Yes alone | cosine alone | word F1 alone |",
        "|---|---|---|---|---|---|",
    ]
    for name, told in summary["sets"].items():
        head = f"{name} ({told['answers']} answers, {told['questions']} questions)"
        for figure, columns in told["figures"].items():
            cells = [_cell(columns.get(column)) for column in ("fitted", "opinion", "cosine", "word_f1")]
            lines.append(f"| {head} | {figure} | {' | '.join(cells)} |")
            head = ""
    lines += ["", "In brackets the 95% interval, questions drawn whole."]
    for name, told in summary["sets"].items():
        beside = [f"{what}: {figures}" for what, figures in {**told["beside"], **told["given"]}.items()]
        lines.append(f"- {name}: {'; '.join(beside)}")
    return "\n".join([*lines, *(f"- {note}" for note in notes)])


def _row(
    name: str, answer: GradedAnswer, chat_model: ChatModel, embedder: Embedder, contradictions: bool
) -> Row:
    from coach.errors import CoachError

    identity = row_id(name, answer)
    try:
        measured = signals(answer, chat_model, embedder, contradictions=contradictions)
    except CoachError as error:
        return Row(identity, name, unscored=str(error))
    return Row(identity, name, outcome=answer.label, signals=measured)


def _opinion(chat_model: ChatModel, answer: GradedAnswer, reference: str, question: str) -> float:
    """Log-odds of Yes. Question and reference come first: the engine reads them once for all their answers."""
    messages = (
        Turn(
            "system",
            _filled("grade_answer", question=answer.question, reference=reference[:LONGEST]),
        ),
        Turn(
            "user",
            _filled("grade_answer_question", answer=answer.answer[:LONGEST], question=question),
        ),
    )
    yes = chat_model.choose(messages, ("Yes", "No"))["Yes"]
    return math.log((yes + 1e-4) / (1 - yes + 1e-4))


def _words(answer: GradedAnswer, reference: str) -> dict[str, float]:
    said, wanted = set(content_words(answer.answer)), set(content_words(reference))
    asked = set(content_words(answer.question))
    shared = len(said & wanted)
    return {
        "recall": shared / len(wanted) if wanted else 0.0,
        "precision": shared / len(said) if said else 0.0,
        "new_words": len((said & wanted) - asked) / len(wanted - asked) if wanted - asked else 0.0,
        "length": math.log1p(len(answer.answer.split())),
    }


def _figures(
    graded: GradedSet, answers: Sequence[GradedAnswer], measured: Sequence[Mapping[str, float]], seed: int
) -> dict[str, Any]:
    groups = [answer.group for answer in answers]
    names = [name for name in (*FEATURES, "contradiction") if all(name in row for row in measured)]
    columns = np.array([[row[name] for name in names] for row in measured], dtype=np.float64)
    singles = {
        "opinion": [row["opinion"] for row in measured],
        "cosine": [row["cosine"] for row in measured],
        "word_f1": [_harmonic(row["recall"], row["precision"]) for row in measured],
    }
    told: dict[str, Any] = {
        "answers": len(answers),
        "questions": len(set(groups)),
        "figures": {},
        "beside": {},
    }
    if graded.levels:
        _score_figures(told, graded, answers, groups, columns, singles, seed)
    if any(answer.label for answer in answers):
        _label_figures(told, answers, groups, columns, singles, seed)
    told["given"] = dict(graded.given)
    return told


def _score_figures(
    told: dict[str, Any],
    graded: GradedSet,
    answers: Sequence[GradedAnswer],
    groups: Sequence[str],
    columns: Array,
    singles: Mapping[str, list[float]],
    seed: int,
) -> None:
    scores = [float(answer.score or 0.0) for answer in answers]
    ours: dict[str, list[float]] = {}
    if len(set(groups)) > 1:  # with one question there is no other to fit on
        ours["fitted"] = list(_out_of_fold_scores(columns, np.array(scores), groups))
    top = graded.levels - 1

    def kappa(pairs: Sequence[tuple[float, float]]) -> float:
        marks = [(round(people * top), round(min(1.0, max(0.0, given)) * top)) for people, given in pairs]
        return quadratic_weighted_kappa([a for a, _ in marks], [b for _, b in marks])

    def error(pairs: Sequence[tuple[float, float]]) -> float:
        return math.sqrt(mean((people - given) ** 2 for people, given in pairs))

    def table(series: Mapping[str, list[float]], figure: Any) -> dict[str, list[float | None]]:
        return {
            name: _interval(groups, list(zip(scores, values, strict=True)), figure, seed)
            for name, values in series.items()
        }

    told["figures"]["Pearson"] = table({**ours, **singles}, _correlation)
    told["figures"]["Spearman"] = table({**ours, **singles}, _rank_correlation)
    told["figures"]["kappa, quadratic weights"] = table(ours, kappa)
    told["figures"]["RMSE, marks 0..1"] = table(ours, error)
    people = [answer.graders for answer in answers if len(answer.graders) == 2]
    if people and not math.isnan(agreement := _correlation(people)):
        told["beside"]["two people on these answers"] = (
            f"Pearson {agreement:.3f}, kappa {kappa([(a, b) for a, b in people]):.3f}"
        )


def _label_figures(
    told: dict[str, Any],
    answers: Sequence[GradedAnswer],
    groups: Sequence[str],
    columns: Array,
    singles: Mapping[str, list[float]],
    seed: int,
) -> None:
    labels = [answer.label for answer in answers]

    def f1(pairs: Sequence[tuple[str, str]]) -> float:
        return macro_f1([label for label, _ in pairs], [guess for _, guess in pairs])

    def area(pairs: Sequence[tuple[str, float]]) -> float:
        return area_under_curve(
            [score for label, score in pairs if label in RIGHT],
            [score for label, score in pairs if label not in RIGHT],
        )

    scored = dict(singles)
    if len(set(groups)) > 1:
        named, scored["fitted"] = _out_of_fold_labels(columns, labels, groups)
        guesses = list(zip(labels, named, strict=True))
        told["figures"]["macro-F1 of the labels"] = {"fitted": _interval(groups, guesses, f1, seed)}
        told["figures"]["accuracy of the labels"] = {"fitted": _interval(groups, guesses, _accuracy, seed)}
    told["figures"]["AUC, correct against the rest"] = {
        name: _interval(groups, list(zip(labels, series, strict=True)), area, seed)
        for name, series in scored.items()
    }
    commonest = max(dict.fromkeys(labels), key=labels.count)
    told["beside"]["commonest label on these answers"] = (
        f"macro-F1 {macro_f1(labels, [commonest] * len(labels)):.3f}, "
        f"accuracy {labels.count(commonest) / len(labels):.3f}"
    )


def _out_of_fold_scores(columns: Array, scores: Array, groups: Sequence[str]) -> Array:
    """Each answer's score by a ridge regression fitted on other questions alone."""
    from sklearn.linear_model import Ridge

    predicted = np.zeros(len(scores))
    for rest, left_out in _folds(groups):
        means, scales = _spread(columns[rest])
        model = Ridge(alpha=1.0).fit((columns[rest] - means) / scales, scores[rest])
        predicted[left_out] = model.predict((columns[left_out] - means) / scales)
    return predicted


def _out_of_fold_labels(
    columns: Array, labels: Sequence[str], groups: Sequence[str]
) -> tuple[list[str], list[float]]:
    """Each answer's label, and how likely it is right, by a logistic regression fitted on other questions alone."""
    from sklearn.linear_model import LogisticRegression

    known = np.array(labels)
    named, right = [""] * len(labels), [0.0] * len(labels)
    for rest, left_out in _folds(groups):
        if len(set(known[rest])) < 2:  # nothing to tell apart there
            for place in left_out:
                named[place] = str(known[rest][0])
            continue
        means, scales = _spread(columns[rest])
        model = LogisticRegression(class_weight="balanced", max_iter=1000)
        model.fit((columns[rest] - means) / scales, known[rest])
        chances = model.predict_proba((columns[left_out] - means) / scales)
        for place, chance in zip(left_out, chances, strict=True):
            named[place] = str(model.classes_[int(np.argmax(chance))])
            right[place] = float(
                sum(share for name, share in zip(model.classes_, chance, strict=True) if name in RIGHT)
            )
    return named, right


def _folds(groups: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places to fit on and places left out, the answers of a question always on one side."""
    order = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    folds = min(FOLDS, len(order))
    fold = np.array([order[group] % folds for group in groups])
    for number in range(folds):
        yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)


def _spread(columns: Array) -> tuple[Array, Array]:
    return columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-6)


def _interval(groups: Sequence[str], judged: Sequence[Any], figure: Any, seed: int) -> list[float | None]:
    """[value, low, high], rounded for the file; None where there is nothing to tell."""
    clusters: dict[str, list[Any]] = {}
    for group, one in zip(groups, judged, strict=True):
        clusters.setdefault(group, []).append(one)
    told: Interval = clustered_interval(list(clusters.values()), figure, seed=seed)
    bounds = (told.mean, told.low, told.high)
    return [None if math.isnan(value) else round(value, 4) for value in bounds]


def _correlation(pairs: Sequence[Sequence[float]]) -> float:
    return pearson([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def _accuracy(pairs: Sequence[tuple[str, str]]) -> float:
    return mean(label == guess for label, guess in pairs)


def _rank_correlation(pairs: Sequence[Sequence[float]]) -> float:
    return spearman([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def _harmonic(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second else 0.0


def _cell(figure: Sequence[float | None] | None) -> str:
    if figure is None or figure[0] is None:
        return "-"
    value, low, high = figure
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _filled(name: str, **values: str) -> str:
    text = (Path(__file__).parent / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()
    return text.format(**values)
