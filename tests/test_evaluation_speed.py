"""The speed suite times what a reader waits for, over the real index."""

import shutil

import pytest

from coach.backends import load_index
from coach.coach import Coach
from coach.errors import CoachError
from coach.evaluation import ingest_speed, speed
from coach.evaluation.report import speed_table
from coach.evaluation.run import Run
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.store.traces import TraceStore
from tests.fakes import ScriptedChatModel

QUESTIONS = [
    "How many interview rounds are typical?",
    "What salary can a PM expect at a FAANG company?",
    "Which models should I know?",
    "How long does the process take?",
]


@pytest.fixture()
def speaking(library, embedder):
    settings = load_settings(backend="embedded", traces=False)
    voice = ChosenModel(ScriptedChatModel(), "embedded", "for the test")
    return Coach(settings, embedder, load_index(settings, embedder.name), voice)


def test_a_cold_start_ends_with_the_first_line_and_leaves_no_trace(library):
    before = len(TraceStore(library).recent(1))
    (row,) = speed.cold_starts(QUESTIONS[:1], home=str(library), backend="none")
    assert 100 < row.milliseconds["cold start to the first cited sentence"] < 120_000
    assert len(TraceStore(library).recent(1)) == before


def test_a_command_that_says_nothing_is_no_cold_start(library, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "models").symlink_to(library / "models", target_is_directory=True)
    with pytest.raises(CoachError, match="gave no answer to time"):
        list(speed.cold_starts(QUESTIONS[:1], home=str(tmp_path / "empty"), backend="none"))


def test_warm_answers_come_after_the_warm_up_and_the_citation_before_the_model(speaking):
    rows = list(speed.warm_answers(speaking, QUESTIONS))
    assert len(rows) <= len(QUESTIONS) - speed.WARM_UPS
    for row in rows:
        if "warm first word of the model" in row.milliseconds:
            assert (
                row.milliseconds["warm first cited sentence"]
                < row.milliseconds["warm first word of the model"]
            )


def test_retrieval_stands_beside_chroma_and_a_sentence_is_checked(speaking, embedder):
    rows = [
        *speed.retrieval_beside_chroma(
            QUESTIONS, embedder=embedder, index=speaking.index, chroma=lambda vector, limit: None, limit=8
        ),
        *speed.verification(speaking, QUESTIONS, embedder),
    ]
    run = Run("speed", "2026-01-01", "0.1.0", "c0de", "none", None, "m", "f", {}, {}, 0, tuple(rows))
    table = speed_table(run)
    for step in ("retrieval", "embedding + Chroma query", "verifying one sentence"):
        assert len(run.times(step)) == len(QUESTIONS) - speed.WARM_UPS
        assert f"| {step} |" in table


def test_an_ingest_is_timed_beside_langchain_on_the_same_files_and_weights(library, monkeypatch):
    from coach.backends.model_files import find_embedding_model

    real = ingest_speed._home_with_models

    def with_the_guide(home, models_folder):
        real(home, models_folder)
        shutil.copytree(library / "index", home / "index")  # reading the guide is not what is timed

    monkeypatch.setattr(ingest_speed, "_home_with_models", with_the_guide)
    texts = ["# Tea\n\nGreen tea is steeped at 80 degrees.", "# Coffee\n\nEspresso is brewed under pressure."]
    weights = find_embedding_model(load_settings())
    rows = list(ingest_speed.ingests(texts, models_folder=library / "models", weights=weights, rounds=1))
    names = [name for row in rows for name in row.milliseconds]
    assert names == [ingest_speed.OURS, ingest_speed.AGAIN, ingest_speed.THEIRS]
    note = ingest_speed.ratio_note(rows, 14, "a processor: f32")
    assert "Ingest of 14 words" in note and "times as fast" in note and note.endswith("a processor: f32.")


def test_an_ingest_that_fails_is_named_with_its_last_word(tmp_path):
    with pytest.raises(CoachError, match="An ingest to be timed failed"):
        list(ingest_speed.ingests(["x"], models_folder=tmp_path / "none", weights=tmp_path, rounds=1))
