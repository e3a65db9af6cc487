"""Get from a fresh checkout to a running coach: `python scripts/setup.py` with any Python 3.11 or newer.

Standard library only, on Linux, macOS and Windows; `make run` and `make test` are thin covers over it.
Every step looks at what is already there, so a run that was cut off continues and a second run takes seconds.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

OLDEST_PYTHON = (3, 11)
TORCH = "2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # https://pytorch.org/get-started/locally/
TORCH_CPU_WAIT = 45  # seconds for its first file: each of its many addresses may cost pip a time-out
INSTALLED_MB = 3_000  # what the packages take on disk, measured on Linux
# the same for PyTorch's ordinary build with its CUDA packages, measured on x86-64 Linux
ORDINARY_FETCHED_MB = 2_800
ORDINARY_MB = 5_000
ORDINARY_PACKAGES = 29
# what it takes while it is being installed: the packages, the fetched files and pip's cache of those
ORDINARY_PEAK_MB = ORDINARY_MB + 2 * ORDINARY_FETCHED_MB
PROJECT = Path(__file__).resolve().parent.parent
LINUX = sys.platform.startswith("linux")


class SetupError(Exception):
    """The set-up cannot go on; the message is one clear sentence that ends in the next step."""


def main(arguments: list[str] | None = None) -> int:
    """Run the steps that the command line asks for and return the exit status."""
    options = _parse(arguments)
    try:
        check_python(sys.version_info[:2])
        with only_setup(PROJECT, options.again):
            python = install(PROJECT, again=options.again, dev=options.dev)
            if options.install_only:
                return 0
            prepare(python, again=options.again, model=not options.without_model)
        if options.serve:
            serve(python, options.port)
        else:
            say("Ready. Start the app with: " + str(_script(PROJECT / ".venv", "coach")) + " serve")
    except SetupError as error:
        print(f"coach setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. Nothing is lost: `{options.again}` continues from here.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"coach setup: {_os_message(error, options.again)}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Install the coach, fetch its models, start it.")
    parser.add_argument("--install-only", action="store_true", help="packages only: no model, no index")
    parser.add_argument("--dev", action="store_true", help="also what tests and linters need")
    parser.add_argument("--without-model", action="store_true", help="leave the 1.1 GB language model out")
    parser.add_argument("--serve", action="store_true", help="open the app when all is ready")
    parser.add_argument("--port", type=int, default=None, help="port of the app (8501 unless set)")
    parser.add_argument("--again", default="python scripts/setup.py", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def say(line: str) -> None:
    """One plain line on standard output, at once."""
    print(line, flush=True)


def check_python(version: tuple[int, ...]) -> None:
    """Raise SetupError unless this Python is new enough and can make virtual environments."""
    if version < OLDEST_PYTHON:
        raise SetupError(
            "Python {}.{} or newer is needed and this one is {}.{}: install it from "
            "https://www.python.org/downloads/ and run the command again.".format(*OLDEST_PYTHON, *version)
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "This Python cannot make virtual environments: run `sudo apt-get install "
            f"python{version[0]}.{version[1]}-venv` (Debian, Ubuntu) and run the command again."
        )


@contextmanager
def only_setup(project: Path, again: str) -> Iterator[None]:
    """Keep a second set-up of this checkout out; the system frees the lock when the first one dies.

    Raises SetupError while another one runs.
    """
    with (project / ".setup.lock").open("a") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupError(
                f"Another set-up is at work in {project}: wait for it, then run `{again}`."
            ) from None
        yield


def install(project: Path, *, again: str, dev: bool) -> Path:
    """Bring `.venv` to exactly what the lock files say and return its Python.

    A stamp per lock file, keyed by its content, marks what is done; without a change pip is not called.
    Raises SetupError when pip cannot go on.
    """
    environment = project / ".venv"
    python = _make_environment(environment, project)
    locks = [project / "requirements.lock"] + ([project / "requirements-dev.lock"] if dev else [])
    due = [lock for lock in locks if not _is_stamped(environment, lock)]
    if due:
        shutil.rmtree(_fetched(environment), ignore_errors=True)  # of a run that was killed
        lacking = _lacking(environment, INSTALLED_MB, [_site_packages(environment)])
        if lacking:
            raise SetupError(f"The packages need {lacking}: free some space, then run `{again}`.")
        mended = remove_half_installed(_site_packages(environment))
        if mended:
            say(f"Repairing {len(mended)} packages that a cut-off run left unfinished.")
        # the old stamps go first: from here on until pip is done, nothing counts as installed
        for lock in due:
            _stamp(environment, lock).unlink(missing_ok=True)
    for lock in due:
        say(f"Installing {_count(lock)} packages from {lock.name} (a few minutes, once) ...")
        if lock.name == "requirements.lock":
            _install_torch(python, again)
        # the spaCy model is data that asks for Python 3.12 without needing it
        arguments = ["--no-deps", "--ignore-requires-python", "--requirement", str(lock)]
        _pip(python, arguments, again, "packages", _count(lock))
        _stamp(environment, lock).write_text(_digest(lock), encoding="utf-8")
    _install_coach(python, environment, project, again)
    return python


def _make_environment(environment: Path, project: Path) -> Path:
    """A virtual environment with pip, made anew where one is unfinished, moved or of an older Python."""
    python = _script(environment, "python")
    stamp = environment / ".made-for"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == str(project) and _works(python):
        return python
    if environment.exists():
        if not stamp.is_file() and _works(python):  # somebody's own: keep it, pip will complete it
            stamp.write_text(str(project), encoding="utf-8")
            return python
        say("Removing an unfinished .venv.")
        shutil.rmtree(environment)
    say(f"Making .venv with Python {sys.version.split()[0]} ...")
    command = [sys.executable, "-m", "venv", str(environment)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0 or not _works(python):
        shutil.rmtree(environment, ignore_errors=True)
        raise SetupError(
            "The virtual environment could not be made: "
            + _last_line(made.stdout + made.stderr)
            + " On Debian and Ubuntu run `sudo apt-get install python3-venv`, then the command again."
        )
    stamp.write_text(str(project), encoding="utf-8")
    return python


def _works(python: Path) -> bool:
    """Whether this Python starts, is new enough, and has pip."""
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    try:
        return subprocess.run([str(python), "-c", check], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _install_torch(python: Path, again: str) -> None:
    """PyTorch, without its gigabytes of CUDA where that can be had.

    Linux: the CPU build from wherever this machine's pip is set up to look, else from PyTorch's own
    index, else the ordinary build, which pip as set up may well find. macOS and Windows: PyPI's wheel
    is the CPU build. Raises SetupError with all that was tried when nothing is left.
    """
    if _has_torch(python):
        return
    if not LINUX:
        _pip(python, ["--no-deps", f"torch=={TORCH}"], again, "PyTorch ", 1)
        return
    cpu = ["--no-deps", f"torch=={TORCH}+cpu"]
    tried: list[tuple[str, str]] = []
    steps: tuple[tuple[str, Callable[[], str | None]], ...] = (
        ("the CPU build where pip is set up to look", lambda: _run_pip(python, cpu, "PyTorch ", 1)),
        (f"the CPU build at {TORCH_CPU_INDEX}", lambda: _run_pip_at_cpu_index(python, cpu)),
        ("the ordinary build where pip is set up to look", lambda: _install_ordinary(python, tried, again)),
    )
    for what, install_build in steps:
        trouble = install_build()
        if trouble is None:
            return
        _check_not_full(trouble, again)
        tried.append((what, trouble))
    _log(python).write_text("\n".join(f"== {what}\n{said}" for what, said in tried), encoding="utf-8")
    raise SetupError(
        f"PyTorch {TORCH} could not be installed. Tried: {_list(tried)}. {_torch_remedy(tried, again, [])} "
        f"All that pip said is in {_log(python)}."
    )


def _run_pip_at_cpu_index(python: Path, wanted: list[str]) -> str | None:
    """As `_run_pip`, at PyTorch's own index; gives up in seconds where that cannot be reached."""
    say(f"Fetching PyTorch's CPU build (about 190 MB) from {TORCH_CPU_INDEX} ...")
    hasty = ["--index-url", TORCH_CPU_INDEX, "--retries", "1", "--timeout", "15"]
    return _run_pip(python, [*wanted, *hasty], "PyTorch ", 1, wait=TORCH_CPU_WAIT)


def _list(tried: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"({number}) {what}: {_reason(said)}" for number, (what, said) in enumerate(tried, 1))


def _torch_remedy(tried: Sequence[tuple[str, str]], again: str, remedies: Sequence[str]) -> str:
    """What the user can do, as one sentence: any of the `remedies`, the one for what pip met, or a file."""
    network = _remedy("\n".join(said for _, said in tried))
    file = (
        f"run `pip download --no-deps torch=={TORCH}+cpu --index-url {TORCH_CPU_INDEX}` where that address can "
        "be reached, with the same Python and system, and set PIP_FIND_LINKS to the folder with that file"
    )
    return f"To go on, {', or '.join([*remedies, network, file])}; then run `{again}`; it continues."


def _install_ordinary(python: Path, tried: Sequence[tuple[str, str]], again: str) -> str | None:
    """The ordinary build and the CUDA packages without which it does not start; returns pip's trouble.

    Says the size before it begins. Raises SetupError, with what was `tried` before, when the disk is too
    small for it.
    """
    environment = python.parent.parent
    packages = [_site_packages(environment) / name for name in ("torch", "nvidia", "triton")]
    lacking = _lacking(environment, ORDINARY_PEAK_MB, packages)
    if lacking:
        raise SetupError(
            f"PyTorch's CPU build is out of reach. Tried: {_list(tried)}. The ordinary build needs {lacking}. "
            + _torch_remedy(tried, again, ["free some space"])
        )
    say(
        f"PyTorch's CPU build is out of reach. Tried: {_list(tried)}.\n"
        f"The ordinary build comes instead: about {ORDINARY_FETCHED_MB / 1000:.1f} GB to fetch and "
        f"{ORDINARY_MB / 1000:.1f} GB on disk, for CUDA that the coach never uses; all else is the same.\n"
        f"Ctrl-C stops it; `{again}` then looks for the CPU build again."
    )
    temporary = _fetched(environment)  # on the disk that was checked: /tmp may be a small one in memory
    temporary.mkdir(exist_ok=True)
    try:
        wanted = [f"torch=={TORCH}", "--constraint", str(_constraints(temporary))]
        trouble = _run_pip(python, wanted, "PyTorch ", ORDINARY_PACKAGES, temporary=temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _check_not_full(trouble or "", again, ORDINARY_PEAK_MB)
    return trouble


def _constraints(folder: Path) -> Path:
    """The lock, which binds what it shares with PyTorch's needs, so that nothing is installed twice.

    Without PyTorch itself: bound twice, pip calls a PyTorch that it cannot find a conflict.
    """
    lines = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines(keepends=True)
    constraints = folder / "constraints.txt"
    constraints.write_text(
        "".join(line for line in lines if not line.startswith("torch==")), encoding="utf-8"
    )
    return constraints


def _fetched(environment: Path) -> Path:
    return environment / ".fetched"


def _has_torch(python: Path) -> bool:
    """Whether PyTorch is there, in either build, with all that the build needs and no lock lists."""
    check = "import importlib.metadata as m; print(m.version('torch'))"
    asked = subprocess.run([str(python), "-c", check], capture_output=True, text=True, check=False)
    version, _, build = asked.stdout.strip().partition("+")
    if version != TORCH or build or not LINUX:
        return version == TORCH
    # the ordinary build: one of its CUDA packages may have been removed as half-installed
    command = [*_pip_command(python, [f"torch=={TORCH}"]), "--dry-run", "--no-index"]
    whole = subprocess.run(command, capture_output=True, text=True, check=False)
    return whole.returncode == 0 and "Would install" not in whole.stdout


def _install_coach(python: Path, environment: Path, project: Path, again: str) -> None:
    """The coach itself, editable: the checkout stays the only copy of its code."""
    lock = project / "pyproject.toml"
    if _is_stamped(environment, lock) and _script(environment, "coach").exists():
        return
    say("Installing the coach itself ...")
    _pip(python, ["--no-deps", "--no-build-isolation", "--editable", str(project)], again, "coach   ", 1)
    _stamp(environment, lock).write_text(_digest(lock), encoding="utf-8")


def remove_half_installed(site_packages: Path) -> list[str]:
    """Forget packages that pip did not finish, so that pip installs them again; returns their names.

    pip adds the line `INSTALLER` to a package's RECORD as its last act; every file listed before has to
    be there with the size listed.
    """
    removed = []
    for about in sorted(site_packages.glob("*.dist-info")):
        if not _is_finished(about):
            shutil.rmtree(about)
            removed.append(about.name.split("-")[0])
    return removed


def _is_finished(about: Path) -> bool:
    import csv

    try:
        with (about / "RECORD").open(encoding="utf-8", newline="") as record:
            rows = list(csv.reader(record))
    except (OSError, ValueError, csv.Error):
        return False
    if not any(row and row[0].endswith(".dist-info/INSTALLER") for row in rows):
        return False
    for row in rows:
        name, size = row[0], row[-1]
        if name.endswith(".pyc") or not size.isdigit():
            continue
        try:
            if (about.parent / name).stat().st_size != int(size):
                return False
        except OSError:
            return False
    return True


def prepare(python: Path, *, again: str, model: bool) -> None:
    """Fetch and verify the models, index the corpus, and warm what can be warmed: each says what it does."""
    if model:
        _coach(python, ["models", "pull"], again)
    _coach(python, ["ingest"], again)
    if model:
        try:
            _coach(python, ["warm"], again)
        except SetupError:
            say("Going on without: the first word of an answer comes later, nothing else changes.")


def _coach(python: Path, arguments: list[str], again: str) -> None:
    """Run one command of the coach; its own sentence has been printed when it fails."""
    say("-- coach " + " ".join(arguments))
    status = subprocess.run([str(python), "-m", "coach", *arguments], cwd=PROJECT, check=False).returncode
    if status:
        raise SetupError(
            f"`coach {' '.join(arguments)}` did not finish (see above): then run `{again}` again."
        )


def serve(python: Path, port: int | None) -> None:
    """Become the app: `coach serve` prints the address and runs until Ctrl-C."""
    command = [str(python), "-m", "coach", "serve", *(["--port", str(port)] if port else [])]
    if os.name == "posix":
        os.chdir(PROJECT)
        os.execv(command[0], command)
    raise SystemExit(subprocess.call(command, cwd=PROJECT))


def _pip(python: Path, arguments: list[str], again: str, label: str, expected: int) -> None:
    """`pip install` under one progress bar. Raises SetupError, with pip's reason, when it fails."""
    trouble = _run_pip(python, arguments, label, expected)
    if trouble is None:
        return
    _check_not_full(trouble, again)
    raise SetupError(
        f"pip could not finish ({_reason(trouble)}): {_remedy(trouble)}, then run `{again}`; it continues. "
        f"All that pip said is in {_log(python)}."
    )


def _check_not_full(said: str, again: str, needed: int = 4_000) -> None:
    """Raise SetupError, with the `needed` MB, when it was a full disk that stopped pip."""
    if os.strerror(errno.ENOSPC) in said:
        raise SetupError(f"The disk is full: free {-(-needed // 1000)} GB, then run `{again}`; it continues.")


def _reason(said: str) -> str:
    """Why pip failed, in one phrase.

    An index that cannot be read is only a warning to pip, which then finds "no matching distribution":
    the warning is the reason.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # newer pips mark their last word with a cross; "Exception:" heads a traceback that ends in the reason
    marked = [line for line in lines if ("ERROR" in line and "Exception:" not in line) or line[0] == "×"]
    last = (marked or lines or ["no reason given"])[-1].replace("ERROR:", "").strip("× ")
    hosts = re.findall(r"host='([^']+)'", said) or re.findall(r"Looking in indexes: \w+://([^/\s]+)", said)
    host = hosts[-1] if hosts else "the package index"
    if _is_distrust(said):
        return f"the certificate of {host} is not trusted here"
    if "No matching" in last and "Cannot connect to proxy" in said:
        return f"the proxy on the way to {host} cannot be reached"
    if ("No matching" in last and "Retry(total=0," in said) or re.search("Max retries|timed out", last):
        return f"{host} cannot be reached"
    return last.removeprefix("Could not install packages due to an OSError: ")


def _remedy(said: str) -> str:
    if _is_distrust(said) or "CA certificate bundle" in said:
        return "set PIP_CERT to the file of certificates that your network uses"
    return "check the network"


def _is_distrust(said: str) -> bool:
    return re.search("certificate verify failed|CERTIFICATE_VERIFY_FAILED|SSLCertVerif", said) is not None


def _run_pip(
    python: Path,
    arguments: list[str],
    label: str,
    expected: int,
    *,
    wait: int | None = None,
    temporary: Path | None = None,
) -> str | None:
    """Run pip, drawing how many of the `expected` packages it has come to; returns what it said if it failed.

    pip names each package once while it collects them all, then installs them all in silence: the
    first half of the bar is read from what it says, the second from the folders it makes. pip is stopped
    when nothing has come `wait` seconds after its start; its temporary files go to `temporary`.
    """
    log = _log(python)
    packages = _site_packages(python.parent.parent)
    before = len(list(packages.glob("*.dist-info")))
    bar = Bar(label, 2 * expected)
    limit = time.monotonic() + wait if wait else None
    with log.open("w", encoding="utf-8") as output:
        pip = subprocess.Popen(
            _pip_command(python, arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | ({"TMPDIR": str(temporary)} if temporary else {}),
        )
        try:
            while pip.poll() is None:
                time.sleep(0.2)
                said = log.read_text(encoding="utf-8", errors="replace")
                present = len(re.findall(r"^Requirement already", said, re.MULTILINE))
                collected = len(re.findall(r"^(?:Collecting|Obtaining)", said, re.MULTILINE)) + present
                made = len(list(packages.glob("*.dist-info"))) - before
                bar.draw(min(collected, expected) + min(made + present, expected))
                if re.search(r"^ *(?:Downloading|Using cached|Obtaining|Processing)", said, re.MULTILINE):
                    limit = None
                if limit and time.monotonic() > limit:
                    output.write(f"ERROR: no answer within {wait} seconds\n")
                    break
        finally:
            if pip.poll() is None:
                pip.terminate()
                pip.wait()
            bar.end(2 * expected if pip.returncode == 0 else None)
    return log.read_text(encoding="utf-8", errors="replace") if pip.returncode else None


def _log(python: Path) -> Path:
    return python.parent.parent / "pip.log"


class Bar:
    """A progress bar with the time gone by, so that a slow step is seen to be alive; lines in a log."""

    WIDTH = 30

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, max(1, total), 0
        self._terminal = sys.stdout.isatty()
        self._began = time.monotonic()
        self._next = self._began
        self.draw(0)

    def draw(self, done: int) -> None:
        """Show `done` of the total, at most once a second (every 15 seconds in a log)."""
        self._done = max(self._done, min(done, self._total))
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (1 if self._terminal else 15)
        self._show()

    def end(self, done: int | None) -> None:
        """Leave the bar as it stands, or at `done`, and begin a new line."""
        self._done = self._done if done is None else done
        self._show()
        if self._terminal:
            say("")

    def _show(self) -> None:
        filled = self.WIDTH * self._done // self._total
        bar = "#" * filled + "." * (self.WIDTH - filled)
        seconds = int(time.monotonic() - self._began)
        share = 100 * self._done // self._total
        line = f"  {self._label} [{bar}] {share:3d}%  {seconds // 60}:{seconds % 60:02d}"
        sys.stdout.write(f"\r\x1b[K{line}" if self._terminal else f"{line}\n")
        sys.stdout.flush()


def _pip_command(python: Path, arguments: list[str]) -> list[str]:
    # pip compiles to .pyc by itself: without that the first start would take a minute
    quiet = ["--disable-pip-version-check", "--no-input", "--no-warn-script-location"]
    return [str(python), "-m", "pip", "install", "--progress-bar", "off", *quiet, *arguments]


def _lacking(environment: Path, needed: int, present: Sequence[Path]) -> str:
    """What the disk lacks for `needed` MB, less what the `present` folders hold of them; empty if nothing."""
    free = shutil.disk_usage(environment).free // 1_000_000
    here = sum(_megabytes(folder) for folder in present)  # a folder that is not there holds nothing
    if free + here >= needed:
        return ""
    return f"{needed - here} MB more and the disk has {free} MB left"


def _megabytes(folder: Path) -> int:
    sizes = (path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    return sum(sizes) // 1_000_000


def _site_packages(environment: Path) -> Path:
    found = sorted(environment.glob("lib/python3.*/site-packages"))
    return found[-1] if found else environment / "Lib" / "site-packages"


def _script(environment: Path, name: str) -> Path:
    """A program of the environment, under the folder and name its system gives it."""
    if os.name == "nt":
        return environment / "Scripts" / f"{name}.exe"
    return environment / "bin" / name


def _stamp(environment: Path, lock: Path) -> Path:
    return environment / f".{lock.name}.installed"


def _is_stamped(environment: Path, lock: Path) -> bool:
    stamp = _stamp(environment, lock)
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _digest(lock)


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _count(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines() if line[:1] != "#")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _os_message(error: OSError, again: str) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk is full: free 4 GB, then run `{again}`; it continues."
    return f"{error.strerror or error} ({error.filename or 'no file named'}): mend that, then run `{again}`."


if __name__ == "__main__":
    sys.exit(main())
