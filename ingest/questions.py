"""Read the questions that are written down for a guide: which sentence answers each, or that none does."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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
