"""One picture of an experiment: a chart, and the words that belong to it wherever it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Picture:
    """`chart` is an Altair chart that takes the width it is given; `title` says what is to be seen. `key` are lines without which a
    saved picture cannot be read; the page says them beside it, in its own way."""

    chart: Any
    title: str = ""
    key: tuple[str, ...] = ()
