"""Fit `coach/answer/answerability.json`: which signals tell that the sentences found speak of what is asked, and how loudly.

    python -m bench.fit.answerability --data ../shared/data [--opinions 200]

Signals of each question (`coach.answer.answerability`), from the five best sentences that the product's own retrieval and extraction find:

- `best_sentence`: the likeness of the likeliest one;
- `covered`, `worst_covered`: how near each content word of the question is to a token of theirs (late interaction: Khattab & Zaharia
  2020, arXiv:2004.12832), on average by weight, and the worst of the words that weigh. A word's weight is learned: little for those
  that stand in many topic questions ("tell", "important", "committee");
- `asked`, `unanswered`: likeness to the questions written down for the document;
- `model`: the chat model's log-odds of Yes against No after three worked examples (`coach.answer.compose.evidence_prompt`).

Before that, the relevance of a sentence (`coach.answer.extract`): one logistic over its likeness beside the likeliest one's, the nearest question written
for it and its worst covered word, fitted on the sentences that hold a fact of an answerable question or stand in its section.

One logistic for each set of signals, and one over what it says and the model's opinion, apart for questions that only name a topic and for exact ones. Fitted on the fit splits of
`bench/answers/topics.jsonl` and `cases.jsonl` and two thirds of the public questions; for both parts of every set it prints the area under the curve
and what the bound refuses that is kept. Opinions are slow: they are kept by a hash of question and sentences, and `--opinions` says
how many new ones to ask for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from coach.answer import answerability
from coach.answer.coefficients import COEFFICIENTS_FILE, coefficients
from coach.answer.compose import evidence_prefix, evidence_prompt
from coach.answer.evidence_signals import gather
from coach.answer.extract import extract, sentence_signals
from coach.answer.retrieve import retrieve
from coach.backends import load_chat_model, load_embedder
from coach.backends.chroma import ChromaIndexWriter, open_index
from coach.coach import MemoryEmbedder
from coach.evaluation.answers_calibrate import platt
from coach.protocols import PassageIndex
from coach.settings import corpus_folder, load_settings
from coach.text.json_lines import read_records
from coach.text.words import content_words
from coach.types import Statement
from coach.yes_or_no import log_odds, probability_of_yes
from ingest import ingest

HERE = Path(__file__).resolve().parent
OUT = HERE.parent.parent / "coach" / "answer" / COEFFICIENTS_FILE
TOPICS = HERE.parent / "answers" / "topics.jsonl"
CASES = HERE.parent / "answers" / "cases.jsonl"
OPINIONS = HERE / "answerability_opinions.json"
COMMON = 0.7  # weight below which a word is kept in the table; all others weigh 1
STRANGE = 0.005  # share of the answerable fit questions that are less like a written question than what counts as strange
UNCOVERED_BELOW = 0.55  # cosine of a word to its nearest token below which nothing found speaks of it
LEAST_GAIN = 0.005  # of area under the curve, for which a model is worth asking
WRONG_REFUSALS = 0.03  # share of the answerable fit questions that may be refused
WRONG_REFUSALS_ALONE = 0.04  # the same where no model could set it right
FOLDS = 10
IN_DOUBT = 0.12  # and that may be answered with a doubt, or refused
# The model is asked between the bounds beyond which so many of the answerable, or of the others, lie.
SURE_NO, SURE_YES = 0.995, 0.99
CHEAP = ["best_sentence", "covered", "worst_covered", "names_missing", "kind_missing", "condition_unmet"]
SIGNALS = {"": CHEAP, ", written": ["asked", "unanswered", *CHEAP]}

Build = Callable[[list[tuple[str, str]] | None], PassageIndex]


@dataclass
class Example:
    """One question with its signals; `nearest` are the best sentences, each behind its heading."""

    set: str
    held_out: bool
    question: str
    answerable: bool
    index: PassageIndex
    signals: dict[str, float] = field(default_factory=dict)
    nearest: tuple[Statement, ...] = ()

    @property
    def key(self) -> str:
        """Identifies the question over these sentences."""
        near = tuple((stated.heading, stated.text) for stated in self.nearest)
        return hashlib.sha256(repr((self.question, near)).encode()).hexdigest()[:16]


def main() -> None:
    """Collect, ask, fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--opinions", type=int, default=0)
    parser.add_argument("--sets", default="", help="ask only about sets whose names begin so, with commas")
    chosen = parser.parse_args()
    embedder = load_embedder(load_settings())
    with tempfile.TemporaryDirectory() as folder:
        pools = Pools(embedder, Path(folder), chosen.data)
        found: dict[str, Any] = {"words": word_weights(), "uncovered_below": UNCOVERED_BELOW}
        found["sentence"] = fit_sentences(pools)
        write(found | {"fits": {}, "strange_below": 0.0})
        examples = list(collect(pools))
        for example in examples:
            example.signals |= searched(example, pools)
        add_opinions(examples, chosen.opinions, tuple(chosen.sets.split(",")))
    asked = [e for e in examples if e.set == "cases, article" and not e.held_out and "model" in e.signals]
    found["opinion"] = platt([e.signals["model"] for e in asked], [e.answerable for e in asked])
    near = [
        e.signals["asked"] for e in examples if e.set == "cases, article" and e.answerable and not e.held_out
    ]
    found["strange_below"] = round(float(np.quantile(near, STRANGE)), 3)
    found["fits"] = {}
    for kind in ("topic", "exact"):
        for known, wanted in SIGNALS.items():
            usable = [e for e in examples if all(signal in e.signals for signal in wanted)]
            usable = [e for e in usable if answerability.fit_name(without_model(e)).startswith(kind)]
            # The article's exact questions are traps for what is written down: without that no likeness tells them apart.
            # Questions on another subject are told by `strange_below` there; weighed together either is told less well.
            out = "of another document" if known else "cases, article"
            usable = [e for e in usable if e.set != out]
            fitted_fit = found["fits"][kind + known] = fit(kind + known, wanted, usable)
            # Opinions are few: they are weighed with what all the other signals say together.
            for example in usable:
                example.signals["cheap"] = answerability.log_odds_by(fitted_fit, example.signals)
            asked = [e for e in usable if "model" in e.signals]
            if gain(asked) >= LEAST_GAIN:
                found["fits"][f"{kind}{known}, model"] = fit(
                    f"{kind}{known}, model", ["cheap", "model"], asked
                )
            else:
                del fitted_fit["ask_between"]
    write(found)


def without_model(example: Example) -> dict[str, float]:
    """The signals that need no chat model."""
    return {name: value for name, value in example.signals.items() if name != "model"}


def write(found: dict[str, Any]) -> None:
    """Keep what was fitted, and have the product use it from now on."""
    OUT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    coefficients.cache_clear()


class Pools:
    """The indexes that are asked: by name, one document or collection each."""

    def __init__(self, embedder: Any, folder: Path, data: Path) -> None:
        self.embedder = MemoryEmbedder(embedder)
        self.data = data
        self.build = pool_maker(embedder, folder)
        self.indexes = {"article": self.build(None)}
        for source in ("handbook", "guide", "encyclopaedia"):
            self.indexes[source] = self.build(documents_of(source, data))


def word_weights() -> dict[str, float]:
    """By stem, the log of how few of the fit topic questions have the word; unknown words weigh 1."""
    rows = [row for row in read_records(TOPICS, dict) if row["split"] == "fit"]
    stems = [set(content_words(row["question"])) for row in rows]
    having = Counter(stem for row in stems for stem in row)
    total = math.log(len(stems) + 1)
    weights = {stem: round(1 - math.log(count + 1) / total, 2) for stem, count in sorted(having.items())}
    return {stem: weight for stem, weight in weights.items() if weight < COMMON}


def fit_sentences(pools: Pools) -> dict[str, Any]:
    """The relevance of a sentence; prints what the shown ones hold of the held-out cases and topics."""
    rows, labels = [], []
    for row in [*read_records(TOPICS, dict), *read_records(CASES, dict)]:
        if not row["facts"] or row["split"] != "fit" or row.get("history"):
            continue
        index = pools.indexes[row.get("source", "article")]
        passages = retrieve(row["question"], embedder=pools.embedder, index=index, limit=8)
        candidates, signals = sentence_signals(row["question"], passages, pools.embedder)
        rows.append(signals)
        labels += [speaks_of(row, candidate) for candidate in candidates]
    model = LogisticRegression().fit(np.concatenate(rows), labels)
    fit = {
        "intercept": round(float(model.intercept_[0]), 2),
        "weights": model.coef_[0].round(2).tolist(),
    }
    print(f"sentence: {json.dumps(fit)}, {sum(labels)} of {len(labels)} sentences")
    return fit


def speaks_of(row: dict[str, Any], candidate: Any) -> bool:
    """Whether the sentence holds a fact of the case, or stands under its heading."""
    text = " ".join(candidate.text.split()).lower()
    holds = any(" ".join(fact.split()).lower() in text for facts in row["facts"] for fact in facts)
    return holds or candidate.heading == row.get("section")


def collect(pools: Pools) -> Iterator[Example]:
    """Every question."""
    for row in read_records(TOPICS, dict):
        yield Example(
            f"topics, {row['source']}",
            row["split"] != "fit",
            row["question"],
            row["present"],
            pools.indexes[row["source"]],
        )
    for row in read_records(CASES, dict):
        if row["kind"] in ("answerable", "unanswerable", "odd"):
            held_out, answerable = row["split"] != "fit", bool(row["facts"])
            yield Example("cases, article", held_out, row["question"], answerable, pools.indexes["article"])
    for name, (pool, questions) in (
        ("SQuAD 2", squad(pools.data, pools.build)),
        ("natural", natural(pools.data, pools.build)),
    ):
        for question, answerable in questions:
            held_out = hashlib.sha256(question.encode()).digest()[0] % 3 == 0
            yield Example(name, held_out, question, answerable, pool)
    # Sets that nothing is fitted on.
    pool, questions = mtrag(pools.data, pools.build)
    for question, answerable in questions:
        yield Example("MTRAG", True, question, answerable, pool)
    yield from of_another_document(pools)


def of_another_document(pools: Pools) -> Iterator[Example]:
    """Questions on one document, of ours and of others, asked of the guide, and those on the guide asked of another."""
    # Those on the handbook and the interview guide may be answered by ours as well.
    rows = [
        row
        for row in read_records(TOPICS, dict)
        if row["present"] and row["source"] in ("article", "encyclopaedia")
    ]
    asked = [(row["question"], row["split"] != "fit", row["source"] == "article") for row in rows]
    queries = list(read_records(pools.data / "squad2_dev" / "queries.jsonl", dict))
    for row in random.Random(6).sample(queries, 90):
        asked.append((row["text"], hashlib.sha256(row["text"].encode()).digest()[0] % 3 == 0, False))
    for question, held_out, on_the_guide in asked:
        yield Example("of another document", held_out, question, on_the_guide, pools.indexes["article"])
        if on_the_guide:
            yield Example("of another document", held_out, question, False, pools.indexes["encyclopaedia"])


def searched(example: Example, pools: Pools) -> dict[str, float]:
    """The signals of the example, which gets its nearest sentences."""
    passages = retrieve(example.question, embedder=pools.embedder, index=example.index, limit=8)
    extracted = extract(example.question, passages, pools.embedder)
    seen = gather(example.question, passages, extracted, pools.embedder)
    example.nearest = seen.nearest
    return dict(seen.signals)


def add_opinions(examples: Sequence[Example], most: int, sets: tuple[str, ...] = ("",)) -> None:
    """The chat model's log-odds where known; `most` new ones are asked for, spread over the sets."""
    known = json.loads(OPINIONS.read_text(encoding="utf-8")) if OPINIONS.is_file() else {}
    turns: Counter[tuple[str, bool, bool]] = Counter()
    order = []
    for example in random.Random(7).sample(list(examples), len(examples)):
        if not example.set.startswith(sets):
            continue
        group = (example.set, example.answerable, example.held_out)
        turns[group] += 1
        order.append(((example.held_out, turns[group]), example))
    missing = [e for _, e in sorted(order, key=lambda pair: pair[0]) if e.key not in known][:most]
    model = load_chat_model(load_settings(backend="embedded")).model if missing else None
    if model is not None:
        model.remember(evidence_prefix())
    for number, example in enumerate(missing, 1):
        assert model is not None  # the built-in one was asked for by name
        prompt = evidence_prompt(example.question, example.nearest, model, max_tokens=200)
        known[example.key] = round(log_odds(probability_of_yes(model, prompt.messages)), 3)
        if number % 20 == 0 or number == len(missing):
            print(f"asked {number} of {len(missing)}", flush=True)
            OPINIONS.write_text(json.dumps(known, indent=0), encoding="utf-8")
    used = {example.key for example in examples} & set(known)
    OPINIONS.write_text(json.dumps({key: known[key] for key in sorted(used)}, indent=0), encoding="utf-8")
    for example in examples:
        if example.key in known:
            example.signals["model"] = known[example.key]


def gain(asked: Sequence[Example]) -> float:
    """How much the area under the curve of the fit part grows by the model's opinion, left out fold by fold."""
    train = [e for e in asked if not e.held_out]
    labels = [e.answerable for e in train]
    areas = []
    for wanted in (["cheap"], ["cheap", "model"]):
        rows = np.array([[e.signals[signal] for signal in wanted] for e in train])
        spread = np.maximum(rows.std(axis=0), 1e-6)
        scores = cross_val_predict(
            LogisticRegression(), rows / spread, labels, cv=FOLDS, method="predict_proba"
        )
        areas.append(float(roc_auc_score(labels, scores[:, 1])))
    print(f"with the model's opinion on {len(train)}: AUC {areas[0]:.3f} -> {areas[1]:.3f}")
    return areas[1] - areas[0]


def fit(name: str, wanted: list[str], usable: Sequence[Example]) -> dict[str, Any]:
    """One logistic with its bounds, from the fit part, each set and answer counting alike; prints how it does on every part."""
    train = [e for e in usable if not e.held_out]
    sizes = Counter((e.set, e.answerable) for e in train)
    rows = np.array([[e.signals[signal] for signal in wanted] for e in train])
    shares = np.array([sizes[e.set, e.answerable] ** -0.5 for e in train])
    shares /= shares.mean()  # small weights would be a strong regularisation
    spread = np.maximum(rows.std(axis=0), 1e-6)
    model = LogisticRegression().fit(rows / spread, [e.answerable for e in train], shares)
    scores = model.predict_proba(np.array([[e.signals[s] for s in wanted] for e in usable]) / spread)[:, 1]
    scored = list(zip(scores.tolist(), usable, strict=True))
    # Scores of examples left out of the fit, or the bounds would be too kind. SQuAD 2's impossible twins differ in one
    # particular only: no bound is set by them.
    left_out = cross_val_predict(
        LogisticRegression(),
        rows / spread,
        [e.answerable for e in train],
        cv=FOLDS,
        method="predict_proba",
        params={"sample_weight": shares},
    )[:, 1]
    bounding = [(s, e) for s, e in zip(left_out.tolist(), train, strict=True) if e.set != "SQuAD 2"]
    yes = [(s, e.set) for s, e in bounding if e.answerable]
    no = [(s, e.set) for s, e in bounding if not e.answerable]
    fitted: dict[str, Any] = {
        "intercept": round(float(model.intercept_[0]), 3),
        "weights": {s: round(float(w), 3) for s, w in zip(wanted, model.coef_[0] / spread, strict=True)},
        "refuse_below": quantile(yes, WRONG_REFUSALS if "model" in name else WRONG_REFUSALS_ALONE),
        "doubt_below": quantile(yes, IN_DOUBT),
    }
    if "model" not in name:
        fitted["ask_between"] = [quantile(yes, 1 - SURE_NO), quantile(no, SURE_YES)]
    print(f"{name}: {json.dumps(fitted)}")
    for part in dict.fromkeys(e.set for e in usable):
        for held_out in (False, True):
            report(part, held_out, scored, fitted["refuse_below"])
    return fitted


def report(part: str, held_out: bool, scored: Sequence[tuple[float, Example]], bound: float) -> None:
    """Print how well the scores tell this part of a set apart."""
    own = [(s, e) for s, e in scored if e.set == part and e.held_out == held_out]
    yes, no = [s for s, e in own if e.answerable], [s for s, e in own if not e.answerable]
    if not yes or not no:
        return
    auc = roc_auc_score([1] * len(yes) + [0] * len(no), yes + no)
    refused = (
        f"wrongly refused {np.mean(np.array(yes) < bound):.2f}, refused {np.mean(np.array(no) < bound):.2f}"
    )
    split = "held out" if held_out else "fit"
    print(f"  {part:22} {split:8} {len(yes):3} / {len(no):3}  AUC {auc:.3f}  {refused}")


def quantile(scores: Sequence[tuple[float, str]], share: float) -> float:
    """The score below which this share lies, the sets weighing by the root of their size as in the fit."""
    sizes = Counter(name for _, name in scores)
    ranked = sorted(scores)
    weights = np.array([sizes[name] ** -0.5 for _, name in ranked])
    passed = np.cumsum(weights) / weights.sum()
    return round(ranked[min(int(np.searchsorted(passed, share)), len(ranked) - 1)][0], 3)


def documents_of(source: str, data: Path) -> list[tuple[str, str]]:
    """The texts that `bench/answers/documents.md` names, as (title, text)."""
    if source == "handbook":
        names = "discover__users define__roadmap define__vision define__strategy partners__capacity partners__coach "
        names += "partners__transition partners__vendor"
        folder = data / "docs_public" / "pm_handbook_18f"
        return [
            (name.replace("__", " "), (folder / f"{name}.md").read_text("utf-8")) for name in names.split()
        ]
    if source == "guide":
        rows = [
            r
            for r in read_records(data / "interview_faq" / "qa.jsonl", dict)
            if r["role"] == "ai-product-manager"
        ]
        longest = sorted(rows, key=lambda r: (-len(r["answer"]), r["id"]))[:40]
        return [
            ("AI PM interview guide", "\n\n".join(f"## {r['question']}\n\n{r['answer']}" for r in longest))
        ]
    rows = [
        r
        for r in read_records(data / "squad2_dev" / "corpus.jsonl", dict)
        if r["title"].replace("_", " ") == "Harvard University"
    ]
    return [("Harvard University", "\n\n".join(r["text"] for r in rows))]


def squad(data: Path, build: Build) -> tuple[PassageIndex, list[tuple[str, bool]]]:
    """Answerable and impossible questions of SQuAD 2 over all their paragraphs."""
    rows = list(read_records(data / "squad2_dev" / "qa_unanswerable.jsonl", dict))
    paragraphs = {r["context"]: r["context_id"].rsplit("_", 1)[0].replace("_", " ") for r in rows}
    random.Random(5).shuffle(rows)
    kept = [r for r in rows if r["answerable"]][:150] + [r for r in rows if not r["answerable"]][:150]
    pool = build([(title, text) for text, title in paragraphs.items()])
    return pool, [(r["question"], r["answerable"]) for r in kept]


def natural(data: Path, build: Build) -> tuple[PassageIndex, list[tuple[str, bool]]]:
    """Natural questions over a pool of 420 paragraphs that holds the paragraph of half of them."""
    folder = data / "squad2_dev"
    corpus = list(read_records(folder / "corpus.jsonl", dict))
    random.Random(5).shuffle(corpus)
    inside = {r["_id"] for r in corpus[:420]}
    texts = {r["_id"]: r["text"] for r in read_records(folder / "queries.jsonl", dict)}
    relevant = dict(
        line.split("\t")[:2] for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]
    )
    shuffled = random.Random(5).sample(sorted(texts), len(texts))
    kept = [q for q in shuffled if relevant[q] in inside][:120] + [
        q for q in shuffled if relevant[q] not in inside
    ][:120]
    pool = build([(r["title"], r["text"]) for r in corpus[:420]])
    return pool, [(texts[q], relevant[q] in inside) for q in kept]


def mtrag(data: Path, build: Build) -> tuple[PassageIndex, list[tuple[str, bool]]]:
    """Last turns of MTRAG (Katsis et al. 2025) as people rewrote them or typed them first, over its passages."""
    folder = data / "mtrag_human"
    pool = build([(row["title"], row["text"]) for row in read_records(folder / "corpus.jsonl", dict)])
    rewritten = {row["id"]: row["rewrite"] for row in read_records(folder / "followup_rewrites.jsonl", dict)}
    found = []
    for row in read_records(folder / "tasks.jsonl", dict):
        question = row["turns"][0]["text"] if len(row["turns"]) == 1 else rewritten.get(row["id"])
        if question and row["answerability"] in ("ANSWERABLE", "UNANSWERABLE"):
            found.append((question, row["answerability"] == "ANSWERABLE"))
    return pool, found


def pool_maker(embedder: Any, folder: Path) -> Build:
    """Indexes documents as the product does; None stands for the bundled corpus."""

    def build(documents: list[tuple[str, str]] | None) -> PassageIndex:
        place = Path(tempfile.mkdtemp(dir=folder))
        corpus = corpus_folder()
        if documents is not None:
            corpus = place
            (place / "guides").mkdir()
            for number, (title, text) in enumerate(documents):
                (place / "guides" / f"{number:05d}.md").write_text(f"# {title}\n\n{text}", encoding="utf-8")
        ingest(embedder, ChromaIndexWriter(place / "index"), corpus=corpus)
        return open_index(place / "index", embedder.name)

    return build


if __name__ == "__main__":
    main()
