"""Put a chat model's Yes and No on the scale of the built-in model's, on which the fits of answerability were made."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coach.answer.answerability import Evidence, score_evidence
from coach.answer.calibration import CALIBRATION_FILE, read_calibrations
from coach.answer.coefficients import coefficients
from coach.answer.compose import evidence_prompt
from coach.answer.extract import extract
from coach.answer.retrieve import retrieve
from coach.errors import UsageError
from coach.evaluation.cases import load_cases
from coach.evaluation.selection import bench_folder
from coach.evaluation.suites import Progress, loaded
from coach.yes_or_no import log_odds, probability_of_yes

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.settings import Settings

EACH = 60  # answerable cases, and as many others
LEAST = 10  # of either, below which nothing can be fitted


def calibrate_answers(
    settings: Settings,
    *,
    cases_file: Path | None = None,
    progress: Progress | None = None,
    coach: Coach | None = None,
) -> str:
    """Ask the model about fit cases of the bundled guide, fit, keep scale and shift in the home; a sentence on it.

    Raises UsageError for too few cases or a calibration that cannot be read, BackendError where the model cannot choose
    between Yes and No.
    """
    coach = coach or loaded(settings)
    model = coach.chat_model()
    chosen = chosen_cases(cases_file or bench_folder() / "answers" / "cases.jsonl")
    file = settings.home / CALIBRATION_FILE
    known = read_calibrations(file)
    said = []
    for number, (question, _) in enumerate(chosen, 1):
        evidence = evidence_for(coach, question)
        prompt = evidence_prompt(question, evidence.nearest, model, max_tokens=settings.max_tokens)
        said.append(log_odds(probability_of_yes(model, prompt.messages)))
        if progress is not None:
            progress("calibrate", number, len(chosen))
    slope, intercept = platt(said, [answerable for _, answerable in chosen])
    own_slope, own_intercept = coefficients()["opinion"]
    scale, shift = slope / own_slope, (intercept - own_intercept) / own_slope
    known[model.name.casefold()] = (round(scale, 4), round(shift, 4))
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    draft.replace(file)
    return f"{model.name} is calibrated on {len(chosen)} questions: {file} holds it from now on."


def chosen_cases(file: Path) -> list[tuple[str, bool]]:
    """Questions of the fit split and whether each is answerable: as many of both, at most EACH.

    Raises UsageError when there are too few.
    """
    cases = [c for c in load_cases(file) if c.split == "fit" and c.kind in ("answerable", "unanswerable")]
    parts = [[c.question for c in cases if c.answerable == answerable] for answerable in (True, False)]
    size = min(EACH, *map(len, parts))
    if size < LEAST:
        raise UsageError(
            f"{file} holds too few fit cases to calibrate on: it needs {LEAST} that are answerable and {LEAST} that are "
            "not; add some and run again."
        )
    draw = random.Random(0)
    return [
        (question, answerable)
        for part, answerable in zip(parts, (True, False), strict=True)
        for question in draw.sample(part, size)
    ]


def evidence_for(coach: Coach, question: str) -> Evidence:
    """The evidence by the cheap signals, with the sentences that a model is to read."""
    passages = retrieve(question, embedder=coach.embedder, index=coach.index, limit=coach.settings.passages)
    return score_evidence(question, passages, extract(question, passages, coach.embedder), coach.embedder)


def platt(said: list[float], answerable: list[bool]) -> tuple[float, float]:
    """Slope and intercept that turn a model's log-odds into those of the truth (Platt 1999)."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression().fit(np.array(said)[:, None], answerable)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])
