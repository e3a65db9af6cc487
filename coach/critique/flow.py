"""The draft flow: prepare, judge each criterion, look for bad habits, give the band and the one next move."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from coach.critique.evidence import is_touched
from coach.critique.judge import Calibration, default_calibration, judge, load_calibration, missing, unscored
from coach.critique.prepare import PreparedDraft, prepare_draft
from coach.critique.rubric import choose_kind
from coach.errors import BackendError, ModelMissingError, UsageError
from coach.protocols import ChatModel, Embedder
from coach.text.sanitize import clean_question
from coach.types import (
    AntiPattern,
    Band,
    Criterion,
    Critique,
    Finding,
    Level,
    Quote,
    Rubric,
    StepStarted,
    Trace,
    Verdict,
)

DRAFT_CHARACTERS = 8_000  # some 1,300 words, ten minutes of speech; the model reads that in half a minute
WORTH: dict[Level, float] = {"met": 1.0, "partly": 0.5, "missing": 0.0}
# Shares of the weight. Fitted by `coach.evaluation.judge_fit` on the fit part of bench/critique.
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


Event = StepStarted | Judged | Critiqued


class Voice(Protocol):
    """A chat model with the reason it was chosen."""

    @property
    def model(self) -> ChatModel | None: ...
    @property
    def backend(self) -> str: ...
    @property
    def reason(self) -> str: ...


class CritiqueStream(Iterator[Event]):
    """Events of one critique, in order; the last is Critiqued. `result()` reads on to the critique."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._critique: Critique | None = None

    def __next__(self) -> Event:
        event = next(self._events)
        if isinstance(event, Critiqued):
            self._critique = event.critique
        return event

    def result(self) -> Critique:
        """The critique. Raises what the flow raises (CoachError)."""
        for _ in self:
            pass
        assert self._critique is not None  # the flow always ends with Critiqued
        return self._critique


def critique(
    draft: str,
    question: str,
    *,
    rubric: Rubric,
    kind: str | None,
    embedder: Embedder,
    voice: Callable[[], Voice],
    question_limit: int,
    sources: Callable[[], Sequence[str]] = tuple,
    calibrations: Path | None = None,
) -> CritiqueStream:
    """Read `draft` as the committee does. Nothing is computed before the stream is read.

    `kind` is guessed from the question where it is None. `sources` are the texts the rubric quotes: sentences pasted
    from them are not the candidate's. `calibrations` is a file with the user's own. The stream raises UsageError for an empty draft
    or question, one far too long, and a kind that the rubric does not know.
    """
    flow = _Flow(draft, question, rubric, kind, embedder, voice, question_limit, sources, calibrations)
    return CritiqueStream(flow.events())


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


@dataclass
class _Flow:
    """One draft on its way through the steps, and what is known of it so far."""

    draft: str
    question: str
    rubric: Rubric
    kind: str | None
    embedder: Embedder
    voice: Callable[[], Voice]
    question_limit: int
    sources: Callable[[], Sequence[str]]
    calibrations: Path | None
    steps: dict[str, float] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    started: float = 0.0

    def events(self) -> Iterator[Event]:
        self.started = self._last = time.perf_counter()
        yield StepStarted("Reading the draft")
        question = clean_question(self.question, self.question_limit)
        kind = self._kind(question)
        prepared = prepare_draft(
            self.draft, question, self.rubric, limit=DRAFT_CHARACTERS, sources=self.sources()
        )
        self.notices.extend(prepared.notices)
        self.trace = Trace(query=question, embedder=self.embedder.name)
        self._lap("prepare")
        verdicts = []
        for verdict in self._verdicts(by_weight(self.rubric, kind), prepared, question):
            verdicts.append(verdict)
            yield Judged(verdict)
        yield Critiqued(self._closed(verdicts, prepared, question, kind))

    def _kind(self, question: str) -> str:
        if self.kind is None:
            return choose_kind(question, self.rubric)
        if self.kind not in self.rubric.kinds:
            known = ", ".join(self.rubric.kinds)
            raise UsageError(
                f"The rubric {self.rubric.name} knows no kind of question `{self.kind}`: give --kind one of {known}."
            )
        return self.kind

    def _verdicts(
        self, criteria: Sequence[Criterion], prepared: PreparedDraft, question: str
    ) -> Iterator[Verdict]:
        if not prepared.kept:
            yield from (missing(criterion) for criterion in criteria)
            return
        if prepared.language not in (None, JUDGED_LANGUAGE):
            reason = f"The judge was measured on {JUDGED_LANGUAGE} drafts only, and this reads as {prepared.language}."
            yield from (unscored(criterion, reason) for criterion in criteria)
            return
        model, why_not = self._chosen_model()
        if model is None:
            self._note_what_words_show(criteria, prepared, why_not)
            yield from (unscored(criterion, why_not) for criterion in criteria)
            return
        calibration = self._calibration(model)
        for criterion in criteria:
            yield judge(criterion, prepared, question, model, self.embedder, calibration)
            self._lap(criterion.id)

    def _chosen_model(self) -> tuple[ChatModel | None, str]:
        """The chat model that judges, or None and the reason."""
        try:
            voice = self.voice()
        except (BackendError, ModelMissingError) as error:
            self.trace = replace(self.trace, backend_reason=str(error))
            return None, str(error)
        model = voice.model
        self.trace = replace(
            self.trace,
            backend=voice.backend if model else "none",
            backend_reason=voice.reason,
            model=model.name if model else None,
            window=model.context_window if model else 0,
        )
        self._lap("load")
        return model, f"No language model judged this. {voice.reason}"

    def _calibration(self, model: ChatModel) -> Calibration:
        found = load_calibration(model.name, self.calibrations)
        if found is None:
            self.notices.append(
                f"The judge is not calibrated for {model.name}: its verdicts use the thresholds of the built-in model. "
                "Measure it with `coach eval critique --calibrate`."
            )
        return found or default_calibration()

    def _note_what_words_show(
        self, criteria: Sequence[Criterion], prepared: PreparedDraft, why_not: str
    ) -> None:
        """Without a judge: the figures that are there, and the topics that no word touches."""
        self.notices.append(f"{why_not.rstrip('.')}. What follows was found by words alone.")
        sentences = [quote.text for quote in prepared.kept]
        figures = list(dict.fromkeys(_FIGURE.findall(prepared.text)))
        shown = ", ".join(figures[:SHOWN_FIGURES])
        self.notices.append(f"Figures in the draft: {shown}." if figures else "The draft holds no figure.")
        untouched = [c.name for c in criteria if not is_touched(c, sentences)]
        if untouched:
            self.notices.append(f"No word of the draft touches: {'; '.join(untouched)}.")

    def _closed(
        self, verdicts: Sequence[Verdict], prepared: PreparedDraft, question: str, kind: str
    ) -> Critique:
        findings = find_habits(self.rubric.anti_patterns, prepared, verdicts)
        self._lap("habits")
        reached = band(verdicts, findings, kind)
        if reached is not None and len(prepared.text.split()) < FEWEST_WORDS:
            reached = "not ready"
        trace = replace(
            self.trace,
            total_ms=_milliseconds(self.started),
            steps_ms=dict(self.steps),
            sampling={"temperature": 0.0},
        )
        return Critique(
            question=question,
            kind=kind,
            draft=prepared.draft,
            rubric=self.rubric.name,
            verdicts=tuple(verdicts),
            findings=findings,
            trace=trace,
            band=reached,
            next_move=next_move(verdicts, kind),
            notices=tuple(self.notices),
            set_aside=prepared.set_aside,
        )

    def _lap(self, name: str) -> None:
        now = time.perf_counter()
        self.steps[name] = round((now - self._last) * 1000, 2)
        self._last = now


def by_weight(rubric: Rubric, kind: str) -> tuple[Criterion, ...]:
    """The criteria of `kind`, the weightiest first, else in the rubric's order."""
    return tuple(sorted(rubric.for_kind(kind), key=lambda criterion: -criterion.weights[kind]))


def find_habits(
    anti_patterns: Sequence[AntiPattern], prepared: PreparedDraft, verdicts: Sequence[Verdict]
) -> tuple[Finding, ...]:
    """The habits whose phrases stand in the kept sentences, unless a criterion that excuses them is met."""
    met = {verdict.criterion.id for verdict in verdicts if verdict.level == "met"}
    found = []
    for anti_pattern in anti_patterns:
        quotes = _betraying(anti_pattern, prepared)
        if quotes and not met & set(anti_pattern.unless):
            found.append(Finding(anti_pattern, quotes))
    return tuple(found)


def next_move(verdicts: Sequence[Verdict], kind: str) -> str:
    """The suggestion of the weightiest criterion that is missing, then partly met; empty where none is."""
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


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)


__all__ = ["CritiqueStream", "Critiqued", "Event", "Judged", "StepStarted", "band", "critique"]
