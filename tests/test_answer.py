"""The question flow end to end over the real index: order of events, proof, refusal, failures, follow-ups."""

from types import SimpleNamespace

import numpy as np
import pytest

from coach.answer.extract import texts_to_embed
from coach.answer.flow import Extracted, Finished
from coach.backends import load_index
from coach.coach import Coach
from coach.errors import BackendError, UsageError
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.types import Answer, Refusal, StepStarted, Token, Turn
from tests.fakes import ScriptedChatModel

ROUNDS = "How many interview rounds are typical for this role?"
TRUE = "The process often takes 6-8 weeks from initial contact to offer."
FALSE = "The process takes 20 weeks at Netflix."


@pytest.fixture()
def coach_with(library, embedder):
    def build(model, backend="embedded"):
        if isinstance(model, ScriptedChatModel):
            model.choices.setdefault("", "Yes")  # what a test does not script, the model is sure of
        settings = load_settings(backend=backend)
        voice = ChosenModel(model, backend, "for the test")
        return Coach(settings, embedder, load_index(settings, embedder.name), voice)

    return build


def test_the_sources_speak_first_then_the_model_then_what_was_checked(coach_with):
    events = list(coach_with(ScriptedChatModel(f"{TRUE} {FALSE}")).answer(ROUNDS))
    kinds = [type(event) for event in events]
    assert kinds.index(Extracted) < kinds.index(Token) < kinds.index(Finished) == len(kinds) - 1
    assert [event.name for event in events if isinstance(event, StepStarted)] == [
        "Reading the question",
        "Searching the sources",
        "Writing",
        "Checking every sentence",
    ]


def test_thinking_is_a_step_and_never_a_token(coach_with):
    class Thinking(ScriptedChatModel):
        def stream(self, messages, **sampling):
            spoken = super().stream(messages, **sampling)
            spoken._pieces = iter(["", "", *spoken._pieces])
            return spoken

    events = list(coach_with(Thinking(TRUE)).answer(ROUNDS))
    steps = [event.name for event in events if isinstance(event, StepStarted)]
    assert steps[-4:] == ["Writing", "Thinking", "Writing", "Checking every sentence"]
    assert all(event.text for event in events if isinstance(event, Token))
    assert TRUE in events[-1].reply.text


def test_a_model_that_wrote_nothing_leaves_the_sources_and_says_so(coach_with):
    class Silent(ScriptedChatModel):
        def stream(self, messages, **sampling):
            raise BackendError(
                "qwen3:8b wrote nothing: its thoughts took all 1024 tokens they may have; try another."
            )

    reply = coach_with(Silent(TRUE)).answer(ROUNDS).result()
    assert reply.mode == "extractive" and "5-7" in reply.text
    assert "wrote nothing" in reply.trace.notes[-1]


def test_only_proven_sentences_are_in_the_text_and_the_rest_is_listed(coach_with):
    answer = coach_with(ScriptedChatModel(f"{TRUE} [9] {FALSE}")).answer(ROUNDS).result()
    assert isinstance(answer, Answer)
    assert answer.mode == "generated"
    assert TRUE in answer.text
    assert "Netflix" not in answer.text
    assert [sentence.text for sentence in answer.left_out] == [FALSE]
    assert "[9]" not in "".join(sentence.text for sentence in answer.sentences)


def test_the_models_text_never_loses_a_fact_the_sources_sentences_had(coach_with):
    coach = coach_with(ScriptedChatModel(TRUE))
    events = list(coach.answer(ROUNDS))
    extracted = next(event.answer for event in events if isinstance(event, Extracted))
    assert "5-7" in extracted.text
    assert "5-7" in events[-1].reply.text


def test_a_sentence_that_the_token_limit_cut_off_is_not_shown(library, embedder):
    settings = load_settings(backend="embedded", max_tokens=16)
    cut = f"{TRUE} A typical loop involves 5-7 rounds and the recruiter"
    model = ScriptedChatModel(cut, choices={"": "Yes"})
    voice = ChosenModel(model, "embedded", "for the test")
    reply = Coach(settings, embedder, load_index(settings, embedder.name), voice).answer(ROUNDS).result()
    assert TRUE in reply.text
    assert not any(
        "A typical loop involves" in sentence.text and sentence.origin == "model"
        for sentence in reply.sentences
    )
    assert reply.left_out == ()


def test_every_citation_is_byte_exact(coach_with):
    coach = coach_with(ScriptedChatModel(TRUE))
    for question in (ROUNDS, "What is model empathy?", "What should I know about RAG and fine-tuning?"):
        reply = coach.answer(question).result()
        assert isinstance(reply, Answer)
        citations = [citation for sentence in reply.sentences for citation in sentence.citations]
        assert citations
        for citation in citations:
            span = citation.span
            assert coach.document(span.source).text[span.start : span.end] == span.text
            assert reply.passages[citation.passage].chunk.start <= span.start
            assert span.end <= reply.passages[citation.passage].chunk.end


@pytest.mark.parametrize(
    "said", ["", "   ", "The sources do not say.", "Bananas are yellow fruit from Ecuador."]
)
def test_where_the_model_says_nothing_usable_the_sources_sentences_stand(coach_with, said):
    answer = coach_with(ScriptedChatModel(said)).answer(ROUNDS).result()
    assert answer.mode == "extractive"
    assert "5-7" in answer.text
    assert "Bananas" not in answer.text


def test_a_model_that_fails_loses_nothing_and_says_what_to_do(coach_with):
    failing = ScriptedChatModel(failure=BackendError("The server is gone: run `ollama serve`."))
    answer = coach_with(failing).answer(ROUNDS).result()
    assert "5-7" in answer.text
    assert "ollama serve" in " ".join(answer.trace.notes)


def test_what_the_sources_do_not_cover_is_refused_by_name_with_three_passages(coach_with):
    model = ScriptedChatModel(TRUE, choices={"sourdough": "No"})
    refusal = coach_with(model).answer("How do I bake sourdough bread at high altitude?").result()
    assert isinstance(refusal, Refusal)
    assert "sourdough" in refusal.text
    assert len(refusal.nearest) == 3
    assert model.prompts == []


def test_a_follow_up_finds_the_passage_and_shows_the_query(sources_only):
    history = [Turn("user", "How many rounds are typical?"), Turn("assistant", "Five to seven.")]
    answer = sources_only.answer("and how long does that take?", history).result()
    assert "6-8 weeks" in answer.text
    assert answer.trace.rewritten
    assert "How many rounds are typical?" in answer.trace.query


def test_small_talk_is_neither_refused_nor_cited(sources_only):
    answer = sources_only.answer("what can you do?").result()
    assert isinstance(answer, Answer)
    assert [sentence.status for sentence in answer.sentences] == ["connective"]
    assert answer.passages == ()


def test_an_empty_question_is_a_usage_error(sources_only):
    with pytest.raises(UsageError):
        sources_only.answer("  \x00 ").result()


def test_the_trace_tells_model_times_and_steps(coach_with):
    trace = coach_with(ScriptedChatModel(TRUE)).answer(ROUNDS).result().trace
    assert trace.model == "scripted"
    assert trace.backend_reason == "for the test"
    assert 0 < trace.first_citation_ms < trace.first_token_ms < trace.total_ms
    assert {"retrieve", "extract", "gate", "generate", "verify"} <= set(trace.steps_ms)
    assert trace.usage.prompt > 0
    assert trace.index_fingerprint


def test_the_model_gets_the_section_that_the_engine_remembers(coach_with):
    model = ScriptedChatModel(TRUE)
    coach = coach_with(model)
    coach.warm()
    coach.answer(ROUNDS).result()
    assert model.prompts[0][0] in [messages[0] for messages in model.remembered]


def test_a_model_is_not_touched_before_the_sources_sentences_are_out(library, embedder):
    def forbidden():
        raise AssertionError("loaded too early")

    settings = load_settings(backend="embedded")
    coach = Coach(settings, embedder, load_index(settings, embedder.name))
    coach.chosen_model = forbidden
    for event in coach.answer(ROUNDS):
        if isinstance(event, Extracted):
            return
    raise AssertionError("no extractive answer")


def test_langchain_models_and_retriever_fit_the_seams(library, embedder):
    from langchain_core.language_models import FakeListChatModel

    coach = Coach.load(load_settings(), chat_model=FakeListChatModel(responses=[TRUE]))
    answer = coach.answer(ROUNDS).result()
    assert answer.mode == "generated"
    documents = coach.retriever(3).invoke(ROUNDS)
    assert len(documents) == 3
    text = coach.document(documents[0].metadata["source"]).text
    assert text[documents[0].metadata["start"] : documents[0].metadata["end"]] == documents[0].page_content


def test_a_question_half_covered_is_answered_in_part_and_the_rest_is_named(sources_only):
    reply = sources_only.answer("How long does the process take and what is the dress code?").result()
    assert isinstance(reply, Answer)
    assert "6-8 weeks" in reply.text
    assert reply.not_covered == ("What is the dress code?",)


def test_a_refusal_names_what_is_missing_and_shows_what_stands_near_as_no_answer(sources_only):
    reply = sources_only.answer("What does a contractor in Lisbon earn?").result()
    assert isinstance(reply, Refusal)
    assert reply.missing == "an amount of money for “contractor”"
    assert reply.missing in reply.text
    assert any("$250,000" in sentence.text for sentence in reply.related)


def test_the_model_is_asked_about_each_part_and_one_no_leaves_the_other_answered(coach_with):
    model = ScriptedChatModel(TRUE, choices={"promoted": "No", "weeks": "Yes"})
    reply = (
        coach_with(model)
        .answer("How many weeks does the process take and is it legal to be promoted in between?")
        .result()
    )
    assert isinstance(reply, Answer)
    assert reply.not_covered == ("Is it legal to be promoted in between?",)


def test_both_parts_of_a_covered_question_are_answered(sources_only):
    reply = sources_only.answer("How many rounds are there and which salary can I expect at FAANG?").result()
    assert isinstance(reply, Answer)
    assert "5-7" in reply.text
    assert "$250,000" in reply.text
    assert reply.not_covered == ()


def test_typos_are_read_as_what_was_meant_and_the_reply_says_so(sources_only):
    reply = sources_only.answer("how meny intervew ronds are there").result()
    assert "5-7 rounds" in reply.text
    assert reply.standalone == "how many interview rounds are there"
    assert reply.question == "how meny intervew ronds are there"


def test_a_question_in_another_language_is_translated_by_the_model_and_the_reply_says_so(coach_with):
    model = ScriptedChatModel(ROUNDS, TRUE)
    reply = coach_with(model).answer("¿Cuántas rondas de entrevistas hay para este puesto?").result()
    assert reply.standalone == ROUNDS
    assert "5-7 rounds" in reply.text


@pytest.mark.parametrize("said", ["", "word " * 200])
def test_what_is_no_translation_is_not_searched_for(coach_with, said):
    question = "¿Cuántas rondas de entrevistas hay para este puesto?"
    assert coach_with(ScriptedChatModel(said)).answer(question).result().standalone == question


def test_a_follow_up_is_answered_from_the_section_its_question_led_to(sources_only):
    history = [Turn("user", "Which trade-off did the Principal AI PM candidate discuss?")]
    reply = sources_only.answer("Who liked it?", history).result()
    assert "engineering director" in reply.text


def test_each_part_of_a_question_is_weighed_by_its_own_passages(sources_only):
    reply = sources_only.answer("How long does the process take and what is the dress code?").result()
    assert "6-8 weeks" in reply.text
    assert reply.not_covered == ("What is the dress code?",)
    for sentence in reply.sentences:
        for citation in sentence.citations:
            chunk = reply.passages[citation.passage].chunk
            assert chunk.start <= citation.span.start < citation.span.end <= chunk.end


OPEN = "What does the committee expect about observability?"


def test_what_the_signals_leave_open_the_model_decides(coach_with):
    said_no = ScriptedChatModel(TRUE, choices={"observability": "No"})
    events = list(coach_with(said_no).answer(OPEN))
    order = [event.name if isinstance(event, StepStarted) else type(event).__name__ for event in events]
    assert order.index("Extracted") < order.index("Checking the evidence")
    assert isinstance(events[-1].reply, Refusal)
    assert said_no.prompts == []  # it was not asked to write
    assert isinstance(coach_with(ScriptedChatModel(TRUE)).answer(OPEN).result(), Answer)


def test_where_a_doubt_is_left_the_sources_speak_alone(coach_with):
    unsure = ScriptedChatModel(TRUE)
    unsure.choose = lambda messages, options: {"Yes": 0.85, "No": 0.15}
    reply = coach_with(unsure).answer(OPEN).result()
    assert reply.doubt and reply.mode == "extractive" and unsure.prompts == []


def test_without_a_model_what_is_left_open_is_an_answer_with_a_doubt(sources_only):
    reply = sources_only.answer(OPEN).result()
    assert isinstance(reply, Answer)
    assert "observability" in reply.doubt


def test_what_was_read_for_the_decision_is_not_read_again_for_the_answer(coach_with):
    model = ScriptedChatModel(TRUE)
    asked = []
    model.choose = lambda messages, options: asked.append(tuple(messages)) or {"Yes": 0.999, "No": 0.001}
    coach_with(model).answer(OPEN).result()
    (prompt,) = model.prompts
    assert prompt[: len(asked[0])] == asked[0]


def test_warming_up_reads_each_sentence_of_the_guide_once(coach_at, embedder, monkeypatch):
    coach, again = coach_at(), []

    def embed(texts):
        again.extend(texts)
        return embedder.embed(texts)

    monkeypatch.setattr(
        coach.embedder, "plain", SimpleNamespace(embed=embed, embed_tokens=embedder.embed_tokens)
    )
    coach.warm()
    guide = texts_to_embed(coach.remembered_sections())
    assert not set(guide) & set(again)
    assert np.allclose(coach.embedder.embed(guide[:5]), embedder.embed(guide[:5]), atol=2e-2)


def test_where_no_model_is_used_one_sentence_says_so_and_how_to_choose_one(sources_only):
    said = "No chat model is used: replies are the sources' own sentences. Choose one in Settings"
    assert sources_only.backend_reason.startswith(said)
    assert sources_only.answer(ROUNDS).result().trace.backend_reason == sources_only.backend_reason
    with pytest.raises(BackendError, match=said):
        sources_only.chat_model()
    critique = sources_only.critique("We ask pharmacists first.", "How would you design it?").result()
    assert any(said in notice for notice in critique.notices)
