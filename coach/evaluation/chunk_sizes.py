"""Cut documents anew, larger or smaller and with overlap, and see how many questions still find their answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coach.evaluation.cases import Case
from coach.evaluation.retrieval import holds_answer
from coach.protocols import Embedder, Vectors
from coach.types import Chunk, Document
from ingest.split import embedding_text, split_document


@dataclass(frozen=True, slots=True)
class Found:
    """What one way of cutting gives: how many chunks, how many words they have on average, and for each case the rank of the first
    chunk with its answer, None where no chunk holds it."""

    chunks: int
    words: float
    ranks: tuple[int | None, ...]

    def recall(self, depth: int) -> float:
        """The share of the cases with their answer among the first `depth` chunks."""
        return sum(rank is not None and rank <= depth for rank in self.ranks) / len(self.ranks)


def cut_and_find(
    documents: Sequence[Document], cases: Sequence[Case], embedder: Embedder, size: int, overlap: float
) -> Found:
    """Cut `documents` as ingest does into chunks of at most `size` tokens, each but the first of a section beginning with about the share
    `overlap` of it that ended the one before; embed them, and rank them for each case by meaning alone."""
    shared = int(size * overlap)
    cut = [
        (document, chunk)
        for document in documents
        for chunk in _widened(
            document, split_document(document, embedder.count_tokens, size - shared), embedder, shared
        )
    ]
    vectors = embedder.embed([embedding_text(chunk) for _, chunk in cut])
    questions: Vectors = embedder.embed([case.question for case in cases])
    orders = np.argsort(-(questions @ vectors.T), axis=1, kind="stable")
    ranks = [
        next(
            (rank for rank, row in enumerate(order, 1) if _answers(case, *cut[row])),
            None,
        )
        for case, order in zip(cases, orders.tolist(), strict=True)
    ]
    return Found(len(cut), sum(len(chunk.text.split()) for _, chunk in cut) / len(cut), tuple(ranks))


def _widened(document: Document, chunks: Sequence[Chunk], embedder: Embedder, shared: int) -> list[Chunk]:
    """The chunks, each with the sentences before it in its section that fit into `shared` tokens."""
    sentences = [
        (chunk.headings, chunk.start + start, chunk.text[start:end])
        for chunk in chunks
        for start, end in chunk.sentences
    ]
    special = embedder.count_tokens([""])[0]
    tokens = embedder.count_tokens([text for _, _, text in sentences])
    sizes = [count - special for count in tokens]
    widened = []
    for chunk in chunks:
        room, start = shared, chunk.start
        before = [
            (first, size)
            for (headings, first, _), size in zip(sentences, sizes, strict=True)
            if headings == chunk.headings and first < chunk.start
        ]
        for first, size in reversed(before):
            room -= size
            if room < 0:
                break
            start = first
        text = document.text[start : chunk.end]
        widened.append(
            Chunk(chunk.id, chunk.document_id, chunk.position, chunk.headings, text, start, chunk.end)
        )
    return widened


def _answers(case: Case, document: Document, chunk: Chunk) -> bool:
    return holds_answer(case, chunk.headings or (document.title,), chunk.text)
