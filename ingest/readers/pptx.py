"""Read slides (PPTX): a page a slide, its title as the heading, then its text, its tables and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.readers.archive import Archive, beside
from ingest.readers.blocks import Block, joined
from ingest.readers.contents import Contents

_PRESENTATION = "ppt/presentation.xml"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TITLES = ("title", "ctrTitle")
_FURNITURE = (
    "sldNum",
    "dt",
    "ftr",
    "hdr",
    "sldImg",
)  # the slide's number, the date, and what stands on every slide
_SLIDE_LEVEL = 2


def read(content: bytes) -> Contents:
    """The text of the slides in the order they are shown."""
    archive = Archive(content)
    parts = _related(archive, _PRESENTATION)
    order = archive.xml(_PRESENTATION).iterfind(".//{*}sldIdLst/{*}sldId")
    named = (parts.get(one.get(_RELATION), "") for one in order)
    slides = [name for name in named if name in archive]
    blocks = [block for page, name in enumerate(slides, 1) for block in _slide(archive, name, page)]
    return joined(blocks, pages=len(slides))


def _related(archive: Archive, name: str) -> dict[str, str]:
    """The parts that a part refers to, by the id of the reference."""
    folder, _, file = name.rpartition("/")
    links = f"{folder}/_rels/{file}.rels"
    if links not in archive:
        return {}
    return {
        one.get("Id"): beside(name, one.get("Target", ""))
        for one in archive.xml(links).iterfind("{*}Relationship")
    }


def _slide(archive: Archive, name: str, page: int) -> Iterator[Block]:
    yield from _shapes(archive.xml(name), page)
    for other in _related(archive, name).values():
        if "notesSlides/" in other and other in archive:
            yield from _shapes(archive.xml(other), page)


def _shapes(slide: Any, page: int) -> Iterator[Block]:
    from lxml import etree

    walk = etree.iterwalk(slide, events=("start",), tag=(f"{_SLIDES}sp", f"{_DRAWING}tr", f"{_DRAWING}p"))
    level = 0
    for _, element in walk:
        if element.tag == f"{_SLIDES}sp":
            place = element.find("{*}nvSpPr/{*}nvPr/{*}ph")
            kind = place.get("type", "body") if place is not None else ""
            level = _SLIDE_LEVEL if kind in _TITLES else 0
            if kind in _FURNITURE:
                walk.skip_subtree()
        elif element.tag == f"{_DRAWING}tr":
            cells = (
                " ".join(_text(line) for line in cell.iter(f"{_DRAWING}p"))
                for cell in element.iterfind("{*}tc")
            )
            yield Block(" | ".join(cells).strip(" |"), page=page)
            walk.skip_subtree()
        else:
            yield Block(_text(element), level, page)


def _text(paragraph: Any) -> str:
    for line_break in paragraph.iter(f"{_DRAWING}br"):
        line_break.text = "\n"
    return "".join(paragraph.itertext()).strip()
