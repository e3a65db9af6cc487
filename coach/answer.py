"""The question flow: condense, retrieve, extract, gate, generate, verify."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Protocol

from coach.condense import Standalone, condense
from coach.errors import BackendError, ModelMissingError
from coach.extract import MAX_SENTENCES, MAX_SENTENCES_FAR, FollowUp, extract
from coach.gate import Evidence, ask_model, gate, look_closely, nearest_stated
from coach.generate import compose, compose_check
from coach.language import language_of
from coach.protocols import ChatModel, Embedder, PassageIndex
from coach.question_parts import question_parts
from coach.retrieve import retrieve
from coach.sanitize import clean_question
from coach.sections import Section
from coach.settings import Settings
from coach.small_talk import small_talk, small_talk_by_meaning
from coach.spelling import mend_spelling
from coach.translate import translate_question
from coach.types import Answer, Passage, Refusal, Reply, Sentence, StepStarted, Trace, Turn
from coach.verify import clean, verify
from coach.words import content_words, numbers, share_covered

NEAREST = 3
FOLLOW_UP_PASSAGES = 20  # looked at for a follow-up, by itself and with the question it follows
RELATED = 2  # sentences shown beside a refusal
SECTIONS_ASKED = 2  # the answer stands in one of the two nearest sections for most questions
ALREADY_SAID = 0.8  # share of a source sentence's words in the model's text from which it is not repeated

_NO_ANSWER = re.compile(
    r"\bthe sources (?:do not|don't) (?:say|state|mention|provide|specify)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The answer in the sources' own words, at once."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the model's text, not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply as checked: what stays on screen."""

    reply: Reply


Event = StepStarted | Extracted | Token | Finished


class Voice(Protocol):
    """A chat model with the reason it was chosen, what leaves this machine with it, and what else to know of it."""

    @property
    def model(self) -> ChatModel | None: ...
    @property
    def backend(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def leaves(self) -> str: ...
    @property
    def caution(self) -> str: ...


class AnswerStream(Iterator[Event]):
    """Events of one question, in order; the last is Finished. `result()` reads on to the reply."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._reply: Reply | None = None

    def __next__(self) -> Event:
        event = next(self._events)
        if isinstance(event, Finished):
            self._reply = event.reply
        return event

    def result(self) -> Reply:
        """The checked reply. Raises what the flow raises (CoachError)."""
        for _ in self:
            pass
        assert self._reply is not None  # the flow always ends with Finished
        return self._reply


def answer(
    question: str,
    history: Sequence[Turn],
    *,
    embedder: Embedder,
    index: PassageIndex,
    voice: Callable[[], Voice],
    sections: Callable[[], Sequence[Section]],
    settings: Settings,
) -> AnswerStream:
    """Answer from the index, or refuse. Nothing is computed before the stream is read.

    `voice` is called only when a chat model is needed, so that the sources' own sentences never
    wait for a model to load; `sections` gives those whose state the model keeps.
    """
    flow = _Flow(question, history, embedder, index, voice, sections, settings)
    return AnswerStream(flow.events())


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the things the question asks, the passages found for it, their sentences on it, and whether those
    answer it."""

    text: str
    passages: tuple[Passage, ...]
    sentences: tuple[Sentence, ...]
    evidence: Evidence


@dataclass
class _Flow:
    """One question on its way through the steps, and what is known of it so far."""

    question: str
    history: Sequence[Turn]
    embedder: Embedder
    index: PassageIndex
    voice: Callable[[], Voice]
    sections: Callable[[], Sequence[Section]]
    settings: Settings
    steps: dict[str, float] = field(default_factory=dict)
    near: tuple[Passage, ...] = ()  # passages, those of the section that convinced the model first
    started: float = 0.0
    trouble: str = ""  # why a question was not translated

    def events(self) -> Iterator[Event]:
        self.started = self._last = time.perf_counter()
        yield StepStarted("Reading the question")
        self.question = clean_question(self.question, self.settings.max_question_characters)
        own_words = small_talk(self.question)
        asked = self.question if own_words is not None else (yield from self._in_english())
        standalone = condense(asked, self.history)
        self.trace = Trace(
            query=standalone.text,
            rewritten=standalone.rewritten,
            embedder=self.embedder.name,
            index_fingerprint=self.index.fingerprint,
            notes=(self.trouble,) if self.trouble else (),
        )
        if own_words is not None:
            yield Finished(self._own_words(own_words, standalone))
            return
        self._lap("read")
        yield StepStarted("Searching the sources")
        parts, passages = self._search(standalone)
        own_words = self._small_talk_by_meaning(passages, standalone)
        if own_words is not None:
            yield Finished(self._own_words(own_words, standalone))
            return
        self._weigh(parts)
        shown = any(part.evidence.enough for part in parts)
        if shown:
            yield self._at_once(self._extracted(standalone, passages, parts))
        if self.settings.backend != "none" and any(part.evidence.verdict == "unsure" for part in parts):
            yield StepStarted("Checking the evidence")
            parts = [self._second_opinion(part) for part in parts]
            self._weigh(parts)
        if not any(part.evidence.enough for part in parts):
            yield Finished(self._refusal(standalone, passages, parts))
            return
        extracted = self._extracted(standalone, passages, parts)
        if not shown:
            yield self._at_once(extracted)
        yield from self._spoken(extracted, standalone)

    def _in_english(self) -> Generator[Event, None, str]:
        """The question without its typos; one in another language as the chat model, where there is one, translates it."""
        language = language_of(self.question)
        if language in (None, "English"):
            return mend_spelling(self.question, self.index.vocabulary())
        try:
            model = self.voice().model if self.settings.backend != "none" else None
            if model is not None:
                yield StepStarted("Putting the question into English")
                english = translate_question(self.question, model)
                if english is not None:
                    return english
        except (BackendError, ModelMissingError) as error:
            self.trouble = str(error)
        return self.question

    def _small_talk_by_meaning(self, passages: Sequence[Passage], standalone: Standalone) -> str | None:
        if standalone.rewritten:
            return None
        nearest = max(
            (max(p.cosine, *p.sentence_scores, *p.asked_scores, p.unanswered_score) for p in passages),
            default=0.0,
        )
        return small_talk_by_meaning(standalone.text, nearest, self.embedder)

    def _at_once(self, extracted: Answer) -> Extracted:
        """The sources' sentences, with the time they took."""
        self.trace = replace(self.trace, first_citation_ms=self._elapsed())
        return Extracted(replace(extracted, trace=self._closed_trace()))

    def _search(self, standalone: Standalone) -> tuple[list[_Part], tuple[Passage, ...]]:
        """Each part of the question with its sentences and evidence, and the passages they all stand in."""
        if standalone.rewritten:
            return self._search_follow_up(standalone)
        asked = question_parts(standalone.text)
        found = [self._retrieve(text, self.settings.passages) for text in _each_standalone(asked)]
        self._lap("retrieve")
        most = MAX_SENTENCES_FAR if len(asked) == 1 else MAX_SENTENCES
        parts = []
        for text, own in zip(asked, found, strict=True):
            sentences = extract(text, own, self.embedder, most_when_far=most)
            parts.append(_Part(text, own, sentences, gate(text, own, sentences)))
        self._lap("extract")
        return parts, found[0] if len(found) == 1 else _merged(parts, self.settings.passages)

    def _search_follow_up(self, standalone: Standalone) -> tuple[list[_Part], tuple[Passage, ...]]:
        """A follow-up is one part; the passages that its earlier question leads to are among those it is looked for in."""
        alone = self._retrieve(standalone.asked, FOLLOW_UP_PASSAGES)
        before = self._retrieve(standalone.earlier, FOLLOW_UP_PASSAGES)
        together = self._retrieve(standalone.text, FOLLOW_UP_PASSAGES)
        led_to = {passage.chunk.id for passage in before[:NEAREST]}
        near = [p for p in together if p.rank <= self.settings.passages or p.chunk.id in led_to]
        passages = tuple(replace(passage, rank=rank) for rank, passage in enumerate(near, 1))
        self._lap("retrieve")
        text = standalone.text
        follow_up = FollowUp(standalone.asked, alone, standalone.earlier, before)
        sentences = extract(text, passages, self.embedder, follow_up=follow_up)
        self._lap("extract")
        return [_Part(text, passages, sentences, gate(text, passages, sentences))], passages

    def _retrieve(self, text: str, limit: int) -> tuple[Passage, ...]:
        return retrieve(text, embedder=self.embedder, index=self.index, limit=limit)

    def _extracted(
        self, standalone: Standalone, passages: tuple[Passage, ...], parts: Sequence[_Part]
    ) -> Answer:
        """The sources' own sentences on every part they cover; the others are named."""
        covered = [
            _citing(sentence, part.passages, passages)
            for part in parts
            if part.evidence.enough
            for sentence in part.sentences
        ]
        return Answer(
            self.question,
            standalone.text,
            tuple({sentence.text: sentence for sentence in covered}.values()),
            passages,
            self.trace,
            not_covered=tuple(part.text for part in parts if not part.evidence.enough),
        )

    def _second_opinion(self, part: _Part) -> _Part:
        """The part as the chat model sees it; without one, or where it fails, the first verdict stands."""
        # A follow-up with its earlier question behind it reads as two: about it a No means little.
        may_look = not self.trace.rewritten
        if part.evidence.verdict != "unsure" or (part.evidence.is_familiar and not may_look):
            return part
        try:
            model = self.voice().model
            if model is None:
                return part
            nearest = nearest_stated(part.passages, part.sentences)
            close_look = compose_check(part.text, nearest) if may_look else ()
            if part.evidence.is_familiar:
                return replace(part, evidence=look_closely(part.evidence, model, close_look))
            groups = self._nearest_sections(part.passages)
            prompts = [self._section_check(part.text, near, model) for near in groups]
            evidence = ask_model(part.evidence, model, prompts, close_look)
            self.near = groups[evidence.section]
            return replace(part, evidence=evidence)
        except (BackendError, ModelMissingError) as error:
            self._note(str(error))
            return part

    def _section_check(self, question: str, near: Sequence[Passage], model: ChatModel) -> Sequence[Turn]:
        """The prompt that asks whether the section of the first passage states the answer."""
        sections = self.sections()
        return compose(
            question, (), near, sections, model, max_tokens=4, template="sufficiency_question"
        ).messages

    def _nearest_sections(self, passages: tuple[Passage, ...]) -> list[tuple[Passage, ...]]:
        """The passages, once for each of the nearest kept sections, led by that section's own."""
        groups: dict[Section, tuple[Passage, ...]] = {}
        for passage in passages:
            section = next((section for section in self.sections() if section.holds(passage)), None)
            if section is None:
                return [passages]
            groups.setdefault(section, (passage, *(other for other in passages if other is not passage)))
            if len(groups) == SECTIONS_ASKED:
                break
        return list(groups.values())

    def _weigh(self, parts: Sequence[_Part]) -> None:
        """Put the signals of the least certain part into the trace."""
        least = min(parts, key=lambda part: part.evidence.scores["probability"])
        self.trace = replace(self.trace, gate=least.evidence.scores)
        self._lap("gate" if "gate" not in self.steps else "opinion")

    def _spoken(self, extracted: Answer, standalone: Standalone) -> Iterator[Event]:
        """The model's text, then the reply made of what it said and can be proven."""
        said = ""
        if self.settings.backend != "none":
            yield StepStarted("Writing")
            try:
                thinking = False
                for piece in self._speech(extracted, standalone):
                    if thinking != (not piece):
                        thinking = not thinking
                        yield StepStarted("Thinking" if thinking else "Writing")
                    if piece:
                        said += piece
                        yield Token(piece)
            except (BackendError, ModelMissingError) as error:
                said = ""
                self._note(str(error))
        else:
            self.trace = replace(
                self.trace, backend_reason="The setting `backend` is `none`: the sources speak alone."
            )
        self._lap("generate")
        if not said.strip():
            yield Finished(replace(extracted, trace=self._closed_trace()))
            return
        yield StepStarted("Checking every sentence")
        yield Finished(self._checked(said, extracted))

    def _speech(self, extracted: Answer, standalone: Standalone) -> Iterator[str]:
        voice = self.voice()
        model = voice.model
        self.trace = replace(
            self.trace,
            backend=voice.backend if model else "extractive",
            backend_reason=voice.reason,
            model=model.name if model else None,
            window=model.context_window if model else 0,
        )
        self._lap("load")
        if model is None:
            self._note(voice.reason)
            return
        history = self.history if standalone.rewritten else ()
        prompt = compose(
            standalone.asked,
            history,
            self.near or extracted.passages,
            self.sections(),
            model,
            max_tokens=self.settings.max_tokens,
        )
        sampling = {"temperature": self.settings.temperature, "max_tokens": float(self.settings.max_tokens)}
        self.trace = replace(self.trace, dropped=prompt.dropped, sampling=sampling)
        asked = time.perf_counter()
        stream = model.stream(
            prompt.messages, max_tokens=self.settings.max_tokens, temperature=self.settings.temperature
        )
        try:
            for piece in stream:
                if self.trace.first_token_ms is None and piece:
                    self.trace = replace(self.trace, first_token_ms=self._elapsed())
                    self.steps["first_token_wait"] = _milliseconds(asked)
                yield piece
        finally:
            stream.close()
            self.trace = replace(self.trace, usage=stream.usage)

    def _checked(self, said: str, extracted: Answer) -> Answer:
        if self.trace.usage is not None and self.trace.usage.completion >= self.settings.max_tokens:
            said = _up_to_last_full_stop(said)
        checked = _without_repeats(verify(said, extracted.passages, self.embedder, self.voice().model))
        self._lap("verify")
        supported = [sentence for sentence in checked if sentence.status == "supported"]
        if not supported:
            reason = (
                "said that the sources hold no answer"
                if _NO_ANSWER.search(clean(said))
                else "said nothing that the sources carry"
            )
            self._note(f"The model {reason}; the sources' own sentences stand.")
            left_out = tuple(
                s for s in checked if s.status == "unsupported" and not _NO_ANSWER.search(s.text)
            )
            return replace(extracted, sentences=(*extracted.sentences, *left_out), trace=self._closed_trace())
        shown = tuple(s for s in checked if not _NO_ANSWER.search(s.text))
        sentences = (*shown, *_not_yet_said(extracted.sentences, supported))
        return replace(extracted, sentences=sentences, mode="generated", trace=self._closed_trace())

    def _refusal(
        self, standalone: Standalone, passages: tuple[Passage, ...], parts: Sequence[_Part]
    ) -> Refusal:
        looked_for = " ".join(standalone.text.split())
        looked_for = looked_for if len(looked_for) <= 200 else looked_for[:200].rstrip() + "…"
        missing = "; ".join(part.evidence.missing for part in parts if part.evidence.missing)
        text = f"Your sources do not answer this. I looked for “{looked_for}” in {len(self.index)} passages"
        text += f" and found no mention of {missing}" if missing else ""
        text += "; the nearest are listed below." if passages else " and found nothing near it."
        off_topic = all(part.evidence.reason == "off_topic" for part in parts)
        related = () if off_topic else tuple(_best_two(parts[0], passages))
        return Refusal(
            self.question,
            standalone.text,
            "off_topic" if off_topic else "no_evidence",
            text,
            passages[:NEAREST],
            self._closed_trace(),
            missing,
            related,
        )

    def _own_words(self, text: str, standalone: Standalone) -> Answer:
        sentence = Sentence(text, "connective", (), "coach")
        return Answer(self.question, standalone.text, (sentence,), (), self._closed_trace())

    def _closed_trace(self) -> Trace:
        return replace(self.trace, total_ms=self._elapsed(), steps_ms=dict(self.steps))

    def _note(self, text: str) -> None:
        if text not in self.trace.notes:
            self.trace = replace(self.trace, notes=(*self.trace.notes, text))

    def _lap(self, name: str) -> None:
        now = time.perf_counter()
        self.steps[name] = round((now - self._last) * 1000, 2)
        self._last = now

    def _elapsed(self) -> float:
        return _milliseconds(self.started)


def _each_standalone(parts: Sequence[str]) -> list[str]:
    """The texts to search for: a later part that points back ("why does it matter?") brings the first along."""
    first = Turn("user", parts[0])
    return [parts[0], *(condense(part, [first]).text for part in parts[1:])]


def _merged(parts: Sequence[_Part], limit: int) -> tuple[Passage, ...]:
    """The best passages of every part in turn and all that are cited, each once, ranked anew."""
    turns = [passage for row in zip_longest(*(part.passages for part in parts)) for passage in row if passage]
    cited = {
        part.passages[citation.passage].chunk.id
        for part in parts
        for sentence in part.sentences
        for citation in sentence.citations
    }
    distinct = {passage.chunk.id: passage for passage in reversed(turns)}
    kept = [p for place, p in enumerate(reversed(distinct.values())) if place < limit or p.chunk.id in cited]
    return tuple(replace(passage, rank=rank) for rank, passage in enumerate(kept, 1))


def _citing(sentence: Sentence, own: Sequence[Passage], all_passages: Sequence[Passage]) -> Sentence:
    """The sentence with its citations counted in `all_passages` instead of in those of its part."""
    places = {passage.chunk.id: place for place, passage in enumerate(all_passages)}
    return replace(
        sentence,
        citations=tuple(
            replace(citation, passage=places[own[citation.passage].chunk.id])
            for citation in sentence.citations
        ),
    )


def _best_two(part: _Part, all_passages: Sequence[Passage]) -> list[Sentence]:
    """What the sources say nearest to a question they do not answer."""
    best = sorted(part.sentences, key=lambda sentence: -sentence.citations[0].support)[:RELATED]
    return [_citing(sentence, part.passages, all_passages) for sentence in best]


def _up_to_last_full_stop(said: str) -> str:
    """Text cut off by the token limit, without the sentence it was cut in; all of it where none is whole."""
    end = max(said.rfind(mark) for mark in ".!?")
    return said[: end + 1] if end > 0 else said


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 2)


def _without_repeats(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Small models repeat themselves: the first time is enough."""
    seen: set[tuple[str, ...]] = set()
    kept = []
    for sentence in sentences:
        words = content_words(sentence.text)
        if words and words in seen:
            continue
        seen.add(words)
        kept.append(sentence)
    return tuple(kept)


def _not_yet_said(source: Sequence[Sentence], supported: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Sentences of the source that hold words or figures which the model's proven text does not."""
    said = " ".join(sentence.text for sentence in supported)
    words, figures = set(content_words(said)), numbers(said)
    return tuple(
        sentence
        for sentence in source
        if share_covered(content_words(sentence.text), words) < ALREADY_SAID
        or not numbers(sentence.text) <= figures
    )


__all__ = [
    "Answer",
    "AnswerStream",
    "Event",
    "Extracted",
    "Finished",
    "StepStarted",
    "Token",
    "answer",
]
