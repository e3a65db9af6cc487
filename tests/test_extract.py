"""The answer without a language model: verbatim, cited, few."""

from builders import passage

from coach.answer.extract import MIN_SENTENCES, NEAREST, extract
from coach.types import Extract

TEXT = "The loop has 5-7 rounds. Bring water. The process takes 6-8 weeks. Dress as you like. Call home."


def test_sentences_are_verbatim_with_exact_spans_and_the_fact_is_among_them(embedder):
    found = extract("How long does the process take?", [passage(TEXT, start=50)], embedder)
    sentences = found.shown
    assert MIN_SENTENCES <= len(sentences) <= len(found.nearest) <= NEAREST
    assert 0 < found.likeness <= 1
    assert any("6-8 weeks" in sentence.text for sentence in sentences)
    for sentence in sentences:
        span = sentence.citations[0].span
        assert TEXT[span.start - 50 : span.end - 50] == span.text == sentence.text
        assert sentence.origin == "source"
        assert 0 <= sentence.citations[0].support <= 1


def test_sentences_of_one_passage_keep_their_reading_order(embedder):
    sentences = extract("rounds and weeks of the process and loop", [passage(TEXT)], embedder).shown
    starts = [sentence.citations[0].span.start for sentence in sentences]
    assert starts == sorted(starts)


def test_a_sentence_found_twice_is_shown_once(embedder):
    twice = [
        passage("The loop has 5-7 rounds."),
        passage("The loop has 5-7 rounds.", rank=2, source="guides/b.md"),
    ]
    assert len(extract("How many rounds?", twice, embedder).shown) == 1


def test_a_byline_is_no_answer(embedder):
    page = [passage("· Valenx Press · 9 min read"), passage("The loop has 5-7 rounds.", rank=2)]
    assert [sentence.text for sentence in extract("How many minutes?", page, embedder).shown] == [
        "The loop has 5-7 rounds."
    ]


def test_no_passages_no_sentences(embedder):
    assert extract("anything", [], embedder) == Extract()


def test_what_speaks_of_the_topic_comes_first_and_what_does_not_is_not_shown(embedder):
    pages = [
        passage(
            "Candidates who do well speak about users. Practise with a friend. Sleep well before the day."
        ),
        passage("A red team attacks the model. Every red team finding is filed.", rank=2, start=200),
    ]
    found = extract("What does the committee expect about the red team?", pages, embedder)
    assert [s.text for s in found.shown] == [
        "A red team attacks the model.",
        "Every red team finding is filed.",
    ]
    supports = list(found.relevance)
    assert supports == sorted(supports, reverse=True)


def test_a_topic_is_told_in_the_order_of_the_source_and_an_exact_question_from_the_best_passage(embedder):
    later = passage("Drift is watched every week.", start=400)
    earlier = passage("Drift is a model that grows old.", start=10, rank=2)
    topic = extract("Tell me about drift", [later, earlier], embedder)
    assert [s.text for s in topic.shown] == [earlier.chunk.text, later.chunk.text]
    exact = extract("Which team watches the drift of the weekly fraud report?", [later, earlier], embedder)
    assert exact.shown[0].text == later.chunk.text
