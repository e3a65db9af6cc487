"""Questions out of the user's own documents: what the model words is asked only where it is fit to be."""

from __future__ import annotations

import pytest

from coach.critique.rubric import bundled_rubrics
from coach.practice.made_questions import ROUND, make_questions, why_unfit
from tests.builders import passage
from tests.fakes import ScriptedChatModel

RUBRIC = bundled_rubrics()[0]
JOB = passage(
    "You will own the triage assistant of our hospital network, which drafts answers to patient messages and routes urgent ones to a nurse.",
    headings=("Senior PM, patient messaging", "What you will do"),
    source="library/job.md",
)
GOOD = "How would you decide which patient messages the triage assistant may answer and which go to a nurse?"


def made(reply, embedder, known=()):
    return list(make_questions([JOB], ScriptedChatModel(reply), embedder, RUBRIC, list(known)))


def test_a_question_says_where_it_comes_from_and_is_judged_as_any_other(embedder):
    (found,) = made(GOOD, embedder)
    assert found.text == GOOD and found.round == ROUND and found.span is None
    assert "Senior PM, patient messaging" in found.origin and "What you will do" in found.origin
    assert found.kind in RUBRIC.kinds
    assert set(found.criteria) <= {one.id for one in RUBRIC.for_kind(found.kind)}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("The candidate should speak about triage and about patient messages here.", "no question"),
        ("Would you let the triage assistant answer patient messages on its own?", "yes or no"),
        ("The assistant drafts answers to messages. Can it route the urgent ones to a nurse?", "yes or no"),
        ("How do you bake bread with a long fermentation in a small kitchen?", "something else"),
        ("Why triage?", "too short"),
    ],
)
def test_what_is_not_fit_is_not_asked(reply, why, embedder):
    assert made(reply, embedder) == []
    assert why in why_unfit(reply, embedder.embed([reply, JOB.chunk.text]), embedder.embed([]))


def test_a_near_duplicate_of_a_question_there_is_is_not_asked(embedder):
    turned_round = GOOD.replace("How would you decide", "How do you decide").replace(
        "may answer", "can answer"
    )
    assert made(turned_round, embedder, known=[GOOD]) == []
    assert made(turned_round, embedder, known=["How would you price an image generator?"])
