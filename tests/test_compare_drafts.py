"""A second draft beside the first: which expectations moved, and which words came and went."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.critique.compare import _WORD, compare_drafts
from coach.text.sentences import split_sentences
from coach.types import Override
from tests.critiques import FIRST, SECOND, first_critique, second_critique, verdict

SENTENCES = [
    "We launch to 5% of users first.",
    "The model may invent a dosage, and nobody would notice.",
    "A pharmacist confirms every answer!",
    "It costs $1,200 a month.",
    "“Trust me”, says the human-in-the-loop.",
    "Es kostet über 3 €.",
    "Why RAG? Because facts change.",
]


def compared(old, new):
    return compare_drafts(first_critique(draft=old), first_critique(draft=new))


def texts(quotes):
    return [quote.text for quote in quotes]


def test_each_criterion_says_which_way_it_went():
    comparison = compare_drafts(first_critique(), second_critique())
    assert [
        (change.criterion_id, change.before, change.after, change.direction) for change in comparison.changes
    ] == [
        ("failure_modes", "partly", "met", "better"),
        ("cost", "missing", "met", "better"),
        ("trade_off", None, "missing", "unknown"),
        ("product_outcome", "met", "missing", "worse"),
        ("human_override", None, "met", "unknown"),
    ]
    assert (comparison.band_before, comparison.band_after) == ("not ready", "getting there")


def test_a_criterion_only_the_old_draft_was_asked_comes_last():
    comparison = compare_drafts(second_critique(), first_critique())
    assert [change.criterion_id for change in comparison.changes][-1] == "human_override"
    assert comparison.changes[-1].direction == "unknown"


def test_a_level_that_a_person_gave_is_the_one_compared():
    overruled = replace(verdict("cost", "missing"), override=Override("met", "It is in the second line."))
    old, new = first_critique(verdicts=(overruled,)), first_critique(verdicts=(verdict("cost", "met"),))
    assert compare_drafts(old, new).changes[0].direction == "same"


def test_a_persons_word_against_the_judges_is_no_change_of_the_draft():
    overruled = replace(verdict("cost", "met"), override=Override("partly", "It names no figure."))
    old, new = first_critique(verdicts=(overruled,)), first_critique(verdicts=(verdict("cost", "met"),))
    assert compare_drafts(old, new).changes[0].direction == "same"


def test_only_the_words_that_changed_are_marked():
    comparison = compared(FIRST, SECOND)
    assert texts(comparison.added) == [
        "for children",
        "A pharmacist confirms every dose above 500 mg",
        "Running it costs 2 cents an answer",
    ]
    assert texts(comparison.removed) == ["AI will solve this for pharmacists", "Users rate every answer"]


def test_a_number_that_changed_is_marked_whole():
    comparison = compared(
        "It costs $1,200 and fails in 5% of cases.", "It costs $900 and fails in 4% of cases."
    )
    assert (texts(comparison.removed), texts(comparison.added)) == (["$1,200", "5%"], ["$900", "4%"])


@pytest.mark.parametrize(
    "rewritten",
    [
        "Users wait two seconds. We ship to nurses first.",
        "we ship to nurses first! Users wait two seconds",
        "- We ship to nurses first.\n-  Users wait\n   two seconds.",
    ],
)
def test_moving_breaking_and_punctuating_sentences_changes_nothing(rewritten):
    comparison = compared("We ship to nurses first. Users wait two seconds.", rewritten)
    assert comparison.added == comparison.removed == ()


def test_a_sentence_said_twice_now_is_new_once():
    comparison = compared("It is slow.", "It is slow. It is slow.")
    assert texts(comparison.added) == ["It is slow"]
    assert comparison.added[0].start == 12


def test_from_nothing_to_something():
    assert texts(compared("", "One thing.\n\n2. Another thing.").added) == ["One thing", "Another thing"]
    assert compared("", "").added == ()


drafts = st.lists(
    st.sampled_from(SENTENCES) | st.text(alphabet="ab cd.,!é1%$\n-", max_size=30), max_size=8
).map(" ".join) | st.text(max_size=80)


@settings(max_examples=300, deadline=None)
@given(drafts, drafts)
def test_spans_are_exact_and_what_is_not_marked_is_the_same_in_both(old, new):
    comparison = compared(old, new)
    for draft, quotes in ((old, comparison.removed), (new, comparison.added)):
        end = 0
        for quote in quotes:
            assert draft[quote.start : quote.end] == quote.text != ""
            assert quote.start >= end  # in order, without overlap
            end = quote.end
    assert kept_words(old, comparison.removed) == kept_words(new, comparison.added)


def kept_words(draft, quotes):
    """Words in a sentence of the draft and outside every span, folded: list numbers are in no sentence."""
    return sorted(
        found.group().casefold()
        for start, end in split_sentences(draft)
        for found in _WORD.finditer(draft, start, end)
        if not any(quote.start <= found.start() < quote.end for quote in quotes)
    )


@pytest.mark.parametrize("old", ["the " * 10_000, " ".join(f"word{n % 900} and" for n in range(5_000))])
def test_ten_thousand_words_without_a_full_stop_are_compared_in_a_moment(old):
    started = time.process_time()
    comparison = compared(old, "first " + old.replace("word7 ", "word8 "))
    assert "first" in comparison.added[0].text
    assert time.process_time() - started < 5


def test_six_hundred_sentences_are_compared_in_a_moment():
    old = " ".join(f"Case {n} costs {n * 7} dollars in market {n % 13}." for n in range(600))
    started = time.process_time()
    comparison = compared(old, old.replace("dollars", "euros"))
    assert len(comparison.added) == 600
    assert time.process_time() - started < 5
