"""Read OpenDocument texts (ODT): headings, paragraphs, lists and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.readers.archive import Archive
from ingest.readers.blocks import LIST_MARK, Block, joined
from ingest.readers.contents import ENCRYPTED, Contents, UnreadableError

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_NOT_TEXT = (f"{_TEXT}tracked-changes", "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}annotation")
_GAPS = {f"{_TEXT}s": " ", f"{_TEXT}tab": " ", f"{_TEXT}line-break": "\n"}
_LOCKS = "META-INF/manifest.xml"


def read(content: bytes) -> Contents:
    """The text of an OpenDocument file under its headings. Raises UnreadableError for one with a password."""
    from lxml import etree

    archive = Archive(content)
    if _LOCKS in archive and archive.xml(_LOCKS).find(".//{*}encryption-data") is not None:
        raise UnreadableError(ENCRYPTED)
    body = archive.xml("content.xml").find(".//{*}body")
    if body is None:
        return joined(())
    etree.strip_elements(body, *_NOT_TEXT, with_tail=False)
    return joined(_blocks(body))


def _blocks(body: Any) -> Iterator[Block]:
    from lxml import etree

    walk = etree.iterwalk(body, events=("start",), tag=(f"{_TEXT}h", f"{_TEXT}p", f"{_TABLE}table-row"))
    for _, element in walk:
        if element.tag == f"{_TABLE}table-row":
            cells = (
                " ".join(map(_text, cell.iterfind(".//{*}p"))) for cell in element.iterfind("{*}table-cell")
            )
            yield Block(" | ".join(cells).strip(" |"))
            walk.skip_subtree()
        elif element.tag == f"{_TEXT}h":
            yield Block(_text(element), min(6, int(element.get(f"{_TEXT}outline-level", "1"))))
        else:
            listed = next(element.iterancestors(f"{_TEXT}list-item"), None) is not None
            yield Block((LIST_MARK if listed else "") + _text(element))


def _text(element: Any) -> str:
    """What stands in an element, its gaps as spaces and line breaks."""
    for gap in element.iter(*_GAPS):
        gap.text = _GAPS[gap.tag]
    return "".join(element.itertext()).strip()
