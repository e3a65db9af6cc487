"""`coach lab`: run an experiment on the coach itself. Imports are lazy, as in `cli`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coach.cli.terminal import loaded, say, show
from coach.errors import UsageError

if TYPE_CHECKING:
    from coach.lab.pictures.save import Form

_FORMS: Mapping[str, Form] = {".png": "png", ".svg": "svg"}


@click.command()
@click.argument("name", required=False)
@click.option(
    "--set", "given", multiple=True, metavar="CONTROL=VALUE", help="Change a control; may be given again."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV.")
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save its pictures too: a name that ends in .png or .svg.",
)
def lab(name: str | None, given: tuple[str, ...], as_json: bool, as_csv: bool, picture: Path | None) -> None:
    """Run the experiment NAME with its controls; without a NAME list them."""
    from coach.lab.catalogue import EXPERIMENTS, experiment
    from coach.lab.experiment import rows_as_csv
    from coach.settings import load_settings

    if name is None:
        for one in EXPERIMENTS:
            show(f"{one.name}: {one.title}\n    {one.explanation}")
            for control in one.controls:
                show(f"    {control.name} = {control.default}  {control.label}")
        return
    chosen = experiment(name)
    values = chosen.values(dict(map(_pair, given)))
    form = _form(picture) if picture is not None else "png"
    outcome = chosen.run(loaded(load_settings(), keeps=False), values, _tell)
    if picture is not None:
        from coach.lab.pictures.save import saved

        picture.write_bytes(saved(chosen, outcome, values, form))
        say(f"The pictures are in {picture}.")
    if as_json:
        written = {
            "experiment": name,
            "controls": values,
            "rows": list(outcome.rows),
            "findings": list(outcome.findings),
            "measured": outcome.measured,
            "estimated": list(outcome.estimated),
        }
        show(json.dumps(written, ensure_ascii=False, default=float))
        return
    if as_csv:
        show(rows_as_csv(outcome.rows).rstrip())
        return
    show(f"{chosen.title}\n{chosen.explanation}\n")
    for row in outcome.rows:
        show(
            "  ".join(
                f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in row.items()
            )
        )
    show("\n" + "\n".join(outcome.findings))
    say(outcome.measured)


def _form(picture: Path) -> Form:
    """What the name of the file asks for, known before the experiment runs."""
    form: Form | None = _FORMS.get(picture.suffix.lower())
    if form is not None:
        return form
    raise UsageError(f"`{picture.name}` says no kind of picture: end the name in .png or .svg.")


def _pair(written: str) -> tuple[str, str]:
    name, between, value = written.partition("=")
    if not between:
        raise UsageError(f"`{written}` sets nothing: write --set CONTROL=VALUE.")
    return name.strip(), value.strip()


def _tell(doing: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{doing} {done}/{total} ")
        sys.stderr.flush()
