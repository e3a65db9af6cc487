"""A critique written down: JSON that reads back, words for the terminal, Markdown that shows what was typed."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from coach.critique.compare import compare_drafts
from coach.critique.report import (
    MARK,
    closing_as_text,
    comparison_as_text,
    critique_as_markdown,
    critique_as_text,
)
from coach.errors import UsageError
from coach.json_form import comparison_to_json, critique_from_json, critique_to_json, json_schema
from coach.types import Override, Quote
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


def overruled_critique():
    first = first_critique()
    override = Override("met", "The last line names it.", "2026-01-02T03:04:05.678+00:00")
    return replace(
        first,
        verdicts=tuple(
            replace(one, override=override) if one.criterion.id == "cost" else one for one in first.verdicts
        ),
    )


def test_json_has_the_documented_fields():
    written = critique_to_json(overruled_critique())
    assert list(written) == [
        "type",
        "question",
        "kind",
        "rubric",
        "band",
        "next_move",
        "verdicts",
        "anti_patterns",
        "draft",
        "set_aside",
        "notices",
        "contradictions",
        "unbacked",
        "trace",
    ]
    span = CRITERIA["failure_modes"].span
    assert written["verdicts"][0] == {
        "criterion": "failure_modes",
        "name": "Names how the model can fail",
        "group": "Model limits and failure modes",
        "level": "partly",
        "probability": 0.5512,
        "unscored": "",
        "quotes": [{"text": "The assistant may invent a dosage.", "start": 71, "end": 105}],
        "explanation": "It names a failure, but not where it shows.",
        "suggestion": "Say on which questions.",
        "source": {"source": span.source, "start": span.start, "end": span.end, "text": span.text},
        "override": None,
    }
    assert written["verdicts"][1]["override"]["level"] == "met"
    assert written["verdicts"][2]["level"] is None
    assert written["anti_patterns"][0]["anti_pattern"] == "ai_will_solve"
    assert written["trace"]["usage"]["fresh"] == 50


def test_what_is_printed_is_what_the_schema_says():
    schema = json_schema()
    assert set(schema["discriminator"]["mapping"]) == {"answer", "refusal", "critique"}
    form = schema["$defs"]["CritiqueForm"]
    assert set(form["required"]) <= set(critique_to_json(first_critique())) == set(form["properties"])


def test_json_reads_back_to_the_same_critique():
    critique = overruled_critique()
    back = critique_from_json(json.loads(json.dumps(critique_to_json(critique))), [RUBRIC])
    rounded = replace(critique.verdicts[0], probability=0.5512)
    assert back == replace(critique, verdicts=(rounded, *critique.verdicts[1:]))


def test_json_reads_back_when_the_rubric_is_gone():
    back = critique_from_json(critique_to_json(first_critique()))
    assert back.verdicts[0].criterion.name == CRITERIA["failure_modes"].name
    assert back.verdicts[0].criterion.span == CRITERIA["failure_modes"].span
    assert back.findings[0].anti_pattern.suggestion == first_critique().findings[0].anti_pattern.suggestion
    assert critique_to_json(back) == critique_to_json(first_critique())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "answer"}, '"type": "critique"'),
        ({"draft": 7}, '"draft": input should be a valid string'),
        ({"draft": "Another draft."}, "the quote at 71 is not in the draft"),
        ({"band": "hire at once"}, '"band"'),
        ({"verdicts": [{}]}, '"verdicts.0.criterion": field required'),
        ({"verdicts": 3}, '"verdicts": input should be a valid list'),
        ({"trace": None}, '"trace"'),
    ],
)
def test_json_that_is_no_critique_is_refused_with_one_sentence(change, words):
    with pytest.raises(UsageError) as refused:
        critique_from_json(critique_to_json(first_critique()) | change)
    assert words in str(refused.value)
    assert str(refused.value).endswith("--json`.")


@pytest.mark.parametrize("written", [None, [], "critique", {"type": "critique"}])
def test_json_of_another_shape_is_refused(written):
    with pytest.raises(UsageError):
        critique_from_json(written)


def test_the_terminal_shows_the_drafts_words_or_else_the_sources():
    text = critique_as_text(first_critique())
    assert (
        "[partly] Names how the model can fail (failure_modes)\n    | The assistant may invent a dosage."
        in text
    )
    assert f"“{CRITERIA['cost'].span.text}” (guides/" in text
    assert CRITERIA["failure_modes"].span.text not in text
    assert "[unsure] " in text
    assert "The judge is unsure." in text
    assert "| AI will solve this" in text
    assert "Band: not ready (1 met, 1 partly, 1 missing, 1 unsure)" in text
    assert text.endswith("The next move: Name what an answer costs.")
    assert "0.5" not in text  # never a decimal score
    assert "Nothing to add." not in text  # advice on what is met would only be noise


def test_an_explanation_that_quotes_the_source_gets_the_place_and_no_second_copy():
    span = CRITERIA["cost"].span
    told = verdict("cost", "missing", explanation=f"Nothing does this. The source: “{span.text}”")
    critique = first_critique(verdicts=(told,), findings=())
    assert critique_as_text(critique).count(span.text) == 1
    assert f"    In {span.source}:{span.start}-{span.end}\n" in critique_as_text(critique)
    assert critique_as_markdown(critique).count(span.text) == 1


def test_an_example_of_the_source_is_told_once():
    shared = [
        one for one in CRITERIA.values() if one.examples and one.examples[0] in CRITERIA["cost"].examples
    ]
    verdicts = tuple(verdict(one.id, "missing") for one in shared)
    text = critique_as_text(first_critique(verdicts=verdicts, findings=()))
    assert len(verdicts) > 1
    assert text.count(" ".join(CRITERIA["cost"].examples[0].span.text.split())) == 1


def test_an_override_is_shown_as_such_and_counts():
    text = critique_as_text(overruled_critique())
    assert "[met, overruled by a person]" in text
    assert "A person said met: The last line names it. (the judge: missing)" in text
    assert "2 met" in text
    confirmed = replace(verdict("cost", "missing"), override=Override("missing", ""))
    assert "[missing, confirmed by a person]" in critique_as_text(first_critique(verdicts=(confirmed,)))


def test_no_band_says_so():
    unscored = tuple(verdict(name, None, unscored="No model is here.") for name in ("cost", "trade_off"))
    text = closing_as_text(first_critique(verdicts=unscored, band=None))
    assert "No band: too little of the draft could be judged (2 not scored)" in text


def test_what_a_terminal_would_obey_is_printed_as_a_space():
    draft = "Red \x1b[31malert\x07 and\ttabs."
    critique = first_critique(
        draft=draft, verdicts=(verdict("cost", "partly", draft, [draft]),), set_aside=(), findings=()
    )
    assert "| Red [31malert and tabs." in critique_as_text(critique)


def test_a_comparison_names_what_moved_and_the_words():
    comparison = compare_drafts(first_critique(), second_critique())
    text = comparison_as_text(comparison)
    assert "not ready -> getting there" in text
    assert "  Better:\n    Names how the model can fail (partly -> met)" in text
    assert f"  Worse:\n    {CRITERIA['product_outcome'].name} (met -> missing)" in text
    assert "+ A pharmacist confirms every dose above 500 mg" in text
    assert "- Users rate every answer" in text
    written = comparison_to_json(comparison)
    assert written["changes"][0] == {
        "criterion": "failure_modes",
        "name": "Names how the model can fail",
        "before": "partly",
        "after": "met",
        "direction": "better",
    }
    assert written["removed"] == [asdict(quote) for quote in comparison.removed]


def test_a_long_list_of_new_words_is_cut_in_the_terminal_only():
    new = " ".join(f"Thing{n} is number {n}." for n in range(30))
    comparison = compare_drafts(first_critique(draft=""), second_critique(draft=new, verdicts=()))
    assert "... and 18 more places" in comparison_as_text(comparison)
    assert "Thing29" in critique_as_markdown(second_critique(draft=new, verdicts=()), comparison)


def test_markdown_holds_everything_and_shows_what_was_typed():
    comparison = compare_drafts(first_critique(), second_critique())
    text = critique_as_markdown(overruled_critique(), comparison)
    assert text.startswith(MARK)
    for words in (
        "**Band: not ready**",
        "## Model limits and failure modes",
        "> The assistant may invent a dosage.",
        "A GOOD answer, in the source:",
        "overruled by a person",
        "## Habits the source warns of",
        "## Please note",
        "| Names how the model can fail | partly | met | better |",
        "- Users rate every answer",
    ):
        assert words in text


NASTY = "# 1. <script>alert(1)</script> *not* bold_ [a](b) `c` | $x$ ~~d~~ &amp; \\ end"


@pytest.mark.parametrize("draft", [NASTY, "- a list\n1. another\n=====\n> quoted\n\n    code"])
def test_markup_in_a_draft_stays_the_text_it_was(draft):
    html = rendered(first_critique(draft=draft, verdicts=(), findings=(), set_aside=()))
    body = html[html.index("The draft") :]
    assert "<script>" not in body
    assert not any(tag in body for tag in ("<em>", "<a ", "<code>", "<li>", "<h1>", "<s>"))


def rendered(critique):
    return MarkdownIt("gfm-like", {"linkify": False}).render(critique_as_markdown(critique))


@given(st.text(alphabet="ab*_`#<>[]()|~&$\\-+=1. !\n", min_size=1, max_size=60))
def test_whatever_is_typed_reads_the_same_in_the_rendered_report(draft):
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(
        critique_as_markdown(first_critique(draft=draft, verdicts=(), findings=(), set_aside=()))
    )
    quotes = [token.content for token in tokens if token.type == "inline" and token.level >= 2]
    shown = "".join(
        child.content
        for token in tokens
        if token.type == "inline" and token.level >= 2
        for child in token.children
    )
    assert "".join(shown.split()) == "".join(draft.split()), quotes


def test_the_words_of_a_quote_are_never_changed_on_the_way():
    text = critique_as_text(second_critique())
    for one in second_critique().verdicts:
        for quote in one.quotes:
            assert SECOND[quote.start : quote.end] == quote.text
            assert f"| {quote.text}" in text
    assert isinstance(second_critique().verdicts[0].quotes[0], Quote)
    assert QUESTION in critique_as_markdown(second_critique())
    assert FIRST.split("\n", maxsplit=1)[0] in critique_as_markdown(first_critique())
