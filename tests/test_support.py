"""The signals of support, worked by hand, and the coefficients that score them."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.fit import support as fitting
from coach.answer.support import (
    MODEL_FILE,
    choose_supporting,
    features,
    figure_conflicts,
    is_hopeless,
    is_vetoed,
    load_entailment_model,
    load_support_model,
    nearest_to_ask_about,
    read,
    score_claim,
    unknown_names,
    with_entailment,
)
from coach.coach import MemoryEmbedder
from coach.errors import UsageError
from coach.settings import corpus_folder

PROJECT = Path(__file__).resolve().parent.parent
ARTICLE = corpus_folder() / "guides" / "generative-ai-pm-skillset-interview-prep.md"
NOISE = 0.02  # what other arithmetic on another machine may cost

VP = "A senior VP of Product rejected a proposed roadmap because it failed to address model bias."
ROUNDS = "A typical loop involves 5-7 rounds. The process often takes 6-8 weeks."


def signals(claim, *sources, embedder):
    readings = [read(source) for source in sources]
    return features(read(claim), readings, tuple(range(len(sources))), embedder)


def test_short_forms_are_read_in_their_long_form():
    assert (
        read("GenAI PMs use LLMs.").words
        == read("Generative AI product managers use large language models").words
    )


def test_figures_are_read_in_digits_words_and_thousands():
    assert read("$250k, 400,000+ and 1.5 million").figures == {"250000", "400000", "1500000"}
    assert read("five to seven rounds; one of them").figures == {"5", "7"}


def test_a_figure_knows_what_it_counts():
    assert read("It takes 6-8 weeks.").units == {("6", "week"), ("8", "week")}


@pytest.mark.parametrize(
    ("claim", "conflicts"),
    [
        ("The process takes 6-8 weeks.", 0),
        ("It takes six to eight weeks.", 0),
        ("It takes 9 weeks.", 1),  # nowhere
        ("It takes 5-7 weeks.", 2),  # both figures count rounds
    ],
)
def test_a_figure_that_the_sources_lack_or_use_otherwise_is_a_conflict(claim, conflicts):
    assert figure_conflicts(read(claim), [read(ROUNDS)]) == conflicts


def test_names_are_looked_for_in_sources_and_headings():
    sources = [read("The Playbook covers Google's frameworks.", "Preparation Checklist")]
    assert unknown_names(read("See the Playbook of Google or the Preparation section"), sources) == ()
    assert unknown_names(read("The Playbook of Stripe"), sources) == ("Stripe",)


def test_a_claim_stands_on_the_nearest_sentence_and_one_that_adds_what_it_lacks():
    claim = read("The loop has rounds and the process takes weeks.")
    sources = [read("A loop has rounds."), read("The process takes weeks."), read("Paris is nice.")]
    cosines = np.array([0.6, 0.5, 0.0], dtype=np.float32)
    # All five words weigh alike: (2/5 + .6) / 2 = .50 against (3/5 + .5) / 2 = .55.
    assert choose_supporting(claim, sources, cosines) == (1, 0)
    assert choose_supporting(read("A loop has rounds"), sources, cosines) == (0,)


def test_shared_words_pairs_and_tokens_by_hand(embedder):
    same = signals(VP, VP, embedder=embedder)
    assert same["recall"] == same["word_pairs"] == 1.0
    assert same["covered"] == pytest.approx(1.0, abs=0.02) == same["worst_covered"]
    other = signals("A senior VP of Product approved lunch.", VP, embedder=embedder)
    assert other["word_pairs"] == pytest.approx(5 / 7)  # "a senior" to "of product", the vice in between
    assert other["recall"] < 1.0 and other["worst_covered"] < other["covered"] < 0.99


def test_a_wrong_figure_or_name_is_vetoed_however_near_the_sentence(embedder):
    for claim in ("The process often takes 9-12 weeks.", "The process often takes 6-8 weeks at Netflix."):
        assert is_vetoed(signals(claim, ROUNDS, embedder=embedder))
    assert not is_vetoed(signals("The process often takes 6-8 weeks.", ROUNDS, embedder=embedder))


def test_a_whole_sentence_of_the_source_is_supported_for_certain(embedder):
    evidence = score_claim(read(VP), [read(VP)], np.ones(1, dtype=np.float32), embedder)
    assert (evidence.support, evidence.method, evidence.supporting) == (1.0, "verbatim", (0,))


def test_a_chat_models_judgement_decides_what_is_near_and_free_wording_is_hopeless(embedder):
    near = read("The process takes 6-8 weeks as a rule.")
    evidence = score_claim(near, [read(ROUNDS)], np.ones(1, dtype=np.float32), embedder)
    yes, no = (with_entailment(evidence, load_entailment_model(), odds) for odds in (6.0, -3.0))
    assert yes.supported and not no.supported and yes.method == "fitted, entailment"
    free = read("Expect roughly two months of your life to vanish.")
    assert is_hopeless(score_claim(free, [read(ROUNDS)], np.ones(1, dtype=np.float32), embedder))


@pytest.mark.parametrize("load", [load_support_model, load_entailment_model])
def test_the_coefficients_name_the_features_and_nothing_else(load, embedder):
    model = load()
    known = set(signals("It takes weeks.", ROUNDS, embedder=embedder))
    opinions = {*fitting.VETOES, fitting.OPINION}
    assert set(model.weights) == (known if load is load_support_model else opinions)
    assert 0.0 < model.threshold < 1.0
    assert all(scale > 0 for scale in model.scales.values())


@pytest.fixture(scope="module")
def judged(embedder, tmp_path_factory):
    """The own claims that nothing was fitted on, measured once: by set."""
    cached = fitting.CachedEmbedder(MemoryEmbedder(embedder), tmp_path_factory.mktemp("vectors"), print)
    article = ARTICLE.read_text(encoding="utf-8")
    claims = [
        claim
        for file in (fitting.CLAIMS, fitting.REPLIES_FILE)
        for claim in fitting.read_own_claims(file, article, cached)
        if claim.split == "held_out" or claim.set == fitting.REPLIES
    ]
    scored = fitting.measure(claims, cached)
    return {name: scored.where(lambda claim, name=name: claim.set == name) for name in ("own", "replies")}


def probabilities(model, scored):
    return np.array([model.probability(dict(zip(scored.names, row, strict=True))) for row in scored.rows])


def test_the_own_claims_are_told_apart_as_well_as_published(judged):
    published = json.loads(fitting.CLAIMS.with_name("figures.json").read_text(encoding="utf-8"))
    scores = probabilities(load_support_model(), judged["own"])
    area = published["own_held_out"]["auc"]
    assert fitting.area_under_curve(judged["own"].labels, scores) >= area - NOISE


def test_the_published_figures_of_the_entailment_follow_from_what_the_model_said(judged):
    log_odds = json.loads(fitting.OPINIONS.read_text(encoding="utf-8"))["log_odds"]
    published = json.loads(fitting.CLAIMS.with_name("figures.json").read_text(encoding="utf-8"))
    for name, row in (("own", "own_held_out"), ("replies", "replies")):
        part = judged[name].where(lambda claim: claim.id in log_odds)
        rows = fitting.with_opinion(part, np.array([log_odds[claim.id] for claim in part.claims]))
        scores = probabilities(load_entailment_model(), rows)
        area = published["second_opinion"][row]["auc"]
        assert fitting.area_under_curve(part.labels, scores) >= area - NOISE


def test_a_claim_is_asked_about_with_what_supports_it_and_the_nearest_in_reading_order():
    cosines = np.array([0.1, 0.9, 0.2, 0.8, 0.3], dtype=np.float32)
    assert nearest_to_ask_about((4,), cosines) == (1, 3, 4)  # what supports it and the two nearest
    assert nearest_to_ask_about((3, 0), cosines) == (
        0,
        1,
        3,
    )  # two that support it, the nearest that is none of them
    assert nearest_to_ask_about((1,), cosines) == (1, 3)  # what supports it is one of the two nearest


def test_of_the_hand_judged_replies_what_is_shown_is_true():
    """The share that the aim names, over the sentences of real replies that people judged one by one."""
    published = json.loads(fitting.CLAIMS.with_name("figures.json").read_text(encoding="utf-8"))
    assert published["second_opinion"]["replies"]["precision_shown"] >= 0.98
    assert published["replies"]["precision_shown"] >= 0.98


def test_no_signal_is_fitted_to_point_the_wrong_way():
    # The same in both sets: what is supported shares more words, and by accident has more conflicts.
    rows = np.array([[0.9, 1.0], [0.8, 2.0], [0.3, 0.0], [0.2, 0.0]] * 4)
    claims = tuple(
        fitting.JudgedClaim(name, str(place), "", ("",), ("",), int(place % 4 < 2))
        for place, name in enumerate(["wice"] * 8 + ["begin"] * 8)
    )
    fit = fitting.fit_public(fitting.Scored(claims, ("recall", "figure_conflicts"), rows))
    recall, conflicts = fit.weights
    assert recall > 0 and conflicts == 0.0
    assert fit.probabilities(rows)[0] > 0.5 > fit.probabilities(rows)[3]


def test_area_under_the_curve_by_hand():
    # Pairs (supported, not): (.9,.5) (.9,.4) right, (.4,.5) wrong, (.4,.4) tied: (2 + 0 + .5) / 4
    labels = np.array([1, 1, 0, 0])
    scores = np.array([0.9, 0.4, 0.5, 0.4])
    assert fitting.area_under_curve(labels, scores) == pytest.approx(2.5 / 4)
    assert fitting.balanced_accuracy(labels, scores, 0.45) == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert fitting.best_threshold(labels, scores) == 0.9  # (1/2 + 1) / 2
    low, high = fitting.bootstrap(labels, scores, fitting.area_under_curve)
    assert 0.0 <= low <= 2.5 / 4 <= high <= 1.0


def test_the_threshold_is_the_lowest_that_keeps_the_precision():
    labels = np.array([1, 1, 0, 1, 0])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert fitting.threshold_for(labels, scores, 0.75) == 0.6  # 3 of 4
    assert fitting.threshold_for(labels, scores, 0.98) == 0.8  # 2 of 2
    assert fitting.threshold_for(np.array([0]), np.array([0.5]), 0.98) == 1.0
    assert fitting.precision_and_recall(labels, scores, 0.6) == (0.75, 1.0, 4)


def own_rows():
    return [json.loads(line) for line in fitting.CLAIMS.read_text(encoding="utf-8").splitlines()]


def test_the_claims_are_many_distinct_and_balanced():
    rows = own_rows()
    assert len(rows) >= 400
    assert len({row["id"] for row in rows}) == len({row["claim"] for row in rows}) == len(rows)
    assert 0.4 <= sum(row["supported"] for row in rows) / len(rows) <= 0.6
    assert 0.28 <= sum(row["split"] == "held_out" for row in rows) / len(rows) <= 0.38
    errors = Counter(row["error"] for row in rows)
    assert set(errors) == {
        None,
        "number",
        "negation",
        "actor",
        "mixed",
        "not_in_source",
        "name",
        "quantifier",
        "scope",
    }
    assert all((row["error"] is None) == bool(row["supported"]) for row in rows)


def test_the_spans_are_whole_sentences_of_the_article_and_each_stands_on_one_side_of_the_split():
    text = ARTICLE.read_text(encoding="utf-8")
    from coach.text.sentences import split_sentences

    whole = {(start, end) for start, end in split_sentences(text)}
    sides = {}
    for row in own_rows():
        span = tuple(row["span"])
        assert span in whole
        sides.setdefault(span, set()).add(row["split"])
    assert all(len(side) == 1 for side in sides.values())


def test_the_coefficients_belong_to_the_claims_that_are_there():
    record = json.loads((PROJECT / "coach" / "answer" / MODEL_FILE).read_text(encoding="utf-8"))
    assert record["claims_sha256"] == hashlib.sha256(fitting.CLAIMS.read_bytes()).hexdigest()


def test_missing_or_broken_sets_are_named_with_the_next_step(tmp_path, embedder):
    with pytest.raises(UsageError, match="--data"):
        fitting.read_public_claims(tmp_path)
    bad = tmp_path / "claims.jsonl"
    bad.write_text('{"id": "s1"}\n', encoding="utf-8")
    cached = fitting.CachedEmbedder(embedder, tmp_path, print)
    with pytest.raises(UsageError, match="malformed"):
        fitting.read_own_claims(bad, "# A\n\nText here.\n", cached)
