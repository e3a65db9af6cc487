"""Make cards to learn from: a question on the front, on the back what the article asks for, word for word, with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from coach.practice.schedule import PracticeQuestion
from coach.types import Criterion, Rubric, Try

Group = Literal["What is asked for", "Questions answered", "Question bank"]
Place = tuple[str, str]  # the words of a source, and where they stand


@dataclass(frozen=True, slots=True)
class Card:
    """`id` stays the same whenever the card is made again; `back` are the source's words, each with what they ask for and their place;
    `group` is the part of the deck."""

    id: str
    front: str
    back: tuple[Place, ...]
    group: Group


def practice_cards(
    rubrics: Sequence[Rubric], tries: Sequence[Try] = (), bank: Sequence[PracticeQuestion] = ()
) -> tuple[Card, ...]:
    """A card for each criterion, for each question that a draft answered, and for each of the bank.

    A question's back holds what it is judged by: of one that was answered, what was not met last.
    """
    criteria = {(rubric.name, one.id): one for rubric in rubrics for one in rubric.criteria}
    first = {one.id: one for rubric in reversed(rubrics) for one in rubric.criteria}
    cards = [
        Card(
            f"criterion/{rubric}/{one.id}",
            f"{one.name}. {one.elicit or one.question}",
            (_place(one),),
            "What is asked for",
        )
        for (rubric, _), one in criteria.items()
    ]
    answered = _answered(tries, criteria)
    for question in bank:
        text = " ".join(question.text.split())
        asked = tuple(_place(first[name]) for name in question.criteria if name in first)
        group: Group = "Questions answered" if text in answered else "Question bank"
        cards.append(Card(f"question/{text}", question.text, answered.pop(text, asked) or asked, group))
    cards += [Card(f"question/{text}", text, back, "Questions answered") for text, back in answered.items()]
    return tuple(card for card in cards if card.back)


def _answered(
    tries: Sequence[Try], criteria: Mapping[tuple[str, str], Criterion]
) -> dict[str, tuple[Place, ...]]:
    """For each question that was answered what its latest draft did not meet; all it was judged by where that is nothing."""
    latest: dict[str, list[Try]] = {}
    for one in sorted(tries, key=lambda one: one.at):
        of_question = latest.setdefault(one.question, [])
        if of_question and of_question[0].draft != one.draft:
            of_question.clear()
        of_question.append(one)
    backs = {}
    for question, own in latest.items():
        known = [one for one in own if (one.rubric, one.criterion) in criteria and (one.final or one.unsure)]
        open_ones = [one for one in known if one.final != "met"] or known
        if known:
            backs[question] = tuple(_place(criteria[one.rubric, one.criterion]) for one in open_ones)
    return backs


def _place(criterion: Criterion) -> Place:
    span = criterion.span
    return span.text, f"{criterion.name}: {span.source}, characters {span.start} to {span.end}"
