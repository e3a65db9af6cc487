"""Kept runs as figures with intervals, two of them compared, and people's word beside them."""

from coach.evaluation.answers import MEASURES, TIMINGS
from coach.lab.evaluation import ANEW, CHANGE, EXPERIMENT, FIGURE, PEOPLE, TELLS, kept_runs
from coach.lab.experiment import quoted_in
from coach.settings import corpus_folder
from coach.store.feedback import FeedbackStore


def told(doing, done, total):
    assert 0 <= done <= total


def seen(coach, **given):
    return EXPERIMENT.run(coach, EXPERIMENT.values(given), told)


def test_the_quote_is_the_articles():
    article = next((corpus_folder() / "guides").glob("*.md")).read_text("utf-8")
    assert quoted_in(article, [EXPERIMENT]) == []


def test_every_measure_has_a_sentence_on_what_it_tells():
    assert {*MEASURES, *TIMINGS, "perplexity", "thumbs", "overrides"} == set(TELLS)


def test_without_a_kept_run_one_of_the_sources_alone_is_made_and_kept(coach_at):
    coach = coach_at()
    outcome = seen(coach, cases=6)
    (kept,) = kept_runs(coach.settings)
    assert len(kept.rows) == 6 and kept.model is None
    figures = [row for row in outcome.rows if row["of"] == FIGURE]
    assert all(row["low"] <= row["value"] + 1e-9 and row["value"] <= row["high"] + 1e-9 for row in figures)
    assert "6 cases by the sources alone was made now" in outcome.findings[0]
    assert "nothing of people" in outcome.findings[-1]


def test_a_run_compared_with_the_same_again_has_not_moved(coach_at):
    coach = coach_at()
    seen(coach, figures=ANEW, cases=6)
    outcome = seen(coach, figures=ANEW, cases=6)
    changes = [row for row in outcome.rows if row["of"] == CHANGE and row["unit"] == "share"]
    assert changes and {row["run"] for row in changes} == {"same"}


def test_thumbs_stand_beside_the_figures_with_their_interval(coach_at):
    coach = coach_at()
    store = FeedbackStore(coach.settings.home)
    for name, useful in (("a", True), ("b", True), ("c", False), ("draft/criterion", False)):
        store.give(name, useful)
    outcome = seen(coach, cases=5)
    answers, verdicts = [row for row in outcome.rows if row["of"] == PEOPLE]
    assert (answers["value"], answers["cases"]) == (2 / 3, 3)
    assert answers["low"] < 2 / 3 < answers["high"]
    assert (verdicts["value"], verdicts["cases"]) == (0.0, 1)
    assert "Thumbs up for answers: 67% of 3" in outcome.findings[-1]
