"""A reply is scored by what it shows, cites and refuses."""

from dataclasses import replace

import pytest
from builders import document

from coach.evaluation.cases import Case
from coach.evaluation.score import Sources, facts_found, score, shown
from coach.types import Answer, Citation, Refusal, Sentence, Span, Trace
from tests.builders import passage

TEXT = "# Guide\n\nWelcome here.\n\n## Rounds\n\nThere are 5-7 rounds. It takes 6-8 weeks.\n\n## Pay\n\nPay is high.\n"
SOURCES = Sources([document(TEXT)])
ROUNDS = Case(
    "a1", "answerable", "How many rounds?", True, (("5-7", "five to seven"), ("6-8  Weeks",)), "Rounds", "fit"
)
NOWHERE = Case("u1", "unanswerable", "How many in Lisbon?", False, (), "Rounds", "fit")
CHAT = Case("s1", "small_talk", "Hi", False, (), "", "fit")


def sentence(text, status="supported", shift=0, source="guides/a.md"):
    start = TEXT.find(text)
    citations = ()
    if status == "supported":
        span = Span(source, start + shift, start + shift + len(text), text)
        citations = (Citation(span, 0, 0.9),)
    return Sentence(text, status, citations)


def answer(*sentences):
    return Answer("q", "q", sentences, (passage(TEXT),), Trace("q"))


REFUSED = Refusal("q", "q", "no_evidence", "Your sources do not answer this.", (passage(TEXT),), Trace("q"))
GOOD = answer(sentence("There are 5-7 rounds."), sentence("It takes 6-8 weeks."))


def test_every_fact_must_be_there_in_any_writing_of_it():
    assert score(ROUNDS, GOOD, SOURCES)["correct"] == (1, 1)
    assert facts_found(ROUNDS.facts, "FIVE to\n seven rounds in 6-8 weeks") == 2
    half = score(ROUNDS, answer(sentence("There are 5-7 rounds.")), SOURCES)
    assert half["correct"] == (0, 1)
    assert half["facts"] == (1, 2)


def test_a_fact_that_was_left_out_of_the_reply_does_not_count():
    reply = answer(sentence("There are 5-7 rounds."), sentence("It takes 6-8 weeks.", "unsupported"))
    measures = score(ROUNDS, reply, SOURCES)
    assert measures["facts"] == (1, 2)
    assert measures["left_out"] == (1, 2)
    assert measures["unsupported_shown"] == (0, 1)


def test_citation_precision_wants_the_exact_place_and_the_section_or_a_fact():
    reply = answer(
        sentence("There are 5-7 rounds."),  # under the case's heading
        sentence("Pay is high."),  # another heading, and no fact in it
        sentence("It takes 6-8 weeks.", shift=1),  # one character off
    )
    assert score(ROUNDS, reply, SOURCES)["citation_precision"] == (1, 3)
    elsewhere = replace(ROUNDS, section="Pay")
    assert score(elsewhere, answer(sentence("There are 5-7 rounds.")), SOURCES)["citation_precision"] == (
        1,
        1,
    )


def test_citation_recall_counts_the_models_connectives_and_not_the_coachs_words():
    own = Sentence("I looked in your sources.", "connective", (), "coach")
    reply = answer(own, Sentence("In short:", "connective"), sentence("Pay is high."))
    assert score(ROUNDS, reply, SOURCES)["citation_recall"] == (1, 2)


def test_a_sentence_that_passes_for_supported_without_a_citation_is_counted():
    reply = answer(replace(sentence("Pay is high."), citations=()))
    assert score(ROUNDS, reply, SOURCES)["unsupported_shown"] == (1, 1)


def test_what_is_shown_is_read_off_the_text_itself():
    reply = answer(
        sentence("Pay is high.", "unsupported"),
        sentence("There are 5-7 rounds."),
        Sentence("So:", "connective"),
    )
    assert [one.text for one in shown(reply)] == ["There are 5-7 rounds.", "So:"]


def test_refusals_count_both_ways():
    rightly = score(NOWHERE, REFUSED, SOURCES)
    assert rightly == {"refusal_precision": (1, 1), "refusal_recall": (1, 1), "withdrawn": (0, 1)}
    wrongly = score(ROUNDS, REFUSED, SOURCES)
    assert wrongly["refusal_precision"] == (0, 1)
    assert wrongly["false_refusals"] == (1, 1)
    assert wrongly["correct"] == (0, 1)
    assert score(NOWHERE, GOOD, SOURCES)["refusal_recall"] == (0, 1)
    assert "refusal_precision" not in score(NOWHERE, GOOD, SOURCES)


def test_a_refusal_after_sentences_were_on_screen_is_a_withdrawal():
    shown_first = replace(REFUSED, trace=Trace("q", first_citation_ms=40.0))
    assert score(NOWHERE, shown_first, SOURCES)["withdrawn"] == (1, 1)


def test_a_follow_up_is_right_when_it_answers_or_refuses_as_it_should():
    follow_up = replace(ROUNDS, kind="follow_up")
    assert score(follow_up, GOOD, SOURCES)["follow_ups"] == (1, 1)
    unanswerable = replace(follow_up, answerable=False, facts=())
    assert score(unanswerable, REFUSED, SOURCES)["follow_ups"] == (1, 1)
    assert score(unanswerable, GOOD, SOURCES)["follow_ups"] == (0, 1)


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        (answer(Sentence("Hello!", "connective", (), "coach")), 1),
        (REFUSED, 0),
        (GOOD, 0),  # it cites
    ],
)
def test_small_talk_is_neither_refused_nor_cited_and_counts_nowhere_else(reply, right):
    assert score(CHAT, reply, SOURCES) == {"small_talk": (right, 1)}


def test_rouge_compares_with_the_section_alone():
    assert score(ROUNDS, GOOD, SOURCES)["rouge_l"] == (1, 1)
    assert SOURCES.section_text("Pay") == "Pay is high."
