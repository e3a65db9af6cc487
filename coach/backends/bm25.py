"""Keyword scores: built by bm25s, looked up in its saved arrays."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import Stemmer
from numpy.typing import NDArray

K1, B, METHOD = 1.5, 0.75, "lucene"  # the defaults of bm25s and of Lucene's formula (Kamphuis et al. 2020)

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# NLTK's English stop words, with their contractions.
_STOP_WORDS_TEXT = """
i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself yourselves he
him his himself she she's her hers herself it it's its itself they them their theirs themselves what
which who whom this that that'll these those am is are was were be been being have has had having do
does did doing a an the and but if or because as until while of at by for with about against between
into through during before after above below to from up down in out on off over under again further then
once here there when where why how all any both each few more most other some such no nor not only own
same so than too very s t can will just don don't should should've now d ll m o re ve y ain aren aren't
couldn couldn't didn didn't doesn doesn't hadn hadn't hasn hasn't haven haven't isn isn't ma mightn
mightn't mustn mustn't needn needn't shan shan't shouldn shouldn't wasn wasn't weren weren't won won't
wouldn wouldn't
"""
_STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())


def keywords(text: str) -> list[str]:
    """The stems of the words of `text`, stop words left out, in order and with repeats."""
    words = [word for word in _WORD.findall(text.lower().replace("’", "'")) if word not in _STOP_WORDS]
    # Made anew each time: a Stemmer must not be shared between threads.
    stems: list[str] = Stemmer.Stemmer("english").stemWords(words)
    return stems


def build_keyword_index(texts: Sequence[str], folder: Path) -> None:
    """Write the BM25 index of `texts` into `folder`, as bm25s saves it."""
    import bm25s  # imports scipy: a second that only ingest pays

    stems = [keywords(text) for text in texts]
    vocabulary = {stem: number for number, stem in enumerate(sorted({stem for row in stems for stem in row}))}
    if not vocabulary:  # a corpus of punctuation: bm25s divides by the average length
        vocabulary, stems[0] = {"": 0}, [""]
    retriever = bm25s.BM25(k1=K1, b=B, method=METHOD)
    rows = [[vocabulary[stem] for stem in row] for row in stems]
    retriever.index((rows, vocabulary), show_progress=False)
    retriever.save(folder, show_progress=False)


class KeywordIndex:
    """The arrays that `build_keyword_index` saved, memory-mapped.

    bm25s stores every score it can ever need as a compressed sparse column matrix; a query is the sum
    of a few columns. The sum is made here, because importing bm25s imports scipy and that alone takes a
    third of the time to a first answer. A test holds the sums equal to bm25s's own.
    """

    def __init__(self, folder: Path) -> None:
        """Open `folder`. Raises OSError or ValueError where a file is missing or broken."""
        self._scores = _mapped(folder / "data.csc.index.npy")
        self._rows = _mapped(folder / "indices.csc.index.npy")
        self._starts: list[int] = _mapped(folder / "indptr.csc.index.npy").tolist()
        self._columns: dict[str, int] = json.loads((folder / "vocab.index.json").read_text("utf-8"))
        parameters = json.loads((folder / "params.index.json").read_text("utf-8"))
        self._length = int(parameters["num_docs"])

    def scores(self, words: str) -> NDArray[np.float32]:
        """The BM25 score of every text for `words`."""
        scores = np.zeros(self._length, dtype=np.float32)
        for stem in keywords(words):
            column = self._columns.get(stem)
            if column is not None:
                first, last = self._starts[column], self._starts[column + 1]
                scores[self._rows[first:last]] += self._scores[first:last]  # no row twice in a column
        return scores


def _mapped(path: Path) -> NDArray[Any]:
    # The plain view spares the bookkeeping that np.memmap does on every slice.
    array: NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
    return array
