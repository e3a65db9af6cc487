"""Measure the interviewer on labelled answers: does its follow-up aim at what is thin, quote exactly, give nothing away, and come soon."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from coach.errors import CoachError
from coach.evaluation.cases import CaseSplit
from coach.evaluation.intervals import share, timing
from coach.evaluation.report import NOTHING, SPLITS, unscored_lines
from coach.evaluation.run import Row, Run
from coach.evaluation.selection import bench_folder
from coach.evaluation.suites import Progress, measured, run_of, warmed
from coach.practice.conduct import react
from coach.practice.interview import Asked, Interview, ask_next, hear
from coach.practice.probe import leaked_words
from coach.practice.reply_kind import ReplyKind, reply_kind
from coach.text.json_lines import BadLineError, Record, one_of, read_records, require_fields, text
from coach.types import Criterion, InterviewQuestion, Level

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.settings import Settings

ANSWERS, REPLIES = "answers.jsonl", "replies.jsonl"
KINDS: tuple[ReplyKind, ...] = get_args(ReplyKind)
TARGET, PROBED, QUOTES, LEAKS, KIND = "target", "probed", "quotes", "leaks", "kind "
FOLLOW_UP = "follow_up"
_LABELS = {
    TARGET: "Follow-up aimed at the weightiest thin criterion (nothing asked where all is met)",
    PROBED: "Of them, of the follow-ups that were put",
    QUOTES: "Quoted exactly",
    LEAKS: "Gave a word of the rubric's answer away",
    **{KIND + kind: f"Told apart: {kind.replace('_', ' ')}" for kind in KINDS},
}
_ALWAYS = "2026-01-01T00:00:00+00:00"  # no minute passes in a measurement: time ends no question


@dataclass(frozen=True, slots=True)
class AnswerCase:
    """An answer to a question, and what people say of each criterion that the question exercises."""

    id: str
    split: CaseSplit
    question: str
    kind: str
    answer: str
    labels: Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class ReplyCase:
    """Something a candidate said to a question, and what kind of reply people say it is."""

    id: str
    split: CaseSplit
    question: str
    reply: str
    kind: ReplyKind


def run_interview(
    settings: Settings,
    *,
    split: str = "all",
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    coach: Coach | None = None,
    earlier: Run | None = None,
    keep: Callable[[Run], None] | None = None,
) -> Run:
    """React to every labelled answer and reply, `limit` of each at most; else as `run_answers`."""
    folder = bench_folder() / "interview"
    answers = _chosen(load_answers(folder / ANSWERS), split, limit)
    replies = _chosen(load_replies(folder / REPLIES), split, limit)
    coach = coach or warmed(settings, progress)
    written = b"".join((folder / name).read_bytes() for name in (ANSWERS, REPLIES))
    selection = {"cases_sha256": hashlib.sha256(written).hexdigest()[:16], "split": split, "limit": limit}
    started = run_of("interview", coach, (), selection=selection, seed=seed, complete=False)

    def measure(known: Collection[str]) -> Iterator[Row]:
        for case in replies:
            if case.id not in known:
                yield _reply_row(coach, case)
        waiting = [case for case in answers if case.id not in known]
        for number, case in enumerate(waiting, 1):
            yield _answer_row(coach, case)
            if progress is not None:
                progress("interview", number, len(waiting))

    return measured(started, [one.id for one in (*answers, *replies)], measure, earlier=earlier, keep=keep)


def interview_table(run: Run) -> str:
    """Every figure, the splits apart, and the answers whose follow-up went astray."""
    splits = [split for split in SPLITS if any(row.split == split for row in run.rows)]
    lines = [
        f"| {run.name} | {' | '.join(SPLITS[one] for one in splits)} |",
        "|---" * (len(splits) + 1) + "|",
    ]
    for name, label in _LABELS.items():
        cells = [_share_cell(run, name, split) for split in splits]
        if any(cell != NOTHING for cell in cells):
            lines.append(f"| {label} | {' | '.join(cells)} |")
    lines.append(
        f"| From reply to follow-up, median / p95 | {' | '.join(_time_cell(run, one) for one in splits)} |"
    )
    astray = [row for row in run.scored if row.measures.get(TARGET) == (0.0, 1.0)]
    lines += ["", *(f"{row.id} ({SPLITS[row.split]}): {row.text}" for row in astray)]
    return "\n".join([*lines, *unscored_lines(run)])


def load_answers(path: Path) -> tuple[AnswerCase, ...]:
    """The labelled answers. Raises UsageError naming file and line."""
    return tuple(read_records(path, _answer_case))


def load_replies(path: Path) -> tuple[ReplyCase, ...]:
    """The labelled replies. Raises UsageError naming file and line."""
    return tuple(read_records(path, _reply_case))


def is_right_target(target: str | None, labels: Mapping[str, Level], weights: Mapping[str, float]) -> bool:
    """Whether the follow-up aims at something thin than which nothing thin weighs more; where all is met, whether none was put."""
    thin = {name for name, level in labels.items() if level != "met"}
    if target is None or not thin:
        return target is None and not thin
    return target in thin and weights[target] == max(weights[name] for name in thin)


def _answer_row(coach: Coach, case: AnswerCase) -> Row:
    interviewer = replace(coach.interviewer(), now=lambda: _ALWAYS)
    question = InterviewQuestion(case.id, case.question, case.kind, case.kind, 2, tuple(case.labels))
    interview = ask_next(
        Interview(case.id, _ALWAYS, "senior", interviewer.rubric.name, (Asked(question, 60.0),)), _ALWAYS
    )
    interview = hear(interview, case.answer, _ALWAYS)
    began = time.perf_counter()
    try:
        asked = react(interview, interviewer).asked[0]
    except CoachError as error:
        return Row(case.id, case.kind, case.split, unscored=str(error))
    waited = (time.perf_counter() - began) * 1000
    heard_as = next(line.kind for line in asked.lines if line.by == "candidate")
    probe = asked.probes[-1] if asked.probes else None
    criteria = {one.id: one for one in interviewer.rubric.criteria}
    weights = {name: criteria[name].weights[case.kind] for name in case.labels}
    is_right = heard_as == "answer" and is_right_target(
        probe.criterion if probe else None, case.labels, weights
    )
    measures = {TARGET: (float(is_right), 1.0)}
    if probe is not None:
        measures[PROBED] = (float(is_right), 1.0)
        measures[QUOTES] = (
            float(bool(probe.quote) and probe.quote in case.answer and probe.quote in probe.text),
            1.0,
        )
        measures[LEAKS] = (float(_leaks(probe.text, probe.quote, criteria[probe.criterion], case)), 1.0)
    return Row(
        case.id,
        case.kind,
        case.split,
        outcome=probe.criterion if probe else heard_as,
        measures=measures,
        milliseconds={FOLLOW_UP: round(waited, 1)},
        signals={
            one.criterion: round(one.probability, 4) for one in asked.marks if one.probability is not None
        },
        text=f"asked about {probe.criterion if probe else 'nothing'}; thin by label: {_thin(case, weights)}",
    )


def _reply_row(coach: Coach, case: ReplyCase) -> Row:
    found = reply_kind(case.reply, [case.question], coach.embedder, coach.chosen_model().model)
    return Row(
        case.id,
        case.kind,
        case.split,
        outcome=found,
        measures={KIND + case.kind: (float(found == case.kind), 1.0)},
        text="" if found == case.kind else f"{case.kind} taken for {found}",
    )


def _leaks(said: str, quote: str, criterion: Criterion, case: AnswerCase) -> bool:
    return bool(leaked_words(said, quote, criterion, [case.question, case.answer]))


def _thin(case: AnswerCase, weights: Mapping[str, float]) -> str:
    thin = sorted(
        (name for name, level in case.labels.items() if level != "met"), key=lambda name: -weights[name]
    )
    return ", ".join(f"{name} {weights[name]:g} {case.labels[name]}" for name in thin) or "nothing"


def _share_cell(run: Run, name: str, split: str) -> str:
    pairs = run.pairs(name, split)
    if not pairs:
        return NOTHING
    figure = share(pairs, seed=run.seed)
    return f"{figure.value:.3f} [{figure.low:.2f}, {figure.high:.2f}] ({figure.hits:g}/{figure.out_of:g})"


def _time_cell(run: Run, split: str) -> str:
    times = run.times(FOLLOW_UP, split)
    if not times:
        return NOTHING
    figure = timing(times, seed=run.seed)
    return f"{figure.median / 1000:.1f} s / {figure.p95 / 1000:.1f} s"


def _chosen(cases: Sequence, split: str, limit: int | None) -> list:  # type: ignore[type-arg]
    return [case for case in cases if split in ("all", case.split)][:limit]


def _answer_case(record: Record) -> AnswerCase:
    require_fields(record, ("id", "split", "question", "kind", "criteria", "answer", "labels"))
    labels = record["labels"]
    if not isinstance(labels, Mapping) or set(labels) != set(record["criteria"]):
        raise BadLineError("labels are not those of its criteria")
    return AnswerCase(
        text(record, "id"),
        one_of(record, "split", get_args(CaseSplit)),
        text(record, "question"),
        text(record, "kind"),
        text(record, "answer"),
        {name: one_of(labels, name, get_args(Level)) for name in labels},
    )


def _reply_case(record: Record) -> ReplyCase:
    require_fields(record, ("id", "split", "question", "reply", "kind"))
    return ReplyCase(
        text(record, "id"),
        one_of(record, "split", get_args(CaseSplit)),
        text(record, "question"),
        text(record, "reply"),
        one_of(record, "kind", KINDS),
    )
