"""Ugly input becomes a clean question or one clear sentence."""

import json
from pathlib import Path

import pytest

from coach.errors import UsageError
from coach.text.sanitize import clean_question

NAUGHTY = Path(__file__).resolve().parents[2] / "shared" / "data" / "naughty_strings" / "blns.jsonl"


def test_control_and_hidden_characters_are_gone_and_words_stay():
    assert clean_question("what\x00 is\u202e RAG\x1b?", 100) == "what  is  RAG ?"


@pytest.mark.parametrize("text", ["", "   \n", "\x00\x01", "\u200b"])
def test_nothing_left_is_refused_with_the_next_step(text):
    with pytest.raises(UsageError, match="coach ask"):
        clean_question(text, 100)


def test_five_megabytes_are_refused_at_once_with_the_limit_named():
    with pytest.raises(UsageError, match="4,000"):
        clean_question("x" * 5_000_000, 4000)


def test_a_lone_surrogate_survives_as_something_that_can_be_sent():
    clean_question("what \ud800 is", 100).encode("utf-8")


@pytest.mark.skipif(not NAUGHTY.exists(), reason="the shared evaluation data is not here")
def test_every_naughty_string_is_cleaned_or_refused():
    for line in NAUGHTY.read_text(encoding="utf-8").strip().split("\n"):
        text = json.loads(line)["text"]
        try:
            cleaned = clean_question(text, 4000)
        except UsageError:
            continue
        assert cleaned.encode("utf-8")
        assert "\x00" not in cleaned
