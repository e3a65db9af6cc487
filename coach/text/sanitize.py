"""Make a stranger's text safe to work with: limits and control characters."""

from __future__ import annotations

from coach.errors import UsageError
from coach.text.plain_text import plain_text


def clean_question(text: str, limit: int) -> str:
    """`text` in NFC without control characters and outer white space.

    Raises UsageError when nothing is left or more than `limit` characters remain.
    """
    if len(text) > 10 * limit:
        raise _too_long(len(text), limit)
    plain = plain_text(text)
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
