"""Citations are made by the program: true sentences find their source, false ones are marked."""

from dataclasses import replace

import pytest
from builders import passage
from fakes import HashingEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.answer.support import load_support_model
from coach.answer.verify import clean, verify
from coach.errors import BackendError
from coach.settings import corpus_folder
from coach.text.sentences import split_sentences

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


@pytest.fixture()
def carried(monkeypatch):
    """The threshold as fitted, without what is added for a reader's safety: what the signals understand."""
    fitted = replace(load_support_model(), threshold=0.6)
    monkeypatch.setattr("coach.answer.support.load_support_model", lambda: fitted)


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


def test_a_paraphrase_is_supported(passages, embedder, carried):
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
def test_what_the_sources_do_not_say_is_unsupported_and_uncited(text, passages, embedder, carried):
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


def test_a_claim_over_two_sentences_cites_both(passages, embedder, carried):
    text = "The interview loop for a Generative AI PM typically consists of 5-7 rounds and takes 6-8 weeks."
    sentence = only(verify(text, passages, embedder))
    assert [citation.span.text.split()[0] for citation in sentence.citations] == ["A", "The"]


@pytest.mark.parametrize(
    "text",
    [
        "The process often takes 5-7 weeks from initial contact to offer.",  # figures of the rounds
        "The process often takes 6-8 months from initial contact to offer.",  # another measure
        "The process often takes ten weeks from initial contact to offer.",  # in words
        "Generative AI PMs at Netflix typically earn $250,000 to $400,000+ total compensation annually.",
        "Prior experience is mandatory.",
    ],
)
def test_a_small_lie_in_a_true_sentence_is_unsupported(text, passages, embedder, carried):
    assert only(verify(text, passages, embedder)).status == "unsupported"


def test_a_figure_in_words_and_a_short_form_are_understood(passages, embedder, carried):
    for text in (
        "The process often takes six to eight weeks from first contact to offer.",
        "GenAI PMs at FAANG companies typically earn $250k to $400k+ in total compensation annually.",
    ):
        assert only(verify(text, passages, embedder)).status == "supported"


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=120),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=200),
    st.integers(0, 50),
)
def test_every_span_is_exactly_the_characters_of_the_source(said, rest, start):
    source = f"{said} {ROUNDS}\n\n{rest}"
    sentences = verify(f"{said}\n{ROUNDS}", [passage(source, start=start)], HashingEmbedder())
    spans = [citation.span for sentence in sentences for citation in sentence.citations]
    assert spans
    for span in spans:
        assert source[span.start - start : span.end - start] == span.text


def test_sentences_of_the_article_cut_short_are_all_carried(embedder):
    article = next((corpus_folder() / "guides").glob("*.md")).read_text(encoding="utf-8")
    short = 0
    for paragraph in article.split("\n\n"):
        source = passage(paragraph)
        for start, end in split_sentences(paragraph):
            claim = paragraph[start:end].rpartition(", ")[0]
            if len(claim.split()) >= 10:
                short += 1
                judged = verify(f"{claim}.", [source], embedder)
                assert {sentence.status for sentence in judged} == {"supported"}, claim
    assert short >= 40


def test_a_reader_is_shown_only_what_is_surer_than_the_fit_asks(passages, embedder):
    near = only(verify("From first contact to the offer, the process takes 6-8 weeks.", passages, embedder))
    assert near.status == "unsupported"  # true, and not sure enough to be shown as proven: that is the price
    plain = only(verify("The process often takes 6-8 weeks from first contact to offer.", passages, embedder))
    assert plain.status == "supported"


PARAPHRASE = "The process takes 6-8 weeks from initial contact to an offer."


def test_a_second_look_decides_what_is_not_plain(passages, embedder):
    asked = []

    def looked(log_odds):
        return lambda claim, stated: asked.append((claim, stated)) or log_odds

    agreed = only(verify(PARAPHRASE, passages, embedder, looked(7.0)))
    assert agreed.status == "supported"
    assert agreed.citations[0].method == "fitted, entailment"
    assert only(verify(PARAPHRASE, passages, embedder, looked(-3.0))).status == "unsupported"
    assert [claim for claim, _ in asked] == [PARAPHRASE, PARAPHRASE]
    (first, *_) = [stated for stated in asked[0][1] if "6-8 weeks" in stated.text]
    assert first.heading == "How many rounds?"


@pytest.mark.parametrize(
    "plain",
    [
        "The process often takes 6-8 weeks from initial contact to offer.",  # word for word
        "The process often takes 9-12 weeks from initial contact to offer.",  # a figure the sources do not hold
        "Expect roughly two months of your life to vanish.",  # in words of its own
        "Overall:",
    ],
)
def test_what_is_plain_costs_no_look_and_no_yes_saves_a_wrong_figure(plain, passages, embedder):
    def never(claim, stated):
        raise AssertionError(f"asked about {claim}")

    assert (
        only(verify(plain, passages, embedder, never)).status
        == only(verify(plain, passages, embedder)).status
    )


def test_where_nobody_can_look_the_signals_decide_alone(passages, embedder):
    def gone(claim, stated):
        raise BackendError("It is gone: run `coach doctor`.")

    assert verify(PARAPHRASE, passages, embedder, gone) == verify(PARAPHRASE, passages, embedder)
