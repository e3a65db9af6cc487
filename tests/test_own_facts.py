"""A draft is compared with the user's own documents: what they say otherwise is pointed out with both places, and nothing else is."""

import json
import time
from pathlib import Path

import pytest

from coach.backends.chroma import ChromaIndexWriter, open_index
from coach.coach import Coach
from coach.critique.report import critique_as_markdown, critique_as_text
from coach.json_form import critique_from_json, critique_to_json
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.ui.critique_format import contradictions_html
from ingest import ingest

QUESTION = "Tell me about a product you launched."
PAIRS = Path(__file__).resolve().parent.parent / "bench" / "critique" / "own_facts.jsonl"
CV = """# Robin Vale

## Initech, 2019 to 2023

Built the claims assistant from zero to launch at Initech. Reduced churn by 6% in six months after the launch. Led a team of nine engineers.

## Education

Studied statistics in Leiden. Wrote a thesis on speech recognition.
"""
DRAFT = (
    "I built the claims assistant from zero to launch at Globex. "
    "After the launch we cut churn by 8 % within six months. "
    "I led a team of nine engineers. "
    "I would aim at a churn of 3 % next year, and I learned that trust comes first."
)


def coach_with(folder, embedder, own):
    (folder / "corpus" / "guides").mkdir(parents=True)
    (folder / "corpus" / "guides" / "guide.md").write_text(
        "# Guide\n\nA strong answer names a number: churn fell by 5% in six months after the launch.",
        encoding="utf-8",
    )
    paths = []
    for name, text in own.items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    writer = ChromaIndexWriter(folder / "index")
    ingest(embedder, writer, paths, corpus=folder / "corpus", collection="notes" if paths else None)
    settings = load_settings(backend="none", traces=False, keep_drafts=False)
    index = open_index(folder / "index", embedder.name)
    return Coach(settings, embedder, index, ChosenModel(None, "none", ""))


@pytest.fixture(scope="module")
def coach(tmp_path_factory, embedder):
    return coach_with(tmp_path_factory.mktemp("own"), embedder, {"cv.md": CV})


@pytest.fixture(scope="module")
def critique(coach):
    return coach.critique(DRAFT, QUESTION).result()


def test_a_figure_and_an_employer_that_the_cv_gives_otherwise_are_found_with_both_places(coach, critique):
    employer, churn = critique.contradictions
    assert (employer.said, employer.known) == ("Globex", "Initech")
    assert (churn.said, churn.known) == ("8 %", "6%")
    for found in critique.contradictions:
        assert critique.draft[found.quote.start : found.quote.end] == found.quote.text
        text = coach.document(found.span.source).text
        assert text[found.span.start : found.span.end] == found.span.text
        assert found.headings[-1] == "Initech, 2019 to 2023" and found.collection == "notes"


def test_the_terminal_the_markdown_the_page_and_the_json_show_both_sides(critique):
    for shown in (critique_as_text(critique), critique_as_markdown(critique)):
        assert "Your own documents say otherwise" in shown
        assert "Your notes say 6%, the draft says 8 %." in shown.replace("\\", "")
        assert "Your notes: cv.md, Initech, 2019 to 2023" in shown.replace("\\", "")
        assert "Reduced churn by 6% in six months after the launch." in shown
    page = contradictions_html(critique.contradictions)
    assert "Your notes say Initech, the draft says Globex." in page and "cv.md, Initech, 2019 to 2023" in page
    written = json.loads(json.dumps(critique_to_json(critique)))
    assert [(one["said"], one["known"]) for one in written["contradictions"]] == [
        ("Globex", "Initech"),
        ("8 %", "6%"),
    ]
    assert critique_from_json(written).contradictions == critique.contradictions
    del written["contradictions"]  # as an earlier version wrote it
    assert critique_from_json(written).contradictions == ()


def test_without_documents_of_ones_own_nothing_is_compared_not_even_with_the_guide(tmp_path, embedder):
    critique = coach_with(tmp_path, embedder, {}).critique(DRAFT, QUESTION).result()
    assert critique.contradictions == () and contradictions_html(critique.contradictions) == ""
    assert "otherwise" not in critique_as_text(critique)


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        ("We would cut churn by 8 % in six months after the launch.", "it has not happened"),
        ("Reduced churn by about 6.2% in six months after the launch.", "it is the same figure, rounded"),
        ("I led a team of five designers.", "something else is counted"),
        ("Reduced costs by 8% in six months after the launch.", "it is another measure"),
        ("Reduced churn by 8% in three months after the launch.", "two things differ"),
        ("I studied economics in Delft.", "nothing of it can be compared exactly"),
    ],
)
def test_what_speaks_of_something_else_is_no_contradiction(coach, draft, why):
    assert coach.critique(draft, QUESTION).result().contradictions == (), why


def test_a_figure_that_another_own_document_confirms_is_no_contradiction(tmp_path, embedder):
    later = "# Review\n\nWe reduced churn by 8% in six months after the launch, says finance."
    coach = coach_with(tmp_path, embedder, {"cv.md": CV, "review.md": later})
    draft = "After the launch we cut churn by 8 % within six months."
    assert coach.critique(draft, QUESTION).result().contradictions == ()


def test_on_pairs_that_nothing_was_chosen_on_nearly_all_that_is_pointed_out_is_one(embedder):
    from bench.critique.own_facts import compare

    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    told = right = wanted = 0
    for row in (row for row in rows if row["split"] == "held_out"):
        found = [(one.said, one.known) for one in compare(row["draft"], [row["own"]], embedder)]
        told, wanted = told + len(found), wanted + (row["label"] == "contradicts")
        right += (row.get("said"), row.get("known")) in found
    assert right >= 0.95 * told and right >= 0.7 * wanted


def test_it_costs_next_to_nothing(coach):
    sentences = " ".join(f"In team {n} we cut churn by {n} % within six months." for n in range(10, 20))
    critique = coach.critique(sentences, QUESTION).result()
    began = time.process_time()
    coach.critique(sentences, QUESTION).result()
    assert critique.trace.steps_ms["own_facts"] > 0 and time.process_time() - began < 2.0
