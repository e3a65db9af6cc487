"""Read a file as a document, or say why not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coach.types import Document
from ingest.parse import OTHER_NAMES, parse
from ingest.readers import READERS, Contents, StoppedError, UnreadableError

MAX_BYTES = 100 * 1024 * 1024

Parse = Callable[[bytes, str], tuple[Contents, str]]  # raises UnreadableError


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is left out, and why. `foreign` is one whose name says that it is no document at all, `again` one
    that may be read another time."""

    source: str
    reason: str
    foreign: bool = False
    again: bool = False


def read_bytes(path: Path, source: str) -> bytes | Skipped:
    """What the file at `path` holds; `Skipped` for a format that no reader reads, and for what cannot be read."""
    suffix = path.suffix.lower()
    if suffix not in READERS and suffix not in OTHER_NAMES:
        return Skipped(source, f"not a {', '.join(sorted(READERS))} file", foreign=True)
    try:
        if not path.is_file():
            return Skipped(source, "not a regular file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            return Skipped(source, f"larger than {MAX_BYTES // 2**20} MB ({size / 2**20:.0f} MB)")
        return path.read_bytes()
    except OSError as error:
        return Skipped(source, f"cannot be read ({error.strerror or error})")


def as_document(content: bytes, path: Path, source: str, parsed: Parse = parse) -> Document | Skipped:
    """The document that the content of the file at `path` is, under the name `source`; `Skipped` where `parsed` finds none.

    The id is a hash of the text, so two files with the same text have the same id. The title is what the reader found,
    else the file's stem.
    """
    try:
        found, kind = parsed(content, path.suffix.lower())
    except UnreadableError as error:
        return Skipped(source, str(error), again=isinstance(error, StoppedError))
    if not found.text.strip():
        return Skipped(source, "holds no text" if content.strip() else "empty")
    name = hashlib.sha256(found.text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Document(
        name,
        source,
        found.title or path.stem,
        found.text,
        sections=found.sections,
        pages=found.pages,
        kind=kind,
        size=len(content),
        warnings=found.warnings,
    )


def load_document(path: Path, source: str, parsed: Parse = parse) -> Document | Skipped:
    """The document at `path` under the name `source`, read in this process unless `parsed` does it elsewhere."""
    content = read_bytes(path, source)
    return content if isinstance(content, Skipped) else as_document(content, path, source, parsed)
