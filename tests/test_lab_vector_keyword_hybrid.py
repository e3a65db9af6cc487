"""The experiment on search: three rankings of one question, the cases, and the graph against looking at everything."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from coach.errors import StoppedError, UsageError
from coach.evaluation.nearest import compare_with_graph
from coach.evaluation.retrieval import MEANING, OURS, WORDS, rank_passages
from coach.lab.vector_keyword_hybrid import EXPERIMENT, share_found
from coach.settings import corpus_folder


def silent(doing: str, done: int, total: int) -> None:
    """For runs nobody watches."""


@pytest.fixture(scope="module")
def outcome(sources_only):
    return EXPERIMENT.run(sources_only, EXPERIMENT.values({"width": 400}), silent)


def part(outcome, name):
    return [row for row in outcome.rows if row["part"] == name]


def test_the_default_question_is_one_on_which_all_three_ways_differ(outcome):
    rows = part(outcome, "ranks")
    firsts = {
        way: next(row["begins"] for row in rows if row[way] == 1) for way in ("keywords", "meaning", "both")
    }
    assert len(set(firsts.values())) == 3


def test_the_ranks_are_those_of_the_coachs_own_search(outcome, sources_only):
    question = EXPERIMENT.values({})["question"]
    rows = {row["begins"].rstrip("…"): row for row in part(outcome, "ranks")}
    found = rank_passages(question, sources_only.embedder, sources_only.index)
    for way, name in ((WORDS, "keywords"), (MEANING, "meaning"), (OURS, "both")):
        begins = " ".join(found[way][0].chunk.text.split())
        assert next(row for key, row in rows.items() if begins.startswith(key))[name] == 1


def test_both_together_find_more_answers_than_either_alone(outcome):
    cases = part(outcome, "case")
    shares = {way: share_found(cases, way, 1) for way in ("keywords", "meaning", "both")}
    assert shares["both"] > max(shares["keywords"], shares["meaning"])
    assert len(cases) == 88
    assert any(row["keywords"] != row["meaning"] for row in cases)


def test_a_narrow_look_at_the_graph_misses_what_a_wide_one_finds():
    """Vectors that point anywhere: a graph, which is built by chance, over an index's own finds all of them now and then."""
    anywhere = np.random.default_rng(0).standard_normal((1520, 384), dtype=np.float32)
    anywhere /= np.linalg.norm(anywhere, axis=1, keepdims=True)
    narrow, wide = (compare_with_graph(anywhere[:1500], anywhere[1500:], 10, width) for width in (10, 400))
    assert narrow.recall < 0.7 < 0.97 < wide.recall <= 1
    assert min(wide.graph_ms, wide.exact_ms) > 0


def test_the_graph_is_measured_on_all_that_the_index_holds(outcome, sources_only):
    held = sources_only.index.vectors()
    counts = [row["vectors"] for row in part(outcome, "graph")]
    assert counts == [len(held.chunks), len(held.sentences), len(held.questions), 10_000]
    assert len(held.passages) == len(held.chunks) == len(sources_only.index)


def test_more_passages_are_told_of_without_another_run(outcome):
    few, many = (EXPERIMENT.moved(outcome, {"passages": number}) for number in (3, 12))
    assert few.rows == many.rows == outcome.rows
    assert few.findings != many.findings


def test_it_stops_where_it_is_told_to(sources_only):
    told = []

    def stop(doing: str, done: int, total: int) -> None:
        told.append(done)
        if len(told) == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        EXPERIMENT.run(sources_only, EXPERIMENT.values({}), stop)
    assert len(told) == 3


def test_an_empty_question_is_refused_in_a_sentence(sources_only):
    with pytest.raises(UsageError, match="no question"):
        EXPERIMENT.run(sources_only, EXPERIMENT.values({"question": " "}), silent)


def test_its_quote_stands_in_the_article():
    assert any(
        EXPERIMENT.quote in guide.read_text("utf-8") for guide in (corpus_folder() / "guides").glob("*.md")
    )


def test_its_rows_can_be_kept_as_json(outcome):
    assert json.loads(json.dumps(outcome.rows)) == [dict(row) for row in outcome.rows]


def test_its_pictures_are_drawn(outcome):
    def page(outcome, controls):
        from coach.ui.lab.vector_keyword_hybrid import draw

        draw(outcome, controls)

    drawn = AppTest.from_function(page, args=(outcome, EXPERIMENT.values({"passages": 4}))).run(timeout=30)
    assert not drawn.exception
    assert len(drawn.get("vega_lite_chart") or drawn.get("arrow_vega_lite_chart")) == 3
