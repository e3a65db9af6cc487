"""The article's preparation checklist as a path: for each line its passages, experiments, drills and practice questions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from coach.errors import UsageError
from coach.settings import corpus_folder
from coach.types import Span

FILE = "learning_path.toml"  # in the corpus


@dataclass(frozen=True, slots=True)
class Practice:
    """A question an interviewer could ask, of a kind of the bundled rubric."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Drill:
    """A short question, the sentence of the article that answers it, and the stretches of that sentence that it asks for."""

    name: str
    question: str
    sentence: Span
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the checklist: where it stands, and what belongs to it. `name` is what its progress is kept under."""

    number: int
    name: str
    words: Span
    passages: tuple[Span, ...]
    experiments: tuple[str, ...]
    drills: tuple[Drill, ...]
    practice: tuple[Practice, ...]

    @property
    def title(self) -> str:
        """What stands before the colon: the line in a few words."""
        return self.words.text.partition(":")[0]


@cache
def learning_path() -> tuple[Line, ...]:
    """The lines in the order of the article. Raises ValueError for words that it does not hold."""
    written = tomllib.loads((corpus_folder() / FILE).read_text(encoding="utf-8"))
    source = written["source"]
    article = (corpus_folder() / source).read_text(encoding="utf-8")  # line ends become "\n", as in the index

    def span(words: str) -> Span:
        start = article.index(words)
        return Span(source, start, start + len(words), words)

    return tuple(
        Line(
            number,
            one["name"],
            span(one["words"]),
            tuple(map(span, one["passages"])),
            tuple(one["experiments"]),
            tuple(_drill(one["name"], drill, span(drill["sentence"])) for drill in one["drill"]),
            tuple(Practice(practice["text"], practice["kind"]) for practice in one["practice"]),
        )
        for number, one in enumerate(written["line"], 1)
    )


def line(number: int) -> Line:
    """The line of this number, from 1. Raises UsageError for another."""
    lines = learning_path()
    if not 1 <= number <= len(lines):
        raise UsageError(f"The checklist has no line {number}: name one of 1 to {len(lines)}.")
    return lines[number - 1]


def _drill(of: str, written: Mapping[str, Any], sentence: Span) -> Drill:
    for point in written["points"]:
        if point not in sentence.text:
            raise ValueError(f"The sentence of “{written['question']}” does not hold “{point}”.")
    return Drill(f"{of}/{written['question']}", written["question"], sentence, tuple(written["points"]))
