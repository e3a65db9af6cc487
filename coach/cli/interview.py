"""`coach interview`: rehearse a loop in the terminal. Imports are lazy, as in `cli`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from coach.cli.terminal import (
    backend_option,
    chosen_to_delete,
    fitted,
    loaded,
    opened,
    say,
    say_what_leaves,
    show,
)
from coach.errors import CoachError, UsageError
from coach.text.counted import counted

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.interviews import Interviews
    from coach.jobs.interviews import InterviewJobs
    from coach.practice.interview import Interview, Recommendation

PAUSE = "---"  # a line of its own between two replies of a script
END = "/end"  # typed in place of a reply
LOOK_SECONDS = 0.1


@click.group(invoke_without_command=True)
@click.option(
    "--level",
    type=click.Choice(["senior", "principal"]),
    default="senior",
    show_default=True,
    help="How hard the questions are.",
)
@click.option(
    "--round",
    "chosen",
    multiple=True,
    metavar="ROUND",
    help="A round to play; may be given again. All unless given.",
)
@click.option("--questions", type=int, default=1, show_default=True, help="Questions a round.")
@click.option("--five-minutes", is_flag=True, help="One question, five minutes.")
@click.option("--from-documents", is_flag=True, help="A last round of questions out of your own documents.")
@click.option("--script", metavar="FILE", help=f"Replies to play through, a line `{PAUSE}` between two.")
@click.option("--seed", type=int, hidden=True)
@backend_option("Who judges: BACKENDS (only what needs no model).")
@click.option("--model", help="Model name for Ollama or the server.")
@click.pass_context
def interview(
    context: click.Context,
    level: str,
    chosen: tuple[str, ...],
    questions: int,
    five_minutes: bool,
    from_documents: bool,
    script: str | None,
    seed: int | None,
    backend: str | None,
    model: str | None,
) -> None:
    """Rehearse an interview: you are asked, probed where an answer is thin, and told afterwards what the committee would say.

    Type a reply and end it with an empty line; /end ends the interview. It can be stopped at any time: `coach interview go-on` takes it up.
    """
    if context.invoked_subcommand is not None:
        return
    coach, jobs = _desk(backend, model)
    begun = jobs.interviews.begin(
        level,  # type: ignore[arg-type]
        rubric=coach.rubrics()[0].name,
        chosen=chosen,
        questions=questions,
        five_minutes=five_minutes,
        from_documents=from_documents,
        seed=seed,
    )
    say(
        f"{counted(len(begun.asked), 'question')}, about {begun.minutes:g} minutes. Stop at any time: `coach interview go-on {begun.id}`."
    )
    _play(coach, jobs, begun, script)


@interview.command("go-on")
@click.argument("identity", metavar="[ID]", required=False)
@click.option("--script", metavar="FILE", help=f"Replies to play through, a line `{PAUSE}` between two.")
@backend_option("Who judges: BACKENDS (only what needs no model).")
@click.option("--model", help="Model name for Ollama or the server.")
def interview_go_on(identity: str | None, script: str | None, backend: str | None, model: str | None) -> None:
    """Take up the interview ID where it was left, the latest that has not ended unless given."""
    interviews = _interviews()
    found = interviews.find(identity) if identity else interviews.unfinished()
    if found is None:
        raise UsageError("No interview was left open: begin one with `coach interview`.")
    coach, jobs = _desk(backend, model)
    shown: set[tuple[str, int]] = set()
    _show_new(found, shown, own=True)
    _play(coach, jobs, found, script, shown)


@interview.command("list")
def interview_list() -> None:
    """Every interview, the latest first."""
    found = _interviews().list()
    for one in found:
        state = "ended" if one.ended_at else f"at question {sum(each.ended for each in one.asked) + 1}"
        show(
            f"{one.id}  {one.made_at[:16].replace('T', ' ')}  {one.candidate}, {counted(len(one.asked), 'question')}, {state}"
        )
    if not found:
        say("No interviews are kept: begin one with `coach interview`.")


@interview.command("debrief")
@click.argument("identity", metavar="ID")
@click.option("--html", metavar="FILE", help="Write it as a page that can be printed.")
@click.option("--markdown", metavar="FILE", help="Write it as Markdown; `-` prints it.")
@backend_option("Who judges what was not read yet: BACKENDS.")
@click.option("--model", help="Model name for Ollama or the server.")
def interview_debrief(
    identity: str, html: str | None, markdown: str | None, backend: str | None, model: str | None
) -> None:
    """Show what the committee says of the interview ID."""
    found = _interviews().find(identity)
    if not found.ended_at:
        raise UsageError(f"The interview has not ended: go on with `coach interview go-on {found.id}`.")
    coach, jobs = _desk(backend, model)
    _debrief(coach, jobs, found, {"html": html, "markdown": markdown})


@interview.command("delete")
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Delete every interview.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def interview_delete(identities: tuple[str, ...], every: bool, yes: bool) -> None:
    """Delete interviews; the drafts that were made of their answers stay (`coach drafts`)."""
    interviews = _interviews()
    wanted = chosen_to_delete(
        "interviews",
        identities,
        every=every,
        yes=yes,
        whole_id=lambda beginning: interviews.find(beginning).id,
        all_ids=lambda: [one.id for one in interviews.list()],
    )
    for identity in wanted:
        interviews.delete(identity)
    show(f"Deleted: {len(wanted)}.")


def _interviews() -> Interviews:
    from coach.interviews import Interviews
    from coach.settings import load_settings

    return Interviews(load_settings().home)


def _desk(backend: str | None, model: str | None) -> tuple[Coach, InterviewJobs]:
    from coach.interviews import Interviews
    from coach.jobs.interviews import InterviewJobs
    from coach.jobs.turns import ModelTurns
    from coach.settings import load_settings

    settings = load_settings(backend=backend, model=model)
    coach = loaded(settings)
    return coach, InterviewJobs(Interviews(settings.home), ModelTurns(), lambda: coach)


def _play(
    coach: Coach,
    jobs: InterviewJobs,
    found: Interview,
    script: str | None,
    shown: set[tuple[str, int]] | None = None,
) -> None:
    replies = _replies(script)
    shown = set() if shown is None else shown
    while not (found := _settled(jobs, found)).ended_at:
        _show_new(found, shown)
        reply = next(replies, END)
        if reply.strip() == END:
            found = jobs.leave(found.id)
            break
        say_what_leaves(coach, reply)
        try:
            jobs.say(found.id, reply)
        except UsageError as error:
            say(str(error))
    _show_new(found, shown)
    _debrief(coach, jobs, found, {}, rate=script is None and sys.stdin.isatty())


def _settled(jobs: InterviewJobs, found: Interview) -> Interview:
    """The interview once the interviewer has spoken. Raises CoachError where that cannot be."""
    jobs.go_on(found.id)
    while True:
        found = jobs.interviews.get(found.id)
        if trouble := jobs.trouble(found.id):
            raise CoachError(trouble)
        if not found.waits_for_reaction:
            return found
        time.sleep(LOOK_SECONDS)


def _show_new(found: Interview, shown: set[tuple[str, int]], *, own: bool = False) -> None:
    """Print what the interviewer said since, with `own` also what the candidate said, and how the time stands."""
    for asked in found.asked:
        for place, line in enumerate(asked.lines):
            if (asked.question.id, place) not in shown:
                shown.add((asked.question.id, place))
                if line.by == "candidate" and own:
                    show(fitted(f"You: {line.text}\n"))
                elif line.by == "interviewer":
                    show(fitted(f"Interviewer: {line.text}\n"))
                    if line.kind == "question" and asked.question.origin:
                        say(f"({asked.question.origin}.)")
    if found.current is not None and not found.ended_at:
        used = found.minutes_used()
        say(f"[{_title(found.current.question.round)}; {used:.0f} of about {found.minutes:.0f} minutes used]")


def _replies(script: str | None) -> Iterator[str]:
    if script is not None:
        with opened(script) as lines:
            yield from (part.strip() for part in _parts(lines) if part.strip())
        return
    while True:
        said: list[str] = []
        for line in sys.stdin:
            if not line.strip() and said:
                break
            said += [line.rstrip("\n")] if line.strip() else []
            if said == [END]:
                break
        if not said:
            return
        yield "\n".join(said)


def _parts(lines: Any) -> Iterator[str]:
    part: list[str] = []
    for line in lines:
        if line.strip() == PAUSE:
            yield "".join(part)
            part = []
        else:
            part.append(line)
    yield "".join(part)


def _debrief(
    coach: Coach, jobs: InterviewJobs, found: Interview, files: dict[str, str | None], *, rate: bool = False
) -> None:
    from coach.practice.debrief_text import debrief_as_html, debrief_as_markdown
    from coach.practice.plan import round_titles

    if rate and (missing := [name for name in found.rounds if name not in found.own]):
        found = jobs.interviews.rate(found.id, dict(_own_ratings(missing)))
    jobs.go_on(found.id)
    said = 0
    while jobs.is_at_work(found.id):
        now = jobs.interviews.get(found.id)
        done, whole = sum(one.is_judged for one in now.asked), len(now.asked)
        if done >= said and done < whole:
            say(f"The committee reads answer {done + 1} of {whole} ...")
            said = done + 1
        time.sleep(LOOK_SECONDS)
    if trouble := jobs.trouble(found.id):
        raise CoachError(trouble)
    found = jobs.interviews.get(found.id)
    titles = round_titles()
    made = coach.debrief(found)
    for file, write in ((files.get("markdown"), debrief_as_markdown), (files.get("html"), debrief_as_html)):
        if file == "-":
            show(write(made, found, titles))
        elif file is not None:
            _write(file, write(made, found, titles))
    if not any(files.values()):
        show(fitted(debrief_as_markdown(made, found, titles).partition("\n## What was said")[0]))
        say(f"With all that was said: `coach interview debrief {found.id} --markdown FILE` or --html FILE.")


def _own_ratings(names: list[str]) -> Iterator[tuple[str, Recommendation]]:
    say("Before you see the debrief: what would you say of yourself?")
    for name in names:
        answer: Any = click.prompt(
            _title(name),
            type=click.Choice(["strong yes", "yes", "not yet", "skip"]),
            default="skip",
            err=True,
        )
        if answer != "skip":
            yield name, answer


def _title(name: str) -> str:
    from coach.practice.plan import round_titles

    return round_titles().get(name, name)


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): name another file.") from error
    say(f"Written: {file}")
