"""The process that parses files for `ingest.sandbox`: reads one after another from its input, and can do nothing else."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from ingest.parse import parse
from ingest.readers import UnreadableError
from ingest.readers.archive import DAMAGED
from ingest.sandbox import as_reply, packed

_REFUSED = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "urllib.",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main() -> None:
    """Read files until the input ends; the arguments are the limits on memory, on characters of text and on seconds a file."""
    memory, characters, seconds = map(int, sys.argv[1:])
    replies = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 (a descriptor is needed, not a path)
        os.dup2(nowhere.fileno(), 1)  # what a library prints is no reply
    _limit(memory)
    sys.addaudithook(_refuse)
    while (head := sys.stdin.buffer.readline()).strip():
        reply = _reply(head, sys.stdin.buffer, characters, seconds)
        replies.write(packed(reply))
        replies.flush()
        if reply.get("worn"):
            return


def _reply(head: bytes, files: BinaryIO, characters: int, seconds: int) -> dict[str, Any]:
    """What is sent back for one file: what it holds, or the reason why not."""
    asked = json.loads(head)
    _alarm(2 * seconds + 1)  # whoever started this stops it at `seconds`, unless it was killed itself
    try:
        contents, name = parse(files.read(asked["bytes"]), asked["suffix"])
        if len(contents.text) > characters:
            return {
                "reason": f"holds more than {characters / 1e6:.0f} MB of text; split it, then run `coach ingest`"
            }
        return as_reply(contents, name)
    except UnreadableError as error:
        return {"reason": str(error)}
    except MemoryError:
        return {"reason": "needs more memory than a document may; it is left out", "worn": True}
    except RecursionError:
        return {"reason": "nested too deeply to be read; it is left out", "worn": True}
    except Exception:  # whatever a parser makes of a damaged file
        return {"reason": DAMAGED}
    finally:
        _alarm(0)


def _limit(memory: int) -> None:
    """No more memory than this, no file written, no core dump; as far as the system has such limits."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _alarm(seconds: int) -> None:
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's audit hook: no network, no other program, no file opened to be written."""
    writes = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
    if writes or event.startswith(_REFUSED):
        raise PermissionError(f"a parser may not do this: {event}")


if __name__ == "__main__":
    main()
