"""The commands about drafts: `coach critique`, `coach overrule`, `coach drafts`. Imports are lazy, as in `cli`."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from coach.cli.terminal import backend_option, fitted, loaded, opened, say, say_what_leaves, show
from coach.errors import CoachError, UsageError
from coach.text.counted import counted

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.critique.compare import Comparison
    from coach.critique.flow import CritiqueStream
    from coach.settings import Settings
    from coach.store.critiques import UnreadDraft
    from coach.text.json_lines import Record
    from coach.types import Critique, Level

MAX_BYTES = 1_000_000  # of a draft's file; what of it is judged is the flow's to say
ENOUGH_FOR_KAPPA = 10  # verdicts: with fewer it says more about chance than about the judge
_ID = re.compile(r"[0-9a-f]{4,12}")


@click.command()
@click.argument("file", required=False)
@click.option("--question", help="The interview question that the draft answers.")
@click.option(
    "--kind",
    help="Kind of question: design, strategy, technical, execution, metrics, ethics or behavioural; else guessed.",
)
@click.option("--rubric", help="Name of the rubric to judge by, where you have your own.")
@click.option("--json", "as_json", is_flag=True, help="Print the critique as one JSON object.")
@click.option(
    "--compare",
    metavar="OLD",
    help="An earlier draft to compare with: its critique saved with --json, its text, or its id.",
)
@click.option(
    "--markdown", metavar="REPORT", help="Write the critique to this Markdown file; `-` prints it instead."
)
@click.option(
    "--batch",
    metavar="DRAFTS",
    help="JSONL of drafts; one JSON critique a line. These are not kept among your drafts.",
)
@backend_option("Who judges: BACKENDS (only what needs no model).")
@click.option("--model", help="Model name for Ollama or the server.")
def critique(
    file: str | None,
    question: str | None,
    kind: str | None,
    rubric: str | None,
    as_json: bool,
    compare: str | None,
    markdown: str | None,
    batch: str | None,
    backend: str | None,
    model: str | None,
) -> None:
    """Read the draft in FILE as a hiring committee would; `-` reads it from standard input.

    Each expectation is met, partly met or missing, with the draft's own words, or the article's where they are
    missing.
    """
    from coach.settings import load_settings

    if batch is not None:
        if file or question or compare or markdown:
            raise click.UsageError("--batch brings drafts and questions of its own: leave the others out.")
        _critique_batch(load_settings(backend=backend, model=model), batch, kind=kind, rubric=rubric)
        return
    if not file:
        raise click.UsageError('Give a FILE with the draft, as in: coach critique draft.txt --question "..."')
    if not (question or "").strip():
        raise click.UsageError('Give the interview question that the draft answers, with --question "...".')
    if markdown == "-" and as_json:
        raise click.UsageError("Only one thing can be printed: give --json or --markdown -, not both.")
    settings = load_settings(backend=backend, model=model)
    report = _free_for_report(markdown) if markdown not in (None, "-") else None
    draft = _read_draft(file)
    earlier = _earlier(compare, settings) if compare is not None else None
    coach = loaded(settings)
    say_what_leaves(coach, str(question), draft, *([earlier] if isinstance(earlier, str) else []))
    stream = coach.critique(draft, str(question), kind=kind, rubric=rubric)
    in_words = not as_json and markdown != "-"
    reading = _printed(stream) if in_words else _finished(stream)
    comparison = _compared(coach, earlier, reading) if earlier is not None else None
    _print_rest(settings, reading, comparison, as_json=as_json, as_markdown=markdown == "-")
    if kind is None and in_words:
        say(f"Read as a question of the kind {reading.kind}; --kind changes that.")
    if report is not None:
        from coach.critique.report import critique_as_markdown

        _write_report(report, critique_as_markdown(reading, comparison))


def _read_draft(file: str) -> str:
    """The draft's text. Raises UsageError for what is no text, empty, or far longer than a draft."""
    from coach.text.encoding import decoded, what_it_is

    name = "Standard input" if file == "-" else file
    try:
        if file == "-":
            if sys.stdin.isatty():
                say("Paste the draft, then press Ctrl-D (Windows: Ctrl-Z, then Enter).")
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as opened_file:
                content = opened_file.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise UsageError(f"{file} is a folder: name the file in it that holds the draft.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{file} cannot be read ({why}): check the name and run again.") from error
    if len(content) > MAX_BYTES:
        raise UsageError(f"{name} is larger than a megabyte: give the draft of one answer and run again.")
    text = decoded(content)
    if text is None:
        raise UsageError(f"{name} is {what_it_is(content)}: save the draft as plain text and run again.")
    if not text.strip():
        raise UsageError(f"{name} is empty: write your answer first, then run again.")
    return text


def _earlier(old: str, settings: Settings) -> Critique | str:
    """The critique to compare with, or the text of a draft that is still to be judged."""
    if _ID.fullmatch(old) and not Path(old).exists():
        from coach.store.critiques import CritiqueStore

        return CritiqueStore(settings.home).get(old)
    text = _read_draft(old)
    try:
        written = json.loads(text)
    except ValueError:
        if text.lstrip().startswith("{"):
            raise UsageError(
                f"{old} is not one JSON critique: save it with `coach critique FILE --json > OLD`, or give the "
                "earlier draft itself."
            ) from None
        return text
    from coach.json_form import critique_from_json

    try:
        return critique_from_json(written)
    except CoachError as error:
        raise UsageError(f"{old}: {error}") from error


def _printed(stream: CritiqueStream) -> Critique:
    """Print each verdict as it comes, and at the end what the last look changed."""
    from coach.critique.flow import Judged
    from coach.critique.report import CritiqueText, closing_as_text
    from coach.types import StepStarted

    text = CritiqueText()
    shown = {}
    for event in stream:
        match event:
            case StepStarted(name):
                say(f"{name} ...")
            case Judged(verdict):
                show(fitted(text.verdict(verdict)) + "\n")
                shown[verdict.criterion.id] = (verdict.level, verdict.override)
            case _:
                pass
    reading = stream.result()
    for verdict in reading.verdicts:
        if shown.get(verdict.criterion.id) != (verdict.level, verdict.override):
            show(fitted(text.verdict(verdict)) + "\n")
    show(fitted(closing_as_text(reading)))
    return reading


def _finished(stream: CritiqueStream) -> Critique:
    from coach.types import StepStarted

    for event in stream:
        if isinstance(event, StepStarted):
            say(f"{event.name} ...")
    return stream.result()


def _compared(coach: Coach, earlier: Critique | str, reading: Critique) -> Comparison:
    from coach.critique.compare import compare_drafts

    if isinstance(earlier, str):
        say("Now the earlier draft ...")
        earlier = _finished(
            coach.critique(earlier, reading.question, kind=reading.kind, rubric=reading.rubric)
        )
    if " ".join(earlier.question.split()) != " ".join(reading.question.split()):
        say(f"The earlier draft answers another question: {earlier.question}")
    elif earlier.kind != reading.kind:
        say(
            f"The earlier draft was read as a question of the kind {earlier.kind}: give --kind to read both alike."
        )
    return compare_drafts(earlier, reading)


def _print_rest(
    settings: Settings, reading: Critique, comparison: Comparison | None, *, as_json: bool, as_markdown: bool
) -> None:
    """The whole as JSON or Markdown; in words, what follows the verdicts that were printed one by one."""
    from coach.critique.report import comparison_as_text, critique_as_markdown
    from coach.json_form import comparison_to_json

    identity = _kept_as(settings, reading)
    if as_json:
        written = {**_as_json(reading), "kept_as": identity}
        if comparison is not None:
            written["comparison"] = comparison_to_json(comparison)
        show(json.dumps(written, ensure_ascii=False))
        return
    if as_markdown:
        show(critique_as_markdown(reading, comparison).rstrip("\n"))
        return
    if comparison is not None:
        show(fitted("\n" + comparison_as_text(comparison)))
    if identity is not None:
        say(
            f"Kept as {identity} on this machine; `coach overrule {identity} CRITERION LEVEL` corrects a verdict."
        )


def _as_json(reading: Critique) -> dict[str, Any]:
    from coach.json_form import critique_to_json

    return critique_to_json(reading)


def _kept_as(settings: Settings, reading: Critique) -> str | None:
    """The draft's id where it is kept; a file that fails has already said so in the critique's notices."""
    from coach.store.critiques import CritiqueStore, draft_id
    from coach.store.database import StoreError

    try:
        return draft_id(reading) if CritiqueStore(settings.home).holds(reading) else None
    except StoreError:
        return None


def _free_for_report(name: str | None) -> Path:
    """Where the report goes. Only a report that the coach wrote is ever replaced; raises UsageError for the rest."""
    from coach.critique.report import MARK

    path = Path(str(name)).expanduser().resolve()
    if path.is_dir():
        raise UsageError(f"{name} is a folder: name a file in it for the report and run again.")
    if not path.parent.is_dir():
        raise UsageError(f"The folder of {name} is not there: make it, or choose another, and run again.")
    if not path.exists():
        return path
    if not path.is_file():
        raise UsageError(f"{name} is no plain file: use `--markdown -` to print the report.")
    with path.open("rb") as file:
        if file.read(len(MARK)) != MARK.encode():
            raise UsageError(
                f"{name} is there already and is not a report of the coach: choose another name and run again."
            )
    return path


def _write_report(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a report, and a full disk leaves the earlier one."""
    replaced = path.exists()
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    say(f"{'Replaced the earlier report in' if replaced else 'Wrote the report to'} {path}.")


def _critique_batch(settings: Settings, path: str, *, kind: str | None, rubric: str | None) -> None:
    from coach.text.json_lines import numbered_records

    with opened(path) as lines:
        entries = list(numbered_records(lines, path, _batch_entry))
    coach = loaded(settings, keeps=False)
    for place, (number, entry) in enumerate(entries, 1):
        say(f"[{place}/{len(entries)}] {entry.get('id', '')} {entry['question'][:80]}")
        try:
            stream = coach.critique(
                entry["draft"], entry["question"], kind=entry.get("kind") or kind, rubric=rubric
            )
            written = _as_json(stream.result())
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
        show(json.dumps({"id": entry["id"], **written} if "id" in entry else written, ensure_ascii=False))


def _batch_entry(record: Record) -> Record:
    from coach.text.json_lines import BadLineError, text

    for name in ("question", "draft"):
        text(record, name, may_be_empty=True)
    if not isinstance(record.get("kind"), str | None):
        raise BadLineError("'kind' must be a text")
    return record


@click.command()
@click.argument("identity", metavar="ID")
@click.argument("criterion")
@click.argument("level", type=click.Choice(["met", "partly", "missing"]))
@click.option("--reason", default="", help="Why; needed unless you confirm the judge's level.")
def overrule(identity: str, criterion: str, level: str, reason: str) -> None:
    """Give CRITERION of the kept draft ID another LEVEL, or confirm the judge's.

    It stands beside the judge's verdict, comes back when the same draft is judged again, and counts in the
    agreement figures.
    """
    from coach.critique.report import CritiqueText
    from coach.settings import load_settings
    from coach.store.critiques import CritiqueStore

    settings = load_settings()
    store = CritiqueStore(settings.home)
    identity = store.full_id(identity)
    coach = loaded(settings)
    reading = coach.overrule(store.get(identity, coach.rubrics()), criterion, cast("Level", level), reason)
    verdict = next(one for one in reading.verdicts if one.criterion.id == criterion)
    show(fitted(CritiqueText().verdict(verdict)))


@click.group()
def drafts() -> None:
    """List, show, export or delete the drafts that are kept on this machine."""


@drafts.command("list")
def drafts_list() -> None:
    """Every kept draft, the latest first, and how often you agreed with the judge."""
    from coach.critique.report import NO_BAND
    from coach.settings import load_settings
    from coach.store.critiques import CritiqueStore

    store = CritiqueStore(load_settings().home)
    kept = store.list()
    for draft in kept:
        when = draft.kept_at.astimezone().strftime("%Y-%m-%d %H:%M")
        band = (draft.band or NO_BAND) if draft.finished else "not read to the end"
        show(f"{draft.id}  {when}  {band}, {counted(draft.words, 'word')}")
        show(f"    {draft.question[:90]}\n    | {draft.beginning}")
    if not kept:
        say('No drafts are kept: `coach critique FILE --question "..."` judges one.')
    agreement = store.agreement()
    if agreement.total:
        few = agreement.kappa is None or agreement.total < ENOUGH_FOR_KAPPA
        kappa = "" if few else f" (quadratic weighted kappa {agreement.kappa:.2f})"
        say(f"You agreed with the judge on {agreement.agreed} of {agreement.total} verdicts{kappa}.")


@drafts.command("show")
@click.argument("identity", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As the JSON that --compare takes.")
@click.option("--markdown", "as_markdown", is_flag=True, help="As Markdown.")
def drafts_show(identity: str, as_json: bool, as_markdown: bool) -> None:
    """Print the critique of the kept draft ID, and the draft; of one that was not read to the end the draft alone."""
    from coach.critique.report import critique_as_markdown, critique_as_text
    from coach.critique.rubric import bundled_rubrics
    from coach.settings import load_settings
    from coach.store.critiques import CritiqueStore

    store = CritiqueStore(load_settings().home)
    unread = None if as_json or as_markdown else store.unread(identity)
    if unread is not None:
        show(fitted(f"{unread.question}\n\n{unread.draft}"))
        say(
            "This draft was not read to the end: `coach critique FILE` judges it, or open the app and press Read it again."
        )
        return
    reading = store.get(identity, bundled_rubrics())
    if as_json:
        show(json.dumps(_as_json(reading), ensure_ascii=False))
    elif as_markdown:
        show(critique_as_markdown(reading).rstrip("\n"))
    else:
        show(fitted(f"{reading.question}\n\n{reading.draft}\n\n{critique_as_text(reading)}"))


@drafts.command("export")
def drafts_export() -> None:
    """Print every kept draft with its critique, one JSON object a line; without one where it was not read to the end."""
    from coach.settings import load_settings
    from coach.store.critiques import CritiqueStore

    store = CritiqueStore(load_settings().home)
    for draft in store.list():
        unread = store.unread(draft.id)
        content = _as_json(store.get(draft.id)) if unread is None else _unread_as_json(unread)
        written = {"id": draft.id, "kept_at": draft.kept_at.isoformat(), **content}
        show(json.dumps(written, ensure_ascii=False))


def _unread_as_json(unread: UnreadDraft) -> dict[str, str]:
    return {
        "rubric": unread.rubric,
        "question": unread.question,
        "kind": unread.kind,
        "draft": unread.draft,
    }


@drafts.command("delete")
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every kept draft.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting all.")
def drafts_delete(identities: tuple[str, ...], every: bool, yes: bool) -> None:
    """Delete kept drafts, read to the end or not, their critiques, what you said of the verdicts and the cases you made from
    them, for good."""
    from coach.settings import load_settings
    from coach.store.critiques import CritiqueStore

    if every == bool(identities):
        raise click.UsageError("Name the drafts to delete by ID, or give --all.")
    store = CritiqueStore(load_settings().home)
    if every:
        if not yes:
            click.confirm(
                f"Delete {counted(len(store.list()), 'draft')}, all there are?", abort=True, err=True
            )
        show(f"Deleted {counted(store.delete_all(), 'draft')}.")
        return
    for identity in [store.full_id(identity) for identity in identities]:
        store.delete(identity)
        show(f"Deleted {identity}.")
