"""The signals of support, worked by hand, and the coefficients that weigh them."""

import hashlib
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from coach.errors import UsageError
from coach.evaluation import support as fitting
from coach.settings import corpus_folder
from coach.support import (
    MODEL_FILE,
    OWN_WORDING,
    choose_carriers,
    claim_parts,
    features,
    figure_conflicts,
    is_vetoed,
    load_opinion_model,
    load_support_model,
    nearest_to_ask_about,
    read,
    unknown_names,
    weigh,
)

PROJECT = Path(__file__).resolve().parent.parent
DATA = PROJECT.parent / "shared" / "data"
ARTICLE = corpus_folder() / "guides" / "generative-ai-pm-skillset-interview-prep.md"
NOISE = 0.02  # what other arithmetic on another machine may cost

VP = "A senior VP of Product rejected a proposed roadmap because it failed to address model bias."
ROUNDS = "A typical loop involves 5-7 rounds. The process often takes 6-8 weeks."


def signals(claim, *sources, embedder):
    texts = [claim, *claim_parts(claim), *sources]
    vectors = embedder.embed(texts)
    first = len(texts) - len(sources)
    readings = [read(source) for source in sources]
    return features(read(claim), readings, vectors[first:], vectors[0], vectors[1:first])


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
def test_a_figure_that_the_carriers_lack_or_use_otherwise_is_a_conflict(claim, conflicts):
    assert figure_conflicts(read(claim), [read(ROUNDS)]) == conflicts


def test_names_are_looked_for_in_sources_and_headings():
    sources = [read("The Playbook covers Google's frameworks.", "Preparation Checklist")]
    assert unknown_names(read("See the Playbook of Google or the Preparation section"), sources) == ()
    assert unknown_names(read("Meta and the Playbook of Stripe"), sources) == ("Stripe", "Meta")


def test_a_claim_falls_into_the_parts_that_say_something():
    claim = "The process takes 6-8 weeks from contact, and candidates must bring a printed resume."
    assert claim_parts(claim) == (
        "The process takes 6-8 weeks from contact",
        "candidates must bring a printed resume.",
    )
    assert claim_parts("It takes time and patience.") == ()


def test_carriers_are_the_nearest_sentence_and_one_that_adds_what_it_lacks():
    claim = read("The loop has rounds and the process takes weeks.")
    sources = [read("A loop has rounds."), read("The process takes weeks."), read("Paris is nice.")]
    cosines = np.array([0.6, 0.5, 0.0], dtype=np.float32)
    # All five words weigh alike: (2/5 + .6) / 2 = .50 against (3/5 + .5) / 2 = .55.
    assert choose_carriers(claim, sources, cosines) == (1, 0)
    assert choose_carriers(read("A loop has rounds"), sources, cosines) == (0,)


def test_recall_order_and_subsequence_by_hand(embedder):
    # "senior vice president product reject propos roadmap": rejected and roadmap change places below.
    kept = signals("The senior VP of Product rejected the roadmap.", VP, embedder=embedder)
    turned = signals("The roadmap rejected the senior VP of Product.", VP, embedder=embedder)
    assert kept["recall_unweighted"] == turned["recall_unweighted"] == 1.0
    assert kept["order"] == 1.0
    assert turned["order"] == pytest.approx(
        3 / 5
    )  # of five steps: roadmap -> reject and reject -> senior go back
    assert kept["subsequence"] == 1.0
    assert turned["subsequence"] == pytest.approx(4 / 6)  # senior, vice, president, product


def test_negation_is_compared_word_by_word_in_its_clause(embedder):
    source = "Committees value judgment, rather than those who parrot buzzwords."
    assert signals("Committees value judgment.", source, embedder=embedder)["negation_conflict"] == 0.0
    assert signals("Committees do not value judgment.", source, embedder=embedder)["negation_conflict"] == 1.0
    assert signals("Parrot buzzwords.", source, embedder=embedder)["negation_conflict"] == 1.0


def test_opposites_and_absolutes_are_seen(embedder):
    source = "A simpler model often gives unpredictable drafts before refinement."
    assert (
        signals("A more complex model gives drafts.", "A simple model.", embedder=embedder)["opposites"]
        == 1.0
    )
    assert signals("Drafts are predictable.", source, embedder=embedder)["opposites"] == 1.0
    assert (
        signals("A simpler model always gives drafts.", source, embedder=embedder)["absolutes_added"] == 1.0
    )


def test_a_wrong_figure_or_name_is_vetoed_however_near_the_sentence(embedder):
    for claim in ("The process often takes 9-12 weeks.", "The process often takes 6-8 weeks at Netflix."):
        assert is_vetoed(signals(claim, ROUNDS, embedder=embedder))
    assert not is_vetoed(signals("The process often takes 6-8 weeks.", ROUNDS, embedder=embedder))


def test_a_whole_sentence_of_the_source_is_carried_for_certain(embedder):
    vectors = embedder.embed([VP])
    none = np.zeros((0, embedder.dimension), dtype=np.float32)
    evidence = weigh(read(VP), [read(VP)], vectors, vectors[0], none)
    assert (evidence.support, evidence.method, evidence.carriers) == (1.0, "verbatim", (0,))


def test_the_coefficients_name_the_features_and_nothing_else(embedder):
    model = load_support_model()
    assert set(model.weights) == set(signals("It takes weeks.", ROUNDS, embedder=embedder))
    assert 0.0 < model.threshold < 1.0
    assert all(scale > 0 for scale in model.scales.values())


def test_the_coefficients_of_a_second_opinion_name_signals_and_the_opinion(embedder):
    model = load_opinion_model("Qwen2.5-Coder-1.5B-Instruct-Q4_K_M")
    known = signals("It takes weeks.", ROUNDS, embedder=embedder)
    assert set(model.weights) == {*fitting.DISAGREEMENT, fitting.OPINION} <= {*known, fitting.OPINION}
    assert model.weights[fitting.OPINION] > 0
    assert load_opinion_model("some other model") is None


def test_the_published_figures_of_the_second_opinion_follow_from_the_kept_opinions(embedder, tmp_path):
    told = json.loads(fitting.OPINIONS.read_text(encoding="utf-8"))
    model = load_opinion_model(told["model"])
    cached = fitting.CachedEmbedder(embedder, tmp_path, print)
    claims = fitting.read_own_claims(fitting.CLAIMS, ARTICLE.read_text(encoding="utf-8"), cached)
    assert set(told["log_odds"]) == {claim.id for claim in claims}
    part = fitting.measure([claim for claim in claims if claim.split == "held_out"], cached)
    asked = np.array([told["log_odds"][claim.id] for claim in part.claims])
    rows = fitting.with_opinion(part, asked)
    scores = np.array([model.probability(dict(zip(rows.names, row, strict=True))) for row in rows.rows])
    published = json.loads(fitting.CLAIMS.with_name("figures.json").read_text(encoding="utf-8"))
    area = published["second_opinion"]["own_held_out"]["auc"]
    assert fitting.area_under_curve(part.labels, scores) >= area - NOISE


def test_a_claim_is_asked_about_with_its_carriers_and_the_nearest_in_reading_order():
    cosines = np.array([0.1, 0.9, 0.2, 0.8, 0.3], dtype=np.float32)
    assert nearest_to_ask_about((4,), cosines) == (1, 3, 4)  # the carrier and the two nearest
    assert nearest_to_ask_about((3, 0), cosines) == (
        0,
        1,
        3,
    )  # two carriers, the nearest that is none of them
    assert nearest_to_ask_about((1,), cosines) == (1, 3)  # the carrier is one of the two nearest


def test_of_the_hand_judged_replies_what_is_shown_on_an_opinion_is_true():
    """The share that the aim names, over the sentences of real replies that people judged one by one."""
    replies = [json.loads(line) for line in (fitting.CLAIMS.parent / "replies.jsonl").open(encoding="utf-8")]
    threshold = load_opinion_model("qwen2.5-coder-1.5b-instruct-q4_k_m").threshold
    shown = [
        reply
        for reply in replies
        if reply.get("support", 0.0) >= threshold and reply["wording"] >= OWN_WORDING
    ]
    assert len(shown) >= 50
    assert sum(reply["supported"] for reply in shown) >= 0.98 * len(shown)


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
    from coach.sentences import split_sentences

    whole = {(start, end) for start, end in split_sentences(text)}
    sides = {}
    for row in own_rows():
        span = tuple(row["span"])
        assert span in whole
        sides.setdefault(span, set()).add(row["split"])
    assert all(len(side) == 1 for side in sides.values())


def test_the_coefficients_belong_to_the_claims_that_are_there():
    record = json.loads((PROJECT / "coach" / MODEL_FILE).read_text(encoding="utf-8"))
    assert record["claims_sha256"] == hashlib.sha256(fitting.CLAIMS.read_bytes()).hexdigest()


def test_the_own_claims_are_told_apart_as_well_as_published(embedder, tmp_path):
    published = json.loads(fitting.CLAIMS.with_name("figures.json").read_text(encoding="utf-8"))[
        "own_held_out"
    ]
    cached = fitting.CachedEmbedder(embedder, tmp_path, print)
    claims = fitting.read_own_claims(fitting.CLAIMS, ARTICLE.read_text(encoding="utf-8"), cached)
    held_out = fitting.measure([claim for claim in claims if claim.split == "held_out"], cached)
    model = load_support_model()
    scores = np.array(
        [model.probability(dict(zip(held_out.names, row, strict=True))) for row in held_out.rows]
    )
    area = fitting.area_under_curve(held_out.labels, scores)
    assert area >= published["auc"] - NOISE


def test_the_shipped_coefficients_are_what_the_fit_writes(embedder):
    if not DATA.is_dir():
        pytest.skip("the judged claims (../shared/data) are not here")
    if not any(fitting.DEFAULT_CACHE.glob("*.npz")):
        pytest.skip("no vectors kept: run `python -m coach.evaluation.support --data ../shared/data` first")
    _, record = fitting.run(DATA, fitting.CLAIMS, embedder, fitting.DEFAULT_CACHE, print)
    shipped = json.loads((PROJECT / "coach" / MODEL_FILE).read_text(encoding="utf-8"))
    assert list(record["features"]) == list(shipped["features"])
    for name, row in record["features"].items():
        assert math.isclose(row["weight"], shipped["features"][name]["weight"], abs_tol=0.02), name
    assert record["threshold"] == pytest.approx(shipped["threshold"], abs=0.02)


def test_missing_or_broken_sets_are_named_with_the_next_step(tmp_path, embedder):
    with pytest.raises(UsageError, match="--data"):
        fitting.read_public_claims(tmp_path)
    bad = tmp_path / "claims.jsonl"
    bad.write_text('{"id": "s1"}\n', encoding="utf-8")
    cached = fitting.CachedEmbedder(embedder, tmp_path, print)
    with pytest.raises(UsageError, match="malformed"):
        fitting.read_own_claims(bad, "# A\n\nText here.\n", cached)
