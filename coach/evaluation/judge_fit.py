"""Fit the judge to a chat model on labelled drafts: what the model's Yes and the draft's evidence are worth.

Every choice (signals, regularisation, thresholds) is made on the drafts given, by leaving out all those to a seventh of their
questions at a time; `bench/fit/judge.py` prints what the shipped fit is worth on drafts held out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coach.critique.evidence import find_evidence
from coach.critique.flow import DRAFT_CHARACTERS
from coach.critique.judge import Calibration, signals
from coach.critique.prepare import prepare_draft
from coach.critique.rubric import bundled_rubrics
from coach.errors import UsageError
from coach.evaluation.judge_log_odds import KeptLogOdds
from coach.evaluation.metrics import quadratic_weighted_kappa
from coach.protocols import Embedder
from coach.text.json_lines import read_records
from coach.types import Criterion, Level

Array = NDArray[np.float64]

SIGNALS = (
    "opinion",
    "evidence",
    "late_said",
    "late_met",
    "near_partly",
    "cues",
    "touched",
    "figures",
    "length",
    "around_figures",
    "around_buzz",
)
EVIDENCE_SIGNALS = tuple(name for name in SIGNALS if name != "opinion")
FOLDS = 7
STRENGTH = 0.3  # inverse regularisation of slopes and offsets alike (scikit-learn's C)
PARTLY_WORTH = 0.5  # a partly met criterion counts as half a met and half a missing one
AS_GOOD = 0.01  # of kappa: pairs of thresholds so near to the best are not told apart by two thousand labels
MOST_UNSURE = 0.05  # of the judgements
LEVELS: tuple[Level, ...] = ("missing", "partly", "met")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One criterion of one labelled draft, with every signal."""

    draft: str
    question: str
    kind: str
    quality: str
    split: str
    criterion: Criterion
    label: Level
    signals: Mapping[str, float]


def load_judgements(kept: KeptLogOdds | None, embedder: Embedder, folder: Path) -> tuple[Judgement, ...]:
    """As `judgements_of` the drafts in `folder`. Raises KeyError for log-odds that are not known and cannot be asked."""
    return judgements_of(_drafts(folder), kept, embedder)


def judgements_of(
    rows: Iterable[Mapping[str, Any]], kept: KeptLogOdds | None, embedder: Embedder
) -> tuple[Judgement, ...]:
    """Every labelled judgement of the drafts given as records; without `kept` no model is asked, and the signal "opinion" is missing.
    Raises KeyError as `load_judgements` does."""
    rubric = bundled_rubrics()[0]
    criteria = {criterion.id: criterion for criterion in rubric.criteria}
    found = []
    for row in rows:
        prepared = prepare_draft(row["draft"], row["question"], rubric, embedder, limit=DRAFT_CHARACTERS)
        sentences = [quote.text for quote in prepared.kept]
        if not sentences:  # taken for an answer to another question: nothing of it is judged
            continue
        for identity, label in row["labels"].items():
            criterion = criteria[identity]
            evidence = find_evidence(criterion, sentences, embedder)
            log_odds = kept.of(criterion, prepared, row["question"]) if kept else None
            found.append(
                Judgement(
                    row["id"],
                    row["question_id"],
                    row["kind"],
                    row["quality"],
                    row["split"],
                    criterion,
                    label,
                    signals(evidence, log_odds),
                )
            )
    return tuple(found)


def fit(judgements: Sequence[Judgement], model: str, names: Sequence[str] = SIGNALS) -> Calibration:
    """Slopes shared by all criteria, an offset for each, and thresholds chosen on left-out questions."""
    calibration = _fit_slopes(judgements, model, names)
    probabilities = left_out(judgements, model, names)
    partly, met = _best_levels(judgements, probabilities)
    return replace(
        calibration,
        partly=partly,
        met=met,
        unsure=_unsure_distance(probabilities, (partly, met), MOST_UNSURE),
    )


def left_out(judgements: Sequence[Judgement], model: str, names: Sequence[str] = SIGNALS) -> Array:
    """The probability of each judgement by a fit that has seen no draft to its question."""
    questions = sorted({judgement.question for judgement in judgements})
    found = np.zeros(len(judgements))
    for fold in range(FOLDS):
        held = set(questions[fold::FOLDS])
        fitted = _fit_slopes([one for one in judgements if one.question not in held], model, names)
        for place, one in enumerate(judgements):
            if one.question in held:
                found[place] = fitted.probability(one.criterion.id, one.signals)
    return found


def _fit_slopes(judgements: Sequence[Judgement], model: str, names: Sequence[str]) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    raw = np.array([[one.signals[name] for name in names] for one in judgements])
    means, scales = raw.mean(axis=0), raw.std(axis=0) + 1e-9
    criteria = sorted({one.criterion.id for one in judgements})
    own = np.array([[float(one.criterion.id == name) for name in criteria] for one in judgements])
    rows = np.hstack([(raw - means) / scales, own])
    worth = np.array([{"missing": 0.0, "partly": PARTLY_WORTH, "met": 1.0}[one.label] for one in judgements])
    # A partly met criterion is given twice, as met and as missing, each with its share of the weight.
    fitted = LogisticRegression(C=STRENGTH, max_iter=5000).fit(
        np.vstack([rows, rows]),
        np.repeat([1, 0], len(rows)),
        sample_weight=np.concatenate([worth, 1 - worth]),
    )
    slopes = fitted.coef_[0]
    return Calibration(
        model=model,
        intercept=float(fitted.intercept_[0]),
        weights=dict(zip(names, map(float, slopes), strict=False)),
        means=dict(zip(names, map(float, means), strict=True)),
        scales=dict(zip(names, map(float, scales), strict=True)),
        offsets=dict(zip(criteria, map(float, slopes[len(names) :]), strict=True)),
        partly=0.4,
        met=0.6,
        unsure=0.0,
    )


def _best_levels(judgements: Sequence[Judgement], probabilities: Array) -> tuple[float, float]:
    """The two thresholds with the best kappa; of those that are as good, the ones that credit the least where people said missing: a
    flattering score hurts more than a strict one."""
    labels = np.array([LEVELS.index(one.label) for one in judgements])
    grid = np.arange(0.2, 0.85, 0.01)
    tried = []
    for low, high in combinations(grid, 2):
        given = np.digitize(probabilities, (low, high))
        kappa = quadratic_weighted_kappa(labels.tolist(), given.tolist())
        tried.append((kappa, given[labels == 0].sum(), -kappa, round(float(low), 3), round(float(high), 3)))
    best = max(tried)[0]
    *_, partly, met = min(one[1:] for one in tried if one[0] >= best - AS_GOOD)
    return partly, met


def _unsure_distance(probabilities: Array, thresholds: Sequence[float], most: float) -> float:
    """The distance to a threshold within which `most` of the judgements lie."""
    nearest = np.min([np.abs(probabilities - threshold) for threshold in thresholds], axis=0)
    return round(float(np.quantile(nearest, most)), 4)


def as_record(calibration: Calibration) -> dict[str, Any]:
    """The calibration's JSON form, as `coach.critique.judge.read_calibration` reads it."""
    return {
        "intercept": round(calibration.intercept, 4),
        "signals": {
            name: {
                "weight": round(weight, 4),
                "mean": round(calibration.means[name], 4),
                "scale": round(calibration.scales[name], 4),
            }
            for name, weight in calibration.weights.items()
        },
        "offsets": {name: round(offset, 4) for name, offset in calibration.offsets.items()},
        "levels": {"partly": calibration.partly, "met": calibration.met, "unsure": calibration.unsure},
    }


def write(calibration: Calibration, path: Path) -> None:
    """Put the calibration into the file, beside those of other models."""
    written = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"models": {}}
    written["about"] = (
        "Logistic regression over the signals of coach/critique/evidence.py and the chat model's log-odds of Yes, for each "
        "chat model by name; written by coach/evaluation/judge_fit.py"
    )
    written["models"][calibration.model] = as_record(calibration)
    text = json.dumps({"about": written["about"], "models": written["models"]}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _drafts(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(folder.glob("drafts*.jsonl"))
    if not files:
        raise UsageError(f"{folder} holds no drafts.jsonl: get them with `git checkout -- bench/critique`.")
    for file in files:
        yield from read_records(file, dict)
