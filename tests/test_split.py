"""Chunks follow the structure, fit the embedder, and are exact pieces of their document."""

from __future__ import annotations

import hashlib
import random
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from builders import document as markdown_document
from fakes import HashingEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.settings import corpus_folder, load_settings
from coach.text.sentences import split_sentences
from coach.types import Chunk, Document
from ingest.load import load_document
from ingest.readers.markdown import find_headings
from ingest.split import SPLIT_VERSION, embedding_text, split_document

FAKE = HashingEmbedder()
PUBLIC = Path(__file__).resolve().parents[2] / "shared" / "data" / "docs_public"
ARTICLE = next((corpus_folder() / "guides").glob("*.md"))


def count_tokens_of(kind: str):
    if kind == "fake":
        return FAKE.count_tokens
    from coach.backends.model_files import find_embedding_model
    from coach.errors import CoachError

    try:
        folder = find_embedding_model(load_settings())
    except CoachError as error:
        pytest.skip(f"the embedding model is not here: {error}")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: [len(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))]


@pytest.fixture(scope="module", params=["fake", "real"])
def count_tokens(request):
    return count_tokens_of(request.param)


def document_of(text: str) -> Document:
    return replace(markdown_document(text, "a.md"), id="id", title="a")


def check(document: Document, chunks: list[Chunk], count_tokens, max_tokens: int = 256) -> None:
    """All that must hold for the chunks of any document, judged apart from the splitter's own code."""
    covered = bytearray(len(document.text))
    for place, chunk in enumerate(chunks):
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert (chunk.position, chunk.document_id) == (place, document.id)
        assert not any(covered[chunk.start : chunk.end]), "chunks overlap"
        covered[chunk.start : chunk.end] = b"\1" * len(chunk.text)
    for heading in heading_lines(document.text):
        assert not any(covered[heading[0] : heading[1]]), "a chunk reaches over a heading"
        covered[heading[0] : heading[1]] = b"\1" * (heading[1] - heading[0])
    # Fields between lines of dashes at the top belong to no section; where nothing follows them there is none at all.
    nothing_but_fields = document.text.startswith("---") and not document.sections
    front_matter = (
        len(document.text)
        if nothing_but_fields
        else document.sections[0].start
        if document.text.startswith("---")
        else 0
    )
    lost = [
        c
        for place, (c, seen) in enumerate(zip(document.text, covered, strict=True))
        if not seen and not c.isspace() and place >= front_matter
    ]
    assert not lost
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    counts = count_tokens([embedding_text(chunk) for chunk in chunks]) if chunks else []
    assert max(counts, default=0) <= max_tokens


def heading_lines(text: str) -> list[tuple[int, int]]:
    """Line by line, the slow and plain way."""
    spans, fence, start = [], "", 0
    for line in text.split("\n"):
        ticks = re.match(r" {0,3}(`{3,}|~{3,})([^\n]*)$", line)
        if ticks and not fence:
            fence = "" if ticks[1][0] == "`" and "`" in ticks[2] else ticks[1]
        elif ticks and ticks[1][0] == fence[0] and len(ticks[1]) >= len(fence) and not ticks[2].strip():
            fence = ""
        elif not ticks and not fence and re.match(r" {0,3}#{1,6}([ \t]|$)", line):
            spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def test_the_article_is_cut_exactly_and_within_its_sections(count_tokens):
    document = load_document(ARTICLE, f"guides/{ARTICLE.name}")
    assert isinstance(document, Document)
    chunks = split_document(document, count_tokens, 256)
    check(document, chunks, count_tokens)
    assert chunks[-1].headings == (
        "22-generative-ai-pm-skillset-interview-prep",
        "FAQ",
        "Is prior Generative AI experience mandatory for these roles?",
    )


def test_the_articles_bad_and_good_examples_stay_together(count_tokens):
    document = load_document(ARTICLE, "a.md")
    assert isinstance(document, Document)
    for chunk in split_document(document, count_tokens, 128):
        assert len(re.findall(r"- BAD:", chunk.text)) == len(re.findall(r"- GOOD:", chunk.text))


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public documents are not beside this checkout")
@pytest.mark.parametrize("max_tokens", [256, 48])
def test_ordinary_documents_are_cut_exactly(count_tokens, max_tokens):
    documents = [load_document(path, path.name) for path in sorted(PUBLIC.rglob("*"))]
    read = [document for document in documents if isinstance(document, Document)]
    assert len(read) >= 25
    for document in read:
        check(document, split_document(document, count_tokens, max_tokens), count_tokens, max_tokens)


TRICKY = (
    *("# Title", "## Section", "### Sub", "#", "####### seven", "  # set in", "## closed ##"),
    *("```", "````", "~~~", "```python", "``` a`b", "> quote", "---", "", "  ", "\t", "| a | b |"),
    *("- BAD: wrong.", "- GOOD: right.", "- BAD: long. And more of it", "1. one", "* star", "  - nested"),
    *("A sentence. Another one! A third?", "e.g. this vs. that", "word " * 10, "x" * 90),
)
LINES = st.one_of(
    st.sampled_from(TRICKY),
    st.text(max_size=40),
    st.integers(1, 90).map(lambda count: "many words " * count),
    st.integers(1, 300).map(lambda count: "漢" * count),
)


@given(lines=st.lists(LINES, max_size=40), max_tokens=st.integers(16, 64))
@settings(max_examples=300, deadline=None)
def test_any_text_is_cut_exactly(lines, max_tokens):
    document = document_of("\n".join(lines).replace("\r", ""))
    check(document, split_document(document, FAKE.count_tokens, max_tokens), FAKE.count_tokens, max_tokens)


def greedy_count(texts):
    """A tokenizer for which neighbours do not add up: one token for every three characters, plus two."""
    return [-(-len(text) // 3) + 2 for text in texts]


@given(lines=st.lists(LINES, max_size=20))
@settings(max_examples=100, deadline=None)
def test_the_limit_holds_for_tokenizers_that_do_not_add_up(lines):
    document = document_of("\n".join(lines).replace("\r", ""))
    chunks = split_document(document, greedy_count, 32)
    check(document, chunks, greedy_count, 32)


def test_a_number_sign_in_a_code_fence_is_no_heading():
    text = "# One\n\n```python\n# a comment\n```\n\n## Two\n\ntext"
    assert [(heading.level, heading.title) for heading in find_headings(text)] == [(1, "One"), (2, "Two")]
    chunks = split_document(document_of(text), FAKE.count_tokens, 256)
    assert [chunk.headings for chunk in chunks] == [("One",), ("One", "Two")]
    assert chunks[0].text == "```python\n# a comment\n```"


def test_the_heading_path_is_embedded_with_the_text():
    chunks = split_document(
        document_of("# Guide\n\n## FAQ\n\n### How many?\n\nFive."), FAKE.count_tokens, 256
    )
    assert [embedding_text(chunk) for chunk in chunks] == ["Guide > FAQ > How many?\nFive."]


def test_a_path_that_is_too_long_loses_its_beginning():
    text = f"# {'top ' * 10}\n\n## {'middle ' * 10}\n\n### End\n\nText."
    chunks = split_document(document_of(text), FAKE.count_tokens, 32)  # room for a path of 15 tokens
    assert chunks[0].headings == (" ".join(["middle"] * 10), "End")
    endless = split_document(document_of(f"# {'word ' * 400}\n\nText."), FAKE.count_tokens, 32)
    assert endless[0].headings == ("… " + " ".join(["word"] * 14),)


def test_a_checklist_is_cut_between_its_lines_only():
    lines = [f"- Step {number}: do this first. Then do that." for number in range(30)]
    chunks = split_document(document_of("\n".join(lines)), FAKE.count_tokens, 64)
    assert len(chunks) > 4
    assert [line for chunk in chunks for line in chunk.text.split("\n")] == lines


def test_bad_and_good_stay_together_even_with_a_blank_line_between():
    pair = "BAD: {0} words that fill the line.\n\nGOOD: {0} other words that fill it."
    text = "\n\n".join(pair.format(number) for number in ("one", "two", "three", "four"))
    for chunk in split_document(document_of(text), FAKE.count_tokens, 32):
        assert chunk.text.count("BAD") == chunk.text.count("GOOD") == 1


def test_a_long_paragraph_is_cut_at_sentence_ends_into_even_parts():
    sentences = [f"This is sentence number {number} of a long paragraph." for number in range(24)]
    chunks = split_document(document_of(" ".join(sentences)), FAKE.count_tokens, 102)  # 10 tokens each
    assert all(chunk.text.endswith("paragraph.") for chunk in chunks)
    assert [chunk.text.count("sentence") for chunk in chunks] == [8, 8, 8]


def test_small_paragraphs_of_one_section_are_packed_and_of_two_are_not():
    text = "# A\n\none\n\ntwo\n\nthree\n\n# B\n\nfour"
    chunks = split_document(document_of(text), FAKE.count_tokens, 256)
    assert [chunk.text for chunk in chunks] == ["one\n\ntwo\n\nthree", "four"]


def test_headings_alone_make_no_chunks():
    assert split_document(document_of("# A\n\n## B\n"), FAKE.count_tokens, 256) == []


def test_names_depend_on_content_alone():
    first, second = (split_document(document_of("# A\n\ntext"), FAKE.count_tokens, 256) for _ in range(2))
    assert first == second


def test_a_large_document_is_cut_quickly_and_counted_in_few_calls():
    words = random.Random(0).choices(["model", "risk", "user", "data", "team"], k=200_000)
    text = "".join(word + (".\n\n" if place % 97 == 0 else " ") for place, word in enumerate(words))
    calls = []

    def count(texts):
        calls.append(len(texts))
        return [text.count(" ") + 3 for text in texts]

    started = time.process_time()
    split_document(document_of(text), count, 256)
    assert time.process_time() - started < 5  # about 0.3 s; the bound is for a busy machine
    assert len(calls) < 10


def test_a_change_of_the_cutting_raises_the_version():
    """Chunks and sentences of an index are those of its SPLIT_VERSION: raise it when this digest changes."""
    text = (
        "# A\n\nOne, e.g. this. Two!\n\n- BAD: x. y.\n- GOOD: z.\n\n```\n# code\n```\n\n## B\n\n"
        + "So. " * 300
    )
    chunks = split_document(document_of(text), FAKE.count_tokens, 64)
    shape = [(chunk.id, embedding_text(chunk), split_sentences(chunk.text)) for chunk in chunks]
    digest = hashlib.sha256(repr(shape).encode()).hexdigest()[:16]
    assert (SPLIT_VERSION, digest) == (3, "afa45ba095d1d070")
