"""Stories of temperature and top-p: the bars by formula, the samples from the model, and what is said of both."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from coach.backends.llama_cpp import LlamaCppChatModel
from coach.coach import Coach
from coach.errors import BackendError, StoppedError, UsageError
from coach.lab.experiment import quoted_in, rows_as_csv
from coach.lab.sampling import EXPERIMENT, SHOWN, grouped, weigh
from coach.protocols import ChosenModel
from coach.types import Turn
from coach.ui import session
from tests.fakes import HashingEmbedder, ScriptedChatModel
from tests.lab_runs import plotted, quietly, stop_after

PAGES = Path(session.__file__).parent / "pages"
GUIDE = Path(__file__).parent.parent / "corpus" / "guides" / "generative-ai-pm-skillset-interview-prep.md"
DICE = [(word, math.log(share)) for word, share in (("tested", 0.5), ("safe", 0.3), ("cheap", 0.2))]


def coach_of(model: ScriptedChatModel | LlamaCppChatModel, settings, index=None, leaves="") -> Coach:
    chosen = ChosenModel(model, "given", "It was given.", leaves)
    return Coach(settings, HashingEmbedder(), index, chosen, keeps=False)


@pytest.fixture
def settings(home):
    from coach.settings import load_settings

    return load_settings()


def shares(temperature: float, top_p: float = 1.0) -> list[float]:
    return [bar.after_temperature for bar in weigh(DICE, (), temperature, top_p).bars]


def test_temperature_one_leaves_the_models_own_probabilities():
    assert shares(1.0) == pytest.approx([0.5, 0.3, 0.2])


def test_temperature_raises_each_probability_to_the_power_of_one_over_it():
    powers = [0.5**2, 0.3**2, 0.2**2]
    assert shares(0.5) == pytest.approx([power / sum(powers) for power in powers])


def test_at_temperature_nought_the_likeliest_has_everything():
    assert shares(0.0) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(("top_p", "kept"), [(0.05, 1), (0.5, 1), (0.51, 2), (0.8, 2), (0.81, 3), (1.0, 3)])
def test_top_p_keeps_the_likeliest_until_they_have_its_share_together(top_p, kept):
    assert weigh(DICE, (), 1.0, top_p).kept == kept


def test_a_higher_temperature_lets_more_tokens_past_the_same_top_p():
    assert weigh(DICE, (), 0.3, 0.9).kept < weigh(DICE, (), 2.0, 0.9).kept


def test_the_many_unlikely_tokens_count_as_if_each_stood_alone():
    tail = [math.log(0.2 / 400) - place / 100 for place in range(400)]
    alone = weigh([*DICE[:2], *(("rare", logarithm) for logarithm in tail)], (), 1.5, 0.9)
    together = weigh(DICE[:2], grouped(tail), 1.5, 0.9)
    assert together.others == 400
    assert together.kept == pytest.approx(alone.kept, rel=0.03)
    assert together.bars[0].after_temperature == pytest.approx(alone.bars[0].after_temperature, rel=0.03)


def test_a_run_gives_bars_five_samples_and_how_far_they_agree(settings):
    model = ScriptedChatModel("tested twice", "tested twice", "safe", "tested", "safe", next_words=DICE)
    outcome = EXPERIMENT.run(coach_of(model, settings), EXPERIMENT.values({"top_p": 0.5}), quietly)
    bars = [row for row in outcome.rows if row["row"] == "next token"]
    assert [row["can_be_drawn"] for row in bars] == [True, False, False]
    assert [row["text"] for row in outcome.rows if row["row"] == "sample"] == [
        "tested twice",
        "tested twice",
        "safe",
        "tested",
        "safe",
    ]
    said = " ".join(outcome.findings)
    assert "“tested” the likeliest: 50.0%" in said and "leaves 1 token of 3" in said
    assert "3 of them begin with “tested”, and 2 are the same" in said
    assert rows_as_csv(outcome.rows).count("\n") == 1 + 3 + 5


def test_a_slider_moves_the_bars_and_asks_no_model(settings):
    model = ScriptedChatModel("tested", next_words=DICE)
    values = EXPERIMENT.values({"temperature": 1.0})
    outcome = EXPERIMENT.run(coach_of(model, settings), values, quietly)
    asked = len(model.prompts)
    moved = EXPERIMENT.moved(outcome, {**values, "temperature": 0.5, "top_p": 0.3})
    assert len(model.prompts) == asked == 5
    assert moved.rows[0]["after_temperature"] > outcome.rows[0]["after_temperature"]
    assert sum(row.get("can_be_drawn", False) for row in moved.rows) == 1
    assert "drawn at temperature 1 and top-p 0.9" in moved.findings[-1]  # the samples are what they were


def test_a_prompt_for_a_model_elsewhere_is_seen_masked_before_it_leaves(settings, sources_only):
    model = ScriptedChatModel("tested", next_words=DICE)
    leaves = "The server models.example is another machine: what you type goes there."
    page = AppTest.from_file(str(PAGES / "lab.py"), default_timeout=30)
    page.query_params["experiment"] = EXPERIMENT.name
    page.session_state["coach"] = coach_of(model, settings, sources_only.index, leaves)
    page.run()
    page.text_input(key="lab_sampling_prompt").set_value("Write to a@b.example or c@d.example about")
    page.button(key="lab_run").click().run()
    assert not page.exception and model.prompts == []
    shown = [element.proto.body for element in page.get("html")]
    assert any("Write to [email 1] or [email 2] about" in body for body in shown)
    page.checkbox[1].uncheck().run()
    page.button(key="lab_sampling_to_be_seen_send").click().run()
    experiments = page.session_state["worker"].experiments
    end = time.monotonic() + 20
    while experiments.under_way:
        assert time.monotonic() < end, "the experiment did not end"
        time.sleep(0.02)
    assert {prompt[-1].text for prompt in model.prompts} == {"Write to [email 1] or c@d.example about"}


def test_a_server_that_lists_few_tokens_says_how_much_it_keeps_to_itself(settings):
    model = ScriptedChatModel("tested", next_words=DICE[:2])
    outcome = EXPERIMENT.run(coach_of(model, settings), EXPERIMENT.values({}), quietly)
    assert any("keeps 20.0% of the probability to itself" in finding for finding in outcome.findings)


def test_a_model_without_log_probabilities_is_told_of(settings):
    with pytest.raises(BackendError, match="does not tell how likely its next words are"):
        EXPERIMENT.run(coach_of(ScriptedChatModel("tested"), settings), EXPERIMENT.values({}), quietly)


def test_stopping_ends_the_run_in_the_middle_of_a_sample(settings):
    model = ScriptedChatModel("one two three four", next_words=DICE)
    with pytest.raises(StoppedError):
        EXPERIMENT.run(coach_of(model, settings), EXPERIMENT.values({}), stop_after(4))
    assert len(model.prompts) == 1


def test_a_setting_out_of_bounds_is_refused_with_the_bounds():
    with pytest.raises(UsageError, match=r"0\.05 to 1"):
        EXPERIMENT.values({"top_p": 0.0})


def test_the_quote_is_the_articles():
    assert quoted_in(GUIDE.read_text("utf-8"), [EXPERIMENT]) == []


@pytest.mark.model
def test_a_real_models_samples_come_from_the_bars_that_are_left(small_model_path, settings):
    model = LlamaCppChatModel(small_model_path, context_window=512)
    try:
        listed = model.next_tokens((Turn("user", "Say a colour."),), 1_000_000)
        assert sum(math.exp(logarithm) for _, logarithm in listed) == pytest.approx(1.0, abs=0.01)
        assert [one for _, one in listed] == sorted((one for _, one in listed), reverse=True)
        values = EXPERIMENT.values({"temperature": 1.3, "top_p": 0.05})
        outcome = EXPERIMENT.run(coach_of(model, settings), values, quietly)
    finally:
        model.close()
    bars = [row for row in outcome.rows if row["row"] == "next token"]
    kept = [str(row["text"]).strip() for row in bars if row["can_be_drawn"]]
    assert len(bars) == SHOWN and 1 <= len(kept) < SHOWN
    samples = [row["text"] for row in outcome.rows if row["row"] == "sample"]
    assert all(any(text.startswith(token) for token in kept) for text in samples)


def picture(outcome, controls):
    from coach.ui.lab.sampling import draw

    draw(outcome, controls)


def test_the_picture_moves_with_the_sliders_and_shows_the_samples(settings):
    model = ScriptedChatModel("tested <b>twice</b>", next_words=DICE)
    outcome = EXPERIMENT.run(coach_of(model, settings), EXPERIMENT.values({}), quietly)
    specs = []
    for top_p in (0.05, 1.0):
        page = AppTest.from_function(
            picture, default_timeout=60, args=(outcome, EXPERIMENT.values({"top_p": top_p}))
        ).run()
        assert not page.exception
        specs.append(plotted(page))
    assert "“safe”".encode() in specs[0] and b"cut off by top-p" in specs[0]
    assert b"cut off by top-p" not in specs[1]
    assert any("tested &lt;b&gt;twice" in one.proto.body for one in page.get("html"))
