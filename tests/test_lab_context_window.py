"""Drag the window down: what falls out, and what the answer becomes."""

from coach.coach import Coach
from coach.lab.context_window import EXPERIMENT, SECTION
from coach.lab.experiment import quoted_in
from coach.protocols import ChosenModel
from coach.settings import corpus_folder, load_settings
from tests.fakes import ScriptedChatModel

SAID = "The process often takes 6-8 weeks from initial contact to offer."


def told(doing, done, total):
    assert 0 <= done <= total


def seen(coach, run=EXPERIMENT.preview, **given):
    return run(coach, EXPERIMENT.values(given), told)


def speaking(sources_only, model):
    settings = load_settings(backend="auto")
    return Coach(
        settings,
        sources_only.embedder,
        sources_only.index,
        ChosenModel(model, "given", "Scripted."),
        keeps=False,
    )


def test_the_quote_is_the_articles():
    article = next((corpus_folder() / "guides").glob("*.md")).read_text("utf-8")
    assert quoted_in(article, [EXPERIMENT]) == []


def test_a_smaller_window_drops_the_least_near_sentences_first(sources_only):
    wide, narrow = seen(sources_only, window=8192), seen(sources_only, window=760)
    assert all(row["stays"] for row in wide.rows)
    stays = [row["stays"] for row in narrow.rows if row["part"] == "sentence"]
    assert True in stays and stays == sorted(stays, reverse=True) and not all(stays)
    assert sum(row["tokens"] for row in narrow.rows if row["stays"]) <= 760
    assert "fall out" in narrow.findings[0] and "Everything fits" in wide.findings[0]
    assert "all-MiniLM-L6-v2" in narrow.measured and narrow.estimated


def test_where_not_one_sentence_fits_the_sources_answer_alone(sources_only):
    model = ScriptedChatModel(SAID)
    coach = speaking(sources_only, model)
    outcome = seen(coach, EXPERIMENT.run, window=400)
    assert not any(row["stays"] for row in outcome.rows)
    assert model.prompts == []
    assert any("The sources speak alone" in finding for finding in outcome.findings)


def test_the_model_reads_what_the_picture_says_it_reads(sources_only):
    model = ScriptedChatModel(SAID, choices={"": "Yes"})
    outcome = seen(speaking(sources_only, model), EXPERIMENT.run, window=800)
    read = model.prompts[0][-3].text
    for row in outcome.rows:
        if row["part"] == "sentence":
            text = row["text"].partition(": ")[2]
            assert (text in read) == row["stays"]
    assert SAID in outcome.extra["answer"]
    assert any(SAID in finding for finding in outcome.findings)


def test_the_whole_section_stays_or_falls_as_one(sources_only):
    sentences = [row for row in seen(sources_only, reads=SECTION).rows if row["part"] == "sentence"]
    assert len(sentences) == 1
    assert "6-8 weeks" in sentences[0]["text"]


def test_a_question_that_the_sources_do_not_hold_leaves_nothing_to_read(sources_only):
    outcome = seen(sources_only, question="What is the boiling point of tungsten?")
    assert not [row for row in outcome.rows if row["part"] == "sentence"]
    assert "hold nothing" in outcome.findings[0]
