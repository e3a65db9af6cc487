"""The set-up continues where it was cut off, calls pip only for a change, and says what went wrong."""

from __future__ import annotations

import errno
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def setup() -> SimpleNamespace:
    """The script's functions; `globals` are the ones they see, so that a test can replace what they call."""
    names = runpy.run_path(str(PROJECT / "scripts" / "setup.py"), run_name="setup")
    return SimpleNamespace(**names, globals=names["main"].__globals__)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with one package in each lock and a virtual environment that is already made."""
    (tmp_path / "requirements.lock").write_text("first==1.0\n")
    (tmp_path / "requirements-dev.lock").write_text("second==2.0\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / ".venv" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    (tmp_path / ".venv" / ".made-for").write_text(str(tmp_path))
    return tmp_path


@pytest.fixture
def pip(setup: SimpleNamespace, project: Path) -> list[list[str]]:
    """What pip is asked to do; it succeeds at once, and leaves the `coach` program behind."""
    asked: list[list[str]] = []

    def run(python: Path, arguments: list[str], *_: object) -> None:
        asked.append(arguments)
        program = setup._script(project / ".venv", "coach")
        program.parent.mkdir(exist_ok=True)
        program.touch()

    setup.globals.update(_run_pip=run, _works=lambda _: True, _has_torch=lambda _: True)
    return asked


def test_a_second_run_calls_pip_for_nothing(setup, project, pip):
    setup.install(project, again="make run", dev=False)
    assert [arguments[-1] for arguments in pip] == [str(project / "requirements.lock"), str(project)]
    pip.clear()
    setup.install(project, again="make run", dev=False)
    assert pip == []


def test_a_changed_lock_is_installed_again(setup, project, pip):
    setup.install(project, again="make run", dev=True)
    pip.clear()
    (project / "requirements-dev.lock").write_text("second==2.1\n")
    setup.install(project, again="make test", dev=True)
    assert [arguments[-1] for arguments in pip] == [str(project / "requirements-dev.lock")]


def test_a_failed_install_leaves_no_stamp_and_names_the_next_step(setup, project, pip):
    setup.globals["_run_pip"] = lambda *_: "Collecting first\nERROR: Could not find a version of first\n"
    with pytest.raises(
        setup.SetupError, match=r"Could not find a version.*then run `make run`; it continues"
    ):
        setup.install(project, again="make run", dev=False)
    assert not list((project / ".venv").glob(".requirements*.installed"))


def test_a_full_disk_is_said_so(setup, project, pip):
    setup.globals["_run_pip"] = lambda *_: f"ERROR: [Errno 28] {os.strerror(errno.ENOSPC)}"
    with pytest.raises(setup.SetupError, match="The disk is full: free 4 GB, then run `make run`"):
        setup.install(project, again="make run", dev=False)


def test_too_small_a_disk_is_said_before_anything_is_fetched(setup, project, pip, monkeypatch):
    usage = shutil.disk_usage(project)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000_000))
    with pytest.raises(setup.SetupError, match="the disk has 1000 MB left"):
        setup.install(project, again="make run", dev=False)
    assert pip == []


def test_torch_comes_from_the_configured_sources_then_from_its_cpu_index(setup, project, pip):
    asked: list[list[str]] = []

    def first_fails(python: Path, arguments: list[str], *_: object) -> str | None:
        asked.append(arguments)
        return "ERROR: No matching distribution" if len(asked) == 1 else None

    setup.globals.update(_run_pip=first_fails, _has_torch=lambda _: False, LINUX=True)
    setup._install_torch(project / ".venv" / "bin" / "python", "make run")
    assert asked[0] == ["--no-deps", f"torch=={setup.TORCH}+cpu"]
    assert asked[1] == [*asked[0], "--index-url", setup.TORCH_CPU_INDEX]
    asked.clear()
    asked.append([])
    setup.globals["LINUX"] = False
    setup._install_torch(project / ".venv" / "bin" / "python", "make run")
    assert asked[1:] == [["--no-deps", f"torch=={setup.TORCH}"]]


def _install(site_packages: Path, name: str, record: str, content: str = "12345") -> Path:
    about = site_packages / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (site_packages / f"{name}.py").write_text(content)
    (about / "RECORD").write_text(record)
    return about


def test_packages_that_pip_did_not_finish_are_forgotten(setup, tmp_path):
    whole = "{0}.py,sha256=x,5\n{0}-1.0.dist-info/INSTALLER,sha256=x,\n"
    finished = _install(tmp_path, "finished", whole.format("finished"))
    cut = _install(tmp_path, "cut", whole.format("cut"), content="12")
    unsigned = _install(tmp_path, "unsigned", "unsigned.py,sha256=x,5\n")
    absent = _install(tmp_path, "absent", whole.format("absent"))
    (tmp_path / "absent.py").unlink()
    assert setup.remove_half_installed(tmp_path) == ["absent", "cut", "unsigned"]
    assert finished.exists()
    assert not cut.exists() and not unsigned.exists() and not absent.exists()


def test_what_is_installed_here_counts_as_finished(setup):
    packages = Path(pytest.__file__).parent.parent
    assert [
        about.name for about in packages.glob("pydantic*.dist-info") if not setup._is_finished(about)
    ] == []


def test_a_second_set_up_of_the_same_checkout_is_kept_out(setup, project):
    with (
        setup.only_setup(project, "make run"),
        pytest.raises(setup.SetupError, match="Another set-up is at work"),
        setup.only_setup(project, "make test"),
    ):
        pass
    with setup.only_setup(project, "make run"):
        pass


def test_an_old_python_and_a_python_without_venv_are_told_what_to_do(setup, monkeypatch):
    with pytest.raises(setup.SetupError, match=r"3\.11 or newer is needed and this one is 3\.9"):
        setup.check_python((3, 9))
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(setup.SetupError, match=r"apt-get install python3\.11-venv"):
        setup.check_python((3, 11))


@pytest.mark.parametrize(
    ("trouble", "status", "sentence"),
    [
        (KeyboardInterrupt, 130, "Nothing is lost: `make run` continues from here."),
        (lambda: OSError(errno.ENOSPC, "full"), 1, "The disk is full: free 4 GB, then run `make run`"),
        (
            lambda: PermissionError(errno.EACCES, "Permission denied", "/x"),
            1,
            "Permission denied (/x): mend that",
        ),
    ],
)
def test_troubles_end_in_one_sentence(setup, capsys, trouble: Callable[[], BaseException], status, sentence):
    def stop(*_: object, **__: object) -> None:
        raise trouble()

    setup.globals["install"] = stop
    assert setup.main(["--again", "make run"]) == status
    assert sentence in capsys.readouterr().err


def test_the_locks_are_exact_complete_and_name_no_machine():
    text = (PROJECT / "requirements.lock").read_text() + (PROJECT / "requirements-dev.lock").read_text()
    pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.match(r"^[a-z0-9-]+==[\w.]+(; .+)?$", line) for line in pins)
    assert not re.search(
        r"file:|find-links|index-url|llama-cpp|nvidia|openvino-telemetry", text.replace("# openvino", "")
    )
    locked = {line.partition("==")[0] for line in pins}
    wanted = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    named = [*wanted["project"]["dependencies"], *wanted["dependency-groups"]["dev"]]
    assert {re.match(r"[\w-]+", line)[0].lower() for line in named} <= locked


def test_what_the_readme_says_to_type_exists():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    assert set(re.findall(r"make (run|test|lint|clean|setup)\b", readme)) <= targets
    from coach.cli import cli

    for line in re.findall(r"^    (?:\.venv.(?:bin|Scripts).)?coach ([a-z].+)$", readme, re.MULTILINE):
        words = line.partition("#")[0].split()
        command = cli.commands[words[0]]
        if hasattr(command, "commands"):
            command = command.commands[words[1]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_the_readme_lists_every_setting():
    from coach.settings import Settings

    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`COACH_{name.upper()}`" not in readme] == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_without_a_python_says_which_one_is_needed():
    done = subprocess.run(
        ["make", "run", "PYTHON="], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer was not found" in done.stderr


def test_the_script_explains_itself_to_any_python():
    done = subprocess.run(
        [sys.executable, "-I", str(PROJECT / "scripts" / "setup.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--serve" in done.stdout
