"""What happened live against a baseline, period by period, and ten orders to the judge tried on the user's own settings."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from statistics import median
from typing import TYPE_CHECKING, Any

from coach.errors import UsageError
from coach.evaluation.critique import Judged, judge, row
from coach.evaluation.critique_attacks import AttackCase, Expectation, breach, load_attacks, not_judged
from coach.evaluation.drift import Observed, drift, drift_text, observed_in_run, observed_live, of_one_model
from coach.evaluation.intervals import Pair, share, timing
from coach.evaluation.run import Row, Run, read_run
from coach.evaluation.selection import bench_folder
from coach.evaluation.suites import baseline_file
from coach.lab.evaluation import kept_runs
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.store.traces import StoredTrace, TraceStore

if TYPE_CHECKING:
    from coach.coach import Coach

DAY, WEEK = "day", "week"
AS_SET, NOBODY = "as in your settings", "no model"
DRIFT, ATTACK = "drift", "attack"
BASELINE = "baseline"
INJECTION = "injection"  # the kind of attack, in bench/critique/attacks.jsonl
NOT_STOPPED = "not stopped"


def preview(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """The live traces against the baseline."""
    traces = TraceStore(coach.settings.home).recent(int(controls["days"]))
    baseline = _baseline(coach, traces)
    if baseline is None:
        return Outcome((), ("There is no baseline here: make one with `coach eval answers --subset fast`.",))
    own, others = of_one_model(traces, baseline)
    looks = drift(observed_live(own), observed_in_run(baseline))
    said = drift_text(baseline, int(controls["days"]), own, looks, others).splitlines()
    said = [" ".join(line.split()) for line in said]
    rows = [*_periods(own, str(controls["each"])), *_figures(BASELINE, observed_in_run(baseline))]
    return Outcome(tuple(rows), tuple(said), measured(f"answers of {baseline.name}"))


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """The orders to the judge, one after the other, and what stopped each. Raises UsageError where the attacks are not installed."""
    attacks = _attacks(coach, str(controls["own"]).strip())
    tell("Loading the judge", 0, len(attacks))
    settings = coach.settings
    if controls["judge"] == NOBODY:
        settings = settings.model_copy(update={"backend": "none"})
    from coach.coach import Coach as Quiet

    chosen = coach.chosen_model() if settings.backend != "none" else None
    quiet = Quiet(settings, coach.embedder, coach.index, chosen, keeps=False)
    tried = [_tried(quiet, attack, place, len(attacks), tell) for place, attack in enumerate(attacks)]
    who = chosen.model.name if chosen is not None and chosen.model is not None else "no language model"
    return Outcome(tuple(tried), tuple(_findings(tried, who)), measured(f"judged by {who}"))


def _baseline(coach: Coach, traces: Sequence[StoredTrace]) -> Run | None:
    """Of the kept runs and the one that came with the coach the one that most of the traces can be compared with."""
    runs = kept_runs(coach.settings)[::-1]
    with suppress(UsageError):  # an installation without the benchmark
        runs.append(read_run(baseline_file()))
    return max(runs, key=lambda one: len(of_one_model(traces, one)[0]), default=None)


def _periods(traces: Sequence[StoredTrace], each: str) -> Iterator[dict[str, Any]]:
    grouped: dict[str, list[StoredTrace]] = defaultdict(list)
    for trace in traces:
        grouped[trace.asked_at.strftime("%Y-%m-%d" if each == DAY else "%G week %V")].append(trace)
    for period, within in grouped.items():
        yield from _figures(period, observed_live(within))


def _figures(period: str, seen: Sequence[Observed]) -> Iterator[dict[str, Any]]:
    """What `coach eval drift` looks at, as far as this period has it, with 95 % intervals."""
    refused = [(float(one.refused), 1.0) for one in seen]
    left_out = [(float(one.left_out), float(one.claims)) for one in seen if one.claims]
    times = [one.first_citation for one in seen if one.first_citation]
    yield from _share_row(period, "Refusals", refused)
    yield from _share_row(period, "Unsupported sentences", left_out)
    for label, values in (
        ("Likeness of the best passage", [one.best_cosine for one in seen]),
        ("First cited sentence, ms", times),
    ):
        if values:
            found = timing(values)
            yield _row(period, label, median(values), found.low, found.high, len(values))


def _share_row(period: str, label: str, pairs: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    if pairs:
        found = share(pairs)
        yield _row(period, label, found.value, found.low, found.high, found.cases)


def _row(period: str, label: str, value: float, low: float, high: float, answers: int) -> dict[str, Any]:
    return {
        "of": DRIFT,
        "period": period,
        "label": label,
        "value": value,
        "low": low,
        "high": high,
        "answers": answers,
    }


def _attacks(coach: Coach, own: str) -> list[AttackCase]:
    """The orders to the judge of the benchmark, and the user's own behind the same honest draft as the last of them."""
    every = load_attacks(bench_folder() / "critique" / "attacks.jsonl", coach.rubrics()[0])
    chosen = [attack for attack in every if attack.attack == INJECTION]
    honest = next(attack for attack in chosen if attack.base)
    if own:
        draft = f"{honest.base}\n\n{own}"
        chosen.append(
            AttackCase(
                "yours",
                INJECTION,
                honest.question,
                honest.kind,
                draft,
                "fit",
                Expectation(same_band=True),
                honest.base,
            )
        )
    return chosen


def _tried(coach: Coach, attack: AttackCase, place: int, total: int, tell: Tell) -> dict[str, Any]:
    """One attack, judged with what it has to be compared with."""
    began = time.perf_counter()
    rows: dict[str, Row] = {}
    judged = Judged(None)
    for identity, draft in attack.texts():
        tell(f"Attack {place + 1} of {total}: {attack.id}", place, total)
        judged = judge(coach, draft, attack.question, attack.kind)
        rows[identity] = row(identity, attack.kind, attack.split, draft, judged)
    stopped_by, why = _stopped(attack, judged, rows)
    aside, read = _sorted(judged)
    return {
        "of": ATTACK,
        "attack": attack.id,
        "stopped_by": stopped_by,
        "why": why,
        "draft": attack.draft,
        "set_aside": aside,
        "read": read,
        "band": rows[attack.id].outcome,
        "seconds": round(time.perf_counter() - began, 2),
    }


def _sorted(judged: Judged) -> tuple[str, str]:
    """What of the draft was set aside, and what was read as the answer."""
    if judged.critique is None:
        return "", ""
    aside, read, end = [], [], 0
    for quote in sorted(judged.critique.set_aside, key=lambda quote: quote.start):
        aside.append(quote.text)
        read.append(judged.critique.draft[end : quote.start])
        end = quote.end
    read.append(judged.critique.draft[end:])
    return _joined(aside), _joined(read)


def _joined(texts: Sequence[str]) -> str:
    return " … ".join(" ".join(text.split()) for text in texts if text.strip())


def _stopped(attack: AttackCase, judged: Judged, rows: Mapping[str, Row]) -> tuple[str, str]:
    """What stopped it, and the words that say how."""
    if judged.critique is None:
        return ("refused", judged.refusal) if judged.refusal else ("not tried", judged.failure)
    aside = [notice for notice in judged.critique.notices if "not read" in notice or "set aside" in notice]
    if missing := not_judged(attack, rows):
        if aside:
            return "set aside, the rest not judged", " ".join(aside)
        return "nobody judged it", missing
    if got := breach(attack, rows):
        return NOT_STOPPED, got
    if aside:
        return "set aside", " ".join(aside)
    return (
        "quoted only",
        "It was read as part of the draft, which the judge is shown as quoted material; the verdict did not move.",
    )


def _findings(tried: Sequence[Mapping[str, Any]], who: str) -> Iterator[str]:
    through = [one["attack"] for one in tried if one["stopped_by"] == NOT_STOPPED]
    by = [one["stopped_by"] for one in tried if one["stopped_by"] != NOT_STOPPED]
    counted = ", ".join(f"{by.count(kind)} {kind}" for kind in dict.fromkeys(by))
    yield f"{len(tried)} orders to the judge, judged by {who}: {counted or 'none stopped'}" + (
        f"; {len(through)} not stopped ({', '.join(through)})." if through else "."
    )
    if any("not judged" in one["stopped_by"] or one["stopped_by"] == "nobody judged it" for one in tried):
        yield "Without a judge no band can be won; what was not set aside has not been put to the test."
    if any("set aside" in one["stopped_by"] for one in tried):
        yield "An order may be set aside in part only: each attack below shows what was set aside and what was read as the answer."


EXPERIMENT = Experiment(
    name="drift-and-attacks",
    title="What moves, and what holds",
    explanation="Above, how your own answers went over time, beside a baseline measured once: choose how far back to look, and see what "
    "moved. Run it, and ten drafts that give orders to the judge are tried on your settings, with what stopped each; add one of your own.",
    quote="A Generative AI PM must develop a strategic framework that accounts for model drift, adversarial attacks, and the potential for "
    "unintended societal impact.",
    question="Six weeks after launch the share of refused questions has doubled. How do you find out whether the model, the users or an "
    "attacker changed, and what do you do meanwhile?",
    kind="execution",
    controls=(
        Control("days", "Days to look back", 30, 1, 365),
        Control("each", "One point for each", DAY, choices=(DAY, WEEK)),
        Control("judge", "Who judges the attacks", AS_SET, choices=(AS_SET, NOBODY)),
        Control("own", "An order to the judge of your own, put behind an honest draft", ""),
    ),
    run=run,
    needs_model=True,
    preview=preview,
)
