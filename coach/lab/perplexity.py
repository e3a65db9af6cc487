"""Measure how surprised the chat model is by a paragraph of the article: its words as they stand, and in another order."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.errors import BackendError
from coach.evaluation.intervals import mean_interval
from coach.evaluation.text_metrics import perplexity
from coach.lab.experiment import Tell
from coach.protocols import ScoresText

if TYPE_CHECKING:
    from coach.coach import Coach

SEED = 7  # of the other order: the same on every machine
AS_IT_STANDS, SHUFFLED = "the words as they stand", "the same words, shuffled"


@dataclass(frozen=True, slots=True)
class Surprise:
    """The perplexity of one order of the words, over so many tokens, by a model, with its 95% interval over the tokens."""

    order: str
    model: str
    tokens: int
    value: float
    low: float
    high: float


def measure_perplexity(coach: Coach, paragraph: str, tell: Tell) -> tuple[Surprise, ...]:
    """The paragraph in both orders. Raises BackendError, with the reason, where no model here gives log-probabilities of given text."""
    model = coach.chosen_model().required()
    if not isinstance(model, ScoresText):
        raise BackendError(
            f"{model.name} hands its text over without log-probabilities of words that are given to it. The "
            "built-in model has them: set `backend` to `embedded` on the Settings page."
        )
    words = paragraph.split()
    shuffled = random.Random(SEED).sample(words, len(words))
    found = []
    for order, said in ((AS_IT_STANDS, words), (SHUFFLED, shuffled)):
        logarithms: list[float] = []
        for place, logarithm, total in model.score(" ".join(said)):
            tell(f"Perplexity of {order}", place, total)
            logarithms.append(logarithm)
        low, high = mean_interval([-one for one in logarithms])
        found.append(
            Surprise(
                order, model.name, len(logarithms), perplexity(logarithms), math.exp(low), math.exp(high)
            )
        )
    return tuple(found)


def in_words(found: Sequence[Surprise]) -> str:
    """What the two tell."""
    plain, other = found
    return (
        f"Perplexity of {plain.model} on a paragraph of the article: {plain.value:,.1f} for {plain.order}, "
        f"{other.value:,.0f} for {other.order}. It knows the order of words, and not whether they are true."
    )
