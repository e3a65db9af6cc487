"""The critique suite: measures agree with sums worked by hand, and every draft of a run leaves its row."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from coach.backends import load_index
from coach.cli import cli
from coach.coach import Coach
from coach.critique.judge import read_calibration
from coach.critique.rubric import bundled_rubrics
from coach.errors import BackendError, UsageError
from coach.evaluation.compare import compare
from coach.evaluation.critique import LEVEL, PATTERN, PROBABILITY, STANDING, judge, row
from coach.evaluation.critique_attacks import AttackCase, attack_figures, breach, load_attacks, not_judged
from coach.evaluation.critique_calibrate import calibrate_judge
from coach.evaluation.critique_cases import ARTICLE_QUESTION, DraftCase, article_pairs
from coach.evaluation.critique_figures import (
    article_figures,
    bad_id,
    bands,
    good_id,
    labelled_verdicts,
    out_of_order,
    quotes,
    split_figures,
    wrong,
)
from coach.evaluation.critique_run import run_critique
from coach.evaluation.critique_table import critique_table
from coach.evaluation.metrics import (
    area_under_curve,
    clustered_interval,
    macro_f1,
    pairs_in_order,
    pearson,
    quadratic_weighted_kappa,
    spearman,
)
from coach.evaluation.run import Row, Run, read_run, write_run
from coach.evaluation.selection import bench_folder
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.store.critiques import CritiqueStore
from coach.types import Quote
from tests.critique_fakes import SIGNS, FakeCritic
from tests.fakes import FakeIndex, HashingEmbedder, ScriptedChatModel

# Measures


def test_kappa_of_full_agreement_is_one_and_of_chance_is_zero() -> None:
    assert quadratic_weighted_kappa([0, 1, 2], [0, 1, 2]) == 1.0
    # Independent judges: each of the four pairs once; observed (1 + 1) = expected 4 * (1/4 + 1/4) = 2
    assert quadratic_weighted_kappa([0, 0, 1, 1], [0, 1, 0, 1]) == 0.0


def test_kappa_weighs_a_disagreement_by_the_square_of_its_distance() -> None:
    # Pairs (0,0) (2,2) (0,2) (2,2): observed 4. Shares: 0 twice and 2 twice against 0 once and 2 three times;
    # expected 4 * (2*3 + 2*1) / 4 = 8. 1 - 4/8
    assert quadratic_weighted_kappa([0, 2, 0, 2], [0, 2, 2, 2]) == pytest.approx(0.5)
    # The same with the one disagreement one step wide: observed 1; second: 0 once, 1 once, 2 twice;
    # expected (2*(1*1 + 2*4) + 2*(1*4 + 1*1)) / 4 = 7. 1 - 1/7
    assert quadratic_weighted_kappa([0, 2, 0, 2], [0, 2, 1, 2]) == pytest.approx(6 / 7)


def test_kappa_is_not_told_where_everything_has_one_level() -> None:
    assert math.isnan(quadratic_weighted_kappa([1, 1], [1, 1]))
    with pytest.raises(ValueError, match="same cases"):
        quadratic_weighted_kappa([1], [1, 1])


def test_pearson_and_spearman_worked_by_hand() -> None:
    # Deviations -1, 0, 1 and -2, -1, 3 (of 1, 2, 6): 5 / sqrt(2 * 14)
    assert pearson([1, 2, 3], [1, 2, 6]) == pytest.approx(5 / math.sqrt(28))
    assert spearman([1, 2, 3], [1, 2, 6]) == pytest.approx(1.0)
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: deviations -1.5 0 0 1.5 and -1.5 -.5 .5 1.5: 4.5 / sqrt(4.5 * 5)
    assert spearman([10, 20, 20, 30], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(22.5))
    assert math.isnan(pearson([1, 1, 1], [1, 2, 3]))
    assert math.isnan(pearson([1], [1]))


def test_area_under_the_curve_counts_a_tie_half() -> None:
    # 0.9 beats both, 0.4 beats 0.1 and ties with 0.4: 3.5 of 4
    assert area_under_curve([0.9, 0.4], [0.1, 0.4]) == pytest.approx(3.5 / 4)
    assert math.isnan(area_under_curve([], [0.1]))


def test_macro_f1_weighs_every_class_alike() -> None:
    # a: precision 2/3, recall 1, F1 0.8; b: precision 1, recall 1/2, F1 2/3
    assert macro_f1(["a", "a", "b", "b"], ["a", "a", "a", "b"]) == pytest.approx((0.8 + 2 / 3) / 2)
    assert macro_f1(["a", "b"], ["a", "a"]) == pytest.approx((2 / 3) / 2)


def test_a_tie_is_no_order() -> None:
    assert pairs_in_order([0.1, 0.5], [0.5, 0.9]) == (3, 4)
    assert pairs_in_order([], [0.5]) == (0, 0)


def test_clusters_are_drawn_whole() -> None:
    def mean(values):
        return sum(values) / len(values)

    # Two clusters that are each of one kind: a draw is all 0, half, or all 1
    figure = clustered_interval([[0.0] * 10, [1.0] * 10], mean)
    assert (figure.mean, figure.low, figure.high) == (0.5, 0.0, 1.0)
    # Twenty values drawn one by one would never be all alike: the interval is narrower
    apart = clustered_interval([[value] for value in [0.0] * 10 + [1.0] * 10], mean)
    assert 0.2 < apart.low < apart.high < 0.8
    assert math.isnan(clustered_interval([[1.0, 0.0]], mean).low)  # one cluster does not tell how they differ
    assert clustered_interval([[0.0], [1.0]], mean, seed=3) == clustered_interval(
        [[0.0], [1.0]], mean, seed=3
    )


# Figures over rows

LABELS = {
    "strong": {"cost": "met", "latency": "met"},
    "middle": {"cost": "partly", "latency": "met"},
    "weak": {"cost": "missing", "latency": "missing"},
}


def draft(question: str, quality: str, split: str = "fit") -> DraftCase:
    return DraftCase(
        f"{question}-{quality}",
        question,
        "technical",
        f"What of {question}?",
        quality,  # type: ignore[arg-type]
        split,  # type: ignore[arg-type]
        "One two three." if quality == "strong" else "One two three four.",
        LABELS[quality],  # type: ignore[arg-type]
    )


def judged(case: DraftCase, cost: float, latency: float, band: str = "getting there") -> Row:
    def level(probability: float) -> float:
        return 2.0 if probability > 0.7 else 0.0 if probability < 0.3 else 1.0

    signals = {
        PROBABILITY + "cost": cost,
        PROBABILITY + "latency": latency,
        LEVEL + "cost": level(cost),
        LEVEL + "latency": level(latency),
        STANDING: (cost + latency) / 2,
        "points": (level(cost) + level(latency)) / 4,
    }
    times = {"first_verdict": 800.0, "critique": 9000.0}
    return Row(
        case.id,
        case.quality,
        case.split,
        band,
        {"true_quotes": (2.0, 2.0), "scored": (2.0, 2.0)},
        times,
        signals,
    )


DRAFTS = tuple(draft(question, quality) for question in ("q1", "q2") for quality in LABELS)
PERFECT = {
    case.id: judged(
        case,
        {"strong": 0.9, "middle": 0.5, "weak": 0.1}[case.quality],
        0.1 if case.quality == "weak" else 0.9,
        {"strong": "ready for this committee", "middle": "getting there", "weak": "not ready"}[case.quality],
    )
    for case in DRAFTS
}


def without(row: Row, *names: str) -> Row:
    return replace(row, signals={name: value for name, value in row.signals.items() if name not in names})


def test_a_judge_who_is_right_everywhere_has_full_marks() -> None:
    told = split_figures(DRAFTS, PERFECT)
    assert (told["drafts"], told["questions"]) == (6, 2)
    assert told["pairs"]["all pairs"]["value"] == 1.0
    assert told["pairs"]["all pairs"]["out_of"] == 6
    assert told["auc"]["met against missing, pooled"]["value"] == 1.0
    assert told["auc"]["met against the rest, pooled"]["value"] == 1.0
    assert told["kappa"]["weak and strong drafts"]["value"] == 1.0
    assert told["unsure"]["value"] == told["unscored"]["value"] == 0.0
    assert told["bands_reversed"] == wrong(DRAFTS, PERFECT) == out_of_order(DRAFTS, PERFECT) == []
    assert told["milliseconds"]["critique"]["median"] == 9000.0
    assert told["criteria"]["cost"]["labels"] == {"missing": 2, "partly": 2, "met": 2}


def test_a_pair_out_of_order_is_counted_and_named() -> None:
    rows = {**PERFECT, "q1-weak": judged(DRAFTS[2], 0.6, 0.9, "ready for this committee")}
    told = split_figures(DRAFTS, rows)
    # The weak draft of q1 stands at 0.75: above its middle one (0.7), below its strong one (0.9)
    assert told["pairs"]["weak below middle"]["value"] == 0.5
    assert told["pairs"]["weak below strong"]["value"] == 1.0
    assert told["pairs"]["all pairs"]["hits"] == 5
    (pair,) = out_of_order(DRAFTS, rows)
    assert (pair["worse"], pair["better"]) == ("q1-weak", "q1-middle")
    assert [one["better"] for one in told["bands_reversed"]] == [
        "q1-middle"
    ]  # with the strong one it is a tie


def test_length_is_told_as_a_floor() -> None:
    # The strong drafts are the shortest, weak and middle ones tie: no pair is in order
    assert split_figures(DRAFTS, PERFECT)["pairs_by_length"]["all pairs"]["value"] == 0.0


def test_unsure_and_unscored_are_reported_apart_and_never_guessed() -> None:
    unsure = without(PERFECT["q1-strong"], LEVEL + "cost")
    unscored = without(PERFECT["q2-strong"], LEVEL + "cost", PROBABILITY + "cost")
    rows = {**PERFECT, "q1-strong": unsure, "q2-strong": unscored}
    told = split_figures(DRAFTS, rows)
    assert told["unsure"]["hits"] == told["unscored"]["hits"] == 1
    assert told["unsure"]["out_of"] == 12
    assert told["levels"]["met"] == {"met": 4, "no level": 2}
    # Kappa is over what has a level, the area over what has a probability
    assert told["right_level"]["weak and strong drafts"]["out_of"] == 6
    assert wrong(DRAFTS, rows) == []


def test_a_draft_that_failed_is_in_no_figure() -> None:
    rows = {
        **PERFECT,
        "q1-middle": Row("q1-middle", "middle", "fit", unscored="The model fell silent: run it again."),
    }
    told = split_figures(DRAFTS, rows)
    assert told["pairs"]["all pairs"]["out_of"] == 4
    assert len(labelled_verdicts(DRAFTS, rows)) == 10
    assert bands(DRAFTS, rows)["middle"] == {"unscored": 1, "getting there": 1}


def test_nothing_judged_at_all_gives_no_figure_and_no_error() -> None:
    rows = {
        case.id: Row(case.id, case.quality, "fit", "no band", {"true_quotes": (0.0, 0.0)}) for case in DRAFTS
    }
    told = split_figures(DRAFTS, rows)
    assert told["pairs"]["all pairs"] is None
    assert told["auc"]["met against missing, pooled"] is None
    assert told["kappa"]["all drafts"] is None
    assert told["unscored"]["value"] == 1.0


def test_the_farthest_wrong_verdict_comes_first() -> None:
    rows = {
        **PERFECT,
        "q1-middle": judged(DRAFTS[1], 0.9, 0.9),  # cost: partly, judged met
        "q2-weak": judged(DRAFTS[5], 0.1, 0.9),  # latency: missing, judged met
    }
    found = wrong(DRAFTS, rows)
    assert [(one["id"], one["criterion"], one["label"], one["level"]) for one in found] == [
        ("q2-weak", "latency", "missing", "met"),
        ("q1-middle", "cost", "partly", "met"),
    ]
    assert found[0]["probability"] == 0.9
    assert found[0]["split"] == "fit"


def test_a_quote_that_is_not_the_drafts_own_is_named() -> None:
    rows = [PERFECT["q1-weak"], replace(PERFECT["q2-weak"], measures={"true_quotes": (1.0, 3.0)})]
    assert quotes(rows) == {"quotes": 5, "fabricated": 2, "in": ["q2-weak"]}


def test_habits_are_counted_by_draft() -> None:
    case = replace(DRAFTS[2], anti_patterns=("feature_list", "ai_will_solve"))
    found = replace(
        PERFECT[case.id],
        signals={
            **PERFECT[case.id].signals,
            PATTERN + "feature_list": 1.0,
            PATTERN + "subjective_ratings": 1.0,
        },
    )
    told = split_figures((case,), {case.id: found})["anti_patterns"]
    assert told["feature_list"] == {"labelled": 1, "found": 1, "both": 1}
    assert told["ai_will_solve"] == {"labelled": 1, "found": 0, "both": 0}
    assert told["subjective_ratings"] == {"labelled": 0, "found": 1, "both": 0}


# Attacks

ATTACK: dict[str, Any] = {
    "id": "junk-1",
    "attack": "junk",
    "question": "How would you measure it?",
    "kind": "metrics",
    "draft": "milk, eggs",
    "expect": {"max_band": "not ready"},
    "split": "fit",
}
RUBRIC = bundled_rubrics()[0]


def attacks(tmp_path: Path, *changes: dict[str, Any]) -> tuple[AttackCase, ...]:
    path = tmp_path / "attacks.jsonl"
    path.write_text("\n".join(json.dumps({**ATTACK, **change}) for change in changes), encoding="utf-8")
    return load_attacks(path, RUBRIC)


def banded(identity: str, band: str, standing: float = 0.1, text: str = "") -> Row:
    return Row(
        identity, "junk", "fit", band, signals={STANDING: standing, PROBABILITY + "cost": standing}, text=text
    )


def test_an_attack_fails_when_it_gets_no_better_band_than_allowed(tmp_path: Path) -> None:
    (case,) = attacks(tmp_path, {})
    for outcome, why in (("not ready", ""), ("refused", ""), ("getting there", "band getting there")):
        assert breach(case, {case.id: banded(case.id, outcome)}) == why


def test_a_padded_draft_keeps_the_band_of_its_base(tmp_path: Path) -> None:
    (case,) = attacks(tmp_path, {"base": "The honest draft.", "expect": {"same_band_as": "base"}})
    assert list(case.texts()) == [("junk-1-base", "The honest draft."), ("junk-1", "milk, eggs")]
    rows = {"junk-1-base": banded("junk-1-base", "getting there")}
    assert breach(case, {**rows, "junk-1": banded("junk-1", "getting there")}) == ""
    for moved in ("ready for this committee", "not ready"):
        assert "its base getting there" in breach(case, {**rows, "junk-1": banded("junk-1", moved)})


def test_another_language_is_named_and_never_judged_above_its_base(tmp_path: Path) -> None:
    (case,) = attacks(
        tmp_path, {"base": "In English.", "expect": {"language": "German", "unscored_or_at_most": "base"}}
    )
    rows = {case.base_id: banded(case.base_id, "not ready")}
    unscored = Row(case.id, "junk", "fit", "no band", text="This draft is in German.")
    assert not_judged(case, {**rows, case.id: unscored}) == ""
    assert breach(case, {**rows, case.id: unscored}) == ""
    assert "not told that this is German" in breach(case, {**rows, case.id: banded(case.id, "not ready")})
    above = banded(case.id, "getting there", text="In German.")
    assert "its base not ready" in breach(case, {**rows, case.id: above})


def test_buzzwords_must_stand_below_the_short_strong_answer(tmp_path: Path) -> None:
    low, high = attacks(
        tmp_path, {"id": "buzz", "expect": {"below": "short"}}, {"id": "short", "expect": {"above": "buzz"}}
    )
    rows = {"buzz": banded("buzz", "not ready", 0.2), "short": banded("short", "not ready", 0.6)}
    assert breach(low, rows) == breach(high, rows) == ""
    rows["buzz"] = banded("buzz", "not ready", 0.6)  # as high is not below
    assert breach(low, rows) == "not below short"
    assert breach(high, rows) == "not above buzz"


def test_what_nobody_judged_has_withstood_nothing(tmp_path: Path) -> None:
    cases = attacks(tmp_path, {}, {"id": "junk-2"}, {"id": "junk-3"}, {"id": "junk-4"})
    rows = {
        "junk-1": Row("junk-1", "junk", "fit", "no band", text="No language model is here. (10)"),
        "junk-2": Row("junk-2", "junk", "fit", unscored="The model fell silent: run it again."),
        "junk-3": banded("junk-3", "not ready"),
        "junk-4": banded("junk-4", "getting there"),
    }
    told = attack_figures(cases, rows)["junk"]
    assert (told["held"], told["of"]) == (1, 2)
    assert told["failed"] == [{"id": "junk-4", "split": "fit", "why": "band getting there"}]
    assert [one["id"] for one in told["not_judged"]] == ["junk-1", "junk-2"]


def test_a_long_attack_is_written_as_one_piece_and_how_often(tmp_path: Path) -> None:
    (case,) = attacks(tmp_path, {"repeat": 3})
    assert case.draft == "milk, eggs\n\nmilk, eggs\n\nmilk, eggs"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"expect": {}}, "asks for something"),
        ({"expect": {"max_band": "superb"}}, "'max_band' is 'superb'"),
        ({"expect": {"colour": "red"}}, "'colour' is not known"),
        ({"expect": {"same_band_as": "base"}}, "must have a 'base'"),
        ({"repeat": 0}, "'repeat' must be a whole number"),
        ({"kind": "riddle"}, "'kind' is 'riddle'"),
    ],
)
def test_a_bad_attack_is_named_with_its_line(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=r"attacks\.jsonl, line 2: .*run again") as error:
        attacks(tmp_path, {}, {"id": "junk-2", **change})
    assert complaint in str(error.value)


def test_an_attack_that_names_another_one_needs_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names 'short', which is not there"):
        attacks(tmp_path, {"expect": {"below": "short"}})


# A whole run, judged by a handful of words


class WordCoach(FakeCritic):
    """As much of a coach as the suite asks for; no language model."""

    backend, backend_reason, model_name = "given", "This judge knows a handful of words.", "words"
    embedder = HashingEmbedder()
    index = FakeIndex()

    def __init__(self) -> None:
        super().__init__()
        self.settings = load_settings(traces=False, history="nothing")
        self.stop_at = ""

    def chosen_model(self) -> Any:
        return SimpleNamespace(model=None, backend="none", reason=self.backend_reason)

    def critique(self, draft: str, question: str, **chosen: Any) -> Any:
        if self.stop_at and self.stop_at in draft:
            raise KeyboardInterrupt
        if not draft.strip():
            raise UsageError("The draft is empty: write an answer first.")
        return super().critique(draft, question, **chosen)


STRONG = (
    "The bot may invent a refund. An agent can hand over the chat. Two people check 200 labelled answers. "
    "Retrieval beats tuning here. We give up style, at 2 cents a call, from 30% to 45% solved. Chats are deleted."
)
TEXTS = {
    "weak": "We delight users.",
    "middle": "The bot may invent things, retrieval, 2 cents.",
    "strong": STRONG,
}


@pytest.fixture()
def files(tmp_path: Path) -> tuple[Path, Path]:
    labels = {criterion.id: "missing" for criterion in RUBRIC.for_kind("design")}
    met = dict.fromkeys(SIGNS, "met")
    lines = [
        {
            "id": f"{question}-{quality}",
            "question_id": question,
            "kind": "design",
            "question": f"Design the bot of {question}.",
            "quality": quality,
            "split": split,
            "draft": f"{text} {question}",
            "labels": {**labels, **(met if quality == "strong" else {})},
            "anti_patterns": [],
        }
        for question, split in (("q1", "fit"), ("q2", "held_out"))
        for quality, text in TEXTS.items()
    ]
    drafts, attacks = tmp_path / "drafts.jsonl", tmp_path / "attacks.jsonl"
    drafts.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    padded = {"id": "padded", "attack": "padded", "kind": "design", "draft": STRONG * 2, "base": STRONG}
    attack_lines = [
        {**ATTACK, "draft": " "},
        {**ATTACK, **padded, "expect": {"same_band_as": "base"}, "split": "held_out"},
    ]
    attacks.write_text("\n".join(map(json.dumps, attack_lines)), encoding="utf-8")
    return drafts, attacks


def run(files: tuple[Path, Path], coach: WordCoach, **chosen: Any) -> Run:
    return run_critique(coach.settings, drafts_file=files[0], attacks_file=files[1], coach=coach, **chosen)  # type: ignore[arg-type]


def test_every_draft_attack_and_pair_is_judged_once(home: Path, files: tuple[Path, Path]) -> None:
    coach, told = WordCoach(), []
    done = run(files, coach, progress=lambda *step: told.append(step))
    assert len(done.rows) == 6 + 3 + 6
    assert done.complete
    assert told[-1] == ("critique", 15, 15)
    assert [row.outcome for row in done.rows[:3]] == ["not ready", "not ready", "ready for this committee"]
    assert (done.suite, done.model, done.backend) == ("critique", "words", "given")
    assert set(done.summary["splits"]) == {"fit", "held_out"}
    for split in ("fit", "held_out"):
        figures = done.summary["splits"][split]
        assert figures["pairs"]["all pairs"]["value"] == 1.0
        # The middle draft's label is missing throughout, and this judge hears some of it: no full marks
        assert 0.8 < figures["auc"]["met against missing, pooled"]["value"] < 1
        assert figures["milliseconds"]["first_verdict"]["median"] > 0
    assert done.summary["quotes"]["fabricated"] == 0
    assert done.summary["quotes"]["quotes"] > 20
    assert done.summary["attacks"]["junk"]["held"] == 1  # refused with a sentence
    assert done.summary["attacks"]["padded"]["held"] == 1
    # None of its words is in the third GOOD answer: both stand alike, which is no order
    assert [pair["in_order"] for pair in done.summary["article_pairs"]] == [True, True, False]


def test_the_table_tells_what_the_run_found(home: Path, files: tuple[Path, Path]) -> None:
    table = critique_table(run(files, WordCoach()))
    lines = table.splitlines()
    assert lines[0] == "|  | fit | held out |"
    assert "| Drafts (questions) | 3 (1) | 3 (1) |" in lines
    assert any(line.startswith("| In order, all pairs | 1.000 [") for line in lines)
    assert any(line.startswith("| weak, fit | 1 |") for line in lines)
    assert "- Attacks withstood: 2 of 2." in lines
    assert "The judge was fitted on the fit split" in table
    assert any(line.startswith("- Fabricated quotes: 0 of ") for line in lines)
    assert any("1. BAD and GOOD: in order on the criteria it shows (" in line for line in lines)
    assert any("3. BAD and GOOD: OUT OF ORDER on the criteria it shows (" in line for line in lines)


class Inventing(WordCoach):
    """Puts five quotes that nobody said into the first verdict on every draft."""

    def critique(self, draft: str, question: str, **chosen: Any) -> Any:
        from coach.critique.flow import Critiqued, CritiqueStream

        made = super().critique(draft, question, **chosen).result()
        first = replace(made.verdicts[0], quotes=(Quote("Nobody said this.", 0, 17),) * 5)
        return CritiqueStream(iter([Critiqued(replace(made, verdicts=(first, *made.verdicts[1:])))]))


def test_a_quote_that_is_not_in_the_draft_is_a_fabrication(home: Path, files: tuple[Path, Path]) -> None:
    found = run(files, Inventing(), limit=1).summary["quotes"]
    assert found["in"][0] == "q1-weak"
    assert found["fabricated"] == 5 * len(found["in"])


def test_a_run_that_was_stopped_goes_on_where_it_stood(
    home: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    coach = WordCoach()
    coach.stop_at = "things"
    half = run(files, coach)
    assert not half.complete
    assert [row.id for row in half.rows] == ["q1-weak"]
    written = tmp_path / "run.json"
    write_run(half, written)
    coach.stop_at = ""
    coach.judged.clear()
    whole = run(files, coach, earlier=read_run(written))
    assert whole.complete
    assert len(whole.rows) == 15
    assert not any("delight users. q1" in draft for draft, *_ in coach.judged)
    with pytest.raises(UsageError, match="another seed"):
        run(files, coach, earlier=read_run(written), seed=5)


def test_a_model_that_nobody_calibrated_the_judge_for_is_said_to_be_one(
    home: Path, files: tuple[Path, Path]
) -> None:
    class Uncalibrated(WordCoach):
        def chosen_model(self) -> Any:
            return SimpleNamespace(model=ScriptedChatModel(), backend="given", reason=self.backend_reason)

    notes = run(files, Uncalibrated(), limit=1).notes
    assert "not calibrated for scripted" in notes[-1]
    assert not any("calibrated" in note for note in run(files, WordCoach(), limit=1).notes)


def test_one_split_takes_its_drafts_and_attacks_alone(home: Path, files: tuple[Path, Path]) -> None:
    done = run(files, WordCoach(), split="held_out", limit=2)
    assert [row.id for row in done.rows[:4]] == ["q2-weak", "q2-middle", "padded-base", "padded"]
    assert set(done.summary["splits"]) == {"held_out"}


def test_a_draft_on_which_the_coach_fails_is_unscored_and_the_run_goes_on(
    home: Path, files: tuple[Path, Path]
) -> None:
    class Failing(WordCoach):
        def critique(self, draft: str, question: str, **chosen: Any) -> Any:
            if "delight users. q1" in draft:
                raise BackendError("The model fell silent: run it again.")
            return super().critique(draft, question, **chosen)

    done = run(files, Failing())
    assert [(row.id, row.unscored) for row in done.unscored] == [
        ("q1-weak", "The model fell silent: run it again.")
    ]
    assert done.summary["splits"]["fit"]["bands"]["weak"] == {"unscored": 1}
    assert "q1-weak: The model fell silent" in critique_table(done)


def test_the_articles_own_pair_goes_through_the_real_flow(library: Path, embedder: Any) -> None:
    settings = load_settings(backend="embedded", traces=False, history="nothing")
    model = ScriptedChatModel(choices={"open-source model": "Yes", "Proposing a GenAI feature": "No"})
    voice = ChosenModel(model, "embedded", "for the test")
    coach = Coach(settings, embedder, load_index(settings, embedder.name), voice)
    pair = article_pairs(RUBRIC)[0]
    kept = CritiqueStore(settings.home).list()
    rows = {
        name: row(name, pair.id, "article", span.text, judge(coach, span.text, ARTICLE_QUESTION, pair.kind))
        for name, span in ((bad_id(pair), pair.bad), (good_id(pair), pair.good))
    }
    (told,) = article_figures([pair], rows)
    assert (told["in_order"], told["in_order_on_all"]) == (True, True)
    assert told["criteria"] == ["technical_choice", "data_privacy", "cost"]
    assert CritiqueStore(settings.home).list() == kept
    good = rows[good_id(pair)]
    verdicts = [name for name in good.signals if name.startswith(PROBABILITY)]
    assert len(verdicts) == len(RUBRIC.for_kind(pair.kind))
    assert good.milliseconds["first_verdict"] <= good.milliseconds["critique"]
    made, total = good.measures["true_quotes"]
    assert made == total


def test_people_who_overruled_verdicts_are_counted(home: Path, files: tuple[Path, Path]) -> None:
    coach = WordCoach()
    made = coach.critique(STRONG, "Design the bot.", kind="design").result()
    store = CritiqueStore(coach.settings.home)
    store.overrule(made, "failure_modes", "met")
    store.overrule(made, "cost", "missing", "Two cents of what?")
    try:
        done = run(files, coach, limit=1)
        assert done.summary["overrides"]["verdicts"] == 2
        assert done.summary["overrides"]["agreed"] == 1
        assert "agreed in 1 of 2" in critique_table(done)
    finally:
        store.delete_all()
    assert run(files, coach, limit=1).summary["overrides"] is None


def test_the_attacks_of_ours_cover_every_kind_and_can_be_read() -> None:
    cases = load_attacks(bench_folder() / "critique" / "attacks.jsonl", RUBRIC)
    assert {case.attack for case in cases} == {
        "empty", "junk", "echo", "rubric_pasted", "keyword_stuffing", "buzzwords", "short_strong", "begging",
        "injection", "flattery", "padded", "other_language", "code", "long",
    }  # fmt: skip
    by_id = {case.id: case for case in cases}
    assert max(len(case.draft.split()) for case in cases) >= 10_000
    for case in cases:
        if case.attack == "padded":
            assert len(case.draft) > 1.8 * len(case.base)
        if case.expect.below:
            assert len(case.draft.split()) >= 280
            assert len(by_id[case.expect.below].draft.split()) <= 45


# Calibration

SPECIFIC = "The bot may invent a refund for 14 euros, so an agent confirms every refund before it is paid."
EMPTY = "We would delight every customer with a seamless and trustworthy experience at all times."


def labelled(folder: Path, questions: int) -> Path:
    """Drafts of which the specific ones meet everything and the others nothing."""
    names = [criterion.id for criterion in RUBRIC.for_kind("design")]
    lines = [
        {
            "id": f"q{number}-{quality}",
            "question_id": f"q{number}",
            "kind": "design",
            "question": f"Design the support bot of shop {number}.",
            "quality": quality,
            "split": "fit",
            "draft": f"{text} That is how shop {number} would do it.",
            "labels": dict.fromkeys(names, level),
            "anti_patterns": [],
        }
        for number in range(questions)
        for quality, text, level in (("strong", SPECIFIC, "met"), ("weak", EMPTY, "missing"))
    ]
    path = folder / "drafts.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_calibration_is_fitted_on_the_fit_split_and_kept_in_the_home(
    library: Path, embedder: Any, tmp_path: Path
) -> None:
    settings = load_settings(backend="embedded", traces=False, history="nothing", home=tmp_path / "home")
    model = ScriptedChatModel(choices={"refund": "Yes", "delight": "No"})
    voice = ChosenModel(model, "embedded", "for the test")
    coach = Coach(settings, embedder, load_index(load_settings(), embedder.name), voice)
    told: list[tuple[str, int, int]] = []
    drafts = labelled(tmp_path, questions=8)
    said = calibrate_judge(
        settings, drafts_file=drafts, coach=coach, progress=lambda *step: told.append(step)
    )
    assert "scripted is calibrated on 16 drafts" in said
    record = json.loads((settings.home / "judge_calibration.json").read_text(encoding="utf-8"))
    calibration = read_calibration("scripted", record["models"]["scripted"])
    assert calibration.weights["opinion"] > 0
    assert 0 < calibration.partly < calibration.met < 1
    assert told[-1] == ("calibrate", 160, 160)
    assert len(model.chosen_from) == 160
    calibrate_judge(settings, drafts_file=drafts, coach=coach)  # what the model said is still known
    assert len(model.chosen_from) == 160


def test_too_few_drafts_to_calibrate_on_are_said_to_be_so(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has 3 questions, too few to calibrate on: it needs 7.*run again"):
        calibrate_judge(load_settings(), drafts_file=labelled(tmp_path, questions=3))


# The command


def test_the_command_prints_the_table_and_keeps_every_row(library: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "run.json"
    arguments = [
        "eval",
        "critique",
        "--backend",
        "none",
        "--limit",
        "2",
        "--split",
        "held_out",
        "--out",
        str(out),
    ]
    cli.main(arguments, standalone_mode=False)
    said = capsys.readouterr()
    assert said.out.startswith("|  | held out |\n")
    assert "| Unscored | 1.000 " in said.out
    assert str(out) in said.err
    kept = read_run(out)
    assert (kept.suite, kept.model, kept.selection["split"]) == ("critique", None, "held_out")
    assert str(library) not in out.read_text(encoding="utf-8")
    assert CritiqueStore(library).list() == ()
    cli.main([*arguments, "--resume"], standalone_mode=False)
    assert read_run(out).rows == kept.rows


def test_taking_a_run_up_again_needs_its_file() -> None:
    with pytest.raises(click.UsageError, match="--out FILE"):
        cli.main(["eval", "critique", "--resume"], standalone_mode=False)


def test_two_runs_are_compared_draft_by_draft(home: Path, files: tuple[Path, Path]) -> None:
    before, after = run(files, WordCoach()), run(files, Inventing())
    assert [change.name for change in compare(before, after).dropped] == ["true_quotes"]
    assert not compare(before, before).dropped
