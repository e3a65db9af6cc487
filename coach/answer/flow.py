"""The question flow: condense, retrieve, extract, gate, generate, verify."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Protocol

from coach.answer.answerability import CALIBRATION_FILE, Evidence, calibrated, weigh_evidence, with_opinion
from coach.answer.condense import Standalone, condense
from coach.answer.extract import FollowUp, extract
from coach.answer.generate import answer_prompt, evidence_prompt, section_stated, statement_prompt
from coach.answer.question_parts import question_parts
from coach.answer.retrieve import retrieve
from coach.answer.small_talk import small_talk
from coach.answer.spelling import mend_spelling
from coach.answer.translate import translate_question
from coach.answer.verify import verify
from coach.errors import BackendError, ModelMissingError
from coach.protocols import ChatModel, Embedder, PassageIndex
from coach.settings import Settings
from coach.text.language import language_of
from coach.text.sanitize import clean_question
from coach.text.sections import Section
from coach.text.words import content_words, numbers, share_covered
from coach.types import Answer, Passage, Refusal, Reply, Sentence, Stated, StepStarted, Trace, Turn
from coach.yes_or_no import log_odds, probability_of_yes

NEAREST = 3
FOLLOW_UP_PASSAGES = 20  # looked at for a follow-up, by itself and with the question it follows
RELATED = 2  # sentences shown beside a refusal
ALREADY_SAID = 0.8  # share of a source sentence's words in the model's text from which it is not repeated
SAID_WHERE_CITED = 0.7  # the same for one that the model's text cites
LEAST_SUPPORTED = (
    0.5  # share of the model's sentences that the sources must carry for them to be shown at all
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
    conversation: tuple[Turn, ...] = ()  # in which the chat model read the sentences found
    started: float = 0.0
    trouble: str = ""  # why a question was not translated

    def events(self) -> Iterator[Event]:
        self.started = self._last = time.perf_counter()
        yield StepStarted("Reading the question")
        self.question = clean_question(self.question, self.settings.max_question_characters)
        may_follow_up = condense(self.question, self.history).rewritten
        own_words = small_talk(
            self.question, self._nearest_source, self.embedder, may_follow_up=may_follow_up
        )
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
        self._weigh(parts)
        shown = any(part.evidence.enough for part in parts)
        if shown:
            yield self._at_once(self._extracted(standalone, passages, parts))
        # A follow-up with its earlier question behind it reads as two: about it a No means little.
        if (
            self.settings.backend != "none"
            and not standalone.rewritten
            and any(part.evidence.undecided for part in parts)
        ):
            yield StepStarted("Checking the evidence")
            parts = [self._asked_of_model(part) for part in parts]
            self._weigh(parts)
        if not any(part.evidence.enough for part in parts):
            yield Finished(self._refusal(standalone, passages, parts))
            return
        extracted = self._extracted(standalone, passages, parts)
        if not shown:
            yield self._at_once(extracted)
        yield from self._spoken(extracted, standalone, parts)

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

    def _nearest_source(self) -> float:
        """Cosine of the question to what comes nearest to it in the sources and the questions written for them."""
        return max(
            (
                max(passage.cosine, *passage.sentence_scores, *passage.asked_scores, passage.unanswered_score)
                for passage in self._retrieve(self.question, self.settings.passages)
            ),
            default=0.0,
        )

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
        parts = []
        for text, own in zip(asked, found, strict=True):
            extracted = extract(text, own, self.embedder)
            evidence = weigh_evidence(text, own, extracted, self.embedder)
            parts.append(_Part(text, own, extracted.shown, evidence))
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
        extracted = extract(text, passages, self.embedder, follow_up=follow_up)
        self._lap("extract")
        # It may name its particular itself, or leave it to the question it follows: the likelier reading counts.
        readings = (
            weigh_evidence(asked, passages, extracted, self.embedder) for asked in (standalone.asked, text)
        )
        evidence = max(readings, key=lambda evidence: (evidence.enough, evidence.probability))
        return [_Part(text, passages, extracted.shown, evidence)], passages

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
            doubt=_doubt([part.evidence for part in parts if part.evidence.outcome == "in doubt"]),
        )

    def _asked_of_model(self, part: _Part) -> _Part:
        """The part as the chat model sees it; without one, or where it fails, the first verdict stands."""
        if not part.evidence.undecided:
            return part
        try:
            model = self.voice().model
            if model is None:
                return part
            prompt = evidence_prompt(
                part.text, part.evidence.nearest, model, max_tokens=self.settings.max_tokens
            )
            self.conversation, self.trace = prompt.messages, replace(self.trace, dropped=prompt.dropped)
            return replace(part, evidence=with_opinion(part.evidence, self._opinion(model, prompt.messages)))
        except (BackendError, ModelMissingError) as error:
            self._note(str(error))
            return part

    def _second_look(self, claim: str, nearest: Sequence[Stated]) -> float:
        """The chat model's log-odds that the sentences say exactly what the claim says. Raises BackendError."""
        model = self.voice().model
        if model is None:
            raise BackendError(self.voice().reason)
        return self._opinion(model, statement_prompt(claim, nearest))

    def _opinion(self, model: ChatModel, messages: Sequence[Turn]) -> float:
        opinion = log_odds(probability_of_yes(model, messages))
        return calibrated(opinion, model.name, self.settings.home / CALIBRATION_FILE)

    def _weigh(self, parts: Sequence[_Part]) -> None:
        """Put the signals of the least certain part into the trace."""
        least = min((part.evidence for part in parts), key=lambda evidence: evidence.probability)
        self.trace = replace(self.trace, gate={"probability": least.probability, **least.signals})
        self._lap("gate" if "gate" not in self.steps else "opinion")

    def _spoken(self, extracted: Answer, standalone: Standalone, parts: Sequence[_Part]) -> Iterator[Event]:
        """The model's text, then the reply made of what it said and can be proven."""
        said = ""
        if self.settings.backend != "none":
            yield StepStarted("Writing")
            try:
                thinking = False
                for piece in self._speech(extracted, standalone, parts):
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

    def _speech(self, extracted: Answer, standalone: Standalone, parts: Sequence[_Part]) -> Iterator[str]:
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
        if not self.conversation or len(parts) > 1:
            nearest = self._to_read(extracted, parts, model)
            asked = evidence_prompt(standalone.text, nearest, model, max_tokens=self.settings.max_tokens)
            self.conversation, self.trace = asked.messages, replace(self.trace, dropped=asked.dropped)
        prompt = answer_prompt(self.conversation)
        sampling = {"temperature": self.settings.temperature, "max_tokens": float(self.settings.max_tokens)}
        self.trace = replace(self.trace, sampling=sampling)
        since = time.perf_counter()
        stream = model.stream(
            prompt, max_tokens=self.settings.max_tokens, temperature=self.settings.temperature
        )
        try:
            for piece in stream:
                if self.trace.first_token_ms is None and piece:
                    self.trace = replace(self.trace, first_token_ms=self._elapsed())
                    self.steps["first_token_wait"] = _milliseconds(since)
                yield piece
        finally:
            stream.close()
            self.trace = replace(self.trace, usage=stream.usage)

    def _to_read(self, extracted: Answer, parts: Sequence[_Part], model: ChatModel) -> Sequence[Stated]:
        """What the model is to answer from: the section whose state the engine keeps, where the best passage stands in one; else
        only the sentences found."""
        for section in self.sections() if model.keeps_states and len(parts) == 1 else ():
            if section.holds(extracted.passages[0]):
                return [section_stated(section)]
        return list(dict.fromkeys(s for part in parts if part.evidence.enough for s in part.evidence.nearest))

    def _checked(self, said: str, extracted: Answer) -> Answer:
        if self.trace.usage is not None and self.trace.usage.completion >= self.settings.max_tokens:
            said = _up_to_last_full_stop(said)
        checked = _without_repeats(verify(said, extracted.passages, self.embedder, self._second_look))
        self._lap("verify")
        supported = [sentence for sentence in checked if sentence.status == "supported"]
        carried = len(supported) / max(1, len(checked))
        self.trace = replace(self.trace, gate={**self.trace.gate, "carried": round(carried, 3)})
        if not supported or carried < LEAST_SUPPORTED:
            return replace(extracted, trace=self._closed_trace())
        sentences = (*checked, *_not_yet_said(extracted.sentences, supported))
        return replace(extracted, sentences=sentences, mode="generated", trace=self._closed_trace())

    def _refusal(
        self, standalone: Standalone, passages: tuple[Passage, ...], parts: Sequence[_Part]
    ) -> Refusal:
        looked_for = " ".join(standalone.text.split())
        looked_for = looked_for if len(looked_for) <= 200 else looked_for[:200].rstrip() + "…"
        missing = "; ".join(part.evidence.missing for part in parts if part.evidence.missing)
        opening = "Your sources do not answer this."
        if missing:
            named = missing.startswith("“")
            opening = (
                f"Your sources do not speak of {missing}."
                if named
                else f"Your sources do not give {missing} for this."
            )
        text = f"{opening} I looked for “{looked_for}” in {len(self.index)} passages"
        text += "; this is nearest to it." if passages else " and found nothing near it."
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


def _doubt(evidence: Sequence[Evidence]) -> str:
    """Why the answer may not be one, in words for the reader; empty without a doubt."""
    missing = "; ".join(one.missing for one in evidence if one.missing)
    named = f": nothing found speaks of {missing} in so many words" if missing.startswith("“") else ""
    return f"This may not be exactly what you asked{named}." if evidence else ""


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
    """Small models repeat themselves: the first time is enough. What joins sentences and says nothing is left out."""
    distinct = {content_words(sentence.text) or sentence.text: sentence for sentence in reversed(sentences)}
    return tuple(sentence for sentence in reversed(distinct.values()) if sentence.status != "connective")


def _not_yet_said(source: Sequence[Sentence], supported: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Sentences of the source that hold words or figures which the model's proven text does not."""
    said = " ".join(sentence.text for sentence in supported)
    words, figures = set(content_words(said)), numbers(said)
    cited = {citation.span for sentence in supported for citation in sentence.citations}
    return tuple(
        sentence
        for sentence in source
        if share_covered(content_words(sentence.text), words)
        < (SAID_WHERE_CITED if sentence.citations[0].span in cited else ALREADY_SAID)
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
