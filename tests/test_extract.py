"""The answer without a language model: verbatim, cited, few."""

from builders import passage

from coach.extract import MAX_SENTENCES, extract

TEXT = "The loop has 5-7 rounds. Bring water. The process takes 6-8 weeks. Dress as you like. Call home."


def test_sentences_are_verbatim_with_exact_spans_and_the_fact_is_among_them(embedder):
    sentences = extract("How long does the process take?", [passage(TEXT, start=50)], embedder)
    assert 1 <= len(sentences) <= MAX_SENTENCES
    assert any("6-8 weeks" in sentence.text for sentence in sentences)
    for sentence in sentences:
        span = sentence.citations[0].span
        assert TEXT[span.start - 50 : span.end - 50] == span.text == sentence.text
        assert sentence.origin == "source"
        assert 0 <= sentence.citations[0].support <= 1


def test_sentences_of_one_passage_keep_their_reading_order(embedder):
    sentences = extract("rounds and weeks of the process and loop", [passage(TEXT)], embedder)
    starts = [sentence.citations[0].span.start for sentence in sentences]
    assert starts == sorted(starts)


def test_a_sentence_found_twice_is_shown_once(embedder):
    twice = [
        passage("The loop has 5-7 rounds."),
        passage("The loop has 5-7 rounds.", rank=2, source="guides/b.md"),
    ]
    assert len(extract("How many rounds?", twice, embedder)) == 1


def test_a_byline_is_no_answer(embedder):
    page = [passage("· Valenx Press · 9 min read"), passage("The loop has 5-7 rounds.", rank=2)]
    assert [sentence.text for sentence in extract("How many minutes?", page, embedder)] == [
        "The loop has 5-7 rounds."
    ]


def test_no_passages_no_sentences(embedder):
    assert extract("anything", [], embedder) == ()
