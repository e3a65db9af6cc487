"""Retrieve, extract and score: apart for each thing that a question asks, and for a follow-up also where its earlier question leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from coach.answer.answerability import Evidence, score_evidence
from coach.answer.condense import Standalone, condense
from coach.answer.extract import FollowUp, extract
from coach.answer.question_parts import question_parts
from coach.answer.resources import Resources
from coach.answer.retrieve import retrieve
from coach.stream import Tracer
from coach.types import Extract, Passage, Sentence, Turn

LED_TO = 3  # of the passages that the earlier question of a follow-up leads to
FOLLOW_UP_PASSAGES = 20  # looked at for a follow-up, by itself and with the question it follows


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things the question asks, the passages found for it, their sentences on it, and whether those answer it.

    `conversation` is the one in which the chat model has read them, where it has.
    """

    text: str
    passages: tuple[Passage, ...]
    found: Extract
    evidence: Evidence
    conversation: tuple[Turn, ...] = ()

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
    def least(self) -> Evidence:
        """The evidence of the least certain part."""
        return min((part.evidence for part in self.parts), key=lambda evidence: evidence.probability)

    def placed(self, part: Part, sentence: Sentence) -> Sentence:
        """The sentence of a part with its citations counted in `passages` instead of in those of the part."""
        places = {passage.chunk.id: place for place, passage in enumerate(self.passages)}
        citations = (
            replace(citation, passage=places[part.passages[citation.passage].chunk.id])
            for citation in sentence.citations
        )
        return replace(sentence, citations=tuple(citations))


def search(standalone: Standalone, resources: Resources, tracer: Tracer) -> Found:
    """What the index holds on the question, and how likely it answers it by the signals that need no chat model."""
    found = (
        _follow_up(standalone, resources, tracer)
        if standalone.rewritten
        else _parts(standalone, resources, tracer)
    )
    tracer.lap("extract")
    return found


def _parts(standalone: Standalone, resources: Resources, tracer: Tracer) -> Found:
    asked = question_parts(standalone.text)
    passages = [_retrieve(text, resources, resources.settings.passages) for text in _each_standalone(asked)]
    tracer.lap("retrieve")
    parts = []
    for text, own in zip(asked, passages, strict=True):
        extracted = extract(text, own, resources.embedder)
        parts.append(
            Part(
                text,
                own,
                extracted,
                score_evidence(text, own, extracted, resources.embedder, resources.index.knows),
            )
        )
    return Found(
        tuple(parts), passages[0] if len(parts) == 1 else _merged(parts, resources.settings.passages)
    )


def _follow_up(standalone: Standalone, resources: Resources, tracer: Tracer) -> Found:
    """A follow-up is one part; the passages that its earlier question leads to are among those it is looked for in."""
    alone = _retrieve(standalone.asked, resources, FOLLOW_UP_PASSAGES)
    before = _retrieve(standalone.earlier, resources, FOLLOW_UP_PASSAGES)
    together = _retrieve(standalone.text, resources, FOLLOW_UP_PASSAGES)
    led_to = {passage.chunk.id for passage in before[:LED_TO]}
    near = [p for p in together if p.rank <= resources.settings.passages or p.chunk.id in led_to]
    passages = tuple(replace(passage, rank=rank) for rank, passage in enumerate(near, 1))
    tracer.lap("retrieve")
    follow_up = FollowUp(standalone.asked, alone, standalone.earlier, before)
    extracted = extract(standalone.text, passages, resources.embedder, follow_up=follow_up)
    # It may name its particular itself, or leave it to the question it follows: the likelier reading counts.
    readings = (
        score_evidence(asked, passages, extracted, resources.embedder, resources.index.knows)
        for asked in (standalone.asked, standalone.text)
    )
    evidence = max(readings, key=lambda evidence: (evidence.enough, evidence.probability))
    return Found((Part(standalone.text, passages, extracted, evidence),), passages)


def _retrieve(text: str, resources: Resources, limit: int) -> tuple[Passage, ...]:
    return retrieve(text, embedder=resources.embedder, index=resources.index, limit=limit)


def nearest_source(question: str, resources: Resources) -> float:
    """Cosine of the question to what comes nearest to it in the sources and the questions written for them."""
    return max(
        (
            max(passage.cosine, *passage.sentence_scores, *passage.asked_scores, passage.unanswered_score)
            for passage in _retrieve(question, resources, resources.settings.passages)
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
    cited = {
        part.passages[citation.passage].chunk.id
        for part in parts
        for sentence in part.found.shown
        for citation in sentence.citations
    }
    distinct = {passage.chunk.id: passage for passage in reversed(turns)}
    kept = [p for place, p in enumerate(reversed(distinct.values())) if place < limit or p.chunk.id in cited]
    return tuple(replace(passage, rank=rank) for rank, passage in enumerate(kept, 1))
