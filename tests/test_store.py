"""Drafts are kept on this machine, found again, overruled, counted and deleted for good; none is lost to a bad disk."""

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coach.coach import Coach
from coach.errors import UsageError
from coach.evaluation.metrics import quadratic_weighted_kappa
from coach.json_form import critique_to_json
from coach.settings import load_settings
from coach.store.critiques import Agreement, CritiqueStore, draft_id, overruled
from coach.store.database import StoreError
from coach.store.fields import FieldStore
from coach.store.readings import ReadingStore
from coach.types import Override
from tests.critiques import (
    CRITERIA,
    FIRST,
    QUESTION,
    RUBRIC,
    SECOND,
    first_critique,
    second_critique,
    verdict,
)


def age(store, identity, days):
    """Make the draft and what was said of it look `days` older."""
    then = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    with sqlite3.connect(store._database.path) as database:
        database.execute("UPDATE critiques SET kept_at = ? WHERE id = ?", (then, identity))
        database.execute("UPDATE overrides SET made_at = ? WHERE draft = ?", (then, identity))
    database.close()


def test_a_critique_is_found_again_by_the_beginning_of_its_id(tmp_path):
    store = CritiqueStore(tmp_path)
    identity = store.keep(first_critique())
    assert len(identity) == 12
    found = store.get(identity[:4], [RUBRIC])
    assert critique_to_json(found) == critique_to_json(first_critique())
    assert found.verdicts[1].criterion == CRITERIA["cost"]


def test_the_same_draft_to_the_same_question_replaces_its_critique(tmp_path):
    store = CritiqueStore(tmp_path)
    first = store.keep(first_critique())
    again = store.keep(first_critique(band="getting there", kind="metrics"))
    rewrapped = FIRST.replace("\n\n", "\n").replace(". ", ".  ")
    third = store.keep(first_critique(draft=rewrapped, verdicts=(), findings=(), set_aside=()))
    assert first == again == third
    assert len(store.list()) == 1
    assert store.get(first).draft == rewrapped


@pytest.mark.parametrize("change", [{"question": "Another one?"}, {"rubric": "mine"}, {"draft": "Another."}])
def test_another_question_rubric_or_draft_is_another_draft(change):
    other = first_critique(verdicts=(), findings=(), set_aside=(), **change)
    assert draft_id(other) != draft_id(first_critique())


def test_the_list_has_the_latest_first(tmp_path):
    store = CritiqueStore(tmp_path)
    old, new = store.keep(first_critique()), store.keep(second_critique())
    age(store, old, 3)
    store.overrule(second_critique(), "cost", "met")
    listed = store.list()
    assert [draft.id for draft in listed] == [new, old]
    assert [(draft.band, draft.words, draft.overrides) for draft in listed] == [
        ("getting there", 31, 1),
        ("not ready", 24, 0),
    ]
    assert (datetime.now(UTC) - listed[1].kept_at).days == 3
    assert listed[1].question == first_critique().question
    assert listed[1].beginning.endswith("to the till. The assistant may …")


@pytest.mark.parametrize("identity", ["", "abc", "feedfeedfeed", "%", "____", "'; DROP TABLE critiques; --"])
def test_an_id_that_no_draft_has_names_the_list(tmp_path, identity):
    store = CritiqueStore(tmp_path)
    for call in (store.get, store.delete):
        with pytest.raises(UsageError, match="run `coach drafts list`"):
            call(identity)
    store.keep(first_critique())
    with pytest.raises(UsageError, match="No kept draft"):
        store.get(identity)


def test_a_beginning_that_two_drafts_share_is_not_enough(tmp_path):
    store = CritiqueStore(tmp_path)
    identity = store.keep(first_critique())
    with sqlite3.connect(store._database.path) as database:
        database.execute(
            "INSERT INTO critiques SELECT substr(id, 1, 5) || 'zzzzzzz', kept_at, critique FROM critiques"
        )
    with pytest.raises(UsageError, match="More than one"):
        store.get(identity[:5])
    assert store.get(identity).draft == FIRST


def test_an_override_is_kept_with_its_time_and_comes_back_with_the_same_draft(tmp_path):
    store = CritiqueStore(tmp_path)
    assert store.overrides(first_critique()) == {}
    made = store.overrule(first_critique(), "cost", "partly", "  It names\n the budget. ")
    assert (made.level, made.reason) == ("partly", "It names the budget.")
    assert (datetime.now(UTC) - datetime.fromisoformat(made.made_at)).total_seconds() < 60
    assert store.overrides(first_critique(kind="metrics")) == {"cost": made}
    assert store.overrides(second_critique()) == {}
    store.keep(first_critique())  # judged again: the judge's word does not wipe the person's away
    assert store.get(draft_id(first_critique())).verdicts[1].override == made


def test_the_last_word_counts(tmp_path):
    store = CritiqueStore(tmp_path)
    store.overrule(first_critique(), "cost", "partly", "It names the budget.")
    store.overrule(first_critique(), "cost", "met", "And what an answer costs.")
    assert store.overrides(first_critique())["cost"].level == "met"
    assert store.agreement().total == 1


def test_the_judges_own_level_needs_no_reason_and_another_does(tmp_path):
    store = CritiqueStore(tmp_path)
    assert store.overrule(first_critique(), "cost", "missing").reason == ""
    with pytest.raises(UsageError, match="--reason"):
        store.overrule(first_critique(), "cost", "met", "  ")
    with pytest.raises(UsageError, match="failure_modes, cost, trade_off, product_outcome"):
        store.overrule(first_critique(), "latency", "met", "It is fast.")


def test_overrides_stand_beside_the_verdicts_and_nothing_else_does():
    override = Override("met", "So it is.")
    stale = replace(verdict("failure_modes", "met"), override=override)
    critique = overruled(first_critique(verdicts=(stale, verdict("cost", "missing"))), {"cost": override})
    assert [(one.level, one.final) for one in critique.verdicts] == [("met", "met"), ("missing", "met")]
    assert critique.verdicts[0].override is None


def test_agreement_counts_what_people_confirmed_and_overruled(tmp_path):
    store = CritiqueStore(tmp_path)
    assert (store.agreement().total, store.agreement().kappa) == (0, None)
    first = first_critique()
    store.overrule(first, "failure_modes", "partly")
    store.overrule(first, "cost", "met", "The last line names it.")
    store.overrule(first, "product_outcome", "met")
    store.overrule(first, "trade_off", "missing", "There is none.")  # the judge gave no level
    store.overrule(second_critique(), "cost", "partly", "Of what?")
    agreement = store.agreement()
    assert (agreement.agreed, agreement.total, agreement.unscored) == (2, 4, 1)
    assert agreement.by_criterion == {"failure_modes": (1, 1), "cost": (0, 2), "product_outcome": (1, 1)}
    assert store.agreement("tiny").total == 4
    assert store.agreement("another model").total == 0


def test_kappa_is_worked_by_hand_and_equals_the_evaluations():
    # judged missing, missing, met, met; said missing, partly, met, met. Observed 1 (one step apart).
    # Expected over judged {missing 2, met 2} and said {missing 1, partly 1, met 2}, products / 4:
    # missing-partly 2/4*1, missing-met 4/4*4, met-missing 2/4*4, met-partly 2/4*1 = 0.5+4+2+0.5 = 7.
    counts = {("missing", "missing"): 1, ("missing", "partly"): 1, ("met", "met"): 2}
    assert Agreement(counts, {}).kappa == pytest.approx(1 - 1 / 7)
    assert quadratic_weighted_kappa([0, 0, 2, 2], [0, 1, 2, 2]) == pytest.approx(1 - 1 / 7)
    assert Agreement({("met", "met"): 5}, {}).kappa is None


def test_deleting_leaves_no_byte_of_the_draft_behind(tmp_path):
    store = CritiqueStore(tmp_path)
    identity = store.keep(first_critique())
    store.overrule(first_critique(), "cost", "met", "A reason to forget.")
    kept = store.keep(second_critique())
    store.delete(identity[:6])
    assert [draft.id for draft in store.list()] == [kept]
    assert store.overrides(first_critique()) == {}
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"AI will solve this" not in left
    assert b"A reason to forget" not in left
    assert b"dosage for children" in left
    assert store.delete_all() == 1
    assert b"dosage" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def handed_in(home, draft, state, kind="design", question=QUESTION):
    readings = ReadingStore(home)
    reading = readings.hand_in(draft, question, kind, RUBRIC.name)
    readings.update(reading.id, state=state)
    return reading


def bytes_of(home):
    return b"".join(path.read_bytes() for path in home.iterdir())


@pytest.mark.parametrize("state", ["stopped", "failed", "running"])
def test_a_draft_that_was_not_read_to_the_end_is_listed_and_goes_with_every_byte(tmp_path, state):
    store = CritiqueStore(tmp_path)
    text = f"The wombatfigure is 7 %. {FIRST}"
    handed_in(tmp_path, text, state)
    FieldStore(tmp_path).keep({"critique_draft": text, "critique_question": "Another one?"})
    (listed,) = store.list()
    assert (listed.finished, listed.band, listed.question) == (False, None, QUESTION)
    assert store.unread(listed.id[:4]).draft == text
    with pytest.raises(UsageError, match=f"not read to the end.*coach drafts show {listed.id}"):
        store.get(listed.id)
    store.delete(listed.id[:4])
    assert store.list() == ()
    assert b"wombatfigure" not in bytes_of(tmp_path)
    assert FieldStore(tmp_path).all() == {"critique_question": "Another one?"}


def test_the_stopped_readings_of_a_draft_go_with_its_critique_and_others_stay(tmp_path):
    store = CritiqueStore(tmp_path)
    kept = store.keep(first_critique())
    handed_in(tmp_path, FIRST.replace(" ", "  "), "stopped")
    handed_in(tmp_path, FIRST, "failed", kind="strategy")
    handed_in(tmp_path, SECOND, "stopped")
    assert [draft.finished for draft in store.list()] == [False, True]
    store.delete(kept)
    assert b"invent a dosage. Users" not in bytes_of(tmp_path)
    (left,) = store.list()
    assert store.unread(left.id).draft == SECOND
    assert store.delete_all() == 1
    assert b"above 500 mg" not in bytes_of(tmp_path)


def test_the_drafts_of_a_question_go_with_the_same_text_read_as_another_kind(tmp_path):
    mine = handed_in(tmp_path, FIRST, "stopped")
    handed_in(tmp_path, FIRST, "failed", kind="strategy")
    handed_in(tmp_path, SECOND, "failed")
    ReadingStore(tmp_path).delete(mine.id)
    assert CritiqueStore(tmp_path).list() == ()
    assert b"pharmacist" not in bytes_of(tmp_path)


def test_what_is_older_than_the_retention_goes_unless_it_was_overruled_since(tmp_path):
    store = CritiqueStore(tmp_path)
    old, talked_about = store.keep(first_critique()), store.keep(second_critique())
    age(store, old, 91)
    age(store, talked_about, 91)
    store.overrule(second_critique(), "cost", "met")
    store.prune(92)
    assert len(store.list()) == 2
    store.prune(90)
    assert [draft.id for draft in store.list()] == [talked_about]
    age(store, talked_about, 91)
    store.prune(90)
    assert store.list() == ()
    assert store.agreement().total == 0


def test_what_somebody_wrote_is_for_their_eyes(tmp_path):
    store = CritiqueStore(tmp_path)
    store.keep(first_critique())
    if sys.platform != "win32":
        assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("*.sqlite3"))


def test_looking_creates_no_file(tmp_path):
    store = CritiqueStore(tmp_path)
    store.list(), store.overrides(first_critique()), store.agreement(), store.prune(1), store.delete_all()
    assert not store.holds(first_critique())
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=["a folder", "no database", "another schema", "bad rows"])
def damaged(request, tmp_path):
    store = CritiqueStore(tmp_path)
    match request.param:
        case "a folder":
            store._database.path.mkdir()
        case "no database":
            store._database.path.write_bytes(b"no database at all" * 100)
        case "another schema":
            with sqlite3.connect(store._database.path) as database:
                database.execute("CREATE TABLE critiques (something INTEGER)")
                database.execute("CREATE TABLE overrides (something INTEGER)")
        case "bad rows":
            store.keep(first_critique())
            with sqlite3.connect(store._database.path) as database:
                database.execute("UPDATE critiques SET critique = '{\"draft', kept_at = 'yesterday'")
    return store, request.param


def test_a_damaged_file_is_one_sentence_with_a_next_step(damaged):
    store, how = damaged
    identity = draft_id(first_critique())
    calls = [store.list, lambda: store.get(identity)]
    if how != "bad rows":  # there the other rows go on working
        calls += [lambda: store.keep(first_critique()), lambda: store.overrides(first_critique())]
    for call in calls:
        with pytest.raises(StoreError) as failed:
            call()
        step = (
            "run `coach doctor`."
            if how == "a folder"
            else "away (a new one is made), then run `coach doctor`."
        )
        assert str(failed.value).endswith(step)
        assert str(failed.value).count("\n") == 0
    if how != "bad rows":
        store.prune(1)  # never raises


def test_after_a_damaged_file_is_moved_away_a_new_one_is_made(tmp_path):
    store = CritiqueStore(tmp_path)
    store._database.path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError) as failed:
        store.list()
    assert f"move {store._database.path} away" in str(failed.value)
    store._database.path.rename(tmp_path / "damaged")
    assert store.list() == ()
    store.keep(first_critique())
    assert len(store.list()) == 1


def test_a_locked_file_is_said_so_within_seconds(tmp_path):
    store = CritiqueStore(tmp_path)
    store.keep(first_critique())
    blocker = sqlite3.connect(store._database.path)
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        store.keep(second_critique())
    blocker.rollback()
    blocker.close()
    assert len(store.list()) == 1


def test_half_a_character_is_refused_and_harms_nothing(tmp_path):
    store = CritiqueStore(tmp_path)
    store.keep(first_critique())
    with pytest.raises(StoreError):
        store.keep(first_critique(next_move="half a surrogate \ud83c"))
    assert store.get(draft_id(first_critique())).next_move == "Name what an answer costs."
    store.keep(first_critique(next_move="null \x00 and a balloon 🎈"))
    assert store.get(draft_id(first_critique())).next_move == "null \x00 and a balloon 🎈"


def test_several_threads_keep_all_of_theirs(tmp_path):
    store = CritiqueStore(tmp_path)
    troubles = []

    def work(number):
        try:
            for turn in range(5):
                store.keep(first_critique(question=f"Question {number}, {turn}?"))
        except StoreError as error:
            troubles.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert len(store.list()) == 20


def test_a_process_killed_while_writing_leaves_what_was_kept(tmp_path):
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from coach.store.critiques import CritiqueStore\n"
        "from tests.critiques import first_critique\n"
        "store = CritiqueStore(Path(sys.argv[1]))\n"
        "store.keep(first_critique())\n"
        "with store._opened('was not kept') as database:\n"
        "    database.execute(\"UPDATE critiques SET critique = 'half'\")\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    assert CritiqueStore(tmp_path).get(draft_id(first_critique())).draft == FIRST


def test_the_coach_keeps_the_draft_and_brings_back_what_was_said_of_it(coach_at, tmp_path):
    coach = coach_at()
    critique = coach.critique(SECOND, QUESTION).result()
    assert CritiqueStore(tmp_path).get(draft_id(critique)).draft == SECOND
    coach.overrule(critique, "cost", "met", "Two cents an answer.")
    again = coach.critique(SECOND, QUESTION).result()
    assert {one.criterion.id for one in again.verdicts if one.override} == {"cost"}


def test_with_the_setting_off_the_coach_writes_no_draft_down(coach_at, tmp_path):
    assert coach_at(history="nothing").critique(SECOND, QUESTION).result().draft == SECOND
    assert not (tmp_path / "coach.sqlite3").exists()


def test_a_damaged_file_costs_the_coach_a_notice_and_not_the_critique(coach_at, tmp_path):
    (tmp_path / "coach.sqlite3").write_bytes(b"no database at all" * 100)
    critique = coach_at().critique(SECOND, QUESTION).result()
    assert len(critique.verdicts) == 10
    assert "coach doctor" in critique.notices[-1]


def test_starting_the_coach_prunes(library):
    store = CritiqueStore(load_settings().home)
    identity = store.keep(first_critique())
    age(store, identity, 2)
    Coach.load(load_settings(backend="none"))
    assert store.holds(first_critique())
    Coach.load(load_settings(backend="none", history="1 day"))
    assert not store.holds(first_critique())
