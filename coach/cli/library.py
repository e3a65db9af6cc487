"""`coach ingest` and `coach warm`: what the coach answers from, and getting ready for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coach.cli.terminal import (
    StepBars,
    loaded,
    say,
    show,
)

if TYPE_CHECKING:
    pass


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--forget", multiple=True, type=click.Path(), help="Take a path given earlier out of the library."
)
@click.option(
    "--as",
    "collection",
    help='What PATHS are, in your own words ("job description"): citations say so, and `coach ask --in` searches it alone.',
)
def ingest(paths: tuple[str, ...], forget: tuple[str, ...], collection: str | None) -> None:
    """Index the corpus, everything ingested before, and PATHS (Markdown and text files, folders)."""
    if collection is not None and not paths:
        raise click.UsageError("--as names the PATHS that are given with it: give them too.")
    from coach.coach import ingest_library
    from coach.settings import load_settings

    bars = StepBars()
    report = ingest_library(
        load_settings(),
        [Path(path) for path in paths],
        forget=[Path(p) for p in forget],
        collection=collection,
        progress=bars,
    )
    bars.close()
    for line in report.lines():
        show(line)


@click.command()
def warm() -> None:
    """Prepare the built-in model for the corpus, so that its first word comes fast."""
    from coach.settings import load_settings

    coach = loaded(load_settings())
    bars = StepBars()
    coach.warm(bars)
    bars.close()
    say(f"Ready: {coach.backend_reason}")
    coach.close()
