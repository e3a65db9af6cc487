"""Personal data is found here, masked before it leaves or is kept, and back in place in what the model says."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from coach.answer.flow import Finished
from coach.backends import load_index
from coach.cli import run
from coach.coach import Coach
from coach.privacy import find
from coach.privacy.find import find_personal
from coach.privacy.item import PersonalItem
from coach.privacy.mask import mask, unmask, without
from coach.privacy.outgoing import MaskedChatModel, Masking
from coach.privacy.reply import masked_reply
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.store.traces import TraceStore
from coach.types import Answer, Sentence, Trace, Turn
from tests.fakes import ScriptedChatModel

needs_names = pytest.mark.skipif(
    not find.names_are_found(), reason="the extra `privacy` (spaCy and Presidio) is not installed"
)
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LEAVES = "The server models.example is another machine: your questions go there."
LETTER = """Dear Hiring Manager,
My name is Priya Raghunathan. At Spotify I compared Claude, Gemini and Llama for RAG, with ROUGE and what Gartner says.
Write to priya.r@example.com, call +44 20 7946 0958, or see linkedin.com/in/priya-r. I live at 12 Baker Street, London NW1 6XE.
We called it Project Bluebird. My manager Tomasz Zieliński knows more.

Kind regards,
Priya Raghunathan
"""
MASKED_LETTER = """Dear Hiring Manager,
My name is [name 1]. At Spotify I compared Claude, Gemini and Llama for RAG, with ROUGE and what Gartner says.
Write to [email 1], call [phone 1], or see [profile link 1]. I live at [address 1].
We called it Project [own word 1]. My manager [name 2] knows more.

Kind regards,
[name 1]
"""


@needs_names
def test_a_letter_is_masked_the_same_name_the_same_way_and_made_whole_again():
    masked = mask(LETTER, find_personal(LETTER, ["bluebird"]))
    assert masked.text == MASKED_LETTER
    assert masked.replacements["[name 2]"] == "Tomasz Zieliński"
    assert unmask(masked.text, masked.replacements) == LETTER


@needs_names
def test_what_is_found_stands_where_it_says_and_never_overlaps():
    items = find_personal(LETTER * 60)  # longer than the model reads at once
    assert all((LETTER * 60)[item.start : item.end] == item.text for item in items)
    assert all(before.end <= after.start for before, after in pairwise(items))
    assert sum(item.kind == "email" for item in items) == 60


@needs_names
@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Charge 4111 1111 1111 1111 please.", "card", "4111 1111 1111 1111"),
        ("My IBAN is DE89 3704 0044 0532 0130 00.", "id number", "DE89 3704 0044 0532 0130 00"),
        ("I live at Hauptstraße 5, 10115 Berlin", "address", "Hauptstraße 5, 10115 Berlin"),
        ("Our designer Ngozi Okonjo drew it.", "name", "Ngozi Okonjo"),
        ("Ring (415) 555-0132 after six.", "phone", "(415) 555-0132"),
        ("See https://github.com/someone for code.", "profile link", "https://github.com/someone"),
    ],
)
def test_each_kind_is_found(text, kind, found):
    assert (kind, found) in [(item.kind, item.text) for item in find_personal(text)]


@needs_names
def test_figures_products_and_methods_are_not_personal():
    text = (
        "In Q3 2023 we served 1,200,000 users and 10 000 tickets a day at 99.95% uptime for $3.5M, from 2019-2023. "
        "GPT-4o, Claude, Gemini, Ada, Jira, the Kano model, a Likert scale and Monte Carlo runs; ticket 202311270001."
    )
    assert find_personal(text) == ()


def test_a_person_lets_an_item_stand_by_its_number():
    text = "Mail a@b.example or c@d.example, or again a@b.example."
    items = find_personal(text)
    assert mask(text, without(items, [1])).text == "Mail a@b.example or [email 1], or again a@b.example."


def test_a_placeholder_that_stands_in_the_text_already_is_not_used():
    text = "Keep [email 1] and a@b.example."
    masked = mask(text, find_personal(text))
    assert masked.text == "Keep [email 1] and [email 2]."
    assert unmask(masked.text, masked.replacements) == text


def test_items_that_overlap_leave_no_part_bare():
    text = "Anna Lee Street 5"
    items = [PersonalItem("name", 0, 8, "Anna Lee"), PersonalItem("address", 5, 17, "Lee Street 5")]
    assert mask(text, items).text == "[address 1]"


def test_without_the_model_what_has_a_form_is_still_masked(monkeypatch):
    monkeypatch.setattr(find, "is_installed", lambda: False)
    masked = mask(LETTER, find_personal(LETTER, ["Bluebird"])).text
    assert "[email 1], call [phone 1], or see [profile link 1]" in masked
    assert "Project [own word 1]" in masked
    assert "Priya Raghunathan" in masked
    reply = Answer("I am a@b.example", "I am a@b.example", (), (), Trace("I am a@b.example"))
    kept = masked_reply(reply)
    assert kept.question == "I am [email 1]"
    assert "make setup" in kept.trace.notes[-1]


# --- what a model elsewhere reads ------------------------------------------------------------------------------------


def test_a_placeholder_cut_across_tokens_comes_back_whole():
    model = ScriptedChatModel("Dear [email 1], hello [x] and [")
    masked = MaskedChatModel(model, Masking())
    pieces = list(masked.stream([Turn("user", "Write to a@b.example")], max_tokens=50, temperature=0.0))
    assert model.prompts[0][0].text == "Write to [email 1]"
    assert (
        "".join(pieces) == "Dear a@b.example, hello [x] and ["
    )  # the scripted model parts "[email" and "1],"


def test_what_was_found_once_stays_masked_and_keeps_its_placeholder():
    model = ScriptedChatModel()
    masked = MaskedChatModel(model, Masking(["Bluebird"]))
    for text in ("Bluebird is late", "a@b.example asks about Bluebird"):
        masked.stream([Turn("system", "Help."), Turn("user", text)], max_tokens=5, temperature=0.0)
    assert model.prompts[1][1].text == "[email 1] asks about [own word 1]"


def test_choices_and_counts_are_made_on_masked_text():
    model = ScriptedChatModel(choices={"[email 1]": "Yes"})
    masked = MaskedChatModel(model, Masking())
    assert masked.choose([Turn("user", "Is a@b.example there?")], ("Yes", "No"))["Yes"] == 0.9
    assert masked.choose([Turn("user", "Who?")], ("a@b.example", "nobody")).keys() == {
        "a@b.example",
        "nobody",
    }
    assert model.chosen_from == [("Yes", "No"), ("[email 1]", "nobody")]
    assert masked.count_tokens("a@b.example") == model.count_tokens("[email 1]")


@pytest.fixture
def coach_with(library, embedder, tmp_path):
    def build(model, leaves, **settings):
        chosen = load_settings(backend="openai", **settings).model_copy(update={"home": tmp_path})
        index = load_index(load_settings(), embedder.name)
        return Coach(chosen, embedder, index, ChosenModel(model, "openai", "It was asked for.", leaves))

    return build


QUESTION = "My colleague Priya Raghunathan asks: how many interview rounds are typical?"


def said_by(coach, text):
    stream = coach.chat_model().stream([Turn("user", text)], max_tokens=50, temperature=0.0)
    return "".join(stream)


@needs_names
def test_a_hosted_model_sees_no_name_and_the_reply_comes_back_with_it(coach_with):
    model = ScriptedChatModel("Tell [name 1] that 5-7 are typical.")
    coach = coach_with(model, LEAVES)
    assert said_by(coach, QUESTION) == "Tell Priya Raghunathan that 5-7 are typical."
    assert model.prompts[0][0].text == "My colleague [name 1] asks: how many interview rounds are typical?"
    assert "masked before that" in coach.leaves


def test_what_is_shown_first_is_what_the_model_reads_and_what_is_let_pass_passes_this_once(coach_with):
    model = ScriptedChatModel("5-7 are typical.", choices={})
    coach = coach_with(model, LEAVES)
    question = "a@b.example asks c@d.example: how many interview rounds are typical?"
    shown = coach.outgoing(question, {"c@d.example"})
    assert shown.text == "[email 1] asks c@d.example: how many interview rounds are typical?"
    assert shown.items == (("[email 1]", "a@b.example"), ("[email 2]", "c@d.example"))
    assert model.prompts == []
    coach.answer(question, unmasked={"c@d.example"}).result()
    sent = [turn.text for prompt in model.prompts for turn in prompt]
    assert any(shown.text in text for text in sent)
    assert not any("a@b.example" in text or "[email 2]" in text for text in sent)
    model.prompts.clear()
    coach.answer(question).result()
    sent = [turn.text for prompt in model.prompts for turn in prompt]
    assert sent and not any("@" in text for text in sent)
    assert coach.outgoing("How many rounds are typical?") is None


@pytest.mark.parametrize(("leaves", "setting"), [("", True), (LEAVES, False)])
def test_nothing_is_shown_first_where_nothing_leaves_masked(coach_with, leaves, setting):
    assert coach_with(ScriptedChatModel(), leaves, mask_personal=setting).outgoing("a@b.example") is None


def test_a_server_that_does_not_answer_now_may_answer_when_the_text_is_sent(library, embedder):
    settings = load_settings(backend="openai", openai_base_url="http://models.example/v1")
    coach = Coach(settings, embedder, load_index(load_settings(), embedder.name), keeps=False)
    assert coach.outgoing("Is a@b.example there?").text == "Is [email 1] there?"
    assert coach.outgoing("How many rounds?") is None


def test_words_let_pass_stand_alone_and_not_within_more_that_is_personal():
    text = "Ann Lee met Ann, and Lee met Ann Lee."
    items = [PersonalItem("name", 0, 7, "Ann Lee"), PersonalItem("name", 12, 15, "Ann")]
    items.append(PersonalItem("name", 29, 36, "Ann Lee"))
    assert mask(text, items, unmasked={"Ann"}).text == "[name 1] met Ann, and Lee met [name 1]."
    known = {"[name 1]": "Ann", "[name 2]": "Lee"}
    assert mask(text, items, known, {"Ann Lee"}).text == "Ann Lee met [name 1], and [name 2] met Ann Lee."


def test_the_commands_print_what_leaves_before_they_send_it(coach_with, tmp_path, run_coach, monkeypatch):
    model = ScriptedChatModel("5-7 are typical.")
    monkeypatch.setattr("coach.cli.ask.loaded", lambda settings, keeps=True: coach_with(model, LEAVES))
    monkeypatch.setattr("coach.cli.critique.loaded", lambda settings, keeps=True: coach_with(model, LEAVES))
    asked = run_coach("ask", "a@b.example asks: how many interview rounds are typical?")
    first, _, rest = asked.stderr.partition("\n\n")
    assert first == (
        "This is what leaves this machine:\n[email 1] asks: how many interview rounds are typical?"
    )
    assert "a@b.example" not in first and "Reading the question" in rest
    draft = tmp_path / "draft.txt"
    draft.write_text("Write to a@b.example first.", encoding="utf-8")
    read = run_coach("critique", draft, "--question", "Why?")
    assert "This is what leaves this machine:\nWrite to [email 1] first." in read.stderr


@pytest.mark.parametrize(("leaves", "setting"), [("", True), (LEAVES, False)])
def test_a_model_on_this_machine_or_with_the_setting_off_reads_the_text_as_it_is(coach_with, leaves, setting):
    model = ScriptedChatModel()
    said_by(coach_with(model, leaves, mask_personal=setting), QUESTION)
    assert model.prompts[0][0].text == QUESTION


def test_the_users_own_words_are_set_once(coach_with, monkeypatch):
    monkeypatch.setenv("COACH_OWN_WORDS", '["Bluebird"]')
    model = ScriptedChatModel()
    said_by(coach_with(model, LEAVES), "How late is Bluebird?")
    assert model.prompts[0][0].text == "How late is [own word 1]?"


# --- what is kept ----------------------------------------------------------------------------------------------------


@needs_names
def test_a_trace_is_kept_masked_after_the_reply_was_handed_over(coach_with, tmp_path):
    coach = coach_with(ScriptedChatModel(), "")
    stream = coach.answer(QUESTION)
    reply = next(event.reply for event in stream if isinstance(event, Finished))
    assert reply.question == QUESTION
    assert TraceStore(tmp_path).recent(1) == []
    list(stream)
    (kept,) = TraceStore(tmp_path).recent(1)
    assert kept.question == "My colleague [name 1] asks: how many interview rounds are typical?"
    assert b"Raghunathan" not in (tmp_path / "coach.sqlite3").read_bytes()


@needs_names
def test_a_kept_reply_says_the_same_name_the_same_way_throughout():
    sentences = (Sentence("Priya Raghunathan, five rounds.", "supported"),)
    kept = masked_reply(Answer(QUESTION, QUESTION, sentences, (), Trace(QUESTION)))
    assert kept.sentences[0].text == "[name 1], five rounds."
    assert "[name 1]" in kept.trace.query


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_the_masked_text_and_what_was_found(tmp_path, capsys):
    file = tmp_path / "letter.txt"
    file.write_text("Write to a@b.example about Bluebird.", encoding="utf-8")
    assert run(["privacy", str(file), "--own-word", "Bluebird"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "Write to [email 1] about [own word 1].\n"
    assert "email (1)" in printed.err and "a@b.example" in printed.err
    assert run(["privacy", str(file), "--keep", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["text"] == "Write to a@b.example about Bluebird."
    assert found["items"][0]["masked"] is False
    assert run(["privacy", str(file), "--keep", "9"]) == 2
    assert "run `coach privacy" in capsys.readouterr().err


# --- what it costs ---------------------------------------------------------------------------------------------------

PROGRAM = """
import socket, sys
tried = []
def refused(self, address, *rest):
    tried.append(str(address))
    raise OSError("refused")
def refused_look_up(host, *rest, **options):
    tried.append(str(host))
    raise OSError("refused")
socket.socket.connect = socket.socket.connect_ex = refused
socket.getaddrinfo = refused_look_up
import coach.coach, coach.privacy.outgoing
early = {"spacy", "presidio_analyzer", "faker"} & sys.modules.keys()
before = {"torch", "transformers"} & sys.modules.keys()
from coach.privacy.find import find_personal
items = find_personal("My name is Priya Raghunathan, priya@example.co.uk, http://example.org")
brought = {"torch", "transformers"} & sys.modules.keys() - before
import json
print(json.dumps({"tried": tried, "early": sorted(early), "brought": sorted(brought), "kinds": [i.kind for i in items]}))
"""


@needs_names
def test_loading_asks_no_network_and_comes_only_when_needed(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert result == {"tried": [], "early": [], "brought": [], "kinds": ["name", "email"]}
    assert list(tmp_path.rglob("*tldextract*")) == []


@needs_names
@pytest.mark.skipif(not (DATA / "pii").is_dir(), reason="the labelled set ../shared/data/pii is not here")
def test_nine_of_ten_names_and_all_mails_and_phones_of_the_labelled_set_are_masked():
    from bench.privacy import counted, labelled

    counts, _ = counted([*labelled(DATA, "fit"), *labelled(DATA, "held_out")])

    def recall(kind):
        return counts[kind, "found"] / (counts[kind, "found"] + counts[kind, "missed"])

    assert recall("name") >= 0.9
    assert recall("email") == recall("phone") == 1.0
    assert counts["name", "right"] / (counts["name", "right"] + counts["name", "wrong"]) >= 0.85
