"""Read the bytes of a file by the reader of its format, which its content tells better than its name."""

from __future__ import annotations

from ingest.readers import READERS, Contents, UnreadableError
from ingest.readers.archive import Archive
from ingest.readers.contents import ENCRYPTED

# Names under which files of the formats we read are found too; what else they hold is said and left out.
OTHER_NAMES = (".doc", ".ppt")

_PLAIN = (".md", ".markdown", ".txt")
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKS = {b"%PDF-": ".pdf", b"{\\rtf": ".rtf"}
_PARTS = {"word/document.xml": ".docx", "ppt/presentation.xml": ".pptx"}
_MIME_TYPES = {b"application/epub+zip": ".epub", b"application/vnd.oasis.opendocument.text": ".odt"}
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode(
    "utf-16-le"
)  # MS-OFFCRYPTO 1.3.2: how Office keeps a file with a password


def parse(content: bytes, suffix: str) -> tuple[Contents, str]:
    """What the file holds, and its format by the usual suffix without the dot. Raises UnreadableError, with the reason, for
    what no reader reads; whatever else a reader of a stranger's file may raise is for the caller to catch."""
    name = format_of(content, suffix)
    reader = READERS.get(name)
    if reader is None:
        raise UnreadableError(f"not a {', '.join(sorted(READERS))} file")
    return reader(content), name.removeprefix(".")


def is_plain(content: bytes, suffix: str) -> bool:
    """Whether it is read as text, whatever it holds."""
    return suffix in _PLAIN and not content.startswith((*_MARKS, _ZIP, _OLD_OFFICE))


def format_of(content: bytes, suffix: str) -> str:
    """The suffix that the content deserves; its own where the content has no mark. Raises UnreadableError for old and locked
    Office files and for archives that are no document."""
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return name
    if content.startswith(_OLD_OFFICE):
        raise UnreadableError(_why_not(content))
    return _in_archive(content) if content.startswith(_ZIP) else suffix


def _why_not(content: bytes) -> str:
    if _ENCRYPTED_PACKAGE in content:
        return ENCRYPTED
    return "an old Word or PowerPoint file; save it as .docx or .pptx, then run `coach ingest`"


def _in_archive(content: bytes) -> str:
    archive = Archive(content)
    found = next((name for part, name in _PARTS.items() if part in archive), "")
    if not found and "mimetype" in archive:
        found = _MIME_TYPES.get(archive.read("mimetype").strip(), "")
    if not found:
        raise UnreadableError(
            "a ZIP archive that is no document; unpack it, then run `coach ingest` on its folder"
        )
    return found
