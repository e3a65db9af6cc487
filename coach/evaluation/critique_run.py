"""Run the critique suite: every labelled draft, every attack, and the article's own pairs, through the coach."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.evaluation.critique import judge, row
from coach.evaluation.critique_attacks import AttackCase, attack_figures, load_attacks
from coach.evaluation.critique_cases import (
    ARTICLE_QUESTION,
    ArticlePair,
    DraftCase,
    article_pairs,
    load_drafts,
)
from coach.evaluation.critique_figures import (
    article_figures,
    bad_id,
    good_id,
    out_of_order,
    quotes,
    split_figures,
    wrong,
)
from coach.evaluation.report import SPLITS
from coach.evaluation.run import Row, Run
from coach.evaluation.selection import bench_folder
from coach.evaluation.suites import Progress, loaded, measured, run_of

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.settings import Settings

ARTICLE = "article"  # of a row: what it is instead of a split


@dataclass(frozen=True, slots=True)
class Job:
    """One draft to be judged, and how its row is called."""

    id: str
    label: str
    split: str
    draft: str
    question: str
    kind: str


@dataclass(frozen=True, slots=True)
class Cases:
    """What a run judges."""

    drafts: tuple[DraftCase, ...]
    attacks: tuple[AttackCase, ...]
    pairs: tuple[ArticlePair, ...]

    def jobs(self) -> Iterator[Job]:
        """Every draft once; those of one question stand together, so that the engine reads the question once."""
        for draft in self.drafts:
            yield Job(draft.id, draft.quality, draft.split, draft.draft, draft.question, draft.kind)
        for attack in self.attacks:
            for identity, text in attack.texts():
                yield Job(identity, attack.attack, attack.split, text, attack.question, attack.kind)
        for pair in self.pairs:
            for identity, span in ((bad_id(pair), pair.bad), (good_id(pair), pair.good)):
                yield Job(identity, pair.id, ARTICLE, span.text, ARTICLE_QUESTION, pair.kind)


def run_critique(
    settings: Settings,
    *,
    drafts_file: Path | None = None,
    attacks_file: Path | None = None,
    split: str = "all",
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    coach: Coach | None = None,
    earlier: Run | None = None,
    keep: Callable[[Run], None] | None = None,
) -> Run:
    """Judge every chosen draft. Stopped with Ctrl-C it returns what there is, marked incomplete.

    `split` chooses among drafts and attacks, `limit` takes so many of each. `coach` is loaded
    unless given. `earlier` is a stopped run to take up; `keep` is handed what there is every few drafts. Raises
    UsageError for bad cases or an earlier run of something else, and CoachError as `Coach.load` does, or where a
    backend asked for by name cannot speak.
    """
    files = (drafts_file or bench_file("drafts"), attacks_file or bench_file("attacks"))
    cases = load_cases(*files, split=split, limit=limit)
    coach = coach or loaded(settings)
    selection = {
        "cases": [file.name for file in files],
        "cases_sha256": [hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files],
        "split": split,
        "limit": limit,
    }
    notes = _notes(coach)  # loads the model: who judges is known only then
    started = run_of("critique", coach, (), selection=selection, seed=seed, complete=False, notes=notes)
    jobs = list(cases.jobs())

    def measure(known: Collection[str]) -> Iterator[Row]:
        for number, job in enumerate(jobs, 1):
            if job.id not in known:
                yield _judged(coach, job)
            if progress is not None:
                progress("critique", number, len(jobs))

    run = measured(started, [job.id for job in jobs], measure, earlier=earlier, keep=keep)
    return replace(run, summary=summarise(cases, {row.id: row for row in run.rows}, settings, seed=seed))


def load_cases(
    drafts_file: Path, attacks_file: Path, *, split: str = "all", limit: int | None = None
) -> Cases:
    """The cases of a run. Raises UsageError naming file and line for a bad one."""
    from coach.critique.rubric import bundled_rubrics

    rubric = bundled_rubrics()[0]
    drafts = load_drafts(drafts_file, rubric)
    attacks = load_attacks(attacks_file, rubric)
    return Cases(
        tuple(draft for draft in drafts if split in ("all", draft.split))[:limit],
        tuple(attack for attack in attacks if split in ("all", attack.split))[:limit],
        article_pairs(rubric),
    )


def summarise(cases: Cases, rows: Mapping[str, Row], settings: Settings, *, seed: int = 0) -> dict[str, Any]:
    """Every figure of a run, the splits apart, and the cases behind them."""
    splits = {
        name: [draft for draft in cases.drafts if draft.split == name and draft.id in rows] for name in SPLITS
    }
    return {
        "splits": {name: split_figures(drafts, rows, seed=seed) for name, drafts in splits.items() if drafts},
        "quotes": quotes(rows.values()),
        "article_pairs": article_figures(cases.pairs, rows),
        "attacks": attack_figures(cases.attacks, rows),
        "overrides": _overrides(settings),
        "out_of_order": out_of_order(cases.drafts, rows),
        "wrong": wrong(cases.drafts, rows),
    }


def _judged(coach: Coach, job: Job) -> Row:
    judged = judge(coach, job.draft, job.question, job.kind)
    return row(job.id, job.label, job.split, job.draft, judged)


def _notes(coach: Coach) -> tuple[str, ...]:
    from coach.critique.judge import CALIBRATION_FILE, load_calibration

    notes = [f"Who judges: {coach.backend_reason}"]
    model = coach.chosen_model().model
    own = coach.settings.home / CALIBRATION_FILE
    if model is not None and load_calibration(model.name, own) is None:
        notes.append(
            f"The judge is not calibrated for {model.name}: `coach eval critique --calibrate` does that."
        )
    return tuple(notes)


def _overrides(settings: Settings) -> dict[str, Any] | None:
    """How often people who confirmed or overruled a verdict in this home agreed; None where nobody did."""
    from coach.store.critiques import CritiqueStore

    agreement = CritiqueStore(settings.home).agreement()
    if not agreement.total and not agreement.unscored:
        return None
    return {
        "verdicts": agreement.total,
        "agreed": agreement.agreed,
        "kappa": agreement.kappa,
        "given_where_unscored": agreement.unscored,
        "by_criterion": {name: list(counts) for name, counts in agreement.by_criterion.items()},
    }


def bench_file(name: str) -> Path:
    """Our own `drafts` or `attacks`. Raises UsageError in an installation without them."""
    return bench_folder() / "critique" / f"{name}.jsonl"
