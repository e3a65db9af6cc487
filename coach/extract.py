"""Answer without a language model: the sentences of the passages that answer the question, word for word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coach.protocols import Embedder
from coach.sections import Section
from coach.sentences import split_sentences
from coach.types import Citation, Passage, Sentence, Span
from coach.words import content_words, share_covered

MAX_SENTENCES = 4
NEAR_BEST = 0.72  # a sentence scoring below this share of the best one adds noise, not facts
# Where even the best sentence is far from the question's wording, the order among them is little to go by, and
# more are shown: on 56 such fit questions of bench/answers four sentences held the fact of 55 %, eight of 71 %.
FAR_BEST = 0.35
MAX_SENTENCES_FAR = 8
# A probe on 35 questions found the required fact in 32 with these weights (sentence, sentence under its
# heading, heading; then words), three sentences shown.
MEANING_WEIGHT = 0.75
WORDS_WEIGHT = 0.25

_BYLINE = re.compile(
    r"\b\d+[- ]min(?:ute)?s? read\b", re.IGNORECASE
)  # "9 min read": about the page, no statement


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: int
    start: int
    end: int
    text: str
    under_heading: str
    heading: str
    cosine: float


def extract(
    question: str,
    passages: Sequence[Passage],
    embedder: Embedder,
    *,
    most_when_far: int = MAX_SENTENCES_FAR,
) -> tuple[Sentence, ...]:
    """At most MAX_SENTENCES sentences with their citations, best passage first, in reading order within a passage.

    `most_when_far` of them where the best is far from the question's wording.

    `support` of each citation is the sentence's score for the question, 0..1.
    """
    candidates = _candidates(passages)
    if not candidates:
        return ()
    scores = _scores(question, candidates, embedder)
    order = np.argsort(-scores, kind="stable")
    best = float(scores[order[0]])
    near_best = [int(place) for place in order[:MAX_SENTENCES] if scores[place] >= NEAR_BEST * best]
    chosen = near_best if best >= FAR_BEST else [int(place) for place in order[:most_when_far]]
    first_seen = {candidates[place].passage: rank for rank, place in reversed(list(enumerate(chosen)))}
    chosen.sort(key=lambda place: (first_seen[candidates[place].passage], candidates[place].start))
    return tuple(_sentence(candidates[place], passages, float(scores[place])) for place in chosen)


def texts_to_embed(sections: Sequence[Section]) -> list[str]:
    """Every text that `extract` embeds for passages of `sections`: what an embedder's memory is warmed with."""
    texts: list[str] = []
    for section in sections:
        heading = section.headings[-1]
        texts.append(heading)
        texts.extend(_under(heading, section.text[start:end]) for start, end in split_sentences(section.text))
    return texts


def _under(heading: str, sentence: str) -> str:
    return f"{heading}\n{sentence}"


def _candidates(passages: Sequence[Passage]) -> list[_Candidate]:
    found: list[_Candidate] = []
    seen: set[str] = set()
    for number, passage in enumerate(passages):
        heading = passage.chunk.headings[-1] if passage.chunk.headings else passage.title
        for place, (start, end) in enumerate(split_sentences(passage.chunk.text)):
            text = passage.chunk.text[start:end]
            if text in seen or _BYLINE.search(text):
                continue
            seen.add(text)
            cosine = (
                passage.sentence_scores[place] if place < len(passage.sentence_scores) else passage.cosine
            )
            found.append(_Candidate(number, start, end, text, _under(heading, text), heading, cosine))
    return found


def _scores(question: str, candidates: Sequence[_Candidate], embedder: Embedder) -> np.ndarray:
    headings = list(dict.fromkeys(candidate.heading for candidate in candidates))
    texts = [question, *headings, *(candidate.under_heading for candidate in candidates)]
    vectors = embedder.embed(texts)
    similar = vectors[1:] @ vectors[0]
    by_heading = dict(zip(headings, similar[: len(headings)], strict=True))
    under_heading = similar[len(headings) :]
    asked = content_words(question)
    scores = np.empty(len(candidates), dtype=np.float64)
    for place, candidate in enumerate(candidates):
        meaning = (candidate.cosine + float(under_heading[place]) + float(by_heading[candidate.heading])) / 3
        words = share_covered(asked, set(content_words(candidate.under_heading)))
        scores[place] = MEANING_WEIGHT * meaning + WORDS_WEIGHT * words
    return np.clip(scores, 0.0, 1.0)


def _sentence(candidate: _Candidate, passages: Sequence[Passage], score: float) -> Sentence:
    passage = passages[candidate.passage]
    offset = passage.chunk.start
    span = Span(passage.source, offset + candidate.start, offset + candidate.end, candidate.text)
    return Sentence(candidate.text, "supported", (Citation(span, candidate.passage, score),), "source")
