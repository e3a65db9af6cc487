"""Retrieve, extract and score: apart for each thing that a question asks and for each who may answer it, the committee and the user's own
documents, and for a follow-up also where its earlier question leads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from coach.answer.answerability import Evidence, score_evidence
from coach.answer.condense import Standalone, condense
from coach.answer.extract import FollowUp, extract
from coach.answer.question_parts import question_parts
from coach.answer.resources import Resources
from coach.answer.retrieve import NEXT_SHOWN, TOO_FAR, retrieve, retrieve_and_tell
from coach.answer.whose import own_answers
from coach.protocols import PassageIndex
from coach.stream import Tracer
from coach.text.attribution import is_own
from coach.types import (
    COMMITTEE,
    Extract,
    Passage,
    Search,
    Sentence,
    Statement,
    Turn,
    WeighedPart,
    WeighedSentence,
)

WEIGHED_SHOWN = 8  # sentences of each part that the trace shows
SENTENCE_SHOWN = 400  # characters of one: a table row may have thousands
LED_TO = 3  # of the passages that the earlier question of a follow-up leads to
FOLLOW_UP_PASSAGES = 20  # looked at for a follow-up, by itself and with the question it follows


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things the question asks, the passages found for it, their sentences on it, and whether those answer it.

    `conversation` is the one in which the chat model has read them, where it has; `beside` what was found in the words of the other,
    of the committee and the user, where both were asked: never mixed with this.
    """

    text: str
    passages: tuple[Passage, ...]
    found: Extract
    evidence: Evidence
    conversation: tuple[Turn, ...] = ()
    beside: Part | None = None

    @property
    def is_own(self) -> bool:
        """Whether the user's own documents speak here."""
        return is_own([passage.collection for passage in self.passages])

    @property
    def best(self) -> Passage:
        """The passage that the best sentence stands in."""
        return self.passages[self.found.nearest[0].passage]


@dataclass(frozen=True, slots=True)
class Found:
    """What the question asks, part by part, and the passages that all parts stand in."""

    parts: tuple[Part, ...]
    passages: tuple[Passage, ...]

    @property
    def covered(self) -> tuple[Part, ...]:
        """The parts that are to be answered, as far as is known by now."""
        return tuple(part for part in self.parts if part.evidence.enough)

    @property
    def not_covered(self) -> tuple[Part, ...]:
        """The parts that the sources do not answer."""
        return tuple(part for part in self.parts if not part.evidence.enough)

    @property
    def said_beside(self) -> tuple[Part, ...]:
        """What the other one says of the parts that are to be answered: the user's documents where they leave no doubt, the committee
        whenever it answers, so that nothing of the user's hides its view."""
        besides = [part.beside for part in self.covered if part.beside is not None]
        return tuple(
            part
            for part in besides
            if part.evidence.outcome == "answered" or (part.evidence.enough and not part.is_own)
        )

    @property
    def spoken(self) -> tuple[Passage, ...]:
        """The passages of the parts that are to be answered: what a model's text is checked against. Empty where some are the committee's
        and some the user's: no model is to put those into one text."""
        if len({part.is_own for part in self.covered}) != 1:
            return ()
        inside = {passage.chunk.id for part in self.covered for passage in part.passages}
        return tuple(passage for passage in self.passages if passage.chunk.id in inside)

    @property
    def least(self) -> Evidence:
        """The evidence of the least certain part."""
        return min((part.evidence for part in self.parts), key=lambda evidence: evidence.probability)

    def weighed_parts(self) -> tuple[WeighedPart, ...]:
        """Each part with the number that decided it, for the trace."""
        return tuple(
            WeighedPart(
                part.text,
                round(part.evidence.probability, 3),
                part.evidence.outcome,
                part.evidence.refuse_below,
                part.evidence.doubt_below,
                part.evidence.signals.get("model"),
                part.evidence.missing,
            )
            for part in self.parts
        )

    def weighed_sentences(self) -> tuple[WeighedSentence, ...]:
        """The best sentences of each part, for the trace: shown or not."""
        return tuple(one for part in (*self.parts, *self.said_beside) for one in _weighed_of(part))

    def placed(self, among: Sequence[Passage], sentence: Sentence) -> Sentence:
        """The sentence with its citations, which count the passages `among` which it was found, counted in `passages` instead."""
        places = {passage.chunk.id: place for place, passage in enumerate(self.passages)}
        citations = (
            replace(citation, passage=places[among[citation.passage].chunk.id])
            for citation in sentence.citations
        )
        return replace(sentence, citations=tuple(citations))


def search(standalone: Standalone, resources: Resources, tracer: Tracer) -> Found:
    """What the index holds on the question, and how likely it answers it by the signals that need no chat model."""
    parts = [_choose(*part) for part in search_apart(standalone, resources, tracer)]
    tracer.lap("extract")
    return together(parts, resources.settings.passages)


def search_apart(standalone: Standalone, resources: Resources, tracer: Tracer) -> Iterator[tuple[Part, ...]]:
    """Each part as the committee answers it and as the user's own documents do; alone where there is one of them only."""
    find = _follow_up if standalone.rewritten else _parts
    return zip(
        *(find(standalone, resources, index, tracer) for index in _apart(resources.index)), strict=True
    )


def together(parts: Sequence[Part], limit: int) -> Found:
    """The parts with the passages that they stand in, the best `limit` of each in turn, and behind them what is cited from beside."""
    passages = parts[0].passages if len(parts) == 1 else _merged(parts, limit)
    found = Found(tuple(parts), passages)
    beside = [part.passages[place] for part in found.said_beside for place in _cited(part)]
    distinct = {passage.chunk.id: passage for passage in reversed([*passages, *beside])}
    ranked = enumerate(reversed(distinct.values()), 1)
    return replace(found, passages=tuple(replace(passage, rank=rank) for rank, passage in ranked))


def _apart(index: PassageIndex) -> tuple[PassageIndex, ...]:
    """The committee's words and the user's own each by themselves: side by side, the guide with its written questions outshines them."""
    own = index.collections.keys() - {COMMITTEE}
    if not own or COMMITTEE not in index.collections:
        return (index,)
    return index.within({COMMITTEE}), index.within(own)


def _parts(
    standalone: Standalone, resources: Resources, index: PassageIndex, tracer: Tracer
) -> tuple[Part, ...]:
    asked = question_parts(standalone.text)
    limit = resources.settings.passages
    passages = []
    for text in _each_standalone(asked):
        own, told = retrieve_and_tell(text, embedder=resources.embedder, index=index, limit=limit)
        passages.append(own)
        tracer.searched(told)
    tracer.lap("retrieve")
    return tuple(
        _weighed(text, (text,), own, extract(text, own, resources.embedder), resources)
        for text, own in zip(asked, passages, strict=True)
    )


def _follow_up(
    standalone: Standalone, resources: Resources, index: PassageIndex, tracer: Tracer
) -> tuple[Part, ...]:
    """A follow-up is one part; the passages that its earlier question leads to are among those it is looked for in."""
    alone = _retrieve(standalone.asked, resources, index, FOLLOW_UP_PASSAGES)
    before = _retrieve(standalone.earlier, resources, index, FOLLOW_UP_PASSAGES)
    both, told = retrieve_and_tell(
        standalone.text, embedder=resources.embedder, index=index, limit=FOLLOW_UP_PASSAGES
    )
    led_to = {passage.chunk.id for passage in before[:LED_TO]}
    near = [p for p in both if p.rank <= resources.settings.passages or p.chunk.id in led_to]
    passages = tuple(replace(passage, rank=rank) for rank, passage in enumerate(near, 1))
    tracer.searched(_narrowed(told, passages))
    tracer.lap("retrieve")
    follow_up = FollowUp(standalone.asked, alone, standalone.earlier, before)
    extracted = extract(standalone.text, passages, resources.embedder, follow_up=follow_up)
    # It may name its particular itself, or leave it to the question it follows: the likelier reading counts.
    return (_weighed(standalone.text, (standalone.asked, standalone.text), passages, extracted, resources),)


def _narrowed(told: Search, taken: Sequence[Passage]) -> Search:
    """What was looked at for a follow-up, of which only these passages were taken."""
    inside = {(passage.source, passage.chunk.start) for passage in taken}
    candidates = [
        one if (one.source, one.start) in inside or one.dropped else replace(one, dropped=TOO_FAR)
        for one in told.candidates
    ]
    last = max((n for n, one in enumerate(candidates) if not one.dropped), default=-1)
    return replace(told, candidates=tuple(candidates[: last + 1 + NEXT_SHOWN]))


def _weighed(
    text: str, readings: Sequence[str], passages: tuple[Passage, ...], found: Extract, resources: Resources
) -> Part:
    """The part with its evidence: that of the likeliest of its readings."""
    evidence = max(
        (
            score_evidence(reading, passages, found, resources.embedder, resources.index.knows)
            for reading in readings
        ),
        key=lambda evidence: (evidence.enough, evidence.probability),
    )
    return Part(text, passages, found, evidence)


def _weighed_of(part: Part) -> Iterator[WeighedSentence]:
    shown = {sentence.text for sentence in part.found.shown} if part.evidence.enough else set()
    found: list[tuple[Statement, float]] = [
        *zip(part.found.nearest, part.found.relevance, strict=True),
        *part.found.further,
    ]
    for one, relevance in found[:WEIGHED_SHOWN]:
        yield WeighedSentence(
            one.text[:SENTENCE_SHOWN],
            one.source,
            one.start,
            one.end,
            one.heading,
            round(relevance, 3),
            one.text in shown,
            one.collection,
        )


def _choose(committee: Part, own: Part | None = None) -> Part:
    """Who answers, the committee or the user's own documents, with the other beside."""
    if own is None:
        return committee
    if own_answers(committee.text, committee.evidence, own.evidence, own.passages):
        return replace(own, beside=committee)
    return replace(committee, beside=own)


def _retrieve(text: str, resources: Resources, index: PassageIndex, limit: int) -> tuple[Passage, ...]:
    return retrieve(text, embedder=resources.embedder, index=index, limit=limit)


def nearest_source(question: str, resources: Resources) -> float:
    """Cosine of the question to what comes nearest to it in the sources and the questions written for them."""
    return max(
        (
            max(passage.cosine, *passage.sentence_scores, *passage.asked_scores, passage.unanswered_score)
            for passage in _retrieve(question, resources, resources.index, resources.settings.passages)
        ),
        default=0.0,
    )


def _each_standalone(parts: Sequence[str]) -> list[str]:
    """The texts to search for: a later part that points back ("why does it matter?") brings the first along."""
    first = Turn("user", parts[0])
    return [parts[0], *(condense(part, [first]).text for part in parts[1:])]


def _merged(parts: Sequence[Part], limit: int) -> tuple[Passage, ...]:
    """The best passages of every part in turn and all that are cited, each once, ranked anew."""
    turns = [passage for row in zip_longest(*(part.passages for part in parts)) for passage in row if passage]
    cited = {part.passages[place].chunk.id for part in parts for place in _cited(part)}
    distinct = {passage.chunk.id: passage for passage in reversed(turns)}
    kept = [p for place, p in enumerate(reversed(distinct.values())) if place < limit or p.chunk.id in cited]
    return tuple(replace(passage, rank=rank) for rank, passage in enumerate(kept, 1))


def _cited(part: Part) -> set[int]:
    """The places of the passages that the part's sentences are cited from."""
    return {citation.passage for sentence in part.found.shown for citation in sentence.citations}
