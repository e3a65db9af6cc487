"""The commands about where you stand: `coach progress`, `practice`, `stories`, `export`, `import`. Imports are lazy, as in `cli`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from coach.cli.terminal import chosen_to_delete, fitted, loaded, opened, say, show
from coach.errors import UsageError
from coach.text.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coach.coach import Coach
    from coach.practice.readiness import Readiness
    from coach.practice.schedule import Due, Queue
    from coach.standing import ExportForm
    from coach.store.stories import StoryStore
    from coach.types import Story

FORMS = ("md", "json", "csv", "apkg")
SHOWN_DUE, SHOWN_LATER = 8, 5  # unless --all
NOTHING_JUDGED = 'No draft has been judged yet: `coach critique FILE --question "..."` judges one.'


def _coach() -> Coach:
    from coach.settings import load_settings

    return loaded(load_settings(backend="none"))  # nothing here asks a chat model


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="A JSON object for each criterion and round, one a line."
)
@click.option("--markdown", "as_markdown", is_flag=True, help="As a Markdown table.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write it to FILE as CSV; `-` prints it.")
def progress(as_json: bool, as_markdown: bool, csv_file: str | None) -> None:
    """Where you stand: each criterion in each round, from every draft that is kept, with how sure that is.

    A criterion met partly counts half. Below three tries nothing is graded; behind each figure stands between what the
    true share most likely lies (90 %).
    """
    from coach.practice.export import readiness_as_csv, readiness_as_json, readiness_as_markdown

    if as_json + as_markdown + (csv_file is not None) > 1:
        raise click.UsageError("Only one form at a time: give --json, --markdown or --csv.")
    found = _coach().readiness()
    if as_json:
        for row in readiness_as_json(found):
            show(json.dumps(row, ensure_ascii=False))
    elif as_markdown:
        show(readiness_as_markdown(found))
    elif csv_file == "-":
        show(readiness_as_csv(found).rstrip())
    elif csv_file is not None:
        _write(Path(csv_file), readiness_as_csv(found).encode("utf-8-sig"))
    else:
        for line in _progress_lines(found):
            show(fitted(line))


def _progress_lines(found: Readiness) -> Sequence[str]:
    from coach.practice.tries import round_label
    from coach.practice.words import ago, made_from, standing_words, trend_words

    if not found.drafts:
        return [NOTHING_JUDGED]
    lines = [
        f"{made_from(found)} Between what the true share most likely lies stands behind each figure; below three tries nothing is graded.",
        "",
    ]
    for row in (row for row in found.rows if row.tried):
        newest = row.whole.newest
        age = f" (last tried {ago(newest, found.now)})" if newest else ""
        lines.append(f"{row.criterion.name}{age}")
        lines += [
            f"    {round_label(name)}: {standing_words(row.rounds[name])}"
            for name in found.rounds
            if name in row.rounds and row.rounds[name].newest
        ]
        lines += [f"    {trend_words(row.trend)}"] if row.trend else []
    untried = [row.criterion.name for row in found.rows if not row.tried]
    lines += [f"Not tried yet: {'; '.join(untried)}."] if untried else []
    overruled = len(found.overruled)
    lines += [f"You overruled {counted(overruled, 'verdict')}."] if overruled else []
    return lines


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--all", "every", is_flag=True, help="All that is due and all that comes later.")
def practice(as_json: bool, every: bool) -> None:
    """What to practise next, and why: first what five minutes are enough for, then what else is due, and what comes later.

    It is worked out from the verdicts on your drafts: what was missed comes back soon, what was met later each time.
    """
    from coach.practice.export import queue_as_json

    queue = _coach().practice_queue()
    if as_json:
        show(json.dumps(queue_as_json(queue), ensure_ascii=False))
        return
    for line in _queue_lines(queue, every=every):
        show(fitted(line))


def _queue_lines(queue: Queue, *, every: bool) -> Sequence[str]:
    from coach.practice.schedule import coming_back
    from coach.practice.words import days

    lines = []
    if queue.sitting:
        first = queue.sitting[0]
        lines += ["Five minutes:", *_due_lines(first)]
        others = [one.name for one in queue.sitting[1:]]
        lines += [f"    It exercises too: {_few(others)}"] if others else []
    rest = [one for one in queue.due if one not in queue.sitting[:1]]
    back = coming_back(queue)
    lines += [back] if back else []
    shown = rest if every else [one for one in rest if not one.new][:SHOWN_DUE]
    lines += ["Also due:"] if shown else []
    lines += [line for one in shown for line in _due_lines(one)]
    new = sum(one.new for one in rest)
    more = len(rest) - len(shown)
    untried = f", {new} of them never tried" if new else ""
    lines += [f"And {more} more{untried} (--all lists them)."] if more else []
    if queue.later:
        lines.append("Later:")
        later = queue.later if every else queue.later[:SHOWN_LATER]
        lines += [f"  {days([one.due], queue.now)}: {one.name} ({one.why})" for one in later]
        further = len(queue.later) - len(later)
        lines += [f"  and {further} more (--all lists them)."] if further else []
    return lines or ["Nothing is due."]


def _due_lines(one: Due) -> Sequence[str]:
    question = (
        f"    Practise it with: {one.question.text}" if one.question and one.what == "criterion" else ""
    )
    if one.question is None:
        question = f"    Practise it with any {one.kind} question: no question at hand exercises it."
    mind = f"    Answer this in it: {one.bear_in_mind}" if one.bear_in_mind else ""
    return [f"  {one.name} ({one.why})", *filter(None, [question, mind])]


def _few(names: Sequence[str], most: int = 3) -> str:
    more = len(names) - most
    return "; ".join(names[:most]) + (f"; and {more} more" if more > 0 else "")


@click.group(invoke_without_command=True)
@click.pass_context
def stories(context: click.Context) -> None:
    """Your own experiences, kept on this machine: a draft's figures are looked up in them, and a question finds those that
    answer it."""
    if context.invoked_subcommand is None:
        context.invoke(stories_list)


@stories.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def stories_list(as_json: bool) -> None:
    """Every story, the one changed last first."""
    from dataclasses import asdict

    kept = _stories().list()
    for story in kept:
        if as_json:
            show(json.dumps(asdict(story), ensure_ascii=False))
        else:
            show(fitted(_story_text(story)))
    if not kept:
        say(
            'There are no stories yet: `coach stories add --title "..." --action "..." --result "..."` keeps one.'
        )


def _part_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, what in (
        ("result", "What came of it, with its figures."),
        ("action", "What you did yourself."),
        ("situation", "Where it was, and what was at stake."),
        ("title", "What the story shows, in a few words."),
    ):
        command = click.option(f"--{name}", help=what)(command)
    return command


@stories.command("add")
@_part_options
def stories_add(**parts: str | None) -> None:
    """Keep a story: a title, and what happened."""
    show(fitted(_story_text(_stories().add(_given(parts)))))


@stories.command("edit")
@click.argument("identity", metavar="ID")
@_part_options
def stories_edit(identity: str, **parts: str | None) -> None:
    """Write parts of the story ID anew; the others stay."""
    if not _given(parts):
        raise click.UsageError("Say what to write anew: --title, --situation, --action or --result.")
    show(fitted(_story_text(_stories().edit(identity, _given(parts)))))


@stories.command("delete")
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every story.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting all.")
def stories_delete(identities: tuple[str, ...], every: bool, yes: bool) -> None:
    """Delete stories for good."""
    store = _stories()
    wanted = chosen_to_delete(
        "stories",
        identities,
        every=every,
        yes=yes,
        whole_id=lambda beginning: store.get(beginning).id,
        all_ids=lambda: [one.id for one in store.list()],
    )
    for identity in wanted:
        store.delete(identity)
    show(f"Deleted {len(wanted)}.")


@stories.command("match")
@click.argument("question")
def stories_match(question: str) -> None:
    """The stories that answer QUESTION best, at most three; where none clearly does, the nearest one."""
    from coach.practice.words import NO_STORY_SURE

    if not _stories().list():
        say('There are no stories yet: `coach stories add --title "..." --action "..."` keeps one.')
        return
    if not question.strip():
        raise click.UsageError(
            'There is no question yet: `coach stories match "Tell me about a time you failed."`'
        )
    found = _coach().matching_stories(question)
    if not found[0].sure:
        say(NO_STORY_SURE)
    for match in found:
        show(fitted(_story_text(match.story)))


def _story_text(story: Story) -> str:
    parts = (story.situation, story.action, story.result)
    return "\n    ".join([f"{story.id}  {story.title}", *(" ".join(part.split()) for part in parts if part)])


def _given(parts: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in parts.items() if text is not None}


def _stories() -> StoryStore:
    from coach.settings import load_settings
    from coach.store.stories import StoryStore

    return StoryStore(load_settings().home)


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace FILE where it is there already.")
def export_command(file: Path, replace: bool) -> None:
    """Write your progress, cards, stories and drafts with their verdicts to FILE, by its ending: .md to read, .json to bring back
    with `coach import`, .csv with a row for each verdict, .apkg with the cards for Anki."""
    form = file.suffix.lower().lstrip(".")
    if form not in FORMS:
        raise UsageError(f"{file} ends in none of .{', .'.join(FORMS)}: name the file so, then run again.")
    _write(file, _coach().export_progress(cast("ExportForm", form)), replace=replace)


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False))
def import_command(file: str) -> None:
    """Bring back the drafts, verdicts and stories that `coach export FILE.json` wrote; `-` reads standard input.

    What is kept here stays, unless the file has it from a later day.
    """
    from coach.settings import load_settings
    from coach.standing import bring_back, brought_words

    with opened(file) as stream:
        show(brought_words(*bring_back(load_settings().home, stream.read())))


def _write(file: Path, content: bytes, *, replace: bool = False) -> None:
    """Whole or not at all."""
    file = file.expanduser()
    if file.exists() and not replace:
        raise UsageError(f"{file} is there already: choose another name and run again.")
    if not file.resolve().parent.is_dir():
        raise UsageError(f"The folder of {file} is not there: make it, or choose another, and run again.")
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        part.touch(mode=0o600)  # drafts, salaries, names: for the user's own eyes
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    say(f"Wrote {file}.")
