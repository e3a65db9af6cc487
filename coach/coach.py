"""The coach: holds the embedder, the index, the chat model and the settings, and starts the flows."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from coach.backends import load_chat_model, load_embedder, load_index
from coach.errors import BackendError, CoachError, UsageError
from coach.settings import Settings, load_settings
from coach.types import Document, Turn

if TYPE_CHECKING:
    from coach.answer import AnswerStream, Voice
    from coach.protocols import ChatModel, Embedder, PassageIndex

HistoryTurn = Turn | str | Mapping[str, str]


class Coach:
    """One loaded coach, safe to share between conversations.

    The chat model loads when it is first needed (or in `warm`), never before the sources' own
    sentences are on screen.
    """

    def __init__(
        self, settings: Settings, embedder: Embedder, index: PassageIndex, voice: Voice | None = None
    ) -> None:
        self.settings = settings
        self.embedder = MemoryEmbedder(embedder)
        self.index = index
        self._voice = voice
        self._voice_lock = threading.Lock()

    @classmethod
    def load(cls, settings: Settings | None = None, *, chat_model: Any = None, **overrides: Any) -> Coach:
        """Load embedder and index. `overrides` are settings by name; `chat_model` may be any ChatModel
        or LangChain `BaseChatModel`, and then speaks instead of the configured one.

        Raises SettingsError, ModelMissingError, IndexMissingError or IndexMismatchError.
        """
        settings = settings or load_settings(**overrides)
        embedder = load_embedder(settings)
        index = load_index(settings, embedder.name)
        return cls(settings, embedder, index, _given_voice(chat_model) if chat_model is not None else None)

    def answer(self, question: str, history: Iterable[HistoryTurn] = ()) -> AnswerStream:
        """Answer `question`; `history` holds earlier turns, oldest first (plain texts are the user's)."""
        from coach.answer import answer

        return answer(
            question,
            [as_turn(turn) for turn in history],
            embedder=self.embedder,
            index=self.index,
            voice=self.voice,
            documents=self.remembered_documents,
            settings=self.settings,
        )

    def voice(self) -> Voice:
        """The chat model and why it was chosen; loads it on the first call."""
        with self._voice_lock:
            if self._voice is None:
                self._voice = load_chat_model(self.settings)
            return self._voice

    @property
    def backend(self) -> str:
        """Who speaks: known once the chat model is loaded, else what the settings ask for."""
        if self._voice is not None:
            return self._voice.backend if self._voice.model else "none"
        return self.settings.backend

    @property
    def backend_reason(self) -> str:
        """Why that one, in a sentence."""
        if self._voice is not None:
            return self._voice.reason
        if self.settings.backend == "none":
            return "The setting `backend` is `none`: the sources speak alone."
        return "The chat model loads with the first question."

    @property
    def model_name(self) -> str | None:
        """The chat model's name, once loaded."""
        return self._voice.model.name if self._voice is not None and self._voice.model is not None else None

    def document(self, source: str) -> Document:
        """The text a citation points into. Raises IndexMissingError for an unknown source."""
        return self.index.document(source)

    def documents(self) -> list[Document]:
        """Every indexed document."""
        return self.index.documents()

    def remembered_documents(self) -> list[Document]:
        """The bundled guides: short enough to be given whole, and asked about again and again."""
        return [document for document in self.index.documents() if document.source.startswith("guides/")]

    def warm(self, progress: Any = None) -> None:
        """Load the chat model, and have the engine remember what every prompt begins with.

        The first time this prefills each guide (about a minute on two cores) and keeps the state on
        disk; later it costs a second. `progress(done, total, name)` is called before each guide.
        """
        from coach.extract import extract_texts
        from coach.generate import document_prefix, fits_whole

        self.embedder.embed(extract_texts(self.index.documents()))
        if self.settings.backend == "none":
            return
        model = self.voice().model
        if model is None:
            return
        guides = [guide for guide in self.remembered_documents() if fits_whole(guide, model)]
        for number, guide in enumerate(guides):
            if progress is not None:
                progress(number, len(guides), guide.source)
            model.remember(document_prefix(guide))

    def reload(self) -> None:
        """Read the index again after an ingest; the chat model stays loaded."""
        self.index = load_index(self.settings, self.embedder.name)

    def require_voice(self) -> ChatModel:
        """The chat model. Raises BackendError when there is none."""
        voice = self.voice()
        if voice.model is None:
            raise BackendError(voice.reason)
        return voice.model

    def retriever(self, limit: int | None = None) -> Any:
        """A LangChain `BaseRetriever` over the same retrieval."""
        from coach.backends.langchain_retriever import CoachRetriever

        return CoachRetriever.over(self, limit or self.settings.passages)

    def close(self) -> None:
        """Give the chat model's memory back."""
        if self._voice is not None and self._voice.model is not None:
            self._voice.model.close()


class MemoryEmbedder:
    """An Embedder that remembers what it has embedded: a sentence of the sources is embedded once a process."""

    LIMIT = 20_000  # vectors kept, 30 MB at 384 dimensions

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Any] = {}
        self.name = embedder.name
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens

    def embed(self, texts: Any) -> Any:
        """As the embedder itself, computing only what is new."""
        import numpy as np

        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if len(self._known) + len(new) > self.LIMIT:
            self._known.clear()
            new = list(dict.fromkeys(texts))
        if new:
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])

    def count_tokens(self, texts: Any) -> list[int]:
        return self._embedder.count_tokens(texts)


def as_turn(turn: HistoryTurn) -> Turn:
    """A turn from a Turn, a plain user text, or a mapping with `role` and `text` (or `content`).

    Raises UsageError for anything else.
    """
    if isinstance(turn, Turn):
        return turn
    if isinstance(turn, str):
        return Turn("user", turn)
    if isinstance(turn, Mapping):
        role, text = turn.get("role", "user"), turn.get("text", turn.get("content"))
        if role in ("user", "assistant") and isinstance(text, str):
            return Turn("user" if role == "user" else "assistant", text)
    raise UsageError(
        'Each turn of the history is a text, or {"role": "user" or "assistant", "text": "..."}: mend it and run again.'
    )


def _given_voice(chat_model: Any) -> Voice:
    from coach.backends.chat import LoadedChatModel
    from coach.protocols import ChatModel as ChatModelSeam

    if isinstance(chat_model, ChatModelSeam):
        return LoadedChatModel(chat_model, "given", "This chat model was passed in.")
    from coach.backends.langchain import LangChainChatModel

    return LoadedChatModel(LangChainChatModel(chat_model), "langchain", "This LangChain chat model was passed in.")


__all__ = ["Coach", "CoachError"]
