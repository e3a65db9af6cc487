"""Fit the judge on the labelled drafts of `bench/critique` and score it on those held out.

    python -m bench.fit.judge                # the table
    python -m bench.fit.judge --write        # and refit the shipped calibration
    python -m bench.fit.judge --without-model [--write]    # the same for the one that needs no chat model

Both are fitted on the answers of `bench/interview` as well. The model is asked once about each draft and criterion (two hours on two cores); what it said is kept in a
temporary file, so that a second run needs no model. Of the answers written to fit it is asked about one a question: all three would take it another hour.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from coach.coach import Coach
from coach.critique.flow import band
from coach.critique.judge import CALIBRATION_FILE, EVIDENCE_ALONE, Calibration, read_calibration
from coach.evaluation.judge_fit import (
    EVIDENCE_SIGNALS,
    LEVELS,
    SIGNALS,
    Array,
    Judgement,
    as_record,
    fit,
    judgements_of,
    left_out,
    load_judgements,
    write,
)
from coach.evaluation.judge_log_odds import KeptLogOdds
from coach.evaluation.metrics import area_under_curve, quadratic_weighted_kappa
from coach.text.json_lines import read_records
from coach.types import Band, Level, Verdict

PROJECT = Path(__file__).resolve().parents[2]
DATA = PROJECT / "bench" / "critique"
ANSWERS = PROJECT / "bench" / "interview"
OPINIONS = Path(tempfile.gettempdir()) / "coach-judge-opinions"
QUALITIES = ("weak", "middle", "strong")
SPOKEN = "spoken"  # the quality of an answer of an interview: whole and thin ones alike
BANDS: tuple[Band, ...] = ("not ready", "getting there", "ready for this committee")


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
            for quality in sorted({one.quality for one in judgements})
        },
        "kappa": quadratic_weighted_kappa(labels, given),
        "agreement": float(np.mean([a == b for a, b in zip(labels, given, strict=True)])),
        "partly_found": _recall(labels, given, 1),
        "given": {
            label: {
                str(level): sum(
                    one.label == label and said == level for one, said in zip(judgements, levels, strict=True)
                )
                for level in (*LEVELS, None)
            }
            for label in LEVELS
        },
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
        "met_missing": area_under_curve(by_label["met"], by_label["missing"]),
        "met_rest": area_under_curve(by_label["met"], by_label["missing"] + by_label["partly"]),
        "partly_missing": area_under_curve(by_label["partly"], by_label["missing"]),
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
    if not every:
        return {}
    return {"all": float(np.mean(every)), **{name: float(np.mean(own)) for name, own in found.items()}}


def _bands(judgements: Sequence[Judgement], levels: Sequence[Level | None]) -> dict[str, dict[str, int]]:
    """How many drafts of each quality fall into each band (bad habits aside)."""
    found = sorted({one.quality for one in judgements}, key=[*QUALITIES, SPOKEN].index)
    counts = {quality: dict.fromkeys((*BANDS, "none"), 0) for quality in found}
    for first, rows in _by_draft(judgements, levels):
        verdicts = [Verdict(one.criterion, level, unscored="" if level else "unsure") for one, level in rows]
        counts[first.quality][band(verdicts, (), first.kind) or "none"] += 1
    return counts


def _table(name: str, figures: Mapping[str, Any]) -> str:
    def shown(value: float | None) -> str:
        return "   –" if value is None else f"{value:.3f}"

    rows = [f"{name}: {figures['judgements']} judgements, {figures['unsure']} unsure"]
    rows.append(
        f"kappa {figures['kappa']:.3f}, same level {figures['agreement']:.3f}, partly found {figures['partly_found']:.3f}"
    )
    for label, given in figures["given"].items():
        credit = (given["met"] + given["partly"] / 2) / max(1, sum(given.values()) - given["None"])
        rows.append(
            f"labelled {label:8} judged {', '.join(f'{level} {count}' for level, count in given.items())}; credited {credit:.3f}"
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


def _scored(judgements: Sequence[Judgement], calibration: Calibration) -> dict[str, Any]:
    given = [calibration.probability(one.criterion.id, one.signals) for one in judgements]
    return score(judgements, np.array(given), calibration)


def _answers(file: str) -> Iterator[dict[str, Any]]:
    """The labelled answers in a file of `bench/interview`, as records of drafts."""
    for row in read_records(ANSWERS / file, dict):
        yield {**row, "draft": row["answer"], "question_id": row["question"], "quality": SPOKEN}


def _one_a_question(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of the answers to each question, drawn by lot."""
    mixed = [*rows]
    random.Random(1).shuffle(mixed)
    return list({row["question"]: row for row in reversed(mixed)}.values())


def main() -> None:
    """Print the figures; with --write refit the shipped calibration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="refit coach/critique/judge_calibration.json")
    parser.add_argument(
        "--without-model", action="store_true", help="the calibration that needs no chat model"
    )
    parser.add_argument("--opinions", type=Path, help="file of what the model said; made where it is missing")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    asked = parser.parse_args()
    coach = Coach.load()
    if asked.without_model:
        name, names, kept = EVIDENCE_ALONE, EVIDENCE_SIGNALS, None
    else:
        model = coach.chat_model()
        name, names = model.name, SIGNALS
        kept = KeptLogOdds(asked.opinions or OPINIONS / f"{name}.jsonl", name, model)
    drafts = load_judgements(kept, coach.embedder, DATA)
    answers = judgements_of(_answers("answers.jsonl"), kept, coach.embedder)
    written = list(_answers("answers_to_fit.jsonl"))
    parts: dict[str, Sequence[Judgement]] = {
        "drafts": [one for one in drafts if one.split == "fit"],
        "answers": [one for one in answers if one.split == "fit"],
        "answers written to fit": judgements_of(
            written if asked.without_model else _one_a_question(written), kept, coach.embedder
        ),
    }
    fitted_on = [one for part in parts.values() for one in part]
    calibration = read_calibration(name, as_record(fit(fitted_on, name, names)))
    if asked.write:
        write(calibration, PROJECT / "coach" / "critique" / CALIBRATION_FILE)
    guessed = dict(zip(map(id, fitted_on), left_out(fitted_on, name, names), strict=True))
    figures = {
        **{
            f"{part}, left out by question": score(
                own, np.array([guessed[id(one)] for one in own]), calibration
            )
            for part, own in parts.items()
        },
        "drafts held out": _scored([one for one in drafts if one.split != "fit"], calibration),
        "answers held out": _scored([one for one in answers if one.split != "fit"], calibration),
    }
    if asked.json:
        print(json.dumps(figures, indent=2))
        return
    print("\n\n".join(_table(name, one) for name, one in figures.items()))


if __name__ == "__main__":
    main()
