"""The fast runtime gives the vectors that sentence-transformers gives, cut where it cuts."""

import inspect
import json
import shutil

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


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch):
    """Here the model itself is asked each time."""
    from coach.backends.openvino import OpenVinoEmbedder

    for method in ("embed", "embed_with_parts", "embed_tokens"):
        monkeypatch.setattr(OpenVinoEmbedder, method, inspect.unwrap(getattr(OpenVinoEmbedder, method)))


@pytest.fixture(scope="module")
def reference():
    from coach.backends.model_files import find_embedding_model
    from coach.backends.sentence_transformers import load_reference
    from coach.settings import load_settings

    return load_reference(find_embedding_model(load_settings()))


def test_vectors_equal_those_of_sentence_transformers(embedder, reference):
    from coach.backends.sentence_transformers import reference_vectors

    cosines = (embedder.embed(TEXTS) * reference_vectors(reference, TEXTS)).sum(axis=1)
    assert cosines.min() > (0.99 if embedder.tuning.precision == "int8" else 0.999)


def test_rows_are_unit_length_in_the_order_given_whatever_the_batch(embedder):
    texts = [f"{'word ' * (number % 40)}{number}" for number in range(90)]
    together = embedder.embed(texts)
    assert together.shape == (90, embedder.dimension)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-3)
    alone = np.vstack([embedder.embed([text]) for text in texts[::17]])
    assert (together[::17] * alone).sum(
        axis=1
    ).min() > 0.997  # int8 rounds a little differently in each batch


def test_tokens_are_counted_uncut_and_with_special_tokens(embedder, reference):
    counted = embedder.count_tokens(TEXTS)
    assert counted == [len(ids) for ids in reference.tokenizer(TEXTS)["input_ids"]]
    assert max(counted) > embedder.max_tokens == 256


@pytest.fixture
def prepared_copy(embedder, home, tmp_path):
    prepared = next((home / "models" / "openvino").glob("*@*"))
    copy = tmp_path / prepared.name
    shutil.copytree(prepared, copy, ignore=shutil.ignore_patterns("compiled-*"))
    return copy


LONG = "Bring numbers. " + "The committee listens for judgment and for trade-offs. " * 40 + "The end is cut."
PARTS = [(0, 14), (15, 69), (len(LONG) - 15, len(LONG))]


def test_parts_are_the_means_of_their_token_vectors_in_the_text(embedder, reference):
    rows = embedder.embed_with_parts(["", LONG, "One. Two."], [[], PARTS, [(0, 4), (5, 9)]])
    assert [len(row) for row in rows] == [1, 4, 3]
    assert np.allclose(rows[1][0], embedder.embed([LONG])[0], atol=1e-2)
    tokens = reference.encode([LONG], output_value="token_embeddings")[0].numpy()
    pieces = reference.tokenizer(LONG, return_offsets_mapping=True, truncation=True, max_length=256)
    for (start, end), row in zip(PARTS[:2], rows[1][1:], strict=False):
        own = [
            n
            for n, (first, last) in enumerate(pieces["offset_mapping"])
            if start <= first and first < last <= end
        ]
        mean = tokens[own].mean(axis=0)
        assert row @ mean / np.linalg.norm(mean) > 0.997
    assert np.array_equal(rows[1][3], rows[1][0])  # of what was cut off nothing is known but the text
    assert all(np.allclose(np.linalg.norm(row, axis=1), 1, atol=1e-3) for row in rows)


def test_a_model_that_does_not_average_its_tokens_is_asked_for_each_part(embedder, prepared_copy):
    from coach.backends.openvino import OpenVinoEmbedder

    facts = json.loads((prepared_copy / "embedder.json").read_text())
    assert facts["averages_tokens"] is True
    (prepared_copy / "embedder.json").write_text(
        json.dumps({**facts, "name": "another", "averages_tokens": False})
    )
    (rows,) = OpenVinoEmbedder(prepared_copy).embed_with_parts([LONG], [PARTS])
    alone = embedder.embed([LONG, *(LONG[start:end] for start, end in PARTS)])
    assert (rows * alone).sum(axis=1).min() > 0.997


def test_what_is_fastest_is_kept_and_tried_again_on_another_processor(embedder, prepared_copy):
    from coach.backends.openvino import OpenVinoEmbedder, prepared_state

    kept = prepared_copy / "tuning.json"
    here = json.loads(kept.read_text())
    assert here["precision"] in ("f32", "bf16", "int8") and here["tokens_per_second"] > 0
    kept.write_text(json.dumps({**here, "processor": "another", "precision": "bf16", "batch_tokens": 1}))
    assert OpenVinoEmbedder(prepared_copy).tuning.processor == here["processor"]
    assert json.loads(kept.read_text())["batch_tokens"] > 1
    kept.write_text("cut off")
    assert prepared_state(prepared_copy)[1] is None  # as where there is none: the next start tries anew


def test_every_precision_gives_the_same_vectors_in_turn(reference, prepared_copy):
    from coach.backends.openvino import OpenVinoEmbedder
    from coach.backends.sentence_transformers import reference_vectors

    expected = reference_vectors(reference, TEXTS)
    here = json.loads((prepared_copy / "tuning.json").read_text())
    for precision in ("f32", "bf16", "int8", "f32"):  # each finds what the one before it left compiled
        (prepared_copy / "tuning.json").write_text(json.dumps({**here, "precision": precision}))
        chosen = OpenVinoEmbedder(prepared_copy)
        assert chosen.tuning.precision == precision
        least = 0.99 if precision == "int8" else 0.999  # the empty text suffers most
        assert (chosen.embed(TEXTS) * expected).sum(axis=1).min() > least


def test_a_model_prepared_by_an_earlier_version_is_prepared_anew(embedder, prepared_copy):
    from coach.backends.openvino import prepared_state

    assert prepared_state(prepared_copy)[0] == embedder.name
    facts = json.loads((prepared_copy / "embedder.json").read_text())
    (prepared_copy / "embedder.json").write_text(json.dumps({**facts, "layout": 1}))
    assert prepared_state(prepared_copy) is None


def test_a_damaged_prepared_model_is_removed_and_named(prepared_copy):
    from coach.backends.openvino import OpenVinoEmbedder

    copy = prepared_copy
    (copy / "model.bin").write_bytes(b"")
    with pytest.raises(ModelMissingError, match="coach models pull"):
        OpenVinoEmbedder(copy)
    assert not copy.exists()
