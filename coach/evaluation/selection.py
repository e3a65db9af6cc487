"""Choose the cases of a run: a split, the small fast subset, or the first few."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from coach.errors import UsageError
from coach.evaluation.cases import Case, CaseKind, load_cases
from coach.settings import corpus_folder

FAST = {"answerable": 20, "unanswerable": 10, "follow_up": 4, "odd": 3, "small_talk": 3}


def bench_folder() -> Path:
    """The cases and the committed figures: beside the packages in a checkout.

    Raises UsageError in an installation without them.
    """
    folder = corpus_folder().parent / "bench"
    if not (folder / "README.md").is_file():  # an installation holds the cases of the answers alone
        raise UsageError(
            "The benchmark cases are not part of this installation: run `coach eval` in a checkout, or give your own with `--cases FILE`."
        )
    return folder


def bundled_cases(split: str, *kinds: CaseKind) -> tuple[Case, ...]:
    """The cases of these kinds on the bundled article, of one split or of "all"; they come with an installation too."""
    cases = load_cases(corpus_folder().parent / "bench" / "answers" / "cases.jsonl")
    return choose_cases([case for case in cases if case.kind in kinds], split=split)


def choose_cases(
    cases: Sequence[Case], *, split: str = "all", subset: str | None = None, limit: int | None = None
) -> tuple[Case, ...]:
    """The cases asked for, in the order of the file. `split` is "fit", "held_out" or "all".

    The subset "fast" takes so many of each kind as FAST says, drawn by the hash of the id from the fit
    split alone: it is looked at with every change, which would wear the held-out third out. Raises
    UsageError where nothing is left.
    """
    chosen = [case for case in cases if split in ("all", case.split)]
    if subset == "fast":
        fast = {case.id for case in _fast([case for case in cases if case.split == "fit"])}
        chosen = [case for case in chosen if case.id in fast]
    chosen = chosen[:limit]
    if not chosen:
        raise UsageError(
            "No case is left to run: leave out `--limit`, or take `--split all` with `--subset fast`."
        )
    return tuple(chosen)


def _fast(cases: Sequence[Case]) -> list[Case]:
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: hashlib.sha256(f"fast:{case.id}".encode()).digest()):
        by_kind[case.kind].append(case)
    return [case for kind, count in FAST.items() for case in by_kind[kind][:count]]
