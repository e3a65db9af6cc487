"""A fast draft and a slow refinement: waits, tokens, and what changed."""

import pytest

from coach.coach import Coach
from coach.errors import UsageError
from coach.lab.experiment import quoted_in
from coach.lab.fast_and_slow import EXPERIMENT, NOBODY
from coach.protocols import ChosenModel
from coach.settings import corpus_folder, load_settings
from coach.types import ListedModel, ModelList
from tests.fakes import ScriptedChatModel

QUESTION = "How many interview rounds are typical for a Generative AI PM role?"
TRUE = "The process often takes 6-8 weeks from initial contact to offer."


def told(doing, done, total):
    assert 0 <= done <= total


def seen(coach, **given):
    return EXPERIMENT.run(coach, EXPERIMENT.values({"question": QUESTION, **given}), told)


def coach_with(sources_only, model):
    chosen = ChosenModel(model, "given", "Scripted.")
    return Coach(load_settings(), sources_only.embedder, sources_only.index, chosen, keeps=False)


def test_the_quote_is_the_articles():
    article = next((corpus_folder() / "guides").glob("*.md")).read_text("utf-8")
    assert quoted_in(article, [EXPERIMENT]) == []


def test_with_one_model_the_sources_draft_and_the_model_refines(sources_only):
    outcome = seen(coach_with(sources_only, ScriptedChatModel(TRUE, choices={"": "Yes"})))
    draft, refined = outcome.rows
    assert (draft["who"], refined["who"]) == (NOBODY, "scripted")
    assert draft["reply_tokens"] == 0 < refined["reply_tokens"]
    assert draft["whole_ms"] <= refined["first_ms"] <= refined["whole_ms"]
    assert TRUE in refined["text"]
    kept = " ".join(text for kind, text in outcome.extra["changes"] if kind != "gone")
    assert kept.split() == refined["text"].split()
    assert "no smaller model than scripted" in outcome.findings[0]


def test_without_a_model_there_is_a_draft_and_it_says_why_no_refinement(sources_only):
    outcome = seen(sources_only)
    assert [row["who"] for row in outcome.rows] == [NOBODY]
    assert "no refinement" in outcome.findings[0]


def test_the_slow_model_is_shown_what_the_fast_one_drafted(sources_only, monkeypatch):
    fast = ScriptedChatModel("The process takes 6-8 weeks.", choices={"": "Yes"})
    slow = ScriptedChatModel(TRUE, choices={"": "Yes"})
    fast.name, slow.name = "small", "large"
    coach = coach_with(sources_only, slow)
    listed = (ListedModel("small", "Ollama", 1), ListedModel("large", "Ollama", 2, chosen=True))
    monkeypatch.setattr(coach, "models", lambda: ModelList(listed, "large speaks."))
    monkeypatch.setattr(
        "coach.coach.load_chat_model", lambda settings: ChosenModel(fast, "ollama", settings.model)
    )
    outcome = seen(coach)
    assert [row["who"] for row in outcome.rows] == ["small", "large"]
    draft, wish = slow.prompts[-1][-2:]
    assert draft.text == outcome.rows[0]["text"] and "Improve it" in wish.text


def test_a_model_that_is_not_here_is_named_with_those_that_are(sources_only):
    with pytest.raises(UsageError, match="There is no model `gpt-9` here"):
        seen(sources_only, slow="gpt-9")
