"""Put a follow-up: the candidate's own words, exactly, and the rubric's open question about what is thin in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from coach.critique.evidence import find_evidence
from coach.critique.injection import clauses
from coach.critique.prepare import PreparedDraft
from coach.protocols import Embedder
from coach.text.words import STOP_WORDS, content_words
from coach.types import Criterion, Quote

LONGEST_QUOTE = 16  # words: what one can say aloud and the candidate knows again
NEAR_ENOUGH = 0.5  # of the likeness to the question that the likest sentence has: less, and a stray remark may be quoted
_FEWEST_WORDS = 3  # that are left of a clause which is cut
_FEWEST_OF_A_CLAUSE = 6  # words: "In the contracts I see" says nothing by itself
_FRAMES = (
    "You said “{quote}”. {probe}",
    "Let me take up “{quote}”. {probe}",
    "“{quote}”, you said. {probe}",
)
_JOINING = ("and", "but", "so", "because")
_JOINTS = ("and ", "but ", "so ", "then ", "because ", "which ", "or ")
_WORD = re.compile(r"\S+")
_EDGES = " \t\n,;:.!?–—-*•"


@dataclass(frozen=True, slots=True)
class Probe:
    """A follow-up aimed at one criterion. `quote` is exact: `draft[quote.start:quote.end] == quote.text`."""

    text: str
    criterion: str
    quote: Quote


def compose_probe(
    criterion: Criterion,
    question: str,
    prepared: PreparedDraft,
    embedder: Embedder,
    *,
    quoted: Collection[str] = (),
    number: int = 0,
) -> Probe:
    """The follow-up on `criterion`: about what comes nearest to it in the draft, of which there must be a sentence at least.

    Words that earlier follow-ups gave back (`quoted`) are passed over while there are others, and so is what has little to do with the
    interview `question`; `number` says the how manieth it is.
    """
    said = [one for one in prepared.kept if not any(words in one.text for words in quoted)] or prepared.kept
    vectors = embedder.embed([question, *(one.text for one in said)])
    likeness = vectors[1:] @ vectors[0]
    said = [
        one for one, like in zip(said, likeness, strict=True) if like >= NEAR_ENOUGH * likeness.max()
    ] or said
    nearest = said[find_evidence(criterion, [one.text for one in said], embedder).best]
    quote = _short(nearest, question_of(criterion), embedder)
    text = _FRAMES[number % len(_FRAMES)].format(quote=quote.text, probe=question_of(criterion))
    return Probe(text, criterion.id, quote)


def question_of(criterion: Criterion) -> str:
    """What an interviewer asks about it; of a rubric that gives nothing of the kind, what brings it out."""
    return criterion.probe or criterion.elicit or "Can you say more about that?"


def leaked_words(text: str, quote: str, criterion: Criterion, known: Sequence[str] = ()) -> frozenset[str]:
    """Stems of the rubric's answer that a follow-up gives away: those outside the candidate's own words that stand in what the
    committee looks for or in its help, and neither in the question the criterion is judged by nor in `known` (the interview question)."""
    examples = [example.span.text for example in criterion.examples if example.quality == "good"]
    answer = " ".join(
        (criterion.anchors["met"], criterion.suggestion, criterion.hint, criterion.frame, *examples)
    )
    asked = content_words(" ".join((criterion.question, criterion.name, *known)))
    return (frozenset(content_words(answer)) - set(asked)) & set(
        content_words(text.replace(quote, " ") if quote else text)
    )


def _short(sentence: Quote, about: str, embedder: Embedder) -> Quote:
    """The sentence, or the clause of it that is nearest to what is asked; of a long one its beginning."""
    spans = [(0, len(sentence.text))]
    if len(sentence.text.split()) > LONGEST_QUOTE:
        spans = [
            span
            for span in clauses(sentence.text)
            if len(sentence.text[slice(*span)].split()) >= _FEWEST_OF_A_CLAUSE
        ] or spans
    texts = [sentence.text[start:end] for start, end in spans]
    vectors = embedder.embed([about, *texts])
    start, end = spans[int((vectors[1:] @ vectors[0]).argmax())]
    return _trimmed(sentence, start, end)


def _end_of_a_phrase(words: Sequence[re.Match[str]]) -> int:
    """Where the words are cut so that no phrase is torn: at a mark or before what a conjunction joins on, else before the last function
    word and those next to it."""
    joints = [
        place
        for place in range(_FEWEST_WORDS, len(words))
        if words[place - 1].group()[-1] in ",;:" or words[place].group().lower() in _JOINING
    ]
    if joints:
        return words[joints[-1] - 1].end()
    is_function_word = [word.group().lower().strip(_EDGES) in STOP_WORDS for word in words]
    kept = len(words)
    if True in is_function_word[_FEWEST_WORDS:]:
        kept -= is_function_word[::-1].index(True) + 1
    while kept > _FEWEST_WORDS and is_function_word[kept - 1]:
        kept -= 1
    return words[kept - 1].end()


def _trimmed(sentence: Quote, start: int, end: int) -> Quote:
    text = sentence.text
    words = list(_WORD.finditer(text, start, end))
    if len(words) > LONGEST_QUOTE:
        end = _end_of_a_phrase(words[:LONGEST_QUOTE])
    while end > start and text[end - 1] in _EDGES:
        end -= 1
    while start < end and text[start] in _EDGES:
        start += 1
    joint = next((one for one in _JOINTS if text[start:end].lower().startswith(one)), "")
    start += len(joint)
    return Quote(text[start:end], sentence.start + start, sentence.start + end)
