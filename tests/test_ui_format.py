"""What a stranger wrote is shown as it is, and every citation opens on its exact characters."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from coach.types import Citation, Sentence, Span
from coach.ui.format import (
    SHOWN_QUESTION_CHARACTERS,
    answer_html,
    draft_html,
    escaped,
    milliseconds,
    notes_html,
    numbered_citations,
    question_html,
    refusal_html,
    shown_title,
    visible,
    with_code,
)
from tests.fakes import FakeCoach


@pytest.fixture
def coach() -> FakeCoach:
    return FakeCoach()


def reply_to(coach: FakeCoach, question: str = "How many rounds?"):
    return coach.answer(question).result()


def test_html_markdown_and_latex_stay_what_they_are() -> None:
    text = "<script>alert(1)</script> **bold** $x^2$ `code` & <b>"
    assert escaped(text) == html.escape(text)


def test_control_characters_become_visible_and_line_breaks_stay() -> None:
    assert visible("a\x00b\x1bc\nd\te\x7f") == "a␀b␛c\nd\te␡"


def test_text_that_reorders_itself_is_shown_as_replaced() -> None:
    assert "\u202e" not in visible("safe\u202etxt.exe")


def test_a_lone_surrogate_can_be_sent_to_a_browser() -> None:
    assert visible("a\ud800b").encode("utf-8")


def test_backticks_in_our_sentences_become_code_and_nothing_else_does() -> None:
    assert with_code("Run `coach ingest <x>` first.") == "Run <code>coach ingest &lt;x&gt;</code> first."


def test_a_pasted_book_shows_its_beginning_and_its_length() -> None:
    shown = question_html("<" * 5_000_000)
    assert len(shown) < SHOWN_QUESTION_CHARACTERS * 5
    assert "5,000,000 characters" in shown


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("22-generative-ai-pm-skillset-interview-prep", "Generative AI PM skillset interview prep"),
        ("TL;DR", "TL;DR"),
        ("Notes of 2024-05-01", "Notes of 2024-05-01"),
        ("2024-05-01", "2024-05-01"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_a_title_that_is_a_file_name_is_shown_as_words(title: str, said: str) -> None:
    assert shown_title(title) == said


@pytest.mark.parametrize(("value", "said"), [(None, "–"), (84.4, "84 ms"), (1240.0, "1.2 s")])
def test_times_are_said_as_people_say_them(value: float | None, said: str) -> None:
    assert milliseconds(value) == said


def test_citations_are_numbered_in_reading_order_and_once_each(coach: FakeCoach) -> None:
    answer = reply_to(coach)
    again = replace(answer, sentences=(*answer.sentences, answer.sentences[0]))
    assert list(numbered_citations(again).values()) == [1, 2, 3]


def test_a_span_cited_twice_keeps_its_number_and_opens_one_passage(coach: FakeCoach) -> None:
    answer = reply_to(coach)
    last = answer.sentences[-1] if answer.sentences[-1].citations else answer.sentences[0]
    again = replace(last, citations=tuple(replace(citation, support=0.5) for citation in last.citations))
    twice = replace(answer, sentences=(*answer.sentences, again))
    assert set(numbered_citations(twice).values()) == set(numbered_citations(answer).values())
    page = answer_html(twice, "7")
    opened = re.findall(r'<div popover id="([^"]+)"', page)
    assert len(opened) == len(set(opened))


def test_every_chip_has_a_passage_to_open_and_says_where_it_leads(coach: FakeCoach) -> None:
    page = answer_html(reply_to(coach), "7")
    opened = re.findall(r'class="coach-chip" popovertarget="([^"]+)" aria-label="([^"]+)"', page)
    assert [identity for identity, _ in opened] == [f"coach-passage-7-{number}" for number in (1, 2, 3)]
    assert all(f'id="{identity}"' in page for identity, _ in opened)
    assert all("Open the passage" in label for _, label in opened)


def test_the_mark_holds_exactly_the_cited_characters(coach: FakeCoach) -> None:
    answer = reply_to(coach)
    page = answer_html(answer, "7")
    marks = [html.unescape(mark) for mark in re.findall(r"<mark>(.*?)</mark>", page, re.DOTALL)]
    assert marks == [citation.span.text for citation in numbered_citations(answer)]
    assert all(mark in coach.article.text for mark in marks)


def test_a_citation_outside_its_passage_still_shows_what_it_cites(coach: FakeCoach) -> None:
    answer = reply_to(coach)
    text = coach.article.text[:40]
    stray = Sentence("Elsewhere.", "supported", (Citation(Span(coach.article.source, 0, 40, text), 9, 1.0),))
    page = answer_html(replace(answer, sentences=(stray,)), "7")
    assert f"<mark>{escaped(text)}</mark>" in page


def test_the_sources_words_and_the_models_words_are_told_apart(coach: FakeCoach) -> None:
    page = answer_html(reply_to(coach), "7")
    assert "In the article’s own words" in page
    assert "Written by Qwen2.5-Coder-1.5B-Instruct" in page


def test_what_the_sources_do_not_carry_is_only_in_the_list_of_what_was_left_out(coach: FakeCoach) -> None:
    page = answer_html(reply_to(coach), "7")
    shown, left_out = page.split("Left out: not in your sources (1)")
    assert "snacks" not in shown
    assert "Bring snacks for the panel." in left_out


def test_markup_in_a_document_is_shown_and_not_obeyed(coach: FakeCoach) -> None:
    answer = reply_to(coach)
    evil = '"><img src=x onerror=alert(1)>'
    passages = tuple(
        replace(p, title=evil, source=evil, chunk=replace(p.chunk, text=evil, headings=(evil,)))
        for p in answer.passages
    )
    sentences = (replace(answer.sentences[0], text=evil),)
    page = answer_html(replace(answer, passages=passages, sentences=sentences), "7")
    assert "<img" not in page
    assert html.escape(evil) in page


def test_dollars_of_the_article_are_dollars(coach: FakeCoach) -> None:
    assert "$250,000 to $400,000+" in answer_html(reply_to(coach), "7")


def test_a_refusal_offers_three_passages_to_open(coach: FakeCoach) -> None:
    page = refusal_html(reply_to(coach, "unknown"))
    assert page.count("<details") == 3
    assert "Not in your sources" in page


def test_a_draft_is_named_as_one() -> None:
    assert "Model draft — being checked" in draft_html("<b>")
    assert "<b>" not in draft_html("<b>")


def test_a_note_shows_its_command_as_code() -> None:
    assert "<code>coach models pull</code>" in notes_html(["No model: run `coach models pull`."])
