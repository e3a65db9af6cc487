"""The nouns every step speaks: frozen, slotted, standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant"]
SentenceStatus = Literal["supported", "unsupported", "connective"]
SentenceOrigin = Literal["source", "model", "coach"]
RefusalReason = Literal["no_evidence", "off_topic", "blocked"]


@dataclass(frozen=True, slots=True)
class Document:
    """One source text. `source` is its path under `corpus/` or in the user's library."""

    id: str
    source: str
    title: str
    text: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: `document.text[start:end] == text`, always."""

    id: str
    document_id: str
    position: int
    headings: tuple[str, ...]
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk. `score` is higher for better; `rank` starts at 1.

    `sentence_scores` holds one score for each sentence that `coach.sentences.split_sentences`
    finds in the chunk's text, in order: the cosine of the sentence to the query.
    `also_in` names further sources with the same content.
    """

    chunk: Chunk
    source: str
    title: str
    score: float
    rank: int
    cosine: float = 0.0
    keyword: float = 0.0
    sentence_scores: tuple[float, ...] = ()
    also_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation or of a prompt."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Exact characters of a document: `document.text[start:end] == text`."""

    source: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence comes from. Made only by `verify` and `extract`; `support` is in 0..1."""

    span: Span
    passage: int
    support: float
    method: str = "verbatim"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a reply and what carries it."""

    text: str
    status: SentenceStatus
    citations: tuple[Citation, ...] = ()
    origin: SentenceOrigin = "model"


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one model call. `cached` prompt tokens were not computed again."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    @property
    def fresh(self) -> int:
        return max(0, self.prompt - self.cached)


@dataclass(frozen=True, slots=True)
class Trace:
    """How a reply came about: what the glass box shows. All times in milliseconds since the question."""

    query: str
    rewritten: bool = False
    backend: str = "extractive"
    backend_reason: str = ""
    model: str | None = None
    embedder: str = ""
    index_fingerprint: str = ""
    window: int = 0
    usage: Usage | None = None
    sampling: Mapping[str, float] = field(default_factory=dict)
    first_citation_ms: float | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    steps_ms: Mapping[str, float] = field(default_factory=dict)
    gate: Mapping[str, float] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply with its proof. `mode` says whether a language model spoke or the sources alone."""

    question: str
    standalone: str
    sentences: tuple[Sentence, ...]
    passages: tuple[Passage, ...]
    trace: Trace
    mode: Literal["extractive", "generated"] = "extractive"

    @property
    def text(self) -> str:
        """What the reader is shown as the answer: every sentence but the unsupported ones."""
        return " ".join(s.text for s in self.sentences if s.status != "unsupported")

    @property
    def left_out(self) -> tuple[Sentence, ...]:
        """What the model said that the sources do not carry."""
        return tuple(s for s in self.sentences if s.status == "unsupported")

    @property
    def grounding(self) -> float:
        """Share of the claims (connectives aside) that the sources carry, in 0..1."""
        claims = [s for s in self.sentences if s.status != "connective"]
        return sum(s.status == "supported" for s in claims) / len(claims) if claims else 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """An honest no: what was looked for, and the nearest passages."""

    question: str
    standalone: str
    reason: RefusalReason
    text: str
    nearest: tuple[Passage, ...]
    trace: Trace


Reply = Answer | Refusal
