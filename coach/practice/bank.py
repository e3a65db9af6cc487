"""Read the question bank: a TOML file for each round, every question tied to the article's exact words and to criteria of the rubric."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from coach.critique.rubric import bundled_rubrics, choose_kind
from coach.errors import CoachError
from coach.settings import corpus_folder
from coach.types import InterviewQuestion, Rubric, Span

FOLDER = "interview"
# The order of a real loop, as the article gives it.
ORDER = (
    "recruiter_screen",
    "hiring_manager_screen",
    "product_strategy",
    "product_design",
    "technical_depth",
    "execution",
    "leadership",
)


class BankError(CoachError):
    """A file of the question bank is malformed."""


@dataclass(frozen=True, slots=True)
class Round:
    """A round of the loop: its name, what a reader calls it, the minutes a question of it usually takes, and its questions."""

    name: str
    title: str
    minutes: float
    questions: tuple[InterviewQuestion, ...]


@cache
def rounds() -> tuple[Round, ...]:
    """The rounds that come with the coach, in the order of a loop. Raises BankError for a malformed file."""
    rubric = bundled_rubrics()[0]
    found = [read_round(path, rubric) for path in sorted((corpus_folder() / FOLDER).glob("*.toml"))]
    ids = [question.id for one in found for question in one.questions]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise BankError(f"The question `{twice}` is in the bank twice: give one of them another `id`.")
    return tuple(sorted(found, key=lambda one: ORDER.index(one.name)))


def find_question(text: str) -> InterviewQuestion | None:
    """The question of the bank that reads so, whatever its white space."""
    return _by_text().get(" ".join(text.split()))


@cache
def _by_text() -> Mapping[str, InterviewQuestion]:
    return {" ".join(one.text.split()): one for of_round in rounds() for one in of_round.questions}


def likely_kind(question: str, rubric: Rubric) -> str:
    """The kind of a question of the bank, of any other the one that its words speak for."""
    found = find_question(question)
    return found.kind if found is not None and found.kind in rubric.kinds else choose_kind(question, rubric)


def exercised(question: str, kind: str, rubric: Rubric) -> frozenset[str] | None:
    """The ids of the criteria that a question of the bank exercises; None for any other question, kind or rubric: then all of the kind."""
    found = find_question(question)
    is_the_banks = rubric.name == bundled_rubrics()[0].name
    return frozenset(found.criteria) if found is not None and found.kind == kind and is_the_banks else None


def read_round(path: Path, rubric: Rubric) -> Round:
    """The round in one file. Raises BankError, naming file and question, for the first thing that is wrong."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        article = (corpus_folder() / written["source"]).read_text(encoding="utf-8")
        name, title, minutes = written["round"], written["title"], float(written["minutes"])
        asked = written["question"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BankError(f"{path} cannot be read ({error}): correct it and run again.") from error
    if name not in ORDER:
        raise BankError(f"{path} names no round of the loop: write one of {', '.join(ORDER)}.")
    questions = tuple(_question(path, one, name, written["source"], article, rubric) for one in asked)
    return Round(name, title, minutes, questions)


def _question(
    path: Path, written: Mapping[str, Any], of_round: str, source: str, article: str, rubric: Rubric
) -> InterviewQuestion:
    name = written.get("id", "without id")
    try:
        kind, because = written["kind"], written["because"]
        known = {criterion.id for criterion in rubric.for_kind(kind)}
        unknown = [one for one in written["criteria"] if one not in known]
        calls_for = written.get("calls_for", ())
        beside = [one for one in calls_for if one not in written["criteria"]]
        start = article.find(because)
        wrong = (
            f"the criterion `{unknown[0]}` does not count for the kind {kind}"
            if unknown
            else f"it calls for `{beside[0]}`, which is not among its criteria"
            if beside
            else "its `because` does not stand in the article"
            if start < 0 or not because
            else ""
        )
        if not wrong:
            return InterviewQuestion(
                name,
                written["text"],
                kind,
                of_round,
                int(written["difficulty"]),
                tuple(written["criteria"]),
                Span(source, start, start + len(because), because),
                calls_for=tuple(calls_for),
            )
    except (LookupError, TypeError, ValueError) as error:
        wrong = f"{error} is missing or no value"
    raise BankError(f"{path}, question {name}: {wrong}; correct it and run again.")
