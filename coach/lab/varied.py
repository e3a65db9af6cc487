"""A chat model of which one thing is varied, and all else is its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coach.protocols import ChatModel, TokenStream
from coach.types import Turn


class Varied:
    """A ChatModel that passes everything on to another. It remembers nothing there and closes nothing: the other goes on in use."""

    def __init__(
        self, model: ChatModel, *, context_window: int | None = None, keeps_states: bool | None = None
    ) -> None:
        self.model = model
        self.name = model.name
        self.context_window = model.context_window if context_window is None else context_window
        self.keeps_states = model.keeps_states if keeps_states is None else keeps_states

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> TokenStream:
        return self.model.stream(messages, max_tokens=max_tokens, temperature=temperature, top_p=top_p)

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        return self.model.choose(messages, options)

    def next_tokens(self, messages: Sequence[Turn], count: int) -> Sequence[tuple[str, float]]:
        return self.model.next_tokens(messages, count)

    def count_tokens(self, text: str) -> int:
        return self.model.count_tokens(text)

    def remember(self, messages: Sequence[Turn]) -> None:
        return None

    def close(self) -> None:
        return None
