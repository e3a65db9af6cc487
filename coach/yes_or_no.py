"""Ask a chat model a question of yes or no, and read how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from coach.protocols import ChatModel
from coach.types import Turn

LEAST_PROBABILITY = 1e-4  # of Yes or No: beyond it the log-odds say nothing


def probability_of_yes(chat_model: ChatModel, messages: Sequence[Turn]) -> float:
    """How likely Yes is against No, 0..1. Raises BackendError when the model cannot choose."""
    return chat_model.choose(messages, ("Yes", "No"))["Yes"]


def logistic(total: float) -> float:
    """The probability, 0..1, of these log-odds; what is beyond 30 changes nothing."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def log_odds(probability: float) -> float:
    """The log-odds of a probability, finite at 0 and 1."""
    return math.log((probability + LEAST_PROBABILITY) / (1 - probability + LEAST_PROBABILITY))
