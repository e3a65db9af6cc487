"""Read e-books (EPUB): the chapters in reading order, each with its headings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.readers.archive import DAMAGED, Archive, beside
from ingest.readers.blocks import Block, joined
from ingest.readers.contents import Contents, UnreadableError
from ingest.readers.html import blocks_of, page_text, parsed

_LOCKS = "META-INF/encryption.xml"
# Scrambled fonts are no copy protection (EPUB 3.3, 4.3; Adobe's older way beside it).
_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PAGES = ("application/xhtml+xml", "text/html")


def read(content: bytes) -> Contents:
    """The text of a book, chapter by chapter. Raises UnreadableError for one with copy protection."""
    archive = Archive(content)
    if _LOCKS in archive and _locked(archive.xml(_LOCKS)):
        raise UnreadableError("copy-protected; give a copy without the protection, then run `coach ingest`")
    package = _package_name(archive)
    book = archive.xml(package)
    title = " ".join((book.findtext(".//{*}metadata/{*}title") or "").split())
    chapters = list(_chapters(book))
    missing = [name for name in chapters if beside(package, name) not in archive]
    warnings = [f"{len(missing)} of {len(chapters)} chapters are not in the file"] if missing else []
    found = (beside(package, name) for name in chapters if name not in missing)
    return joined(
        (block for name in found for block in _blocks(archive, name)), title=title, warnings=warnings
    )


def _locked(encryption: Any) -> bool:
    methods = encryption.iterfind(".//{*}EncryptedData/{*}EncryptionMethod")
    return any(method.get("Algorithm") not in _FONT_METHODS for method in methods)


def _package_name(archive: Archive) -> str:
    root = archive.xml("META-INF/container.xml").find(".//{*}rootfile")
    name = root.get("full-path") if root is not None else None
    if not name:
        raise UnreadableError(DAMAGED)
    return beside("", name)


def _chapters(book: Any) -> Iterator[str]:
    """The names of the pages in reading order, from the package's own place."""
    items = {item.get("id"): item for item in book.iterfind(".//{*}manifest/{*}item")}
    for reference in book.iterfind(".//{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        navigation = item is not None and "nav" in (item.get("properties") or "").split()
        if item is not None and not navigation and item.get("media-type") in _PAGES and item.get("href"):
            yield item.get("href")


def _blocks(archive: Archive, name: str) -> Iterator[Block]:
    return blocks_of(parsed(page_text(archive.read(name))))
