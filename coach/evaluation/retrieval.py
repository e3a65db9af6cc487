"""Measure retrieval on public question sets: ours against BM25, the embedder alone and plain rank fusion."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coach.answer.retrieve import retrieve
from coach.errors import UsageError
from coach.evaluation.cases import Case
from coach.evaluation.metrics import bootstrap_interval, ndcg, recall, reciprocal_rank
from coach.evaluation.score import facts_found
from coach.protocols import Embedder, PassageIndex
from coach.types import Document, Passage

RRF_K = 60  # Cormack, Clarke & Büttcher 2009
CANDIDATES = 100  # chunks that each of the methods we compare with may rank
PASSAGES = 50  # enough for ten documents, even when several chunks of each are found
WORDS, MEANING, OURS = "bm25", "minilm", "ours"
SIMPLE_SETS = ("squad2_dev", "cranfield", "interview_faq")
CONVERSATIONS = "mtrag_human"
CONVERSATION_FORMS = ("last_turn", "rewrite")

Measure = Callable[[Sequence[str], frozenset[str]], float]
MEASURES: Mapping[str, Measure] = {
    "ndcg@10": lambda ranking, relevant: ndcg(ranking, relevant, 10),
    "recall@5": lambda ranking, relevant: recall(ranking, relevant, 5),
    "mrr@10": lambda ranking, relevant: reciprocal_rank(ranking, relevant, 10),
}
PoolBuilder = Callable[[Sequence[Document]], PassageIndex]


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and the names of the documents that answer it."""

    text: str
    relevant: frozenset[str]


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Documents and queries of one published test collection. Queries name documents by their `source`."""

    name: str
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]


def read_sets(folder: Path) -> list[RetrievalSet]:
    """The retrieval sets found in `folder`, conversations once for each form of their questions.

    A set that is not there is left out. Raises UsageError when none is there or a line is malformed.
    """
    found = [name for name in (*SIMPLE_SETS, CONVERSATIONS) if (folder / name / "qrels.tsv").is_file()]
    if not found:
        raise UsageError(
            f"{folder} holds no retrieval set: give the folder with squad2_dev in it (`--data`)."
        )
    try:
        return [part for name in found for part in _read_set(folder / name)]
    except (ValueError, KeyError) as error:
        raise UsageError(f"A set in {folder} is malformed ({error!r}): fetch the data again.") from error


def measure_set(
    part: RetrievalSet, *, embedder: Embedder, index: PassageIndex
) -> dict[str, dict[str, list[float]]]:
    """Every measure of every method: `[method][measure]` lists the values in the order of the queries.

    `index` holds the documents of `part`, cut into chunks or not; a document ranks where its first
    chunk does.
    """
    results: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for query in part.queries:
        for method, ranking in _rankings(query.text, embedder, index).items():
            for name, measure in MEASURES.items():
                results[method][name].append(measure(ranking, query.relevant))
    return {method: dict(measures) for method, measures in results.items()}


def rank_passages(query: str, embedder: Embedder, index: PassageIndex) -> dict[str, Sequence[Passage]]:
    """The passages of `index`, best first, by their words alone, by their meaning alone, and as the coach ranks them."""
    candidates = index.search(embedder.embed([query])[0], query, CANDIDATES)
    by_words = sorted((p for p in candidates if p.keyword > 0), key=lambda p: -p.keyword)[:CANDIDATES]
    by_meaning = sorted(candidates, key=lambda p: -p.cosine)[:CANDIDATES]
    ours = retrieve(query, embedder=embedder, index=index, limit=PASSAGES)
    return {WORDS: by_words, MEANING: by_meaning, OURS: ours}


def fuse_ranks(*rankings: Sequence[str]) -> list[str]:
    """Several rankings of names as one, by rank alone (reciprocal rank fusion: Cormack, Clarke & Büttcher 2009)."""
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, name in enumerate(ranking, start=1):
            scores[name] += 1.0 / (RRF_K + rank)
    return sorted(scores, key=lambda name: -scores[name])


def holds_answer(case: Case, headings: Sequence[str], text: str) -> bool:
    """Whether a passage answers the case: one of its facts stands in it, under the case's heading."""
    return tuple(headings[-1:]) == (case.section,) and facts_found(case.facts, text) > 0


def summarise(results: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> dict[str, Any]:
    """Means, the paired interval of ours against the best other of each set, and the mean gain over RRF.

    `results[set][method][measure]` lists the values query by query, as `measure_set` gives them.
    """
    sets = {name: _summarise_set(methods) for name, methods in results.items()}
    gains = {
        measure: float(
            np.mean([part["means"][OURS][measure] - part["means"]["rrf"][measure] for part in sets.values()])
        )
        for measure in MEASURES
    }
    return {"sets": sets, "mean_gain_over_rrf": gains}


def as_table(summary: Mapping[str, Any]) -> str:
    """The summary as a Markdown table for people."""
    lines = ["| set | method | " + " | ".join(MEASURES) + " |", "|---|---|" + "---|" * len(MEASURES)]
    for name, part in summary["sets"].items():
        for method, means in part["means"].items():
            figures = " | ".join(f"{means[measure]:.3f}" for measure in MEASURES)
            lines.append(f"| {name} ({part['queries']}) | {method} | {figures} |")
        gains = " | ".join(
            f"{gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}] ({gain['other']})"
            for gain in part["gain_over_best_other"].values()
        )
        lines.append(f"| {name} | ours - best other | {gains} |")
    gains = " | ".join(f"{summary['mean_gain_over_rrf'][measure]:+.3f}" for measure in MEASURES)
    lines.append(f"| mean | ours - rrf | {gains} |")
    return "\n".join(lines)


def run(
    data: Path, *, embedder: Embedder, build_pool: PoolBuilder, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure every set under `data` and return the summary. `say` gets a line of progress per set.

    `build_pool` indexes a set's documents the way the product would. Raises UsageError as `read_sets` does.
    """
    results: dict[str, dict[str, dict[str, list[float]]]] = {}
    last: tuple[tuple[Document, ...], PassageIndex] | None = None
    for part in read_sets(data):
        if last is None or last[0] is not part.documents:
            say(f"{part.name}: indexing {len(part.documents)} documents ...")
            last = (part.documents, build_pool(part.documents))
        say(f"{part.name}: asking {len(part.queries)} questions over {len(last[1])} chunks ...")
        results[part.name] = measure_set(part, embedder=embedder, index=last[1])
    return {"embedder": embedder.name, **summarise(results)}


def pool_builder(embedder: Embedder, folder: Path) -> PoolBuilder:
    """Index documents through the product's own ingest, each pool in its own folder under `folder`."""
    from coach.backends.chroma import ChromaIndexWriter, open_index
    from ingest.pipeline import ingest

    def build(documents: Sequence[Document]) -> PassageIndex:
        pool = Path(tempfile.mkdtemp(dir=folder))
        (pool / "guides").mkdir()
        for document in documents:
            (pool / document.source).write_text(document.text, encoding="utf-8")
        ingest(embedder, ChromaIndexWriter(pool / "index"), corpus=pool)
        return open_index(pool / "index", embedder.name)

    return build


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite from the command line: table on stdout, progress on stderr, figures to `--out`."""
    from coach.backends import load_embedder
    from coach.settings import load_settings

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds squad2_dev, cranfield, ..."
    )
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    chosen = parser.parse_args(arguments)
    embedder = load_embedder(load_settings())
    with tempfile.TemporaryDirectory() as temporary:
        summary = run(
            chosen.data,
            embedder=embedder,
            build_pool=pool_builder(embedder, Path(temporary)),
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    print(as_table(summary))
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return 0


def _read_set(folder: Path) -> Iterator[RetrievalSet]:
    documents = tuple(_read_documents(folder / "corpus.jsonl"))
    relevant = _read_relevant(folder / "qrels.tsv", {document.id: document.source for document in documents})
    if folder.name == CONVERSATIONS:
        rows = [row for row in _read_lines(folder / "followup_rewrites.jsonl") if row["id"] in relevant]
        for form in CONVERSATION_FORMS:
            queries = tuple(Query(row[form], relevant[row["id"]]) for row in rows)
            yield RetrievalSet(f"{folder.name}/{form}", documents, queries)
    else:
        rows = [row for row in _read_lines(folder / "queries.jsonl") if row["_id"] in relevant]
        yield RetrievalSet(
            folder.name, documents, tuple(Query(row["text"], relevant[row["_id"]]) for row in rows)
        )


def _read_documents(path: Path) -> Iterator[Document]:
    """Each with its title as a Markdown heading, so that it is embedded with every chunk as headings are."""
    for number, row in enumerate(_read_lines(path)):
        title = (row.get("title") or "").strip()
        body = row["text"].removeprefix(title).strip()
        text = f"# {title}\n\n{body}" if title else body
        if body:
            yield Document(id=row["_id"], source=f"guides/{number:06d}.md", title=title, text=text)


def _read_relevant(path: Path, sources: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Sources of the relevant documents by query. One without text keeps its own name: nobody can find it."""
    relevant: dict[str, set[str]] = defaultdict(set)
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if float(score) > 0:
            relevant[query].add(sources.get(document, document))
    return {query: frozenset(documents) for query, documents in relevant.items()}


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def _rankings(query: str, embedder: Embedder, index: PassageIndex) -> dict[str, list[str]]:
    """Names of documents, best first, for each method."""
    by_method = rank_passages(query, embedder, index)
    rankings = {method: _documents(passages) for method, passages in by_method.items()}
    fused = fuse_ranks(rankings[WORDS], rankings[MEANING])
    return {WORDS: rankings[WORDS], MEANING: rankings[MEANING], "rrf": fused, OURS: rankings[OURS]}


def _documents(passages: Iterable[Passage]) -> list[str]:
    """Each document once, where its first chunk stands; one merged into another comes right after it."""
    return list(dict.fromkeys(name for passage in passages for name in (passage.source, *passage.also_in)))


def _summarise_set(methods: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Any]:
    means = {
        method: {measure: float(np.mean(values)) for measure, values in measures.items()}
        for method, measures in methods.items()
    }
    others = [method for method in methods if method != OURS]
    gains = {}
    for measure in MEASURES:
        best = max(others, key=lambda method: means[method][measure])
        pairs = zip(methods[OURS][measure], methods[best][measure], strict=True)
        interval = bootstrap_interval([ours - other for ours, other in pairs])
        gains[measure] = {"other": best, "mean": interval.mean, "low": interval.low, "high": interval.high}
    return {"queries": len(methods[OURS]["ndcg@10"]), "means": means, "gain_over_best_other": gains}


if __name__ == "__main__":
    raise SystemExit(main())
