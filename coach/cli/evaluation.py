"""`coach eval`: measure the coach, compare runs, watch for drift."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from coach.cli.terminal import (
    FAILED,
    STOPPED,
    StepBars,
    backend_option,
    say,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coach.coach import Coach
    from coach.evaluation.run import Run
    from coach.settings import Settings
    from coach.store.cases import OwnCase, Suite


@click.group("eval")
def evaluate() -> None:
    """Measure the coach: its answers, critique, retrieval and speed; compare runs, watch for drift."""


_out_option = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go as JSON."
)
_data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the public sets (squad2_dev, qags, ...).",
)
_seed_option = click.option("--seed", type=int, default=0, show_default=True, help="Seed of the resampling.")
_resume_option = click.option(
    "--resume", is_flag=True, help="Take up a run that was stopped; name its file with --out."
)
_backend_option = backend_option("Who speaks: BACKENDS.")
_model_option = click.option("--model", help="Model name for Ollama or the server.")

_own_option = click.option(
    "--own",
    is_flag=True,
    help="Your own cases alone (`coach cases`); else they follow, in a table of their own.",
)


@evaluate.command("answers")
@_backend_option
@_model_option
@click.option("--limit", type=click.IntRange(1), help="Stop after so many cases.")
@click.option("--split", type=click.Choice(["fit", "held_out", "all"]), default="all", show_default=True)
@click.option("--subset", type=click.Choice(["fast"]), help="`fast`: 40 cases, all kinds.")
@click.option(
    "--cases",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Cases of a file, no others (bench/README.md).",
)
@_own_option
@_seed_option
@_out_option
@_resume_option
@click.option(
    "--calibrate", is_flag=True, help="Only fit what Yes and No of this model are worth, and keep that."
)
def evaluate_answers(
    backend: str | None,
    model: str | None,
    limit: int | None,
    split: str,
    subset: str | None,
    cases: Path | None,
    own: bool,
    seed: int,
    out: Path | None,
    resume: bool,
    calibrate: bool,
) -> None:
    """Ask the cases and score the replies: facts, citations, refusals, waiting time."""
    _require_file(out, resume)
    _refuse_choice(own, cases, subset, split if split != "all" else None, calibrate or None)
    from coach.evaluation.own_cases import own_cases
    from coach.evaluation.report import answers_table
    from coach.evaluation.suites import run_answers, warmed
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    bars = StepBars()
    if calibrate:
        from coach.evaluation.answers_calibrate import calibrate_answers

        summary = calibrate_answers(settings, cases_file=cases, progress=bars)
        bars.close()
        say(summary)
        return
    kept = own_cases(settings, "answers", required=own) if cases is None else ()
    coach = warmed(settings, bars) if kept else None  # loaded once for both runs
    if not own:
        run = run_answers(
            settings,
            cases_file=cases,
            split=split,
            subset=subset,
            limit=limit,
            seed=seed,
            progress=bars,
            coach=coach,
            **_kept_on_the_way(settings, out, resume),
        )
        bars.close()
        show(answers_table([run]))
        _keep_run(settings, run, out)
    if coach is not None:
        _run_own(coach, "answers", kept[:limit], bars, out, alone=own, resume=resume, seed=seed)


@evaluate.command("retrieval")
@_data_option
@_seed_option
@_out_option
def evaluate_retrieval(data: Path | None, seed: int, out: Path | None) -> None:
    """Rank public question sets: ours beside BM25, the embedder alone and plain rank fusion."""
    from coach.evaluation.retrieval import as_table
    from coach.evaluation.suites import run_retrieval
    from coach.settings import load_settings

    settings = load_settings()
    bars = StepBars()
    run = run_retrieval(settings, data, seed=seed, progress=bars)
    bars.close()
    show(as_table(run.summary))
    _keep_run(settings, run, out)


@evaluate.command("speed")
@_backend_option
@_model_option
@_data_option
@_seed_option
@_out_option
def evaluate_speed(
    backend: str | None, model: str | None, data: Path | None, seed: int, out: Path | None
) -> None:
    """Time a cold start, answers, retrieval beside bare Chroma, critiques, and ingest beside LangChain's."""
    from coach.evaluation.report import speed_table
    from coach.evaluation.suites import run_speed
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    bars = StepBars()
    run = run_speed(settings, data, seed=seed, progress=bars)
    bars.close()
    show(speed_table(run))
    _keep_run(settings, run, out)


@evaluate.command("critique")
@_backend_option
@_model_option
@click.option("--limit", type=click.IntRange(1), help="Stop after so many drafts, and so many attacks.")
@click.option(
    "--split",
    type=click.Choice(["fit", "held_out", "all"]),
    help="Which of our drafts: all, or with --calibrate held_out, unless given.",
)
@click.option(
    "--cases",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Drafts of a file, no others (bench/critique/README.md).",
)
@_own_option
@_seed_option
@_out_option
@_resume_option
@click.option(
    "--calibrate", is_flag=True, help="First fit the judge to this model on the fit split, and keep that."
)
def evaluate_critique(
    backend: str | None,
    model: str | None,
    limit: int | None,
    split: str | None,
    cases: Path | None,
    own: bool,
    seed: int,
    out: Path | None,
    resume: bool,
    calibrate: bool,
) -> None:
    """Judge labelled drafts and attacks, and say how well the verdicts agree with people."""
    _require_file(out, resume)
    _refuse_choice(own, cases, split, calibrate or None)
    from coach.evaluation.critique_run import run_critique
    from coach.evaluation.critique_table import critique_table
    from coach.evaluation.own_cases import own_cases
    from coach.evaluation.suites import loaded
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    bars = StepBars()
    if calibrate:
        from coach.evaluation.critique_calibrate import calibrate_judge

        say(calibrate_judge(settings, drafts_file=cases, progress=bars))
    kept = own_cases(settings, "critique", required=own) if cases is None else ()
    coach = loaded(settings) if kept else None  # loaded once for both runs
    if not own:
        run = run_critique(
            settings,
            drafts_file=cases,
            split=split or ("held_out" if calibrate else "all"),
            limit=limit,
            seed=seed,
            progress=bars,
            coach=coach,
            **_kept_on_the_way(settings, out, resume),
        )
        bars.close()
        show(critique_table(run))
        _keep_run(settings, run, out)
    if coach is not None:
        _run_own(coach, "critique", kept[:limit], bars, out, alone=own, resume=resume, seed=seed)


@evaluate.command("interview")
@_backend_option
@_model_option
@click.option("--limit", type=click.IntRange(1), help="Stop after so many answers.")
@click.option("--split", type=click.Choice(["fit", "held_out", "all"]), default="all", show_default=True)
@_seed_option
@_out_option
@_resume_option
def evaluate_interview(
    backend: str | None,
    model: str | None,
    limit: int | None,
    split: str,
    seed: int,
    out: Path | None,
    resume: bool,
) -> None:
    """React to labelled answers as the interviewer does, and say how often its follow-up aims at what is thin."""
    _require_file(out, resume)
    from coach.evaluation.interview import interview_table, run_interview
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    bars = StepBars()
    run = run_interview(
        settings,
        split=split,
        limit=limit,
        seed=seed,
        progress=bars,
        **_kept_on_the_way(settings, out, resume),
    )
    bars.close()
    show(interview_table(run))
    _keep_run(settings, run, out)


@evaluate.command("table")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def evaluate_table(files: tuple[Path, ...]) -> None:
    """Print runs of the answers suite side by side, as Markdown."""
    from coach.evaluation.report import answers_table
    from coach.evaluation.run import read_run

    show(answers_table([read_run(file) for file in files]))


@evaluate.command("compare")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--fail-on-drop", is_flag=True, help="Exit 1 when a figure is worse by more than its noise.")
def evaluate_compare(before: Path, after: Path, fail_on_drop: bool) -> None:
    """Say what got better or worse from run BEFORE to run AFTER, beyond noise, and in which cases."""
    from coach.evaluation.compare import compare, comparison_text
    from coach.evaluation.run import read_run

    earlier, later = read_run(before), read_run(after)
    comparison = compare(earlier, later)
    show(comparison_text(earlier, later, comparison))
    if fail_on_drop and comparison.dropped:
        say(f"Worse beyond noise: {', '.join(change.label for change in comparison.dropped)}.")
        raise click.exceptions.Exit(FAILED)


@evaluate.command("drift")
@click.option("--days", type=click.IntRange(1, 3650), default=7, show_default=True, help="How far back.")
@click.option(
    "--baseline", type=click.Path(dir_okay=False, path_type=Path), help="A run to compare with, not ours."
)
def evaluate_drift(days: int, baseline: Path | None) -> None:
    """Compare the answers of the last days with the baseline: did something move?"""
    from coach.evaluation.drift import drift, drift_text, observed_in_run, observed_live, of_one_model
    from coach.evaluation.run import read_run
    from coach.evaluation.suites import baseline_file
    from coach.settings import load_settings
    from coach.store.traces import TraceStore

    run = read_run(baseline or baseline_file())
    traces, others = of_one_model(TraceStore(load_settings().home).recent(days), run)
    looks = drift(observed_live(traces), observed_in_run(run))
    show(drift_text(run, days, traces, looks, others))


def _run_own(
    coach: Coach,
    suite: Suite,
    cases: Sequence[OwnCase],
    bars: StepBars,
    out: Path | None,
    *,
    alone: bool,
    resume: bool,
    seed: int,
) -> None:
    """The user's own cases; beside a run of ours they go to a file of their own, and are run anew."""
    from coach.evaluation.own_cases import own_table, run_own_cases

    if out is not None and not alone:
        out = out.with_name(f"{out.stem}-own{out.suffix}")
    taken_up = _kept_on_the_way(coach.settings, out, resume and alone)
    run = run_own_cases(coach, suite, cases, seed=seed, progress=bars, **taken_up)
    bars.close()
    show(("" if alone else "\n") + own_table(run, cases))
    _keep_run(coach.settings, run, out)


def _refuse_choice(own: bool, *chosen: object) -> None:
    if own and any(one is not None for one in chosen):
        raise click.UsageError(
            "--own runs your own cases alone: leave out --cases, --split, --subset and --calibrate."
        )


def _require_file(out: Path | None, resume: bool) -> None:
    if resume and out is None:
        raise click.UsageError("Name the file of the run to take up with --out FILE.")


def _kept_on_the_way(settings: Settings, out: Path | None, resume: bool) -> dict[str, Any]:
    """The arguments with which a suite takes up the run in `out`, where one is to be resumed, and keeps what it has so far."""
    from coach.evaluation.run import read_run, write_run
    from coach.evaluation.suites import default_file

    return {
        "earlier": read_run(out) if resume and out is not None and out.is_file() else None,
        "keep": lambda run: write_run(run, out or default_file(settings, run)),
    }


def _keep_run(settings: Settings, run: Run, out: Path | None) -> None:
    """Write the run down and say where; one that was stopped is kept as far as it came."""
    from coach.evaluation.run import write_run
    from coach.evaluation.suites import default_file

    file = out or default_file(settings, run)
    write_run(run, file)
    if not run.complete:
        say(
            f"Stopped after {len(run.rows)} cases: run the same command with `--resume --out {file}` to go on."
        )
        raise click.exceptions.Exit(STOPPED)
    say(f"Every figure and case is in {file}.")
