"""ROUGE and perplexity agree with sums worked by hand."""

import math

import pytest

from coach.evaluation.text_metrics import perplexity, rouge_l, rouge_n

REFERENCE = "Police killed the gunman."


def test_rouge_1_counts_words_in_common():
    # The example of Lin 2004: police, the, gunman of four words on either side: 3/4
    overlap = rouge_n("police kill the gunman", REFERENCE)
    assert (overlap.recall, overlap.precision, overlap.f1) == (0.75, 0.75, 0.75)


def test_rouge_2_counts_pairs_in_common():
    # Of the three pairs on either side only "the gunman" is in both
    assert rouge_n("police kill the gunman", REFERENCE, 2).recall == pytest.approx(1 / 3)


def test_rouge_l_follows_the_order_of_words():
    # Lin 2004: "police ... the gunman" is 3 long; in "the gunman kill police" only "the gunman" keeps the order
    assert rouge_l("police kill the gunman", REFERENCE).recall == 0.75
    assert rouge_l("the gunman kill police", REFERENCE).recall == 0.5


def test_a_word_counts_as_often_as_both_texts_have_it():
    # "the" three times against once: 1 of 3 said, 1 of 2 wanted; F1 = 2 * 1/3 * 1/2 / (5/6) = 0.4
    overlap = rouge_n("the the the", "the gunman")
    assert overlap.precision == pytest.approx(1 / 3)
    assert overlap.recall == 0.5
    assert overlap.f1 == pytest.approx(0.4)


@pytest.mark.parametrize("texts", [("", REFERENCE), (REFERENCE, ""), ("...", "!")])
def test_nothing_in_common_is_zero(texts):
    assert rouge_n(*texts).f1 == rouge_l(*texts).f1 == 0.0


def test_perplexity_of_even_odds_is_the_number_of_choices():
    # Three tokens at probability 1/4 each: exp(-ln(1/4)) = 4
    assert perplexity([math.log(0.25)] * 3) == pytest.approx(4.0)


def test_perplexity_is_the_inverse_geometric_mean():
    # sqrt(1 / (1/2 * 1/8)) = sqrt(16) = 4
    assert perplexity([math.log(1 / 2), math.log(1 / 8)]) == pytest.approx(4.0)


def test_no_tokens_have_no_perplexity():
    with pytest.raises(ValueError, match="without tokens"):
        perplexity([])
