"""Sentences are found where a reader would find them, with exact places."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coach.settings import corpus_folder
from coach.text.sentences import split_sentences


def pieces(text):
    return [text[start:end] for start, end in split_sentences(text)]


def test_full_stops_end_sentences_but_abbreviations_and_decimals_do_not():
    text = "Use supervised vs. unsupervised data. It costs 2.5 dollars, e.g. for Dr. Lee. Done?"
    assert pieces(text) == [
        "Use supervised vs. unsupervised data.",
        "It costs 2.5 dollars, e.g. for Dr. Lee.",
        "Done?",
    ]


def test_closing_quotes_belong_to_the_sentence_they_close():
    assert pieces("He said, “It is a list.” Then he left.") == ["He said, “It is a list.”", "Then he left."]


def test_list_lines_are_sentences_without_their_markers():
    assert pieces("- BAD: no plan\n- GOOD: a plan\n1. First\n2) Second") == [
        "BAD: no plan",
        "GOOD: a plan",
        "First",
        "Second",
    ]


def test_a_line_break_inside_a_paragraph_does_not_end_a_sentence_but_a_blank_line_does():
    assert pieces("One line\nand its rest\n\nNext") == ["One line\nand its rest", "Next"]


@given(st.text(alphabet=st.sampled_from("ab .!?\n-*“”1.é\t"), max_size=200))
def test_spans_are_ordered_apart_and_cover_every_letter(text):
    spans = split_sentences(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    inside = {place for start, end in spans for place in range(start, end)}
    assert all(place in inside for place, character in enumerate(text) if character.isalpha())


def test_every_word_of_the_article_stands_in_a_sentence():
    for path in (corpus_folder() / "guides").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        spans = split_sentences(text)
        covered = "".join(text[start:end] for start, end in spans)
        assert sum(map(str.isalnum, covered)) >= sum(map(str.isalnum, text)) - 5  # list numbers aside
