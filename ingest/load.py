"""Read a file as a document, or say why not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from coach.types import Document
from ingest.readers import READERS, UnreadableError

MAX_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is left out, and why."""

    source: str
    reason: str


def load_document(path: Path, source: str) -> Document | Skipped:
    """The document at `path` under the name `source`; `Skipped` for what no reader reads.

    The id is a hash of the text, so two files with the same text have the same id. The title is what the reader found,
    else the file's stem.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        return Skipped(source, f"not a {', '.join(sorted(READERS))} file")
    content = _read(path, source)
    if isinstance(content, Skipped):
        return content
    try:
        found = reader(content)
    except UnreadableError as error:
        return Skipped(source, str(error))
    if not found.text.strip():
        return Skipped(source, "empty")
    name = hashlib.sha256(found.text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Document(name, source, found.title or path.stem, found.text, sections=found.sections)


def _read(path: Path, source: str) -> bytes | Skipped:
    try:
        if not path.is_file():
            return Skipped(source, "not a regular file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            return Skipped(source, f"larger than {MAX_BYTES // 2**20} MB ({size / 2**20:.0f} MB)")
        return path.read_bytes()
    except OSError as error:
        return Skipped(source, f"cannot be read ({error.strerror or error})")
