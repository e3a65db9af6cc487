"""Match each sentence of a reply to the exact sentence that carries it, or mark it unsupported.

Markers the model prints are thrown away; citations are made here, by comparing words, numbers,
names, negation and meaning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coach.protocols import Embedder
from coach.sentences import split_sentences
from coach.types import Citation, Passage, Sentence, SentenceStatus, Span
from coach.words import content_words, is_negated, numbers, share_covered

SUPPORTED = 0.62  # support from which a sentence is shown as carried by its source
SECOND_SPAN_GAIN = 0.15  # share of the claim's words a second sentence must add to be cited too

_MARKERS = re.compile(
    r"\s*(?:\[(?:\d+|source|sources?[^\]]{0,40}|citation[^\]]{0,40})(?:\s*[,;-]\s*\d+)*\]|\((?:source|passage)s?:?[^)]{0,60}\))",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"\*\*|__|`|(?m:^#{1,6}\s+)")
_NAME = re.compile(r"(?<![.!?:\n“\"] )(?<!^)\b[A-Z][\w&.-]*[A-Za-z0-9]\b")
_CLAUSE = re.compile(r"[;:,—–]|\b(?:rather than|instead of|but|not just|not only|not merely)\b")
_CONNECTIVE = re.compile(
    r"^(?:in (?:summary|short|conclusion|other words)|to (?:summari[sz]e|sum up)|overall|here (?:is|are)\b.*|"
    r"(?:the )?(?:following|key points?).*|yes|no|sure|certainly|of course)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Source:
    passage: int
    span: Span
    words: frozenset[str]
    numbers: frozenset[str]
    text: str


def verify(text: str, passages: Sequence[Passage], embedder: Embedder) -> tuple[Sentence, ...]:
    """The sentences of `text`, each with its citation or marked unsupported, or as a connective.

    A number or a name that the cited sentences and their heading do not hold is never supported.
    """
    plain = clean(text)
    claims = [line[start:end] for line in plain.splitlines() for start, end in split_sentences(line)]
    sources = _sources(passages)
    if not claims:
        return ()
    if not sources:
        return tuple(Sentence(claim, _bare_status(claim)) for claim in claims)
    vectors = embedder.embed([*claims, *(source.span.text for source in sources)])
    similar = vectors[: len(claims)] @ vectors[len(claims) :].T
    return tuple(
        _judge(claim, sources, row) if _bare_status(claim) != "connective" else Sentence(claim, "connective")
        for claim, row in zip(claims, similar, strict=True)
    )


def clean(text: str) -> str:
    """`text` without citation markers and Markdown emphasis that the model printed."""
    return _EMPHASIS.sub("", _MARKERS.sub("", text)).strip()


def _bare_status(claim: str) -> SentenceStatus:
    words = content_words(claim)
    if claim.endswith(":") or _CONNECTIVE.match(claim) or (len(words) <= 1 and not numbers(claim)):
        return "connective"
    return "unsupported"


def _sources(passages: Sequence[Passage]) -> list[_Source]:
    found = []
    for number, passage in enumerate(passages):
        chunk = passage.chunk
        heading = " ".join(chunk.headings[-1:])
        for start, end in split_sentences(chunk.text):
            text = chunk.text[start:end]
            span = Span(passage.source, chunk.start + start, chunk.start + end, text)
            words = frozenset(content_words(f"{heading} {text}"))
            found.append(
                _Source(number, span, words, numbers(f"{heading} {text}"), f"{heading} {text}".lower())
            )
    return found


def _judge(claim: str, sources: Sequence[_Source], similar: np.ndarray) -> Sentence:
    words = content_words(claim)
    supports = np.array(
        [_support(words, source, float(cosine)) for source, cosine in zip(sources, similar, strict=True)]
    )
    best = int(np.argmax(supports))
    carriers = [best]
    second = _second_carrier(words, sources, supports, best)
    if second is not None:
        carriers.append(second)
        union = sources[best].words | sources[second].words
        joined = 0.5 * share_covered(words, union) + 0.5 * float(max(similar[best], similar[second]))
        supports[best] = max(supports[best], joined)
    support = float(np.clip(supports[best], 0.0, 1.0))
    cited = [sources[place] for place in carriers]
    if (
        support < SUPPORTED
        or not _figures_and_names_agree(claim, cited)
        or not _negation_agrees(claim, cited)
    ):
        return Sentence(claim, "unsupported")
    citations = tuple(
        Citation(sources[place].span, sources[place].passage, round(support, 4), "words+meaning")
        for place in carriers
    )
    return Sentence(claim, "supported", citations)


def _support(words: tuple[str, ...], source: _Source, cosine: float) -> float:
    return 0.5 * share_covered(words, source.words) + 0.5 * max(0.0, cosine)


def _negation_agrees(claim: str, carriers: Sequence[_Source]) -> bool:
    """Whether some carrier's clause on the same matter is negated just as the claim is.

    Clause by clause, since "not merely A; a strong candidate does B" carries "a strong candidate does B".
    """
    words = set(content_words(claim))
    for source in carriers:
        clauses = [clause for clause in _CLAUSE.split(source.span.text) if content_words(clause)]
        shared = [len(words & set(content_words(clause))) for clause in clauses]
        most = max(shared, default=0)
        for clause, count in zip(clauses, shared, strict=True):
            if count == most and is_negated(clause) == is_negated(claim):
                return True
        if is_negated(claim) == is_negated(source.span.text) and is_negated(claim):
            return True
    return False


def _second_carrier(
    words: tuple[str, ...], sources: Sequence[_Source], supports: np.ndarray, best: int
) -> int | None:
    """A further sentence of the same passage or another that holds what the best one lacks."""
    missing = set(words) - sources[best].words
    if not words or len(missing) / len(set(words)) < SECOND_SPAN_GAIN:
        return None
    gains = [(len(missing & source.words), float(supports[place])) for place, source in enumerate(sources)]
    place = max((p for p in range(len(sources)) if p != best), key=lambda p: gains[p], default=None)
    if place is None or gains[place][0] / len(set(words)) < SECOND_SPAN_GAIN:
        return None
    return place


def _figures_and_names_agree(claim: str, carriers: Sequence[_Source]) -> bool:
    known = frozenset().union(*(source.numbers for source in carriers))
    if not numbers(claim) <= known:
        return False
    text = " ".join(source.text for source in carriers)
    words = frozenset().union(*(source.words for source in carriers))
    for name in _NAME.findall(claim):
        if name.lower() not in text and not set(content_words(name)) <= words:
            return False
    return True
