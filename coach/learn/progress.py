"""How far somebody is on the learning path: lines that they ticked off, drills that they have said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coach.learn.path import Line

DONE = "done"  # what is kept of a line that was ticked off; of a drill its last outcome is


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one line: whether it was ticked off, and how many of its drills were last answered with what the article says."""

    done: bool
    said: int
    drills: int

    @property
    def in_words(self) -> str:
        """`done, 2 of 3 drills said`."""
        return f"{'done' if self.done else 'not done'}, {self.said} of {self.drills} drills said"


def progress_of(line: Line, kept: Mapping[str, str]) -> Progress:
    """The progress on a line, by what is kept: the outcome of each line and drill by its name."""
    said = sum(kept.get(drill.name) == "says" for drill in line.drills)
    return Progress(kept.get(line.name) == DONE, said, len(line.drills))


def summary(lines: tuple[Line, ...], kept: Mapping[str, str]) -> str:
    """The progress on all lines in one sentence."""
    each = [progress_of(one, kept) for one in lines]
    return (
        f"{sum(one.done for one in each)} of {len(each)} lines done, {sum(one.said for one in each)} of "
        f"{sum(one.drills for one in each)} drills said."
    )
