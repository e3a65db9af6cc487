"""A text that has nothing to do with the question counts for nothing, and an answer in its own words is an answer."""

from __future__ import annotations

from coach.critique.off_topic import answers_another, is_off_topic
from coach.critique.prepare import prepare_draft
from coach.critique.rubric import bundled_rubrics
from tests.fakes import HashingEmbedder

RUBRIC = bundled_rubrics()[0]
PRICE = "A rival of our translation tool for small exporters has just halved its price. What do you propose?"
# Written in the committee's phrases, so that only its topic gives it away.
CAT = (
    "My cat likes tuna: last month she ate 40 cans, next month I want 20. First she gets breakfast, dinner waits until Friday. "
    "If a can is bad, I stop feeding it and give her dry food instead. I chose cheap tuna over salmon because it costs 2 cents a "
    "gram, at the price of a worse smell. I measure the share of cans she finishes, today 60 percent, goal 90 percent."
)
BANK = "Design an assistant for the support desk of a bank."
# Not a word of the question stands in it.
ANSWER = (
    "The worst failure is the model inventing a fee, so every fee is copied from the price list and a reply without a matching "
    "paragraph is blocked. I choose retrieval over fine-tuning because the list changes monthly. A small model costs 0.2 cents."
)


def prepared(draft, question, embedder):
    return prepare_draft(draft, question, RUBRIC, embedder, limit=8000)


def test_a_draft_on_another_topic_is_not_read_and_the_candidate_is_told(embedder):
    found = prepared(CAT, PRICE, embedder)
    assert found.off_topic and found.kept == ()
    assert (
        found.notices[0]
        == "5 sentences on another topic were not read: begin with how it answers the question."
    )


def test_an_answer_in_its_own_words_is_read(embedder):
    found = prepared(ANSWER, BANK, embedder)
    assert not found.off_topic and found.set_aside == () and found.notices == ()
    assert not answers_another([ANSWER], BANK, embedder)


def test_an_answer_to_another_question_of_the_field_is_read_but_known(embedder):
    assert not prepared(ANSWER, "Tell me about a time you disagreed with your manager.", embedder).off_topic
    talk = (
        "I would charge a seat price at first, since shops know what they pay each month. "
        "Heavy users pay for what goes beyond, and the discount for a year is ten percent."
    )
    assert answers_another([talk], "What is your approach to prompt injection?", embedder)


def test_bounds_of_one_embedding_model_are_not_used_with_another():
    assert not is_off_topic([CAT], PRICE, [ANSWER], HashingEmbedder())
    assert not answers_another([CAT], PRICE, HashingEmbedder())
