"""The draft flow: prepare, judge each criterion, look for bad habits, give the band and the one next move."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coach.critique.evidence import is_touched
from coach.critique.judge import (
    Calibration,
    default_calibration,
    evidence_calibration,
    judge,
    load_calibration,
    missing,
    unscored,
)
from coach.critique.prepare import PreparedDraft, prepare_draft
from coach.critique.rubric import choose_kind
from coach.errors import BackendError, ModelMissingError, UsageError
from coach.protocols import ChatModel, ChosenModel, Embedder
from coach.stream import Stream, Tracer
from coach.text.sanitize import clean_question
from coach.types import (
    AntiPattern,
    Band,
    Contradiction,
    Criterion,
    Critique,
    Finding,
    Level,
    Quote,
    Rubric,
    StepStarted,
    Unbacked,
    Verdict,
)

DRAFT_CHARACTERS = 8_000  # some 1,300 words, ten minutes of speech; the model reads that in half a minute
WORTH: dict[Level, float] = {"met": 1.0, "partly": 0.5, "missing": 0.0}
# Shares of the weight. Fitted by `bench/fit/judge.py` on the fit part of bench/critique.
GETTING_THERE, READY = 0.27, 0.70
LEAST_SCORED = 0.5  # of the criteria: with fewer there is no band
FEWEST_WORDS = 20  # below, a draft cannot name three things and say how or why
SHOWN_FIGURES = 8
JUDGED_LANGUAGE = "English"

_FIGURE = re.compile(r"[$€£]?\d(?:[\d,.]*\d)?%?")


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion's verdict, as soon as it is known."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Critiqued:
    """The whole critique: the last event."""

    critique: Critique

    @property
    def result(self) -> Critique:
        return self.critique


Event = StepStarted | Judged | Critiqued
CritiqueStream = Stream[Event, Critique]


def _none(sentences: Sequence[Quote]) -> tuple[()]:
    """For a user without documents and stories."""
    return ()


def critique(
    draft: str,
    question: str,
    *,
    rubric: Rubric,
    kind: str | None,
    embedder: Embedder,
    chosen: Callable[[], ChosenModel],
    question_limit: int,
    sources: Callable[[], Sequence[str]] = tuple,
    calibrations: Path | None = None,
    contradictions: Callable[[Sequence[Quote]], tuple[Contradiction, ...]] = _none,
    unbacked: Callable[[Sequence[Quote]], tuple[Unbacked, ...]] = _none,
) -> CritiqueStream:
    """Read `draft` as the committee does: a stream whose last event is Critiqued.

    `kind` is guessed from the question where it is None. `chosen` is called once the draft is read and known to be one that can
    be judged. `sources` are the texts the rubric quotes: sentences pasted from them are not the candidate's. `calibrations` is a
    file with the user's own. `contradictions` finds what the user's own documents say otherwise, `unbacked` what stands in no story of theirs. The stream raises UsageError for an empty draft or question, one far too long, and a kind that the
    rubric does not know.
    """

    def events() -> Iterator[Event]:
        tracer = Tracer()
        yield StepStarted("Reading the draft")
        asked = clean_question(question, question_limit)
        of_kind = _kind(kind, asked, rubric)
        prepared = prepare_draft(draft, asked, rubric, embedder, limit=DRAFT_CHARACTERS, sources=sources())
        tracer.record(query=asked, embedder=embedder.name, sampling={"temperature": 0.0})
        tracer.lap("prepare")

        criteria = by_weight(rubric, of_kind)
        judging = choose_judge(criteria, prepared, chosen, calibrations, tracer)
        verdicts = []
        for criterion in criteria:
            verdicts.append(judging.verdict(criterion, prepared, asked, embedder))
            tracer.lap(criterion.id)
            yield Judged(verdicts[-1])

        findings = find_anti_patterns(rubric.anti_patterns, prepared, verdicts)
        tracer.lap("anti_patterns")
        against = contradictions(prepared.kept)
        in_no_story = unbacked(prepared.kept)
        tracer.lap("own_facts")
        yield Critiqued(
            Critique(
                question=asked,
                kind=of_kind,
                draft=prepared.draft,
                rubric=rubric.name,
                verdicts=tuple(verdicts),
                findings=findings,
                trace=tracer.trace(),
                band=_band_of(prepared, verdicts, findings, of_kind),
                next_move=next_move(verdicts, of_kind),
                notices=(*prepared.notices, *judging.notices),
                set_aside=prepared.set_aside,
                contradictions=against,
                unbacked=in_no_story,
            )
        )

    return CritiqueStream(events())


def band(verdicts: Sequence[Verdict], findings: Sequence[Finding], kind: str) -> Band | None:
    """How ready the draft is: the share of the weight that is met, partly counting half.

    None where fewer than half of the criteria were scored. A bad habit keeps a draft from "ready".
    """
    scored = [(verdict.criterion.weights.get(kind, 0.0), verdict.level) for verdict in verdicts]
    levels = [(weight, level) for weight, level in scored if level is not None]
    whole = sum(weight for weight, _ in levels)
    if not whole or len(levels) < LEAST_SCORED * len(scored):
        return None
    share = sum(weight * WORTH[level] for weight, level in levels) / whole
    if share < GETTING_THERE:
        return "not ready"
    return "ready for this committee" if share >= READY and not findings else "getting there"


def _band_of(
    prepared: PreparedDraft, verdicts: Sequence[Verdict], findings: Sequence[Finding], kind: str
) -> Band | None:
    reached = band(verdicts, findings, kind)
    too_short = len(prepared.text.split()) < FEWEST_WORDS
    return "not ready" if reached is not None and too_short else reached


def _kind(given: str | None, question: str, rubric: Rubric) -> str:
    if given is None:
        return choose_kind(question, rubric)
    if given not in rubric.kinds:
        known = ", ".join(rubric.kinds)
        raise UsageError(
            f"The rubric {rubric.name} knows no kind of question `{given}`: give --kind one of {known}."
        )
    return given


@dataclass(frozen=True, slots=True)
class Judging:
    """By whom the draft is judged: by a calibration, with the model whose opinion it weighs if it weighs one, or by nobody and
    `why_not`, which is empty where there is nothing to judge."""

    model: ChatModel | None = None
    calibration: Calibration | None = None
    why_not: str = ""
    notices: tuple[str, ...] = ()

    def verdict(
        self, criterion: Criterion, prepared: PreparedDraft, question: str, embedder: Embedder
    ) -> Verdict:
        """The verdict on one criterion."""
        if self.calibration is not None:
            return judge(criterion, prepared, question, self.model, embedder, self.calibration)
        return unscored(criterion, self.why_not) if self.why_not else missing(criterion)


def choose_judge(
    criteria: Sequence[Criterion],
    prepared: PreparedDraft,
    chosen: Callable[[], ChosenModel],
    calibrations: Path | None,
    tracer: Tracer,
) -> Judging:
    """By whom the draft is judged. Loads the chat model where there is something to judge."""
    if (nobody := _nobody(prepared)) is not None:
        return nobody
    model, why_not = _chosen_model(chosen, tracer)
    if model is None:
        return Judging(why_not=why_not, notices=_what_words_show(criteria, prepared, why_not))
    found = load_calibration(model.name, calibrations)
    if found is not None:
        return Judging(model, found)
    notice = (
        f"The judge is not calibrated for {model.name}: its verdicts use the thresholds of the built-in model. "
        "Measure it with `coach eval critique --calibrate`."
    )
    return Judging(model, default_calibration(), notices=(notice,))


def judge_by_evidence(prepared: PreparedDraft) -> Judging:
    """Who judges where there is no time to ask a chat model: the draft's own evidence, as well on short answers
    (bench/interview/README.md)."""
    return _nobody(prepared) or Judging(calibration=evidence_calibration())


def _nobody(prepared: PreparedDraft) -> Judging | None:
    """Where nothing can be read, or in another language than the judge knows: nobody judges."""
    if not prepared.kept:
        return Judging()
    if prepared.language in (None, JUDGED_LANGUAGE):
        return None
    return Judging(
        why_not=f"The judge was measured on {JUDGED_LANGUAGE} drafts only, and this reads as {prepared.language}."
    )


def _chosen_model(chosen: Callable[[], ChosenModel], tracer: Tracer) -> tuple[ChatModel | None, str]:
    """The chat model that judges, or None and the reason."""
    try:
        found = chosen()
    except (BackendError, ModelMissingError) as error:
        tracer.record(backend_reason=str(error))
        return None, str(error)
    tracer.record_model(found, "none")
    return found.model, f"No language model judged this. {found.reason}"


def _what_words_show(criteria: Sequence[Criterion], prepared: PreparedDraft, why_not: str) -> tuple[str, ...]:
    """Without a judge: the figures that are there, and the topics that no word touches."""
    sentences = [quote.text for quote in prepared.kept]
    figures = list(dict.fromkeys(_FIGURE.findall(prepared.text)))
    shown = ", ".join(figures[:SHOWN_FIGURES])
    untouched = [c.name for c in criteria if not is_touched(c, sentences)]
    return (
        f"{why_not.rstrip('.')}. What follows was found by words alone.",
        f"Figures in the draft: {shown}." if figures else "The draft holds no figure.",
        *([f"No word of the draft touches: {'; '.join(untouched)}."] if untouched else []),
    )


def by_weight(rubric: Rubric, kind: str) -> tuple[Criterion, ...]:
    """The criteria of `kind`, the weightiest first, else in the rubric's order."""
    return tuple(sorted(rubric.for_kind(kind), key=lambda criterion: -criterion.weights[kind]))


def find_anti_patterns(
    anti_patterns: Sequence[AntiPattern], prepared: PreparedDraft, verdicts: Sequence[Verdict]
) -> tuple[Finding, ...]:
    """The anti-patterns whose phrases stand in the kept sentences, unless a criterion that excuses them is met."""
    met = {verdict.criterion.id for verdict in verdicts if verdict.level == "met"}
    found = []
    for anti_pattern in anti_patterns:
        quotes = _betraying(anti_pattern, prepared)
        if quotes and not met & set(anti_pattern.unless):
            found.append(Finding(anti_pattern, quotes))
    return tuple(found)


def next_move(verdicts: Sequence[Verdict], kind: str) -> str:
    """The suggestion of the weightiest criterion that is not met, of equal ones a missing before a partly met one; empty where none is."""
    left = [verdict for verdict in verdicts if verdict.level in ("missing", "partly") and verdict.suggestion]
    first = min(
        left,
        key=lambda verdict: (-verdict.criterion.weights.get(kind, 0.0), verdict.level == "partly"),
        default=None,
    )
    return first.suggestion if first else ""


def _betraying(anti_pattern: AntiPattern, prepared: PreparedDraft) -> tuple[Quote, ...]:
    spans = [match.span() for phrase in anti_pattern.phrases for match in re.finditer(phrase, prepared.draft)]
    return tuple(
        quote
        for quote in prepared.kept
        if any(start < quote.end and quote.start < end for start, end in spans)
    )
