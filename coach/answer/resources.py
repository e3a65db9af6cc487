"""What a question is answered with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coach.protocols import ChosenModel, Embedder, PassageIndex
from coach.settings import Settings
from coach.types import Statement


@dataclass(frozen=True, slots=True)
class Resources:
    """Embedder, index, chat model and settings, the same for every question.

    `chosen` is called only where a chat model is needed, so that the sources' own sentences never wait for a model to
    load; `sections` gives those whose state the model keeps.
    """

    embedder: Embedder
    index: PassageIndex
    chosen: Callable[[], ChosenModel]
    sections: Callable[[], Sequence[Statement]]
    settings: Settings

    @property
    def may_ask_a_model(self) -> bool:
        """Whether the settings let a chat model have a word at all."""
        return self.settings.backend != "none"
