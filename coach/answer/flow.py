"""The question flow: read, search, weigh, show the sources' sentences at once, let a model write, check what it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from coach.answer.ask_model import decide, says_so, write
from coach.answer.condense import condense
from coach.answer.read import in_english, small_talk_reply
from coach.answer.reply import extractive_answer, generated_answer, refusal, small_talk_answer
from coach.answer.resources import Resources
from coach.answer.search import Found, search
from coach.answer.verify import verify
from coach.protocols import NO_MODEL_USED
from coach.stream import Stream, Tracer
from coach.text.sanitize import clean_question
from coach.types import Answer, Reply, Statement, StepStarted, Token, Turn


@dataclass(frozen=True, slots=True)
class Extracted:
    """The answer in the sources' own words, at once."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply as checked: what stays on screen."""

    reply: Reply

    @property
    def result(self) -> Reply:
        return self.reply


Event = StepStarted | Extracted | Token | Finished
AnswerStream = Stream[Event, Reply]


def answer(question: str, history: Sequence[Turn], resources: Resources) -> AnswerStream:
    """Answer from the index, or refuse: a stream whose last event is Finished. It raises UsageError for no question, or one too long."""
    return AnswerStream(_events(question, history, resources))


def _events(question: str, history: Sequence[Turn], resources: Resources) -> Iterator[Event]:
    tracer = Tracer()
    tracer.record(embedder=resources.embedder.name, index_fingerprint=resources.index.fingerprint)

    yield StepStarted("Reading the question")
    question = clean_question(question, resources.settings.max_question_characters)
    own_words = small_talk_reply(question, history, resources)
    if own_words is not None:
        tracer.record(query=question)
        yield Finished(small_talk_answer(question, own_words, tracer))
        return
    english = yield from in_english(question, resources, tracer)
    standalone = condense(english, history)
    tracer.record(query=standalone.text, rewritten=standalone.rewritten)
    tracer.lap("read")

    yield StepStarted("Searching the sources")
    found = search(standalone, resources, tracer)
    _record_evidence(found, tracer, "gate")
    shown = bool(found.covered)
    if shown:
        yield _at_once(extractive_answer(question, standalone, found, tracer), tracer)

    # A follow-up is searched for with its earlier question behind it. The model would read that as two questions, and its No would
    # mean little: it is not asked.
    undecided = any(part.evidence.undecided for part in found.parts)
    if undecided and resources.may_ask_a_model and not standalone.rewritten:
        yield StepStarted("Checking the evidence")
        found = decide(found, resources, tracer)
        _record_evidence(found, tracer, "judgement")
    if not found.covered:
        yield Finished(refusal(question, standalone, found, resources.index, tracer))
        return
    extractive = extractive_answer(question, standalone, found, tracer)
    if not shown:
        yield _at_once(extractive, tracer)

    yield from _written(standalone.text, found, extractive, resources, tracer)


def _at_once(extractive: Answer, tracer: Tracer) -> Extracted:
    """The sources' sentences, with the time they took."""
    tracer.record(first_citation_ms=tracer.elapsed())
    return Extracted(replace(extractive, trace=tracer.trace()))


def _written(
    question: str, found: Found, extractive: Answer, resources: Resources, tracer: Tracer
) -> Iterator[Event]:
    """What the model makes of the sentences found, each of its own checked; where none speaks the sources stand alone."""
    said = ""
    if extractive.doubt:  # where it is not sure that they are an answer, a model only makes one of them
        tracer.record(backend_reason="Where there is doubt the sources speak alone, word for word.")
    elif not found.spoken:  # one text would pass a note of the user's off as the committee's view
        tracer.record(backend_reason="The committee and your documents answer a part each, word for word.")
    elif resources.may_ask_a_model:
        said = yield from write(question, found, resources, tracer)
    else:
        tracer.record(backend_reason=NO_MODEL_USED)
    tracer.lap("generate")
    if not said.strip():
        yield Finished(replace(extractive, trace=tracer.trace()))
        return

    yield StepStarted("Checking every sentence")

    def second_look(claim: str, nearest: Sequence[Statement]) -> float:
        return says_so(claim, nearest, resources)

    spoken = found.spoken
    checked = [found.placed(spoken, s) for s in verify(said, spoken, resources.embedder, second_look)]
    tracer.lap("verify")
    yield Finished(generated_answer(extractive, checked, tracer))


def _record_evidence(found: Found, tracer: Tracer, step: str) -> None:
    """Put what decided each part into the trace, and the signals of the least certain one."""
    tracer.measure(probability=found.least.probability, **found.least.signals)
    tracer.record(parts=found.weighed_parts(), weighed=found.weighed_sentences())
    tracer.lap(step)
