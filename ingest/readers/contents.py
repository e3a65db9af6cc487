"""What a reader makes of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coach.types import Section

ENCRYPTED = "encrypted; save it without a password, then run `coach ingest` again"


class UnreadableError(Exception):
    """Why a file is left out, in a few words for the report, with the way out where there is one."""


class StoppedError(UnreadableError):
    """The parser broke or ran over its limits, which a calmer machine may not do again."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The text of a file with its sections, in order, and its title, empty where it names none.

    `pages` are the places in the text where each page begins, empty for a format without pages; `warnings` say in plain words
    what of the file could not be read.
    """

    text: str
    sections: tuple[Section, ...] = ()
    title: str = ""
    pages: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()


Reader = Callable[[bytes], Contents]  # raises UnreadableError
