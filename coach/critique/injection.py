"""Tell a sentence that speaks to the judge (orders, pleas, praise, verdicts of its own) from one that answers.

A draft on AI products talks of prompts, instructions, graders and scores all the time, so no word decides: a logistic regression over
the sentence's vector and its words does. `bench/fit/injection.py` fitted it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np

from coach.protocols import Embedder, Vectors

MODEL_FILE = "injection_model.json"
_LOOK_ALIKES = str.maketrans(
    "асеіорхуԁһјѕАСЕІОРХУВМНТαεικορυχ", "aceiopxydhjsACEIOPXYBMHTaeikopux"
)  # Cyrillic, Greek
_HASHES = 2**11  # of words and pairs
_WORD = re.compile(r"\w+")
_WORTH_KEEPING = 8  # words
_QUOTATION = re.compile('["“„«][^"“”„«»]*["”“»]')
_CLAUSE_END = re.compile(r"[,;()–—]\s+|\s[-–—]\s|\n")


def addressed_to_judge(sentences: Sequence[str], embedder: Embedder) -> list[list[tuple[int, int]]]:
    """For each sentence the (start, end) of what speaks to whoever judges the draft: of all of it, of some clauses, or nothing.

    With another embedding model than the one it was fitted on it finds nothing, and the judge has to withstand it alone.
    """
    fitted = _model()
    if not sentences or embedder.name.partition("@")[0] != fitted["embedder"]:
        return [[] for _ in sentences]
    places = [clauses(sentence) for sentence in sentences]
    parts = [
        sentence[start:end] for sentence, spans in zip(sentences, places, strict=True) for start, end in spans
    ]
    scores = iter(signals([*sentences, *parts], embedder) @ np.array(fitted["weights"]) + fitted["intercept"])
    whole = [next(scores) > fitted["sentence_above"] for _ in sentences]
    return [
        _spans(sentence, whole[place], [span for span in spans if next(scores) > fitted["clause_above"]])
        for place, (sentence, spans) in enumerate(zip(sentences, places, strict=True))
    ]


def clauses(sentence: str) -> list[tuple[int, int]]:
    """(start, end) of its clauses, quotations left whole; none where it is but one."""
    quoted = [match.span() for match in _QUOTATION.finditer(sentence)]
    ends = [
        match.end()
        for match in _CLAUSE_END.finditer(sentence)
        if not any(first < match.start() < last for first, last in quoted)
    ]
    return list(pairwise([0, *ends, len(sentence)])) if ends else []


def _spans(sentence: str, whole: bool, parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The clauses, where what is left is worth reading; else the whole sentence."""
    left = len(sentence.split()) - sum(len(sentence[start:end].split()) for start, end in parts)
    if parts and left >= _WORTH_KEEPING:
        return parts
    return [(0, len(sentence))] if whole or parts else []


def signals(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """What is weighed, a row for each text: its vector, and its words and pairs of words, hashed to a fixed width."""
    plain = [plainly_lettered(text) for text in texts]
    hashed = np.zeros((len(texts), _HASHES), dtype=np.float32)
    for row, text in zip(hashed, plain, strict=True):
        words = _WORD.findall(text.lower())
        for gram in (*words, *map(" ".join, pairwise(words))):
            row[crc32(gram.encode()) % _HASHES] += 1
        row[:] /= max(1.0, float(np.linalg.norm(row)))
    return np.hstack([embedder.embed(plain), hashed])


def plainly_lettered(text: str) -> str:
    """`text` with letters of other scripts that look like Latin ones written as those."""
    return unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)


@cache
def _model() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        files("coach").joinpath("critique", MODEL_FILE).read_text(encoding="utf-8")
    )
    return found
