"""`coach learn`: the article's preparation checklist as a path. Imports are lazy, as in `cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coach.cli.terminal import backend_option, fitted, loaded, say, show
from coach.errors import UsageError

if TYPE_CHECKING:
    from coach.learn.path import Drill, Line
    from coach.settings import Settings
    from coach.types import Span


@click.command()
@click.argument("number", metavar="[N]", type=int, required=False)
@click.option("--drill", "drilled", is_flag=True, help="Answer the line's drills, one after another.")
@click.option("--done/--not-done", "done", default=None, help="Tick the line off, or take that back.")
@backend_option("Who looks at an answer to a drill besides the coach's own reader: BACKENDS.")
def learn(number: int | None, drilled: bool, done: bool | None, backend: str | None) -> None:
    """The article's preparation checklist as a path: its lines with your progress, or line N opened.

    A line has its passages of the article, the lab's experiments, drills, and questions to practise with `coach critique`.
    """
    from coach.learn.path import line
    from coach.settings import load_settings

    settings = load_settings(backend=backend)
    if number is None:
        if drilled or done is not None:
            raise UsageError("Say which line of the checklist: `coach learn` lists them by number.")
        _list(settings)
        return
    chosen = line(number)
    if done is not None:
        _tick(settings, chosen, done)
    if drilled:
        _drill(settings, chosen)
    elif done is None:
        _open(settings, chosen)


def _list(settings: Settings) -> None:
    from coach.learn.path import learning_path
    from coach.learn.progress import progress_of, summary
    from coach.store.learning import LearningStore

    kept = LearningStore(settings.home).all()
    for one in learning_path():
        progress = progress_of(one, kept)
        show(fitted(f"{one.number}. [{'x' if progress.done else ' '}] {one.words.text}"))
        show(f"       {progress.said} of {progress.drills} drills said")
    show(summary(learning_path(), kept))
    say("`coach learn N` opens a line.")


def _tick(settings: Settings, chosen: Line, done: bool) -> None:
    from coach.learn.progress import DONE
    from coach.store.learning import LearningStore

    if not done:
        LearningStore(settings.home).forget(chosen.name)
        show(f"Line {chosen.number} is not done.")
    elif _keeps(settings):
        LearningStore(settings.home).keep(chosen.name, DONE)
        show(f"Line {chosen.number} is done.")


def _open(settings: Settings, chosen: Line) -> None:
    from coach.lab.catalogue import experiment
    from coach.learn.progress import progress_of
    from coach.store.learning import LearningStore

    kept = LearningStore(settings.home).all()
    show(fitted(f"{chosen.number}. {chosen.words.text}"))
    show(f"({_place(chosen.words)}) {progress_of(chosen, kept).in_words}")
    show("\nIn the article")
    for passage in chosen.passages:
        show(fitted(f"  {passage.text}"))
        show(f"  ({_place(passage)})")
    show("\nExperiments")
    for name in chosen.experiments:
        show(f"  {experiment(name).title}: coach lab {name}")
    show(f"\nDrills: coach learn {chosen.number} --drill")
    for drill in chosen.drills:
        show(fitted(f"  [{'x' if kept.get(drill.name) == 'says' else ' '}] {drill.question}"))
    show("\nTo practise")
    for practice in chosen.practice:
        show(fitted(f"  {practice.text}"))
        show(f'  coach critique DRAFT --kind {practice.kind} --question "..."')


def _drill(settings: Settings, chosen: Line) -> None:
    """Each drill that was not said yet; all of them where every one was."""
    from coach.store.learning import LearningStore

    keeps = _keeps(settings)
    store = LearningStore(settings.home)
    kept = store.all()
    asked = [drill for drill in chosen.drills if kept.get(drill.name) != "says"] or list(chosen.drills)
    coach = loaded(settings, keeps=False)
    say("Type a sentence or two; an empty line goes on to the next question.")
    for place, drill in enumerate(asked, 1):
        show(fitted(f"\n{place} of {len(asked)}: {drill.question}"))
        typed = click.prompt("Your answer", default="", show_default=False, err=True)
        if typed.strip():
            outcome = _checked(coach, typed, drill)
            if outcome and keeps:
                store.keep(drill.name, outcome)
        show(fitted(f"The article: “{drill.sentence.text}”"))
        show(f"({_place(drill.sentence)})")


def _checked(coach: object, typed: str, drill: Drill) -> str:
    """Print what became of the answer; its outcome, empty where it could not be checked."""
    from coach.learn.check import check_with

    try:
        found = check_with(coach, typed, drill)  # type: ignore[arg-type]
    except UsageError as error:
        say(str(error))
        return ""
    show(fitted(found.in_words))
    return found.outcome


def _keeps(settings: Settings) -> bool:
    """Whether progress may be kept; says so where not."""
    if settings.history == "nothing":
        say("Nothing is kept: the setting `history` is `nothing`.")
    return settings.history != "nothing"


def _place(span: Span) -> str:
    return f"{span.source}:{span.start}-{span.end}"
