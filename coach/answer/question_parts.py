"""Take a question that asks two things apart, so that each is answered, or refused, for itself."""

from __future__ import annotations

import re

from coach.text.words import content_words

MAX_PARTS = 3
_ASKS = r"(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|should|will|would)"
# "..., and how many interviews ..."; "... process last and what is the dress code?"
_JOINED = re.compile(
    rf"[,;]?\s+(?:and|but|plus|also)(?:\s+(?:also|then|if so))?,?\s+(?={_ASKS}\b)", re.IGNORECASE
)
_ENDED = re.compile(r"(?<=\?)\s+")
# An auxiliary after "and" opens a question only with its subject: "and is it paid", not "find and can prove".
_BARE_AUXILIARY = re.compile(
    r"^(?:is|are|was|were|do|does|did|can|could|should|will|would)\s+(?!(?:i|you|we|they|he|she|it|there|the|a|an|my|that|this)\b)",
    re.IGNORECASE,
)
_OPENS_A_QUESTION = re.compile(rf"^\W*(?:\w+\W+){{0,3}}?{_ASKS}\b", re.IGNORECASE)


def question_parts(question: str) -> tuple[str, ...]:
    """The questions within `question`, at most MAX_PARTS, in order; itself alone where it asks one thing.

    Each part asks something by itself: at least one word of content, and a question word to begin with.
    """
    parts: list[str] = []
    for sentence in _ENDED.split(question.strip()):
        parts.extend(_joined(sentence))
    if not 2 <= len(parts) <= MAX_PARTS or not all(map(_asks, parts)):
        return (question,)
    return tuple(map(_written_out, parts))


def _written_out(part: str) -> str:
    ended = part if part.endswith("?") else f"{part.rstrip(' ,;.')}?"
    return ended[:1].upper() + ended[1:]


def _joined(sentence: str) -> list[str]:
    found: list[str] = []
    start = 0
    for match in _JOINED.finditer(sentence):
        rest = sentence[match.end() :]
        if _asks(sentence[start : match.start()]) and not _BARE_AUXILIARY.match(rest):
            found.append(sentence[start : match.start()])
            start = match.end()
    return [*found, sentence[start:]]


def _asks(part: str) -> bool:
    return bool(_OPENS_A_QUESTION.match(part)) and bool(content_words(part))
