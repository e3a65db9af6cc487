"""Match each sentence of a reply to the exact sentences that carry it, or mark it unsupported.

Markers the model prints are thrown away; citations are made here, by comparing words, figures, names,
negation and meaning with weights that were fitted on claims people judged (`coach.support`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coach.errors import BackendError
from coach.prompts import fill_prompt
from coach.protocols import ChatModel, Embedder
from coach.sentences import split_sentences
from coach.support import (
    Evidence,
    Reading,
    SupportModel,
    claim_parts,
    is_hopeless,
    load_opinion_model,
    read,
    weigh,
    with_opinion,
)
from coach.types import Citation, Passage, Sentence, SentenceStatus, Span, Turn
from coach.words import content_words, numbers
from coach.yes_or_no import log_odds, probability_of_yes

_MARKERS = re.compile(
    r"\s*(?:\[(?:\d+|source|sources?[^\]]{0,40}|citation[^\]]{0,40})(?:\s*[,;-]\s*\d+)*\]|\((?:source|passage)s?:?[^)]{0,60}\))",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"\*\*|__|`|(?m:^#{1,6}\s+)")
_CONNECTIVE = re.compile(
    r"^(?:in (?:summary|short|conclusion|other words)|to (?:summari[sz]e|sum up)|overall|here (?:is|are)\b.*|"
    r"(?:the )?(?:following|key points?).*|yes|no|sure|certainly|of course)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Source:
    passage: int
    span: Span
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Judge:
    """The sentences a claim may stand on, and who gives a second opinion, if anybody."""

    sources: Sequence[_Source]
    chat_model: ChatModel | None
    opinions: SupportModel | None

    def weighed(self, claim: str, evidence: Evidence) -> Evidence:
        plain = evidence.method == "verbatim" or evidence.vetoed
        if plain or self.chat_model is None or self.opinions is None:
            return evidence
        if is_hopeless(evidence):
            return replace(evidence, vetoed=True)
        near = [self.sources[place] for place in evidence.nearest]
        stated = [(source.reading.heading, source.span.text) for source in near]
        try:
            return with_opinion(evidence, self.opinions, ask_opinion(claim, stated, self.chat_model))
        except BackendError:
            return evidence


def ask_opinion(claim: str, stated: Sequence[tuple[str, str]], chat_model: ChatModel) -> float:
    """The model's log-odds that the sentences `stated`, each behind its heading, say exactly what `claim` says.

    Raises BackendError when it cannot choose.
    """
    passages = "\n".join(f"{heading}: {sentence}" for heading, sentence in stated)
    prompt = (
        Turn("system", fill_prompt("support_check_system")),
        Turn("user", fill_prompt("support_check", passages=passages, claim=claim)),
    )
    return log_odds(probability_of_yes(chat_model, prompt))


def verify(
    text: str, passages: Sequence[Passage], embedder: Embedder, chat_model: ChatModel | None = None
) -> tuple[Sentence, ...]:
    """The sentences of `text`, each with its citations or marked unsupported, or as a connective.

    `support` of a citation is the probability that the cited sentences carry the claim. A figure or a
    name that the sources do not hold is never supported, whatever the probability. `chat_model` is asked for a
    second opinion on what is not plain, where its opinion was measured; one that fails leaves the first signals alone.
    """
    plain = clean(text)
    claims = [line[start:end] for line in plain.splitlines() for start, end in split_sentences(line)]
    to_judge = [claim for claim in claims if _bare_status(claim) != "connective"]
    sources = _sources(passages)
    judge = _Judge(sources, chat_model, load_opinion_model(chat_model.name) if chat_model else None)
    judged = dict(zip(to_judge, _judge_all(to_judge, judge, embedder), strict=True)) if sources else {}
    return tuple(judged.get(claim) or Sentence(claim, _bare_status(claim)) for claim in claims)


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
            found.append(_Source(number, span, read(text, heading)))
    return found


def _judge_all(claims: Sequence[str], judge: _Judge, embedder: Embedder) -> list[Sentence]:
    """Judge every claim; claims, their parts and the sources go through the embedder in one call."""
    if not claims:
        return []
    sources = judge.sources
    parts = [claim_parts(claim) for claim in claims]
    texts = [*claims, *(source.span.text for source in sources), *(part for own in parts for part in own)]
    vectors = embedder.embed(texts)
    source_vectors = vectors[len(claims) : len(claims) + len(sources)]
    first_part = len(claims) + len(sources)
    sentences = []
    for place, claim in enumerate(claims):
        part_vectors = vectors[first_part : first_part + len(parts[place])]
        first_part += len(parts[place])
        readings = [source.reading for source in sources]
        evidence = weigh(read(claim), readings, source_vectors, vectors[place], part_vectors)
        sentences.append(_judged(claim, judge.weighed(claim, evidence), sources))
    return sentences


def _judged(claim: str, evidence: Evidence, sources: Sequence[_Source]) -> Sentence:
    if not evidence.carried:
        return Sentence(claim, "unsupported")
    support = round(evidence.support, 4)
    cited = [sources[place] for place in evidence.carriers]
    return Sentence(
        claim,
        "supported",
        tuple(Citation(source.span, source.passage, support, evidence.method) for source in cited),
    )
