"""What each step of an answer is an instance of, with the article's own words on it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from coach.settings import corpus_folder
from coach.types import Span


@dataclass(frozen=True, slots=True)
class Concept:
    """A name, one plain sentence of explanation, and where the article speaks of it."""

    name: str
    explanation: str
    span: Span


@cache
def concepts() -> Mapping[str, Concept]:
    """The concept of each step of `coach.answer.path`, by the step's name."""
    written = tomllib.loads((corpus_folder() / "concepts.toml").read_text(encoding="utf-8"))
    source = written.pop("source")
    article = (corpus_folder() / source).read_text(encoding="utf-8")  # line ends become "\n", as in the index
    return {
        step: Concept(one["name"], one["explanation"], _span(source, article, one["words"]))
        for step, one in written.items()
    }


def _span(source: str, article: str, words: str) -> Span:
    start = article.index(words)
    return Span(source, start, start + len(words), words)
