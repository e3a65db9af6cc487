"""The labelled drafts load or say what is wrong with them, and the files hold what they promise."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from coach.critique.rubric import bundled_rubrics
from coach.errors import UsageError
from coach.evaluation.critique_cases import QUALITIES, article_pairs, load_drafts
from coach.evaluation.selection import bench_folder
from coach.settings import corpus_folder

RUBRIC = bundled_rubrics()[0]
DRAFTS = bench_folder() / "critique" / "drafts.jsonl"
GOOD: dict[str, Any] = {
    "id": "q1-weak",
    "question_id": "q1",
    "kind": "ethics",
    "question": "How would you launch it responsibly?",
    "quality": "weak",
    "split": "fit",
    "draft": "We would be very careful.",
    "labels": {criterion.id: "missing" for criterion in RUBRIC.for_kind("ethics")},
    "anti_patterns": ["abstract_ethics"],
}


def record(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "drafts.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def without(name: str) -> str:
    return json.dumps({key: value for key, value in GOOD.items() if key != name})


# The loader


def test_a_good_line_becomes_a_case(tmp_path: Path) -> None:
    (draft,) = load_drafts(write(tmp_path, record()), RUBRIC)
    assert (draft.id, draft.quality, draft.split) == ("q1-weak", "weak", "fit")
    assert draft.labels["mitigation"] == "missing"
    assert draft.anti_patterns == ("abstract_ethics",)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100000, "not valid JSON"),
        (without("split"), "'split' is missing"),
        (record(colour="red"), "'colour' is not known"),
        (record(id=7), "'id' must be a text"),
        (record(draft="  "), "'draft' must be a text"),
        (record(kind="riddle"), "'kind' is 'riddle', not one of design"),
        (record(quality="brilliant"), "'quality' is 'brilliant'"),
        (record(split="test"), "'split' is 'test'"),
        (record(labels=[]), "'labels' must be an object"),
        (record(labels={"mitigation": "met"}), "'labels' has no level for"),
        (record(labels={**GOOD["labels"], "latency": "met"}), "'labels' has 'latency'"),
        (record(labels={**GOOD["labels"], "mitigation": "superb"}), "'mitigation' is 'superb'"),
        (record(anti_patterns="all"), "'anti_patterns' must be a list"),
        (record(anti_patterns=["sloth"]), "'anti_patterns' has 'sloth'"),
    ],
)
def test_a_bad_line_is_named_with_its_place(tmp_path: Path, bad: str, complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        load_drafts(write(tmp_path, record(), "", bad), RUBRIC)
    said = str(error.value)
    assert said.startswith(f"{tmp_path / 'drafts.jsonl'}, line 3: ")
    assert complaint in said
    assert said.endswith("run again.")


def test_a_file_that_is_missing_or_empty_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_drafts(tmp_path / "nowhere.jsonl", RUBRIC)
    with pytest.raises(UsageError, match="holds no drafts"):
        load_drafts(write(tmp_path, ""), RUBRIC)
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes("caf\xe9".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        load_drafts(latin, RUBRIC)


def test_an_id_is_used_once_and_a_question_stays_in_its_split(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'q1-weak' is used twice"):
        load_drafts(write(tmp_path, record(), record()), RUBRIC)
    with pytest.raises(UsageError, match="share a question_id"):
        load_drafts(write(tmp_path, record(), record(id="q1-strong", split="held_out")), RUBRIC)


# The article's pairs


def test_the_article_prints_three_bad_answers_beside_good_ones() -> None:
    pairs = article_pairs(RUBRIC)
    assert [pair.bad.text[:12] for pair in pairs] == ["Proposing a ", "Stating “AI ", "Discussing G"]
    assert [pair.good.text[:12] for pair in pairs] == ["The feature ", "We would ini", "To mitigate "]
    # "Stating ... AI will solve this" shows technical_choice and integration, its GOOD model_metrics too:
    # technical depth weighs them 2 + 2 + 1, more than any other kind
    assert pairs[1].kind == "technical"
    for pair in pairs:
        article = (corpus_folder() / pair.bad.source).read_text(encoding="utf-8")
        for span in (pair.bad, pair.good):
            assert article[span.start : span.end] == span.text
        assert article[pair.bad.start - 5 : pair.bad.start] == "BAD: "


# Our drafts


def test_thirty_questions_have_three_drafts_each_and_a_third_is_held_out() -> None:
    drafts = load_drafts(DRAFTS, RUBRIC)
    questions = Counter(draft.question_id for draft in drafts)
    assert len(questions) >= 30
    assert set(questions.values()) == {len(QUALITIES)}
    assert all(
        {d.quality for d in drafts if d.question_id == question} == set(QUALITIES) for question in questions
    )
    held_out = {draft.question_id for draft in drafts if draft.split == "held_out"}
    assert 0.28 <= len(held_out) / len(questions) <= 0.4
    assert len({draft.draft for draft in drafts}) == len(drafts)
    assert len({draft.question for draft in drafts}) == len(questions)


def test_every_kind_of_question_is_there_and_every_criterion_in_both_splits() -> None:
    drafts = load_drafts(DRAFTS, RUBRIC)
    assert {draft.kind for draft in drafts} == set(RUBRIC.kinds)
    for split in ("fit", "held_out"):
        part = [draft for draft in drafts if draft.split == split]
        for criterion in RUBRIC.criteria:
            levels = {draft.labels[criterion.id] for draft in part if criterion.id in draft.labels}
            assert len(levels) >= 2, f"{criterion.id} in {split}"
            assert "met" in levels, f"{criterion.id} in {split}"


def test_better_drafts_meet_more_and_length_does_not_give_them_away() -> None:
    drafts = load_drafts(DRAFTS, RUBRIC)

    def mean(quality: str, of) -> float:
        values = [of(draft) for draft in drafts if draft.quality == quality]
        return sum(values) / len(values)

    met = {q: mean(q, lambda d: sum(level == "met" for level in d.labels.values())) for q in QUALITIES}
    assert met["weak"] < met["middle"] < met["strong"]
    words = {quality: mean(quality, lambda d: len(d.draft.split())) for quality in QUALITIES}
    assert max(words.values()) < 2 * min(words.values())
    # Alone, the longer of two drafts would be the better one in far from all pairs
    longer = [
        len(worse.draft) < len(better.draft)
        for worse in drafts
        for better in drafts
        if worse.question_id == better.question_id
        and QUALITIES.index(worse.quality) < QUALITIES.index(better.quality)
    ]
    assert sum(longer) / len(longer) < 0.85


def test_no_draft_copies_the_article() -> None:
    article = (corpus_folder() / article_pairs(RUBRIC)[0].bad.source).read_text(encoding="utf-8").lower()
    words = article.split()
    runs = {" ".join(words[place : place + 12]) for place in range(len(words) - 11)}
    for draft in load_drafts(DRAFTS, RUBRIC):
        said = draft.draft.lower().split()
        copied = {" ".join(said[place : place + 12]) for place in range(len(said) - 11)} & runs
        assert not copied, f"{draft.id}: {copied}"
