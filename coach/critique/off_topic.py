"""Tell an answer from a text that comes nowhere near its question: what such a text holds counts for nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coach.protocols import Embedder, Vectors

# All bounds are cosines by this model; how often they hold: bench/interview/README.md.
EMBEDDER = "all-MiniLM-L6-v2"
FEWEST_WORDS = 20  # less is too little to tell by
WHOLE, NEAREST = 0.12, 0.18  # of the text, and of its nearest sentence, to the question
FAR_WHOLE, FAR_NEAREST, FAR_FIELD = (
    0.20,
    0.25,
    0.25,
)  # the last: of the text to the NEAR nearest texts of the field
NEAR = 5


def answers_another(sentences: Sequence[str], question: str, embedder: Embedder) -> bool:
    """Whether the sentences, together and each alone, are about something else than the question. One answer in a hundred that keeps to its
    own words looks so too: fit for asking back, not for judging. Never so with an embedding model that the bounds do not hold for."""
    near = _near(sentences, question, embedder)
    return near is not None and float(near[0]) < WHOLE and float(near[1:].max()) < NEAREST


def is_off_topic(sentences: Sequence[str], question: str, field: Sequence[str], embedder: Embedder) -> bool:
    """Whether the sentences are neither about the question nor about anything that the texts of the `field` speak of; as above with
    another embedding model."""
    near = _near(sentences, question, embedder)
    if near is None or not field or float(near[0]) >= FAR_WHOLE or float(near[1:].max()) >= FAR_NEAREST:
        return False
    text, *rest = embedder.embed([" ".join(sentences), *field])
    return float(np.sort(np.array(rest) @ text)[-NEAR:].mean()) < FAR_FIELD


def _near(sentences: Sequence[str], question: str, embedder: Embedder) -> Vectors | None:
    """The cosines to the question, of the whole and of each sentence; None where nothing can be told."""
    text = " ".join(sentences)
    if len(text.split()) < FEWEST_WORDS or not embedder.name.startswith(EMBEDDER):
        return None
    vectors = embedder.embed([question, text, *sentences])
    near: Vectors = vectors[1:] @ vectors[0]
    return near
