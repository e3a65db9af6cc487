"""Embed the questions that are written down for the guides, so that no new home has to.

    PYTHONPATH=. python scripts/question_vectors.py

Run it when a file of `corpus/questions` has changed; `tests/test_written_questions.py` fails where the vectors are stale.
"""

from __future__ import annotations

import tomllib

from coach.backends import load_embedder
from coach.backends.model_files import find_embedding_model
from coach.backends.sentence_transformers import load_reference, reference_vectors
from coach.settings import corpus_folder, load_settings
from ingest.questions import write_vectors


def main() -> None:
    """Write a file of vectors beside each file of questions, as sentence-transformers computes them in single precision."""
    settings = load_settings()
    model = load_reference(find_embedding_model(settings))
    for path in sorted((corpus_folder() / "questions").glob("*.toml")):
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        texts = [
            text.strip()
            for table in ("sentence", "near_miss")
            for entry in entries.get(table, ())
            for text in entry["questions"]
        ]
        texts = list(dict.fromkeys(texts))
        write_vectors(
            path.with_suffix(".npz"), load_embedder(settings).name, texts, reference_vectors(model, texts)
        )
        print(f"{path.with_suffix('.npz').name}: {len(texts)} questions")


if __name__ == "__main__":
    main()
