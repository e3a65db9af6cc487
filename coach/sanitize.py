"""Make a stranger's text safe to work with: limits and control characters."""

from __future__ import annotations

import re
import unicodedata

from coach.errors import UsageError

# C0 and C1 controls but tab and line feed; zero-width and bidirectional controls that hide text (Trojan Source, CVE-2021-42574)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]"
)


def clean_question(text: str, limit: int) -> str:
    """`text` in NFC without control characters and outer white space.

    Raises UsageError when nothing is left or more than `limit` characters remain.
    """
    if len(text) > 10 * limit:
        raise _too_long(len(text), limit)
    plain = unicodedata.normalize("NFC", _CONTROL.sub(" ", text.replace("\r\n", "\n"))).strip()
    plain = plain.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be stored or sent
    if not plain:
        raise UsageError(
            'The question is empty: type one, for example `coach ask "How many rounds are typical?"`.'
        )
    if len(plain) > limit:
        raise _too_long(len(plain), limit)
    return plain


def _too_long(length: int, limit: int) -> UsageError:
    return UsageError(
        f"The question has {length:,} characters and the coach reads {limit:,}: shorten it, or put the text "
        "in a file and run `coach ingest FILE`, then ask about it."
    )
