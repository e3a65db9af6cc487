"""A follow-up leans on earlier turns only when it has to."""

import pytest

from coach.answer.condense import condense
from coach.types import Turn

ROUNDS = [Turn("user", "How many rounds are typical?"), Turn("assistant", "Five to seven.")]


@pytest.mark.parametrize(
    "question",
    [
        "and how long does that take?",
        "How long does it take?",
        "What about the salary?",
        "why?",
        "Can you tell me more about them?",
        "And for seniors?",
        "Which of those are onsite?",
        "Is this the same everywhere?",
    ],
)
def test_questions_that_point_back_carry_the_earlier_question(question):
    standalone = condense(question, ROUNDS)
    assert standalone.rewritten
    assert standalone.text.startswith(question)
    assert "How many rounds are typical?" in standalone.text


@pytest.mark.parametrize(
    "question",
    [
        "What salary can a senior expect at a FAANG company?",
        "Which skills that engineers respect should I learn?",
        "Is it mandatory to have generative AI experience?",
        "If a candidate ignores model drift, how do they get judged?",
        "What does the committee think of RAG and fine-tuning?",
    ],
)
def test_questions_that_stand_alone_stay_as_they_are(question):
    assert condense(question, ROUNDS).text == question
    assert not condense(question, ROUNDS).rewritten


def test_without_history_nothing_is_rewritten():
    assert not condense("and how long does that take?", []).rewritten


def test_a_chain_of_follow_ups_reaches_back_to_the_question_that_names_the_topic():
    history = [Turn("user", "What is model empathy?"), Turn("user", "why does it matter?")]
    text = condense("and how do I show it?", history).text
    assert "What is model empathy?" in text
    assert "why does it matter?" in text


def test_earlier_topics_are_left_behind_once_the_topic_is_named():
    history = [Turn("user", "What salary is typical?"), Turn("user", "How many interview rounds are there?")]
    assert "salary" not in condense("how long do they take?", history).text
