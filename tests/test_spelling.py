"""Typos are mended towards the words of the sources, and nothing else is touched."""

import pytest

from coach.answer.spelling import mend_spelling

VOCABULARY = frozenset(
    [
        "how",
        "many",
        "interview",
        "rounds",
        "are",
        "typical",
        "empathy",
        "rejected",
        "reject",
        "roadmap",
        "hallucination",
        "salary",
        "recruiter",
        "rag",
        "reviewed",
        "criticism",
        "retraining",
        "evals",
        "candidates",
    ]
)


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("how meny intervew ronds r there", "how many interview rounds are there"),
        ("y did teh VP rejct the raodmap", "why did the VP reject the roadmap"),
        ("halucinaton rates?", "hallucination rates?"),  # two slips in a long word
        ("Recruter screen", "recruiter screen"),
        ("model empthy", "model empathy"),
    ],
)
def test_a_slip_is_mended(typed, read_as):
    assert mend_spelling(typed, VOCABULARY) == read_as


@pytest.mark.parametrize(
    "question",
    [
        "What do people at Figma or in Lisbonn earn?",  # a name inside the question
        "Do RAGs or LLMs count?",
        "How do I analyse and criticise a behavioural answer?",  # British
        "What is pretraining, reranking and an eval?",  # a prefix, a singular of what the sources have
        "salarix7 c++ foo@salry.com path/salry",  # no words
        "Is the office nice?",  # English, though the sources do not have it
        "rag rg rounds' roadmaps",
    ],
)
def test_what_is_no_slip_stays(question):
    assert mend_spelling(question, VOCABULARY) == question


def test_without_sources_only_the_shorthand_of_typing_is_written_out():
    assert mend_spelling("how r u, intervew?", frozenset()) == "how are you, intervew?"
