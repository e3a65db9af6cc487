"""Redraft: a question, a hint, and a rewrite in which nothing is invented."""

from __future__ import annotations

import re

import pytest
from fakes import ScriptedChatModel
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.critique.inventions import GAP, Evidence, find_numbers, with_gaps
from coach.critique.redraft import PLAIN_FRAME, Redraft, redraft
from coach.critique.rubric import bundled_rubrics
from coach.errors import BackendError
from coach.text.sentences import split_sentences
from coach.types import Criterion, Span

QUESTION = "How would you design an AI assistant for hospital nurses?"
DRAFT = (
    "I would build an assistant that drafts shift notes for nurses at St. Mary's Hospital. "
    "In my last role at Acme Health I shipped a similar tool to 12 wards and cut charting time by 30% in six weeks. "
    "The model summarises the chart and the nurse signs every note. "
    "We would track how often nurses edit the text."
)
FACTS = "The model once wrote a wrong insulin dose, so 2 of our pharmacists now check every dose."


@pytest.fixture(scope="module")
def criteria() -> dict[str, Criterion]:
    (rubric,) = bundled_rubrics()
    return {criterion.id: criterion for criterion in rubric.criteria}


@pytest.fixture(scope="module")
def criterion(criteria) -> Criterion:
    return criteria["failure_modes"]


def rewritten(criterion, *replies, draft=DRAFT, facts="", question=QUESTION, **scripted) -> Redraft:
    return redraft(draft, question, criterion, "rewrite", facts, ScriptedChatModel(*replies, **scripted))


def sentences(text):
    return [" ".join(text[start:end].split()) for start, end in split_sentences(text)]


# ------------------------------------------------------------------ the question and the hint


def test_the_first_stage_asks_one_question_and_needs_no_model(criteria):
    for criterion in criteria.values():
        asked = redraft(DRAFT, QUESTION, criterion, "question", "", None)
        assert asked.text == criterion.elicit
        assert asked.placeholders == 0


def test_the_hint_tells_the_coach_s_words_from_the_article_s(criterion):
    hint = redraft(DRAFT, QUESTION, criterion, "hint", "", None).text
    ours, source, good = hint.split("\n\n")
    assert ours == criterion.hint
    assert source == f"The source's own words ({criterion.span.source}): “{criterion.span.text}”"
    assert good.startswith("What the source calls good, in its own words: “To mitigate potential bias")


def test_a_bare_criterion_of_a_user_still_gets_every_stage():
    bare = Criterion(
        id="owner",
        name="Names an owner",
        group="Order",
        question="Does the draft name an owner?",
        anchors={"met": "One person is named.", "partly": "A team.", "missing": "Nobody."},
        weights={"talks": 1},
        span=Span("notes/house.md", 0, 26, "Every task has one owner."),
    )
    assert (
        redraft(DRAFT, QUESTION, bare, "question", "", None).text == "What can you add? One person is named."
    )
    assert redraft(DRAFT, QUESTION, bare, "hint", "", None).text == (
        "One person is named.\n\nThe source's own words (notes/house.md): “Every task has one owner.”"
    )
    assert redraft(DRAFT, QUESTION, bare, "rewrite", "", None).text == f"{DRAFT} {PLAIN_FRAME}"


# ------------------------------------------------------------------ a rewrite without a model


def test_without_a_model_the_draft_stands_and_a_frame_marks_what_is_missing(criterion):
    result = redraft(DRAFT, QUESTION, criterion, "rewrite", "", None)
    assert result.text == f"{DRAFT} {criterion.frame}"
    assert result.placeholders == 1
    assert result.notes == (
        "No language model is in use. This is your own draft with what was missing added at the end.",
    )


def test_without_a_model_the_candidate_s_own_facts_take_the_frame_s_place(criterion):
    result = redraft(DRAFT, QUESTION, criterion, "rewrite", "it once invented 3 doses", None)
    assert result.text == f"{DRAFT} It once invented 3 doses."
    assert result.placeholders == 0


def test_every_criterion_s_frame_survives_its_own_check(criteria):
    for criterion in criteria.values():
        result = redraft(DRAFT, QUESTION, criterion, "rewrite", "", None)
        assert result.text.endswith(criterion.frame), criterion.id
        assert result.placeholders == len(GAP.findall(criterion.frame)) >= 1


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "wrote nothing"),
        ("   \n\n ", "wrote nothing"),
        ("Sure! ", "wrote nothing"),
        ("[1] [2] [3]", "wrote nothing"),
        ("...!!! ??? ###", "wrote nothing"),
        (
            "The weather is nice. Cats like fish and rivers flow to the sea every single summer day.",
            "something else",
        ),
        ("Nurses.", "something else"),
        (
            f"{DRAFT} The nurse signs every note of the shift{' and she signs every note of the shift' * 5}.",
            "repeated",
        ),
        (DRAFT.replace("nurses", "护士"), "another language"),
        (
            DRAFT + " " + " ".join(f"Filler {'x' * n} about matters {'y' * n}." for n in range(1, 80)),
            "something else",
        ),
    ],
)
def test_a_text_that_is_no_rewrite_is_not_shown(criterion, reply, why):
    result = rewritten(criterion, reply)
    assert why in result.notes[0]
    assert result.text == f"{DRAFT} {criterion.frame}"


def test_a_model_that_fails_leaves_the_draft_and_says_why(criterion):
    failure = BackendError("The model file is not there any more: run `coach models pull`.")
    result = rewritten(criterion, failure=failure)
    assert result.text == f"{DRAFT} {criterion.frame}"
    assert "run `coach models pull`" in result.notes[0]


def test_a_draft_beyond_the_window_is_not_sent(criterion):
    model = ScriptedChatModel("x", context_window=200)
    result = redraft(DRAFT * 5, QUESTION, criterion, "rewrite", "", model)
    assert model.prompts == []
    assert "too long for scripted" in result.notes[0]


# ------------------------------------------------------------------ a rewrite by a model


def test_a_faithful_rewrite_is_shown_as_it_is(criterion):
    reply = (
        "I would build an assistant that drafts shift notes for the nurses at St. Mary's Hospital. At Acme Health I shipped a "
        "similar tool to 12 wards, which cut charting time by 30 percent within six weeks. The model summarises the "
        "chart, and the nurse signs every note. We would track how often nurses edit the text. "
        "The failure I worry about most is a wrong dose: [your example]."
    )
    result = rewritten(criterion, reply)
    assert result.text == reply
    assert (result.placeholders, result.notes) == (1, ())


def test_the_model_gets_draft_question_facts_and_what_is_missing(criterion):
    model = ScriptedChatModel(DRAFT)
    redraft(DRAFT, QUESTION, criterion, "rewrite", FACTS, model)
    system, request = model.prompts[0]
    assert "Invent nothing" in system.text
    for part in (DRAFT, QUESTION, FACTS, criterion.elicit, criterion.anchors["met"]):
        assert part in request.text


def test_what_the_candidate_answered_is_added_when_the_model_forgets_it(criterion):
    result = rewritten(criterion, DRAFT, facts=FACTS)
    assert result.text == f"{DRAFT} {FACTS}"
    assert result.placeholders == 0


def test_a_lost_sentence_comes_back_in_its_place(criterion):
    first, second, third, fourth = sentences(DRAFT)
    result = rewritten(criterion, f"{first} {third} {fourth}")
    assert result.text == f"{DRAFT} {criterion.frame}"
    assert "Put back from your draft: 1 sentence." in result.notes
    assert second in result.text


def test_a_sentence_that_lost_its_figures_gives_way_to_the_candidate_s_own(criterion):
    first, _, third, fourth = sentences(DRAFT)
    vague = "In my last role I shipped a similar tool to many wards and cut charting time."
    result = rewritten(criterion, f"{first} {vague} {third} {fourth}")
    assert result.text == f"{DRAFT} {criterion.frame}"


def test_remarks_marks_and_markup_of_the_model_are_taken_away(criterion):
    reply = f"Sure! Here is the improved answer:\n\n**{DRAFT[:-1]}** [1].\n\nNote: replace the gaps with your own numbers."
    result = rewritten(criterion, reply)
    assert result.text == f"{DRAFT} {criterion.frame}"
    assert not re.search(r"\*|\[1\]|Sure|Here is|Note:", result.text)


def test_gaps_in_any_spelling_are_written_one_way(criterion):
    reply = f"{DRAFT} Errors would fall to [X%] or XX% for [name of the ward] and {{your number}} nurses, by <insert example>."
    result = rewritten(criterion, reply)
    assert result.text.endswith(
        "Errors would fall to [your number] or [your number]% for [your example] and [your number] nurses, by [your example]."
    )
    assert result.placeholders == 5


def test_brackets_of_the_candidate_stay(criterion):
    draft = "We keep notes [sic] for a year and nurses sign them every day."
    assert rewritten(criterion, draft, draft=draft).text.startswith(draft)


def test_a_cut_off_last_sentence_is_left_out(criterion):
    result = rewritten(criterion, f"{DRAFT} The failure I worry about most is that the model")
    assert result.text == f"{DRAFT} {criterion.frame}"


def test_a_sentence_from_nowhere_is_pointed_out(criterion):
    added = "Quarterly audits with external ethicists uncover hidden discrimination."
    result = rewritten(criterion, f"{DRAFT} {added}")
    assert f"Not in your draft, so check that it is true: “{added}”" in result.notes


# ------------------------------------------------------------------ nothing invented

INVENTED_NUMBERS = [
    "45%", "45 percent", "ninety percent", "$5M", "$5,000,000", "€40k", "twice", "threefold", "3x", "a third of",
    "two-thirds", "half", "2019", "1,200", "0.87", ".5", "forty-two", "two hundred and fifty", "two dozen", "thousands",
    "seventeen", "99.9", "12 million", "8 hours", "30 seconds", "one week", "5-7", "10 to 20", "5k", "½", "7 billion",
    "tripled", "six months", "30 weeks",
]  # fmt: skip
INVENTED_NAMES = [
    "Google", "OpenAI", "openai", "Maria Chen", "Zephyrine Labs", "Project Phoenix", "GPT-4", "gpt-4o", "Stanford",
    "University of Oxford", "HIPAA", "ROUGE", "Kaiser Permanente", "iPhone", "Dr. Okafor", "McKinsey", "Germany",
    "Q3", "LlamaGuard", "www.example.com", "ceo@rival.com", "Apple", "Epic-based", "O'Brien", "Bank of America",
    "Acme Phoenix", "March",
]  # fmt: skip
PLACES = [
    "We would reach {} of the goal.", "{} was the result.", "It helped us and {}, as planned.", "“{}” said the nurse.",
    "Then ({}) we stopped.", "In the end: {}.", "The nurse told {}", "By then, {} had changed.",
]  # fmt: skip


def whole(invention, text):
    return re.search(rf"(?<![\w$€.]){re.escape(invention)}(?!\w)", text)


@pytest.mark.parametrize("invention", INVENTED_NUMBERS + INVENTED_NAMES)
def test_a_number_or_name_the_candidate_never_said_gives_way_to_a_gap(criterion, invention):
    for place in PLACES:
        result = rewritten(criterion, f"{DRAFT} {place.format(invention)} We go on.")
        assert not whole(invention, result.text), result.text
        for own in ("St. Mary's Hospital", "Acme Health", "12 wards", "30%", "six weeks"):
            assert own in result.text


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*INVENTED_NUMBERS, *INVENTED_NAMES]), st.sampled_from(PLACES), st.integers(0, 4)
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_however_many_are_invented_none_survives_and_nothing_of_the_draft_is_lost(
    criterion, inventions, with_facts
):
    said = sentences(DRAFT)
    for invention, place, position in inventions:
        said.insert(position, place.format(invention))
    facts = FACTS if with_facts else ""
    result = rewritten(criterion, " ".join(said), facts=facts)
    for invention, _, _ in inventions:
        assert not whole(invention, result.text), (invention, result.text)
    assert Evidence.of(result.text).holds_all(f"{DRAFT} {facts}")
    assert with_facts or result.placeholders >= 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*sentences(DRAFT), *sentences(FACTS)]), min_size=1, max_size=8))
def test_the_candidate_s_own_words_are_never_taken_for_inventions(said):
    evidence = Evidence.of(DRAFT, QUESTION, FACTS)
    for sentence in said:
        assert with_gaps(sentence, evidence) == (sentence, ())


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_evidence_for_itself(text):
    for sentence in sentences(text):
        if not GAP.search(sentence):
            assert with_gaps(sentence, Evidence.of(sentence))[1] == ()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_whatever_a_model_says_the_rewrite_holds_no_number_of_its_own(text):
    result = rewritten(the_criterion(), text)
    own = Evidence.of(DRAFT, QUESTION)
    assert all(own.holds_number(number) for number in find_numbers(GAP.sub("", result.text)))
    assert Evidence.of(result.text).holds_all(DRAFT)


def the_criterion():
    return bundled_rubrics()[0].criteria[0]


@pytest.mark.parametrize(
    ("said", "rewrite"),
    [
        ("It took 6-8 weeks.", "It took six to eight weeks."),
        ("We saved $2.5M.", "We saved 2.5 million dollars."),
        ("Ninety percent agreed.", "90% agreed."),
        ("It fell by half.", "It fell by 50%."),
        ("Sales doubled.", "Sales were twice as high."),
        ("We had 25,000 users.", "We had 25k users."),
        ("We ran it at acme.", "We ran it at Acme."),
        ("We used GPT-4.", "GPT-4 was used."),
        ("The Acme team was small.", "Acme's team was small."),
        ("We used RLHF and LoRA.", "We used RLHF and LoRA."),
        ("One in five failed.", "One in 5 failed."),
    ],
)
def test_another_spelling_of_the_candidate_s_own_fact_is_no_invention(said, rewrite):
    assert with_gaps(rewrite, Evidence.of(said)) == (rewrite, ())


@pytest.mark.parametrize(
    ("said", "rewrite", "gapped"),
    [
        ("It took 6 weeks.", "It took 6 months.", "It took [your number] months."),
        ("5 people came.", "5% came.", "[your number]% came."),
        ("We had 30 users.", "We had $30.", "We had [your number]."),
        ("Maria Lopez and Wei Chen came.", "Maria Chen came.", "Maria [your example] came."),
        ("Our target was clear.", "We asked Target.", "We asked [your example]."),
        ("It rose.", "It rose by 30-40%.", "It rose by [your number]%."),
        (
            "We met.",
            "However, we met. Leveraging this, I'd go on.",
            "However, we met. Leveraging this, I'd go on.",
        ),
    ],
)
def test_the_same_figure_for_another_thing_is_an_invention(said, rewrite, gapped):
    assert with_gaps(rewrite, Evidence.of(said))[0] == gapped


def test_numbers_are_read_in_digits_and_in_words():
    text = "In 2023 two hundred and fifty nurses in 12 wards saved $2.5M, 30% or half of it, twice, within one week."
    found = [(number.value, number.unit, text[number.start : number.end]) for number in find_numbers(text)]
    assert found == [
        (2023.0, "", "2023"),
        (250.0, "", "two hundred and fifty"),
        (12.0, "", "12"),
        (2_500_000.0, "$", "$2.5M"),
        (30.0, "%", "30"),
        (0.5, "part", "half"),
        (2.0, "x", "twice"),
        (1.0, "week", "one"),
    ]


def test_words_that_only_look_like_numbers_are_left_alone():
    text = "Someone often double-checks one thing; tension, GPT-4 and zero-shot prompts stay, and no one doubles down."
    assert find_numbers(text) == []


# ------------------------------------------------------------------ a real model


@pytest.mark.model
def test_a_real_model_that_writes_badly_still_invents_nothing(small_model_path, criterion):
    from coach.backends.llama_cpp import LlamaCppChatModel

    model = LlamaCppChatModel(small_model_path, context_window=2048)
    try:
        result = redraft(DRAFT, QUESTION, criterion, "rewrite", FACTS, model)
    finally:
        model.close()
    own = Evidence.of(DRAFT, QUESTION, FACTS)
    assert all(own.holds_number(number) for number in find_numbers(GAP.sub("", result.text)))
    assert Evidence.of(result.text).holds_all(f"{DRAFT} {FACTS}")
