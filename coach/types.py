"""The nouns every step speaks: frozen, slotted, standard library only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Role = Literal["system", "user", "assistant"]
SentenceStatus = Literal["supported", "unsupported", "connective"]
SentenceOrigin = Literal["source", "model", "coach"]
RefusalReason = Literal["no_evidence", "off_topic", "blocked"]
Level = Literal["missing", "partly", "met"]
Band = Literal["not ready", "getting there", "ready for this committee"]

# Whose words a document holds: the committee's are the bundled guides, the user's own carry OWN or a name of the user's choice. What nobody
# named is the user's, so that nothing passes for the committee's by an oversight.
COMMITTEE = "committee"
OWN = "own"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A chat model that the coach could use. `size` is in bytes and `window` in tokens, 0 where unknown; `state` says
    what is wrong with it in a few words, empty for nothing; `chosen` is the one that would speak now."""

    name: str
    provider: str
    size: int
    window: int = 0
    thinks: bool = False
    fits: bool | None = None
    state: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ModelList:
    """Every chat model there is here, and in a sentence or more which one speaks, why, and what changes it.

    The built-in model comes first. `leaves` says what leaves this machine with the one that speaks, empty where nothing
    does; `warnings` what else a careful person would want to know before asking.
    """

    models: tuple[ListedModel, ...]
    choice: str
    warnings: tuple[str, ...] = ()
    leaves: str = ""
    ollama_answers: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents that speak with one voice: its name, what a reader calls it, and how many there are."""

    name: str
    label: str
    documents: int


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading: `document.text[start:end]`, without the heading line itself."""

    headings: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """One source text. `source` is its path under `corpus/` or in the user's library; `sections` are those that hold text, in
    order, as its reader found them; `pages` are the places where each of its pages begins, none for a format without pages.

    `collection` says whose words they are. `kind` is its format by the usual ending ("pdf"), `size` that of the file in bytes, `statement_count` how many sentences it
    was split into, `indexed_at` when that was (ISO 8601); `warnings` say what of the file could not be read.
    """

    id: str
    source: str
    title: str
    text: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    pages: tuple[int, ...] = ()
    kind: str = ""
    size: int = 0
    statement_count: int = 0
    indexed_at: str = ""
    warnings: tuple[str, ...] = ()
    collection: str = OWN

    def page_at(self, start: int) -> int:
        """The page, from 1, that this character stands on; 0 where there are no pages."""
        return bisect_right(self.pages, start)

    def section_at(self, offset: int) -> Section | None:
        """The section that this character stands in."""
        return next((one for one in self.sections if one.start <= offset < one.end), None)

    def statements(self) -> tuple[Statement, ...]:
        """Each section as one statement, without the white space around it."""
        return tuple(
            Statement(
                one.headings or (self.title,),
                text,
                self.source,
                start,
                start + len(text),
                collection=self.collection,
            )
            for one in self.sections
            for text in [self.text[one.start : one.end].strip()]
            for start in [self.text.index(text, one.start)]
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: `document.text[start:end] == text`, always. `sentences` are its (start, end) in the chunk's text."""

    id: str
    document_id: str
    position: int
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    sentences: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of a source, or a longer stretch of it, under its heading path: `document.text[start:end] == text`.

    Of a retrieved one `passage` is the place of its passage among those retrieved, `cosine` that of the sentence to the query,
    and `asked` that of the query to the nearest question written down for the sentence, 0.0 for none. `page` is the page it begins
    on, 0 where its document has none.
    """

    headings: tuple[str, ...]
    text: str
    source: str = ""
    start: int = 0
    end: int = 0
    passage: int = 0
    cosine: float = 0.0
    asked: float = 0.0
    page: int = 0
    collection: str = OWN

    @property
    def heading(self) -> str:
        """The innermost heading it stands under; empty for none."""
        return self.headings[-1] if self.headings else ""

    @property
    def in_context(self) -> str:
        """What is embedded for it: what it stands under says what it is about."""
        return f"{self.heading}\n{self.text}"

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.source, self.start, self.end, self.text)

    def holds(self, passage: Passage) -> bool:
        """Whether the passage begins inside it."""
        return self.source == passage.source and self.start <= passage.chunk.start < self.end


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk. `score` is higher for better; `rank` starts at 1.

    `sentence_scores` holds one score for each sentence of the chunk, in order: the cosine of the sentence to the query. `asked_scores`, where the
    document comes with written-down questions, holds for each sentence the cosine of the query to the nearest
    question that the sentence answers (0.0 where none is written down), `unanswered_score` that to the nearest
    question that the document is known not to answer, lowered by what it asks for beyond the query. `also_in` names further sources with the same content,
    `pages` are the places where the pages of its document begin.
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
    asked_scores: tuple[float, ...] = ()
    unanswered_score: float = 0.0
    pages: tuple[int, ...] = ()
    collection: str = OWN

    @property
    def page(self) -> int:
        """The page it begins on, 0 where its document has none."""
        return bisect_right(self.pages, self.chunk.start)

    @property
    def heading(self) -> str:
        """The innermost heading it stands under; the document's title where there is none."""
        return self.chunk.headings[-1] if self.chunk.headings else self.title

    def statements(self, place: int) -> tuple[Statement, ...]:
        """Its sentences; `place` is its own among the passages retrieved."""
        chunk, headings = self.chunk, self.chunk.headings or (self.title,)
        cosines = self.sentence_scores or (self.cosine,) * len(chunk.sentences)
        asked = self.asked_scores or (0.0,) * len(chunk.sentences)
        return tuple(
            Statement(
                headings,
                chunk.text[start:end],
                self.source,
                chunk.start + start,
                chunk.start + end,
                place,
                cosine,
                nearest,
                bisect_right(self.pages, chunk.start + start),
                self.collection,
            )
            for (start, end), cosine, nearest in zip(chunk.sentences, cosines, asked, strict=True)
        )


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """A question written down for a document beforehand: `document.text[start:end]` answers it.

    `start == end` where the document is known not to answer it.
    """

    text: str
    document_id: str
    start: int
    end: int

    @property
    def answered(self) -> bool:
        return self.end > self.start


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
    """Where a sentence comes from. Made only by `verify` and `extract`; `support` is in 0..1, `page` from 1, 0 for a source
    without pages; `collection` says whose words they are."""

    span: Span
    passage: int
    support: float
    method: str = "verbatim"
    page: int = 0
    collection: str = OWN


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a reply and what carries it."""

    text: str
    status: SentenceStatus
    citations: tuple[Citation, ...] = ()
    origin: SentenceOrigin = "model"

    @property
    def collections(self) -> tuple[str, ...]:
        """Whose words it rests on, each collection once, in the order of its citations; none for the coach's own words."""
        return tuple(dict.fromkeys(citation.collection for citation in self.citations))


@dataclass(frozen=True, slots=True)
class Extract:
    """The sentences found for a question: the `nearest`, the most relevant first, with their `relevance`, 0..1; those of them to
    be `shown`, in reading order; and the `likeness` of the one that is most like the question, 0..1. `further` are the next ones with
    their relevance, which nothing is made of."""

    nearest: tuple[Statement, ...] = ()
    relevance: tuple[float, ...] = ()
    shown: tuple[Sentence, ...] = ()
    likeness: float = 0.0
    further: tuple[tuple[Statement, float], ...] = ()


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A flow has reached a step, named for the reader."""

    name: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the model's text, not yet checked."""

    text: str


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
class ModelFacts:
    """What is known of a chat model: `size` in bytes, 0 where unknown, as an empty text is; `leaves` what leaves this machine
    with it, empty for nothing."""

    name: str
    size: int = 0
    parameters: str = ""
    licence: str = ""
    quantisation: str = ""
    leaves: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that a search looked at: where it stands, and its likeness by meaning and by words.

    `vector_rank` and `keyword_rank` are its ranks by each of them, 0 where it is not among the candidates of that side; `rank` is
    the one by the fused `score`. `dropped` says why it was not taken, empty for one that was.
    """

    source: str
    heading: str
    start: int
    end: int
    cosine: float
    keyword: float
    vector_rank: int
    keyword_rank: int
    score: float
    rank: int
    dropped: str = ""
    collection: str = OWN


@dataclass(frozen=True, slots=True)
class Search:
    """One query to the index: how many candidates came back, and the best of them, fused."""

    query: str
    looked_at: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class WeighedSentence:
    """A sentence of the passages and how likely it speaks of what is asked, 0..1; `shown` whether it was shown for that."""

    text: str
    source: str
    start: int
    end: int
    heading: str
    relevance: float
    shown: bool
    collection: str = OWN


@dataclass(frozen=True, slots=True)
class WeighedPart:
    """One thing that was asked and how likely the sentences found answer it: refused below `refuse_below`, answered with a doubt
    below `doubt_below`. `log_odds` is a chat model's Yes, None where none was asked; `missing` what nothing found speaks of."""

    text: str
    probability: float
    outcome: str
    refuse_below: float
    doubt_below: float
    log_odds: float | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A part of what the chat model read, and its tokens as the model counts them, or an upper estimate."""

    name: str
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Trace:
    """How a reply came about: what the glass box shows. All times in milliseconds since the question.

    `prompt` is what the chat model read last: to write, or where it did not, to say Yes or No to the evidence.
    """

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
    searches: tuple[Search, ...] = ()
    parts: tuple[WeighedPart, ...] = ()
    weighed: tuple[WeighedSentence, ...] = ()
    prompt: tuple[PromptPart, ...] = ()
    tokens_per_second: float | None = None
    model_facts: ModelFacts | None = None

    @property
    def sources(self) -> frozenset[str]:
        """The documents that it names."""
        candidates = (one.source for search in self.searches for one in search.candidates)
        return frozenset([*candidates, *(one.source for one in self.weighed)])

    @property
    def without_texts(self) -> Trace:
        """The same trace with where the words of sources and prompts stand, and not what they are."""
        return replace(
            self,
            searches=tuple(
                Search("", one.looked_at, tuple(replace(found, heading="") for found in one.candidates))
                for one in self.searches
            ),
            parts=tuple(replace(one, text="", missing="") for one in self.parts),
            weighed=tuple(replace(one, text="", heading="") for one in self.weighed),
            prompt=tuple(replace(one, text="") for one in self.prompt),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply with its proof. `mode` says whether a language model spoke or the sources alone.

    `not_covered` are the parts of the question that the sources do not answer, in the asker's words; `doubt` says, where
    there is one, why this may not be exactly what was asked.
    """

    question: str
    standalone: str
    sentences: tuple[Sentence, ...]
    passages: tuple[Passage, ...]
    trace: Trace
    mode: Literal["extractive", "generated"] = "extractive"
    not_covered: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def text(self) -> str:
        """What the reader is shown as the answer: every sentence but the unsupported ones."""
        return " ".join(s.text for s in self.sentences if s.status != "unsupported")

    @property
    def left_out(self) -> tuple[Sentence, ...]:
        """What the model said that the sources do not carry."""
        return tuple(s for s in self.sentences if s.status == "unsupported")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An honest no: what was looked for, and the nearest passages.

    `missing` says, where known, what the question asks for and the sources do not hold; `related` is what
    they do say about the topic, word for word, which is not an answer.
    """

    question: str
    standalone: str
    reason: RefusalReason
    text: str
    nearest: tuple[Passage, ...]
    trace: Trace
    missing: str = ""
    related: tuple[Sentence, ...] = ()


Reply = Answer | Refusal


@dataclass(frozen=True, slots=True)
class Example:
    """A BAD or GOOD answer that the source itself gives, verbatim."""

    quality: Literal["bad", "good"]
    span: Span


@dataclass(frozen=True, slots=True)
class Criterion:
    """One expectation of the committee. `span` is the source's sentence that demands it, verbatim.

    `question` can be answered yes or no about a draft. `weights` maps a kind of interview question to
    how much the criterion counts there; a kind that is absent does not ask for it. `hint`, `elicit` and
    `frame` serve the redraft: a nudge, the one question that brings out what is missing, and a sentence
    with `[your number]` and `[your example]` in the places that only the candidate can fill. `probe` is what an interviewer
    asks where it is thin, without a word of what the committee looks for.
    """

    id: str
    name: str
    group: str
    question: str
    anchors: Mapping[Level, str]
    weights: Mapping[str, float]
    span: Span
    examples: tuple[Example, ...] = ()
    suggestion: str = ""
    hint: str = ""
    elicit: str = ""
    frame: str = ""
    probe: str = ""


@dataclass(frozen=True, slots=True)
class AntiPattern:
    """A habit that the source warns of. `phrases` are regular expressions that betray it in a draft.

    `unless` names criteria: a draft that meets one of them has not fallen into the habit.
    """

    id: str
    name: str
    span: Span
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a committee reads a draft for. `kinds` are the kinds of question it knows, in order.

    `cues` maps a kind to the words that betray it in a question; `*` at a word's end stands for any ending.
    """

    name: str
    title: str
    kinds: Mapping[str, str]
    criteria: tuple[Criterion, ...]
    anti_patterns: tuple[AntiPattern, ...] = ()
    cues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def for_kind(self, kind: str) -> tuple[Criterion, ...]:
        """The criteria that count for `kind`, in the rubric's order."""
        return tuple(c for c in self.criteria if c.weights.get(kind, 0.0) > 0)


@dataclass(frozen=True, slots=True)
class InterviewQuestion:
    """A question of an interviewer, of the rubric's `kind`. `difficulty` is 1 for a warm-up, 2 for what a senior gets, 3 for what a
    principal gets; `criteria` are the ids of those that a good answer to it exercises, `calls_for` of those that its words ask for outright;
    `span` is the article's words behind it, None for one that is made from the user's documents; `origin` says where it comes from, empty
    for the question bank."""

    id: str
    text: str
    kind: str
    round: str
    difficulty: int
    criteria: tuple[str, ...]
    span: Span | None = None
    origin: str = ""
    calls_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """Exact characters of a draft: `draft[start:end] == text`. Nothing else is called a quote."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Override:
    """A person overruled a verdict: the level they gave, and why."""

    level: Level
    reason: str
    made_at: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One criterion, judged. `level` is None exactly when `unscored` says why.

    `probability` is the calibrated probability that the criterion is met, 0..1; None when no model judged.
    An `override` stands beside the judgement and never replaces it.
    """

    criterion: Criterion
    level: Level | None
    probability: float | None = None
    unscored: str = ""
    quotes: tuple[Quote, ...] = ()
    explanation: str = ""
    suggestion: str = ""
    override: Override | None = None

    @property
    def final(self) -> Level | None:
        """The level that counts: a person's, where one overruled."""
        return self.override.level if self.override else self.level


@dataclass(frozen=True, slots=True)
class Try:
    """What a kept draft showed of one criterion: `judged` is the judge's level, None where nobody could judge, and `unsure` where
    the judge looked and could not decide; `draft` is the draft's id."""

    draft: str
    at: datetime
    question: str
    kind: str
    rubric: str
    criterion: str
    name: str
    judged: Level | None
    override: Override | None = None
    unsure: bool = False

    @property
    def final(self) -> Level | None:
        """The level that counts: a person's, where one overruled."""
        return self.override.level if self.override else self.judged


@dataclass(frozen=True, slots=True)
class Story:
    """An experience of the candidate's own, in their words; its figures stand in the text."""

    id: str
    title: str
    situation: str
    action: str
    result: str
    changed_at: str = ""

    @property
    def text(self) -> str:
        """All of it, one part a paragraph."""
        return "\n\n".join(filter(None, (self.title, self.situation, self.action, self.result)))


@dataclass(frozen=True, slots=True)
class Finding:
    """An anti-pattern that was found, with the draft's own words."""

    anti_pattern: AntiPattern
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A figure or an employer of the draft that the user's own documents give otherwise.

    `quote` is the draft's sentence, `said` what it says and `known` what the document says instead, both as written; `span` is the
    document's sentence, under `headings`, in `collection`.
    """

    quote: Quote
    said: str
    known: str
    span: Span
    headings: tuple[str, ...]
    collection: str


@dataclass(frozen=True, slots=True)
class Unbacked:
    """A figure or an employer that the draft claims of the past and that stands in none of the candidate's stories or documents: `said` as
    the draft's sentence `quote` writes it."""

    quote: Quote
    said: str


@dataclass(frozen=True, slots=True)
class Critique:
    """A draft as the committee reads it. `notices` tell what was set aside and why.

    `set_aside` are the parts of the draft that were not judged (repeated, echoed from the question,
    addressed to the judge); `contradictions` what the user's own documents say otherwise; `unbacked` what
    stands in no story of theirs.
    """

    question: str
    kind: str
    draft: str
    rubric: str
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    trace: Trace
    band: Band | None = None
    next_move: str = ""
    notices: tuple[str, ...] = ()
    set_aside: tuple[Quote, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    unbacked: tuple[Unbacked, ...] = ()
