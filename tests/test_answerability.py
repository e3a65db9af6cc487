"""Whether the sentences found speak of what is asked: by likeness and coverage first, by the chat model where they leave doubt."""

import pytest
from builders import passage

from coach.answer.answerability import score_evidence, with_entailment
from coach.answer.evidence_signals import LONGEST
from coach.answer.extract import extract
from coach.types import Answer, Extract, Refusal

TEXT = (
    "A typical loop has 5-7 rounds. The process takes 6-8 weeks from first contact to offer. "
    "Candidates are asked how they would catch hallucinations before a launch."
)


def test_a_table_row_of_thousands_of_characters_is_cut(embedder):
    pages = [passage("cell " * 2000)]
    found = extract("Which cell?", pages, embedder)
    (read,) = score_evidence("Which cell?", pages, found, embedder).nearest
    assert len(read.text) == LONGEST and read.text.endswith("…")


def evidence_for(question, embedder):
    passages = [passage(TEXT, headings=("Guide", "How many rounds?"))]
    return score_evidence(question, passages, extract(question, passages, embedder), embedder)


@pytest.mark.parametrize(
    "question",
    [
        "How many rounds does the loop have?",
        "What does the committee expect about hallucinations?",
        "Tell me about hallucinations",
    ],
)
def test_what_the_sentences_speak_of_is_answered(question, embedder):
    evidence = evidence_for(question, embedder)
    assert evidence.enough and evidence.missing == ""


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("What does the committee expect about Kubernetes?", "Kubernetes"),
        ("How do I bake sourdough bread at altitude?", "sourdough"),
        ("Is parental leave important?", "parental"),
    ],
)
def test_what_they_do_not_speak_of_is_refused_by_name(question, missing, embedder):
    evidence = evidence_for(question, embedder)
    assert not evidence.enough
    assert missing in evidence.missing
    assert "committee" not in evidence.missing and "important" not in evidence.missing


def test_nothing_found_is_nothing_covered(embedder):
    assert not score_evidence("How many rounds?", [], Extract(), embedder).enough


def test_the_best_sentences_are_kept_behind_their_headings(embedder):
    evidence = evidence_for("How many rounds does the loop have?", embedder)
    best = evidence.nearest[0]
    assert (best.heading, best.text) == ("How many rounds?", "A typical loop has 5-7 rounds.")


def test_the_models_yes_and_no_move_the_probability(embedder):
    evidence = evidence_for("How many rounds does the loop have?", embedder)
    yes, no = with_entailment(evidence, 3.0), with_entailment(evidence, -6.0)
    assert no.probability < yes.probability
    assert yes.signals["model"] == 3.0 and yes.enough
    assert not yes.undecided and not no.undecided


@pytest.mark.parametrize("topic", ["Kubernetes", "visa sponsorship", "the dress code"])
def test_a_topic_that_the_article_never_mentions_is_said_to_be_missing(topic, sources_only):
    reply = sources_only.answer(f"What does the committee expect about {topic}?").result()
    assert isinstance(reply, Refusal)
    assert reply.text.startswith("The article does not speak of “") and reply.related
    assert reply.missing.strip("“”") in topic


def test_where_nearness_cannot_tell_the_answer_names_its_doubt(sources_only):
    reply = sources_only.answer("What does the committee expect about observability?").result()
    assert isinstance(reply, Answer)
    assert (
        reply.doubt
        == "This may not be exactly what you asked: nothing found speaks of “observability” in so many words."
    )


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("how much does the pm interview playbook cost", "an amount of money"),
        ("What share of the candidates gets an offer?", "a share or percentage"),
        ("How long is each interview round in minutes?", "a length of time in minutes"),
        ("whats the salary for a junior genai pm at a startup", "an amount of money for “junior”"),
    ],
)
def test_the_kind_of_thing_that_is_not_given_is_named(question, missing, sources_only):
    reply = sources_only.answer(question).result()
    assert isinstance(reply, Refusal) and reply.missing == missing
    assert reply.text.startswith(f"The article does not give {missing} for this.")
