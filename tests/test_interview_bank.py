"""The question bank: enough of everything, each question tied to the article's words and to what it exercises."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from coach.critique.rubric import bundled_rubrics
from coach.practice.bank import ORDER, BankError, exercised, likely_kind, read_round, rounds
from coach.practice.made_questions import is_yes_or_no
from coach.settings import corpus_folder

RUBRIC = bundled_rubrics()[0]
QUESTIONS = [question for one in rounds() for question in one.questions]


def test_there_are_enough_questions_of_every_round_and_difficulty():
    assert len(QUESTIONS) >= 150
    assert [one.name for one in rounds()] == list(ORDER)
    for one in rounds():
        counts = Counter(question.difficulty for question in one.questions)
        assert len(one.questions) >= 20 and all(counts[level] >= 4 for level in (1, 2, 3)), one.name
        assert one.title and 3 <= one.minutes <= 30


def test_every_question_quotes_the_article_character_by_character():
    for question in QUESTIONS:
        article = (corpus_folder() / question.span.source).read_text(encoding="utf-8")
        assert article[question.span.start : question.span.end] == question.span.text, question.id
        assert len(question.span.text.split()) >= 3, question.id


def test_every_question_asks_for_more_than_yes_or_no_and_exercises_criteria_of_its_kind():
    for question in QUESTIONS:
        assert not is_yes_or_no(question.text), question.text
        known = {criterion.id for criterion in RUBRIC.for_kind(question.kind)}
        assert 3 <= len(set(question.criteria)) == len(question.criteria) and set(question.criteria) <= known
        weights = [one.weights[question.kind] for one in RUBRIC.criteria if one.id in question.criteria]
        assert max(weights) == 2, f"{question.id} exercises nothing that counts double"


def test_every_criterion_has_questions_whose_words_call_for_it():
    called_for = Counter(name for question in QUESTIONS for name in question.calls_for)
    assert {one.id for one in RUBRIC.criteria} == set(called_for) and min(called_for.values()) >= 4


def test_no_two_questions_are_nearly_the_same(embedder):
    vectors = embedder.embed([question.text for question in QUESTIONS])
    likeness = vectors @ vectors.T - 2 * np.eye(len(QUESTIONS))
    first, second = np.unravel_index(likeness.argmax(), likeness.shape)
    assert likeness.max() < 0.9, (QUESTIONS[first].text, QUESTIONS[second].text)


@pytest.mark.parametrize(
    ("instead", "of", "says"),
    [
        ('because = "Words nobody wrote."', "because = ", "does not stand in the article"),
        ('criteria = ["charm"]', "criteria = ", "`charm` does not count"),
        ('calls_for = ["latency"]', "calls_for = ", "calls for `latency`, which is not among"),
        ('kind = "karaoke"', "kind = ", "does not count for the kind karaoke"),
        ('round = "lunch"', "round = ", "names no round"),
    ],
)
def test_a_malformed_file_is_refused_with_a_sentence(tmp_path, instead, of, says):
    lines = (corpus_folder() / "interview" / "execution.toml").read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(of))
    path = tmp_path / "execution.toml"
    path.write_text("\n".join([*lines[:place], instead, *lines[place + 1 :]]), encoding="utf-8")
    with pytest.raises(BankError, match=says):
        read_round(path, RUBRIC)


def test_a_question_of_the_bank_is_judged_by_what_it_exercises_in_critique_as_in_an_interview(coach_at):
    coach = coach_at(history="nothing")
    question = next(one for one in QUESTIONS if one.id == "execution-railway-complaints")
    said = "I would replay last week's questions through both versions and compare how two agents grade the tone."
    read = coach.critique(said, question.text.replace(". ", ".\n", 1)).result()
    assert read.kind == "execution" and {one.criterion.id for one in read.verdicts} == set(question.criteria)
    other = coach.critique(said, question.text, kind="design").result()
    assert len(other.verdicts) == len(RUBRIC.for_kind("design"))
    assert len(coach.critique(said, "How do you proceed?", kind="execution").result().verdicts) == len(
        RUBRIC.for_kind("execution")
    )
    assert (
        likely_kind(question.text, RUBRIC) == "execution" and exercised("Another?", "design", RUBRIC) is None
    )
