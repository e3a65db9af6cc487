"""The fast runtime gives the vectors that sentence-transformers gives, cut where it cuts."""

import numpy as np
import pytest

from coach.errors import ModelMissingError

TEXTS = [
    "What does the committee expect about RAG and fine-tuning?",
    "",
    "x",
    "“Model empathy” — naïve café, 250,000 $ …",
    "The judgment here is about constraints. " * 60,
]


@pytest.fixture(scope="module")
def reference():
    from coach.backends.model_files import find_embedding_model
    from coach.backends.sentence_transformers import load_reference
    from coach.settings import load_settings

    return load_reference(find_embedding_model(load_settings()))


def test_vectors_equal_those_of_sentence_transformers(embedder, reference):
    from coach.backends.sentence_transformers import reference_vectors

    cosines = (embedder.embed(TEXTS) * reference_vectors(reference, TEXTS)).sum(axis=1)
    assert cosines.min() > 0.999


def test_rows_are_unit_length_in_the_order_given_whatever_the_batch(embedder):
    texts = [f"{'word ' * (number % 40)}{number}" for number in range(90)]
    together = embedder.embed(texts)
    assert together.shape == (90, embedder.dimension)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)
    alone = np.vstack([embedder.embed([text]) for text in texts[::17]])
    assert (together[::17] * alone).sum(axis=1).min() > 0.999


def test_tokens_are_counted_uncut_and_with_special_tokens(embedder, reference):
    counted = embedder.count_tokens(TEXTS)
    assert counted == [len(ids) for ids in reference.tokenizer(TEXTS)["input_ids"]]
    assert max(counted) > embedder.max_tokens == 256


def test_a_damaged_prepared_model_is_removed_and_named(embedder, home, tmp_path):
    import shutil

    from coach.backends.openvino import OpenVinoEmbedder

    prepared = next((home / "models" / "openvino").glob("*@*"))
    copy = tmp_path / prepared.name
    shutil.copytree(prepared, copy, ignore=shutil.ignore_patterns("compiled"))
    (copy / "model.bin").write_bytes(b"")
    with pytest.raises(ModelMissingError, match="coach models pull"):
        OpenVinoEmbedder(copy)
    assert not copy.exists()
