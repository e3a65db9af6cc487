"""One file a format. A new one is a module with `read` and a line here."""

from __future__ import annotations

from ingest.readers import docx, epub, html, markdown, odt, pdf, pptx, rtf
from ingest.readers.contents import Contents, Reader, StoppedError, UnreadableError

READERS_VERSION = 1  # raise it whenever a reader reads a file differently: every file is then read anew

READERS: dict[str, Reader] = {
    ".docx": docx.read,
    ".epub": epub.read,
    ".htm": html.read,
    ".html": html.read,
    ".markdown": markdown.read,
    ".md": markdown.read,
    ".odt": odt.read,
    ".pdf": pdf.read,
    ".pptx": pptx.read,
    ".rtf": rtf.read,
    ".txt": markdown.read,
    ".xhtml": html.read,
}

__all__ = ["READERS", "READERS_VERSION", "Contents", "Reader", "StoppedError", "UnreadableError"]
