"""Drift is called where something moved, and only with enough to tell."""

from collections import Counter
from dataclasses import replace

import numpy as np

from coach.evaluation.drift import (
    Observed,
    drift,
    drift_text,
    observed_in_run,
    observed_live,
    of_one_model,
)
from coach.evaluation.run import Row, Run
from coach.store.traces import TraceStore
from coach.types import Answer, Refusal, Sentence, Trace
from tests.builders import passage

RUN = Run("answers", "2026-01-01", "0.1.0", "c0de", "none", None, "minilm", "f00d", {}, {}, 0, ())


def sample(count, *, refused=0.3, left_out=0, cosine=0.5, milliseconds=60.0, seed=0):
    random = np.random.default_rng(seed)
    return [
        Observed(
            place < refused * count,
            4,
            left_out,
            float(random.normal(cosine, 0.1)),
            float(random.normal(milliseconds, 5)),
        )
        for place in range(count)
    ]


def moved(live, baseline):
    return {look.name for look in drift(live, baseline) if look.moved}


def test_two_samples_of_the_same_have_not_moved():
    assert moved(sample(200), sample(200, seed=1)) == set()


def test_each_thing_that_moves_is_named():
    baseline = sample(200)
    assert moved(sample(200, refused=0.7, seed=1), baseline) == {"refusals"}
    assert moved(sample(200, left_out=1, seed=1), baseline) == {"unsupported sentences"}
    assert moved(sample(200, cosine=0.4, seed=1), baseline) == {"retrieval scores"}
    assert moved(sample(200, milliseconds=120, seed=1), baseline) == {"latency"}


def test_too_few_to_tell_says_so_with_the_number():
    assert drift(sample(29), sample(200)) == []
    said = drift_text(RUN, 7, [], [], {})
    assert said.startswith("Too few traces to tell: 0 answers of the last 7 days")
    assert "coach eval drift --days 28" in said


def test_the_finding_comes_first_and_in_words():
    looks = drift(sample(200, refused=0.7, seed=1), sample(200))
    lines = drift_text(RUN, 7, [], looks, Counter({"tiny": 3})).splitlines()
    assert lines[0].endswith("refusals moved.")
    assert lines[1].startswith("  MOVED  refusals: 30.0% in the baseline, 70.0% now (difference +40.0%")
    assert any("3 answers of tiny were left out" in line for line in lines)


def test_live_traces_and_rows_of_a_run_are_seen_alike(tmp_path):
    found = passage("There are five rounds.", cosine=0.61)
    sentences = (Sentence("There are five rounds.", "supported"), Sentence("Snacks.", "unsupported"))
    store = TraceStore(tmp_path)
    store.keep(Answer("q", "q", sentences, (found,), Trace("q", first_citation_ms=40.0)))
    store.keep(Refusal("q", "q", "no_evidence", "No.", (found,), Trace("q", first_citation_ms=40.0)))
    store.keep(Answer("Hi", "Hi", (Sentence("Hello!", "connective", (), "coach"),), (), Trace("Hi")))
    live = observed_live(store.recent(1))
    answered = {"refused": 0.0, "claims": 2.0, "left_out": 1.0, "best_cosine": 0.61}
    refused = {"refused": 1.0, "claims": 0.0, "left_out": 0.0, "best_cosine": 0.61}
    rows = (
        Row("a", milliseconds={"first_citation": 40.0}, signals=answered),
        Row("b", signals=refused),
        Row("c"),
    )
    assert live == observed_in_run(replace(RUN, rows=rows))
    assert live == [Observed(False, 2, 1, 0.61, 40.0), Observed(True, 0, 0, 0.61)]


def test_answers_of_another_model_are_left_out_and_refusals_go_with_the_answers_before_them(tmp_path):
    found = passage("There are five rounds.")
    sentence = Sentence("There are five rounds.", "supported")
    store = TraceStore(tmp_path)
    refusal = Refusal("q", "q", "no_evidence", "No.", (found,), Trace("q"))
    for reply in (
        Answer("1", "1", (sentence,), (found,), Trace("q")),
        refusal,
        Answer("2", "2", (sentence,), (found,), Trace("q", model="tiny"), "generated"),
        refusal,
    ):
        store.keep(reply)
    chosen, others = of_one_model(store.recent(1), RUN)
    assert [trace.outcome for trace in chosen] == ["answer", "refusal"]
    assert others == {"tiny": 2}
