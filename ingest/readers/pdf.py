"""Read PDF files page by page: paragraphs from the gaps between lines, headings from their size and weight."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from ingest.readers.blocks import LIST_MARK, Block, joined
from ingest.readers.contents import ENCRYPTED, Contents, UnreadableError

_SCANNED = (
    "holds no text, so it may be scanned; make its text searchable (OCR), then run `coach ingest` again"
)
_DAMAGED = "damaged; open it in a PDF reader, print it to a new PDF, then run `coach ingest`"
_SHAPES = "holds the shapes of letters but not which letters they are; make its text searchable (OCR), then run `coach ingest` again"
_NO_TEXT, _GARBLED = "no text: scanned?", "letters that cannot be told from their shapes"
MAX_PAGES = 5_000

_BROKEN_WORD = "\ufffe"  # PDFium's mark for a word that was divided at the end of a line
_BULLET = re.compile(r"\A[●•◦▪■‣⁃∙·–-]\s+(?=\S)")
_SENTENCE_END = re.compile(r"""[.!?:;…]["'”’)\]]*$""")
_DIGITS = re.compile(r"\d+")
# A line this much larger than most of the text is a heading; a paragraph begins after a gap this much wider than most; lines
# whose feet are apart by less than this share of their height are one; one shorter than this share of a wide line ends a
# paragraph.
_LARGER, _WIDER, _SAME_LINE, _SHORT = 1.15, 1.35, 0.45, 0.6
_BOLD = re.compile(rb"bold|black|heavy|demi|cmbx", re.IGNORECASE)
_FONT_NAME_BYTES = 128
_HEADING_CHARACTERS = 120
_LEVELS = 4
_PAGES_WITH_FURNITURE = 3  # from so many pages on, what stands at the edge of half of them is a running title


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a page: its text, the size of its letters, whether they are bold, where its beginning and its end stand,
    from the bottom of the page, its width, and whether the font says nowhere which letters its shapes are."""

    text: str
    page: int
    size: float = 0.0
    bold: bool = False
    bottom: float = 0.0
    end: float = 0.0
    width: float = 0.0
    garbled: bool = False


def read(content: bytes) -> Contents:
    """The text of a PDF with its pages. Raises UnreadableError for one with a password, without text or damaged."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY)
        raise UnreadableError(ENCRYPTED if locked else _DAMAGED) from error
    count = len(pdf)
    if count > MAX_PAGES:
        raise UnreadableError(
            f"has {count:,} pages; split it into parts of at most {MAX_PAGES:,}, then run `coach ingest`"
        )
    pages: list[list[_Line]] = []
    troubles: dict[int, str] = {}
    for number in range(1, count + 1):
        try:
            lines = _lines(pdf[number - 1], number)
            trouble = _trouble(lines)
        except pypdfium2.PdfiumError:
            lines, trouble = [], "no readable content: damaged"
        pages.append([] if trouble else lines)
        troubles |= {number: trouble} if trouble else {}
    if not any(pages):
        raise UnreadableError(_why_nothing(troubles.values()))
    title = (pdf.get_metadata_dict().get("Title") or "").strip()
    blocks = list(_blocks([line for lines in _without_furniture(pages) for line in lines]))
    named = next((block.text for block in blocks if block.level == 1), title)
    return joined(blocks, title=" ".join(named.split()), pages=count, warnings=_warnings(troubles))


def _lines(page: Any, number: int) -> list[_Line]:
    """The lines of a page in reading order; what PDFium tells apart on one line (a raised figure, a cell) is one line here."""
    found = page.get_textpage()
    text: str = found.get_text_range()
    lines: list[_Line] = []
    start = 0
    for written in text.split("\r\n"):
        bare = written.strip()
        if bare:
            first = start + written.index(bare[0])
            line = _line(found, bare, number, first, first + len(bare) - 1)
            if lines and abs(line.bottom - lines[-1].end) < _SAME_LINE * max(line.size, lines[-1].size):
                before = lines.pop()
                line = replace(
                    before,
                    text=f"{before.text} {bare}",
                    bold=before.bold and line.bold,
                    end=line.end,
                    width=before.width + line.width,
                )
            lines.append(line)
        start += len(written) + 2
    return lines


def _line(found: Any, text: str, page: int, first: int, last: int) -> _Line:
    """A line from the first and the last of its letters, counted in the text of the page."""
    from pypdfium2 import raw

    places = [raw.FPDFText_GetCharIndexFromTextIndex(found, at) for at in (first, last)]
    boxes = [_box(found, place) for place in places]
    name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
    bold = True
    for place in places:
        raw.FPDFText_GetFontInfo(found, place, name, _FONT_NAME_BYTES, ctypes.c_int())
        bold = bold and _BOLD.search(name.value) is not None
    garbled = all(raw.FPDFText_HasUnicodeMapError(found, place) == 1 for place in places)
    size = max(round(abs(box.top - box.bottom)) for box in boxes)
    return _Line(
        text, page, size, bold, boxes[0].bottom, boxes[1].bottom, boxes[1].right - boxes[0].left, garbled
    )


def _box(found: Any, place: int) -> Any:
    from pypdfium2 import raw

    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(found, place, ctypes.byref(box))
    return box


def _without_furniture(pages: Sequence[list[_Line]]) -> Sequence[list[_Line]]:
    """The pages without running titles and page numbers: what stands first or last on at least half of them, figures aside."""
    edges = Counter(edge for lines in pages for edge in {_alike(line) for line in (*lines[:1], *lines[-1:])})
    enough = max(_PAGES_WITH_FURNITURE, len(pages) / 2)
    running = {edge for edge, count in edges.items() if count >= enough}
    kept = [
        [
            line
            for place, line in enumerate(lines)
            if _alike(line) not in running or place not in (0, len(lines) - 1)
        ]
        for lines in pages
    ]
    return kept if any(kept) else pages


def _alike(line: _Line) -> str:
    return _DIGITS.sub("#", line.text)


def _blocks(lines: Sequence[_Line]) -> Iterator[Block]:
    letters: Counter[tuple[float, bool]] = Counter()
    for line in lines:
        letters[line.size, line.bold] += len(line.text)
    usual = letters.most_common(1)[0][0]
    groups = list(_paragraphs(lines))
    looks = {(group[0].size, group[0].bold) for group in groups if _is_heading(group, *usual)}
    levels = {look: min(place, _LEVELS) for place, look in enumerate(sorted(looks, reverse=True), 1)}
    before = _Line("", 0)
    for group in groups:
        text = (
            "\n".join(line.text for line in group).replace(f"{_BROKEN_WORD}\n", "").replace(_BROKEN_WORD, "")
        )
        level = levels[group[0].size, group[0].bold] if _is_heading(group, *usual) else 0
        yield Block(_BULLET.sub(LIST_MARK, text), level, group[0].page, _goes_on(before, group[0]))
        before = group[-1]


def _paragraphs(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Neighbouring lines of one page that look alike and stand as close as most lines do."""
    drops = [first.end - second.bottom for first, second in pairwise(lines) if first.page == second.page]
    usual = median([drop for drop in drops if drop > 1] or [0])
    body = median(line.size for line in lines) or 1.0
    wide = sorted(line.width for line in lines)[len(lines) * 4 // 5]
    group: list[_Line] = []
    for line in lines:
        if group and _begins(group[-1], line, usual * max(1.0, line.size / body), wide):
            yield group
            group = []
        group.append(line)
    yield group


def _begins(before: _Line, line: _Line, usual: float, wide: float) -> bool:
    if before.page != line.page or _BULLET.match(line.text):
        return True
    if max(before.size, line.size) >= _LARGER * min(before.size, line.size) or before.bold != line.bold:
        return True
    if before.width < _SHORT * wide and line.text[0].isupper():
        return True
    drop = before.end - line.bottom
    next_column = drop < -usual
    return not _goes_on(before, line) if next_column else drop > _WIDER * usual


def _goes_on(before: _Line, line: _Line) -> bool:
    """Whether a sentence runs from the end of one page or column over to the next."""
    apart = before.page != line.page or before.end < line.bottom
    return apart and line.text[0].islower() and bool(before.text) and not _SENTENCE_END.search(before.text)


def _is_heading(group: Sequence[_Line], size: float, bold: bool) -> bool:
    """Whether a paragraph is a heading: short, no sentence, and larger or bolder than most of the text."""
    text = " ".join(line.text for line in group)
    first = group[0]
    marked = first.size >= size * _LARGER or (first.size >= size and first.bold and not bold)
    words = any(character.isalpha() for character in text)
    short = len(text) <= _HEADING_CHARACTERS and not text.endswith((".", ",", ";"))
    return marked and words and short and not _BULLET.match(text)


def _trouble(lines: Sequence[_Line]) -> str:
    """Why a page cannot be read, after "holds"; empty where it can."""
    if not lines:
        return _NO_TEXT
    return _GARBLED if sum(line.garbled for line in lines) > len(lines) / 2 else ""


def _why_nothing(troubles: Collection[str]) -> str:
    for trouble, reason in ((_NO_TEXT, _SCANNED), (_GARBLED, _SHAPES)):
        if trouble in troubles:
            return reason
    return _DAMAGED


def _warnings(troubles: Mapping[int, str]) -> list[str]:
    every = dict.fromkeys(troubles.values())
    return [f"{_named([page for page, one in troubles.items() if one == why])} {why}" for why in every]


def _named(numbers: Sequence[int]) -> str:
    """Pages as people name them: "page 2 holds", "pages 3 to 5 and 9 hold"."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ]
    names = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"page {listed} holds" if len(numbers) == 1 else f"pages {listed} hold"
