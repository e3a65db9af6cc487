"""An experiment's pictures are saved as PNG and SVG, on this machine, by the command and by the page."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from coach.lab.catalogue import EXPERIMENTS, experiment
from coach.lab.pictures.save import pictures_of, saved
from coach.ui import session

PAGES = Path(session.__file__).parent / "pages"
ONE = experiment("refusal-threshold")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def outcome(sources_only):
    return ONE.run(sources_only, ONE.values({}), lambda doing, done, total: None)


def test_every_experiment_has_pictures_for_the_page_and_the_command():
    for one in EXPERIMENTS:
        name = one.name.replace("-", "_")
        assert callable(importlib.import_module(f"coach.lab.pictures.{name}").pictures)
        assert callable(importlib.import_module(f"coach.ui.lab.{name}").draw)


def test_the_file_says_what_was_set_and_where_its_figures_come_from(outcome):
    picture = saved(ONE, outcome, ONE.values({"threshold": 0.7}), "svg").decode()
    assert picture.startswith("<svg")
    for said in (
        ONE.title,
        f"{ONE.controls[0].label}: 0.7",
        "Measured here:",
        "left of the line they are refused",
    ):
        assert said in picture, said
    assert picture.count("mark-rule") >= 1


def test_a_picture_follows_its_controls_as_the_page_does(outcome):
    at_once = [saved(ONE, outcome, ONE.values({"threshold": at}), "svg") for at in (0.2, 0.9)]
    assert at_once[0] != at_once[1]
    assert len(pictures_of(ONE, outcome, ONE.values({}))) == 2


def test_the_command_saves_a_picture_beside_what_it_prints(library, run_coach, tmp_path, monkeypatch):
    monkeypatch.setenv("COACH_BACKEND", "none")
    file = tmp_path / "curve.png"
    done = run_coach("lab", ONE.name, "--csv", "--picture", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("part,")
    assert file.read_bytes().startswith(PNG)


def test_another_ending_is_refused_before_anything_runs(run_coach, tmp_path):
    done = run_coach("lab", ONE.name, "--picture", tmp_path / "curve.gif")
    assert done.returncode == 2
    assert "end the name in .png or .svg" in done.stderr


def test_the_page_has_a_button_for_each_kind_of_picture(sources_only, tmp_path, monkeypatch):
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    page = AppTest.from_file(str(PAGES / "lab.py"), default_timeout=30)
    page.session_state["coach"] = sources_only
    page.query_params["experiment"] = ONE.name
    page.run()
    page.button(key="lab_run").click().run()
    worker = page.session_state["worker"]
    while not worker.experiments.trial(ONE.name).finished:
        time.sleep(0.02)
    page.run()
    assert not page.exception
    labels = [button.proto.label for button in page.get("download_button")]
    assert labels == ["Rows as CSV", "All as JSON", "Picture as PNG", "Picture as SVG"]
