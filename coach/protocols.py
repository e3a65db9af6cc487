"""The seams: what the steps ask of an embedder, an index and a chat model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from coach.errors import BackendError
from coach.types import Document, ModelFacts, Passage, Turn, Usage

Vectors = NDArray[np.float32]


class TokenVectors(NamedTuple):
    """A text taken apart: unit vectors of its tokens, of shape (tokens, any width), the (start, end) of each in characters, and
    the text's own unit vector, as `Embedder.embed` gives it."""

    vectors: Vectors
    spans: list[tuple[int, int]]
    own: Vectors


class IndexedVectors(NamedTuple):
    """What an index can find, as unit vectors: row n of `chunks` is that of `passages[n]` (unscored), `sentences` are those of their
    sentences, `questions` of what is written down for their documents."""

    passages: list[Passage]
    chunks: Vectors
    sentences: Vectors
    questions: Vectors


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies model and revision; two embedders with one name give the same vectors."""

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """Word pieces read of each text, special tokens included; the rest would be cut."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit rows of shape (len(texts), dimension), in the order of `texts`."""

    def embed_with_parts(
        self, texts: Sequence[str], parts: Sequence[Sequence[tuple[int, int]]]
    ) -> list[Vectors]:
        """For each text unit rows of shape (1 + len(parts[n]), dimension): its own vector, then one for each part.

        `parts[n]` are (start, end) in characters of `texts[n]`, in order and without overlap. A part is embedded as
        it stands in its text (late chunking: Günther et al. 2024, arXiv:2409.04701).
        """

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """For each text its tokens as they stand in it, special ones left out, and its own vector, from one pass over it."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens included, uncut."""


@runtime_checkable
class PassageIndex(Protocol):
    """What ingest wrote, ready to be searched."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the indexed content or the embedder changes."""

    @property
    def embedder_name(self) -> str: ...

    def __len__(self) -> int:
        """Chunks that can be found."""

    @property
    def collections(self) -> Mapping[str, int]:
        """How many documents each collection that can be searched holds, the committee's first."""

    def within(self, collections: Set[str]) -> PassageIndex:
        """The same index as if it held the documents of these collections alone."""

    def search(self, vector: Vectors, words: str, limit: int) -> list[Passage]:
        """Candidates for a query of shape (dimension,) and its words, unranked and unfused.

        Each passage carries `cosine`, `keyword` (BM25, scaled to 0..1 within this query) and
        `sentence_scores`; `score` and `rank` are 0. Up to `limit` from either side.
        """

    def vectors(self) -> IndexedVectors:
        """All that can be found, to be looked at rather than searched."""

    def document(self, source: str) -> Document:
        """The text a citation points into. Raises IndexMissingError for an unknown source."""

    def documents(self) -> list[Document]:
        """Every indexed document, in a stable order."""

    def vocabulary(self) -> frozenset[str]:
        """Every word of the documents, in lower case."""

    def knows(self, word: str) -> bool:
        """Whether the word, in whatever form, stands in a document, or is one that many questions have and that names nothing."""

    def close(self) -> None:
        """Let go of the files."""


class TokenStream(Iterator[str], Protocol):
    """Text as the model speaks it; an empty piece says that it is thinking, which is nothing to show as an answer.
    `usage` is known once the stream has ended."""

    usage: Usage | None

    def close(self) -> None:
        """Stop generating; nothing more will be read."""


@runtime_checkable
class ChatModel(Protocol):
    """A language model that can speak, and choose."""

    @property
    def name(self) -> str: ...

    @property
    def context_window(self) -> int:
        """Tokens that prompt and reply share."""

    @property
    def keeps_states(self) -> bool:
        """Whether what `remember` was given costs nothing to read again."""

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> TokenStream:
        """Speak. Raises BackendError with the next step when the model cannot.

        With `top_p` each token is drawn, after `temperature`, from the likeliest that together have that probability; without it
        the engine's own sampling is left as it is.
        """

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each short option as the reply's first word; sums to 1.

        Raises BackendError where the server gives no log-probabilities.
        """

    def next_tokens(self, messages: Sequence[Turn], count: int) -> Sequence[tuple[str, float]]:
        """The likeliest first tokens of the reply with the natural logarithm of their probability before any sampling, the likeliest
        first: `count` of them, or as many as the server lists.

        Raises BackendError where the server gives no log-probabilities.
        """

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`; an upper estimate where the server cannot tell."""

    def remember(self, messages: Sequence[Turn]) -> None:
        """Prefill this prefix now and keep it, so that prompts that begin with it start fast.

        Does nothing where the engine keeps no state.
        """

    def close(self) -> None:
        """Give memory back."""


@runtime_checkable
class ScoresText(Protocol):
    """A chat model that tells how likely each token of a given text is; few servers do."""

    @property
    def name(self) -> str: ...

    def score(self, text: str) -> Iterator[tuple[int, float, int]]:
        """For each token of `text` but the first, as it is computed: its place, the natural logarithm of its probability behind those
        before it, and how many tokens there are. Raises BackendError as `ChatModel.stream`."""


class Progress(Protocol):
    """Told a plain line, or how far something is when `total` (bytes) is given."""

    def __call__(self, line: str, done: int = 0, total: int = 0) -> None: ...


# What everybody reads where the setting `backend` is `none`: in the page, in the terminal, in a reply's trace.
NO_MODEL_USED = (
    "No chat model is used: replies are the sources' own sentences. Choose one in Settings, or with "
    "`coach settings set backend auto`."
)


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """Who speaks, ready to, and the reason in plain words. `model` is None where the sources speak alone.

    `leaves` says, where anything leaves this machine, what and where to; `caution` what else a user has to know of this
    model. Both are empty where there is nothing to say. `facts` are what is known of its file, None for nothing.
    """

    model: ChatModel | None
    backend: str
    reason: str
    leaves: str = ""
    caution: str = ""
    facts: ModelFacts | None = None

    def required(self) -> ChatModel:
        """The chat model. Raises BackendError, with the reason, where there is none."""
        if self.model is None:
            raise BackendError(self.reason)
        return self.model
