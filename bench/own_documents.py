"""Ask the topics of `bench/answers/topics.jsonl` over the guide and documents of one's own together, as a user who has both does.

    python -m bench.own_documents --data ../shared/data [--split held_out] [--beside handbook] [--fit]

For each of the three other documents, ingested beside the guide: of the questions on that document and of those on the article, how often
the first sentence cited is of the right one, any is, the fact is in the reply, and it was wrongly refused; without a chat model. `--fit`
fits the weights of `coach/answer/whose.py` on the fit split, prints them, and asks nothing.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.fit.answerability import documents_of, read
from coach.answer.condense import Standalone
from coach.answer.resources import Resources
from coach.answer.search import search_apart
from coach.answer.whose import OWN_FROM, nearest_cosine, signals
from coach.backends import load_embedder
from coach.backends.chroma import ChromaIndexWriter, open_index
from coach.coach import Coach
from coach.evaluation.score import facts_found
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.stream import Tracer
from coach.types import Answer
from ingest.pipeline import ingest

TOPICS = Path(__file__).parent / "answers" / "topics.jsonl"
CASES = Path(__file__).parent / "answers" / "cases.jsonl"
BESIDE = ("handbook", "guide", "encyclopaedia")


def main() -> None:
    """Ask, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="held_out", choices=["fit", "held_out"])
    parser.add_argument("--beside", choices=BESIDE, action="append")
    parser.add_argument("--failures", action="store_true", help="print those that cite the other one first")
    parser.add_argument("--fit", action="store_true")
    chosen = parser.parse_args()
    rows = [row for row in read(TOPICS) if row["split"] == ("fit" if chosen.fit else chosen.split)]
    settings = load_settings(backend="none", traces=False, keep_drafts=False)
    embedder = load_embedder(settings)
    told: list[tuple[tuple[float, ...], bool]] = []
    with tempfile.TemporaryDirectory() as folder:
        for beside in chosen.beside or BESIDE:
            index = index_beside_the_guide(beside, chosen.data, embedder, Path(folder) / beside)
            coach = Coach(settings, embedder, index, ChosenModel(None, "none", ""))
            if chosen.fit:
                told += [(signals_of(row, coach), row["source"] == beside) for row in answered(rows, beside)]
                continue
            for source in (beside, "article"):
                asked = [row for row in rows if row["source"] == source]
                report(f"{beside}: on the {source}", coach, asked, chosen.failures)

    if chosen.fit:
        fit(told)


def answered(rows: list[dict[str, Any]], beside: str) -> list[dict[str, Any]]:
    """The questions that the article or the document beside it answers: topics, and the cases of the fit split."""
    cases = [row for row in read(CASES) if row["split"] == "fit" and row["kind"] == "answerable"]
    topics = [row for row in rows if row["present"] and row["source"] in (beside, "article")]
    return [*topics, *({**case, "source": "article"} for case in cases)]


def signals_of(row: dict[str, Any], coach: Coach) -> tuple[float, ...]:
    """What it is told by that a question is one for the user's own documents."""
    resources = Resources(coach.embedder, coach.index, coach.chosen_model, tuple, coach.settings)
    committee, own = next(iter(search_apart(Standalone(row["question"]), resources, Tracer())))
    return signals(committee.evidence, own.evidence, nearest_cosine(own.passages))


def fit(told: list[tuple[tuple[float, ...], bool]]) -> None:
    """Print intercept and weights, and the shares told right from the bound on; both kinds of question count alike."""
    rows, own = np.array([row for row, _ in told]), np.array([is_own for _, is_own in told])
    model = LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(rows, own)
    likely = model.predict_proba(rows)[:, 1] >= OWN_FROM
    print(f"intercept {model.intercept_[0]:.1f}, weights {model.coef_[0].round(1).tolist()}")
    print(f"told right: own {likely[own].mean():.2f}, article {1 - likely[~own].mean():.2f} of {len(own)}")


def index_beside_the_guide(source: str, data: Path, embedder: Any, place: Path) -> Any:
    """The bundled guide and a user's folder with the documents of `source`, indexed as the product does."""
    own = place / "own"
    own.mkdir(parents=True)
    for number, (title, text) in enumerate(documents_of(source, data)):
        (own / f"{number:05d}.md").write_text(f"# {title}\n\n{text}", encoding="utf-8")
    ingest(embedder, ChromaIndexWriter(place / "index"), [own])
    return open_index(place / "index", embedder.name)


def report(label: str, coach: Coach, rows: list[dict[str, Any]], failures: bool) -> None:
    """Ask the rows and print what came of those with an answer, and how many of the others were refused."""
    present = [row for row in rows if row["present"]]
    first = any_right = facts = refused = 0
    for row in present:
        reply = coach.answer(row["question"]).result()
        cited = []
        if isinstance(reply, Answer):
            cited = [one.span.source.startswith("guides/") for s in reply.sentences for one in s.citations]
            facts += facts_found(row["facts"], reply.text) == len(row["facts"])
        refused += not isinstance(reply, Answer)
        right = row["source"] == "article"
        first += cited[:1] == [right]
        any_right += right in cited
        if failures and cited[:1] != [right]:
            print(
                json.dumps([row["source"], row["question"], reply.text[:200]], ensure_ascii=False), flush=True
            )
    absent = [row for row in rows if not row["present"]]
    no = sum(not isinstance(coach.answer(row["question"]).result(), Answer) for row in absent)
    print(
        f"{label:40} right one first {share(first, present)}, cited at all {share(any_right, present)}, "
        f"fact in the reply {share(facts, present)}, wrongly refused {share(refused, present)}; "
        f"absent topics refused {share(no, absent)}",
        flush=True,
    )


def share(count: int, of: list[Any]) -> str:
    """A share with its count."""
    return f"{count / max(1, len(of)):.2f} ({count}/{len(of)})"


if __name__ == "__main__":
    main()
