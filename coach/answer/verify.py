"""Match each sentence of a reply to the exact sentences that carry it, or mark it unsupported.

Markers the model prints are thrown away; citations are made here, by signals whose weights were fitted on claims people
judged (`coach.answer.support`), and by a second look of the chat model at what these leave open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coach.answer.support import (
    Reading,
    Support,
    is_hopeless,
    load_entailment_model,
    read,
    score_claim,
    with_entailment,
)
from coach.errors import BackendError
from coach.protocols import Embedder
from coach.text.sentences import split_sentences
from coach.text.words import content_words, numbers
from coach.types import Citation, Passage, Sentence, SentenceStatus, Statement

_MARKERS = re.compile(
    r"\s*(?:\[(?:\d+|source|sources?[^\]]{0,40}|citation[^\]]{0,40})(?:\s*[,;-]\s*\d+)*\]|\((?:source|passage)s?:?[^)]{0,60}\))",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"\*\*|__|`|(?m:^#{1,6}\s+)")


SecondLook = Callable[[str, Sequence[Statement]], float]


@dataclass(frozen=True, slots=True)
class _Source:
    statement: Statement
    reading: Reading


def verify(
    text: str,
    passages: Sequence[Passage],
    embedder: Embedder,
    second_look: SecondLook | None = None,
) -> tuple[Sentence, ...]:
    """The sentences of `text`, each with its citations or marked unsupported, or as a connective.

    `support` of a citation is the probability that the cited sentences carry the claim. A figure or a
    name that the sources do not hold is never supported, whatever the probability. `second_look` gives a chat
    model's log-odds that sentences say what a claim says (BackendError where it cannot tell); it is asked about what is not plain.
    """
    plain = clean(text)
    claims = [line[start:end] for line in plain.splitlines() for start, end in split_sentences(line)]
    to_judge = [claim for claim in claims if _bare_status(claim) != "connective"]
    sources = _sources(passages)
    judged = {}
    if sources and to_judge:
        for claim, scored in zip(to_judge, _score_all(to_judge, sources, embedder), strict=True):
            evidence = _looked_at(claim, scored, sources, second_look) if second_look else scored
            judged[claim] = _judged(claim, evidence, sources)
    return tuple(judged.get(claim) or Sentence(claim, _bare_status(claim)) for claim in claims)


def clean(text: str) -> str:
    """`text` without citation markers and Markdown emphasis that the model printed."""
    return _EMPHASIS.sub("", _MARKERS.sub("", text)).strip()


def _bare_status(claim: str) -> SentenceStatus:
    words = content_words(claim)
    if claim.endswith(":") or (len(words) <= 1 and not numbers(claim)):
        return "connective"
    return "unsupported"


def _sources(passages: Sequence[Passage]) -> list[_Source]:
    return [
        _Source(statement, read(statement.text, " ".join(passage.chunk.headings[-1:])))
        for place, passage in enumerate(passages)
        for statement in passage.statements(place)
    ]


def _score_all(claims: Sequence[str], sources: Sequence[_Source], embedder: Embedder) -> list[Support]:
    """The evidence for every claim; claims and sources go through the embedder in one call."""
    vectors = embedder.embed([*claims, *(source.statement.text for source in sources)])
    readings = [source.reading for source in sources]
    return [
        score_claim(read(claim), readings, vectors[len(claims) :] @ vector, embedder)
        for claim, vector in zip(claims, vectors, strict=False)
    ]


def _looked_at(claim: str, evidence: Support, sources: Sequence[_Source], second_look: SecondLook) -> Support:
    """The evidence with a chat model's judgement, where that could change whether the claim is shown."""
    if evidence.method == "verbatim" or evidence.vetoed:
        return evidence
    if is_hopeless(evidence):
        return replace(evidence, vetoed=True)
    near = [sources[place].statement for place in evidence.nearest]
    try:
        return with_entailment(evidence, load_entailment_model(), second_look(claim, near))
    except BackendError:
        return evidence


def _judged(claim: str, evidence: Support, sources: Sequence[_Source]) -> Sentence:
    if not evidence.supported:
        return Sentence(claim, "unsupported")
    support = round(evidence.support, 4)
    cited = [sources[place].statement for place in evidence.supporting]
    return Sentence(
        claim,
        "supported",
        tuple(
            Citation(one.span, one.passage, support, evidence.method, one.page, one.collection)
            for one in cited
        ),
    )
