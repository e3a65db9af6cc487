"""Late interaction: how near each word of a question comes to the tokens found."""

import numpy as np

from coach.answer.late_interaction import cover, word_weight


def test_a_word_that_any_question_may_have_weighs_little():
    assert word_weight("expect") < 0.5 and word_weight("important") < 0.5
    assert word_weight("Kubernetes") == 1.0 and word_weight("the") == 0.0


def test_each_word_is_covered_by_the_token_nearest_to_it(embedder):
    texts = ["A typical loop has 5-7 rounds.", "Bake the bread until it is brown."]
    covered = cover("rounds of sourdough", texts, embedder)
    assert covered.words == ("rounds", "sourdough")
    assert covered.cosines.shape == (2, 2)
    rounds, sourdough = covered.cosines
    assert rounds[0] > rounds[1] + 0.1 and sourdough[1] > sourdough[0]
    np.testing.assert_allclose(covered.together().cosines[:, 0], covered.cosines.max(axis=1))


def test_the_worst_word_that_weighs_and_the_mean_by_weight(embedder):
    covered = cover("tell me about Kubernetes", ["A typical loop has 5-7 rounds."], embedder)
    by_word = dict(zip(covered.words, covered.cosines[:, 0], strict=True))
    assert covered.worst()[0] == by_word["Kubernetes"]
    assert covered.is_topic and covered.uncovered(0.99) == "“Kubernetes”" and covered.uncovered(-1.0) == ""
    light, heavy = word_weight("tell"), 1.0
    expected = (light * by_word["tell"] + heavy * by_word["Kubernetes"]) / (light + heavy)
    np.testing.assert_allclose(covered.mean()[0], expected, rtol=1e-5)


def test_a_question_without_content_is_wholly_covered_and_no_texts_cover_nothing(embedder):
    empty = cover("what about it?", ["A sentence."], embedder)
    assert empty.words == () and empty.worst()[0] == empty.mean()[0] == 1.0
    assert cover("rounds", [], embedder).words == ()


def test_words_side_by_side_are_named_as_one_and_others_apart(embedder):
    covered = cover("visa sponsorship or Kubernetes", ["A typical loop has 5-7 rounds."], embedder)
    assert covered.uncovered(0.99) == "“visa sponsorship” and “Kubernetes”"
