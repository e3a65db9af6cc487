"""Small talk is neither refused nor cited, and real questions are never taken for it."""

import pytest

from coach.answer.small_talk import small_talk
from coach.types import Answer, Sentence


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hi", "Hello"),
        ("Hello there!", "Hello"),
        ("hey there, how's it going?", "Hello"),
        ("morning! hope you slept well", "Hello"),
        ("thanks a lot", "welcome"),
        ("bye, see you tomorrow", "welcome"),
        ("Thank you so much, that was really helpful", "welcome"),
        ("I'm a bit nervous today", "most candidates"),
        ("What can you do?", "coach"),
        ("help", "coach"),
        ("tell me what you are able to do for me", "coach"),
        ("who coded this app?", "program"),
        ("will anyone else read my messages?", "stays on this machine"),
        ("is the stuff you tell me correct?", "check it"),
    ],
)
def test_small_talk_gets_the_coachs_own_words_uncited(text, word, sources_only):
    reply = sources_only.answer(text).result()
    assert isinstance(reply, Answer)
    assert [sentence.origin for sentence in reply.sentences] == ["coach"]
    assert word in reply.text and reply.passages == ()


@pytest.mark.parametrize("text", ["thanks a lot", "hi", "bye, see you tomorrow"])
def test_plain_small_talk_stays_small_talk_in_the_middle_of_a_conversation(text, sources_only):
    reply = sources_only.answer(text, history=["How many rounds are typical?"]).result()
    assert [sentence.origin for sentence in reply.sentences] == ["coach"]


def test_a_follow_up_is_not_taken_for_small_talk(sources_only):
    reply = sources_only.answer("who wrote it?", history=["What is the PM Interview Playbook?"]).result()
    assert not isinstance(reply, Answer) or reply.sentences[0].origin != "coach"


@pytest.mark.parametrize(
    "text",
    [
        "What can you do about hallucinations?",
        "help me understand RAG",
        "hi, how many rounds are typical?",
        "What are you expected to know about GANs?",
        "thanks, and what about salary?",
        "I am worried about model drift in my answer",
        "Thanks for the rounds, what about pay?",
        "How does the committee see data privacy?",
    ],
)
def test_real_questions_pass(text, sources_only):
    reply = sources_only.answer(text).result()
    sentences: tuple[Sentence, ...] = getattr(reply, "sentences", ())
    assert "coach" not in {sentence.origin for sentence in sentences}


def test_what_is_nearer_to_the_sources_is_a_question(embedder):
    assert small_talk("is the stuff you tell me correct?", lambda: 0.9, embedder) is None
    assert small_talk("is the stuff you tell me correct?", lambda: 0.3, embedder)
