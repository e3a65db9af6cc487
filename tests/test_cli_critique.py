"""`coach critique`, `coach overrule` and `coach drafts` as a user meets them."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from coach.cli.terminal import fitted
from coach.errors import UsageError
from coach.store.critiques import CritiqueStore, draft_id, overruled
from coach.store.database import StoreError
from coach.store.readings import ReadingStore
from tests.critique_fakes import FakeCritic
from tests.critiques import FIRST, QUESTION, SECOND, first_critique

ASKED = ("--question", QUESTION)


class KeepingCritic(FakeCritic):
    """A critic that keeps its critiques as the coach does."""

    backend_reason = "The built-in model judges."

    def __init__(self, settings, keeps=True):
        super().__init__()
        self.settings = settings
        self.keeps = keeps and settings.history != "nothing"
        self.store = CritiqueStore(settings.home)

    def chat_model(self):
        raise UsageError("Nobody speaks here.")

    def critique(self, draft, question, *, kind=None, rubric=None):
        stream = super().critique(draft.strip(), question, kind=kind, rubric=rubric)
        if kind == "poetry":
            raise UsageError("There is no kind `poetry`: name one of design, strategy.")
        return type(stream)(self._kept(stream))

    def _kept(self, events):
        from coach.critique.flow import Critiqued

        for event in events:
            if isinstance(event, Critiqued) and self.keeps:
                try:
                    overrides = self.store.overrides(event.critique)
                    self.store.keep(event.critique)
                    yield Critiqued(overruled(event.critique, overrides))
                except StoreError as error:
                    yield Critiqued(replace(event.critique, notices=(str(error),)))
            else:
                yield event

    def overrule(self, critique, criterion, level, reason):
        override = self.store.overrule(critique, criterion, level, reason)
        return overruled(critique, {criterion: override})


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("COACH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.txt").write_text(FIRST, encoding="utf-8")
    (tmp_path / "second.txt").write_text(SECOND, encoding="utf-8")
    return tmp_path / "home"


@pytest.fixture
def coaches(monkeypatch):
    """Every coach that a command loads; each judges by a handful of words."""
    loaded = []

    def load(settings, keeps=True):
        loaded.append(KeepingCritic(settings, keeps))
        return loaded[-1]

    monkeypatch.setattr("coach.coach.Coach.load", load)
    return loaded


@pytest.fixture
def coach(own_home, coaches, run_coach):
    """Runs a command: its exit status, what it printed and what it said beside."""

    def run(*arguments, stdin=b""):
        done = run_coach(*arguments, stdin=stdin)
        return done.returncode, done.stdout, done.stderr

    return run


def test_verdicts_come_with_the_drafts_words_and_progress_is_on_stderr(coach):
    code, out, err = coach("critique", "second.txt", *ASKED)
    assert code == 0
    assert "(cost)\n    | Running it costs 2 cents an answer." in out
    assert "Judging each criterion ..." in err
    assert "Judging each criterion" not in out
    assert re.search(r"^Band: ", out, re.MULTILINE)
    assert "Read as a question of the kind design" in err


def test_each_verdict_is_printed_before_the_next_is_judged(coach, coaches, monkeypatch):
    printed = []
    monkeypatch.setattr("coach.cli.critique.show", printed.append)
    monkeypatch.setattr(
        "tests.critique_fakes.time.sleep", lambda _: printed.append(f"judging number {len(printed) // 2}")
    )
    assert coach("critique", "first.txt", *ASKED)[0] == 0
    assert [text.startswith("judging") for text in printed[:8]] == [True, False] * 4


def test_a_verdict_that_the_last_look_changed_is_printed_again(coach):
    _, out, _ = coach("critique", "-", *ASKED, stdin=b"I am unsure for example of the refund.")
    assert out.count("(concrete_example)") == 2
    assert out.index("[met] ") < out.index("[unsure] ")


def test_json_is_one_object_with_the_documented_fields(coach):
    code, out, _ = coach("critique", "first.txt", *ASKED, "--json", "--kind", "metrics")
    written = json.loads(out)
    assert code == 0
    assert set(written) == {
        "type", "question", "kind", "rubric", "band", "next_move", "verdicts", "anti_patterns",
        "draft", "set_aside", "notices", "contradictions", "unbacked", "trace", "kept_as",
    }  # fmt: skip
    assert (written["type"], written["kind"]) == ("critique", "metrics")
    for verdict in written["verdicts"]:
        for quote in verdict["quotes"]:
            assert written["draft"][quote["start"] : quote["end"]] == quote["text"]
    assert re.fullmatch("[0-9a-f]{12}", written["kept_as"])


@pytest.mark.parametrize("how", ["json", "text", "id"])
def test_a_draft_is_compared_with_an_earlier_one(coach, how, own_home):
    _, out, _ = coach("critique", "first.txt", *ASKED, "--json")
    (own_home.parent / "old.json").write_text(out, encoding="utf-8")
    old = {"json": "old.json", "text": "first.txt", "id": json.loads(out)["kept_as"]}[how]
    code, out, _ = coach("critique", "second.txt", *ASKED, "--compare", old)
    assert code == 0
    assert "  Better:\n    Knows what it costs (missing -> met)" in out
    assert "+ Running it costs 2 cents an answer" in out
    assert "- AI will solve this for pharmacists" in out
    _, out, _ = coach("critique", "second.txt", *ASKED, "--compare", old, "--json")
    changes = json.loads(out)["comparison"]["changes"]
    assert {change["criterion"]: change["direction"] for change in changes}["cost"] == "better"


def test_another_question_or_kind_is_pointed_out(coach, own_home):
    _, out, _ = coach("critique", "first.txt", "--question", "How would you launch it?", "--json")
    (own_home.parent / "old.json").write_text(out, encoding="utf-8")
    _, _, err = coach("critique", "second.txt", *ASKED, "--compare", "old.json")
    assert "answers another question: How would you launch it?" in err
    _, out, _ = coach("critique", "first.txt", *ASKED, "--json", "--kind", "metrics")
    (own_home.parent / "old.json").write_text(out, encoding="utf-8")
    _, _, err = coach("critique", "second.txt", *ASKED, "--compare", "old.json", "--kind", "ethics")
    assert "was read as a question of the kind metrics" in err


def test_the_report_is_written_whole_and_replaces_only_a_report(coach, own_home):
    report = own_home.parent / "report.md"
    code, out, err = coach("critique", "second.txt", *ASKED, "--markdown", report)
    assert code == 0
    assert "| Running it costs" in out
    assert "Wrote the report to" in err
    assert "> Running it costs 2 cents an answer." in report.read_text(encoding="utf-8")
    code, _, err = coach("critique", "first.txt", *ASKED, "--markdown", "report.md")
    assert code == 0
    assert "Replaced the earlier report" in err
    assert "Running it costs" not in report.read_text(encoding="utf-8")
    assert sorted(path.name for path in own_home.parent.iterdir()) == [
        "first.txt", "home", "report.md", "second.txt",
    ]  # fmt: skip


def test_a_file_that_is_no_report_is_never_overwritten(coach, coaches, own_home):
    code, out, err = coach("critique", "first.txt", *ASKED, "--markdown", "second.txt")
    assert (code, out) == (2, "")
    assert "is not a report of the coach" in err
    assert (own_home.parent / "second.txt").read_text(encoding="utf-8") == SECOND
    assert coaches == []  # said before a minute went into judging


def test_a_report_that_cannot_be_finished_leaves_the_earlier_one(coach, own_home, monkeypatch):
    coach("critique", "second.txt", *ASKED, "--markdown", "report.md")
    before = (own_home.parent / "report.md").read_text(encoding="utf-8")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    code, out, err = coach("critique", "first.txt", *ASKED, "--markdown", "report.md")
    assert code == 1
    assert "The disk is full" in err
    assert "Band: " in out  # the critique itself is on screen
    assert (own_home.parent / "report.md").read_text(encoding="utf-8") == before


def test_markdown_to_standard_output_is_the_report_alone(coach):
    _, out, _ = coach("critique", "second.txt", *ASKED, "--markdown", "-")
    assert out.startswith("<!-- Written by `coach critique`. -->\n\n# Critique")
    assert "(cost)\n" not in out


def test_batch_gives_a_critique_a_line_and_loads_once(coach, coaches, own_home):
    lines = [
        {"id": "a", "question": QUESTION, "draft": FIRST},
        {"id": 7, "question": QUESTION, "draft": SECOND, "kind": "metrics"},
        {"question": QUESTION, "draft": SECOND},
    ]
    path = own_home.parent / "drafts.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    code, out, err = coach("critique", "--batch", path, "--kind", "ethics")
    critiques = [json.loads(line) for line in out.strip().split("\n")]
    assert code == 0
    assert [one.get("id") for one in critiques] == ["a", 7, None]
    assert [one["kind"] for one in critiques] == ["ethics", "metrics", "ethics"]
    assert len(coaches) == 1
    assert "[2/3] 7" in err
    assert CritiqueStore(own_home).list() == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("not json", "line 2: not valid JSON"),
        ("[]", "line 2: not a JSON object"),
        ('{"question": "q"}', "line 2: 'draft' must be a text"),
        ('{"question": "q", "draft": 3}', "line 2: 'draft' must be a text"),
        ('{"question": "q", "draft": "d", "kind": 3}', "line 2: 'kind' must be a text"),
        ('{"question": "q", "draft": "d", "kind": "poetry"}', "line 2: There is no kind `poetry`"),
    ],
)
def test_a_bad_line_of_a_batch_is_named(coach, line, words):
    good = json.dumps({"question": QUESTION, "draft": FIRST})
    code, _, err = coach("critique", "--batch", "-", stdin=f"{good}\n{line}\n".encode())
    assert code == 2
    assert words in err
    assert err.strip().split("\n")[-1].startswith("-, line 2: ")


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["critique"], b"", "Give a FILE"),
        (["critique", "first.txt"], b"", "--question"),
        (["critique", "first.txt", "--question", "  "], b"", "--question"),
        (["critique", "nowhere.txt", *ASKED], b"", "nowhere.txt cannot be read (No such file or directory)"),
        (["critique", ".", *ASKED], b"", "is a folder"),
        (["critique", "-", *ASKED], b"", "Standard input is empty"),
        (["critique", "-", *ASKED], b"\xef\xbb\xbf \n\t", "is empty"),
        (["critique", "-", *ASKED], b"\x89PNG\r\n\x1a\n\x00\x00", "is not a text file"),
        (["critique", "-", *ASKED], b"%PDF-1.7 ...", "is a PDF: save the draft as plain text"),
        (["critique", "-", *ASKED], b"PK\x03\x04...", "is a Word or ZIP file"),
        (["critique", "-", *ASKED], b"x" * 1_000_001, "larger than a megabyte"),
        (["critique", "first.txt", *ASKED, "--kind", "poetry"], b"", "no kind `poetry`"),
        (["critique", "first.txt", *ASKED, "--json", "--markdown", "-"], b"", "Only one thing"),
        (["critique", "first.txt", *ASKED, "--markdown", "."], b"", "is a folder"),
        (["critique", "first.txt", *ASKED, "--markdown", "no/where.md"], b"", "The folder of no/where.md"),
        (["critique", "first.txt", *ASKED, "--compare", "gone.json"], b"", "gone.json cannot be read"),
        (["critique", "first.txt", *ASKED, "--compare", "feedfeed"], b"", "coach drafts list"),
        (["critique", "first.txt", "--batch", "drafts.jsonl"], b"", "--batch brings drafts"),
        (["critique", "--batch", "nowhere.jsonl"], b"", "nowhere.jsonl cannot be read"),
        (["overrule", "feed", "cost", "met"], b"", "coach drafts list"),
        (["overrule", "feed", "cost", "splendid"], b"", "splendid"),
        (["drafts", "show", "feed"], b"", "coach drafts list"),
        (["drafts", "delete"], b"", "--all"),
        (["drafts", "delete", "--all", "feed"], b"", "--all"),
    ],
)  # fmt: skip
def test_wrong_use_exits_two_with_one_sentence(coach, arguments, stdin, words):
    code, out, err = coach(*arguments, stdin=stdin)
    assert code == 2
    assert words in err
    assert out == ""


@pytest.mark.parametrize(
    ("old", "words"),
    [
        ('{"type": "critique"', "is not one JSON critique"),
        ('{"type": "critique"}\n{"type": "critique"}', "is not one JSON critique"),
        ('{"type": "answer"}', 'old.json: This is not a critique'),
        ("[1, 2]", "old.json: This is not a critique"),
    ],
)  # fmt: skip
def test_an_old_file_that_is_no_critique_is_named(coach, coaches, own_home, old, words):
    (own_home.parent / "old.json").write_text(old, encoding="utf-8")
    code, out, err = coach("critique", "first.txt", *ASKED, "--compare", "old.json")
    assert (code, out, coaches) == (2, "", [])
    assert words in err


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Für 2 cents".encode("utf-8-sig"), "Für 2 cents"),
        ("Für 2 cents".encode("utf-16"), "Für 2 cents"),
        ("Für 2 cents – ‘so’".encode("cp1252"), "Für 2 cents – ‘so’"),
    ],
)
def test_a_draft_in_the_encodings_of_windows_is_read(coach, coaches, content, text):
    assert coach("critique", "-", *ASKED, stdin=content)[0] == 0
    assert coaches[0].judged[0][0] == text


def test_a_named_backend_that_is_not_there_is_no_critique(coach):
    code, out, err = coach("critique", "first.txt", *ASKED, "--backend", "ollama")
    assert (code, out) == (2, "")  # the fake's refusal; the coach's own is a BackendError
    assert "Nobody speaks here." in err


def test_without_a_judge_the_verdicts_say_so_and_the_command_succeeds(coach):
    code, out, _ = coach("critique", "-", *ASKED, stdin=b"There is no model here. AI will solve it.")
    assert code == 0
    assert "No language model is here to judge." in out
    assert "No band: too little of the draft could be judged" in out
    assert "| AI will solve" in out


def test_a_draft_is_kept_listed_shown_exported_and_deleted(coach):
    _, _, err = coach("critique", "first.txt", *ASKED)
    identity = re.search(r"Kept as (\w+)", err).group(1)
    _, out, _ = coach("drafts", "list")
    assert out.startswith(identity)
    assert "24 words" in out
    _, out, _ = coach("drafts", "show", identity[:5])
    assert FIRST in out
    assert "Band: " in out
    assert "GOOD, in the source: " in out
    _, out, _ = coach("drafts", "show", identity, "--json")
    assert json.loads(out)["draft"] == FIRST
    assert coach("drafts", "show", identity, "--markdown")[1].startswith("<!--")
    _, out, _ = coach("drafts", "export")
    assert json.loads(out)["id"] == identity
    assert coach("drafts", "delete", identity)[1] == f"Deleted {identity}.\n"
    code, out, err = coach("drafts", "list")
    assert (code, out) == (0, "")
    assert "No drafts are kept" in err


def test_a_draft_that_was_not_read_to_the_end_is_listed_shown_exported_and_deleted(coach, own_home):
    readings = ReadingStore(own_home)
    reading = readings.hand_in(FIRST, QUESTION, "design", "generative-ai-pm")
    readings.update(reading.id, state="stopped")
    _, listed, _ = coach("drafts", "list")
    assert "not read to the end" in listed
    identity = listed.split()[0]
    _, shown, note = coach("drafts", "show", identity)
    assert FIRST.split(".")[0] in shown and "not read to the end" in note
    written = json.loads(coach("drafts", "export")[1])
    assert (written["id"], written["draft"], written["question"]) == (identity, FIRST, QUESTION)
    assert coach("drafts", "show", identity, "--json")[0] == 2
    assert coach("drafts", "delete", identity)[1] == f"Deleted {identity}.\n"
    assert coach("drafts", "list")[1] == ""


def test_deleting_all_asks_first(coach, own_home):
    coach("critique", "first.txt", *ASKED)
    coach("critique", "second.txt", *ASKED)
    code, _, err = coach("drafts", "delete", "--all", stdin=b"n\n")
    assert code != 0
    assert "Delete 2 drafts, all there are?" in err
    assert len(CritiqueStore(own_home).list()) == 2
    assert coach("drafts", "delete", "--all", "--yes")[1] == "Deleted 2 drafts.\n"


def test_an_override_comes_back_when_the_draft_is_judged_again(coach):
    _, _, err = coach("critique", "first.txt", *ASKED)
    identity = re.search(r"Kept as (\w+)", err).group(1)
    code, out, _ = coach("overrule", identity, "cost", "partly", "--reason", "It names the till.")
    assert code == 0
    assert "[partly, overruled by a person]" in out
    _, out, _ = coach("critique", "first.txt", *ASKED)
    assert "A person said partly: It names the till. (the judge: missing)" in out
    coach("overrule", identity, "trade_off", "missing")
    assert "You agreed with the judge on 1 of 2 verdicts" in coach("drafts", "list")[2]
    code, _, err = coach("overrule", identity, "cost", "met")
    assert code == 2
    assert "--reason" in err


def test_with_the_setting_off_nothing_is_kept(coach, own_home, monkeypatch):
    monkeypatch.setenv("COACH_KEEP_DRAFTS", "false")
    code, out, err = coach("critique", "first.txt", *ASKED, "--json")
    assert code == 0
    assert json.loads(out)["kept_as"] is None
    assert "Kept as" not in err
    assert not (own_home / "coach.sqlite3").exists()


def test_a_damaged_file_of_drafts_costs_a_note_and_not_the_critique(coach, own_home):
    own_home.mkdir()
    (own_home / "coach.sqlite3").write_bytes(b"no database at all" * 100)
    code, out, _ = coach("critique", "first.txt", *ASKED)
    assert code == 0
    assert "Band: " in out
    assert "cannot be read" in out
    code, _, err = coach("drafts", "list")
    assert code == 1
    assert err.strip().endswith("away (a new one is made), then run `coach doctor`.")


def test_the_commands_are_there_and_a_wrong_one_needs_no_coach(tmp_path):
    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "coach", *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "COACH_HOME": str(tmp_path)},
            check=False,
        )

    done = command("critique", "--help")
    assert done.returncode == 0
    assert all(f"--{name}" in done.stdout for name in ("question", "kind", "json", "compare", "batch"))
    done = command("critique", "nowhere.txt", *ASKED)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "nowhere.txt cannot be read (No such file or directory): check the name and run again.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_long_lines_keep_their_indent_and_a_pipe_gets_them_whole(monkeypatch):
    text = "[met] Names it\n    | " + "word " * 20 + "end\n    - gone " + "word " * 10 + "end"
    assert fitted(text) == text
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "50")
    lines = fitted(text).split("\n")
    assert max(map(len, lines)) <= 50
    assert lines[1].startswith("    | word")
    assert lines[2].startswith("    | word")
    assert lines[-1] == "      word word end"
    assert " ".join(fitted(text).replace("|", "").split()) == " ".join(text.replace("|", "").split())


def test_an_id_is_the_same_in_every_process():
    code = "from tests.critiques import *; from coach.store.critiques import draft_id; print(draft_id(first_critique()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == draft_id(first_critique())
