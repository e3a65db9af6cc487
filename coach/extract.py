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

MIN_SENTENCES, MAX_SENTENCES = 3, 5  # so many where there are any near the best
NOISE_BELOW = 0.6  # share of the best score below which no sentence held a fact of the fit questions
NEAR_BEST = (
    0.8  # beyond the first three, a sentence scoring below this share of the best one adds noise, not facts
)
# Where even the best sentence is far from the question's wording, the order among them is little to go by, and
# one more is shown. On 173 fit questions of bench/answers these five hold the facts of 96 % in 3.6 sentences on average;
# one sentence alone where it is clearly the best would cost 2 %, eight instead of six of far ones win 1 %.
FAR_BEST = 0.4
MAX_SENTENCES_FAR = 6
# A probe on 35 questions found the required fact in 32 with these weights (sentence, sentence under its
# heading, heading; then words), three sentences shown.
MEANING_WEIGHT = 0.75
WORDS_WEIGHT = 0.25
# Where a sentence is known to answer a question like this one, that likeness counts half; it never lowers a score. On
# the fit questions of bench/answers four sentences hold the facts of 91 % with it, of 79 % without; 0.3 to 0.7 are alike.
ASKED_WEIGHT = 0.5

# A follow-up is scored by itself and together with the question it follows, half each, and a sentence from the section
# that the earlier question leads to gains this: 17 of 19 fit follow-ups then have their fact among five sentences, 15
# without. Anything from 0.1 to 0.4 does the same.
SAME_SECTION_GAIN = 0.15

_BYLINE = re.compile(
    r"\b\d+[- ]min(?:ute)?s? read\b", re.IGNORECASE
)  # "9 min read": about the page, no statement


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up's own words and the question it follows, each with the passages that were found for it."""

    asked: str
    asked_passages: Sequence[Passage]
    earlier: str
    earlier_passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: int
    start: int
    end: int
    text: str
    under_heading: str
    heading: str
    cosine: float
    asked: float


def extract(
    question: str,
    passages: Sequence[Passage],
    embedder: Embedder,
    *,
    most_when_far: int = MAX_SENTENCES_FAR,
    follow_up: FollowUp | None = None,
) -> tuple[Sentence, ...]:
    """Up to MAX_SENTENCES sentences with their citations, best passage first, in reading order within a
    passage; up to `most_when_far` where the best is far from the question's wording.

    `support` of each citation is the sentence's score for the question, 0..1.
    """
    candidates = _candidates(passages)
    if not candidates:
        return ()
    scores = _scores(question, candidates, embedder)
    if follow_up is not None:
        scores = _as_follow_up(scores, follow_up, candidates, embedder)
    order = np.argsort(-scores, kind="stable")
    best = float(scores[order[0]])
    near_best = [
        int(place)
        for rank, place in enumerate(order[:MAX_SENTENCES])
        if scores[place] >= best * (NOISE_BELOW if rank < MIN_SENTENCES else NEAR_BEST)
    ]
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
            asked = passage.asked_scores[place] if place < len(passage.asked_scores) else 0.0
            found.append(_Candidate(number, start, end, text, _under(heading, text), heading, cosine, asked))
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
        score = MEANING_WEIGHT * meaning + WORDS_WEIGHT * words
        scores[place] = score + ASKED_WEIGHT * max(0.0, candidate.asked - score)
    return np.clip(scores, 0.0, 1.0)


def _as_follow_up(
    together: np.ndarray, follow_up: FollowUp, candidates: Sequence[_Candidate], embedder: Embedder
) -> np.ndarray:
    """Scores of a follow-up, from those of the question together with the one it follows."""
    before = _scored(follow_up.earlier, follow_up.earlier_passages, embedder)
    alone = _scored(follow_up.asked, follow_up.asked_passages, embedder)
    led_to = max(before, key=lambda text: before[text][0], default="")
    heading = before[led_to][1] if led_to else None
    by_itself = np.array([alone.get(candidate.text, (0.0, ""))[0] for candidate in candidates])
    nearby = np.array([candidate.heading == heading for candidate in candidates])
    mixed: np.ndarray = (together + by_itself) / 2 + SAME_SECTION_GAIN * nearby
    return mixed.clip(0.0, 1.0)


def _scored(question: str, passages: Sequence[Passage], embedder: Embedder) -> dict[str, tuple[float, str]]:
    """Score and heading of every sentence, by its text."""
    candidates = _candidates(passages)
    if not candidates:
        return {}
    scores = _scores(question, candidates, embedder)
    return {c.text: (float(score), c.heading) for c, score in zip(candidates, scores, strict=True)}


def _sentence(candidate: _Candidate, passages: Sequence[Passage], score: float) -> Sentence:
    passage = passages[candidate.passage]
    offset = passage.chunk.start
    span = Span(passage.source, offset + candidate.start, offset + candidate.end, candidate.text)
    return Sentence(candidate.text, "supported", (Citation(span, candidate.passage, score),), "source")
