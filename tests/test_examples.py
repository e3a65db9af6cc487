"""Every question that the app and the README show as an example is answered, with a real model and without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coach.backends.llama_cpp import LlamaCppChatModel
from coach.coach import Coach, load_index
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.types import Answer, Refusal
from coach.ui.components import EXAMPLE_QUESTIONS

CARDS = {
    "How is a Generative AI PM different from a traditional PM?": "inherently probabilistic",
    "What does the committee expect about RAG and fine-tuning?": "difference between RAG and fine-tuning",
    "How many interview rounds are there?": "5-7",
    "Why do candidates fail these interviews?": "Candidates frequently fail",
    "What pay can a Generative AI PM expect?": "$250,000",
    "Is prior Generative AI experience mandatory?": "not always strictly mandatory",
}
README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def with_model(small_model_path, library, embedder, tmp_path_factory):
    model = LlamaCppChatModel(
        small_model_path, context_window=2048, states_folder=tmp_path_factory.mktemp("states")
    )
    settings = load_settings(backend="embedded", max_tokens=16, traces=False)
    voice = ChosenModel(model, "embedded", "for the test")
    yield Coach(settings, embedder, load_index(settings, embedder.name), voice)
    model.close()


def test_the_cards_are_the_ones_that_are_tried():
    assert list(CARDS) == list(EXAMPLE_QUESTIONS)


@pytest.mark.parametrize("question", CARDS)
def test_every_card_of_the_welcome_page_is_answered_without_a_doubt(question, sources_only):
    reply = sources_only.answer(question).result()
    assert isinstance(reply, Answer) and not reply.doubt
    assert CARDS[question] in reply.text


@pytest.mark.parametrize("question", CARDS)
def test_every_card_is_answered_with_a_model_that_reads_and_writes(question, with_model):
    reply = with_model.answer(question).result()
    assert isinstance(reply, Answer)
    assert CARDS[question] in reply.text
    assert reply.trace.model and not reply.trace.notes[1:]


def test_the_readmes_questions_are_answered(sources_only):
    asked = re.findall(r'^    coach ask "([^".]+)"', README, re.MULTILINE)
    assert {"How many rounds are typical?", "What does the committee expect about Kubernetes?"} <= set(asked)
    history: list[str] = []
    for question in asked:
        reply = sources_only.answer(question, history).result()
        if isinstance(reply, Refusal):  # one that the README shows as such, word for word
            assert " ".join(reply.text.split()) in " ".join(README.split())
            continue
        assert isinstance(reply, Answer), question
        history = [question]
    shown = re.search(r'answer\("([^"]+)", history=\["([^"]+)"\]\)', README)
    assert shown is not None
    assert "6-8 weeks" in sources_only.answer(shown[1], [shown[2]]).result().text
