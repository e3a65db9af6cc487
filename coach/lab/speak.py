"""Have the chat model say one reply in an experiment, timed, and silent at once where the run is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coach.protocols import ChatModel
from coach.types import Turn, Usage


@dataclass(frozen=True, slots=True)
class Said:
    """A reply, what it took, and whether the limit of tokens `cut` it."""

    text: str
    seconds: float
    usage: Usage
    cut: bool


def speak(
    model: ChatModel,
    messages: Sequence[Turn],
    *,
    max_tokens: int,
    at_each_piece: Callable[[], None],
    temperature: float = 0.0,
    top_p: float | None = None,
) -> Said:
    """The model's reply. `at_each_piece` may raise, which ends the model's speaking too. Raises BackendError as the model does."""
    began = time.perf_counter()
    stream = model.stream(messages, max_tokens=max_tokens, temperature=temperature, top_p=top_p)
    said = ""
    try:
        for piece in stream:
            said += piece
            at_each_piece()
    finally:
        stream.close()
    usage = stream.usage or Usage()
    return Said(said.strip(), time.perf_counter() - began, usage, usage.completion >= max_tokens)
