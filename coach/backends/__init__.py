"""The outside world, one file per vendor. These functions are all the rest of the coach needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coach.protocols import ChosenModel, Embedder, PassageIndex
    from coach.settings import Settings
    from coach.types import ModelList


def load_embedder(settings: Settings) -> Embedder:
    """The embedding model of `settings`, ready to embed.

    Raises ModelMissingError when its files are not there or not whole.
    """
    from coach.backends.openvino import load_openvino_embedder

    return load_openvino_embedder(settings)


def load_index(settings: Settings, embedder_name: str | None = None) -> PassageIndex:
    """The index that the last ingest left. Raises IndexMissingError, or IndexMismatchError for another embedder."""
    from coach.backends.chroma import open_index

    return open_index(settings.index_folder, embedder_name, server=settings.chroma_url)


def load_chat_model(settings: Settings) -> ChosenModel:
    """The chat model of `settings`, with the reason for the choice. Raises BackendError where it was named and fails."""
    from coach.backends.chat import load_chat_model as load

    return load(settings)


def list_chat_models(settings: Settings) -> ModelList:
    """Every chat model there is here, and which would speak; nothing is loaded, and nothing asked of a hosted one."""
    from coach.backends.chat import list_chat_models as listed

    return listed(settings)


def who_may_speak(settings: Settings) -> dict[str, str]:
    """What the setting `backend` may be, each with who that is."""
    from coach.backends.chat import BACKENDS

    return {name: backend.speaks(settings) for name, backend in BACKENDS.items()}


def may_leave(settings: Settings) -> bool:
    """Whether, by the settings alone, a chat model could be somewhere else than on this machine."""
    from coach.backends.chat import may_leave as may

    return may(settings)


def server_elsewhere(settings: Settings) -> str:
    """What would leave for the model server of the settings, as a sentence; empty where that is this machine."""
    from coach.backends.chat import server_elsewhere as elsewhere

    return elsewhere(settings)


def index_elsewhere(settings: Settings) -> str:
    """What leaves for the Chroma server of the settings, as a sentence; empty where that is this machine or none is used."""
    from coach.backends.machine import elsewhere

    host = elsewhere(settings.chroma_url) if settings.chroma_url else ""
    if not host:
        return ""
    return f"The Chroma server {host} is another machine: the numbers made of your documents and questions go there, not their words."
