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


NOT_THERE = (
    "ERROR: Could not find a version (from versions: none)\nERROR: No matching distribution found for torch\n"
)
NO_ANSWER = (
    "Looking in indexes: https://download.pytorch.org/whl/cpu\n"
    "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('"
    "<HTTPSConnection object at 0x7f>: [Errno -2] Name or service not known')': /whl/cpu/torch/\n" + NOT_THERE
)
BROKEN_OFF = "Collecting torch\n  Downloading torch.whl\nERROR: Wheel 'torch' is invalid.\n"


@pytest.fixture
def torch(setup: SimpleNamespace, project: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`install()` installs PyTorch on a Linux with 50 GB of disk; `said` is what each call of pip ends in.

    `events` holds what was printed, as texts, and what pip was asked, as lists, in their order.
    """
    usage = shutil.disk_usage(project)
    case = SimpleNamespace(events=[], said=[None], free=50_000_000_000, keywords=[])

    def run(python: Path, arguments: list[str], label: str, expected: int, **keywords: object) -> str | None:
        if "--constraint" in arguments:  # the file is gone after this call
            case.constraints = Path(arguments[-1]).read_text()
            arguments = [*arguments[:-1], Path(arguments[-1]).name]
        case.events.append(arguments)
        case.keywords.append(keywords)
        said = case.said[len(case.keywords) - 1]
        if isinstance(said, BaseException):
            raise said
        return said

    def asked() -> list[list[str]]:
        return [event for event in case.events if isinstance(event, list)]

    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=case.free))
    setup.globals.update(_run_pip=run, _has_torch=lambda _: False, LINUX=True, say=case.events.append)
    python = project / ".venv" / "bin" / "python"
    case.asked, case.install = asked, lambda: setup._install_torch(python, "make run")
    return case


def _orders(setup: SimpleNamespace) -> list[list[str]]:
    cpu = ["--no-deps", f"torch=={setup.TORCH}+cpu"]
    index = ["--index-url", setup.TORCH_CPU_INDEX, "--retries", "1", "--timeout", "15"]
    ordinary = [f"torch=={setup.TORCH}", "--constraint", "constraints.txt"]
    return [cpu, cpu + index, ordinary]


@pytest.mark.parametrize("succeeds", [1, 2, 3])
def test_torch_comes_as_configured_then_from_its_cpu_index_then_as_the_ordinary_build(setup, torch, succeeds):
    torch.said = [*[NOT_THERE, NO_ANSWER][: succeeds - 1], None]
    torch.install()
    assert torch.asked() == _orders(setup)[:succeeds]
    assert [keywords.get("wait") for keywords in torch.keywords] == [None, setup.TORCH_CPU_WAIT, None][
        :succeeds
    ]


def test_torch_away_from_linux_is_asked_for_once(setup, torch):
    setup.globals["LINUX"] = False
    torch.install()
    assert torch.asked() == [["--no-deps", f"torch=={setup.TORCH}"]]
    torch.events.clear()
    torch.said = [None, NO_ANSWER]
    with pytest.raises(setup.SetupError, match=r"download\.pytorch\.org cannot be reached.*`make run`"):
        torch.install()
    assert len(torch.asked()) == 1


def test_the_size_of_the_ordinary_build_is_said_before_it_begins(setup, torch):
    torch.said = [NOT_THERE, NO_ANSWER, None]
    torch.install()
    before = torch.events[: torch.events.index(_orders(setup)[2])]
    warning = str(before[-1])
    assert "about 2.8 GB to fetch and 5.0 GB on disk" in warning and "Ctrl-C stops it" in warning
    assert "pip is set up to look: No matching distribution found" in warning
    assert "download.pytorch.org cannot be reached" in warning
    torch.events.clear()
    torch.keywords.clear()
    torch.said = [None]
    torch.install()
    assert "GB to fetch" not in str(torch.events)


def test_the_ordinary_build_is_not_begun_on_too_small_a_disk(setup, project, torch):
    torch.said, torch.free = [NOT_THERE, NO_ANSWER, None], (setup.ORDINARY_PEAK_MB - 1) * 1_000_000
    with pytest.raises(setup.SetupError) as error:
        torch.install()
    assert torch.asked() == _orders(setup)[:2]
    for words in ("10600 MB more and the disk has 10599 MB left", "(1) the CPU build", "(2) the CPU build"):
        assert words in str(error.value)
    assert "To go on, free some space, or check the network, or run `pip download" in str(error.value)
    assert "then run `make run`; it continues" in str(error.value)
    # what a cut-off run has left of it counts
    cuda = project / ".venv" / "lib" / "python3.11" / "site-packages" / "nvidia"
    cuda.mkdir()
    (cuda / "lib.so").write_bytes(bytes(1_000_000))
    torch.keywords.clear()
    torch.install()
    assert torch.asked()[-1] == _orders(setup)[2]


def test_all_that_was_tried_for_torch_is_listed_when_nothing_is_left(setup, project, torch):
    torch.said = [NOT_THERE, NO_ANSWER, BROKEN_OFF]
    with pytest.raises(setup.SetupError) as error:
        torch.install()
    assert torch.asked() == _orders(setup)
    message = str(error.value)
    for words in (
        "(1) the CPU build where pip is set up to look: No matching distribution found for torch;",
        f"(2) the CPU build at {setup.TORCH_CPU_INDEX}: download.pytorch.org cannot be reached;",
        "(3) the ordinary build where pip is set up to look: Wheel 'torch' is invalid.",
        "To go on, check the network, or run `pip download --no-deps torch==2.13.0+cpu",
        "PIP_FIND_LINKS",
        "then run `make run`; it continues",
    ):
        assert words in message
    assert "\n" not in message
    log = (project / ".venv" / "pip.log").read_text()
    assert all(said in log for said in (NOT_THERE, NO_ANSWER, BROKEN_OFF))


def test_the_lock_binds_what_the_ordinary_build_brings_along(torch):
    torch.said = [NOT_THERE, NO_ANSWER, None]
    torch.install()
    lock = (PROJECT / "requirements.lock").read_text().splitlines()
    assert [line for line in lock if line not in torch.constraints.splitlines()] == ["torch==2.13.0"]


@pytest.mark.parametrize(("attempt", "needed"), [(1, "4 GB"), (2, "4 GB"), (3, "11 GB")])
def test_a_disk_that_fills_up_under_torch_ends_the_attempts(setup, torch, attempt, needed):
    full = f"ERROR: Could not install packages: [Errno 28] {os.strerror(errno.ENOSPC)}"
    torch.said = [NOT_THERE] * (attempt - 1) + [full]
    with pytest.raises(setup.SetupError, match=f"The disk is full: free {needed}, then run `make run`"):
        torch.install()
    assert len(torch.asked()) == attempt


def test_the_ordinary_build_is_fetched_to_the_disk_that_was_checked(setup, project, torch):
    torch.said = [NOT_THERE, NO_ANSWER, KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        torch.install()
    temporary = torch.keywords[2]["temporary"]
    assert project / ".venv" in temporary.parents and not temporary.exists()


@pytest.mark.parametrize("stopped_at", [1, 2, 3])
def test_ctrl_c_between_the_attempts_continues_later(setup, project, pip, torch, stopped_at):
    torch.said = [*[NOT_THERE, NO_ANSWER][: stopped_at - 1], KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        setup.install(project, again="make run", dev=False)
    assert not list((project / ".venv").glob(".requirements*.installed"))
    torch.events.clear()
    torch.keywords.clear()
    setup._script(project / ".venv", "coach").parent.mkdir()
    setup._script(project / ".venv", "coach").touch()
    torch.said = [NOT_THERE, NO_ANSWER, None, None, None]
    setup.install(project, again="make run", dev=False)
    assert torch.asked()[:3] == _orders(setup)
    assert torch.asked()[3][-1] == str(project / "requirements.lock")
    torch.events.clear()
    setup.install(project, again="make run", dev=False)
    assert torch.asked() == []


def test_what_a_killed_run_had_fetched_is_thrown_away(setup, project, pip):
    fetched = project / ".venv" / ".fetched"
    fetched.mkdir()
    (fetched / "torch.whl").touch()
    setup.install(project, again="make run", dev=False)
    assert not fetched.exists()


def _distribution(folder: Path, name: str, version: str, needs: str = "") -> None:
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    (about / "METADATA").write_text("\n".join(lines + ([f"Requires-Dist: {needs}"] if needs else [])) + "\n")
    (about / "INSTALLER").write_text("pip\n")
    (about / "RECORD").write_text("")


@pytest.mark.parametrize(
    ("version", "cuda", "there"),
    [
        ("2.13.0+cpu", "", True),  # what it needs is in the lock, and is installed later
        ("2.13.0", "nvidia_coach_stand_in", True),
        ("2.13.0", "", False),
        ("2.13.01", "", False),
    ],
)
def test_both_builds_of_torch_are_recognised(setup, tmp_path, monkeypatch, version, cuda, there):
    """With the real pip, which is told of packages that are not there."""
    setup.globals["LINUX"] = True
    _distribution(tmp_path, "torch", version, "nvidia-coach-stand-in==1.0")
    if cuda:
        _distribution(tmp_path, cuda, "1.0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # this machine's own wheels stay out of it
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert setup._has_torch(Path(sys.executable)) is there


def test_a_python_without_torch_is_told_apart(setup):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="PackageNotFoundError: torch")
    setup.globals["subprocess"] = SimpleNamespace(run=lambda *_, **__: failed)
    assert setup._has_torch(Path(sys.executable)) is False


def _stand_in(setup: SimpleNamespace, program: str) -> None:
    """Has `_run_pip` start this program in place of pip."""
    setup.globals["_pip_command"] = lambda *_: [sys.executable, "-u", "-c", program]


def test_a_pip_that_hears_nothing_is_stopped_and_says_so(setup, project):
    python = project / ".venv" / "bin" / "python"
    _stand_in(setup, "import time; print('Collecting torch'); time.sleep(60)")
    said = setup._run_pip(python, [], "PyTorch ", 1, wait=1)
    assert setup._reason(said) == "no answer within 1 seconds"
    _stand_in(setup, "import time; print('Collecting torch\\n  Downloading torch.whl'); time.sleep(1.5)")
    assert setup._run_pip(python, [], "PyTorch ", 1, wait=1) is None


def test_pip_is_told_where_to_put_its_temporary_files(setup, project, monkeypatch):
    monkeypatch.setenv("PIP_CERT", "mine.pem")
    _stand_in(setup, "import os; print('ERROR:', os.environ['TMPDIR'], os.environ['PIP_CERT']); exit(1)")
    said = setup._run_pip(project / ".venv" / "bin" / "python", [], "PyTorch ", 1, temporary=project)
    assert setup._reason(said) == f"{project} mine.pem"


RETRYING = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by "
DISTRUST = (
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))"
)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (NOT_THERE, "No matching distribution found for torch"),
        (NO_ANSWER, "download.pytorch.org cannot be reached"),
        (NO_ANSWER.partition("\n")[2], "the package index cannot be reached"),
        # pip 26 names the host
        (
            f"{RETRYING}'NameResolutionError(\"HTTPSConnection(host='index.example', port=443)\")'\n{NOT_THERE}",
            "index.example cannot be reached",
        ),
        (
            "ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='files.example', "
            "port=443): Max retries exceeded with url: /torch.whl (Caused by NewConnectionError())\n",
            "files.example cannot be reached",
        ),
        (
            "ERROR: Exception:\nTraceback (most recent call last):\n  File x\npip._vendor.urllib3.exceptions."
            "ReadTimeoutError: HTTPSConnectionPool(host='files.example', port=443): Read timed out.\n",
            "files.example cannot be reached",
        ),
        (
            f"{RETRYING}'{DISTRUST}'\nCould not fetch URL https://index.example/simple/torch/: HTTPSConnectionPool("
            f"host='index.example', port=443): Max retries exceeded (Caused by {DISTRUST}) - skipping\n{NOT_THERE}",
            "the certificate of index.example is not trusted here",
        ),
        (
            f"{RETRYING}'ProxyError('Cannot connect to proxy.', NewConnectionError())': /simple/torch/\n{NOT_THERE}",
            "the proxy on the way to the package index cannot be reached",
        ),
        (
            "error: incomplete-download\n\n× Download failed after 6 attempts\n╰─> URL: x\n\nhint: resume\n",
            "Download failed after 6 attempts",
        ),
        # a connection that came back is not the reason
        (
            f"{RETRYING}'ReadTimeoutError()'\nCollecting x\nERROR: Wheel 'x' is invalid.\n",
            "Wheel 'x' is invalid.",
        ),
        ("", "no reason given"),
    ],
)
def test_the_reason_of_a_failed_pip_is_found_in_what_it_said(setup, said, reason):
    assert setup._reason(said) == reason


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "ERROR: Could not install packages due to an OSError: Could not find a suitable TLS CA certificate "
            "bundle, invalid path: x.pem\n",
            r"finish \(Could not find a suitable TLS CA certificate bundle, invalid path: x.pem\): set PIP_CERT to",
        ),
        (NO_ANSWER, r"\(download\.pytorch\.org cannot be reached\): check the network, then run `make run`"),
        (
            f"{RETRYING}'{DISTRUST}'\n{NOT_THERE}",
            r"is not trusted here\): set PIP_CERT to the file of certificates .*, then run `make run`",
        ),
    ],
)
def test_a_network_trouble_with_the_packages_ends_in_one_sentence(
    setup, project, pip, capsys, said, sentence
):
    setup.globals.update(_run_pip=lambda *_: said, PROJECT=project, check_python=lambda _: None)
    assert setup.main(["--again", "make run", "--install-only"]) == 1
    assert re.search(sentence, capsys.readouterr().err)


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


def test_what_the_docs_say_to_type_exists():
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
    readme = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    assert set(re.findall(r"make (run|test|lint|clean|setup)\b", readme)) <= targets
    from coach.cli import cli

    for line in re.findall(r"^    (?:\.venv.(?:bin|Scripts).)?coach ([a-z].+)$", readme, re.MULTILINE):
        words = line.partition("#")[0].split()
        command = cli.commands[words[0]]
        named = len(words) > 1 and not words[1].startswith("-")
        if hasattr(command, "commands") and (named or not command.invoke_without_command):
            command = command.commands[words[1]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


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
