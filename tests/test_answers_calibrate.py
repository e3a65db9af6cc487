"""What another chat model's Yes and No are worth, measured on the fit cases and kept in the home."""

import json

import pytest

from coach.answer.calibration import CALIBRATION_FILE, calibrated
from coach.coach import Coach, load_index
from coach.errors import UsageError
from coach.evaluation.answers_calibrate import calibrate_answers, chosen_cases, platt
from coach.evaluation.selection import bench_folder
from coach.protocols import ChosenModel
from coach.settings import load_settings
from tests.fakes import ScriptedChatModel

CASES = bench_folder() / "answers" / "cases.jsonl"


def test_a_louder_model_gets_a_smaller_slope_and_a_biased_one_an_intercept():
    truth = [True, True, True, False, False, False] * 20
    quiet = [1.0, 0.5, -0.2, 0.2, -0.5, -1.0] * 20
    slope, intercept = platt(quiet, truth)
    louder, _ = platt([4 * opinion for opinion in quiet], truth)
    _, biased = platt([opinion + 2 for opinion in quiet], truth)
    assert slope > 2 * louder > 0
    assert abs(intercept) < 0.1 and biased < -1


def test_as_many_cases_with_an_answer_as_without_and_none_held_out():
    chosen = chosen_cases(CASES)
    assert sum(answerable for _, answerable in chosen) == len(chosen) / 2 >= 30
    held_out = {
        row["question"]
        for row in map(json.loads, CASES.read_text(encoding="utf-8").splitlines())
        if row["split"] == "held_out"
    }
    assert not held_out & {question for question, _ in chosen}


def test_a_model_that_always_says_yes_is_found_out_and_the_others_are_kept(library, embedder, tmp_path):
    settings = load_settings(backend="embedded", home=tmp_path)
    file = tmp_path / CALIBRATION_FILE
    file.write_text(json.dumps({"another": [2.0, 1.0]}), encoding="utf-8")
    index = load_index(load_settings(), embedder.name)
    voice = ChosenModel(ScriptedChatModel(choices={"": "Yes"}), "embedded", "for the test")
    told = calibrate_answers(settings, coach=Coach(settings, embedder, index, voice))
    assert told.startswith("scripted is calibrated on") and CALIBRATION_FILE in told
    assert calibrated(3.0, "scripted", file) == pytest.approx(calibrated(-3.0, "scripted", file), abs=0.1)
    assert calibrated(3.0, "Another", file) == 7.0
    assert calibrated(3.0, "never measured", file) == 3.0


def test_a_damaged_calibration_names_the_next_step(tmp_path):
    assert calibrated(1.5, "any", tmp_path / "none.json") == 1.5
    bad = tmp_path / CALIBRATION_FILE
    bad.write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="--calibrate"):
        calibrated(1.5, "any", bad)


@pytest.mark.parametrize("damage", ["{", "[]", '{"another": [2.0]}', '{"another": "loud"}', "\ufeff{}"])
def test_a_damaged_calibration_is_named_before_the_model_is_asked(sources_only, tmp_path, damage):
    bad = tmp_path / CALIBRATION_FILE
    bad.write_text(damage, encoding="utf-8")
    model = ScriptedChatModel(choices={"": "Yes"})
    coach = Coach(
        sources_only.settings,
        sources_only.embedder,
        sources_only.index,
        ChosenModel(model, "embedded", "for the test"),
    )
    with pytest.raises(UsageError, match=r"cannot be read .*: delete it, then run `coach eval answers"):
        calibrate_answers(load_settings(home=tmp_path), coach=coach)
    assert model.chosen_from == [] and bad.read_text(encoding="utf-8") == damage


def test_too_few_cases_say_what_is_needed(tmp_path):
    few = tmp_path / "few.jsonl"
    few.write_text(CASES.read_text(encoding="utf-8").split("\n")[0] + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="it needs 10"):
        chosen_cases(few)
