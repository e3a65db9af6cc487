"""A citation into a PDF names its page, wherever it is shown."""

from __future__ import annotations

import pytest
from document_files import pdf

from coach.answer.report import References, references_as_text, sentences_as_text
from coach.backends import load_index
from coach.coach import Coach, ingest_library
from coach.json_form import reply_to_json
from coach.settings import load_settings
from coach.types import Answer
from coach.ui.format import answer_html, refusal_html

FIRST = [(20, 720, "The Brillig plan"), (11, 690, "Brillig is a bakery in Bremen.")]
THIRD = [
    (14, 720, "Hiring at Brillig"),
    (11, 690, "The bakers at Brillig meet four interviewers on one day."),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory, embedder) -> Coach:
    home = tmp_path_factory.mktemp("pages")
    (home / "plan.pdf").write_bytes(pdf(FIRST, [], THIRD))
    settings = load_settings(home=home / "home", backend="none")
    ingest_library(settings, [home / "plan.pdf"], embedder=embedder)
    return Coach(settings, embedder, load_index(settings, embedder.name))


def test_the_terminal_the_page_and_the_json_name_the_page(reader):
    reply = reader.answer("How many interviewers do the bakers at Brillig meet?").result()
    assert isinstance(reply, Answer), reply.text
    references = References()
    sentences_as_text(reply.sentences, references)
    assert "Your documents: plan.pdf, page 3, " in references_as_text(references, reply.passages)
    assert "plan.pdf, page 3 · characters" in answer_html(reply, "a")
    written = reply_to_json(reply)
    cited = [one for sentence in written["sentences"] for one in sentence["citations"]]
    assert ("plan.pdf", 3) in {(one["source"], one["page"]) for one in cited}
    for one in cited:
        assert one["page"] == reader.document(one["source"]).page_at(one["start"])


def test_the_nearest_passages_of_a_refusal_name_it_too(reader):
    reply = reader.answer("What salary does Brillig pay its sailors in Brazil?", collections=["own"]).result()
    passages = reply.nearest if not isinstance(reply, Answer) else reply.passages
    pages = {passage.page for passage in passages if passage.source == "plan.pdf"}
    assert pages <= {1, 3}
    assert pages
    if not isinstance(reply, Answer):
        assert "plan.pdf, page " in refusal_html(reply)


def test_a_source_without_pages_names_none(reader):
    guide = next(document for document in reader.documents() if document.source.startswith("guides/"))
    assert guide.page_at(500) == 0
    reply = reader.answer("How many interview rounds are typical?").result()
    cited = [one for sentence in reply.sentences for one in sentence.citations]
    assert {one.page for one in cited if one.span.source == guide.source} == {0}


def test_the_library_keeps_what_is_known_of_the_file(reader):
    document = reader.document("plan.pdf")
    assert (document.kind, document.title, len(document.pages)) == ("pdf", "The Brillig plan", 3)
    assert document.statement_count == 2
    assert document.warnings == ("page 2 holds no text: scanned?",)
