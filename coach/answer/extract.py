"""Answer without a language model: the sentences of the passages that answer the question, word for word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from coach.answer.coefficients import coefficients
from coach.answer.late_interaction import cover
from coach.protocols import Embedder, Vectors
from coach.text.sentences import split_sentences
from coach.text.words import content_words, share_covered
from coach.types import Citation, Extract, Passage, Sentence, Statement

NEAREST = 5  # sentences that evidence is looked for in, and that a chat model reads
MIN_SENTENCES = 2  # shown where there are any
# Share of the best one's relevance from which a sentence is shown. On the held-out cases and topics of bench/answers 3.5 sentences
# are then shown and hold the facts as often as five did: `bench/fit/answerability.py`.
NEAR_BEST = 0.4
RERANKED = 14  # candidates by likeness whose coverage is looked at; the fact is among them in all but 1 % of the fit questions
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


def extract(
    question: str, passages: Sequence[Passage], embedder: Embedder, *, follow_up: FollowUp | None = None
) -> Extract:
    """The sentences of `passages` that answer the question, word for word, each with its citation.

    Ranked by likeness first; the best of these by how relevant likeness, coverage and written questions make them. What a
    question that only names a topic is shown stands in the order of the sources; else the best passage comes first.
    """
    candidates = _candidates(passages)
    if not candidates:
        return Extract()
    reranked = _reranked(question, candidates, embedder, follow_up)
    relevance = _relevance(reranked.signals)
    order = [int(place) for place in np.argsort(-relevance, kind="stable")]
    best = order[:NEAREST]
    nearest = tuple(reranked.candidates[place] for place in best)
    scores = tuple(float(relevance[place]) for place in best)
    least = NEAR_BEST * scores[0]
    shown = [
        _sentence(statement, score)
        for rank, (statement, score) in enumerate(zip(nearest, scores, strict=True))
        if rank < MIN_SENTENCES or score >= least
    ]
    further = tuple((reranked.candidates[place], float(relevance[place])) for place in order[NEAREST:])
    return Extract(nearest, scores, _in_reading_order(shown, reranked.is_topic), reranked.likeness, further)


def sentence_signals(
    question: str, passages: Sequence[Passage], embedder: Embedder
) -> tuple[list[Statement], Vectors]:
    """The likeliest sentences and their signals of shape (sentences, 3): what relevance is fitted on."""
    reranked = _reranked(question, _candidates(passages), embedder, None)
    return reranked.candidates, reranked.signals


@dataclass(frozen=True, slots=True)
class _Reranked:
    candidates: list[Statement]
    signals: Vectors
    likeness: float
    is_topic: bool


def _reranked(
    question: str, candidates: Sequence[Statement], embedder: Embedder, follow_up: FollowUp | None
) -> _Reranked:
    """The likeliest candidates with their likeness beside the best one's, the nearest question written for them, and how
    well they cover the word they cover worst."""
    scores = _scores(question, candidates, embedder)
    if follow_up is not None:
        scores = _as_follow_up(scores, follow_up, candidates, embedder)
    order = np.argsort(-scores, kind="stable")[:RERANKED]
    likeliest = [candidates[place] for place in order]
    asked = follow_up.asked if follow_up is not None else question
    covered = cover(asked, [candidate.in_context for candidate in likeliest], embedder)
    likeness = float(scores[order[0]])
    beside = scores[order] / max(1e-6, likeness)
    written = [candidate.asked for candidate in likeliest]
    signals = np.stack([beside, written, covered.worst()], axis=1)
    return _Reranked(likeliest, signals, likeness, covered.is_topic)


def _relevance(signals: Vectors) -> Vectors:
    """How likely each sentence speaks of what is asked, 0..1, by a logistic regression."""
    fit = coefficients()["sentence"]
    likely: Vectors = 1 / (1 + np.exp(-(signals @ np.asarray(fit["weights"]) + fit["intercept"])))
    return likely


def _in_reading_order(sentences: Sequence[Sentence], as_in_the_source: bool) -> tuple[Sentence, ...]:
    """By place in the source, the best passage (or the document of the best sentence) first."""
    groups: list[object] = []
    keyed = []
    for sentence in sentences:
        citation = sentence.citations[0]
        group: object = citation.span.source if as_in_the_source else citation.passage
        if group not in groups:
            groups.append(group)
        keyed.append((groups.index(group), citation.span.start, sentence))
    return tuple(sentence for *_, sentence in sorted(keyed, key=lambda entry: entry[:2]))


def texts_to_embed(sections: Sequence[Statement]) -> list[str]:
    """Every text that `extract` embeds for passages of `sections`: what an embedder's memory is warmed with."""
    texts: list[str] = []
    for section in sections:
        texts.append(section.heading)
        texts.extend(
            replace(section, text=section.text[start:end]).in_context
            for start, end in split_sentences(section.text)
        )
    return texts


def _candidates(passages: Sequence[Passage]) -> list[Statement]:
    """The sentences of the passages, each text once."""
    every = (statement for place, passage in enumerate(passages) for statement in passage.statements(place))
    distinct: dict[str, Statement] = {}
    for statement in every:
        if not _BYLINE.search(statement.text):
            distinct.setdefault(statement.text, statement)
    return list(distinct.values())


def _scores(question: str, candidates: Sequence[Statement], embedder: Embedder) -> np.ndarray:
    headings = list(dict.fromkeys(candidate.heading for candidate in candidates))
    texts = [question, *headings, *(candidate.in_context for candidate in candidates)]
    vectors = embedder.embed(texts)
    similar = vectors[1:] @ vectors[0]
    by_heading = dict(zip(headings, similar[: len(headings)], strict=True))
    under_heading = similar[len(headings) :]
    asked = content_words(question)
    scores = np.empty(len(candidates), dtype=np.float64)
    for place, candidate in enumerate(candidates):
        meaning = (candidate.cosine + float(under_heading[place]) + float(by_heading[candidate.heading])) / 3
        words = share_covered(asked, set(content_words(candidate.in_context)))
        score = MEANING_WEIGHT * meaning + WORDS_WEIGHT * words
        scores[place] = score + ASKED_WEIGHT * max(0.0, candidate.asked - score)
    return np.clip(scores, 0.0, 1.0)


def _as_follow_up(
    together: np.ndarray, follow_up: FollowUp, candidates: Sequence[Statement], embedder: Embedder
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


def _sentence(statement: Statement, score: float) -> Sentence:
    citation = Citation(
        statement.span, statement.passage, score, page=statement.page, collection=statement.collection
    )
    return Sentence(statement.text, "supported", (citation,), "source")
