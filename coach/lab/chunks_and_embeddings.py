"""Lay the passages out as a map of meaning, and cut the article anew: what the size of a chunk does to what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from coach.errors import UsageError
from coach.evaluation.cases import Case
from coach.evaluation.chunk_sizes import cut_and_find
from coach.evaluation.selection import bundled_cases
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.protocols import IndexedVectors, Vectors
from coach.text.attribution import collection_label
from coach.types import COMMITTEE, Document

if TYPE_CHECKING:
    from coach.coach import Coach

SIZES = (48, 64, 96, 128, 192, 256)  # tokens; below that some facts fit into no chunk
OVERLAPS = (0, 25, 50)  # percent
DEPTHS = tuple(range(1, 11))  # chunks among which an answer is looked for
POINTS = 2_000  # drawn on the map
BEGINNING = 110  # characters of a passage


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """The map for one question, and recall for every way of cutting; raises UsageError for an empty question."""
    question = str(controls["question"]).strip()
    if not question:
        raise UsageError("There is no question: write one, such as the one that was there, and run it again.")
    cases = bundled_cases("all", "answerable")
    ways = [way for way in product(SIZES, OVERLAPS) if way[0] <= coach.embedder.max_tokens]
    tell("Drawing the map", 0, len(ways) + 1)
    rows = _map(question, coach.embedder.embed([question])[0], coach.index.vectors())
    documents = [one for one in coach.documents() if one.collection == COMMITTEE]
    for number, (size, overlap) in enumerate(ways, 1):
        tell("Cutting the article anew", number, len(ways) + 1)
        rows += _cut(documents, cases, coach, size, overlap)
    said = measured(
        f"{coach.embedder.name}, {len(cases)} questions with a known answer, by meaning alone, no chat model"
    )
    return moved(Outcome(tuple(rows), measured=said), controls)


def moved(outcome: Outcome, controls: Mapping[str, Value]) -> Outcome:
    """What the map and the chosen way of cutting show, in sentences."""
    depth = int(controls["passages"])
    findings = (*_said_of_map(outcome.rows, depth), *_said_of_cuts(cuts(outcome, controls), controls))
    return Outcome(outcome.rows, findings, outcome.measured, outcome.estimated)


def cuts(outcome: Outcome, controls: Mapping[str, Value]) -> list[Mapping[str, Any]]:
    """The rows of every size at the chosen overlap and depth, the smallest size first."""
    return [
        row
        for row in outcome.rows
        if row["part"] == "cut"
        and (row["overlap"], row["among"]) == (int(controls["overlap"]), int(controls["passages"]))
    ]


def nearest_cut(rows: Sequence[Mapping[str, Any]], controls: Mapping[str, Value]) -> Mapping[str, Any]:
    """The one of the chosen size; of the nearest where the embedding model does not read as much."""
    return min(rows, key=lambda row: abs(row["size"] - int(controls["size"])))


def _map(question: str, vector: Vectors, held: IndexedVectors) -> list[dict[str, Any]]:
    """Every passage by the two directions in which they differ most (principal components), with its rank for the question."""
    from sklearn.decomposition import PCA

    cosines = held.chunks @ vector
    order = np.argsort(-cosines, kind="stable")
    ranks = {int(row): rank for rank, row in enumerate(order, 1)}
    projection = PCA(n_components=min(2, *held.chunks.shape), svd_solver="full").fit(held.chunks)
    places = np.zeros((len(held.chunks) + 1, 2))
    flat = projection.transform(np.vstack([held.chunks, vector]))
    places[:, : flat.shape[1]] = flat
    shown = [*order[: max(DEPTHS)], *order[max(DEPTHS) :: -(-len(order) // POINTS)]]
    rows = [
        {
            "part": "map",
            "x": float(places[row, 0]),
            "y": float(places[row, 1]),
            "whose": collection_label(passage.collection),
            "document": passage.title,
            "heading": passage.heading,
            "begins": _beginning(passage.chunk.text),
            "likeness": float(cosines[row]),
            "rank": ranks[int(row)],
        }
        for row in shown
        for passage in [held.passages[int(row)]]
    ]
    spread = float(projection.explained_variance_ratio_.sum())
    star = {"part": "question", "question": question, "x": float(places[-1, 0]), "y": float(places[-1, 1])}
    return [{**star, "spread shown": spread}, *rows]


def _beginning(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= BEGINNING else f"{plain[:BEGINNING].rstrip()}…"


def _cut(
    documents: Sequence[Document], cases: Sequence[Case], coach: Coach, size: int, overlap: int
) -> list[dict[str, Any]]:
    found = cut_and_find(documents, cases, coach.embedder, size, overlap / 100)
    return [
        {
            "part": "cut",
            "size": size,
            "overlap": overlap,
            "among": depth,
            "recall": found.recall(depth),
            "chunks": found.chunks,
            "words a chunk": found.words,
            "cut apart": found.ranks.count(None),
        }
        for depth in DEPTHS
    ]


def _said_of_map(rows: Sequence[Mapping[str, Any]], depth: int) -> list[str]:
    star = next(row for row in rows if row["part"] == "question")
    points = [row for row in rows if row["part"] == "map"]
    near = sorted((row for row in points if row["rank"] <= depth), key=lambda row: row["rank"])
    flat = sorted(points, key=lambda row: (row["x"] - star["x"]) ** 2 + (row["y"] - star["y"]) ** 2)[:depth]
    both = sum(row["rank"] <= depth for row in flat)
    return [
        f"Nearest to “{star['question']}”, of {len(points)} passages: {near[0]['heading']}, with a likeness of {near[0]['likeness']:.2f} "
        "(1 would be the same direction).",
        f"A flat map keeps {star['spread shown']:.0%} of what tells the passages apart: its {len(flat)} nearest to the star have {both} in "
        "common with the nearest in meaning.",
    ]


def _said_of_cuts(rows: Sequence[Mapping[str, Any]], controls: Mapping[str, Value]) -> list[str]:
    here, best = nearest_cut(rows, controls), max(rows, key=lambda row: row["recall"])
    depth = here["among"]
    said = [
        f"In chunks of at most {here['size']} tokens with {here['overlap']}% overlap the article is {here['chunks']} chunks; {here['recall']:.0%} "
        f"of the questions have their answer among the first {depth}, which are about {depth * here['words a chunk']:.0f} words to read.",
        f"Most are found with {best['size']} tokens: {best['recall']:.0%}, in about {depth * best['words a chunk']:.0f} words.",
    ]
    if here["cut apart"]:
        said.append(
            f"For {here['cut apart']} questions no chunk holds the answer whole: the cut goes through it."
        )
    return said


EXPERIMENT = Experiment(
    name="chunks-and-embeddings",
    title="Chunks and embeddings",
    explanation="To search a text by meaning the coach cuts it into chunks and turns each into a list of numbers, so that texts of a "
    "like meaning lie close together. Ask something and look at which chunks light up around the star. Then change how large the chunks "
    "are and how much of one is repeated in the next, and watch how many questions still find their answer.",
    quote="This means understanding the difference between RAG and fine-tuning, not just knowing what an LLM is.",
    question="How would you choose how large the pieces of a document are for retrieval, and how would you measure that the choice is "
    "right?",
    kind="technical",
    controls=(
        Control("question", "Question", "How do I talk about the risks of a model?"),
        Control("size", "Tokens a chunk holds at most", 128, SIZES[0], SIZES[-1], stops=SIZES, moves=True),
        Control("overlap", "Percent of a chunk repeated in the next", 0, 0, 50, stops=OVERLAPS, moves=True),
        Control("passages", "Chunks looked at", 3, DEPTHS[0], DEPTHS[-1], moves=True),
    ),
    run=run,
    moved=moved,
)
