"""Small talk is neither refused nor cited, and real questions are never taken for it."""

import pytest

from coach.small_talk import small_talk, small_talk_by_meaning
from coach.types import Answer


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


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("morning! hope you slept well", "Hello"),
        ("who coded this app?", "program"),
        ("will anyone else read my messages?", "stays on this machine"),
        ("is the stuff you tell me correct?", "check it"),
        ("tell me what you are able to do for me", "coach"),
    ],
)
def test_other_wordings_are_known_by_their_meaning_and_answered_to_the_point(text, word, embedder):
    assert small_talk(text) is None
    assert word in small_talk_by_meaning(text, 0.3, embedder)


def test_what_is_nearer_to_the_sources_is_a_question(embedder):
    assert small_talk_by_meaning("is the stuff you tell me correct?", 0.7, embedder) is None
    assert small_talk_by_meaning("How does the committee see data privacy?", 0.3, embedder) is None


def test_small_talk_by_meaning_is_neither_refused_nor_cited(sources_only):
    reply = sources_only.answer("will anyone else read my messages?").result()
    assert isinstance(reply, Answer)
    assert [sentence.origin for sentence in reply.sentences] == ["coach"]
    assert reply.passages == ()
