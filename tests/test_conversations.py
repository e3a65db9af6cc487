"""Conversations are kept as they come, found again, taken along and brought back without loss."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from coach.answer.report import conversation_as_markdown
from coach.errors import UsageError
from coach.store.conversations import ConversationStore, read_reply, written_reply
from coach.types import Refusal, Trace
from tests.builders import passage
from tests.test_traces import ANSWER

NAUGHTY = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "naughty_strings" / "blns.jsonl"
REFUSAL = Refusal("What about visas?", "What about visas?", "no_evidence", "No.", (passage("x"),), Trace("q"))


@pytest.fixture
def store(tmp_path):
    return ConversationStore(tmp_path)


def told(store, *exchanges):
    """A conversation of (question, reply)."""
    conversation = ""
    for question, reply in exchanges:
        asked = store.ask(question, conversation)
        conversation = asked.conversation
        assert store.update(asked.id, state="finished", reply=reply)
    return conversation


@pytest.mark.parametrize("reply", [ANSWER, REFUSAL], ids=["answer", "refusal"])
def test_a_reply_is_read_back_as_it_was(reply):
    assert read_reply(written_reply(reply)) == reply


def test_what_was_stopped_stays_as_it_is(store):
    asked = store.ask("How many rounds?")
    assert store.update(asked.id, state="running", said="A typical")
    assert store.update(asked.id, state="stopped")
    assert not store.update(asked.id, said="A typical loop has", state="finished", reply=ANSWER)
    (left,) = store.exchanges(asked.conversation)
    assert (left.state, left.said, left.reply) == ("stopped", "A typical", None)


def test_a_title_is_the_first_questions_beginning(store):
    told(
        store,
        ("How many interview rounds are typical for a Generative AI product manager role?", ANSWER),
        ("And pay?", ANSWER),
    )
    (one,) = store.list()
    assert one.title == "How many interview rounds are typical for a Generative AI…"
    assert one.exchanges == 2


def test_words_find_a_conversation_by_title_question_and_answer(store):
    rounds = told(store, ("How many?", ANSWER))
    visas = told(store, ("What about 100 % visas_?", REFUSAL))
    assert [one.id for one in store.list("five ROUNDS")] == [rounds]
    assert [one.id for one in store.list("visas_")] == [visas]
    assert [one.id for one in store.list("0 %")] == [visas]
    assert store.list("visas rounds") == store.list("sentences") == ()


def test_export_and_import_lose_nothing(store, tmp_path):
    told(store, ("How many?", ANSWER), ("What about visas?", REFUSAL))
    waiting = store.ask("A third?")
    written = json.loads(json.dumps(store.export(), ensure_ascii=False))
    other = ConversationStore(tmp_path / "other")
    assert other.load(written) == 2
    for one in store.list():
        assert other.get(one.id) == one
        for before, after in zip(store.exchanges(one.id), other.exchanges(one.id), strict=True):
            state = "unfinished" if before.id == waiting.id else before.state
            assert after == replace(before, state=state, owner="")
    assert other.load(written) == 2  # again: the same ids are replaced
    assert len(other.list()) == 2


@pytest.mark.parametrize(
    "written",
    [
        None,
        [],
        {"format": "another"},
        {"format": "genai-pm-coach conversations 1", "conversations": [{"id": "a"}]},
    ],
)
def test_what_is_no_export_is_refused_and_nothing_is_kept(store, written):
    with pytest.raises(UsageError, match="coach conversations export --json"):
        store.load(written)
    assert store.list() == ()


@pytest.mark.skipif(not NAUGHTY.exists(), reason="../shared/data is not here")
def test_odd_strings_come_back_as_they_were(store, tmp_path):
    odd = [json.loads(line)["text"] for line in NAUGHTY.read_text(encoding="utf-8").split("\n") if line]
    odd = [text for text in odd if text.strip() and text.isprintable()][:200]
    conversation = told(store, *((text, replace(ANSWER, question=text)) for text in odd))
    assert [one.question for one in store.exchanges(conversation)] == odd
    other = ConversationStore(tmp_path / "other")
    other.load(json.loads(json.dumps(store.export())))
    assert [one.reply.question for one in other.exchanges(conversation)] == odd


def test_markdown_has_every_sentence_with_where_it_comes_from_and_no_markup_of_a_strangers():
    text = conversation_as_markdown(
        "Rounds <b>", [("Is *this* [a link](x)?", ANSWER), ("Visas?", REFUSAL), ("More?", None)]
    )
    assert text.startswith(r"# Rounds \<b\>")
    assert r"Is \*this\* \[a link\](x)?" in text
    assert r"Five rounds. \[1\]" in text
    assert "guides/a.md:0-4" in text
    assert "Left out: not in your sources" in text and "Bring snacks" in text
    assert "*Not answered.*" in text


def test_a_deleted_conversation_leaves_no_byte(store, tmp_path):
    kept = told(store, ("What of the Quillfern?", ANSWER))
    gone = told(store, ("What of the Brambleton?", ANSWER))
    store.delete(gone)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Brambleton" not in left
    assert b"Quillfern" in left
    assert [one.id for one in store.list()] == [kept]
    with pytest.raises(UsageError, match="coach conversations list"):
        store.delete(gone)
