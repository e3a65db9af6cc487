"""Compare what happened live with a baseline run, and say plainly whether something moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coach.evaluation.intervals import independent_difference, median_ratio
from coach.evaluation.run import Run
from coach.store.traces import StoredTrace

ENOUGH = 30  # answers on either side; below that an interval is wider than anything one would act on
CONFIDENCE = 0.99  # four looks at once: with 99% each, fewer than one run in twenty cries wolf


@dataclass(frozen=True, slots=True)
class Observed:
    """One answer, seen from outside: was it refused, how much was left out, how near the best passage was, how fast."""

    refused: bool
    claims: int
    left_out: int
    best_cosine: float
    first_citation: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One thing looked at: `moved` with the sentence that says how, or why it cannot be told."""

    name: str
    moved: bool
    sentence: str


def observed_in_run(run: Run) -> list[Observed]:
    """The answers of a run; small talk, which searches nothing, is left out."""
    return [
        Observed(
            bool(row.signals["refused"]),
            int(row.signals["claims"]),
            int(row.signals["left_out"]),
            row.signals["best_cosine"],
            row.milliseconds.get("first_citation"),
        )
        for row in run.scored
        if row.signals
    ]


def observed_live(traces: Sequence[StoredTrace]) -> list[Observed]:
    """The same of live traces."""
    return [_observed(trace) for trace in traces if trace.passages]


def of_one_model(traces: Sequence[StoredTrace], run: Run) -> tuple[list[StoredTrace], Counter[str]]:
    """The traces that can be compared with `run`, and how many others each other voice left.

    An answer of another model, or of none, is another thing: only those of the baseline's voice count.
    A refusal, before which no model speaks, belongs to the voice of the answer asked before it.
    """
    chosen: list[StoredTrace] = []
    others: Counter[str] = Counter()
    traces = [trace for trace in traces if trace.passages]  # small talk is nobody's voice
    speaker = next((trace.model for trace in traces if trace.outcome == "answer"), run.model)
    for trace in traces:
        speaker = trace.model if trace.outcome == "answer" else speaker
        if speaker == run.model:
            chosen.append(trace)
        else:
            others[speaker or "extractive"] += 1
    return chosen, others


def drift(live: Sequence[Observed], baseline: Sequence[Observed]) -> list[Look]:
    """Look at four things. Empty where either side has fewer than ENOUGH answers."""
    if min(len(live), len(baseline)) < ENOUGH:
        return []
    return [
        _share_look(
            "refusals",
            [(float(one.refused), 1.0) for one in baseline],
            [(float(one.refused), 1.0) for one in live],
        ),
        _share_look("unsupported sentences", _left_out(baseline), _left_out(live)),
        _score_look([one.best_cosine for one in baseline], [one.best_cosine for one in live]),
        _latency_look(_times(baseline), _times(live)),
    ]


def drift_text(
    run: Run, days: int, traces: Sequence[StoredTrace], looks: Sequence[Look], others: Mapping[str, int]
) -> str:
    """The finding first, then each look, then what the comparison leaves out."""
    live = len(observed_live(traces))
    lines = [_finding(live, len(observed_in_run(run)), days, looks)]
    lines += [f"  {'MOVED' if look.moved else 'steady'}  {look.name}: {look.sentence}" for look in looks]
    if traces and any(trace.index_fingerprint != run.index_fingerprint for trace in traces):
        lines.append("Some of these answers came from another index than the baseline's.")
    for speaker, count in others.items():
        lines.append(
            f"{count} answers of {speaker} were left out: the baseline is of {run.name}. "
            f"Make one for it with `coach eval answers --subset fast --out FILE`, then give it with `--baseline FILE`."
        )
    if looks:
        lines.append(
            f"The baseline ({run.date}) asks its own mix of questions, about one in three of them unanswerable: "
            "a refusal rate that differs may only mean that you ask other things."
        )
    return "\n".join(lines)


def _finding(live: int, baseline: int, days: int, looks: Sequence[Look]) -> str:
    if not looks:
        short = "traces" if live < ENOUGH else "baseline cases"
        return (
            f"Too few {short} to tell: {live} answers of the last {days} days against {baseline} of the baseline, "
            f"and each side needs {ENOUGH}. Ask more, or look further back with `coach eval drift --days {days * 4}`."
        )
    moved = [look.name for look in looks if look.moved]
    said = f"{' and '.join(moved)} moved" if moved else "nothing moved"
    return f"{live} answers of the last {days} days against {baseline} of the baseline: {said}."


def _observed(trace: StoredTrace) -> Observed:
    statuses = [sentence["status"] for sentence in trace.sentences]
    return Observed(
        trace.outcome == "refusal",
        len(statuses),
        statuses.count("unsupported"),
        max(passage["cosine"] for passage in trace.passages),
        trace.trace.get("first_citation_ms") if trace.outcome == "answer" else None,
    )


def _left_out(sample: Sequence[Observed]) -> list[tuple[float, float]]:
    return [(float(one.left_out), float(one.claims)) for one in sample if one.claims]


def _times(sample: Sequence[Observed]) -> list[float]:
    return [one.first_citation for one in sample if one.first_citation]


def _share_look(
    name: str, before: Sequence[tuple[float, float]], after: Sequence[tuple[float, float]]
) -> Look:
    if not before or not after:
        return Look(name, False, "nothing to count on one side")
    low, high = independent_difference(before, after, confidence=CONFIDENCE)
    was, now = (sum(pair[0] for pair in side) / sum(pair[1] for pair in side) for side in (before, after))
    sentence = f"{was:.1%} in the baseline, {now:.1%} now (difference {now - was:+.1%}, 99% interval {low:+.1%} to {high:+.1%})"
    return Look(name, low > 0 or high < 0, sentence)


def _score_look(before: Sequence[float], after: Sequence[float]) -> Look:
    """Two-sample Kolmogorov-Smirnov test (Smirnov 1948) on the cosine of the best passage."""
    from scipy.stats import ks_2samp

    tested = ks_2samp(before, after)
    was, now = (sorted(side)[len(side) // 2] for side in (before, after))
    sentence = (
        f"median similarity of the best passage {was:.2f} in the baseline, {now:.2f} now "
        f"(Kolmogorov-Smirnov D = {tested.statistic:.2f}, p = {tested.pvalue:.2g})"
    )
    return Look("retrieval scores", bool(tested.pvalue < 1 - CONFIDENCE), sentence)


def _latency_look(before: Sequence[float], after: Sequence[float]) -> Look:
    if min(len(before), len(after)) < ENOUGH:
        return Look(
            "latency", False, f"too few timed answers to tell ({len(after)} live, {len(before)} baseline)"
        )
    low, high = median_ratio(before, after, confidence=CONFIDENCE)
    was, now = (sorted(side)[len(side) // 2] for side in (before, after))
    sentence = (
        f"median first cited sentence {was:,.0f} ms in the baseline, {now:,.0f} ms now "
        f"({now / was:.2f} times, 99% interval {low:.2f} to {high:.2f}; another machine alone can do this)"
    )
    return Look("latency", low > 1 or high < 1, sentence)
