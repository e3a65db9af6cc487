"""What a reader makes of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coach.types import Section


class UnreadableError(Exception):
    """Why a file is left out, in a few words for the report."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The text of a file with its sections, in order, and its title, empty where it names none."""

    text: str
    sections: tuple[Section, ...] = ()
    title: str = ""


Reader = Callable[[bytes], Contents]  # raises UnreadableError
