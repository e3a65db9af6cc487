"""Save all pictures of an experiment as one file, made on this machine: no address is ever asked for anything."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any, Literal

from coach.lab.experiment import Experiment, Outcome, Value
from coach.lab.pictures.picture import Picture

Form = Literal["png", "svg"]
FORMS: tuple[Form, ...] = ("png", "svg")
WIDTH = 640  # of a chart, in pixels before they are scaled: text keeps the size it has on the page
LINE = 100  # characters of text that fit above such a chart
SCALE = 2.0  # of a PNG, for screens with small pixels and for slides


def pictures_of(
    experiment: Experiment, outcome: Outcome, controls: Mapping[str, Value]
) -> tuple[Picture, ...]:
    """Every picture of the experiment, as its controls stand, in reading order."""
    # Altair fails on a pandas that another thread is in the middle of importing: this waits for it.
    importlib.import_module("pandas")
    module: Any = importlib.import_module(f"coach.lab.pictures.{experiment.name.replace('-', '_')}")
    made: tuple[Picture, ...] = module.pictures(outcome, controls)
    return made


def saved(experiment: Experiment, outcome: Outcome, controls: Mapping[str, Value], form: Form) -> bytes:
    """The file: title, controls, every picture with its key, and where its figures come from."""
    import vl_convert

    whole = _whole(experiment, outcome, controls).to_dict()
    if form == "svg":
        drawn: str = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
        return drawn.encode()
    png: bytes = vl_convert.vegalite_to_png(whole, scale=SCALE, allowed_base_urls=[])
    return png


def _whole(experiment: Experiment, outcome: Outcome, controls: Mapping[str, Value]) -> Any:
    import altair

    charts = [
        one.chart.properties(width=WIDTH, title=_title(one))
        for one in pictures_of(experiment, outcome, controls)
    ]
    said = [f"{control.label}: {controls[control.name]}" for control in experiment.controls]
    below = [outcome.measured, *(f"Estimated, not measured: {name}." for name in outcome.estimated)]
    title = altair.TitleParams(
        text=experiment.title,
        subtitle=_in_lines((*said, *below)),
        fontSize=18,
        anchor="start",
        offset=16,
    )
    return (
        altair.vconcat(*charts, spacing=28, title=title)
        .resolve_scale(color="independent", shape="independent", size="independent", opacity="independent")
        .configure(background="white", padding=20)
        .configure_title(anchor="start", frame="group")
    )


def _title(picture: Picture) -> Any:
    """The picture's title with its key below; the key alone where there is no title, for a line below none is not drawn."""
    import altair

    key = _in_lines(picture.key)
    if picture.title:
        return altair.TitleParams(text=wrap(picture.title, LINE), subtitle=key)
    return altair.TitleParams(text=key, fontWeight="normal", fontSize=11)


def _in_lines(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in wrap(text, LINE)]
