"""The few questions about the article that the experiments ask: taken from those that the coach is measured with, never from the
held-out ones."""

from __future__ import annotations

from pathlib import Path

from coach.evaluation.cases import Case, load_cases

FILE = Path(__file__).parent / "cases.jsonl"


def lab_cases(limit: int, *, answerable_only: bool = False) -> tuple[Case, ...]:
    """The first `limit` of them, in the order of the file."""
    return tuple(case for case in load_cases(FILE) if case.answerable or not answerable_only)[:limit]
