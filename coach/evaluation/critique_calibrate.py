"""Fit the judge to the chat model in use, on the labelled drafts of the fit split, and keep that in the user's home."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from coach.critique.judge import CALIBRATION_FILE, load_calibration
from coach.critique.prepare import PreparedDraft
from coach.errors import UsageError
from coach.evaluation.critique_cases import DraftCase, load_drafts
from coach.evaluation.critique_run import bench_file
from coach.evaluation.judge_fit import FOLDS, fit, load_judgements, write
from coach.evaluation.judge_log_odds import KeptLogOdds
from coach.evaluation.suites import Progress, loaded
from coach.protocols import ChatModel
from coach.types import Criterion

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.settings import Settings


def calibrate_judge(
    settings: Settings,
    *,
    drafts_file: Path | None = None,
    progress: Progress | None = None,
    coach: Coach | None = None,
) -> str:
    """Ask the model about every fit draft, fit, write `judge_calibration.json` in the home; a sentence on it.

    What the model said is kept in the home as well: a run that was stopped goes on where it stood. Raises
    UsageError for bad or too few drafts or a calibration that cannot be read, BackendError where the model cannot choose between Yes and No.
    """
    from coach.critique.rubric import bundled_rubrics

    drafts = load_drafts(drafts_file or bench_file("drafts"), bundled_rubrics()[0])
    chosen = [draft for draft in drafts if draft.split == "fit"]
    _require_enough(chosen)
    coach = coach or loaded(settings)
    model = coach.chat_model()
    file = settings.home / CALIBRATION_FILE
    load_calibration(model.name, file)  # a file that cannot be read is met before the model is asked
    kept = CountedLogOdds(
        settings.home / "evaluations" / f"opinions-{_file_name(model.name)}.jsonl",
        model,
        total=sum(len(draft.labels) for draft in chosen),
        progress=progress,
    )
    with tempfile.TemporaryDirectory() as folder:
        _write_drafts(chosen, Path(folder) / "drafts-fit.jsonl")
        judgements = load_judgements(kept, coach.embedder, Path(folder))
    write(fit(judgements, model.name), file)
    return f"{model.name} is calibrated on {len(chosen)} drafts: {file} holds it from now on."


class CountedLogOdds(KeptLogOdds):
    """Log-odds that tell how far the asking is."""

    def __init__(self, path: Path, chat_model: ChatModel, *, total: int, progress: Progress | None) -> None:
        super().__init__(path, chat_model.name, chat_model)
        self._done, self._total, self._progress = 0, total, progress

    def of(self, criterion: Criterion, prepared: PreparedDraft, question: str) -> float:
        """The model's log-odds, counted."""
        log_odds = super().of(criterion, prepared, question)
        self._done += 1
        if self._progress is not None:
            self._progress("calibrate", self._done, self._total)
        return log_odds


def _require_enough(drafts: Sequence[DraftCase]) -> None:
    """Thresholds are chosen on questions left out of a fold; each fold needs one, and both ends of the scale."""
    questions = {draft.question_id for draft in drafts}
    levels = {level for draft in drafts for level in draft.labels.values()}
    if len(questions) < FOLDS or not {"met", "missing"} <= levels:
        raise UsageError(
            f"The fit split has {len(questions)} questions, too few to calibrate on: it needs {FOLDS}, with labels "
            "that are met and labels that are missing; add drafts and run again."
        )


def _write_drafts(drafts: Sequence[DraftCase], path: Path) -> None:
    lines = [json.dumps({**asdict(draft), "labels": dict(draft.labels)}) for draft in drafts]
    path.write_text("\n".join(lines), encoding="utf-8")


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in ".-" else "-" for character in name)
