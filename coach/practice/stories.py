"""Find the candidate's own stories that answer a question, and the claims of a draft that stand in none of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from coach.answer.late_interaction import cover
from coach.critique.inventions import as_written
from coach.critique.own_facts import NOT_YET, Figure, Near, find_employers, find_figures
from coach.protocols import Embedder
from coach.types import Quote, Story, Unbacked

MOST = 3  # stories shown for a question
# How well a story covers the words of the question, plus the cosine of its nearest part: chosen on the fit questions of bench/stories.
NEAR_ENOUGH = 0.70

_FIRST_PERSON = re.compile(r"\b(?:I|[Ww]e|[Mm]y|[Oo]ur|me|us|mine|ours|myself|ourselves)\b(?!['’](?:d|ll)\b)")
# What marks a sentence as told of the past: regular forms, and the irregular ones of English that stories are told with.
_PAST = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bbe )\b(?:\w{2,}ed|was|were|had|did|led|built|cut|grew|brought|took|made|ran|won|lost|rose|fell|came|went|got|gave|found|kept|told|held|"
    r"met|sold|spent|drove|wrote|chose|began|became|saw|thought|taught|sent|set|put|hit|shrank|left|paid|showed|sat|spoke|stood|bought)\b",
    re.IGNORECASE,
)
# A condition, a wish or an assumption: what follows has not happened. Or somebody else is said to have said it.
_SUPPOSED = re.compile(
    r"\b(?:if|unless|once|let us say|let['’]s say|assum\w+|suppos\w+|imagine|expect\w*|plan(?:s|ning)? to|aim\w*|want to|need|hope|must|"
    r"going to|you (?:said|told|mentioned))\b",
    re.IGNORECASE,
)

_JOINED = re.compile(r"\s*(?:to|-|–|—|and|or)\s*")


@dataclass(frozen=True, slots=True)
class Match:
    """A story that may answer a question; `likeness` grows from 0 to 2, and `sure` whether it is near enough for the story to be told."""

    story: Story
    likeness: float

    @property
    def sure(self) -> bool:
        return self.likeness >= NEAR_ENOUGH


def matching_stories(question: str, stories: Sequence[Story], embedder: Embedder) -> tuple[Match, ...]:
    """The stories that answer the question best, at most three; where none comes near enough the nearest one, which is not sure."""
    if not stories or not question.strip():
        return ()
    matches = [
        Match(story, likeness)
        for story, likeness in zip(stories, likenesses(question, stories, embedder), strict=True)
    ]
    matches.sort(key=lambda match: -match.likeness)
    return tuple(match for match in matches[:MOST] if match.sure) or tuple(matches[:1])


def likenesses(question: str, stories: Sequence[Story], embedder: Embedder) -> list[float]:
    """How near each story comes: how well it covers the question's words, and how near its nearest part is to the whole question."""
    asked = embedder.embed([question])[0]
    found = []
    for story in stories:
        parts = _parts(story)
        covered = cover(question, [story.text, *parts], embedder).mean()
        found.append(float(np.max(covered)) + float(np.max(embedder.embed(parts) @ asked)))
    return found


def find_unbacked(
    sentences: Sequence[Quote],
    stories: Sequence[Story],
    near: Near,
    holds: Callable[[str], bool],
    embedder: Embedder,
) -> tuple[Unbacked, ...]:
    """The figures and employers that the sentences claim of the candidate's past and that stand in no story and no document of theirs, in
    the draft's order.

    `near` gives the sentences of the user's documents nearest to a text with its vector, `holds` whether a name stands in them anywhere.
    """
    claims = [quote for quote in sentences if is_claim(quote.text)]
    if not claims or not stories:
        return ()
    told = [figure for story in stories for figure in _figures_told(story.text)]
    names = " ".join(story.text for story in stories).casefold()
    vectors = embedder.embed([quote.text for quote in claims])
    found = []
    for quote, vector in zip(claims, vectors, strict=True):
        known = [
            *told,
            *(figure for one in near(quote.text, vector) for figure in _figures_told(one.text)),
        ]
        figures = [
            (one.number.start, as_written(quote.text, one.number))
            for one in find_figures(quote.text)
            if not any(_same(one, other) for other in known)
        ]
        employers = [
            (start, name)
            for name, start, _ in find_employers(quote.text)
            if name.casefold() not in names and not holds(name)
        ]
        found += [Unbacked(quote, said) for _, said in sorted(figures + employers)]
    return tuple(found)


@lru_cache(maxsize=2048)
def is_claim(sentence: str) -> bool:
    """Whether it tells of the speaker's own past, and not of what is planned, supposed or said by others."""
    return (
        bool(_FIRST_PERSON.search(sentence))
        and bool(_PAST.search(sentence))
        and not NOT_YET.search(sentence)
        and not _SUPPOSED.search(sentence)
    )


def _same(one: Figure, other: Figure) -> bool:
    """Whether both may be one figure. What a bare number counts is left open: "nine engineers" is "a team of nine"."""
    return one.kind == other.kind and one.agrees(other)


@lru_cache(maxsize=2048)
def _figures_told(text: str) -> tuple[Figure, ...]:
    """The figures of a text; of two that are joined the unit of one is the other's too: "6 to 8 weeks", "from 18 points to two"."""
    figures = find_figures(text)
    carried = [
        replace(bare, kind=full.kind, unit=full.unit, value=bare.value * full.value / full.number.value)
        for one, two in pairwise(figures)
        for bare, full in ((one, two), (two, one))
        if bare.kind == "count" != full.kind
        and full.number.value
        and _JOINED.fullmatch(text[one.number.start + len(as_written(text, one.number)) : two.number.start])
    ]
    return *figures, *carried


def _parts(story: Story) -> list[str]:
    return [part for part in (story.title, story.situation, story.action, story.result) if part.strip()] or [
        story.text
    ]
