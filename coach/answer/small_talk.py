"""Greetings and questions about the coach itself: neither refused nor cited."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any

from coach.protocols import Embedder
from coach.settings import corpus_folder

# Cosine to an example from which a message is small talk, if nothing in the sources is nearer. Of 290 fit questions and 591
# of others (the public interview FAQ) none is.
LIKE_AN_EXAMPLE = 0.55
ALL_BUT_AN_EXAMPLE = 0.75  # for what may as well be a follow-up ("who is that?")


def small_talk(
    message: str, nearest_source: Callable[[], float], embedder: Embedder, *, may_follow_up: bool = False
) -> str | None:
    """The coach's own words for what is nearer to an example of small talk than to anything in the sources, or None.

    `nearest_source` gives the best cosine of the message to a passage, a sentence or a written question; it is asked only
    where an example is near.
    """
    kinds = _kinds()
    texts = [(kind, example) for kind, entry in kinds.items() for example in entry["examples"]]
    vectors = embedder.embed([message, *(example for _, example in texts)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    best = max(range(len(texts)), key=cosines.__getitem__)
    least = ALL_BUT_AN_EXAMPLE if may_follow_up else LIKE_AN_EXAMPLE
    if cosines[best] < least or cosines[best] <= nearest_source():
        return None
    return str(kinds[texts[best][0]]["reply"])


def small_talk_examples() -> list[str]:
    """Every example: what an embedder's memory is warmed with."""
    return [example for entry in _kinds().values() for example in entry["examples"]]


@cache
def _kinds() -> dict[str, Any]:
    text = (corpus_folder() / "small_talk.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
