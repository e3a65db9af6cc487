"""Stand-ins for the seams, shared by the tests."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from coach.answer.flow import AnswerStream, Event, Extracted, Finished
from coach.coach import Coach
from coach.errors import BackendError, CoachError, IngestError
from coach.practice.readiness import Readiness
from coach.practice.schedule import Queue
from coach.practice.stories import Match
from coach.protocols import TokenVectors, Vectors
from coach.settings import corpus_folder, load_settings
from coach.standing import ExportForm, bring_back, current_queue, current_readiness, export, here_and_now
from coach.store.stories import StoryStore
from coach.text.sentences import split_sentences
from coach.types import (
    COMMITTEE,
    Answer,
    Candidate,
    Chunk,
    Citation,
    Collection,
    Document,
    ModelFacts,
    ModelList,
    Passage,
    PromptPart,
    Refusal,
    Search,
    Sentence,
    Span,
    StepStarted,
    Token,
    Trace,
    Turn,
    Usage,
    WeighedPart,
    WeighedSentence,
)
from ingest.manifest import Changes
from ingest.pipeline import IngestReport
from tests.builders import document
from tests.critique_fakes import PACE, FakeCritic

SPOKEN = "A typical loop has 5-7 rounds and takes 6-8 weeks. Bring snacks for the panel."


class FakeIndex:
    """As much of an index as the pages look at."""

    fingerprint = "0123456789abcdef0123"
    embedder_name = "all-MiniLM-L6-v2"

    def __len__(self) -> int:
        return 34


class FakeCoach(FakeCritic):
    """Answers every question from the article without searching.

    Scripted: a question with `unknown` is refused, with `fail` raises `error`, with `crash` something
    unforeseen, with `sources only` is answered without a model; `slowly` at a pace that a test can follow
    (`very slowly`: long enough to be stopped on a busy machine).
    """

    backend = "embedded"
    backend_reason = "Ollama is not running, so the built-in model answers."

    def __init__(self, *, model_name: str | None = "Qwen2.5-Coder-1.5B-Instruct") -> None:
        super().__init__()
        self.model_name = model_name
        self.model_list = ModelList((), "Nobody speaks.")
        self.index: FakeIndex | None = FakeIndex()
        self.error: CoachError = BackendError(
            "The model file is not there any more: run `coach models pull`."
        )
        self.asked: list[tuple[str, tuple[Turn, ...]]] = []
        self.settings = load_settings()
        self.ingests = 0
        article = corpus_folder() / "guides" / "generative-ai-pm-skillset-interview-prep.md"
        self.article = replace(
            document(article.read_text(encoding="utf-8"), f"guides/{article.name}"),
            title="Generative AI PM skillset: interview prep",
            collection=COMMITTEE,
        )

    def documents(self) -> list[Document]:
        return [self.article]

    def document(self, source: str) -> Document:
        return self.article

    def collections(self) -> tuple[Collection, ...]:
        return (Collection(COMMITTEE, "The committee's article", 1),)

    default_collections = Coach.default_collections
    missing_collections = Coach.missing_collections

    def ingest(self, progress: Callable[[str, int, int], None]) -> IngestReport:
        progress("Embedding", 1, 2)
        if isinstance(self.error, IngestError):
            raise self.error
        self.ingests += 1
        return IngestReport(
            changes=Changes((), (), (), (self.article.source,)),
            skipped=(),
            chunks_total=34,
            chunks_embedded=0,
            questions_embedded=0,
            words=0,
            seconds=0.1,
        )

    @property
    def stories(self) -> StoryStore:
        return StoryStore(self.settings.home)

    def matching_stories(self, question: str) -> tuple[Match, ...]:
        """Those that share a word with the question, else the first, of which it is not sure."""
        words = set(re.findall(r"\w{4,}", question.lower()))
        matches = [
            Match(one, float(bool(words & set(re.findall(r"\w{4,}", one.text.lower())))))
            for one in self.stories.list()
        ]
        return tuple(one for one in matches if one.sure) or tuple(matches[:1])

    def readiness(self) -> Readiness:
        return current_readiness(self.settings.home, self.rubrics(), here_and_now(), {})

    def practice_queue(self) -> Queue:
        return current_queue(self.settings.home, self.rubrics(), here_and_now(), ())

    def export_progress(self, form: ExportForm) -> bytes:
        return export(self.settings.home, self.rubrics(), form, here_and_now(), {}, ())

    def import_progress(self, text: str) -> tuple[int, int, int]:
        return bring_back(self.settings.home, text)

    def warm(self) -> None:
        return None

    def close(self) -> None:
        return None

    def models(self) -> ModelList:
        return self.model_list

    def answer(
        self,
        question: str,
        history: Sequence[Turn] = (),
        collections: Sequence[str] | None = None,
        *,
        before_model: Callable[[], None] | None = None,
        unmasked: Sequence[str] = (),
    ) -> AnswerStream:
        self.asked.append((question, tuple(history)))
        self.let_pass += filter(None, [unmasked])
        return AnswerStream(self._events(question, before_model or (lambda: None)))

    def passage(self, heading: str, paragraph: str, rank: int = 1) -> Passage:
        """The paragraph of the article that begins with these words."""
        start = self.article.text.index(paragraph)
        end = self.article.text.find("\n\n", start)
        end = len(self.article.text) if end < 0 else end
        chunk = Chunk(f"c{rank}", "article", rank, (heading,), self.article.text[start:end], start, end)
        score = 0.9 - rank / 10
        return Passage(
            chunk, self.article.source, self.article.title, score, rank, 0.71, 0.64, collection=COMMITTEE
        )

    def _events(self, question: str, before_model: Callable[[], None]) -> Iterator[Event]:
        yield StepStarted("Reading the question")
        if "crash" in question:
            raise RuntimeError("a detail that belongs in the log")
        yield StepStarted("Searching the sources")
        passages = self._passages()
        if "unknown" in question:
            yield Finished(self._refusal(question, passages))
            return
        answer = self._extracted(question, passages)
        yield Extracted(answer)
        if "fail" in question:
            raise self.error
        if self.model_name is None or "sources only" in question:
            yield Finished(answer)
            return
        yield StepStarted("Writing")
        before_model()
        pace = 4 * PACE if "very slowly" in question else PACE if "slowly" in question else 0
        for word in SPOKEN.split():
            time.sleep(pace)
            yield Token(f"{word} ")
        yield StepStarted("Checking every sentence")
        yield Finished(self._generated(answer))

    def _passages(self) -> tuple[Passage, ...]:
        return (
            self.passage(
                "How many interview rounds are typical for a Generative AI PM role?", "A typical Gen"
            ),
            self.passage(
                "What salary can a Generative AI PM expect at a FAANG company?", "Generative AI PMs at", 2
            ),
            self.passage("Preparation Checklist", "- Master the fundamentals", 3),
        )

    def _cited(self, passages: Sequence[Passage], place: int, text: str) -> Citation:
        start = self.article.text.index(text)
        span = Span(self.article.source, start, start + len(text), text)
        return Citation(span, place, 1.0, collection=COMMITTEE)

    def _extracted(self, question: str, passages: tuple[Passage, ...]) -> Answer:
        sentences = []
        for place in (0, 1):
            text = passages[place].chunk.text
            start, end = split_sentences(text)[0]
            citation = self._cited(passages, place, text[start:end])
            sentences.append(Sentence(text[start:end], "supported", (citation,), "source"))
        notes = ("No language model is here: run `coach models pull`.",) if self.model_name is None else ()
        trace = Trace(
            query=question,
            backend="extractive",
            backend_reason=self.backend_reason,
            embedder="all-MiniLM-L6-v2",
            index_fingerprint=FakeIndex.fingerprint,
            first_citation_ms=84.0,
            total_ms=96.0,
            steps_ms={"read": 1.0, "retrieve": 52.0, "extract": 24.0},
            gate={"best_cosine": 0.71},
            notes=notes,
            searches=(Search(question, len(passages), tuple(map(_looked_at, passages))),),
            parts=(WeighedPart(question, 0.91, "answered", 0.47, 0.65),),
            weighed=tuple(_weighed(passage) for passage in passages),
        )
        return Answer(question, question, tuple(sentences), passages, trace)

    def _generated(self, extracted: Answer) -> Answer:
        rounds = extracted.sentences[0].citations[0]
        weeks = self._cited(
            extracted.passages, 0, "The process often takes 6-8 weeks from initial contact to offer"
        )
        sentences = (
            Sentence(
                "A typical loop has 5-7 rounds and takes 6-8 weeks.",
                "supported",
                (rounds, replace(weeks, support=0.83, method="words")),
            ),
            Sentence("Bring snacks for the panel.", "unsupported"),
            extracted.sentences[1],
        )
        trace = replace(
            extracted.trace,
            backend="embedded",
            model=self.model_name,
            rewritten=True,
            usage=Usage(prompt=2410, cached=2304, completion=31),
            window=8192,
            first_token_ms=1240.0,
            total_ms=4180.0,
            dropped=("Preparation Checklist",),
            sampling={"temperature": 0.0, "max_tokens": 256.0},
            tokens_per_second=10.5,
            model_facts=ModelFacts(str(self.model_name), 1_117_320_768, "1.5B", "Apache-2.0", "Q4_K_M"),
            prompt=(
                PromptPart("Rules", "You read passages.", 300),
                PromptPart("What was found", extracted.passages[0].chunk.text, 2000),
                PromptPart("The question", extracted.question, 90),
            ),
        )
        return replace(extracted, sentences=sentences, mode="generated", trace=trace)

    def _refusal(self, question: str, passages: tuple[Passage, ...]) -> Refusal:
        text = f"Your sources do not answer this. I looked for “{question}” in 34 passages."
        return Refusal(
            question, question, "no_evidence", text, passages, Trace(query=question, total_ms=61.0)
        )


def _looked_at(passage: Passage) -> Candidate:
    start, end, rank = passage.chunk.start, passage.chunk.end, passage.rank
    return Candidate(
        passage.source,
        passage.heading,
        start,
        end,
        0.71,
        0.64,
        rank,
        rank,
        passage.score,
        rank,
        collection=COMMITTEE,
    )


def _weighed(passage: Passage) -> WeighedSentence:
    chunk = passage.chunk
    start, end = split_sentences(chunk.text)[0]
    return WeighedSentence(
        chunk.text[start:end],
        passage.source,
        chunk.start + start,
        chunk.start + end,
        passage.heading,
        passage.score,
        passage.rank < 3,
        COMMITTEE,
    )


@lru_cache(maxsize=50_000)
def _direction(name: str, dimension: int) -> Vectors:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest)).standard_normal(dimension)


class HashingEmbedder:
    """An Embedder that needs no model: texts that share words point the same way.

    `embedded` counts the texts it was handed.
    """

    max_tokens = 256

    def __init__(self, name: str = "hashing", dimension: int = 64) -> None:
        self.name = name
        self.dimension = dimension
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for place, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [text]:
                rows[place] += _direction(f"{self.name}/{word}", self.dimension)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_with_parts(
        self, texts: Sequence[str], parts: Sequence[Sequence[tuple[int, int]]]
    ) -> list[Vectors]:
        rows = [
            self.embed([text, *(text[start:end] for start, end in own)])
            for text, own in zip(texts, parts, strict=True)
        ]
        self.embedded -= sum(map(len, parts))
        return rows

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        found = []
        for text in texts:
            words = list(re.finditer(r"\w+", text))
            rows = (
                self.embed([word.group() for word in words])
                if words
                else np.zeros((0, self.dimension), np.float32)
            )
            found.append(TokenVectors(rows, [word.span() for word in words], self.embed([text])[0]))
        return found

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]


class ScriptedStream(Iterator[str]):
    """Says its pieces; `usage` is there once all are read."""

    def __init__(self, pieces: Sequence[str], usage: Usage) -> None:
        self.usage: Usage | None = None
        self._pieces = iter(pieces)
        self._usage = usage

    def __next__(self) -> str:
        try:
            return next(self._pieces)
        except StopIteration:
            self.usage = self.usage or self._usage
            raise

    def close(self) -> None:
        self._pieces = iter(())


class ScriptedChatModel:
    """A ChatModel that says `replies` in turn (the last one again and again) and leans to its `choices`.

    `choices` maps a word of the prompt to the option it makes likely (0.9); without a match all options
    are equally likely. `next_words` are the likeliest next tokens with their log-probabilities. `failure` is raised instead of speaking and choosing. `prompts`, `chosen_from`
    and `remembered` hold what it was handed.
    """

    name = "scripted"
    keeps_states = True

    def __init__(
        self,
        *replies: str,
        choices: dict[str, str] | None = None,
        next_words: Sequence[tuple[str, float]] = (),
        context_window: int = 8192,
        failure: CoachError | None = None,
    ) -> None:
        self.replies = replies or (SPOKEN,)
        self.choices = choices or {}
        self.next_words = next_words
        self.context_window = context_window
        self.failure = failure
        self.prompts: list[tuple[Turn, ...]] = []
        self.chosen_from: list[tuple[str, ...]] = []
        self.remembered: list[tuple[Turn, ...]] = []
        self.closed = False

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> ScriptedStream:
        prompt = self._prompt_tokens(messages)
        reply = self.replies[min(len(self.prompts), len(self.replies) - 1)]
        self.prompts.append(tuple(messages))
        pieces = re.findall(r"\S+\s*", reply)[:max_tokens]
        return ScriptedStream(pieces, Usage(prompt=prompt, completion=len(pieces)))

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> dict[str, float]:
        self._prompt_tokens(messages)
        self.chosen_from.append(tuple(options))
        said = " ".join(turn.text for turn in messages)
        likely = next((option for word, option in self.choices.items() if word in said), None)
        if likely not in options or len(options) == 1:
            return dict.fromkeys(options, 1 / len(options))
        return {option: 0.9 if option == likely else 0.1 / (len(options) - 1) for option in options}

    def next_tokens(self, messages: Sequence[Turn], count: int) -> list[tuple[str, float]]:
        self._prompt_tokens(messages)
        if not self.next_words:
            raise BackendError("scripted does not tell how likely its next words are: take another model.")
        return list(self.next_words)[:count]

    def count_tokens(self, text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))

    def remember(self, messages: Sequence[Turn]) -> None:
        self.remembered.append(tuple(messages))

    def close(self) -> None:
        self.closed = True

    def _prompt_tokens(self, messages: Sequence[Turn]) -> int:
        if self.failure is not None:
            raise self.failure
        tokens = sum(self.count_tokens(turn.text) for turn in messages)
        if tokens >= self.context_window:
            raise BackendError(
                f"The prompt has {tokens} tokens and scripted reads {self.context_window}: shorten it, or "
                "raise `context_window` in coach.toml."
            )
        return tokens
