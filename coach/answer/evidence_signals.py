"""Gather the signals by which the sentences found are judged, before a chat model is asked.

Likeness of the best sentence, how well each word of the question is covered by the tokens found (late interaction: Khattab &
Zaharia 2020, arXiv:2004.12832), names and kinds of thing that are not there, and, where a document comes with written questions,
likeness to those it answers and to those it leaves open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from coach.answer.answer_type import TypeMatch, match_type
from coach.answer.coefficients import coefficients
from coach.answer.late_interaction import Coverage, cover
from coach.protocols import Embedder
from coach.text.words import content_words
from coach.types import Extract, Passage, Statement

LONGEST = 600  # characters read of one sentence: a table row may have thousands

# A capitalised word inside a sentence, acronyms aside ("Lisbon", "OpenAI"), or a year.
_NAME = re.compile(r"(?<=[^.!?:\s] )[A-Z][a-z][\w&.-]*\b|\b(?:19|20)\d\d\b")


class Gathered(NamedTuple):
    """What the sentences found are judged by: the `nearest`, the signals that need no chat model (`asked` and `unanswered` only
    where questions are written down), and what is `missing`, in words for the reader, empty where that cannot be told."""

    nearest: tuple[Statement, ...]
    signals: Mapping[str, float]
    missing: str


def gather(
    question: str,
    passages: Sequence[Passage],
    found: Extract,
    embedder: Embedder,
    is_known: Callable[[str], bool] = lambda word: False,
) -> Gathered:
    """Look at what was `found` for the question in `passages`, neither of them empty."""
    nearest = tuple(map(_shortened, found.nearest))
    covered = cover(question, [one.in_context for one in nearest], embedder).together()
    kind = _kind(question, passages, nearest)
    names = unknown_names(question, passages)
    signals = {
        "best_sentence": found.likeness,
        "covered": float(covered.mean()[0]),
        "worst_covered": float(covered.worst()[0]),
        "topic_words": float(len(covered.heavy)),
        "names_missing": float(min(2, len(names))),
        "typed": float(bool(kind.label)),
        "kind_missing": float(kind.missing),
        "condition_unmet": float(bool(kind.condition)),
        **_written_signals(passages, found.nearest[0]),
    }
    return Gathered(nearest, signals, _missing(kind, covered, names, is_known))


def _shortened(statement: Statement) -> Statement:
    text = statement.text
    return statement if len(text) <= LONGEST else replace(statement, text=f"{text[:LONGEST].rstrip()}…")


def _kind(question: str, passages: Sequence[Passage], nearest: Sequence[Statement]) -> TypeMatch:
    """Whether the sentences hold the kind of thing that is asked for: an amount, a date, a name."""
    others = [statement for place, passage in enumerate(passages) for statement in passage.statements(place)]
    return match_type(question, nearest, others)


def _missing(
    kind: TypeMatch, covered: Coverage, names: Sequence[str], is_known: Callable[[str], bool]
) -> str:
    if kind.missing or kind.condition:
        return f"{kind.label} for “{kind.condition}”" if kind.condition else kind.label
    uncovered = covered.uncovered(coefficients()["uncovered_below"], is_known)
    return uncovered or " and ".join(f"“{name}”" for name in names if not is_known(name))


def unknown_names(question: str, passages: Sequence[Passage]) -> list[str]:
    """Names and years of the question that none of the passages holds."""
    known = {
        word
        for passage in passages
        for word in content_words(" ".join([*passage.chunk.headings, passage.chunk.text]))
    }
    names = [name for name in _NAME.findall(question) if content_words(name)]
    return [name for name in names if not set(content_words(name)) <= known]


def _written_signals(passages: Sequence[Passage], best: Statement) -> dict[str, float]:
    """How near the question is to those written down for the document that the best sentence stands in: to one that is
    answered there and to one that is left open. Empty where none are written down."""
    source = best.source
    own = [passage for passage in passages if passage.source == source and passage.asked_scores]
    if not own:
        return {}
    return {"asked": max(max(p.asked_scores) for p in own), "unanswered": own[0].unanswered_score}
