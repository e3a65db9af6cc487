"""Make a stranger's text plain: one way to write each letter, and nothing that hides or steers."""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls but tab and line feed; zero-width and bidirectional controls that hide text (Trojan Source,
# CVE-2021-42574); tag characters and variation selectors, which can carry a whole message nobody sees.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff"
    "\U000e0000-\U000e01ef]"
)
# Of those, the ones that have no width: between two letters of a word they are no gap.
_WIDTHLESS = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e01ef]")


def plain_text(text: str, *, join: bool = False) -> str:
    """`text` in NFC without control characters and outer white space; each leaves a space behind.

    With `join`, a character without width leaves nothing, so that a word it was hidden in is whole again.
    """
    text = text.replace("\r\n", "\n")
    if join:
        text = _WIDTHLESS.sub("", text.replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n"))
    plain = unicodedata.normalize("NFC", _CONTROL.sub(" ", text)).strip()
    return plain.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be stored or sent
