"""Cut a document into chunks that follow its structure and fit the embedder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from coach.text.sentences import split_sentences
from coach.types import Chunk, Document, Section
from ingest.readers.markdown import fence_after

CountTokens = Callable[[Sequence[str]], list[int]]

SPLIT_VERSION = 3  # raise it whenever chunks, embedding texts or sentences are cut differently

# BERT's word pieces take a run of more than 100 letters for one unknown word: without a bound in
# characters a file of base64 would become one endless chunk. English has 4 to 5 characters a piece.
_CHARACTERS_PER_TOKEN = 16
_LINE = re.compile(r"[^\n]*(?:\n|\Z)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_LIST_LINE = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
_VERDICT = re.compile(r"[^\w\n]*(bad|good)\b[^\n:]{0,24}:", re.IGNORECASE)
# Where a sentence that is too long may be cut, best place first.
_SEPARATORS = ["\n", "。", "; ", ", ", "，", " ", ""]

# What a cut before a piece costs: nothing between paragraphs and list lines, more inside them.
_BETWEEN_BLOCKS, _BETWEEN_SENTENCES, _INSIDE_SENTENCE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never cut again. `size` is in tokens."""

    start: int
    end: int
    size: int
    cut_cost: int


def split_document(document: Document, count_tokens: CountTokens, max_tokens: int) -> list[Chunk]:
    """The chunks of `document`, in order; `document.text[chunk.start:chunk.end] == chunk.text`.

    Each lies within one section; `embedding_text` of each has at most `max_tokens` tokens, counted by
    `count_tokens` with the special tokens included. Every character that is neither white space nor part
    of a heading line lies in exactly one chunk. A heading path that would take more than half the
    tokens is shortened from the left.
    """
    special = count_tokens([""])[0]
    sections = _shorten_paths(list(document.sections), count_tokens, (max_tokens - special) // 2)
    room = _room(sections, count_tokens, max_tokens)
    spans: list[tuple[Section, int, int]] = []
    while sections:
        cut = _cut(document.text, sections, room, special, count_tokens)
        sections, room, fitting = _too_long(document.text, cut, room, count_tokens, max_tokens)
        spans += fitting
    spans.sort(key=lambda span: span[1])
    return [
        _chunk(document, position, section.headings, start, end)
        for position, (section, start, end) in enumerate(spans)
    ]


def embedding_text(chunk: Chunk) -> str:
    """What is embedded for a chunk: its heading path, then its text."""
    return _with_path(chunk.headings, chunk.text)


def _shorten_paths(sections: list[Section], count_tokens: CountTokens, limit: int) -> list[Section]:
    special = count_tokens([""])[0]
    paths = sorted({section.headings for section in sections})
    sizes = _sizes([_with_path(path, "") for path in paths], count_tokens, special)
    short = {
        path: path if size <= limit else _shorten(path, count_tokens, special, limit)
        for path, size in zip(paths, sizes, strict=True)
    }
    return [Section(short[section.headings], section.start, section.end) for section in sections]


def _shorten(path: tuple[str, ...], count_tokens: CountTokens, special: int, limit: int) -> tuple[str, ...]:
    """The longest end of the path that fits, in whole headings, else in words, else in characters."""
    last = path[-1]
    words = last.split()[-limit:]
    candidates = [path[first:] for first in range(1, len(path))]
    candidates += [("… " + " ".join(words[first:]),) for first in range(1, len(words))]
    candidates += [("… " + last[-length:],) for length in (limit // 2, limit // 4, limit // 8) if length]
    sizes = _sizes([_with_path(candidate, "") for candidate in candidates], count_tokens, special)
    fitting = (path for path, size in zip(candidates, sizes, strict=True) if size <= limit)
    return next(fitting, ())


def _room(sections: list[Section], count_tokens: CountTokens, max_tokens: int) -> dict[tuple[str, ...], int]:
    """Tokens that each heading path leaves for the text of a chunk."""
    paths = sorted({section.headings for section in sections})
    counts = count_tokens([_with_path(path, "") for path in paths])
    return {path: max(1, max_tokens - count) for path, count in zip(paths, counts, strict=True)}


def _cut(
    text: str,
    sections: list[Section],
    room: dict[tuple[str, ...], int],
    special: int,
    count_tokens: CountTokens,
) -> list[tuple[Section, int, int]]:
    blocks = [(section, *block) for section in sections for block in _blocks(text, section)]
    sizes = _sizes([text[start:end] for _, start, end in blocks], count_tokens, special)
    pieces = _split_long_blocks(text, list(zip(blocks, sizes, strict=True)), room, special, count_tokens)
    spans = []
    for section, group in groupby(pieces, key=lambda pair: pair[0]):
        together = _keep_pairs(text, [piece for _, piece in group], room[section.headings])
        spans += [(section, start, end) for start, end in _pack(together, room[section.headings])]
    return spans


def _blocks(text: str, section: Section) -> Iterator[tuple[int, int]]:
    """Paragraphs, list lines with their continuation, and fenced code, without outer white space."""
    fence = ""
    start = stop = section.start
    for line in _LINE.finditer(text, section.start, section.end):
        fenced = _FENCE.match(line.group())
        was_open = bool(fence)
        if fenced:
            fence = fence_after(fence, fenced.group(1), fenced.group(2).rstrip("\n"))
        blank = not line.group().strip()
        begins = not was_open and (blank or bool(fence) or _LIST_LINE.match(line.group()) is not None)
        if begins:
            yield from _trimmed(text, start, stop)
            start = line.start()
        stop = line.end()
        if was_open and not fence:
            yield from _trimmed(text, start, stop)
            start = stop
    yield from _trimmed(text, start, stop)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    inner = text[start:end]
    bare = inner.strip()
    if bare:
        start += len(inner) - len(inner.lstrip())
        yield start, start + len(bare)


def _split_long_blocks(
    text: str,
    blocks: list[tuple[tuple[Section, int, int], int]],
    room: dict[tuple[str, ...], int],
    special: int,
    count_tokens: CountTokens,
) -> list[tuple[Section, _Piece]]:
    """Blocks as they are where they fit, else their sentences, else parts of sentences."""
    spans = []
    for (section, start, end), size in blocks:
        if size <= room[section.headings]:
            spans.append((section, start, end, size, _BETWEEN_BLOCKS))
        else:
            sentences = _sentence_spans(text, start, end)
            spans += [(section, *span, -1, _BETWEEN_SENTENCES) for span in sentences]
    unknown = [text[start:end] for _, start, end, size, _ in spans if size < 0]
    counted = iter(_sizes(unknown, count_tokens, special))
    pieces = []
    for section, start, end, known, cost in spans:
        size = next(counted) if known < 0 else known
        if size <= room[section.headings]:
            pieces.append((section, _Piece(start, end, size, cost)))
        else:
            limit = room[section.headings]
            parts = _split_long_sentence(text, (start, end), limit, special, count_tokens)
            pieces += [(section, part) for part in parts]
    return pieces


def _sentence_spans(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The sentences of a block, list markers and all: together they cover it."""
    starts = [start + first for first, _ in split_sentences(text[start:end])] or [start]
    edges = [start, *starts[1:], end]
    return [span for first, last in pairwise(edges) for span in _trimmed(text, first, last)]


def _split_long_sentence(
    text: str, span: tuple[int, int], limit: int, special: int, count_tokens: CountTokens
) -> Iterator[_Piece]:
    # Imported here: it costs more than a second, and an ordinary document never needs it.
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    start, end = span
    sentence = text[start:end]
    words = sorted(set(sentence.split()))
    known = dict(zip(words, _sizes(words, count_tokens, special), strict=True))

    def size(part: str) -> int:
        """The sum over the words, each counted once, however often the splitter asks."""
        total = 0
        for word in part.split():
            if word not in known:
                known[word] = _sizes([word], count_tokens, special)[0]
            total += known[word]
        return max(total, -(-len(part) // _CHARACTERS_PER_TOKEN))

    splitter = RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        keep_separator="end",
        chunk_size=limit,
        chunk_overlap=0,
        length_function=size,
        add_start_index=True,
    )
    starts = [start + part.metadata["start_index"] for part in splitter.create_documents([sentence])]
    edges = [start, *starts[1:], end]
    for first, last in pairwise(edges):
        for piece_start, piece_end in _trimmed(text, first, last):
            yield _Piece(piece_start, piece_end, size(text[piece_start:piece_end]), _INSIDE_SENTENCE)


def _keep_pairs(text: str, pieces: list[_Piece], limit: int) -> list[_Piece]:
    """Join a BAD piece and the GOOD piece beside it into one, where both fit a chunk."""
    joined: list[_Piece] = []
    open_verdict = ""
    for piece in pieces:
        match = _VERDICT.match(text, piece.start, piece.end)
        verdict = match.group(1).lower() if match else ""
        fits = bool(joined) and joined[-1].size + piece.size <= limit
        if verdict and open_verdict and verdict != open_verdict and fits:
            first = joined[-1]
            joined[-1] = _Piece(first.start, piece.end, first.size + piece.size, first.cut_cost)
            open_verdict = ""
        else:
            joined.append(piece)
            open_verdict = verdict
    return joined


def _pack(pieces: list[_Piece], limit: int) -> list[tuple[int, int]]:
    """Neighbours together: as few chunks as fit, cut at the best places, as even in size as they can be."""
    # Least cost to have packed the first n pieces, and where its last chunk begins.
    best: list[tuple[int, int]] = [(0, 0)]
    for stop in range(1, len(pieces) + 1):
        size = 0
        options = []
        for first in range(stop - 1, -1, -1):
            size += pieces[first].size
            if size > limit and first < stop - 1:
                break
            cost = (1 << 80) + (pieces[first].cut_cost << 50 if first else 0) + size * size
            options.append((best[first][0] + cost, first))
        best.append(min(options))
    spans = []
    stop = len(pieces)
    while stop:
        first = best[stop][1]
        spans.append((pieces[first].start, pieces[stop - 1].end))
        stop = first
    return spans[::-1]


def _too_long(
    text: str,
    spans: list[tuple[Section, int, int]],
    room: dict[tuple[str, ...], int],
    count_tokens: CountTokens,
    max_tokens: int,
) -> tuple[list[Section], dict[tuple[str, ...], int], list[tuple[Section, int, int]]]:
    """The sections to cut again with less room, and the spans that fit.

    Word pieces of neighbours add up exactly for MiniLM; for other tokenizers nearly, so the final
    texts are counted once more.
    """
    counts = count_tokens([_with_path(section.headings, text[start:end]) for section, start, end in spans])
    excess: dict[Section, int] = {}
    for (section, start, end), count in zip(spans, counts, strict=True):
        if count > max_tokens and end - start > 1:
            excess[section] = max(excess.get(section, 0), count - max_tokens)
    smaller = dict(room)
    for section, tokens in excess.items():
        least = max(1, room[section.headings] - tokens)
        smaller[section.headings] = min(smaller[section.headings], least)
    exhausted = {section for section in excess if smaller[section.headings] == room[section.headings]}
    again = [section for section in excess if section not in exhausted]
    return again, smaller, [span for span in spans if span[0] not in again]


def _sizes(texts: Sequence[str], count_tokens: CountTokens, special: int) -> list[int]:
    if not texts:
        return []
    return [
        max(count - special, -(-len(text) // _CHARACTERS_PER_TOKEN))
        for text, count in zip(texts, count_tokens(texts), strict=True)
    ]


def _with_path(headings: tuple[str, ...], text: str) -> str:
    return "\n".join([" > ".join(headings), text]) if headings else text


def _chunk(document: Document, position: int, headings: tuple[str, ...], start: int, end: int) -> Chunk:
    # The path is part of the identity: the same span under a shortened path is embedded differently.
    identity = "\x1f".join([document.id, str(start), str(end), *headings])
    name = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    text = document.text[start:end]
    return Chunk(name, document.id, position, headings, text, start, end, tuple(split_sentences(text)))
