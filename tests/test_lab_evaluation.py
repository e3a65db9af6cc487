"""Kept runs as figures with intervals, two of them compared, and people's word beside them."""

import math

import pytest

from coach.backends.llama_cpp import LlamaCppChatModel
from coach.coach import Coach
from coach.evaluation.answers import MEASURES, TIMINGS
from coach.evaluation.text_metrics import perplexity
from coach.lab.evaluation import ANEW, CHANGE, EXPERIMENT, FIGURE, PEOPLE, SURPRISE, TELLS, kept_runs
from coach.lab.experiment import quoted_in
from coach.protocols import ChosenModel
from coach.settings import corpus_folder
from coach.store.feedback import FeedbackStore
from tests.fakes import ScriptedChatModel

ARTICLE = next((corpus_folder() / "guides").glob("*.md")).read_text("utf-8")


def told(doing, done, total):
    assert 0 <= done <= total


def seen(coach, **given):
    return EXPERIMENT.run(coach, EXPERIMENT.values(given), told)


def test_the_quote_is_the_articles():
    assert quoted_in(ARTICLE, [EXPERIMENT]) == []


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
    assert "nothing of people" in outcome.findings[-2]


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
    assert "Thumbs up for answers: 67% of 3" in outcome.findings[-2]


class Scoring(ScriptedChatModel):
    """Finds every token as likely as a coin's side where the words stand in the article's order, else as a card of 52."""

    def score(self, text):
        tokens = text.split()
        likely = text in ARTICLE
        for place in range(1, len(tokens)):
            yield place, math.log(1 / 2 if likely else 1 / 52), len(tokens)


def with_model(coach, model):
    chosen = ChosenModel(model, "given", "It was given.")
    return Coach(coach.settings, coach.embedder, coach.index, chosen, keeps=False)


def test_perplexity_is_measured_on_the_article_and_on_its_words_shuffled(coach_at):
    outcome = seen(with_model(coach_at(), Scoring()), cases=5)
    plain, shuffled = [row for row in outcome.rows if row["of"] == SURPRISE]
    assert (plain["value"], shuffled["value"]) == (pytest.approx(2.0), pytest.approx(52.0))
    assert plain["low"] == pytest.approx(plain["high"])  # no token differs from the others
    assert any(
        "2.0 for the words as they stand, 52 for the same words, shuffled" in one for one in outcome.findings
    )


@pytest.mark.parametrize(
    ("model", "said"), [(ScriptedChatModel(), "without log-probabilities"), (None, "coach models pull")]
)
def test_where_perplexity_cannot_be_measured_it_says_why(coach_at, model, said):
    coach = coach_at()
    coach._chosen = ChosenModel(model, "given", "There is no model: run `coach models pull`.")
    outcome = seen(coach, cases=5)
    assert not [row for row in outcome.rows if row["of"] == SURPRISE]
    assert outcome.findings[-1].startswith("Perplexity is not measured.")
    assert said in outcome.findings[-1]


def test_the_built_in_engine_scores_a_text_token_by_token(small_model_path):
    model = LlamaCppChatModel(small_model_path, context_window=256)
    try:
        plain, shuffled = (
            [logarithm for _, logarithm, _ in model.score(text)]
            for text in ("The capital of France is Paris.", "Paris of. is France capital The")
        )
        prompt = model._engine.tokenize("The capital of France is", special=False)
        listed = model._listed(prompt, 10)
    finally:
        model.close()
    assert plain[len(prompt) - 1] == pytest.approx(max(listed.values()), abs=0.01)  # “ Paris”
    assert perplexity(plain) < perplexity(shuffled)
    assert all(logarithm <= 0 for logarithm in (*plain, *shuffled))
