"""No figure of the fast subset falls below the committed baseline by more than its noise.

After a change that is meant to move figures: `coach eval answers --subset fast --backend none --out
bench/baseline/answers-fast-extractive.json`, and say in the change what moved and why.
"""

import pytest

from coach.backends import load_index
from coach.coach import Coach
from coach.evaluation.compare import compare, comparison_text
from coach.evaluation.run import read_run
from coach.evaluation.suites import baseline_file, run_answers
from coach.settings import load_settings


@pytest.fixture(scope="module")
def runs(library, embedder):
    settings = load_settings(backend="none", traces=False)
    coach = Coach(settings, embedder, load_index(settings, embedder.name))
    return read_run(baseline_file()), run_answers(settings, subset="fast", coach=coach)


def test_the_fast_subset_holds_the_baseline(runs):
    before, after = runs
    comparison = compare(before, after)
    assert not comparison.dropped, comparison_text(before, after, comparison)


def test_every_case_of_the_fast_subset_is_scored(runs):
    _, after = runs
    assert after.complete
    assert [(row.id, row.unscored) for row in after.unscored] == []


def test_no_sentence_is_shown_without_support(runs):
    _, after = runs
    assert sum(hits for hits, _ in after.pairs("unsupported_shown")) == 0


def test_every_citation_of_the_fast_subset_leads_somewhere(runs):
    _, after = runs
    assert after.pairs("citation_precision")
    assert all(hits == total for hits, total in after.pairs("citation_recall"))


def test_the_sources_answer_in_well_under_a_second(runs):
    _, after = runs
    times = sorted(after.times("first_citation"))
    assert times[len(times) // 2] < 1000
