"""The experiment on chunks: the map, and the article cut anew."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from coach.evaluation.chunk_sizes import cut_and_find
from coach.evaluation.selection import bundled_cases
from coach.lab.chunks_and_embeddings import EXPERIMENT, cuts, nearest_cut
from coach.settings import corpus_folder
from coach.types import COMMITTEE


@pytest.fixture(scope="module")
def outcome(sources_only):
    return EXPERIMENT.run(sources_only, EXPERIMENT.values({}), lambda doing, done, total: None)


def test_every_passage_is_on_the_map_with_its_rank_for_the_question(outcome, sources_only):
    points = [row for row in outcome.rows if row["part"] == "map"]
    assert len(points) == len(sources_only.index)
    likeness = [row["likeness"] for row in sorted(points, key=lambda row: row["rank"])]
    assert likeness == sorted(likeness, reverse=True)
    assert {row["whose"] for row in points} == {"The committee's article"}
    assert len({(row["x"], row["y"]) for row in points}) == len(points)


def test_the_question_lies_where_its_words_lie(sources_only):
    """The text of a passage as the question: its star falls on the passage."""
    held = sources_only.index.vectors().passages[3]
    text = "\n".join([" > ".join(held.chunk.headings), held.chunk.text])
    given = EXPERIMENT.values({"question": text})
    rows = EXPERIMENT.run(sources_only, given, lambda doing, done, total: None).rows
    star = next(row for row in rows if row["part"] == "question")
    nearest = next(row for row in rows if row.get("rank") == 1)
    assert (star["x"], star["y"]) == pytest.approx((nearest["x"], nearest["y"]), abs=0.02)


def test_smaller_chunks_are_more_and_find_less_among_the_first(outcome):
    rows = cuts(outcome, {"overlap": 0, "passages": 3})
    assert [row["size"] for row in rows] == sorted(row["size"] for row in rows)
    assert rows[0]["chunks"] > rows[-1]["chunks"]
    assert rows[0]["recall"] < rows[-1]["recall"]
    assert nearest_cut(rows, {"size": 128})["size"] == 128


def test_overlap_repeats_what_stands_before_and_cuts_fewer_words_off(sources_only):
    article = [one for one in sources_only.documents() if one.collection == COMMITTEE]
    questions = bundled_cases("held_out", "answerable")
    plain, shared = (cut_and_find(article, questions, sources_only.embedder, 256, part) for part in (0, 0.5))
    assert shared.chunks > plain.chunks
    assert shared.words * shared.chunks > 1.3 * plain.words * plain.chunks
    assert plain.ranks != shared.ranks
    assert plain.recall(len(plain.ranks)) == 1


def test_another_size_is_told_of_without_another_run(outcome):
    values = EXPERIMENT.values({})
    said = {EXPERIMENT.moved(outcome, {**values, "size": size}).findings for size in (48, 256)}
    assert len(said) == 2


def test_its_quote_stands_in_the_article_and_its_rows_can_be_kept(outcome):
    assert any(
        EXPERIMENT.quote in guide.read_text("utf-8") for guide in (corpus_folder() / "guides").glob("*.md")
    )
    assert json.loads(json.dumps(outcome.rows)) == [dict(row) for row in outcome.rows]


def test_its_pictures_are_drawn(outcome):
    def page(outcome, controls):
        from coach.ui.lab.chunks_and_embeddings import draw

        draw(outcome, controls)

    drawn = AppTest.from_function(page, args=(outcome, EXPERIMENT.values({"size": 64}))).run(timeout=30)
    assert not drawn.exception
    assert len(drawn.get("vega_lite_chart") or drawn.get("arrow_vega_lite_chart")) == 2
