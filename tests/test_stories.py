"""One's own stories: kept until they are deleted, found for a question, and what a draft claims is looked up in them."""

from __future__ import annotations

import re

import pytest

from bench.stories.measure import best_threshold, claims, matching, stories
from coach.coach import MemoryEmbedder
from coach.critique.report import critique_as_markdown, critique_as_text
from coach.errors import UsageError
from coach.json_form import critique_from_json, critique_to_json
from coach.practice.stories import NEAR_ENOUGH, is_claim
from coach.settings import load_settings
from coach.store.database import FILE
from coach.store.retention import apply_retention, erase_all
from coach.store.stories import PART_CHARACTERS, StoryStore
from coach.ui.critique_format import unbacked_html

QUESTION = "Tell me about a product you launched."
PARTS = {
    "title": "The claims assistant",
    "situation": "At Initech 140 clerks read every claim by hand.",
    "action": "I led nine engineers and interviewed 22 clerks.",
    "result": "Churn fell by 6% in six months.",
}
DRAFT = (
    "I led a team of nine engineers at Initech. We cut churn by 40 % within six months of the launch. "
    "Before that I worked at Globex. I would aim at a churn of 3 % next year. We interviewed 22 clerks."
)


@pytest.fixture
def store(tmp_path):
    return StoryStore(tmp_path)


def test_a_story_is_added_changed_listed_and_deleted_for_good(store, tmp_path):
    first = store.add(PARTS)
    second = store.add({"title": "A launch I stopped", "situation": "", "action": "I said no.", "result": ""})
    assert {one.id for one in store.list()} == {first.id, second.id}
    changed = store.edit(first.id[:6], {"result": "Churn fell by 8%."})
    assert (changed.action, changed.result) == (PARTS["action"], "Churn fell by 8%.")
    assert store.list()[0] == changed  # the one changed last
    store.delete(first.id[:6])
    assert [one.id for one in store.list()] == [second.id]
    assert b"140 clerks" not in (tmp_path / FILE).read_bytes()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({**PARTS, "title": "  "}, "needs a title"),
        ({"title": "Alone", "situation": "", "action": " ", "result": ""}, "only a title"),
        ({**PARTS, "action": "a" * (PART_CHARACTERS + 1)}, "The action has 4,001 characters"),
    ],
)
def test_what_is_no_story_is_refused_in_one_sentence_and_not_kept(store, parts, said):
    with pytest.raises(UsageError, match=said):
        store.add(parts)
    assert store.list() == ()


def test_an_unknown_story_is_said_with_the_command_that_lists_them(store):
    with pytest.raises(UsageError, match=re.escape("`coach stories list`")):
        store.get("0123")


def test_no_retention_deletes_a_story_and_erasing_everything_does(tmp_path):
    settings = load_settings(history="nothing", traces="nothing").model_copy(update={"home": tmp_path})
    store = StoryStore(tmp_path)
    store.add(PARTS)
    apply_retention(settings)
    assert len(store.list()) == 1
    erase_all(settings)
    assert store.list() == () and not (tmp_path / FILE).exists()


def test_what_a_draft_claims_and_no_story_tells_is_shown_everywhere_and_read_back(coach_at):
    coach = coach_at()
    coach.stories.add(PARTS)
    critique = coach.critique(DRAFT, QUESTION).result()
    assert [one.said for one in critique.unbacked] == ["40 %", "Globex"]
    for one in critique.unbacked:
        assert critique.draft[one.quote.start : one.quote.end] == one.quote.text
    for shown in (
        critique_as_text(critique),
        critique_as_markdown(critique),
        unbacked_html(critique.unbacked),
    ):
        assert "In no story of yours" in shown
        assert "40 %" in shown and "Globex" in shown and "3 %" not in unbacked_html(critique.unbacked)
    assert critique_from_json(critique_to_json(critique)).unbacked == critique.unbacked
    coach.stories.add(
        {"title": "Before", "situation": "At Globex churn fell by about 40%.", "action": "", "result": ""}
    )
    assert coach.critique(DRAFT, QUESTION).result().unbacked == ()


def test_a_bare_number_of_a_story_confirms_a_figure_only_in_the_unit_of_the_one_it_is_joined_to(coach_at):
    coach = coach_at()
    coach.stories.add(
        {**PARTS, "result": "1 in 40 drafts was wrong, and a decision came from nine days to three."}
    )
    said = coach.critique("We cut churn by 40 %, and I brought a decision to three days.", QUESTION).result()
    assert [one.said for one in said.unbacked] == ["40 %"]


def test_without_stories_nothing_is_said_and_an_earlier_critique_is_still_read(coach_at):
    critique = coach_at().critique(DRAFT, QUESTION).result()
    assert critique.unbacked == () and unbacked_html(critique.unbacked) == ""
    assert "In no story" not in critique_as_text(critique)
    written = critique_to_json(critique)
    del written["unbacked"]
    assert critique_from_json(written).unbacked == ()


def test_a_story_is_found_for_a_question_by_meaning_and_one_that_none_answers_gets_the_nearest_with_a_doubt(
    coach_at,
):
    coach = coach_at()
    for story in stories():
        coach.stories.add({name: getattr(story, name) for name in PARTS})
    found = coach.matching_stories("Describe a time you delayed a launch because it was not safe.")
    assert found[0].story.title == "I stopped a launch" and len(found) <= 3
    (doubtful,) = coach.matching_stories("How many piano tuners are there in Chicago?")
    assert not doubtful.sure
    assert coach.matching_stories("  ") == ()


@pytest.mark.parametrize(
    "planned",
    [
        "I would cut churn by 40 %.",
        "We'll have saved 1,000 hours by then.",
        "If we had 40 engineers, I built it wrong.",
        "Our goal was set at 40 %.",
        "As you said, we grew by 40 %.",
        "The vendor cut its price by 40 %.",
        "The drafts are edited by 40 of us.",
    ],
)
def test_what_is_planned_supposed_or_said_by_others_is_no_claim(planned):
    assert not is_claim(planned)


def test_on_held_out_sentences_what_is_told_as_in_no_story_nearly_always_is(embedder):
    right, told, wanted, off = claims("held_out", embedder)
    assert right >= 0.9 * told and right >= 0.85 * wanted, off


def test_the_threshold_is_the_best_on_the_fit_questions_and_shows_nothing_to_the_held_out_ones_without_a_story(
    embedder,
):
    remembering = MemoryEmbedder(embedder)
    assert pytest.approx(NEAR_ENOUGH) == best_threshold(remembering)
    found = matching("held_out", remembering)
    assert found["none"] == found["others"] and found["shown"] >= 0.5 * found["with"]
