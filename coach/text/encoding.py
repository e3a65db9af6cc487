"""Read bytes as text, in whatever encoding the file was saved."""

from __future__ import annotations

import codecs
import re

# Longest first: the mark of UTF-32 little-endian begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Control characters but those that ordinary text files hold: tab, line ends, form feed, escape, next line.
_ODD_CONTROL = re.compile(r"[\x01-\x08\x0e-\x19\x1c-\x1f\x7f-\x84\x86-\x9f]")


_FORMATS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a Word or ZIP file",
    b"\xd0\xcf\x11\xe0": "an old Word file",
    b"{\\rtf": "an RTF file",
}


def what_it_is(content: bytes) -> str:
    """What a file that is no text is, in words that go on after "is"."""
    return next((what for mark, what in _FORMATS.items() if content.startswith(mark)), "not a text file")


def decoded(content: bytes) -> str | None:
    """The text of a file in UTF-8, UTF-16, UTF-32 or an eight-bit encoding that can be told; None for what is no text.

    Line ends stay as they are.
    """
    if content.startswith(tuple(_FORMATS)):
        return None
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None) or _unmarked(content)
    if encoding is None:
        return None
    try:
        text = content.decode(encoding, "replace" if encoding == "utf-8" else "strict")
    except (UnicodeDecodeError, LookupError):
        return None
    return None if _looks_binary(text) else text


def _unmarked(content: bytes) -> str | None:
    """The encoding of a text without a byte-order mark; None if it is no text."""
    if b"\0" in content:
        return _wide(content)
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    if _mostly_utf8(content):
        return "utf-8"
    high = sum(byte >= 0x80 for byte in content)
    if high <= 0.15 * len(content) and not any(byte in content for byte in b"\x81\x8d\x8f\x90\x9d"):
        return "cp1252"  # mostly ASCII: a Western text; detectors guess wildly on so few letters
    return _detected(content)


def _wide(content: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark shows as zero bytes at one place of each unit."""
    for width, little, big in ((4, "utf-32-le", "utf-32-be"), (2, "utf-16-le", "utf-16-be")):
        units = len(content) // width
        if len(content) % width or not units:
            continue
        # Western text in UTF-16 has zeros at one byte of two, in UTF-32 at three bytes of four; a few
        # letters end in a zero byte of their own (U+0100, U+2000).
        zeros = [content[place::width].count(0) > 0.5 * units for place in range(width)]
        if zeros == [False] + [True] * (width - 1):
            return little
        if zeros == [True] * (width - 1) + [False]:
            return big
    return None


def _mostly_utf8(content: bytes) -> bool:
    """Whether a damaged byte or two is all that keeps the content from being UTF-8."""
    text = content.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    good = sum(character > "\x7f" for character in text) - damaged
    return good > 3 * damaged


def _detected(content: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(content[: 2**18]).best()
    return best.encoding if best is not None else None


def _looks_binary(text: str) -> bool:
    return "\0" in text or len(_ODD_CONTROL.findall(text)) > 0.02 * len(text)
