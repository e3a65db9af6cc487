"""Read RTF documents, paragraph by paragraph."""

from __future__ import annotations

from ingest.readers.blocks import Block, joined
from ingest.readers.contents import Contents


def read(content: bytes) -> Contents:
    """The text of an RTF document; a row of a table is one line."""
    from striprtf.striprtf import rtf_to_text

    # RTF is ASCII that names its own code pages; striprtf reads those.
    text: str = rtf_to_text(content.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    return joined(
        Block(" | ".join(filter(None, map(str.strip, line.split("|"))))) for line in text.splitlines()
    )
