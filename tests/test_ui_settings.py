"""The Settings page, and what is shown before it leaves this machine, driven without a browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from coach.settings import load_settings, save_setting
from coach.store.conversations import ConversationStore
from coach.text.attribution import collection_label
from coach.types import COMMITTEE, Collection
from coach.ui import outgoing, session
from coach.ui.pages import settings as settings_page
from tests.fakes import FakeCoach
from tests.test_ui_pages import ask, open_page, press, settled, shown

NAMED = "Is a@b.example or c@d.example on the panel?"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    session._server.clear()
    return tmp_path


def field(page: AppTest, label: str):
    kinds = (page.selectbox, page.number_input, page.toggle, page.multiselect)
    return next(one for kind in kinds for one in kind if one.label == label)


def written(home: Path) -> str:
    path = home / "coach.toml"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_every_field_says_what_it_changes_and_where_its_value_comes_from(own_home, monkeypatch):
    save_setting("passages", 5)
    monkeypatch.setenv("COACH_MAX_TOKENS", "300")
    page = open_page("settings")
    text = shown(page)
    for description in (
        "Tokens that prompt and reply share.",
        "Lets a model named with",
        "employer&#x27;s code name",
    ):
        assert description in text
    assert field(page, "Passages").value == 5
    assert "Passages retrieved for a question. Set here, in <code>coach.toml</code>." in text
    assert "Tokens that prompt and reply share. The default." in text
    assert field(page, "Longest reply").disabled and field(page, "Longest reply").value == 300
    assert "COACH_MAX_TOKENS in the environment" in text


def test_a_change_is_written_beside_what_stands_there_and_opens_the_coach_anew(own_home, monkeypatch):
    (own_home / "coach.toml").write_text("# mine\nthreads = 2\n", encoding="utf-8")
    opened = []

    def open_coach():
        opened.append(load_settings().passages)
        return FakeCoach()

    monkeypatch.setattr(session, "_open_coach", open_coach)
    session._server().coach()
    page = open_page("settings")
    shown(field(page, "Passages").set_value(3).run())
    assert written(own_home) == "# mine\nthreads = 2\npassages = 3\n"
    session._server().coach()
    assert opened == [8, 3]


def test_a_wrong_value_is_refused_with_the_reason_and_the_old_one_stays(own_home):
    page = open_page("settings")
    text = shown(field(page, "Context window").set_value(12).run())
    assert "<code>12</code> is not usable for <code>context_window</code> (input should be greater" in text
    assert field(page, "Context window").value == 8192
    assert written(own_home) == ""
    text = shown(field(page, "Context window").set_value(4096).run())
    assert "not usable" not in text
    assert load_settings().context_window == 4096


def test_words_models_and_masking_are_chosen(own_home):
    page = open_page("settings")
    field(page, "Mask personal data").set_value(False).run()
    field(page, "Who speaks").set_value("none").run()
    settings = load_settings()
    assert (settings.mask_personal, settings.backend) == (False, "none")
    assert not [
        one for one in page.selectbox if one.label == "Model"
    ]  # the sources have no names to choose among
    field(page, "Who speaks").set_value("auto").run()
    assert field(page, "Model").value == settings_page.PICKED_BY_THE_COACH


def library_of(*names: str) -> FakeCoach:
    """A coach with a collection of each name beside the article."""
    held = tuple(Collection(name, collection_label(name), 1) for name in (COMMITTEE, *names))
    coach = FakeCoach()
    coach.collections = lambda: held
    return coach


def asked_so_far(home: Path):
    store = ConversationStore(home)
    return store.exchanges(store.list()[0].id)


def test_what_is_asked_by_default_is_chosen_and_the_ask_page_begins_with_it(own_home):
    page = open_page("settings", library_of("notes", "own"))
    choice = field(page, "Collections")
    assert choice.options == ["The committee's article", "Your notes", "Your documents"]
    shown(choice.set_value(["notes"]).run())
    assert load_settings().collections == ("notes",)
    coach = library_of("notes", "own")
    page = open_page(coach=coach)
    pills = page.get("button_group")[0]
    assert list(pills.value) == ["notes"]
    ask(page, "How many rounds?")
    assert asked_so_far(own_home)[0].collections == ("notes",)
    page.get("button_group")[0].set_value([])
    ask(page, "And in everything?")
    asked = asked_so_far(own_home)
    assert asked[-1].collections == (COMMITTEE, "notes", "own")


def test_a_collection_that_is_gone_is_said_and_ignored(own_home):
    save_setting("collections", ["CV", "notes"])
    text = shown(open_page(coach=library_of("notes", "own")))
    assert "names <code>CV</code>, which the library does not hold: questions are asked of the others" in text
    page = open_page("settings", library_of("notes", "own"))
    assert field(page, "Collections").value == ["CV", "notes"]
    assert "CV: not in the library" in field(page, "Collections").options


def test_retention_is_applied_at_once(own_home):
    ConversationStore(own_home).ask("How many rounds?")
    page = open_page("settings")
    field(page, "Conversations and drafts").set_value("forever").run()
    assert ConversationStore(own_home).list()
    shown(field(page, "Conversations and drafts").set_value("nothing").run())
    assert ConversationStore(own_home).list() == ()


def test_erasing_is_asked_twice_and_clears_the_page(own_home, library, monkeypatch):
    """How the article is read again is another test's (test_erase): here its index comes back from a copy."""

    def read_again(settings, forget=()):
        shutil.copytree(library / "index", settings.index_folder)
        return ()

    monkeypatch.setattr("coach.coach.ingest_apart", read_again)
    (own_home / "models").symlink_to(library / "models", target_is_directory=True)
    ConversationStore(own_home).ask("How many rounds?")
    save_setting("history", "forever")
    page = open_page("settings")
    page.session_state["critique_draft"] = "A draft."
    page.button(key="erase").click().run()
    assert ConversationStore(own_home).list()
    page.button(key="erase_not").click().run()
    page.button(key="erase").click().run()
    page.button(key="erase_for_good").click().run(timeout=120)
    assert not page.exception
    assert "Everything is erased" in page.success[0].value
    assert ConversationStore(own_home).list() == ()
    assert "critique_draft" not in page.session_state
    assert written(own_home) == ""
    assert (own_home / "index" / "current.json").exists()


# --- seen before it leaves -------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere() -> FakeCoach:
    coach = FakeCoach()
    coach.model_elsewhere = True
    return coach


def test_a_question_is_seen_masked_before_it_leaves_and_an_item_can_be_let_pass(elsewhere):
    page = open_page(coach=elsewhere)
    text = ask(page, NAMED)
    assert outgoing.TITLE in text
    assert "Is [email 1] or [email 2] on the panel?" in text
    assert page.chat_input[0].disabled
    assert elsewhere.asked == []
    text = shown(page.checkbox[1].uncheck().run())
    assert "Is [email 1] or c@d.example on the panel?" in text
    assert elsewhere.asked == []
    page.button(key="ask_send").click().run()
    assert "Written by Qwen" in settled(page)
    assert [question for question, _ in elsewhere.asked] == [NAMED]
    assert elsewhere.let_pass == [frozenset({"c@d.example"})]
    assert (
        ask(page, "How many rounds?").count("Written by Qwen") == 2
    )  # nothing personal, nothing to see first


def test_a_question_that_was_seen_can_be_edited_instead(elsewhere):
    page = open_page(coach=elsewhere)
    ask(page, NAMED)
    page.button(key="ask_send_not").click().run()
    assert page.chat_input[0].proto.value == NAMED
    assert elsewhere.asked == [] and not page.chat_input[0].disabled


def test_a_model_on_this_machine_is_asked_at_once():
    coach = FakeCoach()
    ask(open_page(coach=coach), NAMED)
    assert [question for question, _ in coach.asked] == [NAMED]


def test_a_draft_is_seen_masked_before_it_leaves(elsewhere):
    page = open_page("critique", elsewhere)
    page.text_area(key="critique_question").set_value("How would you design it?")
    page.text_area(key="critique_draft").set_value("Write to a@b.example or c@d.example first.")
    text = shown(page.button(key="critique_submit").click().run())
    assert "Write to [email 1] or [email 2] first." in text
    assert elsewhere.judged == []
    page.button(key="critique_send_not").click().run()
    assert page.text_area(key="critique_draft").value.startswith("Write to a@b")
    page.button(key="critique_submit").click().run()
    page.checkbox[0].uncheck().run()
    page.button(key="critique_send").click().run()
    session_worker = page.session_state["worker"]
    assert session_worker.wait(20)
    assert [draft for draft, *_ in elsewhere.judged] == ["Write to a@b.example or c@d.example first."]
    assert elsewhere.let_pass == [frozenset({"a@b.example"})]


def test_a_question_asked_again_is_seen_again_with_what_was_let_pass_before(elsewhere):
    page = open_page(coach=elsewhere)
    ask(page, f"fail: {NAMED}")
    page.checkbox[1].uncheck().run()
    page.button(key="ask_send").click().run()
    settled(page)
    text = press(page, "Ask again")
    assert "Is [email 1] or c@d.example on the panel?" in text
    assert [box.value for box in page.checkbox if "_mask_" in str(box.key)] == [True, False]
    assert len(elsewhere.asked) == 1
    press(page, "Not now")
    press(page, "Ask again")
    press(page, "Send")
    settled(page)
    assert [question for question, _ in elsewhere.asked] == [f"fail: {NAMED}"] * 2
    assert elsewhere.let_pass == [frozenset({"c@d.example"})] * 2


def read_draft(page: AppTest, draft: str) -> None:
    """Hand a draft in, let its first mail address pass, and wait until it is read or has failed."""
    page.text_area(key="critique_question").set_value("How would you design it?")
    page.text_area(key="critique_draft").set_value(draft)
    page.button(key="critique_submit").click().run()
    page.checkbox[0].uncheck().run()
    page.button(key="critique_send").click().run()
    assert page.session_state["worker"].wait(20)
    shown(page.run())


def test_a_draft_read_again_is_seen_again_with_what_was_let_pass_before(elsewhere):
    page = open_page("critique", elsewhere)
    read_draft(page, "It will fail here. Write to a@b.example or c@d.example first.")
    text = press(page, "Read it again")
    assert "Write to a@b.example or [email 2] first." in text
    assert len(elsewhere.judged) == 1
    press(page, "Send")
    assert page.session_state["worker"].wait(20)
    assert len(elsewhere.judged) == 2
    assert elsewhere.let_pass == [frozenset({"a@b.example"})] * 2


def test_a_rewrite_is_seen_first_with_the_facts_that_go_into_it(elsewhere):
    page = open_page("critique", elsewhere)
    read_draft(page, "Write to a@b.example or c@d.example first.")
    press(page, "Help me improve this")
    press(page, "Give me a hint")
    page.text_area[0].set_value("I told e@f.example so.").run()
    text = press(page, "Write it for me")
    assert "Write to a@b.example or [email 2] first." in text
    assert "I told [email 1] so." in text
    assert [stage for _, stage, _ in elsewhere.redrafted] == ["question", "hint"]
    press(page, "Not now")
    press(page, "Write it for me")
    press(page, "Send")
    assert page.session_state["worker"].wait(20)
    text = shown(page.run())
    assert elsewhere.redrafted[-1][1:] == ("rewrite", "I told e@f.example so.")
    assert elsewhere.let_pass == [frozenset({"a@b.example"})] * 2
    assert "I told e@f.example so." in text
