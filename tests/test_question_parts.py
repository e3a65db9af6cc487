"""Two questions in one are taken apart, one question never is."""

import pytest

from coach.answer.question_parts import question_parts


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "How long does it take and what is the dress code?",
            ("How long does it take?", "What is the dress code?"),
        ),
        ("What is RAG? And how is it tested?", ("What is RAG?", "And how is it tested?")),
        (
            "How many rounds are there, and can I skip one?",
            ("How many rounds are there?", "Can I skip one?"),
        ),
    ],
)
def test_each_part_is_a_question_of_its_own(question, parts):
    assert question_parts(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What is the difference between RAG and fine-tuning?",
        "Which people find and can prove their worth?",
        "I work at a bank and know what I want. What do they pay?",
        "Why?",
        "",
        "what and how and why and who and where",
        "Is pay good, and is the job safe, and is it fun, and is it hard, and is it new?",
    ],
)
def test_what_asks_one_thing_or_too_many_stays_whole(question):
    assert question_parts(question) == (question,)
