"""Parse strangers' files in a process of its own, which may hang, swell or die without harm to anything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from coach.errors import IngestError
from coach.types import Section
from ingest.readers import Contents, StoppedError, UnreadableError

SECONDS = 60  # for one file; a PDF of a thousand pages takes ten
MEMORY_BYTES = 2**30
OUTPUT_CHARACTERS = 20_000_000  # of text; War and Peace has three million
_BYTES_A_CHARACTER = 8  # at most, in UTF-8 and escaped
_HEADER_BYTES = 8


class Sandbox:
    """A parser in another process: started with the first file, used for the next ones, replaced when one ended it.

    Limits on time and on the text that comes back hold everywhere; those on memory, on files (it can write none) and on
    the system's alarm hold where the system has `resource` (Linux; macOS as far as it enforces them; not Windows). The process
    refuses to open sockets and to start others.
    """

    def __init__(
        self, seconds: float = SECONDS, memory: int = MEMORY_BYTES, output: int = OUTPUT_CHARACTERS
    ) -> None:
        self._seconds = seconds
        self._limits = (memory, output)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def parse(self, content: bytes, suffix: str) -> tuple[Contents, str]:
        """As `ingest.parse.parse`, within the limits. Raises UnreadableError, StoppedError where the parser broke or was
        stopped, and IngestError where there is no starting one."""
        process = self._running()
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(self._seconds, stop)
        watch.start()
        try:
            reply = self._asked(process, content, suffix)
        finally:
            watch.cancel()
        if reply is None:
            self.close()
            if late.is_set():
                raise StoppedError(f"took more than {self._seconds:.0f} seconds to read, so it is left out")
            raise StoppedError("ended its parser: damaged, or made to do harm; it is left out")
        if reply.get("worn"):
            self.close()
            raise StoppedError(reply["reason"])
        if "reason" in reply:
            raise UnreadableError(reply["reason"])
        return _contents(reply["contents"]), reply["format"]

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            here = str(Path(__file__).resolve().parent.parent)
            path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
            self._process = _started([*map(str, self._limits), str(round(self._seconds))], path)
        return self._process

    def _asked(self, process: subprocess.Popen[bytes], content: bytes, suffix: str) -> dict[str, Any] | None:
        """The parser's reply; None where it died, or speaks more than it may."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            head = json.dumps({"suffix": suffix, "bytes": len(content)}).encode("utf-8")
            process.stdin.write(head + b"\n")
            process.stdin.write(content)
            process.stdin.flush()
            size = int.from_bytes(process.stdout.read(_HEADER_BYTES), "big")
            if not 0 < size <= _BYTES_A_CHARACTER * self._limits[1]:
                return None
            reply = json.loads(process.stdout.read(size).decode("utf-8", "surrogatepass"))
        except (OSError, ValueError):
            return None
        return reply if isinstance(reply, dict) else None


def _started(limits: Sequence[str], path: str) -> subprocess.Popen[bytes]:
    # -P: a module that lies in the folder where the coach was started is none of ours.
    command = [sys.executable, "-P", "-B", "-m", "ingest.sandboxed", *limits]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the ingest, which then ends its parser
        )
    except OSError as error:
        raise IngestError(
            f"The parser cannot be started ({error}): close other programs, then run `coach ingest`."
        ) from error


def as_reply(contents: Contents, name: str) -> dict[str, Any]:
    """What the parser sends back for a file that it could read."""
    return {"format": name, "contents": asdict(contents)}


def packed(reply: dict[str, Any]) -> bytes:
    """A reply as it goes through the pipe: its length, then JSON."""
    written = json.dumps(reply, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return len(written).to_bytes(_HEADER_BYTES, "big") + written


def _contents(facts: dict[str, Any]) -> Contents:
    sections = (Section(tuple(one["headings"]), one["start"], one["end"]) for one in facts["sections"])
    return Contents(
        facts["text"], tuple(sections), facts["title"], tuple(facts["pages"]), tuple(facts["warnings"])
    )
