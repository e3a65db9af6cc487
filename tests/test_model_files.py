"""A model counts only when every byte is the published one, and a cut download is never wasted."""

from __future__ import annotations

import errno
import hashlib
import http.server
import io
import os
import re
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coach.backends import model_files
from coach.backends.model_files import (
    EMBEDDED_MODEL,
    PublishedModel,
    embedded_model_file,
    embedding_model_file,
    find_embedded_model,
    find_embedding_model,
    list_models,
    pull_embedded_model,
)
from coach.cli.progress import ProgressLines
from coach.errors import ModelMissingError
from coach.settings import Settings

CONTENT = bytes(range(256)) * 1000  # 256,000 bytes: parts of 100,000, 100,000 and 56,000
PART = 100_000
NOBODY = "http://127.0.0.1:1/model.gguf"


class Told(list):
    """A Progress that remembers."""

    def __call__(self, line: str, done: int = 0, total: int = 0) -> None:
        self.append((line, done, total))

    @property
    def text(self) -> str:
        return "\n".join(line for line, _, total in self if not total)


class Hub(http.server.BaseHTTPRequestHandler):
    content = CONTENT
    cut_after: int | None = None
    asked: list[str]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "bytes=0-")
        self.server.asked.append(wanted)
        first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
        body = self.server.content[first:]
        self.send_response(206 if first else 200)
        if first:
            whole = len(self.server.content)
            self.send_header("Content-Range", f"bytes {first}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.server.cut_after is None else body[: self.server.cut_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.content, server.cut_after, server.asked = CONTENT, None, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the three parts as wheels, copied from there: pip itself takes seconds."""
    folder = tmp_path / "index"
    folder.mkdir()
    for number in (1, 2, 3):
        _write_wheel(folder, number, CONTENT[(number - 1) * PART : number * PART])

    def copy(wheel: str, into: Path, *_: object) -> str | None:
        found = folder / f"{wheel.removesuffix('==1.0').replace('-', '_')}-1.0-py3-none-any.whl"
        if not found.exists():
            return "No matching distribution"
        shutil.copy(found, into)
        return None

    monkeypatch.setattr(model_files, "_download_wheel", copy)
    return folder


@pytest.fixture
def pip_finds(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, with the real pip told to look there and nowhere else."""
    monkeypatch.undo()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return wheels


def _write_wheel(folder: Path, number: int, piece: bytes) -> Path:
    name, about = f"coach_part{number}", f"coach_part{number}-1.0.dist-info"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('a part is never imported')")
        archive.writestr(f"{name}/data/part{number:02}.bin", piece)
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: coach-part{number}\nVersion: 1.0\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def published(address: str = NOBODY, content: bytes = CONTENT) -> PublishedModel:
    return PublishedModel(
        name="Tiny",
        file_name="tiny.gguf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        hub_address=address,
        wheels=tuple(f"coach-part{number}==1.0" for number in (1, 2, 3)),
        part_bytes=PART,
    )


def at(hub: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{hub.server_port}/model.gguf"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_the_hub_is_asked_first_and_the_file_is_whole(settings, hub):
    path = pull_embedded_model(settings, Told(), published(at(hub)))
    assert path.read_bytes() == CONTENT
    assert hub.asked == ["bytes=0-"]
    assert not list(settings.models_folder.glob("*.part"))


def test_a_cut_download_resumes_with_the_bytes_that_are_missing(settings, hub, wheels):
    for wheel in wheels.iterdir():
        wheel.unlink()
    hub.cut_after = 90_000
    with pytest.raises(ModelMissingError, match="run `coach models pull`; it continues"):
        pull_embedded_model(settings, Told(), published(at(hub)))
    part = settings.models_folder / "tiny.gguf.part"
    arrived = part.stat().st_size
    assert 0 < arrived <= 90_000
    assert embedded_model_file(settings, published()).state == "incomplete"

    hub.cut_after = None
    pull_embedded_model(settings, Told(), published(at(hub)))
    assert hub.asked[-1] == f"bytes={arrived}-"
    assert (settings.models_folder / "tiny.gguf").read_bytes() == CONTENT


def test_without_a_hub_the_same_bytes_come_from_the_parts(settings, wheels):
    told = Told()
    path = pull_embedded_model(settings, told, published())
    assert path.read_bytes() == CONTENT
    assert "The model hub cannot be used" in told.text
    assert sorted(path.name for path in settings.models_folder.iterdir() if path.suffix != ".lock") == [
        "tiny.gguf",
        "tiny.gguf.verified.json",
    ]


def test_what_the_hub_began_the_parts_finish_through_pip(settings, pip_finds):
    settings.models_folder.mkdir(parents=True)
    (settings.models_folder / "tiny.gguf.part").write_bytes(CONTENT[:230_000])  # in the middle of part 3
    assert pull_embedded_model(settings, Told(), published()).read_bytes() == CONTENT


def test_a_damaged_part_adds_nothing(settings, wheels):
    wheel = wheels / "coach_part2-1.0-py3-none-any.whl"
    packed = bytearray(wheel.read_bytes())
    place = packed.find(CONTENT[PART : PART + 64])
    packed[place + 5000] ^= 0xFF  # the archive's own checksum of the piece no longer fits
    wheel.write_bytes(packed)
    with pytest.raises(ModelMissingError, match="part 2 arrived damaged"):
        pull_embedded_model(settings, Told(), published())
    assert (settings.models_folder / "tiny.gguf.part").stat().st_size == PART


def test_another_checksum_is_refused_and_removed(settings, hub):
    hub.content = b"x" + CONTENT[1:]
    with pytest.raises(ModelMissingError, match=r"checksum differs.*removed: run `coach models pull`"):
        pull_embedded_model(settings, Told(), published(at(hub)))
    assert not list(settings.models_folder.glob("tiny.gguf*"))


def test_a_page_instead_of_the_file_is_not_taken_for_it(settings, hub, wheels):
    hub.content = b"<html>Please sign in to this network</html>"
    assert pull_embedded_model(settings, Told(), published(at(hub))).read_bytes() == CONTENT


def test_a_truncated_model_is_damaged_and_pull_mends_it(settings, hub):
    tiny = published(at(hub))
    path = pull_embedded_model(settings, Told(), tiny)
    os.truncate(path, 1000)
    assert embedded_model_file(settings, tiny).state == "damaged"
    assert pull_embedded_model(settings, Told(), tiny).read_bytes() == CONTENT


def test_a_verified_model_is_hashed_once_and_again_when_it_changes(settings, hub, monkeypatch):
    tiny = published(at(hub))
    path = pull_embedded_model(settings, Told(), tiny)
    hashed: list[Path] = []
    original = model_files.sha256_of
    monkeypatch.setattr(model_files, "sha256_of", lambda path: hashed.append(path) or original(path))
    assert embedded_model_file(settings, tiny).state == "ready"
    assert hashed == []
    path.write_bytes(b"x" + CONTENT[1:])
    os.utime(path, (1, 1))
    assert embedded_model_file(settings, tiny).state == "damaged"
    assert hashed == [path]


def test_a_full_disk_is_said_in_one_sentence_and_keeps_what_is_there(settings, hub, monkeypatch):
    settings.models_folder.mkdir(parents=True)
    part = settings.models_folder / "tiny.gguf.part"
    part.write_bytes(CONTENT[:1000])
    usage = shutil.disk_usage(settings.home)
    monkeypatch.setattr(model_files.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(ModelMissingError, match=r"is full: free .* run `coach models pull`; it continues"):
        pull_embedded_model(settings, Told(), published(at(hub)))
    assert part.read_bytes() == CONTENT[:1000]


def test_a_disk_that_fills_up_while_writing_is_the_same_sentence(settings, hub, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(model_files.os, "fsync", full)
    with pytest.raises(ModelMissingError, match="is full: free"):
        pull_embedded_model(settings, Told(), published(at(hub)))
    assert (settings.models_folder / "tiny.gguf.part").exists()
    assert not (settings.models_folder / "tiny.gguf").exists()


def test_a_second_download_at_the_same_time_is_kept_out(settings, hub):
    from filelock import FileLock

    settings.models_folder.mkdir(parents=True)
    with (
        FileLock(settings.models_folder / ".download.lock"),
        pytest.raises(ModelMissingError, match="Another download"),
    ):
        pull_embedded_model(settings, Told(), published(at(hub)))


def test_a_missing_model_names_the_command(settings):
    with pytest.raises(ModelMissingError, match="not here yet: run `coach models pull`"):
        find_embedded_model(settings)


def test_the_bundled_embedding_model_is_found_and_verified_without_being_imported(settings):
    import sys

    folder = find_embedding_model(settings)
    assert (folder / "modules.json").is_file()
    assert model_files.EMBEDDING_PACKAGE not in sys.modules
    assert (settings.models_folder / "model.safetensors.verified.json").is_file()


def test_an_embedding_model_of_the_users_own_is_a_folder(settings, tmp_path):
    own = tmp_path / "my-model"
    mine = settings.model_copy(update={"embedder": str(own)})
    with pytest.raises(ModelMissingError, match="there is no folder"):
        find_embedding_model(mine)
    own.mkdir()
    (own / "config.json").write_text("{}")
    (own / "tokenizer.json").write_text("{}")
    assert embedding_model_file(mine).state == "incomplete"
    (own / "model.safetensors").write_bytes(b"weights")
    assert find_embedding_model(mine) == own


def test_the_list_shows_both_models_and_what_to_run(settings):
    speaking, embedding = list_models(settings)
    assert (speaking.state, embedding.state) == ("missing", "ready")
    assert "coach models pull" in str(speaking)


def test_the_published_parts_add_up_to_the_published_size():
    whole_parts = len(EMBEDDED_MODEL.wheels) - 1
    last = EMBEDDED_MODEL.size - whole_parts * EMBEDDED_MODEL.part_bytes
    assert last == 16_315_968  # the last wheel's piece


def test_a_log_gets_lines_and_a_terminal_one_bar():
    log = io.StringIO()
    progress = ProgressLines(log)
    progress("Fetching")
    for done in range(0, 101, 10):
        progress("Downloading", done * 1_000_000, 100_000_000)
    assert log.getvalue().splitlines()[0] == "Fetching"
    assert log.getvalue().splitlines()[-1].endswith("100%  100 of 100 MB")
    assert len(log.getvalue().splitlines()) == 3  # the line, the first bar, the last one

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    ProgressLines(terminal)("Downloading", 50_000_000, 100_000_000)
    assert terminal.getvalue().startswith("\r")
