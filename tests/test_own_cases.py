"""The user's own cases: made on the command line, run apart from ours, gone with what they were made from."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import click
import pytest

from coach.cli import cli
from coach.errors import UsageError
from coach.evaluation.cases import load_cases
from coach.evaluation.own_cases import own_cases, own_table, run_own_cases
from coach.evaluation.run import read_run
from coach.settings import load_settings
from coach.store.cases import CaseStore
from coach.store.conversations import ConversationStore
from coach.store.critiques import CritiqueStore, draft_id
from coach.store.feedback import FeedbackStore
from coach.store.readings import ReadingStore
from coach.store.retention import apply_retention, erase_all
from coach.types import Refusal, Trace
from tests.critique_fakes import FakeCritic
from tests.critiques import FIRST, first_critique
from tests.fakes import FakeIndex, HashingEmbedder

ROUNDS, BREAD = "How many interview rounds are typical?", "How do I bake sourdough bread at altitude?"


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    return tmp_path


def asked(home, *questions):
    """A conversation in which each was refused."""
    store = ConversationStore(home)
    conversation, exchanges = "", []
    for question in questions:
        exchanges.append(store.ask(question, conversation))
        conversation = exchanges[-1].conversation
        reply = Refusal(question, question, "no_evidence", "Not there.", (), Trace(query=question))
        store.update(exchanges[-1].id, state="finished", reply=reply)
    return exchanges


def overruled(home, criterion="cost", level="met", critique=None):
    """The draft's kept critique with one verdict overruled, and its id."""
    critique = critique or first_critique()
    store = CritiqueStore(home)
    store.overrule(critique, criterion, level, "It says so in the last line.")
    return store.get(draft_id(critique)), draft_id(critique)


def bytes_in(home):
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_case_goes_with_the_drafts_that_are_deleted_by_their_question(own_home):
    critique, draft = overruled(own_home)
    readings = ReadingStore(own_home)
    reading = readings.hand_in(critique.draft, critique.question, critique.kind, critique.rubric)
    readings.update(reading.id, state="finished", critique=critique, kept_as=draft)
    CaseStore(own_home).keep_verdict(critique, "cost")
    readings.delete(reading.id)
    assert (CaseStore(own_home).list(), CritiqueStore(own_home).list(), readings.questions()) == ((), (), ())
    assert b"It says so in the last line" not in bytes_in(own_home)


# On the command line


def test_a_conversation_shows_the_ids_by_which_a_reply_gets_its_thumb_and_its_case(own_home, run_coach):
    first, second = asked(own_home, ROUNDS, "And how long?")
    shown = run_coach("conversations", "show", first.conversation).stdout
    assert f"*{first.id}*" in shown
    done = run_coach("thumbs", "down", second.id[:6], "--reason", " Too\n short. ")
    assert done.stdout == f"{second.id}  thumb down: Too short.\n"
    assert f"coach cases add {second.id}" in done.stderr
    assert (
        f"*{second.id}: thumb down: Too short.*"
        in run_coach("conversations", "show", first.conversation).stdout
    )
    assert second.id not in run_coach("conversations", "export", first.conversation).stdout
    run_coach("thumbs", "up", first.id)
    assert [line.split()[0] for line in run_coach("thumbs", "list").stdout.splitlines()] == [
        first.id,
        second.id,
    ]
    run_coach("thumbs", "delete", first.id)
    assert [one.subject for one in FeedbackStore(own_home).list()] == [second.id]


def test_cases_are_added_listed_exported_and_deleted(own_home, run_coach, tmp_path_factory):
    first, second = asked(own_home, ROUNDS, "And how long?")
    assert run_coach("cases", "add", second.id[:8], "--should-say", "6-8 weeks").returncode == 0
    run_coach("cases", "add", first.id, "--not-in-sources")
    run_coach("cases", "add", "--question", "What pay?", "--should-say", "$250,000; $400,000")
    _, identity = overruled(own_home)
    assert run_coach("cases", "add", f"{identity[:6]}/cost").stdout == f"{identity}/cost  cost: met\n"
    listed = run_coach("cases", "list").stdout
    for words in ("it should have said 6-8 weeks", "the sources do not say it", "cost: met", "What pay?"):
        assert words in listed
    file = tmp_path_factory.mktemp("export") / "own.jsonl"
    file.write_text(run_coach("cases", "export", "answers").stdout, encoding="utf-8")
    follow_up, refused, pay = load_cases(file)  # as `coach eval answers --cases own.jsonl` reads it
    assert (follow_up.kind, [turn.text for turn in follow_up.history]) == ("follow_up", [ROUNDS])
    assert (refused.kind, refused.answerable, refused.split) == ("unanswerable", False, "own")
    assert pay.facts == (("$250,000",), ("$400,000",))
    (draft,) = map(json.loads, run_coach("cases", "export", "critique").stdout.splitlines())
    assert (draft["draft"], draft["labels"], draft["kind"]) == (FIRST, {"cost": "met"}, "design")
    run_coach("cases", "delete", identity, second.id[:6])
    assert {case.id for case in CaseStore(own_home).list()} == {first.id, pay.id}
    assert run_coach("cases", "delete", "--all", "--yes").stdout == "Deleted 2.\n"
    assert b"$250,000" not in bytes_in(own_home)
    assert "coach cases add --help" in run_coach("cases", "list").stderr


@pytest.mark.parametrize(
    ("words", "next_step"),
    [
        (["cases", "add"], "--question"),
        (["cases", "add", "--question", "What pay?"], "--not-in-sources"),
        (["cases", "add", "--question", " ", "--not-in-sources"], "--question"),
        (["cases", "add", "--question", "What pay?", "--should-say", " ; "], "--not-in-sources"),
        (["cases", "add", "feedfeed", "--not-in-sources"], "coach conversations show ID"),
        (["cases", "add", "feedfeed/cost"], "coach drafts list"),
        (["cases", "add", "DRAFT/failure_modes"], "coach overrule"),
        (["cases", "add", "DRAFT/latency"], "name one of failure_modes"),
        (["cases", "add", "DRAFT/cost", "--not-in-sources"], "leave out the other options"),
        (["cases", "delete"], "--all"),
        (["cases", "delete", "feedfeed"], "coach cases list"),
        (["thumbs", "down", "feedfeed"], "coach conversations show ID"),
        (["thumbs", "up", "DRAFT/latency"], "name one of failure_modes"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_its_next_step(own_home, run_coach, words, next_step):
    _, identity = overruled(own_home)
    done = run_coach(*[word.replace("DRAFT", identity) for word in words])
    assert (done.returncode, done.stdout) == (2, "")
    assert next_step in done.stderr
    assert CaseStore(own_home).list() == ()


def test_a_confirmed_verdict_is_no_case(own_home):
    critique, _ = overruled(own_home, "cost", "missing")  # the judge's own level
    with pytest.raises(UsageError, match="not overruled"):
        CaseStore(own_home).keep_verdict(critique, "cost")


# What becomes of them


def test_a_case_goes_with_the_conversation_or_draft_that_it_was_made_from(own_home):
    first, second = asked(own_home, "A secret question?", "And then?")
    (kept,) = asked(own_home, ROUNDS)
    critique, identity = overruled(own_home)
    cases = CaseStore(own_home)
    for exchange in (first, second, kept):
        cases.keep_reply(exchange.id, "a secret fact")
    cases.keep_verdict(critique, "cost")
    ConversationStore(own_home).delete(first.conversation)
    assert [case.id for case in cases.list()] == [kept.id, f"{identity}/cost"]
    assert b"A secret question" not in bytes_in(own_home)
    CritiqueStore(own_home).delete(identity)
    assert [case.id for case in cases.list()] == [kept.id]
    assert b"AI will solve this" not in bytes_in(own_home)
    cases.keep_verdict(*(overruled(own_home)[0], "cost"))
    CritiqueStore(own_home).delete_all()
    assert [case.id for case in cases.list()] == [kept.id]


def test_a_case_outlives_a_conversation_that_only_grew_old_or_was_read_in_again(own_home):
    (exchange,) = asked(own_home, ROUNDS)
    critique, identity = overruled(own_home)
    cases = CaseStore(own_home)
    cases.keep_reply(exchange.id, "5-7")
    cases.keep_verdict(critique, "cost")
    conversations = ConversationStore(own_home)
    conversations.load(conversations.export())
    then = (datetime.now(UTC) - timedelta(days=91)).isoformat(timespec="milliseconds")
    with sqlite3.connect(own_home / "coach.sqlite3") as database:
        database.execute("UPDATE conversations SET changed_at = ?", (then,))
        database.execute("UPDATE critiques SET kept_at = ?", (then,))
        database.execute("UPDATE overrides SET made_at = ?", (then,))
    database.close()
    apply_retention(load_settings(history="90 days"))
    assert (conversations.list(), CritiqueStore(own_home).list()) == ((), ())
    assert [case.id for case in cases.list()] == [exchange.id, f"{identity}/cost"]
    erase_all(load_settings())
    assert cases.list() == ()
    assert b"5-7" not in bytes_in(own_home)


def test_looking_at_cases_creates_no_file(own_home):
    assert (CaseStore(own_home).list(), CaseStore(own_home).get("x")) == ((), None)
    assert list(own_home.iterdir()) == []


# Run


@pytest.fixture
def own_answers(library):
    """Three cases in the library's home: one that is right, one that is wrong, one to be refused."""
    store = CaseStore(library)
    kept = [
        store.keep_question(ROUNDS, "5-7"),
        store.keep_question("And how long does that take? | now", "9000 weeks", earlier=[ROUNDS]),
        store.keep_question(BREAD, None),
    ]
    yield kept
    for case in store.list():
        store.delete(case.id)


def test_own_cases_are_asked_of_the_real_sources_and_told_one_by_one(own_answers, sources_only):
    cases = own_cases(sources_only.settings, "answers")
    assert list(cases) == own_answers
    run = run_own_cases(sources_only, "answers", cases)
    assert [row.measures["right"] for row in run.rows] == [(1, 1), (0, 1), (1, 1)]
    assert [row.outcome for row in run.rows] == ["extractive", "extractive", "refused"]
    assert run.rows[0].measures["citation_precision"][0] >= 1  # the cited place holds the words
    table = own_table(run, cases)
    assert table.startswith("Your own cases, in no other figure: 2 of 3 right (answers, extractive).")
    assert f"| {own_answers[2].id} | {BREAD} | the sources do not say it | refused | right |" in table
    assert (
        r"And how long does that take? \| now | it should have said 9000 weeks | extractive | WRONG |"
        in table
    )


def test_the_command_runs_own_cases_apart_from_ours(own_answers, library, tmp_path, capsys):
    out = tmp_path / "run.json"
    eval_ = ["eval", "answers", "--backend", "none", "--out", str(out)]
    cli.main([*eval_, "--limit", "2"], standalone_mode=False)
    said = capsys.readouterr().out
    ours, _, own = said.partition("Your own cases")
    assert "| Cases scored | 1 of 1 | 1 of 1 |" in ours  # one of each split, and nothing of the user's
    assert own.startswith(", in no other figure: 1 of 2 right")
    ids = {case.id for case in own_answers}
    assert not ids & {row.id for row in read_run(out).rows}
    beside = read_run(tmp_path / "run-own.json")
    assert [row.id for row in beside.rows] == [case.id for case in own_answers[:2]]
    assert not {row.text for row in beside.rows} - {""}
    cli.main([*eval_, "--own"], standalone_mode=False)
    assert capsys.readouterr().out.startswith("Your own cases, in no other figure: 2 of 3 right")
    assert {row.id for row in read_run(out).rows} == ids
    cli.main([*eval_, "--own", "--resume"], standalone_mode=False)
    assert len(read_run(out).rows) == 3
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps(own_answers[0].written), encoding="utf-8")
    capsys.readouterr()
    cli.main([*eval_, "--cases", str(file)], standalone_mode=False)
    said = capsys.readouterr().out
    assert said.startswith("| | extractive, your own |")
    assert "in no other figure" not in said


def test_own_alone_without_any_says_how_to_make_one(own_home):
    for suite in ("answers", "critique"):
        with pytest.raises(UsageError, match="coach cases add --help"):
            cli.main(["eval", suite, "--own"], standalone_mode=False)
        with pytest.raises(click.UsageError, match="leave out"):
            cli.main(["eval", suite, "--own", "--split", "fit"], standalone_mode=False)


class WordCoach(FakeCritic):
    """Judges by a handful of words; has what a run is named by."""

    backend, model_name = "given", "words"
    embedder, index = HashingEmbedder(), FakeIndex()

    def __init__(self):
        super().__init__()
        self.settings = load_settings()

    def chosen_model(self):
        return SimpleNamespace(model=None, backend="given", reason="")


def test_an_overruled_verdict_is_judged_again_and_each_draft_once(own_home):
    coach, cases = WordCoach(), CaseStore(own_home)
    for criterion, level in (("failure_modes", "met"), ("cost", "met"), ("product_outcome", "missing")):
        cases.keep_verdict(overruled(own_home, criterion, level)[0], criterion)
    kept = own_cases(coach.settings, "critique")
    run = run_own_cases(coach, "critique", kept)
    assert len(coach.judged) == 1
    judged = {row.kind: (row.outcome, row.measures["right"][0]) for row in run.rows}
    assert judged == {
        "failure_modes": ("failure_modes: met", 1),
        "cost": ("cost: missing", 0),
        "product_outcome": ("product_outcome: missing", 1),
    }
    assert "2 of 3 right (critique, words)" in own_table(run, kept)


def test_what_cannot_be_judged_is_unscored_with_the_reason_and_never_counted(own_home):
    coach, cases = WordCoach(), CaseStore(own_home)
    silent = first_critique(draft=FIRST + " There is no model here.")
    cases.keep_verdict(overruled(own_home, critique=silent)[0], "cost")
    failing = first_critique(draft=FIRST + " You may fail here.")
    cases.keep_verdict(overruled(own_home, critique=failing)[0], "cost")
    kept = own_cases(coach.settings, "critique")
    table = own_table(run_own_cases(coach, "critique", kept), kept)
    assert "0 of 0 right" in table
    assert "2 of 2 cases could not be scored" in table
    assert "No language model is here to judge." in table
    assert "The model stopped: run `coach doctor`." in table


def test_the_critique_command_reports_own_cases_apart(library, tmp_path, capsys):
    critique, identity = overruled(library)
    CaseStore(library).keep_verdict(critique, "cost")
    out = tmp_path / "run.json"
    try:
        cli.main(
            ["eval", "critique", "--backend", "none", "--limit", "1", "--out", str(out)],
            standalone_mode=False,
        )
    finally:
        CritiqueStore(library).delete(identity)
    ours, _, own = capsys.readouterr().out.partition("Your own cases")
    assert "Drafts (questions)" in ours
    assert "0 of 0 right" in own  # without a model nothing is judged, and nothing guessed
    assert f"{identity}/cost: " in own
    assert [row.id for row in read_run(tmp_path / "run-own.json").rows] == [f"{identity}/cost"]
