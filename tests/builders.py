"""Small nouns for tests, with every field that does not matter filled in."""

from coach.text.sentences import split_sentences
from coach.types import Chunk, Document, Passage, Statement
from ingest.readers import markdown


def passage(text, *, rank=1, start=0, headings=("Guide", "Section"), source="guides/a.md", cosine=0.6):
    """A passage whose chunk holds `text` at `start` of its document."""
    end, sentences = start + len(text), tuple(split_sentences(text))
    chunk = Chunk(f"c{rank}", "d", rank, tuple(headings), text, start, end, sentences)
    return Passage(chunk, source, headings[0], 1.0 / rank, rank, cosine, 0.5)


def statement(heading, text):
    """A sentence under its heading."""
    return Statement((heading,), text)


def document(text, source="guides/a.md"):
    """A Markdown document as its reader makes it."""
    found = markdown.parse(text)
    return Document("d", source, found.title or "Title", found.text, sections=found.sections)
