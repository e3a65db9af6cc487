"""The doctor names what is broken and the command that mends it."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from coach import doctor
from coach.doctor import Check, lines, run_checks
from coach.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Settings(home=tmp_path / "home", port=port)


def checked(settings: Settings) -> dict[str, Check]:
    return {check.what: check for check in run_checks(settings)}


def test_an_empty_home_lacks_the_model_and_the_index_and_nothing_else(settings):
    checks = checked(settings)
    assert (checks["Built-in model"].state, checks["Built-in model"].command) == (
        "broken",
        "coach models pull",
    )
    assert (checks["Index"].state, checks["Index"].command) == ("broken", "coach ingest")
    assert checks["Embedding runtime"].state == "warning"
    rest = {
        "Python",
        "Packages",
        "Settings",
        "Home folder",
        "Disk",
        "Embedding model",
        "Corpus",
        "Port",
        "Telemetry",
    }
    assert {what: checks[what].detail for what in rest if checks[what].state == "broken"} == {}


def test_a_truncated_model_is_broken(settings):
    settings.models_folder.mkdir(parents=True)
    (settings.models_folder / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf").write_bytes(b"GGUF")
    check = checked(settings)["Built-in model"]
    assert check.state == "broken"
    assert "4 bytes instead of 1117320768" in check.detail


def test_without_a_language_model_in_use_its_absence_is_only_a_warning(settings):
    assert checked(settings.model_copy(update={"backend": "none"}))["Built-in model"].state == "warning"


def test_a_home_that_is_a_file_is_broken(settings, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    check = checked(settings.model_copy(update={"home": tmp_path / "file" / "home"}))["Home folder"]
    assert check.state == "broken"
    assert "COACH_HOME" in check.command


def test_a_full_disk_is_broken_and_a_short_one_a_warning(settings, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage._replace(free=10_000_000))
    assert checked(settings)["Disk"].state == "broken"
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage._replace(free=900_000_000))
    assert checked(settings)["Disk"].state == "warning"


def test_an_embedding_folder_that_is_not_there_is_broken(settings, tmp_path):
    check = checked(Settings(home=settings.home, embedder=str(tmp_path / "nowhere")))["Embedding model"]
    assert check.state == "broken"
    assert "embedder" in check.command


def test_an_empty_corpus_is_broken(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "corpus_folder", lambda: tmp_path)
    assert checked(settings)["Corpus"].state == "broken"


def test_a_named_ollama_that_does_not_answer_is_broken_and_an_optional_one_is_not(settings):
    elsewhere = {"ollama_host": "127.0.0.1:1"}
    named = settings.model_copy(update={"backend": "ollama", **elsewhere})
    assert (checked(named)["Ollama"].state, checked(named)["Ollama"].command) == ("broken", "ollama serve")
    assert checked(settings.model_copy(update=elsewhere))["Ollama"].state == "ok"


def test_a_taken_port_names_the_next_one(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))
        taken.listen()
        check = checked(settings)["Port"]
    assert check.state == "warning"
    assert check.command == f"coach serve --port {settings.port + 1}"


def test_a_telemetry_switch_that_is_on_is_broken(settings, monkeypatch):
    assert checked(settings)["Telemetry"].state == "ok"
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    assert checked(settings)["Telemetry"].command == "unset LANGSMITH_TRACING"


def test_a_package_that_is_missing_or_other_than_the_lock_is_told(settings, tmp_path, monkeypatch):
    (tmp_path / "corpus").mkdir()
    monkeypatch.setattr(doctor, "corpus_folder", lambda: tmp_path / "corpus")
    lock = tmp_path / "requirements.lock"
    lock.write_text("# comment\nno-such-package==1.0\nonly-elsewhere==1.0; sys_platform == 'nowhere'\n")
    assert checked(settings)["Packages"].detail == "missing: no-such-package"
    lock.write_text("pydantic==0.1\n")
    assert checked(settings)["Packages"].state == "warning"


def test_the_lines_say_what_state_and_command_and_sum_up():
    told = lines([Check("Index", "broken", "There is none", "coach ingest"), Check("Port", "ok", "free")])
    assert told == [
        "broken   Index  There is none  ->  coach ingest",
        "ok       Port   free",
        "1 broken, 0 to look at: run the commands above, topmost first.",
    ]
    assert lines([Check("Port", "ok", "free")])[-1] == "All is well."


def test_every_check_that_is_not_ok_has_a_command(settings):
    assert [check.what for check in run_checks(settings) if check.state != "ok" and not check.command] == []


def test_vectors_that_go_to_another_machine_are_said_with_the_way_back(tmp_path, monkeypatch):
    monkeypatch.delenv("COACH_CHROMA_URL", raising=False)
    settings = Settings(home=tmp_path, backend="none", chroma_url="http://192.0.2.7:8000")
    privacy = next(check for check in run_checks(settings) if check.what == "Privacy")
    assert privacy.state == "warning" and "192.0.2.7" in privacy.detail
    assert "chroma_url" in privacy.command
