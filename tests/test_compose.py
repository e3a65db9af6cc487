"""What the chat model reads: the same beginning for every question, nothing twice, never more than its window."""

import pytest
from builders import document, statement

from coach.answer.compose import (
    answer_prompt,
    evidence_prefix,
    evidence_prompt,
    section_prefix,
    statement_prompt,
)
from coach.errors import BackendError

NEAREST = (statement("Rounds", "A typical loop has 5-7 rounds."), statement("Time", "It takes 6-8 weeks."))


class WordCounter:
    """A chat model that counts words as tokens."""

    name = "counter"

    def __init__(self, window):
        self.context_window = window

    def count_tokens(self, text):
        return len(text.split())


def asked(question, nearest=NEAREST, window=4000):
    return evidence_prompt(question, nearest, WordCounter(window), max_tokens=100)


def test_what_never_changes_comes_first_and_nothing_is_read_twice():
    evidence = asked("How many?").messages
    answered = answer_prompt(evidence)
    assert evidence[: len(evidence_prefix())] == evidence_prefix()
    assert answered[: len(evidence)] == evidence
    assert [turn.role for turn in answered[len(evidence) :]] == ["assistant", "user"]


def test_a_statement_is_asked_about_with_a_few_sentences_behind_their_headings():
    rules, last = statement_prompt("It has {5} rounds.", NEAREST)
    assert rules.role == "system"
    assert "Rounds: A typical loop has 5-7 rounds.\nTime: It takes 6-8 weeks." in last.text
    assert "Statement: It has {5} rounds." in last.text


def test_each_sentence_stands_behind_its_heading_and_the_question_after_them():
    last = asked("How many?").messages[-1].text
    assert "- Rounds: A typical loop has 5-7 rounds.\n- Time: It takes 6-8 weeks." in last
    assert last.index("weeks") < last.index("Question: How many?")


def test_a_passage_that_looks_like_a_template_stays_text():
    last = asked("What is {question}?", [statement("A", "Use {passages} and\n\n{braces}.")]).messages[-1]
    assert "What is {question}?" in last.text and "Use {passages} and {braces}." in last.text


def test_the_least_near_are_dropped_from_a_prompt_that_is_too_long_and_named():
    many = [statement("H", f"{number} " + "word " * 40) for number in range(5)]
    prefix = sum(len(turn.text.split()) for turn in evidence_prefix())
    prompt = asked("What?", many, window=prefix + 330)
    assert "0 word" in prompt.messages[-1].text and "4 word" not in prompt.messages[-1].text
    assert prompt.dropped == ("the 3 least near of 5 sentences",)


def test_a_section_is_a_prefix_of_every_prompt_that_has_it_read():
    (section,) = document("# Guide\n\n## Rounds\n\nA loop has 5-7 rounds.\n\nIt takes weeks.\n").statements()
    (*before, last) = section_prefix(section)
    prompt = asked("How many?", [section]).messages
    assert tuple(before) == prompt[: len(before)] == evidence_prefix()
    assert prompt[len(before)].text.startswith(last.text) and last.text.endswith("Question:")
    assert "- Rounds: A loop has 5-7 rounds. It takes weeks." in last.text


def test_a_question_that_fits_no_window_says_what_to_do():
    with pytest.raises(BackendError, match=r"shorten it, or raise `context_window`"):
        asked("word " * 500, window=600)
