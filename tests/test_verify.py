"""Citations are made by the program: true sentences find their source, false ones are marked."""

import pytest
from builders import passage

from coach.verify import clean, verify

ROUNDS = (
    "A typical Generative AI PM interview loop involves 5-7 rounds, including an initial recruiter screen. "
    "The process often takes 6-8 weeks from initial contact to offer."
)
PAY = (
    "Generative AI PMs at FAANG companies typically earn $250,000 to $400,000+ total compensation annually for "
    "Senior to Principal levels. Prior experience is not always strictly mandatory."
)


@pytest.fixture()
def passages():
    return [
        passage(ROUNDS, start=100, headings=("Guide", "How many rounds?")),
        passage(PAY, rank=2, start=900, headings=("Guide", "What salary?")),
    ]


def only(sentences):
    assert len(sentences) == 1
    return sentences[0]


def test_a_verbatim_sentence_is_cited_at_its_exact_characters(passages, embedder):
    sentence = only(
        verify("The process often takes 6-8 weeks from initial contact to offer.", passages, embedder)
    )
    assert sentence.status == "supported"
    span = sentence.citations[0].span
    assert ROUNDS[span.start - 100 : span.end - 100] == span.text
    assert span.text.startswith("The process often takes")
    assert sentence.citations[0].support > 0.95


def test_a_paraphrase_is_supported(passages, embedder):
    text = "From first contact to the offer, the process takes 6-8 weeks."
    assert only(verify(text, passages, embedder)).status == "supported"


@pytest.mark.parametrize(
    "text",
    [
        "The process often takes 9-12 weeks from initial contact to offer.",  # number changed
        "A typical loop involves 5-7 rounds at Netflix.",  # name not in the source
        "Prior experience is always strictly mandatory.",  # negation lost
        "Candidates should bring a printed resume to the onsite.",  # not in the source
        "The capital of France is Paris.",
    ],
)
def test_what_the_sources_do_not_say_is_unsupported_and_uncited(text, passages, embedder):
    sentence = only(verify(text, passages, embedder))
    assert (sentence.status, sentence.citations) == ("unsupported", ())


def test_markers_that_the_model_prints_are_thrown_away(passages, embedder):
    text = "The process often takes 6-8 weeks from initial contact to offer [7][12]. **Paris** is nice [Source 1]."
    first, second = verify(text, passages, embedder)
    assert first.text == "The process often takes 6-8 weeks from initial contact to offer."
    assert first.citations[0].passage == 0
    assert second.status == "unsupported"
    assert clean("See [1, 2] and (source: guide).") == "See and."


def test_lead_ins_are_connectives(passages, embedder):
    assert [s.status for s in verify("Here are the key points:\nOverall.", passages, embedder)] == [
        "connective"
    ] * 2


def test_without_passages_nothing_is_supported(embedder):
    assert only(verify("The process takes 6 weeks.", [], embedder)).status == "unsupported"
    assert verify("", [], embedder) == ()
