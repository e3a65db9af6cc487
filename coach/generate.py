"""Compose the prompt inside the context window: the stable part first, the question last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach.answer_type import Stated
from coach.errors import BackendError
from coach.prompts import fill_prompt
from coach.protocols import ChatModel
from coach.sections import Section
from coach.types import Passage, Turn

TEMPLATE_TOKENS = 24  # chat-template tokens around messages, an upper estimate for the templates in use
SECTION_SHARE = 0.5  # of the window: a longer section is not given whole
MAX_HISTORY_TURNS = 4
MAX_PASSAGES = (
    4  # about 800 tokens: what two cores without a GPU read in twenty seconds, and a small model can weigh
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages that fit the window, and what had to be dropped so that they do."""

    messages: tuple[Turn, ...]
    dropped: tuple[str, ...]
    section: Section | None = None


def compose(
    question: str,
    history: Sequence[Turn],
    passages: Sequence[Passage],
    sections: Sequence[Section],
    chat_model: ChatModel,
    *,
    max_tokens: int,
    template: str = "answer_question",
) -> Prompt:
    """A prompt of at most `context_window - max_tokens` tokens.

    Instructions, question and newest turns survive. Where the best passage stands in one of `sections`
    (those whose state the engine keeps) that whole section is the source: a small model answers
    better from one section than from many, and only the question is new to the engine. Otherwise
    the passages are the source, in a stable order, dropped from the weakest. Raises BackendError
    when the question alone is too long.
    """
    budget = chat_model.context_window - max_tokens - TEMPLATE_TOKENS
    asked = Turn("user", fill_prompt(template, question=question))
    fixed = chat_model.count_tokens(asked.text) + chat_model.count_tokens(
        fill_prompt("answer_system", sources="")
    )
    if fixed > budget:
        raise BackendError(
            f"The question needs {fixed} tokens and {chat_model.name} reads {budget}: shorten it, or raise "
            "`context_window` in coach.toml."
        )
    room = budget - fixed
    turns, dropped_turns, room = _newest_turns(history, chat_model, room)
    section = _section_of(passages, sections, chat_model, room)
    dropped: tuple[str, ...] = ()
    if section is not None:
        sources = section_text(section)
    else:
        sources, dropped = _passages_within(passages, chat_model, room)
    system = Turn("system", fill_prompt("answer_system", sources=sources))
    return Prompt((system, *turns, asked), (*dropped_turns, *dropped), section)


def compose_check(question: str, sentences: Sequence[Stated]) -> tuple[Turn, ...]:
    """The prompt that asks whether these sentences, each under its heading, state the answer."""
    passages = "\n\n".join(f"{sentence.heading}: {sentence.text}" for sentence in sentences)
    return (
        Turn("system", fill_prompt("sufficiency_check_system")),
        Turn("user", fill_prompt("sufficiency_check", passages=passages, question=question)),
    )


def section_prefix(section: Section) -> tuple[Turn, ...]:
    """The stable part of every prompt on `section`: what the engine should remember."""
    return (Turn("system", fill_prompt("answer_system", sources=section_text(section))),)


def section_text(section: Section) -> str:
    """The section as the prompt gives it: its innermost heading, then its text."""
    return f"## {section.headings[-1]}\n{section.text}"


def _newest_turns(
    history: Sequence[Turn], chat_model: ChatModel, room: int
) -> tuple[tuple[Turn, ...], tuple[str, ...], int]:
    kept: list[Turn] = []
    recent = list(history)[-MAX_HISTORY_TURNS:]
    for turn in reversed(recent):
        cost = chat_model.count_tokens(turn.text) + 8
        if cost > room // 2:
            break
        kept.insert(0, turn)
        room -= cost
    missing = len(recent) - len(kept)
    dropped = (f"{missing} older turn{'s' if missing > 1 else ''}",) if missing else ()
    return tuple(kept), dropped, room


def _section_of(
    passages: Sequence[Passage], sections: Sequence[Section], chat_model: ChatModel, room: int
) -> Section | None:
    """The remembered section that holds the best passage, if it fits."""
    for section in sections:
        if passages and section.holds(passages[0]):
            cost = chat_model.count_tokens(section_text(section))
            return section if cost <= min(room, SECTION_SHARE * chat_model.context_window) else None
    return None


def _passages_within(
    passages: Sequence[Passage], chat_model: ChatModel, room: int
) -> tuple[str, tuple[str, ...]]:
    kept: list[Passage] = []
    dropped: list[str] = []
    for passage in sorted(passages, key=lambda passage: passage.rank):
        cost = chat_model.count_tokens(_passage_text(passage)) + 2
        if cost <= room and len(kept) < MAX_PASSAGES:
            kept.append(passage)
            room -= cost
        else:
            dropped.append(
                f"passage {passage.rank} ({passage.source}:{passage.chunk.start}-{passage.chunk.end})"
            )
    kept.sort(key=lambda passage: (passage.source, passage.chunk.start))
    return "\n\n".join(_passage_text(passage) for passage in kept), tuple(dropped)


def _passage_text(passage: Passage) -> str:
    heading = " > ".join(passage.chunk.headings) or passage.title
    return f"## {heading}\n{passage.chunk.text}"
