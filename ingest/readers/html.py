"""Read web pages: the article without the menus around it, with its headings, lists and tables."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from coach.text.encoding import decoded, what_it_is
from ingest.readers.blocks import LIST_MARK, Block, joined
from ingest.readers.contents import Contents, UnreadableError

# Where a page says how it is encoded (WHATWG HTML, 13.2.3.2: within its first 1024 bytes).
_CHARSET = re.compile(
    rb"""<meta[^>]+charset=["']?\s*([\w.:-]+)|<\?xml[^>]+encoding=["']([\w.:-]+)""", re.IGNORECASE
)
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_LATIN_1 = frozenset(
    ["iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"]
)  # WHATWG Encoding: windows-1252
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_SPACE = re.compile(r"[ \t\r\n\f\v\xa0]+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")

_NOT_TEXT = (
    "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "select", "textarea", "button",
)  # fmt: skip
_CHROME = "//nav | //footer | //aside | //form | //header[not(ancestor::main or ancestor::article)]"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INLINE = frozenset([
    "a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "img", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub",
    "sup", "time", "tt", "u", "var", "wbr",
])  # fmt: skip
_CELLS = " | "
_BLOCKS_IN_A_CELL = 3  # a cell with more of them holds a page's layout rather than a value
# An "article" with a smaller share of the page's words is a guess gone wrong; on the pages of docs_public it is 0.8 and more.
_ARTICLE_SHARE = 0.6
_WORTH_SAYING = 0.9


def read(content: bytes) -> Contents:
    """The main text of a web page with its headings; scripts, menus and forms are no text of it."""
    root = parsed(page_text(content))
    page = list(blocks_of(_without_chrome(root)))
    article = _of_article(page, {_plain(block) for block in blocks_of(_article(root))})
    share = _words(article) / max(1, _words(page))
    found = page if share < _ARTICLE_SHARE else article
    left_out = f"about {1 - share:.0%} of the page's words were left out as menus and side columns"
    return joined(
        found,
        title=_first_heading(found) or _SPACE.sub(" ", root.findtext(".//title") or ""),
        warnings=[left_out] if found is article and share < _WORTH_SAYING else [],
    )


def page_text(content: bytes) -> str:
    """The page as text, in the encoding it names, else in the one that can be told. Raises UnreadableError for none."""
    named = None if content.startswith(_MARKS) else _CHARSET.search(content, 0, 1024)
    if named:
        encoding = (named.group(1) or named.group(2)).decode("ascii").lower()
        try:
            return content.decode("cp1252" if encoding in _LATIN_1 else encoding)
        except (LookupError, UnicodeDecodeError):
            pass  # what a page says of itself is often wrong
    text = decoded(content)
    if text is None:
        raise UnreadableError(what_it_is(content))
    return text


def parsed(text: str) -> Any:
    """The root element of a page, without what is no text. Raises UnreadableError for an empty one."""
    from lxml import etree, html

    bare = _DECLARATION.sub("", text).replace("\0", "")
    try:
        parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True)
        root = html.document_fromstring(bare, parser=parser)
    except etree.LxmlError as error:
        raise UnreadableError("empty") from error
    etree.strip_elements(root, *_NOT_TEXT, with_tail=False)
    return root


def blocks_of(root: Any) -> Iterator[Block]:
    """The headings, paragraphs, list lines and table rows under an element, in reading order."""
    from lxml import etree

    line: list[str] = []  # the text of the block that is open
    exact = 0  # how many elements that keep their line breaks are open
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = etree.QName(element).localname.lower()
        if tag not in _INLINE:
            yield from _closed(line, keep_mark=event == "start")
        if event == "end":
            exact -= tag == "pre"
            line.append(_spaced("" if element is root else element.tail, exact))
        elif tag in _HEADINGS:
            walk.skip_subtree()
            yield Block(_spaced(" ".join(element.itertext()), 0), _HEADINGS[tag])
        elif tag == "tr":
            walk.skip_subtree()
            yield from _row(element)
        elif tag != "title":
            exact += tag == "pre"
            line.append({"br": "\n", "li": LIST_MARK}.get(tag, "") + _spaced(element.text, exact))
    yield from _closed(line, keep_mark=False)


def _closed(line: list[str], *, keep_mark: bool) -> Iterator[Block]:
    """The open block, in paragraphs; the mark of a list line whose text is still to come stays where asked."""
    text = "".join(line).strip()
    if text == LIST_MARK.strip():
        line[:] = [LIST_MARK] if keep_mark else []
        return
    line.clear()
    yield from (Block(paragraph) for paragraph in _BLANK_LINE.split(text) if paragraph)


def _spaced(text: str | None, exact: int) -> str:
    return (text or "") if exact else _SPACE.sub(" ", text or "")


def _row(row: Any) -> Iterator[Block]:
    """A row of values as one line; of a table that lays out a page, what its cells hold."""
    cells = [list(blocks_of(cell)) for cell in row if isinstance(cell.tag, str)]
    if any(len(cell) > _BLOCKS_IN_A_CELL or any(block.level for block in cell) for cell in cells):
        for cell in cells:
            yield from cell
    elif any(cells):
        yield Block(_CELLS.join(" ".join(block.text for block in cell).strip() for cell in cells))


def _without_chrome(root: Any) -> Any:
    page = copy.deepcopy(root)
    for element in page.xpath(_CHROME):
        if element.getparent() is not None:
            element.drop_tree()
    return page


def _article(root: Any) -> Any:
    from readability import Document
    from readability.readability import Unparseable

    try:
        return parsed(Document(copy.deepcopy(root)).summary())
    except Unparseable:
        return _without_chrome(root)


def _of_article(page: Sequence[Block], texts: AbstractSet[str]) -> Sequence[Block]:
    """The page from the first to the last block of the article, and the headings above: what readability loses on the way (a short
    table, a heading) belongs to it."""
    places = [place for place, block in enumerate(page) if not block.level and _plain(block) in texts]
    if not places:
        return page
    first, last = places[0], places[-1]
    while first and page[first - 1].level:
        first -= 1
    while last + 1 < len(page) and _CELLS in page[last + 1].text:
        last += 1
    return page[first : last + 1]


def _plain(block: Block) -> str:
    return " ".join(block.text.split())


def _words(blocks: Sequence[Block]) -> int:
    return sum(len(block.text.split()) for block in blocks)


def _first_heading(blocks: Sequence[Block]) -> str:
    return next((block.text for block in blocks if block.level == 1), "")
