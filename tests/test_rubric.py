"""The rubric: what the committee reads for, tied to the article's exact words."""

from __future__ import annotations

import re
import time

import pytest

from coach.critique.rubric import RubricError, bundled_rubrics, choose_kind, load_rubric, user_rubrics
from coach.errors import CoachError, IndexMissingError
from coach.settings import corpus_folder
from coach.types import Document

KINDS = ["design", "strategy", "technical", "execution", "metrics", "ethics", "behavioural"]
# Written after the cues; the cues were not changed for them.
QUESTIONS = """
design|Design a recipe app that talks to the cook through generated speech.
design|How would you help job seekers with a generative product?
design|Which AI feature would you add to a photo library, and how would it work for the user?
design|Sketch an assistant for landlords and tenants.
design|What should a children's story generator do when the child asks for something scary?
design|How would you redesign search on a news site with language models?
strategy|Our model supplier has become our competitor. What is our strategy?
strategy|How would you position an AI note-taking product against the tools that are built into office suites?
strategy|If you were CEO of a publishing house, how would you use the next three years?
strategy|What would make you stop investing in our AI line?
strategy|Is generative AI a threat or an opportunity for a translation agency?
strategy|How would you set the price of a feature that some people use a thousand times a day?
technical|How does retrieval change what a language model can answer?
technical|Why might a small fine-tuned model beat a large general one?
technical|Explain embeddings as you would to a sales colleague.
technical|What would you cache in an LLM application?
technical|How would you cut the token bill of a chat product by half?
technical|What are the limits of long context windows?
execution|How would you plan the beta of an AI coding tool?
execution|A bad prompt change reached all users on Friday night. Walk me through the weekend.
execution|Two teams want the same GPU budget. How do you settle it?
execution|The pilot customer is unhappy four weeks in. What are your next steps?
execution|How would you sequence the work on a multilingual launch?
execution|What belongs in the launch checklist of a chatbot?
metrics|How would you measure whether generated product descriptions help sales?
metrics|What is wrong with using thumbs-up as your main metric?
metrics|How would you set up an offline evaluation for a customer-service bot?
metrics|Which guardrail metrics would you pick for an AI search page?
metrics|Our ROUGE score rose but users complain. Explain.
metrics|How would you know that the assistant saves people time?
ethics|How would you keep a dating assistant from manipulating people?
ethics|What would you do if the model treats dialects differently?
ethics|Can we train on our customers' emails?
ethics|How would you design consent for a voice product?
ethics|What harm can a summary do, and how would you prevent it?
ethics|How should a medical chatbot behave when it is unsure?
behavioural|Tell me about a time you killed a project.
behavioural|Describe how you won over a sceptical engineer.
behavioural|What is the biggest bet you have taken, and how did it end?
behavioural|Walk me through a product you built with machine learning.
behavioural|When have you used data to overturn an opinion?
behavioural|Tell me about a disagreement on quality before a release.
"""


@pytest.fixture(scope="module")
def rubric():
    (bundled,) = bundled_rubrics()
    return bundled


@pytest.fixture(scope="module")
def article():
    path = corpus_folder() / "guides" / "generative-ai-pm-skillset-interview-prep.md"
    return path.read_bytes().decode("utf-8").replace("\r\n", "\n")


def spans(rubric):
    for criterion in rubric.criteria:
        yield criterion.id, criterion.span
        for example in criterion.examples:
            yield criterion.id, example.span
    for anti_pattern in rubric.anti_patterns:
        yield anti_pattern.id, anti_pattern.span


def fired(rubric, text):
    return {
        anti_pattern.id
        for anti_pattern in rubric.anti_patterns
        if any(re.search(phrase, text) for phrase in anti_pattern.phrases)
    }


def good_examples(rubric):
    return {e.span.text for c in rubric.criteria for e in c.examples if e.quality == "good"}


# ------------------------------------------------------------------ the bundled rubric


def test_every_quotation_is_the_article_s_own_characters(rubric, article):
    found = list(spans(rubric))
    assert len(found) >= 19 + 5
    for owner, span in found:
        assert span.source == "guides/generative-ai-pm-skillset-interview-prep.md", owner
        assert article[span.start : span.end] == span.text, owner
        assert len(span.text.split()) >= 6, owner


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_asks_for_ten_criteria_a_few_of_which_count_double(rubric, kind):
    weights = {criterion.id: criterion.weights[kind] for criterion in rubric.for_kind(kind)}
    assert list(rubric.kinds) == KINDS and len(weights) == 10
    assert sorted(weights.values())[:6] == [1] * 6 and 3 <= list(weights.values()).count(2) <= 4
    assert weights["concrete_example"] == 1


def test_every_criterion_counts_somewhere_and_has_words_for_every_stage(rubric):
    for criterion in rubric.criteria:
        assert criterion.weights, criterion.id
        assert set(criterion.weights) <= set(KINDS)
        assert set(criterion.anchors) == {"met", "partly", "missing"}
        assert criterion.question.startswith("Does the draft "), criterion.id
        assert criterion.question.endswith("?") and len(criterion.question.split()) <= 24, criterion.id
        assert criterion.elicit.endswith("?"), criterion.id
        assert criterion.hint and criterion.suggestion.endswith("."), criterion.id
        assert len(criterion.suggestion.split()) <= 22, criterion.id
        assert re.search(r"\[your (?:number|example)\]", criterion.frame), criterion.id
        left = re.sub(r"\[your (?:number|example)\]", "", criterion.frame)
        assert not re.search(r"[\d\[\]]", left), criterion.id


def test_each_bad_and_good_pair_of_the_article_is_linked_to_what_it_shows(rubric, article):
    pairs = re.findall(r"- BAD: (.+)\n- GOOD: “(.+)”", article)
    assert len(pairs) == 3
    shown_by = {
        quality: {
            example.span.text: {c.id for c in rubric.criteria if example in c.examples}
            for c in rubric.criteria
            for example in c.examples
            if example.quality == quality
        }
        for quality in ("bad", "good")
    }
    for bad, good in pairs:
        both = shown_by["bad"][bad] & shown_by["good"][good]
        assert both, f"no criterion shows both sides of: {bad}"
    assert {"cost", "data_privacy"} <= shown_by["bad"][pairs[0][0]] & shown_by["good"][pairs[0][1]]
    assert "integration" in shown_by["bad"][pairs[1][0]] & shown_by["good"][pairs[1][1]]
    assert "mitigation" in shown_by["bad"][pairs[2][0]] & shown_by["good"][pairs[2][1]]


def test_nearly_every_criterion_has_an_example_of_the_article(rubric):
    assert {c.id for c in rubric.criteria if not c.examples} <= {"own_role"}


# ------------------------------------------------------------------ anti-patterns


@pytest.mark.parametrize(
    ("habit", "draft"),
    [
        ("ai_will_solve", "Stating “AI will solve this” without detailing how the model would be trained"),
        ("ai_will_solve", "AI will solve this."),
        ("ai_will_solve", "Users struggle with forms. The AI will simply handle everything for them."),
        ("ai_will_solve", "The AI just figures it out."),
        ("ai_will_solve", "Generative AI can fix that."),
        ("ai_will_solve", "We just add an LLM and we're done."),
        ("ai_will_solve", "I would let the model take care of the rest."),
        ("ai_will_solve", "No doubt AI will fix this"),
        (
            "magic_black_box",
            "A common mistake is treating Generative AI as a magical black box that can solve any",
        ),
        ("magic_black_box", "For the user it feels like magic."),
        ("magic_black_box", "A language model can answer any question."),
        ("magic_black_box", "The answers are always accurate, so trust is easy."),
        ("feature_list", "This isn’t a strategy; it’s a feature list."),
        ("feature_list", "This isn't a strategy; it's a feature list."),
        (
            "feature_list",
            "Our strategy is to launch a chatbot, a summariser, a smart inbox, and a voice assistant.",
        ),
        ("feature_list", "My roadmap has these features: chat, voice and images."),
        (
            "abstract_ethics",
            "Discussing GenAI ethics in abstract terms without concrete examples or mitigation",
        ),
        ("abstract_ethics", "Ethics is very important to us."),
        ("abstract_ethics", "We take ethics very seriously."),
        ("abstract_ethics", "I'd make sure that the model is fair and unbiased."),
        ("abstract_ethics", "We would follow all relevant ethical guidelines."),
        ("ai_will_solve", "The system does the heavy lifting, so the team can stay small."),
        ("ai_will_solve", "This trouble goes away by itself with the next release."),
        ("magic_black_box", "It keeps learning and knows users better than they do."),
        ("magic_black_box", "We tell the model: do not hallucinate."),
        ("feature_list", "The strategy has five pillars: chat, voice, photos, payments and loyalty."),
        ("abstract_ethics", "Fairness, accountability and transparency are who we are."),
        ("subjective_ratings", "We ask the nurses how helpful they find it."),
        ("subjective_ratings", "We measure success with a thumbs-up button."),
        ("subjective_ratings", "The main metric is user satisfaction."),
        # "assistant" and "want" end like a denial and are none
        ("subjective_ratings", "The assistant we want to build is measured with a thumbs-up button."),
        ("subjective_ratings", "I look at star ratings in the app store."),
        ("subjective_ratings", "We'd ask users whether they like it."),
    ],
)
def test_a_habit_shows_in_the_draft_s_words(rubric, habit, draft):
    assert habit in fired(rubric, draft)


@pytest.mark.parametrize(
    "draft",
    [
        "We don't just say AI will solve this: we label 300 cases first.",
        "I don’t believe that AI will handle everything.",
        "It is not magic; on rare drugs the model invents doses.",
        "A model never replaces the nurse, rather than letting AI fix everything she signs each note.",
        "Beyond user ratings, we count wrong doses in 500 labelled notes.",
        "I would look at groundedness instead of thumbs-up.",
        "The model can answer questions about the leave policy, and refuses the rest.",
        "We would add a citation check before the answer is shown.",
        "Bias matters here because the résumés of the last ten years are mostly from men.",
    ],
)
def test_saying_the_opposite_is_not_the_habit(rubric, draft):
    assert fired(rubric, draft) == set()


def test_no_good_answer_of_the_article_shows_a_habit(rubric):
    assert len(good_examples(rubric)) >= 4
    for text in good_examples(rubric):
        assert fired(rubric, text) == set(), text
        assert fired(rubric, text.replace("’", "'")) == set(), text


def test_a_habit_is_excused_only_by_criteria_that_exist(rubric):
    known = {criterion.id for criterion in rubric.criteria}
    for anti_pattern in rubric.anti_patterns:
        assert anti_pattern.unless and set(anti_pattern.unless) <= known
        assert anti_pattern.suggestion


@pytest.mark.parametrize(
    "words", ["not AI will solve this ", "add the, ", "word, ", "“ ' ", "a.b", "strategy features "]
)
def test_four_thousand_words_without_an_end_are_searched_in_a_moment(rubric, words):
    draft = words * (20_000 // len(words))
    started = time.process_time()
    fired(rubric, draft)
    assert time.process_time() - started < 4


# ------------------------------------------------------------------ the kind of question


def test_the_kind_is_guessed_from_the_question_s_words(rubric):
    judged = [line.split("|") for line in QUESTIONS.strip().splitlines()]
    right = sum(choose_kind(question, rubric) == kind for kind, question in judged)
    assert len(judged) >= 40
    assert right / len(judged) >= 0.7  # 31 of 42 when written; chance is 1 in 7


def test_without_a_cue_the_first_kind_is_taken(rubric):
    assert choose_kind("", rubric) == "design"
    assert choose_kind("Qu'en pensez-vous ?", rubric) == "design"


def test_capitals_and_curly_quotes_change_nothing(rubric):
    asked = "TELL ME ABOUT A TIME you didn’t agree with your manager."
    assert choose_kind(asked, rubric) == choose_kind(asked.lower().replace("’", "'"), rubric) == "behavioural"


def test_a_cue_with_a_star_fits_any_ending_and_none_inside_a_word(tmp_path):
    rubric = load_rubric(
        written(tmp_path, SMALL.replace('title = "Sprints"', 'title = "Sprints"\ncues = ["retro*"]')),
        documents,
    )
    assert choose_kind("How do you run a retrospective?", rubric) == "sprints"
    assert choose_kind("What is so astro-retro?", rubric) == "sprints"
    assert choose_kind("What about metroretrofitting?", rubric) == "talks"


# ------------------------------------------------------------------ a rubric of one's own

SMALL = """name = "house"
title = "Our own committee"
source = "notes/house.md"

[kinds.talks]
title = "Talks"

[kinds.sprints]
title = "Sprints"

[[criterion]]
id = "owner"
name = "Names an owner"
group = "Order"
question = "Does the draft name an owner?"
weights = { talks = 2, sprints = 1 }
text = "Every task has one owner."

[criterion.anchors]
met = "One person is named."
partly = "A team is named."
missing = "Nobody is named."

[[criterion]]
id = "date"
name = "Names a date"
group = "Order"
question = "Does the draft name a date?"
weights = { sprints = 1 }
text = "Every task has a “due” date."

[criterion.anchors]
met = "A day is named."
partly = "A month is named."
missing = "No date."

[[anti_pattern]]
id = "soon"
name = "Soon"
text = "Soon is no date."
unless = ["date"]
phrases = ['\\bsoon\\b', '''\\blater\\b''']
"""
NOTES = "# House rules\n\nEvery task has one owner. Every task has a “due” date.\nSoon is no date. We meet. We meet.\n"


def documents(source):
    if source != "notes/house.md":
        raise IndexMissingError(f"The index holds no document {source!r}. Run `coach ingest` first.")
    return Document("d", source, "House rules", NOTES)


def written(folder, text, name="house.toml"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_user_s_rubric_may_quote_the_user_s_own_document(tmp_path):
    rubric = load_rubric(written(tmp_path, SMALL), documents)
    assert [c.id for c in rubric.for_kind("sprints")] == ["owner", "date"]
    assert [c.id for c in rubric.for_kind("talks")] == ["owner"]
    for _, span in spans(rubric):
        assert NOTES[span.start : span.end] == span.text
    assert rubric.criteria[0].frame == ""
    assert fired(rubric, "We do it soon.") == {"soon"}
    assert fired(rubric, "We never say soon.") == set()


def test_a_user_s_rubrics_are_read_from_the_home_folder_in_order(tmp_path):
    assert user_rubrics(tmp_path) == ()
    written(tmp_path / "rubrics", SMALL, "b.toml")
    written(tmp_path / "rubrics", SMALL.replace('"house"', '"other"'), "a.toml")
    assert [rubric.name for rubric in user_rubrics(tmp_path, documents)] == ["other", "house"]


def test_two_rubrics_of_one_name_are_told_apart_before_they_are_mixed_up(tmp_path):
    written(tmp_path / "rubrics", SMALL, "a.toml")
    written(tmp_path / "rubrics", SMALL, "b.toml")
    with pytest.raises(RubricError, match=r"b\.toml has the same `name`, 'house', as .*a\.toml"):
        user_rubrics(tmp_path, documents)


def test_words_that_stand_twice_need_their_place(tmp_path):
    twice = SMALL.replace('text = "Soon is no date."', 'text = "We meet."')
    first, second = NOTES.index("We meet."), NOTES.rindex("We meet.")
    with pytest.raises(RubricError, match=rf"line 40: .*more than once.*`start = {first}` \(or {second}\)"):
        load_rubric(written(tmp_path, twice), documents)
    placed = twice.replace('text = "We meet."', f'text = "We meet."\nstart = {second}')
    assert load_rubric(written(tmp_path, placed), documents).anti_patterns[0].span.start == second


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "house.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_rubric(path, documents).name == "house"
    path.write_bytes(SMALL.replace('id = "date"', 'id = "owner"').replace("\n", "\r\n").encode())
    with pytest.raises(RubricError, match="line 25: criterion `owner` is there twice"):
        load_rubric(path, documents)


# Each: what is replaced, by what, the line that the error names, and words it says.
BROKEN = [
    ('title = "Talks"', 'title = "Talks', 6, "this is not TOML"),
    ("[kinds.sprints]", "[kinds.talks]", 8, "this is not TOML"),
    ('name = "house"\n', "", 1, "the rubric has no `name`: add"),
    ('name = "house"', 'nmae = "house"', 1, "the rubric has the unknown key `nmae`: use only `name`"),
    ('name = "house"', "name = 3", 1, "has a `name` that is not a text"),
    ('name = "house"', 'name = " "', 1, "has an empty `name`"),
    ('source = "notes/house.md"', 'source = "notes/gone.md"', 3, "which is not among your documents"),
    ('source = "notes/house.md"', 'source = "../../etc/passwd"', 3, "which is not among your documents"),
    ('source = "notes/house.md"', 'source = "a\\u0000b"', 3, "which is not among your documents"),
    ('source = "notes/house.md"\n', "", 10, "criterion `owner` names no document"),
    ('title = "Sprints"', 'title = "Sprints"\ncue = []', 10, "kind `sprints` has the unknown key `cue`"),
    (
        'title = "Sprints"',
        'title = "Sprints"\ncues = "retro"',
        10,
        "has a `cues` that is not a list of texts",
    ),
    ('id = "owner"\n', "", 11, "criterion 1 has no `id`"),
    ('id = "date"\n', "", 24, "criterion 2 has no `id`"),
    ('id = "date"', 'id = "owner"', 25, "criterion `owner` is there twice"),
    ('question = "Does the draft name a date?"\n', "", 24, "criterion `date` has no `question`: add"),
    (
        'question = "Does the draft name a date?"',
        'question = "A date."',
        28,
        "does not end in a question mark",
    ),
    (
        "weights = { sprints = 1 }",
        "weights = { sprint = 1 }",
        29,
        "has the unknown key `sprint`: use only `talks`",
    ),
    ("weights = { sprints = 1 }", "weights = { sprints = -1 }", 29, "not a number from 0 to 100"),
    ("weights = { sprints = 1 }", "weights = { sprints = nan }", 29, "not a number from 0 to 100"),
    ("weights = { sprints = 1 }", "weights = { sprints = 0 }", 29, "counts for no kind"),
    ("weights = { sprints = 1 }", "weights = 1", 29, "has a `weights` that is not a table"),
    ("talks = 2, ", "", 5, "no criterion counts for the kind `talks`"),
    (
        'text = "Every task has one owner."',
        'text = "Each task has one owner."',
        17,
        "does not hold: copy `text`",
    ),
    (
        '"Every task has a “due” date."',
        "'Every task has a \"due\" date.'",
        30,
        r"its line 3 has them with other quotation marks",
    ),
    (
        'text = "Soon is no date."',
        'text = "Soon is no date."\nstart = 2',
        41,
        "does not find its `text` at character 2",
    ),
    (
        'text = "Soon is no date."',
        'text = "Soon is no date."\nstart = -1',
        41,
        "does not find its `text` at character -1",
    ),
    ('text = "Soon is no date."', 'text = "Soon is no date."\nstart = "2"', 41, "does not find its `text`"),
    ('partly = "A month is named."\n', "", 32, "`anchors` of criterion 2 has no `partly`"),
    ('met = "A day is named."', 'meet = "A day is named."', 33, "has the unknown key `meet`"),
    (
        'missing = "No date."',
        'missing = "No date."\nhint = "x"',
        36,
        r"move it above `\[criterion.anchors\]`",
    ),
    ('unless = ["date"]', 'unless = ["dates"]', 41, "unknown criterion `dates` in `unless`"),
    (r"'\bsoon\b'", r"'\bsoon('", 42, "a phrase that is no regular expression"),
    (r"'\bsoon\b'", r"'(soon)'", 42, "a phrase with a group that captures"),
    (r"'\bsoon\b'", r"'(?:soon)*'", 42, "a phrase that fits every text"),
    (r"phrases = ['\bsoon\b', '''\blater\b''']", "", 37, "has no `phrases`"),
    ("[[anti_pattern]]", "[anti_pattern]", 37, "write it as `\\[\\[anti_pattern\\]\\]`"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), BROKEN)
def test_a_bad_rubric_is_told_by_file_line_and_remedy_in_one_sentence(tmp_path, old, new, line, words):
    assert old in SMALL
    path = written(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(RubricError, match=words) as caught:
        load_rubric(path, documents)
    said = str(caught.value)
    assert said.startswith(f"{path}, line {line}: ")
    assert "\n" not in said
    assert said.endswith("then run `coach critique` again.")


def test_the_line_of_a_bad_phrase_is_that_of_the_phrase_in_a_long_list(tmp_path):
    long_list = SMALL.replace(r"['\bsoon\b', '''\blater\b''']", "[\n  'one',\n  'two (',\n]")
    with pytest.raises(RubricError, match="line 44: anti-pattern `soon` has a phrase that is no regular"):
        load_rubric(written(tmp_path, long_list), documents)


def test_headers_and_keys_inside_a_long_text_do_not_shift_the_lines(tmp_path):
    inside = SMALL.replace(
        'name = "Names an owner"', 'name = """Names\n[[criterion]]\nid = "x"\n"""'
    ).replace('id = "date"', 'id = "owner"')
    with pytest.raises(RubricError, match="line 28: criterion `owner` is there twice"):
        load_rubric(written(tmp_path, inside), documents)


def test_criteria_written_as_inline_tables_still_get_a_line(tmp_path):
    text = 'name = "n"\ntitle = "t"\nkinds = { a = { title = "A" } }\ncriterion = [\n  { id = "x", nam = "y" },\n]\n'
    with pytest.raises(RubricError, match="line 4: criterion `x` has the unknown key `nam`"):
        load_rubric(written(tmp_path, text), documents)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1: the rubric names no kinds of question"),
        (b'name = "caf\xe9"\n', "line 1: this is not UTF-8 text"),
        (b"name = 'x'\n[kinds", "line 2: this is not TOML"),
        (b'a = """never closed', "line 1: this is not TOML"),
        (b"\0\0\0", "line 1: this is not TOML"),
        (b"x = 1\n" * 200_000, "is larger than 1 MB"),
        (b"x = " + b"9" * 5000, "line 1: this is not TOML"),
        (b"x = " + b"[" * 5000, "line 1: this is not TOML"),
        (b"kinds = 3", "line 1: the rubric has a `kinds` that is not made of tables"),
        (b"kinds = [3]", "line 1: the rubric has a `kinds` that is not made of tables"),
    ],
)
def test_a_file_that_is_no_rubric_is_refused_in_words(tmp_path, content, words):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(RubricError, match=re.escape(words)):
        load_rubric(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RubricError, match=r"gone\.toml cannot be read \(No such file"):
        load_rubric(tmp_path / "gone.toml")
    with pytest.raises(RubricError, match="cannot be read"):
        load_rubric(tmp_path)


def test_the_error_is_one_that_the_coach_shows_without_a_traceback():
    assert issubclass(RubricError, CoachError)
