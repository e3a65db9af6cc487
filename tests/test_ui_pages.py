"""The pages, driven without a browser over a faked coach."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from coach.answer.flow import Extracted
from coach.errors import IndexMissingError, IngestError, UsageError
from coach.settings import load_settings
from coach.store.cases import CaseStore, OwnCase
from coach.store.conversations import ConversationStore
from coach.store.feedback import FeedbackStore
from coach.types import ListedModel, ModelList
from coach.ui import session
from coach.ui.components import EXAMPLE_QUESTIONS, PROMISE, QUESTION_BOX
from coach.ui.own_cases import MAKE_IT, NOT_THERE
from tests.fakes import FakeCoach

SLOWLY = "How many rounds? Answer slowly."
PAGES = Path(session.__file__).parent / "pages"


def open_page(name: str = "ask", coach: FakeCoach | None = None, conversation: str = "") -> AppTest:
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=30)
    if conversation:
        page.query_params["conversation"] = conversation
    if coach is not None:
        page.session_state["coach"] = coach
    return page.run()


def shown(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def settled(page: AppTest) -> str:
    """What the page shows once nothing is being answered any more."""
    kept = ConversationStore(load_settings().home)
    end = time.monotonic() + 20
    while kept.under_way():
        assert time.monotonic() < end, "the question was not answered"
        time.sleep(0.02)
    return shown(page.run())


def press(page: AppTest, label: str) -> str:
    return shown(next(button for button in page.button if button.label == label).click().run())


def titles(page: AppTest) -> list[str]:
    """The conversations in the side bar, as they are listed."""
    return [button.label for button in page.button if str(button.key).startswith("conversation_")]


def ask(page: AppTest, question: str) -> str:
    shown(page.chat_input(key=QUESTION_BOX).set_value(question).run())
    return settled(page)


@pytest.fixture
def coach() -> FakeCoach:
    return FakeCoach()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail() -> None:
        raise IndexMissingError("No index yet: run `coach ingest`.")

    monkeypatch.setattr(session, "_open_coach", fail)
    session._server.clear()
    yield
    session._server.clear()


def test_the_empty_page_promises_and_offers_examples(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    assert PROMISE in shown(page)
    assert [button.label for button in page.main.button] == list(EXAMPLE_QUESTIONS)


def test_an_example_is_asked_with_one_press(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    page.button(key="example_1").click().run()
    text = settled(page)
    assert [question for question, _ in coach.asked] == [EXAMPLE_QUESTIONS[0]]
    assert "In the article’s own words" in text
    assert PROMISE not in text


def test_a_question_gets_its_verified_reply_and_no_draft_stays(coach: FakeCoach) -> None:
    text = ask(open_page(coach=coach), "How many rounds?")
    assert "Written by Qwen" in text
    assert "Left out: not in your sources (1)" in text
    assert "coach-draft" not in text
    assert "coach-step" not in text


def test_the_conversation_stays_and_follow_ups_carry_their_history(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "How many rounds?")
    text = ask(page, "And how long does that take?")
    assert "How many rounds?" in text
    (_, first), (question, second) = coach.asked
    assert first == ()
    assert question == "And how long does that take?"
    assert [turn.role for turn in second] == ["user", "assistant"]
    assert second[0].text == "How many rounds?"
    assert "snacks" not in second[1].text


def test_a_redraw_asks_nothing_again(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "How many rounds?")
    assert "Written by Qwen" in shown(page.run())
    assert len(coach.asked) == 1


def test_a_new_conversation_starts_empty(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "How many rounds?")
    assert PROMISE in shown(page.button(key="new_conversation").click().run())
    ask(page, "What pay?")
    assert coach.asked[-1][1] == ()


def test_a_refusal_is_calm_and_offers_passages(coach: FakeCoach) -> None:
    text = ask(open_page(coach=coach), "unknown")
    assert "coach-refusal" in text
    assert "coach-error" not in text


def test_an_error_is_one_sentence_with_its_command_and_keeps_the_question(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    text = ask(page, "fail on this one")
    assert "run <code>coach models pull</code>" in text
    assert "fail on this one" in text
    assert "In the article’s own words" in text  # what was found before the error stays


def test_trying_again_asks_the_same_question_in_its_place(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "fail on this one")
    press(page, "Ask again")
    text = settled(page)
    assert [question for question, _ in coach.asked] == ["fail on this one"] * 2
    assert text.count('<h2 class="coach-question">fail on this one</h2>') == 1


def test_editing_puts_the_question_back_into_the_box(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "fail on this one")
    edit = next(button for button in page.button if button.label == "Edit the question")
    edit.click().run()
    assert page.chat_input(key=QUESTION_BOX).proto.value == "fail on this one"


def test_something_unforeseen_says_what_to_do_and_logs_the_rest(
    coach: FakeCoach, caplog: pytest.LogCaptureFixture
) -> None:
    text = ask(open_page(coach=coach), "crash")
    assert "<code>coach doctor</code>" in text
    assert "a detail that belongs in the log" not in text
    assert "a detail that belongs in the log" in caplog.text


def test_a_question_of_five_megabytes_is_answered_in_one_sentence(coach: FakeCoach) -> None:
    coach.error = UsageError("The question has 5,000,000 characters: shorten it to 4,000 and ask again.")
    page = open_page(coach=coach)
    text = ask(page, "fail " + "<" * 5_000_000)
    assert "shorten it to 4,000" in text
    assert len(text) < 100_000
    assert len(coach.asked[0][0]) == 5_000_005


def test_control_characters_and_markup_in_a_question_are_shown(coach: FakeCoach) -> None:
    text = ask(open_page(coach=coach), "a\x00b <img src=x onerror=alert(1)> $x$ **b**")
    assert "a␀b &lt;img src=x onerror=alert(1)&gt; $x$ **b**" in text


def test_without_a_model_the_sources_answer_and_the_reason_is_on_the_page() -> None:
    coach = FakeCoach(model_name=None)
    coach.backend, coach.backend_reason = "none", "No model is here: run `coach models pull`."
    page = open_page(coach=coach)
    text = ask(page, "How many rounds?")
    assert "Written by" not in text
    assert "In the article’s own words" in text
    assert "The sources alone" in text
    assert "<code>coach models pull</code>" in text


def test_while_the_model_loads_the_page_says_so() -> None:
    coach = FakeCoach(model_name=None)
    coach.backend = "auto"
    assert "it is still loading" in shown(open_page(coach=coach))


def test_the_sidebar_says_what_leaves_the_machine(coach: FakeCoach) -> None:
    assert "coach-caution" not in shown(open_page(coach=coach))
    coach.leaves = "big:120b-cloud is hosted elsewhere (ollama.com): your questions leave this machine."
    page = open_page(coach=coach)
    assert f'<div class="coach-caution">{coach.leaves}</div>' in shown(page)
    assert PROMISE not in shown(page) and "leaves this machine: see the side bar" in shown(page)
    coach.leaves, coach.caution = "", "no-template:1.5b never sees the sources."
    page = open_page(coach=coach)
    assert f'<div class="coach-caution">{coach.caution}</div>' in shown(page) and PROMISE in shown(page)


def test_the_sidebar_says_that_the_index_was_made_anew(coach: FakeCoach) -> None:
    coach.notice = "The index was of an earlier version and was made anew: 1 files."
    assert f'<div class="coach-caution">{coach.notice}</div>' in shown(open_page(coach=coach))


def test_the_sidebar_lists_the_models_that_are_here(coach: FakeCoach) -> None:
    coach.model_list = ModelList(
        (
            ListedModel("Qwen2.5-Coder", "built in", 1_117_000_000, 8192, fits=True),
            ListedModel("qwen3:4b", "Ollama", 2_500_000_000, 8192, thinks=True, fits=True, chosen=True),
            ListedModel("big:120b-cloud", "Ollama", 0, state="hosted elsewhere"),
            ListedModel("llama3:70b", "Ollama", 40_000_000_000, 8192, fits=False, state="too large"),
        ),
        "Speaks now: qwen3:4b, used last; change it with `coach models use NAME`.",
    )
    page = open_page(coach=coach)
    assert "qwen3:4b" not in shown(page)  # nothing is asked before somebody looks
    page.session_state["models_here"] = True
    text = shown(page.run())
    assert "qwen3:4b</strong> (speaks now)<br>Ollama, 2.5 GB, window 8,192, thinks" in text
    assert "big:120b-cloud</strong><br>Ollama, hosted elsewhere" in text
    assert "does not fit this machine’s memory" in text
    assert "<code>coach models use NAME</code>" in text


def test_the_sidebar_names_who_answers(coach: FakeCoach) -> None:
    text = shown(open_page(coach=coach))
    assert "Qwen2.5-Coder-1.5B-Instruct" in text
    assert "built in, on this machine" in text


def test_what_a_process_that_was_killed_left_is_there_and_can_be_asked_again(coach: FakeCoach) -> None:
    store = ConversationStore(load_settings().home)
    left = store.ask("How many rounds?", owner="1 0.0")  # no process has begun then
    extracted = next(event.answer for event in coach.answer("q") if isinstance(event, Extracted))
    store.update(left.id, state="running", step="Writing", extracted=extracted, said="A typical loop")
    page = open_page(coach=coach, conversation=left.conversation)
    text = shown(page)
    assert "The coach ended before this answer was finished" in text
    assert "In the article’s own words" in text
    assert "coach-draft" not in text
    press(page, "Ask again")
    assert "Written by Qwen" in settled(page)


def test_a_question_asked_while_another_is_answered_waits_and_is_answered(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    shown(page.chat_input(key=QUESTION_BOX).set_value(SLOWLY).run())
    text = shown(page.chat_input(key=QUESTION_BOX).set_value("And what pay?").run())
    assert "Waiting for the one before it" in text
    text = settled(page)
    assert text.count("Written by Qwen") == 2
    assert coach.asked[1][1][0].text == SLOWLY


def test_stopping_keeps_the_sources_words_and_no_unchecked_draft(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    shown(page.chat_input(key=QUESTION_BOX).set_value(SLOWLY).run())
    while "coach-draft" not in shown(page.run()):
        time.sleep(0.02)
    text = press(page, "Stop")
    assert "Stopped before the answer was finished" in text
    assert "In the article’s own words" in text
    assert "coach-draft" not in text


def test_conversations_are_listed_found_renamed_and_deleted(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "How many *rounds*?")
    press(page, "New conversation")
    ask(page, "What pay?")
    assert titles(page) == ["What pay?", r"How many \*rounds\*?"]
    page.text_input(key="conversation_search").set_value("rounds how").run()
    assert titles(page) == [r"How many \*rounds\*?"]
    press(page, r"How many \*rounds\*?")
    assert "How many *rounds*?" in shown(page) and "What pay?</h2>" not in shown(page)
    title = next(field for field in page.text_input if field.label == "Title")
    title.set_value("Rounds <b>").run()
    page.text_input(key="conversation_search").set_value("").run()
    assert titles(page) == ["What pay?", r"Rounds \<b\>"]
    press(page, "Delete")
    assert PROMISE in press(page, "Delete it for good")
    assert titles(page) == ["What pay?"]


def test_a_thumb_and_its_reason_are_kept(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "How many rounds?")
    (thumbs,) = page.feedback
    thumbs.set_value(0).run()
    next(field for field in page.text_input if field.label == "Why").set_value("Too short.").run()
    (given,) = FeedbackStore(load_settings().home).list()
    assert (given.useful, given.reason) == (False, "Too short.")


def thumb_down(page: AppTest) -> None:
    page.feedback[-1].set_value(0).run()


def cases() -> list[OwnCase]:
    return list(CaseStore(load_settings().home).list())


def test_a_reply_that_went_wrong_becomes_a_case_with_one_press(coach: FakeCoach) -> None:
    page = open_page(coach=coach)
    ask(page, "How many rounds?")
    assert not any(button.label == MAKE_IT for button in page.button)
    thumb_down(page)
    assert "which words a right answer holds" in press(page, MAKE_IT)
    assert cases() == []
    words = next(field for field in page.text_input if field.label == "Words that a right answer holds")
    words.set_value("5-7 rounds; 6-8 weeks")
    text = press(page, MAKE_IT)
    assert "it should have said 5-7 rounds; 6-8 weeks" in text
    assert "<code>coach eval answers</code> runs it" in text
    (case,) = cases()
    assert (case.written["question"], case.written["kind"]) == ("How many rounds?", "answerable")
    assert case.written["facts"] == [["5-7 rounds"], ["6-8 weeks"]]
    press(page, "Delete the case")
    assert cases() == []


def test_a_follow_up_that_should_have_been_refused_becomes_a_case_with_what_was_asked_before(
    coach: FakeCoach,
) -> None:
    page = open_page(coach=coach)
    ask(page, "How many rounds?")
    ask(page, "And in <b>Lisbon</b>?")
    thumb_down(page)
    page.radio[0].set_value(NOT_THERE).run()
    assert not any(field.label == "Words that a right answer holds" for field in page.text_input)
    assert "the sources do not say it" in press(page, MAKE_IT)
    (case,) = cases()
    assert (case.written["kind"], case.written["answerable"]) == ("follow_up", False)
    assert (case.written["question"], case.written["history"]) == (
        "And in <b>Lisbon</b>?",
        ["How many rounds?"],
    )
    press(page, "Delete")
    press(page, "Delete it for good")
    assert cases() == []


@pytest.mark.usefixtures("no_index")
def test_without_an_index_the_page_says_how_to_make_one_and_keeps_the_question() -> None:
    page = open_page()
    assert "run <code>coach ingest</code>" in shown(page)
    text = ask(page, "How many rounds?")
    assert "How many rounds?" in text
    assert "run <code>coach ingest</code>" in text
    page.session_state["coach"] = FakeCoach()  # the index has been made in the meantime
    press(page, "Ask again")
    assert "Written by Qwen" in settled(page)


def work_done(page: AppTest) -> str:
    """What the Library shows once nothing is being read any more."""
    end = time.monotonic() + 20
    while (
        page.session_state["worker"].library.work and not page.session_state["worker"].library.work.finished
    ):
        assert time.monotonic() < end, "the documents were not read"
        time.sleep(0.02)
    return shown(page.run())


def test_the_library_lists_the_article_and_says_how_to_add_documents(coach: FakeCoach) -> None:
    text = shown(open_page("library", coach))
    assert "The committee&#x27;s article" in text
    assert ">Generative AI PM skillset: interview prep</a>" in text
    assert "No documents of yours yet" in text


def test_a_document_opens_with_its_place_marked(coach: FakeCoach) -> None:
    page = AppTest.from_file(str(PAGES / "library.py"), default_timeout=30)
    page.session_state["coach"] = coach
    start = coach.article.text.index("A typical Generative AI PM interview loop")
    page.query_params.update({"document": coach.article.source, "start": str(start), "end": str(start + 20)})
    assert '<mark class="coach-meant" id="coach-meant">A typical Generative</mark>' in shown(page.run())
    page.query_params.update({"start": "-5", "end": "nonsense"})
    assert "coach-meant" not in shown(page.run())


def test_the_library_reads_the_sources_again_and_reports(coach: FakeCoach) -> None:
    page = open_page("library", coach)
    page.button(key="ingest").click().run()
    text = work_done(page)
    assert coach.ingests == 1
    assert "1 file" in text
    assert "Done" not in press(page, "OK")


def test_a_failed_ingest_is_one_sentence_with_its_command(coach: FakeCoach) -> None:
    coach.error = IngestError("The disk is full: free some space and run `coach ingest`.")
    page = open_page("library", coach)
    page.button(key="ingest").click().run()
    text = work_done(page)
    assert "run <code>coach ingest</code>" in text
    assert "Generative AI PM skillset" in text  # the previous index goes on answering


@pytest.mark.usefixtures("no_index")
def test_the_library_without_an_index_says_how_to_make_one() -> None:
    assert "run <code>coach ingest</code>" in shown(open_page("library"))
