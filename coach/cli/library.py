"""`coach ingest`, `coach library` and `coach warm`: what the coach answers from, and getting ready for it."""

from __future__ import annotations

from collections.abc import Sequence
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
    from coach.types import Document


@click.command()
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--forget",
    multiple=True,
    type=click.Path(),
    help="Take a path given earlier out of the library, with every kept answer that quotes it.",
)
@click.option(
    "--as",
    "collection",
    help='What PATHS are, in your own words ("job description"): citations say so, and `coach ask --in` searches it alone.',
)
def ingest(paths: tuple[str, ...], forget: tuple[str, ...], collection: str | None) -> None:
    """Index the corpus, everything ingested before, and PATHS (documents and folders of them).

    It reads Markdown, text, HTML, PDF, Word (.docx), PowerPoint (.pptx), OpenDocument (.odt), RTF and EPUB.
    """
    if collection is not None and not paths:
        raise click.UsageError("--as names the PATHS that are given with it: give them too.")
    from coach.coach import ingest_library
    from coach.library import forget_quotes, sources_under
    from coach.settings import load_settings

    settings = load_settings()
    forgotten = sources_under(settings, map(Path, forget)) if forget else []
    bars = StepBars()
    try:
        report = ingest_library(
            settings,
            [Path(path) for path in paths],
            forget=[Path(p) for p in forget],
            collection=collection,
            progress=bars,
        )
    finally:
        bars.close()
    forget_quotes(settings, forgotten)
    for line in report.lines():
        show(line)


@click.group(invoke_without_command=True)
@click.pass_context
def library(context: click.Context) -> None:
    """List what the coach has read."""
    if context.invoked_subcommand is None:
        context.invoke(library_list)


@library.command("list")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line; docs/json.md names its fields."
)
def library_list(as_json: bool) -> None:
    """Every indexed document: its format, size, sentences, when it was read, and what of it could not be."""
    import json

    from coach.backends import load_index
    from coach.json_form import document_to_json
    from coach.settings import load_settings

    documents = load_index(load_settings()).documents()
    if as_json:
        for document in documents:
            show(json.dumps(document_to_json(document), ensure_ascii=False))
        return
    for line in _table(documents):
        show(line)


@library.command("show")
@click.argument("source", metavar="NAME")
def library_show(source: str) -> None:
    """Print the text of the document NAME, as `coach library list` names it, as it was read."""
    from coach.backends import load_index
    from coach.settings import load_settings

    show(load_index(load_settings()).document(source).text)


@library.command("delete")
@click.argument("source", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
def library_delete(source: str, yes: bool) -> None:
    """Take the document NAME out for good: index, the coach's copy, kept answers and traces that quote it.

    A file in a folder of yours stays where it is, and is not read again. Of a document whose file is gone already, the kept answers
    and traces go.
    """
    from coach.library import delete_document
    from coach.settings import load_settings

    coach = loaded(load_settings())
    if not yes:
        click.confirm(f"Delete {source} and every kept answer that quotes it?", abort=True, err=True)
    for line in delete_document(coach, source):
        show(line)


def _table(documents: Sequence[Document]) -> list[str]:
    """A row a document, its warnings below it."""
    rows = [("NAME", "KIND", "SIZE", "SENTENCES", "READ", "TITLE"), *map(_row, documents)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for row, document in zip(rows, [None, *documents], strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lines.append("  ".join([*cells, row[-1]]))
        lines += [f"  note: {warning}" for warning in (document.warnings if document else ())]
    return lines


def _row(document: Document) -> tuple[str, str, str, str, str, str]:
    size = document.size
    shown = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
    read = document.indexed_at[:16].replace("T", " ")
    return document.source, document.kind, shown, f"{document.statement_count:,}", read, document.title


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
