"""Compare the graph that Chroma searches with looking at every vector: how many of the nearest it finds, and how long each takes."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np

from coach.backends.chroma import EXACT_UP_TO, graph_of
from coach.protocols import Vectors

GRAPH_ABOVE = EXACT_UP_TO  # vectors: where the coach itself turns to the graph


@dataclass(frozen=True, slots=True)
class GraphSearch:
    """The graph over so many vectors: the share of the truly nearest that it found, and the medians of both in milliseconds a query."""

    vectors: int
    recall: float
    graph_ms: float
    exact_ms: float
    build_seconds: float


def compare_with_graph(vectors: Vectors, queries: Vectors, limit: int, width: int) -> GraphSearch:
    """Search the `limit` nearest of every query in both ways; `width` as for `coach.backends.chroma.graph_of`."""
    vectors, limit = np.array(vectors), min(limit, len(vectors))  # an index maps its own from the disk
    began = time.perf_counter()
    with graph_of(vectors, width) as search:
        search(queries[0], limit)  # what is added is put into the graph by then
        build_seconds = time.perf_counter() - began
        found, graph_ms, exact_ms = 0, [], []
        for query in queries:
            began = time.perf_counter()
            near = search(query, limit)
            graph_ms.append(1000 * (time.perf_counter() - began))
            began = time.perf_counter()
            nearest = np.argpartition(-(vectors @ query), limit - 1)[:limit]
            exact_ms.append(1000 * (time.perf_counter() - began))
            found += len({*near} & {*nearest.tolist()})
    recall = found / (limit * len(queries))
    return GraphSearch(
        len(vectors), recall, statistics.median(graph_ms), statistics.median(exact_ms), build_seconds
    )


def mixed(vectors: Vectors, count: int = GRAPH_ABOVE) -> Vectors:
    """So many made-up unit vectors, each between two of these: as many as an index holds when the coach turns to the graph."""
    chance = np.random.default_rng(0)
    first, second = chance.integers(0, len(vectors), (2, count))
    share = chance.random((count, 1), dtype=np.float32)
    between = share * vectors[first] + (1 - share) * vectors[second]
    made: Vectors = between / np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-9)
    return made.astype(np.float32)
