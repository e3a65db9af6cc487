"""Read the questions that are written down for a guide: which sentence answers each, or that none does; and their vectors."""

from __future__ import annotations

import hashlib
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coach.protocols import Vectors
from coach.types import Document, WrittenQuestion
from ingest.load import Skipped


def read_questions(
    corpus: Path, documents: Sequence[Document]
) -> tuple[tuple[WrittenQuestion, ...], list[Skipped]]:
    """Every question under the corpus folder's `questions/`, for those `documents` that have any, each text once.

    A file names its document (`source`), gives the questions that a sentence answers (`[[sentence]]` with `text`, word
    for word as in the document, and `questions`) and those near its subject that it does not answer (`[[near_miss]]` with
    `section` and `questions`). What cannot be used is returned as skipped, and the rest stands: a damaged file
    costs its questions and never the documents.
    """
    found: dict[str, WrittenQuestion] = {}
    skipped: list[Skipped] = []
    by_source = {document.source: document for document in documents}
    for path in sorted((corpus / "questions").glob("*.toml")):
        name = f"questions/{path.name}"
        try:
            content = tomllib.loads(path.read_text("utf-8"))
            document = by_source.get(str(content["source"]))
            if document is None:
                continue
            for question in _questions(content, document):
                found.setdefault(question.text, question)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            skipped.append(Skipped(name, f"cannot be used: {error}"))
    return tuple(found.values()), skipped


def _questions(content: Mapping[str, Any], document: Document) -> Iterator[WrittenQuestion]:
    for entry in content.get("sentence", ()):
        start = document.text.find(entry["text"])
        if start < 0:
            raise ValueError(f"the document does not hold the words {entry['text'][:60]!r}")
        for text in entry["questions"]:
            yield WrittenQuestion(text.strip(), document.id, start, start + len(entry["text"]))
    for entry in content.get("near_miss", ()):
        for text in entry["questions"]:
            yield WrittenQuestion(text.strip(), document.id, 0, 0)


def read_vectors(corpus: Path, embedder: str) -> dict[bytes, Vectors]:
    """The vectors that come with the questions, a unit row of shape (1, dimension) each by `text_key`, where this very embedding model made them.

    They spare every new home some thousand texts to embed. What is damaged or of another model is left out: those questions are embedded
    like any text.
    """
    found: dict[bytes, Vectors] = {}
    for path in sorted((corpus / "questions").glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as held:
                if str(held["embedder"]) == embedder:
                    rows = held["vectors"].astype(np.float32)
                    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
                    found.update(zip(map(bytes, held["keys"]), rows[:, None], strict=True))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            continue
    return found


def write_vectors(path: Path, embedder: str, texts: Iterable[str], vectors: Vectors) -> None:
    """Put the texts' vectors, shape (texts, dimension), into a file for `read_vectors`, in half precision."""
    keys = np.array([list(text_key(text)) for text in texts], dtype=np.uint8)
    np.savez(path, embedder=np.array(embedder), keys=keys, vectors=vectors.astype(np.float16))


def text_key(text: str, parts: Sequence[tuple[int, int]] = ()) -> bytes:
    """Identifies a text to be embedded with its parts: 16 bytes of a SHA-256."""
    return hashlib.sha256(f"{list(parts)} {text}".encode("utf-8", "surrogatepass")).digest()[:16]
