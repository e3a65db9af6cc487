"""The prompt as it is put together, token by token, against a window of any size: what falls out, and what the answer becomes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coach.answer.ask_model import to_read
from coach.answer.compose import (
    TEMPLATE_TOKENS,
    evidence_prefix,
    evidence_prompt,
    question_with_sources,
)
from coach.answer.condense import condense
from coach.answer.flow import Extracted, answer
from coach.answer.resources import Resources
from coach.answer.search import Found, search
from coach.errors import BackendError
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.lab.varied import Varied
from coach.prompts import read_prompt
from coach.protocols import ChatModel, ChosenModel, TokenStream
from coach.stream import Tracer
from coach.text.sanitize import clean_question
from coach.types import Answer, Reply, Statement, Token, Turn

if TYPE_CHECKING:
    from coach.coach import Coach

SENTENCES, SECTION = "the sentences found", "the whole section"
# Close together where a prompt of the coach begins to fit, which is where something is to be seen.
STOPS = (
    *(256, 384, 512, 560, 592, 608, 624, 640, 656, 672, 688, 704, 720, 736, 752, 784, 816, 848, 896, 960),
    *(1024, 1280, 1536, 2048, 4096, 8192),
)


class _WordPieces:
    """Counts with the embedder's tokenizer where no chat model is loaded; it cannot speak."""

    keeps_states = False
    context_window = 0

    def __init__(self, coach: Coach) -> None:
        self.name = coach.embedder.name.partition("@")[0]
        self._embedder = coach.embedder

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens([text])[0] - 2  # without the two special ones around it

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> TokenStream:
        raise BackendError("No chat model is loaded.")

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        raise BackendError("No chat model is loaded.")

    def next_tokens(self, messages: Sequence[Turn], count: int) -> Sequence[tuple[str, float]]:
        raise BackendError("No chat model is loaded.")

    def remember(self, messages: Sequence[Turn]) -> None:
        return None

    def close(self) -> None:
        return None


def preview(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """The prompt's parts against the window, by the loaded model's tokenizer, or by the embedder's where none is loaded."""
    loaded = coach.chosen_model().model if coach.model_name is not None else None
    return _assembled(coach, loaded, controls)


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """The same, and the model's answer in that window."""
    tell("Loading the model", 0, 3)
    chosen = coach.chosen_model()
    tell("Putting the prompt together", 1, 3)
    outcome = _assembled(coach, chosen.model, controls)
    if chosen.model is None:
        return replace(outcome, findings=(*outcome.findings, f"No model could be asked. {chosen.reason}"))
    narrowed = _narrowed(chosen.model, controls)
    resources = _resources(coach, replace(chosen, model=narrowed))
    began = time.perf_counter()
    at_once, reply = _answered(str(controls["question"]), resources, tell)
    seconds = time.perf_counter() - began
    said = _what_it_becomes(at_once, reply, narrowed, seconds)
    usage = reply.trace.usage
    spent = {"prompt": usage.prompt, "reply": usage.completion} if usage else {}
    extra = {"answer": reply.text, "sources": at_once, "seconds": seconds, **spent}
    return replace(outcome, findings=(*outcome.findings, *said), extra=extra)


def _assembled(coach: Coach, model: ChatModel | None, controls: Mapping[str, Value]) -> Outcome:
    counting = _narrowed(model or _WordPieces(coach), controls)
    resources = _resources(coach, ChosenModel(counting, "", ""))
    question = clean_question(str(controls["question"]), coach.settings.max_question_characters)
    found = search(condense(question, ()), resources, Tracer())
    stated = _read(found, counting, resources)
    rows = _rows(question, stated, counting, coach.settings.max_tokens)
    counted = f"tokens counted by {counting.name}" + (
        "" if model else "’s tokenizer, as no chat model is loaded"
    )
    return Outcome(
        rows,
        _what_falls_out(rows, counting, bool(stated)),
        measured(counted),
        (
            "the tokens of the chat template",
            *(() if model else ("the tokens, which the chat model counts its own way",)),
        ),
    )


def _narrowed(model: ChatModel, controls: Mapping[str, Value]) -> Varied:
    return Varied(model, context_window=int(controls["window"]), keeps_states=controls["reads"] == SECTION)


def _resources(coach: Coach, chosen: ChosenModel) -> Resources:
    return Resources(coach.embedder, coach.index, lambda: chosen, coach.remembered_sections, coach.settings)


def _read(found: Found, model: ChatModel, resources: Resources) -> Sequence[Statement]:
    """What the model is given to read, the best first; nothing where the sources hold nothing on the question."""
    undecided = [part for part in found.parts if part.evidence.undecided]
    if undecided:  # the model is asked of the sentences first, and answers from what it then has read
        return list(dict.fromkeys(one for part in undecided for one in part.evidence.nearest))
    return to_read(found, model, resources) if found.covered else ()


def _rows(
    question: str, stated: Sequence[Statement], model: ChatModel, reply: int
) -> tuple[dict[str, Any], ...]:
    """Each part of the prompt with its tokens and whether it stays: first what stays, in the order of the prompt."""
    kept = _kept(question, stated, model, reply)
    fits = kept > 0 or not stated
    rules, *examples = evidence_prefix()
    lengths = [
        model.count_tokens(question_with_sources(question, stated[:place]))
        for place in range(len(stated) + 1)
    ]
    sentences = [
        _row(
            "sentence",
            f"{one.heading}: {one.text}",
            max(0, lengths[place + 1] - lengths[place]),
            place < kept,
        )
        for place, one in enumerate(stated)
    ]
    rows = [
        _row("instructions", rules.text, model.count_tokens(rules.text), fits),
        _row(
            "worked examples",
            f"{len(examples) // 2} questions with their answers",
            sum(model.count_tokens(turn.text) for turn in examples),
            fits,
        ),
        *sentences[:kept],
        _row("question", question, lengths[0], fits),
        _row(
            "request to answer",
            read_prompt("answer/evidence_answer"),
            model.count_tokens(read_prompt("answer/evidence_answer")),
            fits,
        ),
        _row("chat template", "the marks around each message", TEMPLATE_TOKENS, fits),
        _row("room for the reply", "the longest reply of the settings", reply, fits),
        *sentences[kept:],
    ]
    return tuple({**row, **place} for row, place in zip(rows, _places(rows), strict=True))


def _row(part: str, text: str, tokens: int, kept: bool) -> dict[str, Any]:
    return {"part": part, "text": " ".join(text.split()), "tokens": tokens, "stays": kept}


def _places(rows: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, int]]:
    end = 0
    for row in rows:
        start, end = end, end + row["tokens"]
        yield {"from": start, "to": end}


def _kept(question: str, stated: Sequence[Statement], model: ChatModel, reply: int) -> int:
    """How many of the sentences the coach's own prompt keeps in this window."""
    if not stated:
        return 0
    try:
        asked = evidence_prompt(question, stated, model, max_tokens=reply).messages[-1].text
    except BackendError:
        return 0
    return next(n for n in range(len(stated), 0, -1) if asked == question_with_sources(question, stated[:n]))


def _what_falls_out(rows: Sequence[Mapping[str, Any]], model: ChatModel, anything: bool) -> tuple[str, ...]:
    if not anything:
        return ("The sources hold nothing on this question: the model is not asked, whatever its window.",)
    needed, window = sum(row["tokens"] for row in rows), model.context_window
    parts = [row for row in rows if row["part"] == "sentence"]
    kept = sum(row["stays"] for row in parts)
    if kept == len(parts):
        return (f"Everything fits: {needed:,} of {window:,} tokens, the room for the reply among them.",)
    if not kept:
        least = needed - sum(row["tokens"] for row in parts[1:])
        return (
            f"Nothing fits: the instructions, the question, the nearest passage and room for a reply need {least:,} tokens and the "
            f"window has {window:,}. The model is not asked, and the sources answer alone.",
        )
    gone = sum(row["tokens"] for row in parts[kept:])
    return (
        f"All of it would need {needed:,} tokens, and the window has {window:,}: the {len(parts) - kept} least near of "
        f"{len(parts)} sentences fall out ({gone:,} tokens).",
    )


def _answered(question: str, resources: Resources, tell: Tell) -> tuple[str, Reply]:
    """The sources' own words, shown first, and the reply as it ended."""
    at_once = ""
    stream = answer(question, (), resources)
    for words, event in enumerate(stream):
        if isinstance(event, Extracted):
            at_once = event.answer.text
        tell("The model answers" if isinstance(event, Token) else "Asking", 2, 3 if words else 4)
    return at_once, stream.result()


def _what_it_becomes(at_once: str, reply: Reply, model: ChatModel, seconds: float) -> list[str]:
    if not isinstance(reply, Answer):
        return [f"The answer becomes a refusal: {reply.text}"]
    if reply.mode != "generated":
        why = " ".join(reply.trace.notes) or reply.trace.backend_reason
        return [f"The sources speak alone: “{reply.text}”", *([why] if why else [])]
    said = [f"{model.name} answers after {seconds:.1f} s: “{reply.text}”"]
    if reply.left_out:
        said.append(
            f"{len(reply.left_out)} of its sentences were left out, since the sources do not carry them."
        )
    return [*said, f"The sources’ own sentences, which need no window: “{at_once}”"]


EXPERIMENT = Experiment(
    name="context-window",
    title="Drag the window down",
    explanation="A model reads only so many tokens (pieces of words) at once: instructions, examples, what was found, the question and "
    "its own reply all have to fit. Make the window smaller and look at what falls out first; then run it and see what the answer becomes.",
    quote="This involves understanding concepts like token limits, context windows, sampling strategies (temperature, top-p), and the "
    "practical implications of different model sizes and compute requirements.",
    question="Your assistant’s answers get worse as conversations grow longer. How would you find out whether the context window is to "
    "blame, and what would you leave out first?",
    kind="technical",
    controls=(
        Control("question", "Question", "How many interview rounds are typical for a Generative AI PM role?"),
        Control("window", "Window in tokens", 704, 128, 131072, stops=STOPS),
        Control("reads", "What the model is given to read", SENTENCES, choices=(SENTENCES, SECTION)),
    ),
    run=run,
    needs_model=True,
    preview=preview,
)
