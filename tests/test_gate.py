"""Refusing is a decision with reasons: words and vectors first, the chat model where they cannot tell."""

from dataclasses import replace

import pytest
from builders import passage

from coach.errors import BackendError
from coach.extract import extract
from coach.gate import ask_model, gate, look_closely
from coach.types import Turn
from tests.fakes import ScriptedChatModel

TEXT = "A typical loop has 5-7 rounds. The process takes 6-8 weeks from first contact to offer."
PROMPT = (Turn("user", "near"),)
FAR = (Turn("user", "far"),)


def evidence_for(question, embedder):
    passages = [passage(TEXT, headings=("Guide", "How many rounds?"))]
    return gate(question, passages, extract(question, passages, embedder))


def test_a_covered_question_is_not_refused(embedder):
    assert evidence_for("How many rounds does the loop have?", embedder).enough


@pytest.mark.parametrize(
    "question", ["How do I bake sourdough bread at altitude?", "Who won the football cup in 1998?"]
)
def test_another_subject_is_refused_without_asking_a_model(question, embedder):
    evidence = evidence_for(question, embedder)
    assert not evidence.enough
    assert evidence.reason in ("no_evidence", "off_topic")


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("How many rounds does the loop in Lisbon have?", "“Lisbon”"),
        ("How many rounds did the loop have in 2019?", "“2019”"),
        ("How many minutes does a round of the loop last?", "a number of minutes"),
        ("How many rounds does the loop have for interns?", "a number of rounds for “interns”"),
    ],
)
def test_what_is_asked_for_and_not_there_is_named_without_asking_a_model(question, missing, embedder):
    evidence = evidence_for(question, embedder)
    assert (evidence.verdict, evidence.missing) == ("no", missing)


@pytest.mark.parametrize(
    "question",
    [
        "I work at Siemens. How many rounds does the loop have?",  # of the asker, not of the sources
        "Thanks. Now, how many rounds does the loop have?",  # a capital after a full stop is no name
        "How many rounds does the Loop have?",
    ],
)
def test_a_capital_that_names_nothing_asked_for_does_not_count(question, embedder):
    assert evidence_for(question, embedder).enough


def test_no_passages_is_no_evidence():
    assert gate("anything", [], []).reason == "no_evidence"


def test_the_model_can_turn_unsure_into_no_and_stops_at_the_first_section_that_convinces(embedder):
    unsure = evidence_for("How many rounds does the loop have?", embedder)
    doubtful = ScriptedChatModel(choices={"near": "No", "far": "No"})
    assert not ask_model(unsure, doubtful, [PROMPT, FAR]).enough
    assert len(doubtful.chosen_from) == 2
    convinced = ScriptedChatModel(choices={"near": "Yes"})
    assert ask_model(unsure, convinced, [PROMPT, FAR]).enough
    assert len(convinced.chosen_from) == 1
    second = ask_model(unsure, ScriptedChatModel(choices={"near": "No", "far": "Yes"}), [PROMPT, FAR])
    assert (second.verdict, second.section) == ("yes", 1)


def test_a_model_that_cannot_choose_says_so(embedder):
    unsure = evidence_for("How many rounds does the loop have?", embedder)
    with pytest.raises(BackendError):
        ask_model(unsure, ScriptedChatModel(failure=BackendError("no: run `coach doctor`.")), [PROMPT])


def test_a_doubtful_section_is_followed_by_a_close_look_and_a_clear_one_is_not(embedder):
    unsure = evidence_for("How many rounds does the loop have?", embedder)
    close = (Turn("user", "close"),)
    doubtful = ScriptedChatModel(choices={"close": "No"})
    looked = ask_model(unsure, doubtful, [PROMPT], close)
    assert len(doubtful.chosen_from) == 2
    assert (looked.verdict, looked.scores["close_look"]) == ("no", 0.1)
    assert ask_model(unsure, ScriptedChatModel(choices={"close": "Yes"}), [PROMPT], close).enough
    clear = ScriptedChatModel(choices={"near": "Yes", "close": "No"})
    assert ask_model(unsure, clear, [PROMPT], close).enough
    assert len(clear.chosen_from) == 1


def familiar(asked, unanswered, embedder):
    """Evidence on a passage whose document comes with written questions, this near to the question."""
    one = replace(
        passage(TEXT, headings=("Guide", "How many rounds?")),
        asked_scores=(asked, 0.0),
        unanswered_score=unanswered,
    )
    question = "How many rounds does the loop have?"
    return gate(question, [one], extract(question, [one], embedder))


@pytest.mark.parametrize(
    ("asked", "unanswered", "verdict", "enough"),
    [
        (0.95, 0.4, "yes", True),  # a question that is answered, in other words
        (0.75, 0.65, "unsure", True),
        (0.6, 0.6, "unsure", False),  # as near to one that is not: no, unless a model says otherwise
        (0.6, 0.8, "no", False),
        (0.4, 0.1, "no", False),  # near to nothing that anybody asked
    ],
)
def test_written_questions_tell_what_is_answered_from_what_is_left_open(
    asked, unanswered, verdict, enough, embedder
):
    evidence = familiar(asked, unanswered, embedder)
    assert (evidence.verdict, evidence.enough, evidence.is_familiar) == (verdict, enough, True)


def test_another_documents_best_sentence_is_not_weighed_by_the_guides_questions(embedder):
    question = "How many rounds does the loop have?"
    note = passage("The loop has four rounds.", source="notes/a.md", headings=("Rounds of the loop",))
    guide = replace(passage("Bread wants time.", rank=2), asked_scores=(0.5,), unanswered_score=0.9)
    found = [note, guide]
    evidence = gate(question, found, extract(question, found, embedder))
    assert evidence.enough
    assert not evidence.is_familiar


def test_a_close_look_decides_what_written_questions_leave_open(embedder):
    unsure = familiar(0.6, 0.55, embedder)
    assert look_closely(unsure, ScriptedChatModel(choices={"near": "Yes"}), PROMPT).verdict == "yes"
    refused = look_closely(unsure, ScriptedChatModel(choices={"near": "No"}), PROMPT)
    assert (refused.verdict, refused.reason) == ("no", "no_evidence")
    assert refused.scores["close_look"] == pytest.approx(0.1)
