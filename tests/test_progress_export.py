"""Progress is taken along and brought back: nothing is lost, nothing doubles, and what a stranger wrote stays text."""

from __future__ import annotations

import csv
import html
import io
import json
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from coach.errors import UsageError
from coach.interviews import Interviews
from coach.practice.anki import DECK, PART_IDS
from coach.standing import bring_back, export
from coach.store.critiques import CritiqueStore, draft_id
from coach.store.database import FILE
from coach.store.stories import StoryStore
from tests.critiques import first_critique
from tests.tries import CRITERIA, NOW, RUBRIC, keep, on

ODD = 'How would you «price» <b>this</b> & that? 日本 🙂 =1+1 | a "pipe"'
STORY = {
    "title": "Ein Überblick <i>",
    "situation": "At Initech,\n140 clerks & me.",
    "action": "=cmd()",
    "result": "6% 日本",
}


@pytest.fixture
def mine(tmp_path):
    """Two drafts, an overruled verdict, a story and an interview that was ended."""
    home = tmp_path / "mine"
    keep(home, {"cost": "missing", "trade_off": "met"}, on(3), ODD, draft="Draft <script>one</script> 日本")
    keep(home, {"cost": "partly"}, on(20), "Design another.")
    store = CritiqueStore(home)
    store.overrule(first_critique(), "cost", "met", "Said; in the last line.")
    StoryStore(home).add(STORY)
    begun = Interviews(home).begin("senior", rubric=RUBRIC.name, five_minutes=True, seed=1)
    Interviews(home).hear(begun.id, f"I would begin so: {ODD}")
    Interviews(home).leave(begun.id)
    return home


def exported(home, form, bank=()):
    return export(home, [RUBRIC], form, NOW, {}, bank)


def rows(home, table):
    with closing(sqlite3.connect(home / FILE)) as database:
        return database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def test_the_json_brings_back_every_row_as_it_was_and_a_second_time_changes_nothing(mine, tmp_path):
    written, other = exported(mine, "json").decode(), tmp_path / "other"
    assert bring_back(other, written) == (3, 1, 1)
    for table in ("critiques", "overrides", "stories"):
        assert rows(other, table) == rows(mine, table)
    assert Interviews(other).list() == Interviews(mine).list() != ()
    assert exported(other, "json") == exported(mine, "json")
    assert bring_back(other, written) == (0, 0, 0)
    assert exported(other, "json") == exported(mine, "json")


def test_what_was_kept_here_later_is_not_replaced_by_an_earlier_export(mine):
    written = exported(mine, "json").decode()
    critique = first_critique()
    CritiqueStore(mine).overrule(critique, "cost", "partly", "Second thoughts.")
    story = StoryStore(mine).edit(StoryStore(mine).list()[0].id, {"result": "8%"})
    assert bring_back(mine, written) == (0, 0, 0)
    assert CritiqueStore(mine).overrides(critique)["cost"].reason == "Second thoughts."
    assert StoryStore(mine).list() == (story,)


def test_what_was_deleted_comes_back_and_the_rest_is_left_alone(mine):
    written, before = exported(mine, "json").decode(), rows(mine, "critiques")
    CritiqueStore(mine).delete(draft_id(first_critique()))
    assert bring_back(mine, written) == (1, 0, 0)
    assert rows(mine, "critiques") == before


def damaged(written, change):
    loaded = json.loads(written)
    change(loaded)
    return json.dumps(loaded)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("drafts"),
        lambda one: one["drafts"][0].pop("kept_at"),
        lambda one: one["drafts"][0].update(kept_at="yesterday"),
        lambda one: one["drafts"][0].update(kept_at="2131-01-02T00:00:00.000+00:00"),
        lambda one: one["drafts"][0]["critique"].pop("draft"),
        lambda one: one["drafts"][0].update(critique=None),
        lambda one: one["drafts"][2]["overrides"][0].update(level="splendid"),
        lambda one: one["drafts"][0].update(id="0" * 12),
        lambda one: one["stories"][0].update(title=7),
        lambda one: one.update(stories="none"),
        lambda one: one.update(format="genai-pm-coach progress 99"),
    ],
)
def test_a_damaged_export_is_one_sentence_and_keeps_nothing(mine, tmp_path, change):
    with pytest.raises(UsageError) as caught:
        bring_back(tmp_path / "other", damaged(exported(mine, "json"), change))
    said = str(caught.value)
    assert "isoformat" not in said and "\n" not in said and "`coach export" in said and said.endswith(".")
    assert CritiqueStore(tmp_path / "other").list() == () and StoryStore(tmp_path / "other").list() == ()


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", "[" * 100_000, "\x00"])
def test_a_file_that_is_none_is_one_sentence(tmp_path, text):
    with pytest.raises(UsageError, match=r"coach export FILE\.json"):
        bring_back(tmp_path, text)


def test_the_anki_file_opens_and_its_cards_show_what_was_written_and_run_nothing(mine, monkeypatch):
    monkeypatch.setattr(
        tempfile, "mkstemp", None
    )  # nothing of it may lie about in a folder for temporary files
    found = notes(exported(mine, "apkg"))
    assert len(found) == len(CRITERIA) + 3  # a card for each criterion, and for each question answered
    fronts = {html.unescape(front).replace("<br>", "\n") for front, _ in found.values()}
    assert " ".join(ODD.split()) in fronts
    raw = "".join(front + back for front, back in found.values())
    assert "<b>" not in raw and "&lt;b&gt;this&lt;/b&gt; &amp; that? 日本 🙂" in raw
    cost = CRITERIA["cost"]
    back = html.unescape(next(back for front, back in found.values() if cost.name in html.unescape(front)))
    assert cost.span.text in back
    assert f"{cost.span.source}, characters {cost.span.start} to {cost.span.end}" in back


def test_a_later_anki_file_updates_the_same_cards(mine):
    before = notes(exported(mine, "apkg"))
    keep(mine, {"cost": "met"}, on(25), "One more question?")
    after = notes(exported(mine, "apkg"))
    assert before.keys() < after.keys() and len(after) == len(before) + 1


def notes(package):
    """Every note of the package by its id, as front and back; each has its card, in a part of the deck."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive, closing(sqlite3.connect(":memory:")) as database:
        assert {"collection.anki2", "media"} == set(archive.namelist()) and archive.read("media") == b"{}"
        database.deserialize(archive.read("collection.anki2"))
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        decks = json.loads(database.execute("SELECT decks FROM col").fetchone()[0])
        parts = {int(one) for one, known in decks.items() if known["name"].startswith(f"{DECK}::")}
        assert parts == set(PART_IDS.values())
        cards = database.execute("SELECT nid, did FROM cards").fetchall()
        found = database.execute("SELECT id, guid, flds FROM notes").fetchall()
        assert sorted(nid for nid, _ in cards) == sorted(one for one, _, _ in found)
        assert {did for _, did in cards} <= parts
        return {guid: tuple(fields.split("\x1f")) for _, guid, fields in found}


def test_a_questions_card_holds_what_its_latest_draft_did_not_meet(mine):
    keep(mine, {"cost": "met", "trade_off": "missing"}, on(26), ODD, draft="A second draft.")
    back = next(back for front, back in notes(exported(mine, "apkg")).values() if "«price»" in front)
    assert CRITERIA["trade_off"].span.text in html.unescape(back)
    assert CRITERIA["cost"].span.text not in html.unescape(back)


def test_what_nobody_judged_makes_no_card_and_replaces_none(mine):
    before = notes(exported(mine, "apkg"))
    keep(mine, {"cost": None, "trade_off": None}, on(26), ODD, draft="test")
    keep(mine, {"cost": None}, on(26), "Nobody judged this?")
    assert "Nobody judged this?" not in str(notes(exported(mine, "apkg")))
    assert len(notes(exported(mine, "apkg"))) <= len(before)


def test_the_csv_has_a_row_for_each_verdict_and_no_cell_that_a_spreadsheet_would_compute(mine):
    keep(mine, {"cost": "met"}, on(25), "=HYPERLINK(evil)")
    text = exported(mine, "csv").decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 2 + 1 + len(first_critique().verdicts) + 1
    assert {one["round"] for one in found} == {"product_design"}
    odd = [one for one in found if one["question"] == " ".join(ODD.split())]
    assert [(one["criterion"], one["judged"], one["counts"]) for one in odd] == [
        ("cost", "missing", "missing"),
        ("trade_off", "met", "met"),
    ]
    overruled = next(one for one in found if one["reason"])
    assert (overruled["judged"], overruled["counts"]) == ("missing", "met")
    assert [one["question"] for one in found if "HYPERLINK" in one["question"]] == ["'=HYPERLINK(evil)"]


def test_the_markdown_reads_as_it_was_typed(mine):
    text = exported(mine, "md").decode()
    assert text.startswith("<!-- Written by `coach export`. -->\n\n# Where you stand")
    for heading in ("## What changed", "## What you overruled", "## To practise next", "## Your stories"):
        assert heading in text
    assert "\\<b\\>this\\</b\\> \\& that? 日本 🙂 =1+1 \\| a" in text
    assert "the judge said missing, you said met (Said; in the last line.)" in text
    assert "> Draft \\<script\\>one\\</script\\> 日本" in text or "> Draft <script>one</script> 日本" in text
    quoted = next(one for one in first_critique().verdicts if one.quotes).quotes[0].text
    assert f"  - “{' '.join(quoted.split())}”" in text and "not asked" in text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1  # every row as wide as its head


def test_the_command_line_takes_it_along_and_brings_it_back(mine, library, tmp_path, run_coach):
    (mine / "index").symlink_to(library / "index")
    (mine / "models").symlink_to(library / "models")
    at = {"COACH_HOME": str(mine)}
    for ending in ("md", "json", "csv", "apkg"):
        done = run_coach("export", tmp_path / f"mine.{ending}", **at)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"mine.{ending}").stat().st_mode & 0o077 == 0
    assert json.loads((tmp_path / "mine.json").read_text("utf-8"))["drafts"]
    again = run_coach("export", tmp_path / "mine.json", **at)
    assert again.returncode == 2 and "is there already" in again.stderr
    assert run_coach("export", tmp_path / "mine.json", "--replace", **at).returncode == 0
    assert "ends in none of" in run_coach("export", tmp_path / "mine.docx", **at).stderr

    fresh = {"COACH_HOME": str(tmp_path / "fresh")}
    back = run_coach("import", tmp_path / "mine.json", **fresh)
    assert back.stdout == "3 drafts, 1 story and 1 interview brought back; the rest was here already.\n"
    assert run_coach("import", tmp_path / "mine.md", **fresh).returncode == 2
    assert not list(Path(tmp_path).glob(".mine*"))

    shown = run_coach("progress", **at).stdout
    assert "Knows what it costs" in shown and "1.5 of 3 met" in shown and "You overruled 1 verdict." in shown
    found = [json.loads(line) for line in run_coach("progress", "--json", **at).stdout.splitlines()]
    assert {"criterion", "round", "tries", "unsure", "share", "low", "high", "grade"} <= found[0].keys()
    assert run_coach("progress", "--markdown", **at).stdout.startswith("# Where you stand")
    assert run_coach("progress", "--csv", "-", **at).stdout.startswith("rubric,criterion")
    assert run_coach("progress", "--csv", "-", "--json", **at).returncode == 2
    short, whole = run_coach("practice", **at).stdout, run_coach("practice", "--all", **at).stdout
    assert "Five minutes:" in short and "(--all lists them)" in short and "Answer this in it:" in short
    assert "--all" not in whole and len(whole.splitlines()) > len(short.splitlines())
    due = json.loads(run_coach("practice", "--json", **at).stdout)
    assert due["five_minutes"][0]["question"]["text"] and due["due"][0]["why"]


def test_the_command_line_keeps_finds_and_deletes_stories(mine, library, run_coach):
    (mine / "index").symlink_to(library / "index")
    (mine / "models").symlink_to(library / "models")
    at = {"COACH_HOME": str(mine)}
    added = run_coach(
        "stories",
        "add",
        "--title",
        "A launch I stopped",
        "--action",
        "I held back a chat that gave wrong doses.",
        **at,
    )
    identity = added.stdout.split()[0]
    assert run_coach("stories", "edit", identity[:6], "--result", "No wrong dose.", **at).returncode == 0
    assert run_coach("stories", "edit", identity[:6], **at).returncode == 2
    listed = [json.loads(line) for line in run_coach("stories", "list", "--json", **at).stdout.splitlines()]
    assert [one["result"] for one in listed] == ["No wrong dose.", STORY["result"]]
    found = run_coach("stories", "match", "Tell me about a launch you stopped.", **at)
    assert "A launch I stopped" in found.stdout
    assert (
        "No story of yours clearly answers this"
        in run_coach("stories", "match", "What are your salary expectations?", **at).stderr
    )
    assert run_coach("stories", "delete", identity[:6], **at).stdout == "Deleted 1.\n"
    assert run_coach("stories", "delete", "--all", "--yes", **at).stdout == "Deleted 1.\n"
    assert "There are no stories yet" in run_coach("stories", **at).stderr
