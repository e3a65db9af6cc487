"""Fit and score the judge on the labelled drafts: what the model's opinion and the draft's evidence are worth.

python -m coach.evaluation.judge_fit                # the table, on the drafts that were held out
python -m coach.evaluation.judge_fit --write        # and refit the shipped calibration

Every choice (signals, regularisation, thresholds) is made on the fit part alone, by leaving out all drafts to
a seventh of its questions at a time. The model is asked once about each draft and criterion; what it said is
kept beside the data in a temporary file, so that a second run needs no model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coach.coach import Coach
from coach.critique.evidence import find_evidence
from coach.critique.flow import DRAFT_CHARACTERS, WORTH, band
from coach.critique.judge import CALIBRATION_FILE, Calibration, read_calibration, signals
from coach.critique.prepare import prepare_draft
from coach.critique.rubric import bundled_rubrics
from coach.errors import UsageError
from coach.evaluation.judge_opinions import Opinions
from coach.protocols import Embedder
from coach.types import Band, Criterion, Level, Verdict

Array = NDArray[np.float64]

DATA = Path(__file__).resolve().parents[2] / "bench" / "critique"
OPINIONS = Path(tempfile.gettempdir()) / "coach-judge-opinions"
SIGNALS = ("opinion", "evidence", "touched", "figures", "length", "around_buzz")
FOLDS = 7
STRENGTH = 0.1  # inverse regularisation of slopes and offsets alike (scikit-learn's C)
PARTLY_WORTH = 0.5  # a partly met criterion counts as half a met and half a missing one
MOST_UNSURE = 0.05  # of the judgements
LEVELS: tuple[Level, ...] = ("missing", "partly", "met")
QUALITIES = ("weak", "middle", "strong")
BANDS: tuple[Band, ...] = ("not ready", "getting there", "ready for this committee")


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


def load_judgements(opinions: Opinions, embedder: Embedder, folder: Path = DATA) -> tuple[Judgement, ...]:
    """Every labelled judgement in `folder`. Raises KeyError for an opinion that is not known and cannot be asked."""
    rubric = bundled_rubrics()[0]
    criteria = {criterion.id: criterion for criterion in rubric.criteria}
    found = []
    for row in _drafts(folder):
        prepared = prepare_draft(row["draft"], row["question"], rubric, limit=DRAFT_CHARACTERS)
        sentences = [quote.text for quote in prepared.kept]
        for identity, label in row["labels"].items():
            criterion = criteria[identity]
            evidence = find_evidence(criterion, sentences, embedder)
            opinion = opinions.of(criterion, prepared, row["question"])
            found.append(
                Judgement(
                    row["id"],
                    row["question_id"],
                    row["kind"],
                    row["quality"],
                    row["split"],
                    criterion,
                    label,
                    signals(evidence, opinion),
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
    """The two thresholds with the best kappa."""
    labels = [LEVELS.index(one.label) for one in judgements]
    grid = np.arange(0.2, 0.85, 0.01)

    def worth(pair: tuple[float, float]) -> float:
        return kappa(labels, list(np.digitize(probabilities, pair)))

    partly, met = max(((float(low), float(high)) for low, high in combinations(grid, 2)), key=worth)
    return round(partly, 3), round(met, 3)


def _unsure_distance(probabilities: Array, thresholds: Sequence[float], most: float) -> float:
    """The distance to a threshold within which `most` of the judgements lie."""
    nearest = np.min([np.abs(probabilities - threshold) for threshold in thresholds], axis=0)
    return round(float(np.quantile(nearest, most)), 4)


def kappa(labels: Sequence[int], given: Sequence[int]) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968)."""
    own, said = np.asarray(labels, dtype=float), np.asarray(given, dtype=float)
    observed = np.mean((own - said) ** 2)
    # the mean over every pair of one label and one given level
    expected = np.mean(own**2) + np.mean(said**2) - 2 * np.mean(own) * np.mean(said)
    return float(1 - observed / expected) if expected else float("nan")


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """How often a positive scores above a negative; None without both."""
    if not len(positives) or not len(negatives):
        return None
    above = np.subtract.outer(np.asarray(positives), np.asarray(negatives))
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def score(judgements: Sequence[Judgement], probabilities: Array, calibration: Calibration) -> dict[str, Any]:
    """Every figure of the table."""
    levels = [calibration.level(float(probability)) for probability in probabilities]
    scored = [place for place, level in enumerate(levels) if level is not None]
    labels = [LEVELS.index(judgements[place].label) for place in scored]
    given = [LEVELS.index(level) for level in levels if level is not None]
    return {
        "judgements": len(judgements),
        "unsure": len(levels) - len(scored),
        "auc": _aucs(judgements, probabilities),
        "auc_within_quality": {
            quality: _aucs(*_only(judgements, probabilities, lambda one, q=quality: one.quality == q))
            for quality in QUALITIES
        },
        "kappa": kappa(labels, given),
        "agreement": float(np.mean([a == b for a, b in zip(labels, given, strict=True)])),
        "partly_found": _recall(labels, given, 1),
        "pairs": _pairs(judgements, probabilities),
        "bands": _bands(judgements, levels),
        "criteria": {
            name: {
                **_aucs(*_only(judgements, probabilities, lambda one, n=name: one.criterion.id == n)),
                "judgements": sum(one.criterion.id == name for one in judgements),
            }
            for name in sorted({one.criterion.id for one in judgements})
        },
    }


def _only(judgements: Sequence[Judgement], probabilities: Array, keep: Any) -> tuple[list[Judgement], Array]:
    places = [place for place, one in enumerate(judgements) if keep(one)]
    return [judgements[place] for place in places], probabilities[places]


def _aucs(judgements: Sequence[Judgement], probabilities: Array) -> dict[str, float | None]:
    by_label = {
        level: [float(p) for one, p in zip(judgements, probabilities, strict=True) if one.label == level]
        for level in LEVELS
    }
    return {
        "met_missing": auc(by_label["met"], by_label["missing"]),
        "met_rest": auc(by_label["met"], by_label["missing"] + by_label["partly"]),
        "partly_missing": auc(by_label["partly"], by_label["missing"]),
    }


def _recall(labels: Sequence[int], given: Sequence[int], level: int) -> float:
    own = [said == level for label, said in zip(labels, given, strict=True) if label == level]
    return float(np.mean(own)) if own else float("nan")


def _by_draft(
    judgements: Sequence[Judgement], values: Sequence[Any]
) -> Iterator[tuple[Judgement, list[tuple[Judgement, Any]]]]:
    drafts: dict[str, list[tuple[Judgement, Any]]] = {}
    for one, value in zip(judgements, values, strict=True):
        drafts.setdefault(one.draft, []).append((one, value))
    for rows in drafts.values():
        yield rows[0][0], rows


def _pairs(judgements: Sequence[Judgement], probabilities: Array) -> dict[str, float]:
    """Share of the pairs of drafts to one question in which the better one has the higher weighted share."""
    shares: dict[str, dict[str, float]] = {}
    for first, rows in _by_draft(judgements, list(probabilities)):
        weights = [one.criterion.weights[first.kind] for one, _ in rows]
        share = sum(w * p for w, (_, p) in zip(weights, rows, strict=True)) / sum(weights)
        shares.setdefault(first.question, {})[first.quality] = share
    found: dict[str, list[bool]] = {}
    for own in shares.values():
        for low, high in combinations(QUALITIES, 2):
            if low in own and high in own:
                found.setdefault(f"{high} > {low}", []).append(own[high] > own[low])
    every = [right for rights in found.values() for right in rights]
    return {"all": float(np.mean(every)), **{name: float(np.mean(own)) for name, own in found.items()}}


def _bands(judgements: Sequence[Judgement], levels: Sequence[Level | None]) -> dict[str, dict[str, int]]:
    """How many drafts of each quality fall into each band (bad habits aside)."""
    counts = {quality: dict.fromkeys((*BANDS, "none"), 0) for quality in QUALITIES}
    for first, rows in _by_draft(judgements, levels):
        verdicts = [Verdict(one.criterion, level, unscored="" if level else "unsure") for one, level in rows]
        counts[first.quality][band(verdicts, (), first.kind) or "none"] += 1
    return counts


def shares(judgements: Sequence[Judgement], levels: Sequence[Level | None]) -> dict[str, tuple[str, float]]:
    """(quality, share of the weight) of each draft: what the bands are cut from."""
    found = {}
    for first, rows in _by_draft(judgements, levels):
        scored = [
            (one.criterion.weights[first.kind], WORTH[level]) for one, level in rows if level is not None
        ]
        found[first.draft] = (
            first.quality,
            sum(w * worth for w, worth in scored) / (sum(w for w, _ in scored) or 1.0),
        )
    return found


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
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _table(name: str, figures: Mapping[str, Any]) -> str:
    def shown(value: float | None) -> str:
        return "   –" if value is None else f"{value:.3f}"

    rows = [f"{name}: {figures['judgements']} judgements, {figures['unsure']} unsure"]
    rows.append(
        f"kappa {figures['kappa']:.3f}, same level {figures['agreement']:.3f}, partly found {figures['partly_found']:.3f}"
    )
    rows.append(
        "pairs in order: " + ", ".join(f"{key} {value:.3f}" for key, value in figures["pairs"].items())
    )
    rows += [f"{quality:7} {counts}" for quality, counts in figures["bands"].items()]
    rows.append(f"{'AUC':18} met/missing  met/rest  partly/missing")
    for key, row in [
        ("all", figures["auc"]),
        *((f"in {quality}", own) for quality, own in figures["auc_within_quality"].items()),
        *figures["criteria"].items(),
    ]:
        values = (shown(row[column]) for column in ("met_missing", "met_rest", "partly_missing"))
        rows.append(f"{key:18} {'   '.join(values)}")
    return "\n".join(rows)


def main() -> None:
    """Print the figures; with --write refit the shipped calibration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="refit coach/critique/judge_calibration.json")
    parser.add_argument("--opinions", type=Path, help="file of what the model said; made where it is missing")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    asked = parser.parse_args()
    with_model = Coach.load()
    model = with_model.chat_model()
    path = asked.opinions or OPINIONS / f"{model.name}.jsonl"
    judgements = load_judgements(Opinions(path, model.name, model), with_model.embedder)
    fit_part = [one for one in judgements if one.split == "fit"]
    held_out = [one for one in judgements if one.split != "fit"]
    calibration = fit(fit_part, model.name)
    calibration = read_calibration(model.name, as_record(calibration))
    if asked.write:
        write(calibration, Path(__file__).resolve().parents[1] / "critique" / CALIBRATION_FILE)
    own = np.array([calibration.probability(one.criterion.id, one.signals) for one in held_out])
    figures = {
        "fit, left out by question": score(fit_part, left_out(fit_part, model.name), calibration),
        "held out": score(held_out, own, calibration),
    }
    if asked.json:
        print(json.dumps(figures, indent=2))
        return
    print("\n\n".join(_table(name, one) for name, one in figures.items()))


if __name__ == "__main__":
    main()
