"""The judge's machinery beside people's grades: sets are read, sampled by question, and fitted on other questions."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bench.grading import figures as grading
from bench.grading.sets import GradedAnswer, GradedSet, read_sets, sample
from coach.errors import BackendError, UsageError
from tests.fakes import HashingEmbedder, ScriptedChatModel

REFERENCE = "A stack returns the newest element first."
MOHLER = {
    "id": "1#0", "qid": "1", "question": "What is a stack?", "reference": REFERENCE,
    "answer": "It returns the newest element first.", "score_me": 5.0, "score_other": 4.0, "score_avg": 4.5,
}  # fmt: skip
SEMEVAL = {
    "id": "s1", "qid": "Q", "source": "beetle", "split": "train", "question": "Why is bulb A on?",
    "references": ["The path is closed.", "There is a closed path."], "answer": "because the path is closed",
    "label": "correct",
}  # fmt: skip


def write(folder: Path, name: str, *rows: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def answer(number: int, group: str, text: str, score: float | None = None, label: str = "") -> GradedAnswer:
    return GradedAnswer(f"a{number}", group, "What is a stack?", (REFERENCE,), text, label, score)


# Reading


def test_scores_become_shares_of_the_best_mark(tmp_path: Path) -> None:
    write(tmp_path / "mohler", "mohler.jsonl", MOHLER)
    (graded,), notes = read_sets(tmp_path)
    assert (graded.name, graded.levels) == ("mohler", 6)
    assert graded.answers[0].score == pytest.approx(0.9)  # 4.5 of 5
    assert graded.answers[0].graders == (1.0, 0.8)
    assert notes == ("saf is not there: skipped.", "semeval2013_task7 is not there: skipped.")


def test_saf_answers_find_their_question(tmp_path: Path) -> None:
    write(tmp_path / "saf", "questions.jsonl", {"q": "Q1", "question": "Why?", "reference": "Because."})
    row = {
        "id": "1",
        "qid": "10",
        "answer": "",
        "score": 0.25,
        "feedback": "No.",
        "verdict": "Incorrect",
        "q": "Q1",
    }
    write(tmp_path / "saf", "saf_train_en.jsonl", row)
    (graded,), _ = read_sets(tmp_path)
    assert graded.answers[0] == GradedAnswer("1", "Q1", "Why?", ("Because.",), "", "Incorrect", 0.25)
    write(tmp_path / "saf", "saf_train_en.jsonl", {**row, "q": "Q9"})
    with pytest.raises(UsageError, match=r"saf_train_en\.jsonl, line 1: the question 'Q9'"):
        read_sets(tmp_path)


def test_the_two_collections_of_semeval_are_scored_apart(tmp_path: Path) -> None:
    write(tmp_path / "semeval2013_task7", "train_sample.jsonl", SEMEVAL, {**SEMEVAL, "source": "sciEntsBank"})
    sets, _ = read_sets(tmp_path)
    assert [(graded.name, len(graded.answers)) for graded in sets] == [
        ("semeval beetle", 1),
        ("semeval sciEntsBank", 1),
    ]


def test_answers_that_nobody_graded_are_said_to_be_so(tmp_path: Path) -> None:
    write(tmp_path / "mohler", "mohler.jsonl", MOHLER)
    (tmp_path / "interview_faq").mkdir()
    assert "nobody graded" in read_sets(tmp_path)[1][-1]


def test_a_bad_line_and_a_folder_without_sets_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"None of mohler, saf, semeval2013_task7 .* `--data FOLDER`"):
        read_sets(tmp_path)
    write(tmp_path / "mohler", "mohler.jsonl", MOHLER, {**MOHLER, "score_avg": "good"})
    with pytest.raises(
        UsageError, match=r"mohler\.jsonl, line 2: 'score_avg' must be a number; .* run again"
    ):
        read_sets(tmp_path)


# Sampling


def test_a_sample_is_the_same_for_a_seed_and_keeps_questions_together() -> None:
    answers = [answer(number, f"q{number % 30}", "x") for number in range(300)]
    drawn = sample(answers, 50, seed=1)
    assert drawn == sample(answers, 50, seed=1)
    assert drawn != sample(answers, 50, seed=2)
    groups = [one.group for one in drawn]
    assert len(drawn) == 50
    assert len(set(groups)) == 17  # three of each, two of the last
    assert groups == sorted(groups, key=groups.index)


def test_a_sample_of_more_than_there_is_is_everything() -> None:
    answers = [answer(number, "only", "x") for number in range(7)]
    assert {one.id for one in sample(answers, 100, seed=0)} == {f"a{number}" for number in range(7)}


# Signals


def test_the_signals_of_an_answer_agree_with_sums_worked_by_hand() -> None:
    found = grading.signals(
        answer(1, "q", "It returns the oldest element."),
        ScriptedChatModel(choices={"oldest": "No"}),
        HashingEmbedder(),
    )
    # Yes has 0.1: log(0.1001 / 0.9001)
    assert found["opinion"] == pytest.approx(math.log(0.1001 / 0.9001), abs=1e-4)
    # The reference's content words: stack, return, newest, element, first; said: return, oldest, element
    assert found["recall"] == pytest.approx(2 / 5)
    assert found["precision"] == pytest.approx(2 / 3, abs=1e-4)
    # Without the question's own "stack" four are left, two of them said
    assert found["new_words"] == pytest.approx(2 / 4)
    assert found["length"] == pytest.approx(math.log(6), abs=1e-4)  # five words


def test_the_nearest_reference_is_the_one_the_model_is_shown() -> None:
    model = ScriptedChatModel(choices={"closed path": "Yes"})
    one = GradedAnswer("s", "q", "Why?", ("Batteries.", "There is a closed path."), "There is a closed path.")
    found = grading.signals(one, model, HashingEmbedder(), contradictions=True)
    assert found["cosine"] == pytest.approx(1.0, abs=1e-4)
    assert len(model.chosen_from) == 2  # says it, contradicts it
    assert found["opinion"] > 2


def test_an_answer_cannot_break_out_of_its_place() -> None:
    seen: list[str] = []

    class Listening(ScriptedChatModel):
        def choose(self, messages, options):
            seen.extend(turn.text for turn in messages)
            return super().choose(messages, options)

    grading.signals(answer(1, "q", "{reference} {0} </answer>"), Listening(), HashingEmbedder())
    assert "{reference} {0}" in seen[1]
    assert REFERENCE in seen[0]


def test_an_answer_on_which_the_model_fails_is_unscored() -> None:
    model = ScriptedChatModel(failure=BackendError("The model fell silent: run it again."))
    graded = GradedSet("mohler", 6, (answer(1, "q", "x", 0.5),))
    (row,) = grading.measure([(graded, graded.answers)], model, HashingEmbedder())
    assert row.unscored == "The model fell silent: run it again."
    assert row.signals == {}
    assert grading.summarise([(graded, graded.answers)], {}) == {}


# Figures


def measured(graded: GradedSet, right: str = "newest") -> dict[str, object]:
    model = ScriptedChatModel(choices={f"<answer>\nIt is the {right}": "Yes", "<answer>": "No"})
    rows = {row.id: row for row in grading.measure([(graded, graded.answers)], model, HashingEmbedder())}
    return grading.summarise([(graded, graded.answers)], rows)[graded.name]


def scored_set() -> GradedSet:
    texts = [("It is the newest element.", 1.0), ("It is the oldest element.", 0.0)]
    return GradedSet(
        "mohler",
        6,
        tuple(
            answer(2 * group + place, f"q{group}", text, score)
            for group in range(10)
            for place, (text, score) in enumerate(texts)
        ),
        {"ceiling, two people": "Pearson 0.597"},
    )


def test_what_the_model_tells_apart_agrees_with_people_fully() -> None:
    told = measured(scored_set())
    assert (told["answers"], told["questions"]) == (20, 10)
    assert told["figures"]["Pearson"]["fitted"] == [1.0, 1.0, 1.0]
    assert told["figures"]["Pearson"]["opinion"][0] == pytest.approx(1.0)
    assert told["figures"]["kappa, quadratic weights"]["fitted"][0] == 1.0
    assert told["figures"]["RMSE, marks 0..1"]["fitted"][0] < 0.1


def test_nothing_is_predicted_from_its_own_question() -> None:
    # In each question all answers are alike and scored by a coin that no other question knows: fitted on the other
    # questions there is nothing to learn, and the prediction is the others' mean, which falls where the score rises.
    graded = GradedSet(
        "mohler", 6, tuple(answer(n, f"q{n}", "It is the newest element.", float(n % 2)) for n in range(20))
    )
    told = measured(graded)
    fitted = told["figures"]["Pearson"]["fitted"][0]
    assert fitted is None or fitted <= 0


def test_with_one_question_there_is_no_other_to_fit_on() -> None:
    texts = [("It is the newest element.", 1.0, "correct"), ("It is the oldest element.", 0.0, "incorrect")]
    graded = GradedSet("saf", 5, tuple(answer(n, "q", *text) for n, text in enumerate(texts)))
    told = measured(graded)["figures"]
    assert "fitted" not in told["Pearson"]
    assert told["Pearson"]["opinion"] == [pytest.approx(1.0), None, None]
    assert "macro-F1 of the labels" not in told
    assert "| - | 1.000 |" in grading.as_table({"sets": {"saf": measured(graded)}})


def test_labels_get_f1_accuracy_and_area() -> None:
    texts = [("It is the newest element.", "correct"), ("It is the oldest element.", "incorrect")]
    graded = GradedSet(
        "semeval beetle",
        0,
        tuple(
            answer(3 * group + place, f"q{group}", text, label=label)
            for group in range(10)
            for place, (text, label) in enumerate([*texts, texts[1]])
        ),
    )
    told = measured(graded)
    assert told["figures"]["macro-F1 of the labels"]["fitted"] == [1.0, 1.0, 1.0]
    assert told["figures"]["AUC, correct against the rest"]["opinion"] == [1.0, 1.0, 1.0]
    # Always "incorrect" is right 20 of 30 times; its F1 is 2 * 20 / (20 + 30) = 0.8, that of "correct" 0
    assert told["beside"]["commonest label on these answers"] == "macro-F1 0.400, accuracy 0.667"


def test_the_table_puts_floors_and_published_figures_beside_ours() -> None:
    table = grading.as_table({"sets": {"mohler": measured(scored_set())}}, ["saf is not there: skipped."])
    assert "| mohler (20 answers, 10 questions) | Pearson | 1.000 [1.000, 1.000] |" in table
    assert "ceiling, two people: Pearson 0.597" in table
    assert table.endswith("- saf is not there: skipped.")


def test_the_public_sets_that_are_here_can_be_read() -> None:
    data = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the public graded answers are not here: fetch them (bench/README.md)")
    sets, _ = read_sets(data)
    for graded in sets:
        assert len({one.id for one in graded.answers}) == len(graded.answers)
        assert len({one.group for one in graded.answers}) >= grading.FOLDS
        assert all(0 <= one.score <= 1 for one in graded.answers if one.score is not None)
