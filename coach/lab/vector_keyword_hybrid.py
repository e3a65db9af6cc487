"""Ask one question by its words, by its meaning and by both, see which is right on the cases, and what Chroma's graph costs and saves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coach.errors import UsageError
from coach.evaluation.cases import Case
from coach.evaluation.nearest import GRAPH_ABOVE, GraphSearch, compare_with_graph, mixed
from coach.evaluation.retrieval import MEANING, OURS, WORDS, fuse_ranks, holds_answer, rank_passages
from coach.evaluation.selection import bundled_cases
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.text.attribution import collection_label
from coach.types import COMMITTEE, Passage

if TYPE_CHECKING:
    from coach.coach import Coach

WAYS = {WORDS: "keywords", MEANING: "meaning", OURS: "both"}
FUSED = "ranks added"
MOST = 12  # passages that can be shown
FAR = 1000  # a rank behind every other
DEPTHS = (1, 3, 5)  # among how many passages the answer is looked for
NEAREST, QUERIES = 10, 100  # of the comparison with the graph
BEGINNING = 90  # characters of a passage


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """One question three ways, the cases three ways, and the graph; raises UsageError for an empty question."""
    question = str(controls["question"]).strip()
    if not question:
        raise UsageError("There is no question: write one, such as the one that was there, and run it again.")
    cases = bundled_cases("held_out", "answerable")
    steps = len(cases) + 4
    tell("Searching three ways", 0, steps)
    rows = _ranks(coach, question)
    for number, case in enumerate(cases):
        tell("Asking the cases three ways", number, steps)
        rows.append(_case_row(coach, case))
    for number, (name, found) in enumerate(_graphs(coach, cases, int(controls["width"]))):
        tell("Comparing with the graph", len(cases) + number, steps)
        rows.append(
            {
                "part": "graph",
                "vectors of": name,
                "vectors": found.vectors,
                "recall": found.recall,
                "graph ms": found.graph_ms,
                "exact ms": found.exact_ms,
                "build s": found.build_seconds,
            }
        )
    said = measured(f"{coach.embedder.name}, BM25, Chroma, {len(cases)} cases held out, no chat model")
    return moved(Outcome(tuple(rows), measured=said), controls)


def moved(outcome: Outcome, controls: Mapping[str, Value]) -> Outcome:
    """The outcome in sentences, for so many passages."""
    ranks = [row for row in outcome.rows if row["part"] == "ranks"]
    cases = [row for row in outcome.rows if row["part"] == "case"]
    graphs = [row for row in outcome.rows if row["part"] == "graph"]
    findings = (
        *_said_of_ranks(ranks, int(controls["passages"])),
        *_said_of_cases(cases),
        *map(_said_of_graph, graphs),
        f"The coach looks at every vector up to {GRAPH_ABOVE:,} passages and asks the graph beyond that.",
    )
    return Outcome(outcome.rows, findings, outcome.measured, outcome.estimated)


def share_found(cases: Sequence[Mapping[str, Any]], way: str, depth: int) -> float:
    """The share of the cases whose answer this way has among its first `depth` passages."""
    return sum(_place(row, way) <= depth for row in cases) / len(cases)


def _place(row: Mapping[str, Any], way: str) -> int:
    """The rank that this way gave; far behind where it found nothing."""
    return int(row[way] or FAR)


def _ranks(coach: Coach, question: str) -> list[dict[str, Any]]:
    """Every passage that one of the ways has among its first, with its rank in each."""
    found = rank_passages(question, coach.embedder, coach.index)
    places = {way: _places(passages) for way, passages in found.items()}
    shown = {p.chunk.id: p for passages in found.values() for p in passages[:MOST]}
    rows = [
        {
            "part": "ranks",
            "question": question,
            "heading": passage.heading,
            "begins": _beginning(passage.chunk.text),
            "whose": collection_label(passage.collection),
            **{WAYS[way]: places[way].get(name) for way in WAYS},
        }
        for name, passage in shown.items()
    ]
    return sorted(rows, key=lambda row: _place(row, "both"))


def _places(passages: Sequence[Passage]) -> dict[str, int]:
    return {passage.chunk.id: rank for rank, passage in enumerate(passages, 1)}


def _beginning(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= BEGINNING else f"{plain[:BEGINNING].rstrip()}…"


def _case_row(coach: Coach, case: Case) -> dict[str, Any]:
    """Where the first passage that answers the case stands, each way; None where it is not found."""
    found = rank_passages(case.question, coach.embedder, coach.index.within({COMMITTEE}))
    known = {p.chunk.id: p for passages in found.values() for p in passages}
    ranked = {WAYS[way]: [p.chunk.id for p in passages] for way, passages in found.items()}
    ranked[FUSED] = fuse_ranks(ranked["keywords"], ranked["meaning"])
    right = {
        name for name, p in known.items() if holds_answer(case, p.chunk.headings or (p.title,), p.chunk.text)
    }
    first = {
        way: next((rank for rank, name in enumerate(names, 1) if name in right), None)
        for way, names in ranked.items()
    }
    return {"part": "case", "question": case.question, **first}


def _graphs(coach: Coach, cases: Sequence[Case], width: int) -> Iterator[tuple[str, GraphSearch]]:
    """The graph over ever more vectors: the index's own, and as many as it takes for the coach to use the graph."""
    held = coach.index.vectors()
    queries = coach.embedder.embed([case.question for case in cases][:QUERIES])
    sizes = [("passages", held.chunks), ("sentences", held.sentences)]
    sizes += [("written questions", held.questions)] if len(held.questions) else []
    sizes += [("made up, between the others", mixed(sizes[-1][1]))]
    for name, vectors in sizes:
        yield name, compare_with_graph(vectors, queries, NEAREST, width)


def _said_of_ranks(ranks: Sequence[Mapping[str, Any]], passages: int) -> Iterator[str]:
    tops = [(way, next((row for row in ranks if row[way] == 1), None)) for way in WAYS.values()]
    firsts = [f"{way} “{row['heading']}”" if row else f"{way} nothing" for way, row in tops]
    yield f"First comes, by {', by '.join(firsts)}."
    best = ranks[0]
    others = [
        f"by {way} {_ordinal(best[way]) if best[way] else 'nowhere'}" for way in ("keywords", "meaning")
    ]
    yield f"What both together put first stands {' and '.join(others)}."
    firsts_of = [
        {row["begins"] for row in ranks if _place(row, way) <= passages} for way in ("keywords", "meaning")
    ]
    yield f"Of the first {passages} passages, keywords and meaning have {len(firsts_of[0] & firsts_of[1])} in common."


def _said_of_cases(cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    shares = [f"{way} {share_found(cases, way, 1):.0%}" for way in WAYS.values()]
    yield f"The passage with the answer comes first, over {len(cases)} questions with a known answer: {', '.join(shares)}."
    yield (
        "“Both” is the coach’s own search, which also looks at single sentences and at questions written down beforehand; merely "
        f"adding the two ranks would give {share_found(cases, FUSED, 1):.0%}."
    )
    for better, worse in (("keywords", "meaning"), ("meaning", "keywords")):
        won = [row for row in cases if _place(row, better) < _place(row, worse)]
        if won:
            clearest = max(won, key=lambda row: _place(row, worse) - row[better])
            other = _ordinal(clearest[worse]) if clearest[worse] else "not at all"
            yield (
                f"{better.capitalize()} found the answer higher up {len(won)} times of {len(cases)}, as for “{clearest['question']}”: "
                f"{_ordinal(clearest[better])}, by {worse} {other}."
            )


def _said_of_graph(row: Mapping[str, Any]) -> str:
    faster = "the graph is faster" if row["graph ms"] < row["exact ms"] else "looking at all is faster"
    return (
        f"Among {row['vectors']:,} vectors ({row['vectors of']}) the graph finds {row['recall']:.1%} of the {NEAREST} nearest in "
        f"{row['graph ms']:.2f} ms, looking at every one finds all in {row['exact ms']:.2f} ms: {faster}."
    )


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


EXPERIMENT = Experiment(
    name="vector-keyword-hybrid",
    title="Search by words, by meaning, and by both",
    explanation="Keyword search looks for the words you typed; vector search turns texts into lists of numbers that lie close together "
    "where the meaning is alike. Change the question and look at which passages move: a line that rises or falls is a passage on which "
    "the two disagree. Below, the same for questions whose answer is known, and what a shortcut through the numbers saves and misses.",
    quote="It’s not enough to know what a vector database is; a strong candidate understands why it’s chosen over other indexing methods "
    "for a specific use case and its implications for data freshness and retrieval accuracy.",
    question="When would you choose a vector database over keyword search for a product, and how would you find out whether it was "
    "the right choice?",
    kind="technical",
    controls=(
        Control("question", "Question", "How should I talk about hallucinations?"),
        Control("passages", "Passages shown", 5, 3, MOST, moves=True),
        Control(
            "width",
            "How many neighbours the graph keeps in view (Chroma’s own: 100)",
            10,
            10,
            400,
            stops=(10, 25, 50, 100, 200, 400),
        ),
    ),
    run=run,
    moved=moved,
)
