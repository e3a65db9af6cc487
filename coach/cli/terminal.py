"""What every command needs of the terminal: results on standard output, progress on standard error, files."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from coach.cli.progress import SECONDS_BETWEEN_DRAWINGS, SECONDS_BETWEEN_LINES
from coach.errors import UsageError
from coach.pace import Pace

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

OK, FAILED, USAGE, STOPPED = 0, 1, 2, 130


class _BackendOption(click.Option):
    """`--backend`, whose help names the backends that there are; they are looked up when somebody reads it."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from coach.backends.chat import BACKENDS

        *names, last = BACKENDS
        record = super().get_help_record(ctx)
        return record and (record[0], record[1].replace("BACKENDS", f"{', '.join(names)} or {last}"))


def backend_option(what: str) -> Callable[[Command], Command]:
    """The option `--backend`; in `what` it does, BACKENDS stands for their names."""
    return click.option("--backend", cls=_BackendOption, help=what)


def loaded(settings: Settings, *, keeps: bool = True) -> Coach:
    """The coach; without `keeps` it keeps nothing. Raises BackendError where a backend was named and is not there, and what `Coach.load` raises."""
    from coach.coach import Coach

    coach = Coach.load(settings, keeps=keeps)
    if settings.backend not in ("auto", "none"):
        coach.chat_model()  # named on purpose: a silent stand-in would be a lie
    elif settings.backend == "auto" and settings.model:
        coach.chosen_model()  # a model was named: what there is to know of it comes before its first word
    for note in filter(None, (coach.leaves, coach.caution)):
        say(f"Note: {note}")
    return coach


def say_what_leaves(coach: Coach, *texts: str) -> None:
    """Print, before it is sent, what a chat model on another machine will be shown of texts with personal data in them."""
    for outgoing in filter(None, map(coach.outgoing, texts)):
        say(f"This is what leaves this machine:\n{outgoing.text}\n")


def opened(path: str) -> TextIO:
    """The text file, or standard input for `-`. Raises UsageError for one that cannot be read."""
    if path == "-":
        return sys.stdin
    try:
        return Path(path).open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): check the name and run again."
        ) from error


def limited(stream: TextIO) -> str:
    """The beginning of the stream, as far as anybody would want it read."""
    return stream.read(1_000_000)  # far more than a question may have; the rest is never held in memory


class StepBars:
    """A progress callback (step, done, total): one line a step on standard error with its pace and the time left, redrawn in
    place on a terminal and written now and then elsewhere, once the step takes a second."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._pace = Pace()
        self._step = ""
        self._wait_until = 0.0
        self._drawn = False

    def __call__(self, step: str, done: int, total: int) -> None:
        if total <= 0:
            return
        now = time.monotonic()
        if step != self._step:
            self.close()
            self._step, self._wait_until = step, now + 1.0
        line = self._pace(step, done, total)
        if now >= self._wait_until or (self._drawn and done >= total):
            self._draw(line)
            self._wait_until = now + (
                SECONDS_BETWEEN_DRAWINGS if self._stream.isatty() else SECONDS_BETWEEN_LINES
            )

    def _draw(self, line: str) -> None:
        self._stream.write(f"\r\x1b[K{line}" if self._stream.isatty() else f"{line}\n")
        self._stream.flush()
        self._drawn = True

    def close(self) -> None:
        """End the last line; a step of the same name begins one of its own."""
        if self._drawn and self._stream.isatty():
            self._stream.write("\n")
        self._step, self._drawn = "", False


def chosen_to_delete(
    what: str,
    identities: Sequence[str],
    *,
    every: bool,
    yes: bool,
    whole_id: Callable[[str], str],
    all_ids: Callable[[], Sequence[str]],
) -> list[str]:
    """The ids to delete: those named by their beginning, or with `every` all, after asking unless `yes`.

    Raises click.UsageError for both or neither, and click.Abort where a person says no.
    """
    if every == bool(identities):
        raise click.UsageError(f"Name the {what} to delete by ID, or give --all.")
    if not every:
        return [whole_id(identity) for identity in identities]
    wanted = list(all_ids())
    if not yes:
        click.confirm(f"Delete all {len(wanted)} {what}?", abort=True, err=True)
    return wanted


def show(text: str) -> None:
    """Print a result, at once also where the output is a pipe."""
    click.echo(text.encode("utf-8", "replace").decode("utf-8"))
    sys.stdout.flush()


def fitted(text: str) -> str:
    """`text` broken at the terminal's width, each line keeping its indent; as it is where the output is a pipe."""
    if not sys.stdout.isatty():
        return text
    width = max(40, min(shutil.get_terminal_size().columns, 100))
    return "\n".join(_fitted_line(line, width) for line in text.split("\n"))


def _fitted_line(line: str, width: int) -> str:
    indent = line[: len(line) - len(line.lstrip(" |+-"))]
    wrapped = textwrap.wrap(
        line,
        width,
        drop_whitespace=True,
        subsequent_indent=indent.replace("+", " ").replace("-", " "),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(wrapped)


def say(text: str) -> None:
    """Print progress or a note."""
    click.echo(text, err=True)
