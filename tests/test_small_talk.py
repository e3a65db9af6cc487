"""Small talk is neither refused nor cited, and real questions are never taken for it."""

import pytest

from coach.small_talk import small_talk


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "Hello there!",
        "thanks a lot",
        "What can you do?",
        "hey there, how's it going?",
        "bye, see you tomorrow",
        "I'm a bit nervous today",
        "Thank you so much, that was really helpful",
        "who made you?",
        "help",
    ],
)
def test_small_talk_gets_the_coachs_own_words(text):
    assert small_talk(text)


@pytest.mark.parametrize(
    "text",
    [
        "What can you do about hallucinations?",
        "help me understand RAG",
        "hi, how many rounds are typical?",
        "What are you expected to know about GANs?",
        "thanks, and what about salary?",
        "I am worried about model drift in my answer",
        "How's it going to change my roadmap?",
        "Thanks for the rounds, what about pay?",
    ],
)
def test_real_questions_pass(text):
    assert small_talk(text) is None
