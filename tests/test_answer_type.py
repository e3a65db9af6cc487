"""What kind of thing an answer must hold, and whether the sources hold one."""

import pytest
from builders import statement

from coach.answer.answer_type import expected_type, match_type

ROUNDS = statement("How many rounds?", "A typical loop has 5-7 rounds and takes 6-8 weeks.")
PAY = statement("Pay", "Senior PMs at FAANG companies earn $250,000 to $400,000 a year.")
WORDS = statement("Skills", "It is not enough to know what a vector database is, or which model drifts.")
SOURCES = (ROUNDS, PAY, WORDS)


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("How many minutes does a round last?", "a number of minutes"),
        ("How many people sit on the committee?", "a number of people"),
        ("What percentage of candidates passes?", "a share or percentage"),
        ("Which programming language must I know?", "the name of one (programming language)"),
        ("What is the name of the hiring manager?", "a person's name"),
        ("In which year was this written?", "a date"),
        ("How often should the model be checked?", "how often"),
        ("Above which threshold has it drifted?", ""),  # figures stand near; nothing here tells them apart
        ("How many rounds are there?", ""),
        ("How many months does it take?", ""),  # told in weeks
        ("How long does it take?", ""),
        ("What does a senior PM earn?", ""),
        ("Why do models drift?", ""),  # its words do not tell what it wants
    ],
)
def test_what_is_missing_is_named_and_nothing_else(question, missing):
    match = match_type(question, SOURCES)
    assert (match.label if match.missing else "") == missing


@pytest.mark.parametrize(
    ("question", "condition"),
    [
        ("What does an intern earn?", "intern"),
        ("How high is the bonus?", "bonus"),
        ("What salary does a startup pay?", "startup"),
        ("What salary does a senior PM get?", ""),
        ("Is an intern asked about drift?", ""),  # no amount, date or name is asked for
    ],
)
def test_an_amount_for_one_condition_is_no_answer_for_another(question, condition):
    assert match_type(question, SOURCES).condition == condition


def test_an_amount_among_the_far_sentences_does_not_answer_for_money_but_a_count_does():
    assert match_type("What does a senior PM earn?", [ROUNDS], [PAY]).missing
    assert not match_type("How many rounds are there?", [PAY], [ROUNDS]).missing


@pytest.mark.parametrize(
    "question",
    [
        "What do committees value over expertise?",
        "Which prompting techniques matter?",
        "What a model says",
        "",
    ],
)
def test_most_questions_ask_for_no_type_that_words_can_tell(question):
    assert expected_type(question) is None
    assert match_type(question, SOURCES) == match_type(question, ())
