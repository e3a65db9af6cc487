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
    return _far(sentences, question, embedder, WHOLE, NEAREST) is not None


def is_off_topic(sentences: Sequence[str], question: str, field: Sequence[str], embedder: Embedder) -> bool:
    """Whether the sentences are neither about the question nor about anything that the texts of the `field` speak of; as above with
    another embedding model."""
    text = _far(sentences, question, embedder, FAR_WHOLE, FAR_NEAREST) if field else None
    if text is None:
        return False
    return float(np.sort(embedder.embed(field) @ text)[-NEAR:].mean()) < FAR_FIELD


def _far(
    sentences: Sequence[str], question: str, embedder: Embedder, whole: float, nearest: float
) -> Vectors | None:
    """The vector of the whole text where each sentence stays below `nearest` to the question and all together below `whole`; else None."""
    text = " ".join(sentences)
    if len(text.split()) < FEWEST_WORDS or not embedder.name.startswith(EMBEDDER):
        return None
    asked, *own = embedder.embed([question, *sentences])
    if float((np.array(own) @ asked).max()) >= nearest:
        return None
    together: Vectors = embedder.embed([text])[0]
    return together if float(together @ asked) < whole else None
