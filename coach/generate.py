"""Compose the prompt inside the context window: the stable part first, the question last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach.errors import BackendError
from coach.prompts import fill_prompt
from coach.protocols import ChatModel
from coach.types import Document, Passage, Turn

TEMPLATE_TOKENS = 24  # chat-template tokens around messages, an upper estimate for the templates in use
WHOLE_DOCUMENT_SHARE = 0.5  # of the window: a document that fits is given whole, so that its state can be kept
MAX_HISTORY_TURNS = 4


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages that fit the window, and what had to be dropped so that they do."""

    messages: tuple[Turn, ...]
    dropped: tuple[str, ...]
    whole_document: str | None = None


def compose(
    question: str,
    history: Sequence[Turn],
    passages: Sequence[Passage],
    documents: Sequence[Document],
    chat_model: ChatModel,
    *,
    max_tokens: int,
    template: str = "answer_question",
) -> Prompt:
    """A prompt of at most `context_window - max_tokens` tokens.

    Instructions, question and newest turns survive. Where the best passages stand in one of
    `documents` (those whose state the engine keeps), the whole document takes their place, in its
    own order, so that only the question is new to the engine. Otherwise passages are given in a
    stable order and dropped from the weakest. Raises BackendError when the question alone is too long.
    """
    budget = chat_model.context_window - max_tokens - TEMPLATE_TOKENS
    asked = Turn("user", fill_prompt(template, question=question))
    fixed = chat_model.count_tokens(asked.text) + chat_model.count_tokens(fill_prompt("answer_system", sources=""))
    if fixed > budget:
        raise BackendError(
            f"The question needs {fixed} tokens and {chat_model.name} reads {budget}: shorten it, or raise "
            "`context_window` in coach.toml."
        )
    room = budget - fixed
    turns, dropped_turns, room = _newest_turns(history, chat_model, room)
    whole = _document_of(passages, documents, chat_model, room)
    if whole is not None:
        sources, dropped = source_text(whole), ()
    else:
        sources, dropped = _passages_within(passages, chat_model, room)
    system = Turn("system", fill_prompt("answer_system", sources=sources))
    return Prompt((system, *turns, asked), (*dropped_turns, *dropped), whole.source if whole else None)


def document_prefix(document: Document) -> tuple[Turn, ...]:
    """The stable part of every prompt on `document`: what the engine should remember."""
    return (Turn("system", fill_prompt("answer_system", sources=source_text(document))),)


def fits_whole(document: Document, chat_model: ChatModel) -> bool:
    """Whether `document` is small enough to be given whole."""
    limit = WHOLE_DOCUMENT_SHARE * chat_model.context_window
    return len(document.text) < 8 * limit and chat_model.count_tokens(document.text) <= limit


def source_text(document: Document) -> str:
    return document.text.strip()


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


def _document_of(
    passages: Sequence[Passage], documents: Sequence[Document], chat_model: ChatModel, room: int
) -> Document | None:
    """The one remembered document that holds the three best passages, if it fits."""
    sources = {passage.source for passage in passages[:3]}
    for document in documents:
        if sources == {document.source} and fits_whole(document, chat_model):
            return document if chat_model.count_tokens(document.text) <= room else None
    return None


def _passages_within(
    passages: Sequence[Passage], chat_model: ChatModel, room: int
) -> tuple[str, tuple[str, ...]]:
    kept: list[Passage] = []
    dropped: list[str] = []
    for passage in sorted(passages, key=lambda passage: passage.rank):
        cost = chat_model.count_tokens(_passage_text(passage)) + 2
        if cost <= room:
            kept.append(passage)
            room -= cost
        else:
            dropped.append(f"passage {passage.rank} ({passage.source}:{passage.chunk.start}-{passage.chunk.end})")
    kept.sort(key=lambda passage: (passage.source, passage.chunk.start))
    return "\n\n".join(_passage_text(passage) for passage in kept), tuple(dropped)


def _passage_text(passage: Passage) -> str:
    heading = " > ".join(passage.chunk.headings) or passage.title
    return f"## {heading}\n{passage.chunk.text}"
