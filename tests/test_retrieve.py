"""What a reader gets back for a query: the best passages, each once, in a stable order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from coach.answer.retrieve import CANDIDATES, retrieve
from coach.protocols import Embedder, PassageIndex, Vectors
from coach.types import Chunk, Document, Passage

LONG = "A retrieval system is judged by what it finds, by what it leaves out, and by how long a reader waits"


class OneVectorEmbedder:
    """Counts what it is asked to embed."""

    name = "one-vector"
    dimension = 2
    max_tokens = 256

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts.extend(texts)
        return np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (len(texts), 1))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) + 2 for text in texts]


class FixedIndex:
    """Answers every search with the passages it was given."""

    fingerprint = "fixed"
    embedder_name = "one-vector"

    def __init__(self, *passages: Passage) -> None:
        self.passages = passages
        self.asked: list[tuple[str, int]] = []

    def __len__(self) -> int:
        return len(self.passages)

    def search(self, vector: Vectors, words: str, limit: int) -> list[Passage]:
        assert vector.shape == (2,)
        self.asked.append((words, limit))
        return list(self.passages)

    def document(self, source: str) -> Document:
        raise NotImplementedError

    def documents(self) -> list[Document]:
        return []


def passage(
    name: str,
    *,
    text: str | None = None,
    cosine: float = 0.0,
    keyword: float = 0.0,
    sentences: tuple[float, ...] = (),
    also_in: tuple[str, ...] = (),
) -> Passage:
    text = text or f"Words about {name} only, and nothing else in them"
    chunk = Chunk(name, name, 0, (), text, 0, len(text))
    return Passage(chunk, f"{name}.md", name, 0.0, 0, cosine, keyword, sentences, also_in)


def names(passages: Sequence[Passage]) -> list[str]:
    return [found.chunk.id for found in passages]


def find(*passages: Passage, limit: int = 10, query: str = "what is judged?") -> tuple[Passage, ...]:
    return retrieve(query, embedder=OneVectorEmbedder(), index=FixedIndex(*passages), limit=limit)


def test_the_query_is_embedded_once_and_its_words_reach_the_index() -> None:
    embedder, index = OneVectorEmbedder(), FixedIndex(passage("a"))
    retrieve("what is judged?", embedder=embedder, index=index, limit=3)
    assert embedder.texts == ["what is judged?"]
    assert [words for words, _ in index.asked] == ["what is judged?"]


def test_more_candidates_are_asked_for_than_returned() -> None:
    index = FixedIndex()
    retrieve("x", embedder=OneVectorEmbedder(), index=index, limit=3)
    retrieve("x", embedder=OneVectorEmbedder(), index=index, limit=500)
    assert index.asked[0][1] == CANDIDATES > 3
    assert index.asked[1][1] == 500


def test_closer_in_meaning_comes_first_and_ranks_start_at_one() -> None:
    found = find(passage("far", cosine=0.2), passage("near", cosine=0.7), passage("middle", cosine=0.5))
    assert names(found) == ["near", "middle", "far"]
    assert [one.rank for one in found] == [1, 2, 3]
    assert found[0].score > found[1].score > found[2].score


def test_words_decide_between_equal_meanings() -> None:
    found = find(
        passage("without", cosine=0.5), passage("with", cosine=0.5, keyword=1.0), passage("far", cosine=0.1)
    )
    assert names(found) == ["with", "without", "far"]


def test_meaning_and_words_are_weighed_on_one_scale() -> None:
    # Meanings 0.6, 0.4 spread by 0.1; keywords 0, 1 by 0.5: a keyword point is worth 0.1 / 0.5 = 0.2.
    # With the weights 0.7 and 0.3: 0.7 x 0.6 = 0.42 against 0.7 x 0.4 + 0.3 x 0.2 x 1 = 0.34
    found = find(passage("words", cosine=0.4, keyword=1.0), passage("meaning", cosine=0.6))
    assert names(found) == ["meaning", "words"]
    assert [one.score for one in found] == pytest.approx([0.42, 0.34])


def test_a_sentence_that_says_less_than_its_chunk_takes_nothing_away() -> None:
    # 0.7 x 0.5 either way
    found = find(passage("bare", cosine=0.5), passage("dull", cosine=0.5, sentences=(0.1, 0.2)))
    assert [one.score for one in found] == pytest.approx([0.35, 0.35])


def test_one_telling_sentence_lifts_a_chunk() -> None:
    found = find(
        passage("even", cosine=0.5, sentences=(0.4, 0.45)),
        passage("telling", cosine=0.5, sentences=(0.9,)),
    )
    assert names(found) == ["telling", "even"]


def test_equal_scores_keep_the_order_of_the_index() -> None:
    same = [passage(name, cosine=0.5) for name in ("c", "a", "b")]
    assert names(find(*same)) == ["c", "a", "b"]


def test_no_more_than_limit_come_back() -> None:
    many = [passage(f"p{number}", cosine=number / 10) for number in range(8)]
    assert names(find(*many, limit=2)) == ["p7", "p6"]
    assert find(*many, limit=0) == ()


def test_nearly_the_same_text_appears_once_with_both_names() -> None:
    found = find(
        passage("copy", text=LONG + " again.", cosine=0.6, also_in=("third.md",)),
        passage("original", text=LONG + ".", cosine=0.7),
        passage("other", cosine=0.1),
    )
    assert names(found) == ["original", "other"]
    assert found[0].also_in == ("copy.md", "third.md")
    assert found[0].score == pytest.approx(
        find(passage("original", text=LONG, cosine=0.7))[0].score, abs=0.05
    )
    assert [one.rank for one in found] == [1, 2]


def test_a_duplicate_does_not_use_up_a_place() -> None:
    found = find(
        passage("first", text=LONG, cosine=0.9),
        passage("second", text=LONG, cosine=0.8),
        passage("third", cosine=0.7),
        limit=2,
    )
    assert names(found) == ["first", "third"]


def test_texts_that_differ_in_a_number_are_two_texts() -> None:
    found = find(
        passage("old", text=LONG + " for 200 milliseconds.", cosine=0.6),
        passage("new", text=LONG + " for 900 milliseconds.", cosine=0.5),
    )
    assert names(found) == ["old", "new"]


def test_two_like_chunks_of_one_source_do_not_name_it_twice() -> None:
    twin = passage("a", text=LONG + " twice.", cosine=0.4)
    assert find(passage("a", text=LONG, cosine=0.6), twin)[0].also_in == ()


def test_nothing_indexed_and_nothing_asked_give_nothing() -> None:
    assert find() == ()
    assert find(passage("a"), query="  \n") == ()
    embedder = OneVectorEmbedder()
    retrieve(" ", embedder=embedder, index=FixedIndex(), limit=3)
    assert embedder.texts == []


def test_a_query_of_stop_words_still_finds_by_meaning() -> None:
    # No word of it counts, so the index gives every passage keyword 0
    found = find(passage("a", cosine=0.1), passage("b", cosine=0.3), query="what is it?")
    assert names(found) == ["b", "a"]


def test_nothing_in_common_with_any_passage_is_no_error() -> None:
    assert names(find(passage("a"), passage("b"))) == ["a", "b"]


# A question in a candidate's words, and the heading of the section that answers it.
SECTION_OF = {
    "how is this job different from being a normal product manager?": "What is the core difference between a",
    "what is model empathy?": "What is the core difference between a",
    "what does the committee expect about RAG and fine-tuning?": "What technical skills are essential for a",
    "do I have to know what a context window or top-p is?": "What technical skills are essential for a",
    "when is a smaller, faster model the better choice?": "What technical skills are essential for a",
    "why did the VP reject the roadmap?": "How does product strategy shift for",
    "what does model-market fit mean?": "How does product strategy shift for",
    "why do people fail these interviews?": "What are common pitfalls in",
    "should I build a portfolio?": "Preparation Checklist",
    "how do I practise prompting?": "Preparation Checklist",
    "what is a bad way to talk about ethics?": "Mistakes to Avoid",
    "how much does it pay?": "What salary can a Generative AI PM expect",
    "how many rounds are there and how long does it take?": "How many interview rounds are typical",
    "can I get in without having worked on AI?": "Is prior Generative AI experience mandatory",
}


@pytest.fixture(scope="module")
def bundled(library: Path, embedder: Embedder) -> PassageIndex:
    from coach.backends import load_index
    from coach.settings import load_settings

    return load_index(load_settings(), embedder.name)


@pytest.mark.parametrize("question", SECTION_OF)
def test_a_candidates_question_finds_the_section_that_answers_it(
    question: str, bundled: PassageIndex, embedder: Embedder
) -> None:
    found = retrieve(question, embedder=embedder, index=bundled, limit=3)
    assert any(is_in(one, SECTION_OF[question]) for one in found)


def test_most_questions_find_their_section_at_once(bundled: PassageIndex, embedder: Embedder) -> None:
    first = [retrieve(question, embedder=embedder, index=bundled, limit=1)[0] for question in SECTION_OF]
    right = [is_in(one, section) for one, section in zip(first, SECTION_OF.values(), strict=True)]
    assert sum(right) >= 11


def is_in(found: Passage, section: str) -> bool:
    return any(heading.startswith(section) for heading in found.chunk.headings)
