"""Read Word documents (DOCX): headings, paragraphs, lists, tables and footnotes; pictures are passed over."""

from __future__ import annotations

import io
from typing import Any

from ingest.readers.archive import Archive
from ingest.readers.blocks import joined
from ingest.readers.contents import Contents
from ingest.readers.html import blocks_of, parsed

_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"


def read(content: bytes) -> Contents:
    """The text of a Word document under its headings."""
    import mammoth

    Archive(content)  # within its limits, before anything unpacks it
    page = mammoth.convert_to_html(io.BytesIO(content), convert_image=_no_image, style_map=_STYLES).value
    return joined(blocks_of(parsed(page)) if page else ())


def _no_image(image: Any) -> list[Any]:
    """Pictures hold no text, and one that is linked is never opened."""
    return []
