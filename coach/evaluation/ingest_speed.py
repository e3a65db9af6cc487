"""Time our ingest beside LangChain's usual pipeline: the same files, whole processes, turn about in one run."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from coach.errors import CoachError, UsageError
from coach.evaluation.run import Row

Progress = Callable[[str, int, int], None]

OURS, THEIRS, AGAIN = "ingest: the coach", "ingest: LangChain + Chroma", "ingest: the coach, nothing changed"
PACKAGES = ("langchain_chroma", "langchain_huggingface")
ROUNDS = 3
PEAK = "peak memory, MB"

# What LangChain's own tutorials write, with the splitter's usual sizes, over the very same weights.
_PEER = """
import sys
from pathlib import Path
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
files, weights, store = map(Path, sys.argv[1:])
documents = [Document(path.read_text("utf-8"), metadata={"source": path.name}) for path in sorted(files.iterdir())]
chunks = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(documents)
Chroma.from_documents(chunks, HuggingFaceEmbeddings(model_name=str(weights)), persist_directory=str(store))
"""


def missing_packages() -> list[str]:
    """What the other pipeline needs and this machine lacks."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def public_texts(data: Path) -> list[str]:
    """The passages of SQuAD 2 in the folder of public sets. Raises UsageError where they are not there."""
    file = data / "squad2_dev" / "corpus.jsonl"
    try:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file} cannot be read ({error}): give the folder of the public sets with `--data FOLDER`."
        ) from error
    return [f"# {row['title']}\n\n{row['text']}\n" for row in rows]


def ingests(
    texts: Sequence[str],
    *,
    models_folder: Path,
    weights: Path,
    rounds: int = ROUNDS,
    progress: Progress | None = None,
) -> Iterator[Row]:
    """Each round ingests `texts`, a file each, with the coach, again with the coach (nothing has changed), and with
    LangChain; milliseconds from start to end of each process, and its peak memory where the system tells it.

    `models_folder` holds the prepared models, `weights` the embedding model that both use. The coach's index holds the
    bundled guide already, as after set-up. Raises CoachError where a process fails.
    """
    with tempfile.TemporaryDirectory() as temporary:
        files, fresh = Path(temporary) / "files", Path(temporary) / "fresh"
        files.mkdir()
        for number, text in enumerate(texts):
            (files / f"{number:05d}.md").write_text(text, encoding="utf-8")
        _home_with_models(fresh, models_folder)
        _timed_process(_coach(), fresh)
        for number in range(rounds):
            home, store = Path(temporary) / f"home-{number}", Path(temporary) / f"store-{number}"
            shutil.copytree(fresh, home, symlinks=True)
            runs = {
                OURS: _timed_process(_coach(str(files)), home),
                AGAIN: _timed_process(_coach(), home),
                THEIRS: _timed_process(
                    [sys.executable, "-c", _PEER, str(files), str(weights), str(store)], home
                ),
            }
            for name, (milliseconds, peak) in runs.items():
                signals = {PEAK: peak} if peak is not None else {}
                yield Row(f"{name}/{number}", "speed", milliseconds={name: milliseconds}, signals=signals)
            shutil.rmtree(store)
            if progress is not None:
                progress("ingests", number + 1, rounds)


def ratio_note(rows: Sequence[Row], words: int, embedding: str) -> str:
    """Words a second of both, the ratio, memory, and how the coach embeds here."""
    seconds = {name: median(_times(rows, name)) / 1000 for name in (OURS, AGAIN, THEIRS)}
    peaks = {
        name: max(row.signals.get(PEAK, 0.0) for row in rows if name in row.milliseconds) for name in seconds
    }
    return (
        f"Ingest of {words:,} words: {words / seconds[OURS]:,.0f} words/s, LangChain + HuggingFaceEmbeddings + Chroma "
        f"{words / seconds[THEIRS]:,.0f} words/s: {seconds[THEIRS] / seconds[OURS]:.2f} times as fast; with nothing changed "
        f"{seconds[AGAIN]:.2f} s, starting the program included. Peak memory "
        f"{peaks[OURS]:.0f} and {peaks[THEIRS]:.0f} MB. Embedding on {embedding}."
    )


def _times(rows: Sequence[Row], name: str) -> list[float]:
    return [row.milliseconds[name] for row in rows if name in row.milliseconds]


def _coach(*paths: str) -> list[str]:
    return [sys.executable, "-m", "coach", "ingest", *paths]


def _home_with_models(home: Path, models_folder: Path) -> None:
    """A home of its own that shares the prepared models."""
    home.mkdir()
    try:
        (home / "models").symlink_to(models_folder.resolve(), target_is_directory=True)
    except OSError:  # Windows lets only some people make links
        shutil.copytree(models_folder / "openvino", home / "models" / "openvino")


def _timed_process(command: Sequence[str], home: Path) -> tuple[float, float | None]:
    """Milliseconds from start to end, and the peak memory in MB where the system tells it. Raises CoachError where it fails."""
    environment = {**os.environ, "COACH_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment)
        peak = _peak_of(process)
        code = process.wait()
        spent = (time.perf_counter() - started) * 1000
        if code:
            said.seek(0)
            last = (said.read().strip().splitlines() or ["no word"])[-1]
            raise CoachError(f"An ingest to be timed failed ({last}): run `coach doctor`.")
    return spent, peak


def _peak_of(process: subprocess.Popen[bytes]) -> float | None:
    """Wait for the process; its largest resident size."""
    if not hasattr(os, "wait4"):
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return float(usage.ru_maxrss) / (1e6 if sys.platform == "darwin" else 1e3)
