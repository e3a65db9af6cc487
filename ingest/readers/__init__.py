"""One file a format. A new one is a module with `read` and a line here."""

from __future__ import annotations

from ingest.readers import markdown
from ingest.readers.contents import Contents, Reader, UnreadableError

READERS: dict[str, Reader] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".txt": markdown.read,
}

__all__ = ["READERS", "Contents", "Reader", "UnreadableError"]
