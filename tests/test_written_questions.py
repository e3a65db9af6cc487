"""The questions written down for a guide: read with it, kept in the index, compared with what people ask."""

from __future__ import annotations

import json
import re
import tomllib

import numpy as np
import pytest
from test_ingest import Library

from coach.backends.chroma import open_index
from coach.settings import corpus_folder
from coach.types import Document
from ingest.questions import read_questions, read_vectors, text_key, write_vectors
from tests.test_cases import CASES

GUIDE = "guides/guide.md"
WRITTEN = f"""
source = "{GUIDE}"

[[sentence]]
text = "There are five rounds."
questions = ["How many rounds?", "Is there just the one interview?"]

[[near_miss]]
section = "Rounds"
questions = ["Who pays for lunch?"]
"""


@pytest.fixture
def small_library(tmp_path) -> Library:
    found = Library(tmp_path)
    found.write(found.corpus / "questions" / "guide.toml", WRITTEN)
    return found


def searched(library: Library, words: str):
    index = open_index(library.index, library.embedder.name)
    passages = index.search(library.embedder.embed([words])[0], words, 10)
    return {passage.source: passage for passage in passages}


def test_a_passage_knows_which_of_its_sentences_answer_a_question_like_this(small_library):
    small_library.ingest(small_library.notes)
    found = searched(small_library, "Is there just the one interview?")
    five_rounds, on_time = found[GUIDE].asked_scores
    assert five_rounds == pytest.approx(1.0, abs=1e-5)
    assert on_time == 0.0
    assert found[GUIDE].unanswered_score < 0.99
    assert searched(small_library, "Who pays for lunch?")[GUIDE].unanswered_score == pytest.approx(
        1.0, abs=1e-5
    )


def test_a_document_without_written_questions_knows_nothing_of_them(small_library):
    small_library.ingest(small_library.notes)
    note = searched(small_library, "How many rounds?")["notes/a.md"]
    assert (note.asked_scores, note.unanswered_score) == ((), 0.0)


def test_questions_that_change_reach_the_index_and_only_what_is_new_is_embedded(small_library):
    small_library.ingest()
    assert small_library.ingest().questions_embedded == 0
    small_library.write(small_library.corpus / "questions" / "guide.toml", WRITTEN.replace("lunch", "dinner"))
    assert small_library.ingest().questions_embedded == 1
    assert searched(small_library, "Who pays for dinner?")[GUIDE].unanswered_score == pytest.approx(
        1.0, abs=1e-5
    )


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (WRITTEN.replace("five rounds.", "six rounds."), "does not hold the words 'There are six rounds.'"),
        ("source = ", "Invalid value"),
        (WRITTEN.replace("source", "sauce"), "source"),
        (WRITTEN.replace('["Who pays for lunch?"]', "[7]"), "strip"),
    ],
)
def test_a_file_that_cannot_be_used_is_reported_and_costs_no_document(small_library, written, reason):
    small_library.write(small_library.corpus / "questions" / "guide.toml", written)
    report = small_library.ingest()
    assert report.added == (GUIDE,)
    assert [skip.source for skip in report.skipped] == ["questions/guide.toml"]
    assert reason in report.skipped[0].reason


def test_what_comes_with_its_vector_is_not_embedded(small_library):
    path, name = small_library.corpus / "questions" / "guide.npz", small_library.embedder.name
    texts = ["How many rounds?", "Is there just the one interview?"]
    write_vectors(path, name, texts, small_library.embedder.embed(texts))
    assert small_library.ingest().questions_embedded == 1  # the third, which came without
    index = open_index(small_library.index, name)
    np.testing.assert_allclose(
        index.vectors().questions,
        small_library.embedder.embed([*texts, "Who pays for lunch?"]),
        atol=1e-3,
    )


@pytest.mark.parametrize("spoil", ["another model", "cut off", "no vectors"])
def test_vectors_of_another_model_or_a_damaged_file_are_not_used(small_library, spoil):
    path, name = small_library.corpus / "questions" / "guide.npz", small_library.embedder.name
    texts = ["How many rounds?"]
    write_vectors(
        path, "another" if spoil == "another model" else name, texts, small_library.embedder.embed(texts)
    )
    if spoil == "cut off":
        path.write_bytes(path.read_bytes()[:-40])
    elif spoil == "no vectors":
        path.write_bytes(b"PK")
    report = small_library.ingest()
    assert (report.questions_embedded, report.skipped) == (3, ())


def test_questions_on_a_document_that_is_not_here_are_passed_over(tmp_path):
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "guide.toml").write_text(WRITTEN)
    assert read_questions(tmp_path, [Document("d", "guides/other.md", "Other", "Text.")]) == ((), [])


def bundled():
    for path in sorted((corpus_folder() / "questions").glob("*.toml")):
        content = tomllib.loads(path.read_text("utf-8"))
        yield content, (corpus_folder() / content["source"]).read_text("utf-8")


def questions_of(content):
    return [q for entry in (*content["sentence"], *content["near_miss"]) for q in entry["questions"]]


def test_the_guides_questions_come_with_the_vectors_that_the_model_gives(embedder):
    brought = read_vectors(corpus_folder(), embedder.name)
    asked = [question for content, _ in bundled() for question in questions_of(content)]
    assert brought.keys() == set(map(text_key, asked))
    some = asked[::97]
    cosines = (np.vstack([brought[text_key(question)] for question in some]) * embedder.embed(some)).sum(
        axis=1
    )
    assert cosines.min() > (0.99 if embedder.tuning.precision == "int8" else 0.999)


def test_every_bundled_question_stands_under_words_of_its_guide():
    for content, text in bundled():
        headings = set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))
        assert all(text.count(entry["text"]) == 1 for entry in content["sentence"])
        assert {entry["section"] for entry in content["near_miss"]} <= headings
        questions = questions_of(content)
        assert len({question.casefold() for question in questions}) == len(questions) > 1000


def test_no_held_out_case_stands_among_the_bundled_questions():
    written = {_letters(question) for content, _ in bundled() for question in questions_of(content)}
    files = (CASES, CASES.with_name("blind.jsonl"))
    cases = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    held_out = {_letters(case["question"]): case["id"] for case in cases if case["split"] == "held_out"}
    assert {held_out[same] for same in written & held_out.keys()} == set()


def test_the_real_index_holds_the_bundled_questions(sources_only):
    index = sources_only.index
    asked = "How many interviews does a loop have?"
    vector = sources_only.embedder.embed([asked])[0]
    best = max(index.search(vector, asked, 40), key=lambda passage: max(passage.asked_scores, default=0.0))
    place = int(np.argmax(best.asked_scores))
    assert best.asked_scores[place] > 0.7
    assert "5-7 rounds" in best.chunk.text


def _letters(question: str) -> str:
    return re.sub(r"\W+", "", question.casefold())
