"""Read the drafts with labels, the attacks on the judge, and the source's own BAD and GOOD answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from coach.errors import UsageError
from coach.evaluation.cases import CaseSplit
from coach.text.json_lines import BadLineError, Record, one_of, read_records, require_fields, text
from coach.types import Criterion, Level, Rubric, Span

Quality = Literal["weak", "middle", "strong"]

QUALITIES: tuple[Quality, ...] = get_args(Quality)  # from worst to best
LEVELS: tuple[Level, ...] = get_args(Level)  # the same
_DRAFT_FIELDS = (
    "id", "question_id", "kind", "question", "quality", "split", "draft", "labels", "anti_patterns",
)  # fmt: skip
# The article prints its BAD answer and the GOOD one beside it: a few characters of list mark-up lie between.
PAIR_GAP = 20
ARTICLE_QUESTION = "How would you build this Generative AI feature and bring it to its users?"


@dataclass(frozen=True, slots=True)
class DraftCase:
    """One draft of ours, and what people labelled it: a level for every criterion of its kind.

    Drafts with the same `question_id` answer the same question, and are in the same `split`.
    """

    id: str
    question_id: str
    kind: str
    question: str
    quality: Quality
    split: CaseSplit
    draft: str
    labels: Mapping[str, Level]
    anti_patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArticlePair:
    """A BAD answer of the source and the GOOD one it prints beside it."""

    id: str
    kind: str
    bad: Span
    good: Span
    criteria: tuple[str, ...]


def load_drafts(path: Path, rubric: Rubric) -> tuple[DraftCase, ...]:
    """Every labelled draft of the file, in order.

    Raises UsageError naming file and line: for a malformed one, and for labels that are not the criteria `rubric`
    asks for in that kind of question.
    """
    drafts = tuple(read_records(path, lambda record: _draft(record, rubric)))
    if not drafts:
        raise UsageError(f"{path} holds no drafts; add one JSON object a line and run again.")
    _refuse_twins(path, [draft.id for draft in drafts])
    for draft in drafts:
        first = next(other for other in drafts if other.question_id == draft.question_id)
        if (draft.question, draft.kind, draft.split) != (first.question, first.kind, first.split):
            raise UsageError(
                f"{path}: {draft.id} and {first.id} share a question_id, but not question, kind and split; "
                "correct one of them and run again."
            )
    return drafts


def article_pairs(rubric: Rubric) -> tuple[ArticlePair, ...]:
    """The BAD and GOOD answers that stand side by side in the rubric's source, in its order.

    Each is judged as the kind of question that asks most for the criteria it shows.
    """
    bads = {e.span: None for c in rubric.criteria for e in c.examples if e.quality == "bad"}
    goods = {e.span: None for c in rubric.criteria for e in c.examples if e.quality == "good"}
    pairs: list[ArticlePair] = []
    for bad in sorted(bads, key=lambda span: (span.source, span.start)):
        beside = [
            good for good in goods if good.source == bad.source and 0 <= good.start - bad.end <= PAIR_GAP
        ]
        if beside:
            good = min(beside, key=lambda span: span.start)
            shown = [c for c in rubric.criteria if any(example.span in (bad, good) for example in c.examples)]
            pairs.append(
                ArticlePair(
                    f"article-{len(pairs) + 1}",
                    _asking_most(rubric, shown),
                    bad,
                    good,
                    tuple(c.id for c in shown),
                )
            )
    return tuple(pairs)


def _asking_most(rubric: Rubric, criteria: Sequence[Criterion]) -> str:
    return max(rubric.kinds, key=lambda kind: sum(criterion.weights.get(kind, 0.0) for criterion in criteria))


def _draft(record: Record, rubric: Rubric) -> DraftCase:
    require_fields(record, _DRAFT_FIELDS)
    kind = one_of(record, "kind", tuple(rubric.kinds))
    return DraftCase(
        id=text(record, "id"),
        question_id=text(record, "question_id"),
        kind=kind,
        question=text(record, "question"),
        quality=one_of(record, "quality", QUALITIES),
        split=one_of(record, "split", get_args(CaseSplit)),
        draft=text(record, "draft"),
        labels=_labels(record, [criterion.id for criterion in rubric.for_kind(kind)]),
        anti_patterns=_anti_patterns(record, rubric),
    )


def _labels(record: Record, asked: Sequence[str]) -> Mapping[str, Level]:
    labels = record["labels"]
    if not isinstance(labels, dict):
        raise BadLineError("'labels' must be an object with a level for every criterion")
    for name in asked:
        if name not in labels:
            raise BadLineError(f"'labels' has no level for {name!r}, which this kind of question asks for")
    for name in labels:
        if name not in asked:
            raise BadLineError(f"'labels' has {name!r}, which this kind of question does not ask for")
        one_of(labels, name, LEVELS)
    return {name: labels[name] for name in asked}


def _anti_patterns(record: Record, rubric: Rubric) -> tuple[str, ...]:
    named = record["anti_patterns"]
    known = [pattern.id for pattern in rubric.anti_patterns]
    if not isinstance(named, list):
        raise BadLineError("'anti_patterns' must be a list")
    for name in named:
        if name not in known:
            raise BadLineError(f"'anti_patterns' has {name!r}, not one of {', '.join(known)}")
    return tuple(named)


def _refuse_twins(path: Path, ids: Sequence[str]) -> None:
    for identity in ids:
        if ids.count(identity) > 1:
            raise UsageError(f"{path}: the id {identity!r} is used twice; give one of them another.")
