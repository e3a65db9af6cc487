"""The cases load or say what is wrong with them, and the file about the article holds what it promises."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from coach.errors import UsageError
from coach.evaluation.cases import Case, load_cases
from coach.evaluation.score import folded
from coach.types import Turn

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "bench" / "answers" / "cases.jsonl"
ARTICLE = ROOT / "corpus" / "guides" / "generative-ai-pm-skillset-interview-prep.md"
AT_LEAST = {"answerable": 120, "unanswerable": 60, "follow_up": 30, "odd": 20, "small_talk": 12}

GOOD: dict[str, Any] = {
    "id": "a1",
    "kind": "answerable",
    "question": "How long?",
    "facts": [["6-8 weeks", "6 to 8 weeks"]],
    "section": "FAQ",
    "split": "fit",
}


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def record(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


# The loader


def test_a_good_line_becomes_a_frozen_case(tmp_path: Path) -> None:
    (case,) = load_cases(write(tmp_path, record(note="short")))
    assert case == Case(
        "a1", "answerable", "How long?", True, (("6-8 weeks", "6 to 8 weeks"),), "FAQ", "fit", note="short"
    )
    with pytest.raises(FrozenInstanceError):
        case.id = "a2"  # type: ignore[misc]


def test_blank_lines_and_windows_line_ends_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(f"{record()}\r\n\r\n{record(id='a2')}\r\n".encode())
    assert [case.id for case in load_cases(str(path))] == ["a1", "a2"]


def test_a_line_separator_inside_a_question_does_not_end_the_line(tmp_path: Path) -> None:
    line = json.dumps({**GOOD, "question": "How\u2028long?"}, ensure_ascii=False)
    assert load_cases(write(tmp_path, line))[0].question == "How\u2028long?"


def test_history_is_made_of_turns(tmp_path: Path) -> None:
    history = ["How many rounds?", {"role": "assistant", "text": "5-7."}]
    (case,) = load_cases(write(tmp_path, record(kind="follow_up", history=history)))
    assert case.history == (Turn("user", "How many rounds?"), Turn("assistant", "5-7."))


@pytest.mark.parametrize(
    ("kind", "extra", "answerable"),
    [
        ("unanswerable", {"facts": []}, False),
        ("small_talk", {"facts": [], "section": ""}, False),
        ("odd", {}, True),
        ("odd", {"facts": [], "answerable": False}, False),
        ("follow_up", {"facts": [], "answerable": False, "history": ["x"]}, False),
    ],
)
def test_whether_there_is_an_answer(
    tmp_path: Path, kind: str, extra: dict[str, Any], answerable: bool
) -> None:
    assert load_cases(write(tmp_path, record(kind=kind, **extra)))[0].answerable is answerable


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("9" * 5000, "not valid JSON"),
        ("[" * 100000, "not valid JSON"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "split"}), "'split' is missing"),
        (record(colour="red"), "'colour' is not known"),
        (record(id=7), "'id' must be a text"),
        (record(question="  "), "'question' must be a text"),
        (record(kind="riddle"), "'kind' is 'riddle'"),
        (record(kind=["odd"]), "'kind' is"),
        (record(split="test"), "'split' is 'test'"),
        (record(section=""), "'section' must be a text"),
        (record(facts="6-8 weeks"), "'facts' must be"),
        (record(facts=["6-8 weeks"]), "'facts' must be"),
        (record(facts=[[]]), "'facts' must be"),
        (record(facts=[[""]]), "'facts' must be"),
        (record(facts=[]), "at least one fact"),
        (record(kind="unanswerable"), "cannot have facts"),
        (record(answerable=False), "cannot be false"),
        (record(kind="odd", answerable="no"), "true or false"),
        (record(history=["x"]), "only a follow_up"),
        (record(kind="follow_up"), "needs a history"),
        (record(kind="follow_up", history="x"), "must be a list"),
        (record(kind="follow_up", history=[3]), "each item of 'history'"),
        (record(kind="follow_up", history=[{"role": "robot", "text": "x"}]), "'role' is 'robot'"),
        (record(note=3), "'note' must be a text"),
        (record(id="first"), "is already used"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: str, complaint: str) -> None:
    path = write(tmp_path, record(id="first"), "", bad)
    with pytest.raises(UsageError) as caught:
        load_cases(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line 3: ")
    assert complaint in message
    assert "\n" not in message


def test_a_file_that_is_not_there_empty_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_cases(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="holds no cases"):
        load_cases(write(tmp_path, ""))
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_cases(tmp_path / "latin.jsonl")


# The file about the article


def fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_cases(CASES)


@pytest.fixture(scope="module")
def article() -> str:
    return ARTICLE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sections(article: str) -> dict[str, str]:
    parts = re.split(r"^#+ (.+)$", article, flags=re.MULTILINE)
    return {heading: fold(body) for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_ids_and_questions_are_unique(cases: tuple[Case, ...]) -> None:
    assert len({case.id for case in cases}) == len(cases)
    asked = Counter((fold(case.question), case.history) for case in cases)
    assert [question for question, times in asked.items() if times > 1] == []


def test_there_are_enough_of_each_kind(cases: tuple[Case, ...]) -> None:
    counts = Counter(case.kind for case in cases)
    assert {kind: counts[kind] for kind in AT_LEAST if counts[kind] < AT_LEAST[kind]} == {}  # type: ignore[index]


def test_every_required_fact_stands_in_the_article(cases: tuple[Case, ...], article: str) -> None:
    text = fold(article)
    missing = [
        (case.id, fact)
        for case in cases
        for fact in case.facts
        if not any(fold(alternative) in text for alternative in fact)
    ]
    assert missing == []


def test_the_facts_stand_under_the_heading_named(cases: tuple[Case, ...], sections: dict[str, str]) -> None:
    assert {case.section for case in cases} - set(sections) <= {""}
    astray = [
        (case.id, fact)
        for case in cases
        for fact in case.facts
        # Two questions in one may have their answers in two places; the note says so.
        if "the second stands under" not in case.note
        and not any(fold(alternative) in sections[case.section] for alternative in fact)
    ]
    assert astray == []


def test_a_fact_is_short_and_not_given_away_by_the_question(cases: tuple[Case, ...]) -> None:
    for case in cases:
        assert len(case.facts) <= 3, case.id
        for alternative in (text for fact in case.facts for text in fact):
            assert len(words(alternative)) <= 8, case.id
            assert fold(alternative) not in fold(case.question), case.id


def test_no_case_without_an_answer_carries_facts(cases: tuple[Case, ...]) -> None:
    assert [case.id for case in cases if not case.answerable and case.facts] == []
    assert [case.id for case in cases if case.kind == "unanswerable" and case.answerable] == []


def test_every_section_with_a_text_is_asked_about(cases: tuple[Case, ...], sections: dict[str, str]) -> None:
    asked = Counter(case.section for case in cases if case.kind == "answerable")
    assert {heading for heading, body in sections.items() if body and asked[heading] < 5} == set()


def test_no_question_is_copied_from_the_article(cases: tuple[Case, ...], sections: dict[str, str]) -> None:
    headings = {tuple(words(heading)) for heading in sections}
    text = words(" ".join(f"{heading} {body}" for heading, body in sections.items()))
    runs = {tuple(text[at : at + 5]) for at in range(len(text) - 4)}
    for case in cases:
        asked = words(case.question)
        assert tuple(asked) not in headings, case.id
        copied = {tuple(asked[at : at + 5]) for at in range(len(asked) - 4)} & runs
        assert copied == set(), case.id


def test_most_answerable_questions_do_not_use_the_words_of_their_section(
    cases: tuple[Case, ...], sections: dict[str, str]
) -> None:
    answerable = [case for case in cases if case.kind == "answerable" and case.id.startswith("a")]
    own_words = 0
    for case in answerable:
        asked = [word for word in words(case.question) if len(word) > 3]
        there = set(words(sections[case.section]))
        own_words += sum(word in there for word in asked) * 2 < len(asked)
    assert own_words * 2 >= len(answerable)


def test_a_third_of_each_kind_is_held_out(cases: tuple[Case, ...]) -> None:
    for kind in AT_LEAST:
        held = [case.split == "held_out" for case in cases if case.kind == kind]
        assert 0.25 <= sum(held) / len(held) <= 0.45, kind


def test_the_held_out_third_is_spread_over_the_sections(
    cases: tuple[Case, ...], sections: dict[str, str]
) -> None:
    for split in ("fit", "held_out"):
        there = {case.section for case in cases if case.kind == "answerable" and case.split == split}
        assert {heading for heading, body in sections.items() if body} <= there


def test_the_split_follows_the_rule_written_beside_it(cases: tuple[Case, ...]) -> None:
    for case in cases:
        number = int(case.id[1:])
        drawn = {"p": number % 3 == 0, "b": number % 2 == 0}.get(
            case.id[0], int(hashlib.sha256(f"third-18982:{case.id}".encode()).hexdigest(), 16) % 3 == 0
        )
        assert (case.split == "held_out") == drawn, case.id


TOPICS = [json.loads(line) for line in (CASES.parent / "topics.jsonl").read_text("utf-8").splitlines()]


def test_topics_come_in_two_wordings_and_one_split_and_say_what_a_reply_must_hold():
    rows_of: dict[tuple[str, str], list[dict]] = {}
    for row in TOPICS:
        rows_of.setdefault((row["source"], row["topic"]), []).append(row)
    for rows in rows_of.values():
        assert len(rows) == 2 and len({row["wording"] for row in rows}) == 2
        assert len({(row["split"], row["present"]) for row in rows}) == 1
        held_out = int(hashlib.sha256(rows[0]["topic"].encode()).hexdigest(), 16) % 3 == 0
        assert rows[0]["split"] == ("held_out" if held_out else "fit")
        assert all(bool(row["facts"]) == row["present"] for row in rows)
    present = {key for key, rows in rows_of.items() if rows[0]["present"]}
    assert len(present) >= 120 and len(rows_of) - len(present) >= 80
    assert (
        len({row["id"] for row in TOPICS})
        == len({(row["source"], row["question"]) for row in TOPICS})
        == len(TOPICS)
    )


def test_a_fact_on_a_topic_of_the_article_stands_in_it_and_not_in_its_question():
    article = folded(ARTICLE.read_text("utf-8"))
    for row in TOPICS:
        for alternatives in row["facts"]:
            if row["source"] == "article":
                assert any(folded(alternative) in article for alternative in alternatives), row["id"]
            assert not any(folded(alternative) in folded(row["question"]) for alternative in alternatives), (
                row["id"]
            )
