"""The runs of `coach eval answers` that are kept, measure by measure, two of them compared, and what people said beside the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coach.errors import BackendError, UsageError
from coach.evaluation.answers import MEASURES, TIMINGS
from coach.evaluation.compare import Change, compare
from coach.evaluation.intervals import share, timing, wilson_interval
from coach.evaluation.run import Run, read_run, write_run
from coach.evaluation.suites import baseline_file, default_file, run_answers
from coach.evaluation.text_metrics import WHAT_THEY_TELL
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.lab.perplexity import in_words, measure_perplexity
from coach.store.critiques import CritiqueStore
from coach.store.feedback import FeedbackStore

if TYPE_CHECKING:
    from pathlib import Path

    from coach.coach import Coach
    from coach.settings import Settings

SUITE = "answers"
KEPT, ANEW = "the runs kept", "a new run of the sources alone"
FIGURE, CHANGE, PEOPLE, SURPRISE = "figure", "change", "people", "surprise"
MEASURED, NOT_NOW = "measure it on a paragraph of the article", "not now"
SHOWN_RUNS = 4  # the last ones; more lines in one place cannot be told apart
# What each measure can tell, and what it cannot: bench/README.md has the definitions.
TELLS: Mapping[str, str] = {
    "correct": "Tells whether the facts that a case asks for are in the reply; not whether all else in it is right.",
    "facts": "Tells how much of what was asked for is there, counting half-answers; not whether the rest of the reply is true.",
    "citation_precision": "Tells whether a citation points to the right place, word for word; not whether the reply is complete.",
    "citation_recall": "Tells how much of what is shown carries a citation; not whether it is the right one.",
    "unsupported_shown": "Tells how often a sentence passes for the sources’ word without proof; nothing of what was wrongly left out.",
    "left_out": "Tells how much of what the model said was withheld; not whether that was right.",
    "refusal_precision": "Tells how often a refusal was due; nothing of the questions that should have been refused and were not.",
    "refusal_recall": "Tells how many unanswerable questions were refused; a coach that refuses everything has 100 %.",
    "false_refusals": "Tells how often an answer that is there was withheld; a coach that never refuses has 0 %.",
    "withdrawn": "Tells how often sentences already on screen were taken back; not whether that was right.",
    "follow_ups": "Tells whether a question that leans on the one before is understood; only on the few such cases.",
    "odd": "Tells whether badly written questions are still understood; only the oddities somebody thought of.",
    "small_talk": "Tells whether a greeting is taken for one; nothing of how well questions are answered.",
    "rouge_1": WHAT_THEY_TELL["rouge"],
    "rouge_2": "As ROUGE-1, for pairs of words: it shows copied phrases, and punishes every other wording, right or wrong.",
    "rouge_l": "As ROUGE-1, for words in the same order: it shows copied sentences, and knows as little of meaning.",
    "first_citation": "Tells how long the first proof takes on the machine of the run; another machine alone changes it.",
    "first_token": "Tells how long the model’s first word takes; not when the answer is worth reading.",
    "total": "Tells how long the whole reply takes; longer replies take longer, better or not.",
    "perplexity": f"{WHAT_THEY_TELL['perplexity']} It is measured on a paragraph of the article, not on replies, which come without log-probabilities.",
    "thumbs": "Tells what somebody liked enough, or disliked enough, to press; most say nothing, and a pleasing reply can be wrong.",
    "overrides": "Tells how often people give a verdict the judge’s level; only of the verdicts they cared to look at.",
}


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """Figures of the last runs, the change from an earlier one to the last, and people's word. Without a kept run one of the sources
    alone is made first, and kept as `coach eval` keeps its own. Raises UsageError where there are no cases to ask."""
    runs = kept_runs(coach.settings)
    made = controls["figures"] == ANEW or not runs
    if made:
        runs = [*runs, _made(coach, int(controls["cases"]), tell)]
    tell("Computing intervals", 0, 1)
    shipped = _baseline()
    last = runs[-1]
    earlier = [*([shipped] if shipped else []), *runs[:-1]]
    place = int(controls["before"])
    before = earlier[-place] if place <= len(earlier) else None
    shown = [one for one in (*earlier, last) if one is before or one in runs[-SHOWN_RUNS:]]
    changes = compare(before, last).changes if before is not None else ()
    rows = [
        *(row for one in shown for row in _figures(one, _label(one, shipped), tell)),
        *(_change(change) for change in changes),
        *_people(coach.settings),
    ]
    surprised, said = _perplexity(coach, controls, tell)
    rows += surprised
    findings = [*_findings(last, before, shipped, changes, made, rows), *said]
    return Outcome(
        tuple(rows),
        tuple(findings),
        measured(f"the last run is of {last.name}"),
        extra={"tells": dict(TELLS)},
    )


def kept_runs(settings: Settings) -> list[Run]:
    """The readable runs of the answers suite under the home, the oldest first; one that stopped early counts too."""
    found = []
    for path in sorted((settings.home / "evaluations").glob(f"*-{SUITE}-*.json")):
        one = _read(path)
        if one is not None and one.suite == SUITE and one.scored:
            found.append(one)
    return sorted(found, key=lambda one: one.date)


def _read(path: Path) -> Run | None:
    try:
        return read_run(path)
    except UsageError:
        return None  # half a file, or another version's: the others still tell something


def _baseline() -> Run | None:
    """The run that came with the coach; None in an installation without the benchmark."""
    try:
        return read_run(baseline_file())
    except UsageError:
        return None


def _made(coach: Coach, cases: int, tell: Tell) -> Run:
    from coach.coach import Coach as Quiet

    settings = coach.settings.model_copy(update={"backend": "none"})
    alone = Quiet(settings, coach.embedder, coach.index, keeps=False)
    made = run_answers(settings, subset="fast", limit=cases, progress=tell, coach=alone)
    write_run(made, default_file(settings, made))
    return made


def _label(one: Run, shipped: Run | None) -> str:
    when = one.date[:16].replace("T", " ")
    return f"{one.name}, {when}" + (" (came with the coach)" if one is shipped else "")


def _figures(one: Run, label: str, tell: Tell) -> Iterator[dict[str, Any]]:
    """A row for each measure of a run, with its 95 % interval."""
    for place, (name, measure) in enumerate(MEASURES.items()):
        tell(f"Intervals of {label}", place, len(MEASURES))
        if pairs := one.pairs(name):
            found = share(pairs, seed=one.seed)
            yield _row(
                FIGURE, label, name, measure.label, found.value, found.low, found.high, found.cases, "share"
            )
    for name, timed in TIMINGS.items():
        if times := one.times(name):
            waited = timing(times, seed=one.seed)
            yield _row(FIGURE, label, name, timed, waited.median, waited.low, waited.high, waited.count, "ms")


def _change(change: Change) -> dict[str, Any]:
    """From the earlier run to the last, over the cases that both have."""
    unit = change.unit or "share"
    moved = change.after - change.before
    return {
        **_row(
            CHANGE,
            change.verdict,
            change.name,
            change.label,
            moved,
            change.low,
            change.high,
            change.cases,
            unit,
        )
    }


def _row(
    of: str,
    run_or_verdict: str,
    name: str,
    label: str,
    value: float,
    low: float,
    high: float,
    cases: int,
    unit: str,
) -> dict[str, Any]:
    return {
        "of": of,
        "run": run_or_verdict,
        "measure": name,
        "label": label,
        "value": value,
        "low": low,
        "high": high,
        "cases": cases,
        "unit": unit,
    }


def _perplexity(
    coach: Coach, controls: Mapping[str, Value], tell: Tell
) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each order of a paragraph's words, and what they tell; without rows why it was not measured."""
    if controls["perplexity"] == NOT_NOW:
        return [], []
    article = next(one for one in coach.documents() if EXPERIMENT.quote in one.text)
    paragraph = next(part for part in article.text.split("\n\n") if EXPERIMENT.quote in part)
    try:
        found = measure_perplexity(coach, paragraph, tell)
    except BackendError as error:
        return [], [f"Perplexity is not measured. {error}"]
    rows = [
        _row(
            SURPRISE,
            one.model,
            "perplexity",
            one.order,
            one.value,
            one.low,
            one.high,
            one.tokens,
            "perplexity",
        )
        for one in found
    ]
    return rows, [in_words(found)]


def _people(settings: Settings) -> Iterator[dict[str, Any]]:
    """Thumbs, and how often a person's level was the judge's."""
    given = FeedbackStore(settings.home).list()
    for label, wanted in (("Thumbs up for answers", False), ("Thumbs up for verdicts", True)):
        thumbs = [one.useful for one in given if ("/" in one.subject) is wanted]
        if thumbs:
            yield _of_people(label, "thumbs", sum(thumbs), len(thumbs))
    agreement = CritiqueStore(settings.home).agreement()
    if agreement.total:
        yield _of_people("People give the judge’s level", "overrides", agreement.agreed, agreement.total)


def _of_people(label: str, name: str, hits: int, total: int) -> dict[str, Any]:
    low, high = wilson_interval(hits, total)
    return _row(PEOPLE, "people", name, label, hits / total, low, high, total, "share")


def _findings(
    last: Run,
    before: Run | None,
    shipped: Run | None,
    changes: Sequence[Change],
    made: bool,
    rows: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    if made:
        yield f"A run of {len(last.rows)} cases by the sources alone was made now; it is kept with those of `coach eval`."
    if len(last.scored) < len(last.rows):
        yield f"{len(last.rows) - len(last.scored)} cases of the last run could not be scored."
    if before is None:
        yield "There is no earlier run to compare with: run `coach eval answers` once more, or choose a nearer one."
    else:
        moved = [change for change in changes if change.beyond_noise]
        said = (
            "; ".join(f"{change.label}: {change.verdict}" for change in moved) or "nothing moved beyond noise"
        )
        yield f"From {_label(before, shipped)} to {_label(last, shipped)}: {said}."
        if before.code != last.code or before.index_fingerprint != last.index_fingerprint:
            yield "The two differ in more than who answered: the code or the index changed between them."
    correct = next(
        (row for row in rows if row["measure"] == "correct" and row["run"] == _label(last, shipped)), None
    )
    thumbs = next((row for row in rows if row["of"] == PEOPLE), None)
    if correct is not None and thumbs is not None:
        yield (
            f"Automatic: every required fact in {correct['value']:.0%} of the replies ({correct['low']:.0%} to {correct['high']:.0%}). "
            f"{thumbs['label']}: {thumbs['value']:.0%} of {thumbs['cases']} ({thumbs['low']:.0%} to {thumbs['high']:.0%})."
        )
    elif thumbs is None:
        yield "No thumb and no overruled verdict is kept here yet, so nothing of people stands beside the figures."


EXPERIMENT = Experiment(
    name="evaluation",
    title="What a figure can tell",
    explanation="Each line is one measure of the coach’s answers, with the interval in which its true value lies in 95 of 100 such runs. "
    "Choose which earlier run to compare the last one with, and look whether an interval of the change lies on one side of zero: "
    "only then did something move.",
    quote="Many candidates can talk about “improving generation quality,” but struggle to define specific, measurable, and attributable "
    "metrics beyond subjective user ratings.",
    question="ROUGE went up by two points after your last prompt change. Do you ship it? What else would you want to see?",
    kind="metrics",
    controls=(
        Control("figures", "Figures of", KEPT, choices=(KEPT, ANEW)),
        Control("before", "Compare the last run with the one so many before it", 1, 1, 9),
        Control("cases", "Cases to ask in a new run", 40, 5, 40),
        Control("perplexity", "Perplexity of the chat model", MEASURED, choices=(MEASURED, NOT_NOW)),
    ),
    run=run,
    needs_model=True,
)
