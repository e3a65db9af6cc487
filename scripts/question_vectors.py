"""Embed the questions that are written down for the guides, so that no new home has to.

    PYTHONPATH=. python scripts/question_vectors.py

Run it when a file of `corpus/questions` has changed; `tests/test_written_questions.py` fails where the vectors are stale.
"""

from __future__ import annotations

from coach.backends import load_embedder
from coach.backends.model_files import find_embedding_model
from coach.backends.sentence_transformers import load_reference, reference_vectors
from coach.settings import corpus_folder, load_settings
from ingest.load import Skipped, load_document
from ingest.questions import read_questions, write_vectors


def main() -> None:
    """Write a file of vectors for each guide that has questions, as sentence-transformers computes them in single precision."""
    settings, corpus = load_settings(), corpus_folder()
    name, model = load_embedder(settings).name, load_reference(find_embedding_model(settings))
    for path in sorted((corpus / "guides").glob("*.md")):
        guide = load_document(path, path.relative_to(corpus).as_posix())
        questions = [] if isinstance(guide, Skipped) else read_questions(corpus, [guide])[0]
        if questions:
            texts = [question.text for question in questions]
            write_vectors(
                corpus / "questions" / f"{path.stem}.npz", name, texts, reference_vectors(model, texts)
            )
            print(f"{path.stem}: {len(texts)} questions")


if __name__ == "__main__":
    main()
