"""What the chat model is asked: whether what was found says something on the question, and then to put it together."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace

from coach.answer.answerability import with_entailment
from coach.answer.calibration import CALIBRATION_FILE, calibrated
from coach.answer.compose import answer_prompt, evidence_prompt, prompt_parts, statement_prompt
from coach.answer.resources import Resources
from coach.answer.search import Found, Part, together
from coach.errors import BackendError, ModelMissingError
from coach.protocols import ChatModel, TokenStream
from coach.stream import Tracer
from coach.types import Statement, StepStarted, Token, Turn, Usage
from coach.yes_or_no import log_odds, probability_of_yes


def decide(found: Found, resources: Resources, tracer: Tracer) -> Found:
    """The parts that the other signals leave open, as the chat model sees them; without one, or where it fails, as they were."""
    parts = [_decided_or_beside(part, resources, tracer) for part in found.parts]
    return together(parts, resources.settings.passages)


def _decided_or_beside(part: Part, resources: Resources, tracer: Tracer) -> Part:
    """The part as decided; where that is no, what the other one said of it, if it said anything."""
    decided = _decided(part, resources, tracer)
    beside = part.beside
    if decided.evidence.enough or beside is None or not beside.evidence.enough:
        return decided
    return replace(_decided(beside, resources, tracer), beside=replace(decided, beside=None))


def _decided(part: Part, resources: Resources, tracer: Tracer) -> Part:
    if not part.evidence.undecided:
        return part
    try:
        chosen = resources.chosen()
        model = chosen.model
        if model is None:
            return part
        tracer.record_reader(chosen)
        conversation = _reading(part.text, part.evidence.nearest, model, resources, tracer)
        evidence = with_entailment(part.evidence, _entailment(conversation, model, resources))
        return replace(part, evidence=evidence, conversation=conversation)
    except (BackendError, ModelMissingError) as error:
        tracer.note(str(error))
        return part


def _reading(
    question: str, stated: Sequence[Statement], model: ChatModel, resources: Resources, tracer: Tracer
) -> tuple[Turn, ...]:
    """The conversation in which the model reads the question with what was found for it."""
    prompt = evidence_prompt(question, stated, model, max_tokens=resources.settings.max_tokens)
    tracer.record(dropped=prompt.dropped, prompt=prompt_parts(prompt.messages, model))
    return prompt.messages


def write(
    question: str, found: Found, resources: Resources, tracer: Tracer
) -> Generator[StepStarted | Token, None, str]:
    """Have the model put together what was found: tokens of its text, and a step where it begins or ends to think.

    Returns what it said: empty where no model speaks or it failed, which the tracer then notes.
    """
    yield StepStarted("Writing")
    said, thinking = "", False
    try:
        stream = _begun(question, found, resources, tracer)
        if stream is None:
            return ""
        asked = first = time.perf_counter()
        try:
            for piece in stream:
                if piece and not said:
                    first = time.perf_counter()
                    tracer.record(first_token_ms=tracer.elapsed())
                    tracer.count("first_token_wait", asked)
                if thinking != (not piece):
                    thinking = not thinking
                    yield StepStarted("Thinking" if thinking else "Writing")
                if piece:
                    said += piece
                    yield Token(piece)
        finally:
            stream.close()
            tracer.record(usage=stream.usage, tokens_per_second=_pace(stream.usage, first))
    except (BackendError, ModelMissingError) as error:
        tracer.note(str(error))
        return ""
    cut = stream.usage is not None and stream.usage.completion >= resources.settings.max_tokens
    return _up_to_last_full_stop(said) if cut else said


def _pace(usage: Usage | None, first: float) -> float | None:
    """Tokens a second from the `first` one on; None for fewer than two."""
    seconds = time.perf_counter() - first
    if usage is None or usage.completion < 2 or seconds <= 0:
        return None
    return round((usage.completion - 1) / seconds, 1)


def _begun(question: str, found: Found, resources: Resources, tracer: Tracer) -> TokenStream | None:
    """The model's text about to come, None where no model speaks. Raises BackendError or ModelMissingError."""
    chosen, settings = resources.chosen(), resources.settings
    model = chosen.model
    tracer.record_model(chosen, "extractive")
    if model is None:
        tracer.note(chosen.reason)
        return None
    conversation = found.parts[0].conversation if len(found.parts) == 1 else ()
    conversation = conversation or _reading(
        question, to_read(found, model, resources), model, resources, tracer
    )
    tracer.record(sampling={"temperature": settings.temperature, "max_tokens": float(settings.max_tokens)})
    messages = answer_prompt(conversation)
    tracer.record(prompt=prompt_parts(messages, model))
    return model.stream(messages, max_tokens=settings.max_tokens, temperature=settings.temperature)


def _up_to_last_full_stop(said: str) -> str:
    """Text cut off by the token limit, without the sentence it was cut in; all of it where none is whole."""
    end = max(said.rfind(mark) for mark in ".!?")
    return said[: end + 1] if end > 0 else said


def to_read(found: Found, model: ChatModel, resources: Resources) -> Sequence[Statement]:
    """What the model is to answer from: the whole section of the best sentence where the engine keeps its state, which costs
    nothing to read again; else only the sentences found."""
    keeps = model.keeps_states and len(found.parts) == 1
    for section in resources.sections() if keeps else ():
        if section.holds(found.parts[0].best):
            return [section]
    return list(dict.fromkeys(stated for part in found.covered for stated in part.evidence.nearest))


def says_so(claim: str, nearest: Sequence[Statement], resources: Resources) -> float:
    """The chat model's log-odds that the sentences say exactly what the claim says. Raises BackendError."""
    model = resources.chosen().required()
    return _entailment(statement_prompt(claim, nearest), model, resources)


def _entailment(messages: Sequence[Turn], model: ChatModel, resources: Resources) -> float:
    """The model's log-odds of Yes, on the scale of the built-in model where it is calibrated."""
    odds = log_odds(probability_of_yes(model, messages))
    return calibrated(odds, model.name, resources.settings.home / CALIBRATION_FILE)
