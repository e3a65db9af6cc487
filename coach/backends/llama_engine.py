"""Run llama.cpp inside this process and talk to it over its key-protected loopback port."""

from __future__ import annotations

import ctypes
import http.client
import importlib
import importlib.util
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coach.errors import BackendError, ModelMissingError

GGUF_MAGIC = b"GGUF"  # first four bytes of every model file: ggml/docs/gguf.md
REPLY_SECONDS = 1800.0  # filling a window of 32k tokens on two slow cores; longer means the engine hangs
# Host memory for prompts not in the slot now: some 18,000 tokens of the built-in model (28 kB each).
PROMPT_CACHE_MIB = 512
SLOT = 0  # one slot: a second one would double the memory, and the prompt cache swaps in milliseconds
PULL = "run `coach models pull`."


class LlamaEngine:
    """One loaded model. Every method may be called from any thread; the engine queues the work."""

    def __init__(
        self,
        model_path: Path,
        *,
        context_window: int,
        threads: int,
        states_folder: Path | None,
        verbose: bool,
    ) -> None:
        """Load the model. Raises ModelMissingError for no whole GGUF file, BackendError without an engine."""
        _refuse_unless_gguf(model_path)
        self._path = model_path
        self._file = model_path.open("rb")  # the very file that is mapped, even after a rename
        self._size = os.fstat(self._file.fileno()).st_size
        self._key = secrets.token_urlsafe(24)
        self._server: Any = self._start(context_window, threads, states_folder, verbose)
        address = urlsplit(self._server.listening_address)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 0
        # Closed before its loop has begun the engine waits for ever, and with it every thread of the process
        # (xllamacpp 2026.10; on one core each time): what goes through the loop is answered once that turns.
        self.get("/slots")

    def _start(self, context_window: int, threads: int, states_folder: Path | None, verbose: bool) -> Any:
        try:
            xllamacpp = _import_engine()
        except ImportError as error:
            raise BackendError(
                f"The built-in model's engine cannot be loaded ({error}): "
                "run `python -m pip install xllamacpp`."
            ) from error
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = context_window
        params.n_parallel = 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.warmup = (
            False  # costs a full pass over the weights; the first prompt does the same work usefully
        )
        params.fit_params = False  # sizes are ours to choose; fitting loads the model twice
        # Repacked weights cannot be mapped from the file: loading took 5-7 s, not 2; prefill was no faster.
        params.no_extra_bufts = True
        params.cache_ram_mib = PROMPT_CACHE_MIB
        params.api_keys = [self._key]
        params.ui = False
        params.verbosity = 4 if verbose else -1
        if states_folder is not None:
            params.slot_save_path = str(states_folder) + os.sep
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            self._file.close()
            raise ModelMissingError(
                f"The model file {self._path.name} cannot be loaded (damaged, or no language model): {PULL}"
            ) from error

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The engine's JSON reply. Raises BackendError when it refuses or is gone."""
        with self.request(path, body) as reply:
            return reply.json()

    def get(self, path: str) -> Any:
        """The engine's JSON reply to a question about itself. Raises BackendError when it is gone."""
        with EngineReply(self._connect(), "GET", path, None, self._headers()) as reply:
            return reply.json()

    def request(self, path: str, body: Mapping[str, object]) -> EngineReply:
        """Send a request and come back at once; the reply is read later, and stops when closed."""
        self._refuse_if_cut()
        return EngineReply(self._connect(), "POST", path, json.dumps(body).encode(), self._headers())

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Tokens of `text`; with `special`, control words of the chat template count as what they are."""
        body = {"content": text, "add_special": special, "parse_special": special}
        return [int(token) for token in self.post("/tokenize", body)["tokens"]]

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The prompt that the model's own chat template makes of the messages, up to the reply."""
        return str(self.post("/apply-template", {"messages": list(messages)})["prompt"])

    def save_slot(self, file_name: str) -> None:
        """Write the slot's state into the states folder. Raises OSError when nothing could be written."""
        try:
            self.post(f"/slots/{SLOT}?action=save", {"filename": file_name})
        except BackendError as error:
            raise OSError(str(error)) from error

    def restore_slot(self, file_name: str) -> bool:
        """Whether the engine took the state back."""
        try:
            return bool(self.post(f"/slots/{SLOT}?action=restore", {"filename": file_name})["n_restored"])
        except BackendError:
            return False

    def close(self) -> None:
        """Unload the model."""
        self._server = None
        self._file.close()

    def _connect(self) -> http.client.HTTPConnection:
        if self._server is None:
            raise BackendError(
                "The built-in model has been closed: start the coach again with `coach serve`."
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=REPLY_SECONDS)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}

    def _refuse_if_cut(self) -> None:
        """Reading mapped pages that the file no longer has would kill the process, so look first.

        A deleted or replaced file is no harm: the mapping keeps the old one alive.
        """
        if not self._file.closed and os.fstat(self._file.fileno()).st_size < self._size:
            raise BackendError(f"The model file {self._path.name} was cut short while in use: {PULL}")


class EngineReply:
    """One reply of the engine, under way. Closing it early stops the work behind it."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> None:
        self._connection = connection
        try:
            connection.request(method, path, body, dict(headers))
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(error) from error

    def json(self) -> Any:
        """The whole reply."""
        try:
            return json.loads(self._response().read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._gone(error) from error

    def events(self) -> Iterator[Any]:
        """Server-sent events, as they come."""
        try:
            for line in self._response():
                if line.startswith(b"data: ") and line != b"data: [DONE]\n":
                    event = json.loads(line[len(b"data: ") :])
                    if "error" in event:
                        raise _refused(event)
                    yield event
                elif line.startswith(b"error: "):
                    raise _refused(json.loads(line[len(b"error: ") :]))
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Hang up: the engine notices and stops."""
        self._connection.close()

    def __enter__(self) -> EngineReply:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _response(self) -> http.client.HTTPResponse:
        response = self._connection.getresponse()
        if response.status != 200:
            raise _refused(json.loads(response.read()))
        return response

    def _gone(self, error: Exception) -> BackendError:
        self.close()
        return BackendError(
            f"The built-in model stopped answering ({error or type(error).__name__}): run `coach doctor`, "
            "or answer without a model with `--backend none`."
        )


def _refused(reply: Any) -> BackendError:
    found = reply.get("error", reply) if isinstance(reply, dict) else reply
    message = found.get("message", found) if isinstance(found, dict) else found
    return BackendError(f"The built-in model refused ({message}): run `coach doctor`.")


def _refuse_unless_gguf(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise ModelMissingError(f"There is no model file at {path}: {PULL}") from error
    if magic != GGUF_MAGIC:
        raise ModelMissingError(f"{path} is not a GGUF model file: {PULL}")


def _import_engine() -> Any:
    """The engine's module. Its Linux wheel wants an OpenMP library that slim images lack: lend torch's."""
    with _yielding_threads():
        try:
            return importlib.import_module("xllamacpp")
        except ImportError:
            torch = importlib.util.find_spec("torch")
            for folder in (torch.submodule_search_locations or ()) if torch else ():
                for library in sorted(Path(folder, "lib").glob("libgomp*.so*")):
                    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
            return importlib.import_module("xllamacpp")


@contextmanager
def _yielding_threads() -> Iterator[None]:
    """Let the engine's threads sleep, not spin, while they wait for one another.

    Its OpenMP library reads this once, when it is loaded. With busy neighbours on two cores, spinning
    made decoding 10-25 times slower; on an idle machine sleeping costs nothing that was measurable.
    """
    before = os.environ.get("OMP_WAIT_POLICY")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_WAIT_POLICY", None)


def file_identity(path: Path) -> str:
    """Tells model files apart by size and both ends, which hold the metadata and the last weights."""
    from hashlib import sha256

    digest = sha256()
    with suppress(OSError), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(str(size).encode())
        digest.update(file.read(1 << 16))
        file.seek(max(0, size - (1 << 16)))
        digest.update(file.read(1 << 16))
    return digest.hexdigest()
