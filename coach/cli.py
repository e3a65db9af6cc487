"""The `coach` command. Imports are lazy, so that `coach --help` is instant."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from coach import cli_critique
from coach.errors import CoachError, UsageError
from coach.terminal import (
    BACKENDS,
    FAILED,
    OK,
    STOPPED,
    USAGE,
    StepBars,
    json_lines,
    limited,
    loaded,
    opened,
    say,
    show,
)

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.evaluation.run import Run
    from coach.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="genai-pm-coach", prog_name="coach")
def cli() -> None:
    """A local, private coach for Generative-AI product-manager interviews.

    Nothing you type leaves this machine. Every sentence of an answer shows where it comes from.
    """


def main() -> NoReturn:
    """Run the command and end the process with its exit status."""
    _leave(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command. 0 for an answer, a critique or a refusal, 1 for a failure, 2 for usage."""
    try:
        code = cli.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        say("\nStopped. Nothing is lost: run the same command again to go on.")
        code = STOPPED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except UsageError as error:
        say(str(error))
        code = USAGE
    except CoachError as error:
        say(str(error))
        code = FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    except OSError as error:
        say(_storage_sentence(error))
        code = FAILED
    except Exception:  # a fault of ours: the details go where a report can be made from them
        say(
            f"Something went wrong inside the coach; the details are in {_write_details()}: run `coach doctor`."
        )
        code = FAILED
    return code if isinstance(code, int) else OK


@cli.command()
@click.argument("question", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the reply as one JSON object.")
@click.option(
    "--backend", type=click.Choice(BACKENDS), help="Who speaks; `none` lets the sources speak alone."
)
@click.option("--model", help="Model name for Ollama or the server.")
@click.option(
    "--history", type=click.Path(dir_okay=False), help="JSON file with earlier turns, oldest first."
)
@click.option("--batch", type=click.Path(dir_okay=False), help="JSONL of questions; one JSON reply a line.")
def ask(
    question: str | None,
    as_json: bool,
    backend: str | None,
    model: str | None,
    history: str | None,
    batch: str | None,
) -> None:
    """Answer QUESTION from the sources, with citations; `-` reads it from standard input."""
    if batch is not None and question is not None:
        raise click.UsageError("Give a QUESTION or --batch FILE, not both.")
    if batch is None and question is None:
        raise click.UsageError('Give a QUESTION, as in: coach ask "How many rounds are typical?"')
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    if batch is not None:
        _ask_batch(settings, batch)
        return
    text = limited(sys.stdin) if question == "-" else str(question)
    _ask_one(settings, text, _history(history), as_json)


def _ask_one(settings: Settings, question: str, history: list[Any], as_json: bool) -> None:
    from coach.sanitize import clean_question

    clean_question(question, settings.max_question_characters)  # before anything is loaded
    coach = loaded(settings)
    if as_json:
        from coach.report import reply_to_json

        show(json.dumps(reply_to_json(_with_steps(coach, question, history)), ensure_ascii=False))
        return
    _print_stream(coach, question, history)


def _print_stream(coach: Coach, question: str, history: list[Any]) -> None:
    """The sources' sentences at once; then what the model added, checked; then the references."""
    from coach.answer import Extracted, Finished, StepStarted, Token
    from coach.report import References, refusal_as_text, sentences_as_text
    from coach.types import Refusal

    references = References()
    shown: tuple[Any, ...] = ()
    for event in coach.answer(question, history):
        match event:
            case StepStarted(name):
                say(f"{name} ...")
            case Extracted(answer):
                if answer.standalone != answer.question:
                    say(f"Searched for: {answer.standalone}")
                if answer.doubt:
                    show(f"{answer.doubt}\n")
                show(sentences_as_text(answer.sentences, references))
                shown = answer.sentences
            case Token(text):
                sys.stderr.write(text)
                sys.stderr.flush()
            case Finished(Refusal() as refusal):
                if shown:
                    show("\nOn a closer look, what stands above is near the question but does not answer it.")
                show(refusal_as_text(refusal))
            case Finished(answer):
                say("")
                _print_rest(answer, shown, references)


def _print_rest(answer: Any, shown: tuple[Any, ...], references: Any) -> None:
    """What the checked reply adds to the sentences `shown`, the references, what was left out, and notes."""
    from coach.report import (
        left_out_as_text,
        not_covered_as_text,
        references_as_text,
        sentences_as_text,
    )

    said = {sentence.text for sentence in shown}
    text = sentences_as_text(tuple(s for s in answer.sentences if s.text not in said), references)
    if text and answer.trace.model:
        show(f"\nIn short ({answer.trace.model}, every sentence checked):\n{text}")
    elif text:
        show(text)
    if references.citations:
        show("\n" + references_as_text(references, answer.passages))
    for more in (not_covered_as_text(answer), left_out_as_text(answer)):
        if more:
            show("\n" + more)
    for note in answer.trace.notes:
        say(note)


def _with_steps(coach: Coach, question: str, history: list[Any]) -> Any:
    from coach.answer import StepStarted

    stream = coach.answer(question, history)
    for event in stream:
        if isinstance(event, StepStarted):
            say(f"{event.name} ...")
    return stream.result()


def _ask_batch(settings: Settings, path: str) -> None:
    from coach.report import reply_to_json

    with opened(path) as lines:
        questions = list(_batch_lines(lines, path))
    coach = loaded(settings)
    for number, (line, entry) in enumerate(questions, 1):
        say(f"[{number}/{len(questions)}] {entry['question'][:80]}")
        try:
            reply = reply_to_json(coach.answer(entry["question"], entry.get("history", ())).result())
        except UsageError as error:
            raise UsageError(f"{path}, line {line}: {error}") from error
        if "id" in entry:
            reply = {"id": entry["id"], **reply}
        show(json.dumps(reply, ensure_ascii=False))


def _batch_lines(lines: TextIO, path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    from coach.coach import as_turn

    for number, entry in json_lines(lines, path, ("question",)):
        history = entry.get("history", [])
        if not isinstance(history, list):
            raise UsageError(
                f'{path}, line {number}: "history" is a list of turns; mend the line and run again.'
            )
        try:
            entry["history"] = [as_turn(turn) for turn in history]
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
        yield number, entry


@cli.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--forget", multiple=True, type=click.Path(), help="Take a path given earlier out of the library."
)
def ingest(paths: tuple[str, ...], forget: tuple[str, ...]) -> None:
    """Index the corpus, everything ingested before, and PATHS (Markdown and text files, folders)."""
    from coach.coach import ingest_library
    from coach.settings import load_settings

    bars = StepBars()
    report = ingest_library(
        load_settings(), [Path(path) for path in paths], forget=[Path(p) for p in forget], progress=bars
    )
    bars.close()
    for line in report.lines():
        show(line)


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1; 8501 unless set.")
def serve(port: int | None) -> None:
    """Open the app in the browser's reach, on http://127.0.0.1:8501."""
    from coach.serve import serve as run
    from coach.settings import load_settings

    run(load_settings(port=port), say)


@cli.command()
def warm() -> None:
    """Prepare the built-in model for the corpus, so that its first word comes fast."""
    from coach.settings import load_settings

    coach = loaded(load_settings())
    bars = StepBars()
    coach.warm(bars)
    bars.close()
    say(f"Ready: {coach.backend_reason}")
    coach.close()


@cli.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the chat models, choose one, or fetch one."""
    if context.invoked_subcommand is None:
        context.invoke(models_list)


@models.command("list")
def models_list() -> None:
    """Every chat model there is here, which one speaks, and why; nothing is asked of one hosted elsewhere."""
    from coach.backends.chat import list_chat_models
    from coach.report import models_as_text
    from coach.settings import load_settings

    for line in models_as_text(list_chat_models(load_settings())):
        show(line)


@models.command("use")
@click.argument("name")
def models_use(name: str) -> None:
    """Make Ollama's model NAME the one that speaks; a setting or `--model` still goes before it."""
    from coach.backends.chat import ollama_address
    from coach.backends.ollama_models import list_models, use_model
    from coach.settings import load_settings

    settings = load_settings()
    found = list_models(ollama_address(settings.ollama_host), settings.context_window)
    chosen = use_model(found, name, settings.home)
    if settings.model or settings.backend != "auto":
        say(
            f"Before it goes what the settings name ({settings.model or settings.backend}): unset that to let it speak."
        )
    show(f'{chosen.name} is the coach\'s own pick until another is used: run `coach ask "..."`.')


@models.command("pull")
@click.argument("name", required=False)
def models_pull(name: str | None) -> None:
    """Fetch and verify the built-in models; with NAME, have Ollama pull that model."""
    from coach.settings import load_settings

    settings = load_settings()
    if name is not None:
        from coach.backends.chat import ollama_address
        from coach.backends.ollama_models import choose_model, list_models, pull_model

        bars = StepBars()
        address = ollama_address(settings.ollama_host)
        pull_model(address, name, bars)
        bars.close()
        found = list_models(address, settings.context_window)
        for line in choose_model(found, name, None, allow_hosted=True).warnings:
            say(line)
        show(f"{name} is ready: run `coach models use {name}`.")
        return
    from coach.backends.model_files import pull_embedded_model
    from coach.backends.openvino import prepare_embedder
    from coach.progress import ProgressLines

    progress = ProgressLines()
    prepare_embedder(settings, progress)
    show(f"The built-in models are ready: {pull_embedded_model(settings, progress)}")


@cli.command()
def doctor() -> None:
    """Check everything the coach needs; each line names the command that fixes it."""
    from coach.doctor import lines, run_checks
    from coach.settings import load_settings

    checks = run_checks(load_settings())
    for line in lines(checks):
        show(line)
    if any(check.state == "broken" for check in checks):
        raise click.exceptions.Exit(FAILED)


@cli.group("eval")
def evaluate() -> None:
    """Measure the coach: its answers, retrieval, support check and speed; compare runs, watch for drift."""


_out_option = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go as JSON."
)
_data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the public sets (squad2_dev, qags, ...).",
)
_seed_option = click.option("--seed", type=int, default=0, show_default=True, help="Seed of the resampling.")
_backend_option = click.option("--backend", type=click.Choice(BACKENDS), help="Who speaks.")
_model_option = click.option("--model", help="Model name for Ollama or the server.")


@evaluate.command("answers")
@_backend_option
@_model_option
@click.option("--limit", type=click.IntRange(1), help="Stop after so many cases.")
@click.option("--split", type=click.Choice(["fit", "held_out", "all"]), default="all", show_default=True)
@click.option("--subset", type=click.Choice(["fast"]), help="`fast`: 40 cases, all kinds.")
@click.option(
    "--cases", type=click.Path(dir_okay=False, path_type=Path), help="Your own cases (bench/README.md)."
)
@_seed_option
@_out_option
@click.option("--resume", is_flag=True, help="Take up a run that was stopped; name its file with --out.")
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
    seed: int,
    out: Path | None,
    resume: bool,
    calibrate: bool,
) -> None:
    """Ask the cases and score the replies: facts, citations, refusals, waiting time."""
    if resume and out is None:
        raise click.UsageError("Name the file of the run to take up with --out FILE.")
    from coach.evaluation.report import answers_table
    from coach.evaluation.run import read_run, write_run
    from coach.evaluation.runner import default_file, run_answers
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    bars = StepBars()
    if calibrate:
        from coach.evaluation.answers_calibrate import calibrate_answers

        told = calibrate_answers(settings, cases_file=cases, progress=bars)
        bars.close()
        say(told)
        return
    run = run_answers(
        settings,
        cases_file=cases,
        split=split,
        subset=subset,
        limit=limit,
        seed=seed,
        progress=bars,
        earlier=read_run(out) if resume and out is not None and out.is_file() else None,
        keep=lambda run: write_run(run, out or default_file(settings, run)),
    )
    bars.close()
    show(answers_table([run]))
    _keep_run(settings, run, out)


@evaluate.command("retrieval")
@_data_option
@_seed_option
@_out_option
def evaluate_retrieval(data: Path | None, seed: int, out: Path | None) -> None:
    """Rank public question sets: ours beside BM25, the embedder alone and plain rank fusion."""
    from coach.evaluation.retrieval import as_table
    from coach.evaluation.runner import run_retrieval
    from coach.settings import load_settings

    settings = load_settings()
    bars = StepBars()
    run = run_retrieval(settings, data, seed=seed, progress=bars)
    bars.close()
    show(as_table(run.summary))
    _keep_run(settings, run, out)


@evaluate.command("support")
@_data_option
@_seed_option
@_out_option
def evaluate_support(data: Path | None, seed: int, out: Path | None) -> None:
    """Tell supported claims from unsupported ones, each set judged by what was learnt on the others."""
    from coach.evaluation.runner import run_support
    from coach.evaluation.support import as_table
    from coach.settings import load_settings

    settings = load_settings()
    run = run_support(settings, data, seed=seed, say=say)
    show(as_table(run.summary["leave_one_set_out"]))
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
    from coach.evaluation.runner import run_speed
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
    help="Your own drafts (bench/critique/README.md).",
)
@_seed_option
@_out_option
@click.option("--resume", is_flag=True, help="Take up a run that was stopped; name its file with --out.")
@click.option(
    "--calibrate", is_flag=True, help="First fit the judge to this model on the fit split, and keep that."
)
@click.option("--grading", is_flag=True, help="Judge public graded answers instead of our drafts.")
@_data_option
def evaluate_critique(
    backend: str | None,
    model: str | None,
    limit: int | None,
    split: str | None,
    cases: Path | None,
    seed: int,
    out: Path | None,
    resume: bool,
    calibrate: bool,
    grading: bool,
    data: Path | None,
) -> None:
    """Judge labelled drafts and attacks, and say how well the verdicts agree with people."""
    if resume and out is None:
        raise click.UsageError("Name the file of the run to take up with --out FILE.")
    if calibrate and grading:
        raise click.UsageError("Give --calibrate or --grading, not both.")
    from coach.evaluation.run import read_run, write_run
    from coach.evaluation.runner import default_file
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    bars = StepBars()
    common: dict[str, Any] = {
        "limit": limit,
        "seed": seed,
        "progress": bars,
        "earlier": read_run(out) if resume and out is not None and out.is_file() else None,
        "keep": lambda run: write_run(run, out or default_file(settings, run)),
    }
    if grading:
        from coach.evaluation.grading import as_table
        from coach.evaluation.grading_run import run_grading

        run = run_grading(settings, data, **common)
        table = as_table(run.summary, run.notes)
    else:
        from coach.evaluation.critique_run import run_critique
        from coach.evaluation.critique_table import critique_table

        if calibrate:
            from coach.evaluation.critique_calibrate import calibrate_judge

            say(calibrate_judge(settings, drafts_file=cases, progress=bars))
        chosen = split or ("held_out" if calibrate else "all")
        run = run_critique(settings, drafts_file=cases, split=chosen, **common)
        table = critique_table(run)
    bars.close()
    show(table)
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
    from coach.evaluation.drift import drift, drift_text, observed_in_run, observed_live, of_one_voice
    from coach.evaluation.run import read_run
    from coach.evaluation.runner import baseline_file
    from coach.settings import load_settings
    from coach.traces import TraceStore

    run = read_run(baseline or baseline_file())
    traces, others = of_one_voice(TraceStore(load_settings().home).recent(days), run)
    looks = drift(observed_live(traces), observed_in_run(run))
    show(drift_text(run, days, traces, looks, others))


for _command in (cli_critique.critique, cli_critique.overrule, cli_critique.drafts):
    cli.add_command(_command)


def _keep_run(settings: Settings, run: Run, out: Path | None) -> None:
    """Write the run down and say where; one that was stopped is kept as far as it came."""
    from coach.evaluation.run import write_run
    from coach.evaluation.runner import default_file

    file = out or default_file(settings, run)
    write_run(run, file)
    if not run.complete:
        say(
            f"Stopped after {len(run.rows)} cases: run the same command with `--resume --out {file}` to go on."
        )
        raise click.exceptions.Exit(STOPPED)
    say(f"Every figure and case is in {file}.")


def _history(path: str | None) -> list[Any]:
    if path is None:
        return []
    from coach.coach import as_turn

    with opened(path) as file:
        try:
            turns = json.load(file)
        except ValueError as error:
            raise UsageError(
                f"{path} is not JSON ({error}): it holds a list of turns; mend it and run again."
            ) from error
    if not isinstance(turns, list):
        raise UsageError(f"{path} must hold a JSON list of turns: mend it and run again.")
    return [as_turn(turn) for turn in turns]


def _storage_sentence(error: OSError) -> str:
    import errno

    if error.errno == errno.ENOSPC:
        return "The disk is full: free some space, then run the same command again."
    if error.errno == errno.EADDRINUSE:
        return "The port is taken: run `coach serve --port 8502`."
    return f"The system said no ({error}): run `coach doctor`."


def _write_details() -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", prefix="coach-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exc(file=file)
    return file.name


def _leave(code: int) -> NoReturn:
    """End now: native threads of the engines need not be waited for."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
