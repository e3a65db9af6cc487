"""The prompt fits the window: instructions, question and newest turns survive, the weakest passages go."""

import pytest
from builders import passage

from coach.errors import BackendError
from coach.generate import compose, section_prefix
from coach.sections import split_sections
from coach.types import Document, Turn


class WordCounter:
    """A model whose tokens are words."""

    name = "counter"

    def __init__(self, window):
        self.context_window = window

    def count_tokens(self, text):
        return len(text.split())


def words_of(prompt):
    return sum(len(message.text.split()) for message in prompt.messages)


PASSAGES = [passage(f"topic{rank} " * 40, rank=rank, start=1000 - rank * 100) for rank in (1, 2, 3, 4)]


def test_everything_fits_when_there_is_room_and_passages_stand_in_document_order():
    prompt = compose("What?", [], PASSAGES, [], WordCounter(4000), max_tokens=100)
    assert prompt.dropped == ()
    system = prompt.messages[0].text
    assert system.index("topic4") < system.index("topic3") < system.index("topic1")
    assert prompt.messages[-1].text.startswith("What?")


def test_no_more_passages_are_given_than_a_small_model_can_weigh():
    many = [passage(f"topic{rank} here", rank=rank, start=rank * 100) for rank in range(1, 9)]
    prompt = compose("What?", [], many, [], WordCounter(8000), max_tokens=100)
    assert "topic4" in prompt.messages[0].text
    assert "topic5" not in prompt.messages[0].text
    assert len(prompt.dropped) == 4


def test_the_weakest_passages_are_dropped_first_and_named():
    prompt = compose("What?", [], PASSAGES, [], WordCounter(330), max_tokens=100)
    assert words_of(prompt) <= 230
    assert "topic1" in prompt.messages[0].text
    assert "topic4" not in prompt.messages[0].text
    assert any("passage 4" in dropped for dropped in prompt.dropped)


def test_newest_turns_survive_and_older_ones_are_named_as_dropped():
    history = [Turn("user", "old " * 200), Turn("assistant", "reply"), Turn("user", "newest turn")]
    prompt = compose("And?", history, [], [], WordCounter(400), max_tokens=100)
    texts = [message.text for message in prompt.messages]
    assert "newest turn" in texts
    assert not any("old old" in text for text in texts)
    assert prompt.dropped == ("1 older turn",)


def test_a_question_that_cannot_fit_is_one_clear_error():
    with pytest.raises(BackendError, match="context_window"):
        compose("word " * 500, [], [], [], WordCounter(300), max_tokens=100)


GUIDE = Document(
    "d", "guides/a.md", "Guide", "# Guide\n\nIntro.\n\n## Section\n\n" + "All of {braces} it. " * 60, {}
)


def test_a_remembered_section_is_given_whole_so_that_its_prefix_is_the_same_for_every_question():
    sections = split_sections(GUIDE)
    model = WordCounter(4000)
    best = [passage("All of {braces} it.", start=GUIDE.text.index("All of")), *PASSAGES[1:]]
    one = compose("First?", [], best, sections, model, max_tokens=100)
    two = compose("Second?", [], best, sections, model, max_tokens=100)
    assert one.section == sections[1]
    assert one.messages[0] == two.messages[0] == section_prefix(sections[1])[0]
    assert "{braces}" in one.messages[0].text
    assert "Intro" not in one.messages[0].text


def test_a_section_too_long_for_half_the_window_gives_way_to_passages():
    best = [passage("All of {braces} it.", start=GUIDE.text.index("All of"))]
    assert (
        compose("First?", [], best, split_sections(GUIDE), WordCounter(400), max_tokens=100).section is None
    )


def test_a_passage_outside_the_remembered_sections_is_given_as_a_passage():
    mine = passage("mine", source="notes/b.md")
    prompt = compose("First?", [], [mine], split_sections(GUIDE), WordCounter(4000), max_tokens=100)
    assert prompt.section is None
    assert "mine" in prompt.messages[0].text
