"""A fast draft and a slow refinement of the same question, side by side: waiting, tokens, and what changed."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.answer.flow import Extracted, Finished, answer
from coach.answer.resources import Resources
from coach.errors import UsageError
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.lab.varied import Varied
from coach.prompts import read_prompt
from coach.protocols import ChatModel, ChosenModel, TokenStream
from coach.types import Answer, ListedModel, Reply, Token, Turn

if TYPE_CHECKING:
    from coach.coach import Coach

BUILT_IN, OLLAMA = "built in", "Ollama"  # providers, as `coach models` lists them
NOBODY = "the sources’ own sentences"


@dataclass(frozen=True, slots=True)
class Timed:
    """A text, who wrote it and what was waited for, in milliseconds since the question."""

    who: str
    text: str
    first: float
    whole: float
    prompt: int = 0
    cached: int = 0
    reply: int = 0
    generated: bool = False
    left_out: int = 0


class Refining(Varied):
    """A chat model that is shown a draft and asked to improve it, where it would else have answered afresh."""

    def __init__(self, model: ChatModel, draft: str) -> None:
        super().__init__(model)
        self.draft = draft

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> TokenStream:
        wish = Turn("user", read_prompt("lab/refine"))
        asked = (*messages, Turn("assistant", self.draft), wish)
        return super().stream(asked, max_tokens=max_tokens, temperature=temperature, top_p=top_p)


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """Draft and refinement. Raises UsageError for a model that is not here, BackendError where one cannot speak."""
    question = str(controls["question"])
    here = [one for one in coach.models().models if one.size and not one.state and one.fits is not False]
    slow = _named(str(controls["slow"]), here) or _speaking(here)
    fast = _named(str(controls["fast"]), here) or _smaller(here, slow)
    tell("Loading the slow model", 0, 3)
    refiner = _opened(coach, slow)
    if fast is None or fast == slow:
        draft, refined = _by_one(coach, question, refiner, tell)
        why = _why_one(here, refiner)
    else:
        tell(f"{fast.name} drafts", 1, 3)
        draft = _one(coach, question, _opened(coach, fast), tell)
        tell(f"{refiner.model.name if refiner.model else ''} refines", 2, 3)
        shown = Refining(refiner.required(), draft.text)
        refined = _one(coach, question, ChosenModel(shown, refiner.backend, refiner.reason), tell)
        why = ""
    rows = [_row("fast draft", draft), *([_row("slow refinement", refined)] if refined is not None else [])]
    findings = [*([why] if why else []), *_findings(draft, refined)]
    who = " and ".join(dict.fromkeys([draft.who, *([refined.who] if refined is not None else [])]))
    return Outcome(tuple(rows), tuple(findings), measured(who), extra={"changes": _changes(draft, refined)})


def _named(name: str, here: Sequence[ListedModel]) -> ListedModel | None:
    """The model of this name, None where none is named."""
    name = name.strip()
    if not name:
        return None
    found = next((one for one in here if one.name.casefold() == name.casefold()), None)
    if found is None:
        known = ", ".join(one.name for one in here) or "none"
        raise UsageError(
            f"There is no model `{name}` here that fits: the models here are {known}. See `coach models`."
        )
    return found


def _speaking(here: Sequence[ListedModel]) -> ListedModel | None:
    return next((one for one in here if one.chosen), None)


def _smaller(here: Sequence[ListedModel], slow: ListedModel | None) -> ListedModel | None:
    """The smallest model that is smaller than the slow one."""
    smaller = [one for one in here if slow is not None and one.size < slow.size]
    return min(smaller, key=lambda one: one.size, default=None)


def _opened(coach: Coach, model: ListedModel | None) -> ChosenModel:
    """The model, loaded: the coach's own where it is that or none is named."""
    if model is None or model.chosen:
        return coach.chosen_model()
    from coach.coach import Coach as Other

    if model.provider == BUILT_IN:
        chosen = coach.settings.model_copy(update={"backend": "embedded"})
        return Other(chosen, coach.embedder, coach.index, keeps=False).chosen_model()
    with (
        tempfile.TemporaryDirectory() as home
    ):  # opening one makes it the user's choice there, and nowhere else
        other = {"backend": "ollama", "model": model.name, "home": Path(home)}
        settings = coach.settings.model_copy(update=other)
        return Other(settings, coach.embedder, coach.index, keeps=False).chosen_model()


def _by_one(coach: Coach, question: str, chosen: ChosenModel, tell: Tell) -> tuple[Timed, Timed | None]:
    """With one model: the sources' own sentences are the draft, and what the model makes of them the refinement."""
    timed = list(_timed(coach, question, chosen, tell))
    draft = timed[0]
    refined = timed[-1] if len(timed) > 1 and timed[-1].generated else None
    return draft, refined


def _one(coach: Coach, question: str, chosen: ChosenModel, tell: Tell) -> Timed:
    """What this model answers, checked, however it ended."""
    return list(_timed(coach, question, chosen, tell))[-1]


def _timed(coach: Coach, question: str, chosen: ChosenModel, tell: Tell) -> Iterator[Timed]:
    """The sources' sentences, where some were shown, and the reply as it ended."""
    began, first = time.perf_counter(), 0.0
    resources = Resources(
        coach.embedder, coach.index, lambda: chosen, coach.remembered_sections, coach.settings
    )
    shown = False
    for event in answer(question, (), resources):
        now = (time.perf_counter() - began) * 1000
        if isinstance(event, Token):
            first = first or now
            tell("Writing", 2, 3)
        elif isinstance(event, Extracted) and not shown:
            shown = True
            yield Timed(NOBODY, event.answer.text, now, now)
        elif isinstance(event, Finished):
            yield _ended(event.reply, chosen, first or now, now)


def _ended(reply: Reply, chosen: ChosenModel, first: float, whole: float) -> Timed:
    generated = isinstance(reply, Answer) and reply.mode == "generated"
    usage = reply.trace.usage
    return Timed(
        chosen.model.name if chosen.model is not None and generated else NOBODY,
        reply.text,
        first,
        whole,
        usage.prompt if usage else 0,
        usage.cached if usage else 0,
        usage.completion if usage else 0,
        generated,
        len(reply.left_out) if isinstance(reply, Answer) else 0,
    )


def _why_one(here: Sequence[ListedModel], refiner: ChosenModel) -> str:
    if refiner.model is None:
        return f"No language model speaks here, so there is a draft and no refinement. {refiner.reason}"
    return (
        f"There is no smaller model than {refiner.model.name} here, so the sources’ own sentences, found without a model, are the fast "
        "draft: it costs no tokens, and nobody worded it. With two models the draft would be worded too, and you would see what their size "
        "alone changes: in waiting, in tokens, in the text. Name two of your Ollama above; `coach models` lists them."
    )


def _row(step: str, timed: Timed) -> dict[str, Any]:
    return {
        "step": step,
        "who": timed.who,
        "first_ms": round(timed.first, 1),
        "whole_ms": round(timed.whole, 1),
        "prompt_tokens": timed.prompt,
        "of_them_remembered": timed.cached,
        "reply_tokens": timed.reply,
        "words": len(timed.text.split()),
        "left_out": timed.left_out,
        "text": timed.text,
    }


def _findings(draft: Timed, refined: Timed | None) -> Iterator[str]:
    yield f"The draft, by {draft.who}, is there after {draft.whole / 1000:.2f} s."
    if refined is None:
        return
    yield (
        f"The refinement, by {refined.who}, begins after {refined.first / 1000:.2f} s and is whole and checked after "
        f"{refined.whole / 1000:.2f} s: {refined.whole / max(draft.whole, 0.1):,.0f} times the wait, for {refined.reply:,} tokens written "
        f"and {refined.prompt:,} read ({refined.cached:,} of them remembered)."
    )
    changed = Counter[str]()
    for kind, text in _changes(draft, refined):
        changed[kind] += len(text.split())
    yield f"From the one to the other {changed['gone']} words went, {changed['added']} came and {changed['kept']} stayed."
    if refined.left_out:
        yield f"{refined.left_out} of the model’s sentences were left out, since the sources do not carry them."


def _changes(draft: Timed, refined: Timed | None) -> list[tuple[str, str]]:
    """The refinement word by word against the draft: stretches that were kept, gone or added."""
    if refined is None:
        return []
    before, after = draft.text.split(), refined.text.split()
    found: list[tuple[str, str]] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("kept", " ".join(after[c:d])))
            continue
        found += [
            (name, " ".join(words)) for name, words in (("gone", before[a:b]), ("added", after[c:d])) if words
        ]
    return found


EXPERIMENT = Experiment(
    name="fast-and-slow",
    title="A fast draft, a slow refinement",
    explanation="Something quick answers first, something slower and larger improves it. Run it, and compare how long you wait for each, "
    "how many tokens (pieces of words) each costs, and what the wait changed in the text.",
    quote="They articulated how a simpler, faster model could be used for initial drafts, with a more powerful, slower model for "
    "refinement, and how this would impact infrastructure costs and user experience.",
    question="Your generation feature takes eight seconds. Would you put a small, fast model in front of it, and how would you decide?",
    kind="technical",
    controls=(
        Control("question", "Question", "What technical skills are essential for a Generative AI PM?"),
        Control("fast", "Fast model (empty: the smallest one here)", ""),
        Control("slow", "Slow model (empty: the one that speaks)", ""),
    ),
    run=run,
    needs_model=True,
)
