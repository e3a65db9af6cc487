"""Small nouns for tests, with every field that does not matter filled in."""

from coach.types import Chunk, Passage


def passage(text, *, rank=1, start=0, headings=("Guide", "Section"), source="guides/a.md", cosine=0.6):
    """A passage whose chunk holds `text` at `start` of its document."""
    chunk = Chunk(f"c{rank}", "d", rank, tuple(headings), text, start, start + len(text))
    return Passage(chunk, source, headings[0], 1.0 / rank, rank, cosine, 0.5)
