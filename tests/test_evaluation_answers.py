"""The answers suite end to end over the real index, with a scripted model where one speaks."""

import json
from dataclasses import replace

import pytest

from coach.backends import load_index
from coach.coach import Coach
from coach.errors import BackendError, UsageError
from coach.evaluation.cases import load_cases
from coach.evaluation.report import answers_table
from coach.evaluation.run import Run
from coach.evaluation.selection import FAST, bench_folder, choose_cases
from coach.evaluation.suites import code_fingerprint, run_answers
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.store.traces import TraceStore
from tests.fakes import ScriptedChatModel

CASES = load_cases(bench_folder() / "answers" / "cases.jsonl")
LINES = [
    {"id": "a1", "kind": "answerable", "question": "How many interview rounds are typical?", "facts": [["5-7"]],
     "section": "How many interview rounds are typical for a Generative AI PM role?", "split": "fit"},
    {"id": "a2", "kind": "answerable", "question": "How many interview rounds are typical?", "facts": [["9000"]],
     "section": "How many interview rounds are typical for a Generative AI PM role?", "split": "held_out"},
    {"id": "u1", "kind": "unanswerable", "question": "How do I bake sourdough bread at altitude?", "facts": [],
     "section": "TL;DR", "split": "fit"},
    {"id": "s1", "kind": "small_talk", "question": "Hello", "facts": [], "section": "", "split": "fit"},
]  # fmt: skip


@pytest.fixture()
def cases_file(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    return path


@pytest.fixture()
def coach_with(library, embedder):
    def build(model=None, backend="none"):
        settings = load_settings(backend=backend, traces=False)
        voice = ChosenModel(model, backend, "for the test")
        return Coach(settings, embedder, load_index(settings, embedder.name), voice)

    return build


def test_every_case_gets_its_row_and_nothing_is_traced(coach_with, cases_file, library):
    before = len(TraceStore(library).recent(1))
    told = []
    coach = coach_with()
    run = run_answers(
        coach.settings, cases_file=cases_file, coach=coach, progress=lambda *step: told.append(step)
    )
    assert [row.outcome for row in run.rows] == ["extractive", "extractive", "refused", "own_words"]
    assert [row.measures.get("correct") for row in run.rows] == [(1, 1), (0, 1), None, None]
    assert run.rows[0].milliseconds["first_citation"] > 0
    assert run.rows[0].signals["best_cosine"] > 0.3
    assert told[-1] == ("answers", 4, 4)
    assert len(TraceStore(library).recent(1)) == before


def test_the_run_says_who_spoke_over_what(coach_with, cases_file):
    coach = coach_with()
    run = run_answers(coach.settings, cases_file=cases_file, coach=coach, seed=3)
    assert (run.suite, run.backend, run.model, run.seed) == ("answers", "none", None, 3)
    assert run.embedder == coach.embedder.name
    assert run.index_fingerprint == coach.index.fingerprint
    assert run.code == code_fingerprint()
    assert run.settings["passages"] == 8
    assert not {"home", "openai_api_key"} & set(run.settings)
    assert run.selection["cases"] == "cases.jsonl"


def test_a_model_that_fails_leaves_its_cases_unscored_with_the_reason(coach_with, cases_file):
    coach = coach_with(
        ScriptedChatModel(failure=BackendError("The model fell silent: run it again.")), "embedded"
    )
    run = run_answers(coach.settings, cases_file=cases_file, coach=coach)
    assert {row.id for row in run.unscored} >= {"a1", "a2"}
    assert "fell silent" in run.unscored[0].unscored
    assert not run.unscored[0].measures
    assert "could not be scored" in answers_table([run])


def test_a_fault_in_one_case_does_not_end_the_run(coach_with, cases_file, monkeypatch):
    coach = coach_with()
    ask = coach.answer

    def answer(question, history=()):
        if "sourdough" in question:
            raise ZeroDivisionError("by zero")
        return ask(question, history)

    monkeypatch.setattr(coach, "answer", answer)
    run = run_answers(coach.settings, cases_file=cases_file, coach=coach)
    assert [(row.id, row.unscored) for row in run.unscored] == [("u1", "ZeroDivisionError: by zero")]


def test_stopped_half_way_the_run_holds_what_there_was(coach_with, cases_file, monkeypatch):
    coach = coach_with()
    ask = coach.answer

    def answer(question, history=()):
        if "sourdough" in question:
            raise KeyboardInterrupt
        return ask(question, history)

    monkeypatch.setattr(coach, "answer", answer)
    run = run_answers(coach.settings, cases_file=cases_file, coach=coach)
    assert [row.id for row in run.rows] == ["a1", "a2"]
    assert not run.complete
    monkeypatch.undo()
    asked = []
    monkeypatch.setattr(
        coach, "answer", lambda question, history=(): asked.append(question) or ask(question, history)
    )
    whole = run_answers(coach.settings, cases_file=cases_file, coach=coach, earlier=run)
    assert whole.complete
    assert [row.id for row in whole.rows] == ["a1", "a2", "u1", "s1"]
    assert whole.rows[:2] == run.rows
    assert len(asked) == 2


def test_a_run_of_something_else_is_not_taken_up(coach_with, cases_file):
    coach = coach_with()
    run = run_answers(coach.settings, cases_file=cases_file, coach=coach)
    with pytest.raises(UsageError, match="another seed"):
        run_answers(coach.settings, cases_file=cases_file, coach=coach, earlier=run, seed=1)


def test_what_there_is_is_kept_on_the_way(coach_with, cases_file, monkeypatch):
    from coach.evaluation import suites

    monkeypatch.setattr(suites, "KEPT_EVERY", 2)
    kept = []
    coach = coach_with()
    run_answers(coach.settings, cases_file=cases_file, coach=coach, keep=kept.append)
    assert [(len(run.rows), run.complete) for run in kept] == [(2, False), (4, False)]


def test_extractive_and_generated_stand_side_by_side(coach_with, cases_file):
    sources = coach_with()
    told = "The process often takes 6-8 weeks. Bring snacks."
    model = coach_with(ScriptedChatModel(told, choices={"": "Yes"}), "embedded")
    runs = [run_answers(coach.settings, cases_file=cases_file, coach=coach) for coach in (sources, model)]
    assert runs[1].rows[0].outcome == "generated"
    assert runs[1].rows[0].measures["left_out"][0] == 1
    lines = answers_table(runs).splitlines()
    assert lines[0] == ("| | extractive, fit | extractive, held out | scripted, fit | scripted, held out |")
    row = next(line for line in lines if line.startswith("| Answerable: every required fact"))
    assert row.count("1.000 [0.207, 1.000] (1/1)") == 2  # 1 of 1: 1 / (1 + z^2) = 1 / 4.8415
    assert any("ROUGE counts words" in line for line in lines)


def test_the_table_is_for_answers_only():
    speed = Run("speed", "2026-01-01", "0.1.0", "c0de", "none", None, "minilm", "f00d", {}, {}, 0, ())
    with pytest.raises(UsageError, match="coach eval answers"):
        answers_table([replace(speed)])


def test_the_fast_subset_has_every_kind_and_nothing_held_out():
    chosen = choose_cases(CASES, subset="fast")
    assert len(chosen) == sum(FAST.values()) == 40
    assert {kind: sum(case.kind == kind for case in chosen) for kind in FAST} == FAST
    assert {case.split for case in chosen} == {"fit"}
    assert choose_cases(tuple(reversed(CASES)), subset="fast") == tuple(reversed(chosen))


def test_splits_and_limits():
    assert {case.split for case in choose_cases(CASES, split="held_out")} == {"held_out"}
    assert len(choose_cases(CASES, limit=5)) == 5
    with pytest.raises(UsageError, match="No case is left"):
        choose_cases(CASES, split="held_out", subset="fast")
