"""Find what is no sentence: code, fake chat tags, hidden comments, keyboard mash, bare lists of keywords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coach.text.words import STOP_WORDS

_COMMENT = re.compile(r"<!--.*?(?:-->|(?=\n[ \t]*\n)|\Z)", re.DOTALL)
_CHAT_TAG = re.compile(
    r"<\|[^|<>\n]{0,40}\|>(?:[ \t]*(?:system|user|assistant|human|developer)\b:?)?"
    r"|\[/?(?:INST|SYS|SYSTEM|ASSISTANT|USER)\]|<</?SYS>>|</?s>"
    r"|</?(?:system|assistant|user|human|instructions?|prompt|judge|verdict|draft|answer|candidate_answer|criterion|rubric|"
    r"question|im_start|im_end|eos|bos)(?:[ _-]\w+)?/?>"
    r"|<(?:start|end)_of_turn>(?:[ \t]*(?:user|model))?"
    r"|^[ \t]*#{2,3}[ \t]*(?:System|Instruction|Response|Assistant|Human|User|End of (?:draft|answer))s?[ \t]*:?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# A turn that a fake tag opens as the system's or the assistant's own, up to the tag that closes it.
_FAKE_TURN = re.compile(
    r"<\|im_start\|>[ \t]*(?:system|assistant|developer)\b.*?(?:<\|im_end\|>|(?=\n[ \t]*\n)|\Z)"
    r"|<\|start_header_id\|>[ \t]*(?:system|assistant)[ \t]*<\|end_header_id\|>.*?(?:<\|eot_id\|>|(?=\n[ \t]*\n\S)|\Z)"
    r"|<<SYS>>.*?<</SYS>>|\[INST\].*?\[/INST\]|<(system|instructions?|prompt|judge|verdict)>.*?</\1>"
    r"|<\|(?:system|assistant)\|>.*?(?=<\||\n[ \t]*\n|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_CODE_LINE = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+\w+\s*\(.*|class\s+\w+.*:\s*$|from\s+[\w.]+\s+import\s.*|import\s+[\w.]+(?:\s+as\s+\w+)?(?:,\s*\w+)*;?\s*$"
    r"|@\w[\w.]*(?:\(.*\))?\s*$|return\b[^.?!]*;?\s*$|(?:el)?if\b.*:\s*$|else\s*:\s*$|for\s+\w+(?:,\s*\w+)*\s+in\s+.*:\s*$|while\b.*:\s*$|try\s*:\s*$"
    r"|except\b.*:\s*$|with\s+.*:\s*$|(?:const|let|var|public|private|static|function|func|fn)\s+\w+.*[;{(=].*|.*[;{}]\s*$|[})\]]+[;,]?\s*$"
    r"|[\w.\[\]\"']+\s*(?:[-+*/|]?=|:=)\s*[\w\[({\"'].*|print\s*\(.*|[\w.]+\([^)]*\)\s*;?\s*$|//.*|\#include.*|#!/.*|\$\s\w+.*|\"\"\".*|.*\"\"\"\s*$"
    r"|(?:SELECT|INSERT|UPDATE|DELETE|FROM|(?:(?:LEFT|RIGHT|INNER|OUTER|CROSS) )?JOIN|WHERE|GROUP BY|ORDER BY|HAVING|LIMIT|CREATE|ALTER|DROP|WITH|VALUES|UNION|AND|ON|SET)\b.*)$"
)
_CODE_FOR_SURE = re.compile(
    r"^\s*(?:(?:async )?def \w+\(.*\).*:\s*$|SELECT\s.+\sFROM\s.+|INSERT INTO\s.+|UPDATE\s\w+\sSET\s.+|DELETE FROM\s.+"
    r"|CREATE (?:TABLE|VIEW|INDEX)\s.+|#include\s*<.+|.*\)\s*(?:=>)?\s*\{\s*$)"
)

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TOKEN = re.compile(r"\S+")
_ENCODED = re.compile(
    r"(?=\S*[A-Z])(?=\S*[a-z])(?=\S*\d)[A-Za-z0-9+/_-]{24,}={0,2}|[A-Za-z0-9+/]{40,}={0,2}|(?:[0-9a-f]{2}[ :]?){16,}"
)
_MASH = re.compile(
    r"(.)\1{3,}|[bcdfghjklmnpqrstvwxz]{6,}|^[bcdfghjklmnpqrstvwxz]{4,}$|asdf|sdfg|dfgh|fghj|ghjk|hjkl|qwer|wert(?!e)|ertyu|tyui|yuio|zxcv|xcvb|cvbn|vbnm|lkjh|kjhg|fdsa|poiu|"
    r"q[^u\W]|[jvwxz]q|[jq][bcdfghjklmnpqrstvwxz]|[bcdfghjklmnpqrstvwxz][jx][bcdfghjklmnpqrstvwxz]|wx|zx|xz|vb|vk|kq|pq|fq|gx|hx"
)
_SEPARATOR = re.compile(r"\s*(?:[,;|•·\n&+]|\s[-–—]\s|\band\b)\s*")
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)


def wordless_regions(text: str) -> list[tuple[int, int, str]]:
    """(start, end, what) of the stretches that are "hidden", "tag" or "code", in order, never overlapping."""
    found = [(match.start(), match.end(), "hidden") for match in _COMMENT.finditer(text)]
    found += [(match.start(), match.end(), "tag") for match in _FAKE_TURN.finditer(text)]
    found += [(match.start(), match.end(), "tag") for match in _CHAT_TAG.finditer(text)]
    found += [(match.start(), match.end(), "code") for match in _FENCE.finditer(text)]
    found += [(start, end, "code") for start, end in _code_blocks(text)]
    regions: list[tuple[int, int, str]] = []
    for start, end, what in sorted(found, key=lambda region: (region[0], -region[1])):
        first = max(start, regions[-1][1]) if regions else start
        if first < end:
            regions.append((first, end, what))
    return regions


def _code_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Two or more lines of code in a row, or one line that is nothing else."""
    block: list[tuple[int, int, bool]] = []
    for line in re.finditer(r"[^\n]*(?:\n|\Z)", text):
        code, sure = _reads_as_code(line.group(), inside=bool(block))
        if code:
            block.append((line.start(), line.end(), sure))
        elif line.group().strip() or not block:
            yield from _whole_block(block)
            block = []
    yield from _whole_block(block)


def _reads_as_code(line: str, *, inside: bool) -> tuple[bool, bool]:
    if len(line) > 400 or not line.strip():
        return False, False
    if _CODE_FOR_SURE.match(line):
        return True, True
    if _CODE_LINE.match(line) and not _reads_as_prose(line):
        return True, False
    indented = inside and line[:1] in " \t" and not _reads_as_prose(line)
    return indented and re.search(r"[=(){}\[\]<>;]|^\s*#", line) is not None, False


def _reads_as_prose(line: str) -> bool:
    if re.search(r"[<>=;{}]|\w\(\)", line):
        return False
    words = [word.lower() for word in _WORD.findall(line)]
    closed = sum(word in STOP_WORDS for word in words)
    return len(words) >= 6 and closed / len(words) >= 0.3 and not _CODE_FOR_SURE.match(line)


def _whole_block(block: list[tuple[int, int, bool]]) -> Iterator[tuple[int, int]]:
    if len(block) > 1 or any(sure for _start, _end, sure in block):
        yield block[0][0], block[-1][1]


def is_mash(sentence: str) -> bool:
    """Whether most of `sentence` is no word of any language: keyboard mash, a hash, an encoded message."""
    tokens = _TOKEN.findall(sentence)
    letters = [token for token in tokens if _LATIN.search(token)]
    if not letters:
        return False
    if len(letters) >= 8 and sum(len(token) == 1 for token in letters) > 0.7 * len(letters):
        return True  # l e t t e r s  a p a r t
    bad = sum(len(token) for token in letters if _is_mashed(token))
    return bad > 0.5 * sum(map(len, letters))


def _is_mashed(token: str) -> bool:
    if _ENCODED.search(token):
        return True
    word = token.strip(".,;:!?()[]\"'“”‘’*_")
    if not word.isascii() or not word.isalpha() or not word.islower() or len(word) < 4:
        return False  # names, acronyms, addresses and words with digits are nobody's mash
    return _MASH.search(word.lower()) is not None


def is_word_list(sentence: str) -> bool:
    """Whether `sentence` is a list of six or more bare terms that says nothing about any of them.

    A number, or function words between the terms ("errors on refunds"), make it more than that.
    """
    if re.search(r"\d", sentence):
        return False
    body = sentence.rpartition(":")[2] if sentence.count(":") == 1 else sentence
    words = _WORD.findall(body)
    closed = sum(word.lower() in STOP_WORDS and word.lower() != "and" for word in words)
    if len(words) < 6 or closed > 0.08 * len(words) or not body.isascii():
        return False
    terms = [term for term in _SEPARATOR.split(body) if term.strip(" .!?")]
    if len(terms) >= 6:
        return len(words) <= 2.5 * len(terms)
    return closed <= 0.04 * len(words) and len(words) >= 10 and len(terms) <= 2 and not _has_verb(words)


def is_bare_term(sentence: str) -> bool:
    """Whether `sentence` is a term of one to three words without a function word or a number: "Vector database"."""
    words = _WORD.findall(sentence)
    return (
        1 <= len(words) <= 3
        and not re.search(r"\d|:\s*$", sentence)
        and not any(word.lower() in STOP_WORDS for word in words)
        and not _has_verb(words[1:])
    )


def _has_verb(words: list[str]) -> bool:
    """A guess from the ending, for sentences without any function word ("Launched pilots, doubled retention")."""
    return any(re.search(r"..(?:ed|i[sz]es?)$", word.lower()) for word in words)
