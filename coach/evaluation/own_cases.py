"""Run the user's own cases, apart from ours: is what went wrong once right by now?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from coach.errors import UsageError
from coach.evaluation.answers import measure_answers
from coach.evaluation.cases import Case, case_of
from coach.evaluation.critique import judge
from coach.evaluation.report import unscored_lines
from coach.evaluation.run import Row, Run
from coach.evaluation.suites import Progress, measured, run_of
from coach.store.cases import OWN, CaseStore, OwnCase, Suite
from coach.text.json_lines import BadLineError

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.settings import Settings

RIGHT = "right"  # the one measure of these cases: what should have happened did
UNSURE = "unsure"
SHOWN_CHARACTERS = 70  # of a question, in the table


def own_cases(settings: Settings, suite: Suite, *, required: bool = False) -> tuple[OwnCase, ...]:
    """The user's own cases of a suite, the oldest first.

    Raises StoreError where they cannot be read, and UsageError where they are `required` and there are none.
    """
    cases = CaseStore(settings.home).list(suite)
    if required and not cases:
        raise UsageError(
            "There are no cases of your own for this yet: press “Make it a case” on the page, or run `coach cases add --help`."
        )
    return cases


def run_own_cases(
    coach: Coach,
    suite: Suite,
    cases: Sequence[OwnCase],
    *,
    seed: int = 0,
    progress: Progress | None = None,
    earlier: Run | None = None,
    keep: Callable[[Run], None] | None = None,
) -> Run:
    """Run them through `coach`. Stopped with Ctrl-C it is what there is, marked incomplete; arguments as `run_answers`.

    The run holds no text of the user's: a case that is deleted leaves figures behind, and nothing else. Raises UsageError
    for an earlier run of other cases.
    """
    written = "\n".join(json.dumps(case.written, sort_keys=True) for case in cases)
    selection = {"cases": OWN, "cases_sha256": hashlib.sha256(written.encode()).hexdigest()[:16]}
    started = run_of(suite, coach, (), selection=selection, seed=seed, complete=False)
    rows = _answers if suite == "answers" else _verdicts

    def measure(known: Collection[str]) -> Iterator[Row]:
        return rows(coach, [case for case in cases if case.id not in known], progress)

    return measured(started, [case.id for case in cases], measure, earlier=earlier, keep=keep)


def own_table(run: Run, cases: Sequence[OwnCase]) -> str:
    """How many are right, then each case with what should have happened and what did."""
    rows = {row.id: row for row in run.scored}
    right = sum(int(hits) for hits, _ in run.pairs(RIGHT))
    lines = [
        f"Your own cases, in no other figure: {right} of {len(rows)} right ({run.suite}, {run.name}).",
        "",
        "| case | question | should be | came back | |",
        "|---|---|---|---|---|",
    ]
    for case in cases:
        if row := rows.get(case.id):
            verdict = "right" if row.measures[RIGHT][0] else "WRONG"
            cells = (case.id, case.written["question"], case.expected, row.outcome, verdict)
            lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join([*lines, *unscored_lines(run)])


def _cell(text: str) -> str:
    """A stranger's text on one line of a table."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 1]}…"


def _answers(coach: Coach, cases: Sequence[OwnCase], progress: Progress | None) -> Iterator[Row]:
    read = [_read(case) for case in cases]
    for case, row in zip(read, measure_answers(coach, read, progress=progress), strict=True):
        if row.unscored:
            yield row
            continue
        right = row.measures["correct" if case.answerable else "refusal_recall"]
        yield replace(row, measures={RIGHT: right, **row.measures}, text="", model_sentences=())


def _read(case: OwnCase) -> Case:
    try:
        return case_of(case.written)
    except BadLineError as error:
        raise UsageError(
            f"Your case {case.id} is damaged: {error}; run `coach cases delete {case.id}`."
        ) from error


def _verdicts(coach: Coach, cases: Sequence[OwnCase], progress: Progress | None) -> Iterator[Row]:
    """Each draft is judged once, however many of its verdicts are cases."""
    drafts: dict[tuple[str, ...], list[OwnCase]] = {}
    for case in cases:
        key = tuple(case.written[name] for name in ("draft", "question", "kind", "rubric"))
        drafts.setdefault(key, []).append(case)
    for number, (key, of_draft) in enumerate(drafts.items(), 1):
        judged = judge(coach, *key)
        levels = {one.criterion.id: one for one in judged.critique.verdicts} if judged.critique else {}
        for case in of_draft:
            ((criterion, level),) = case.written["labels"].items()
            row = Row(case.id, criterion, OWN)
            verdict = levels.get(criterion)
            if verdict is None:
                why = judged.failure or judged.refusal or f"The rubric no longer asks for `{criterion}`."
                yield replace(row, unscored=why)
            elif verdict.level is None and verdict.probability is None:
                yield replace(row, unscored=verdict.unscored)
            else:
                outcome = f"{criterion}: {verdict.level or UNSURE}"
                measures = {RIGHT: (float(verdict.level == level), 1.0)}
                yield replace(row, outcome=outcome, measures=measures)
        if progress is not None:
            progress("critique", number, len(drafts))
