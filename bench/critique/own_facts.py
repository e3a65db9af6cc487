"""How well contradictions of the candidate's own documents are told, on the pairs of `own_facts.jsonl`, and how long it takes.

    python -m bench.critique.own_facts [--split held_out] [--together]

Each draft sentence is compared with its own sentence; with `--together` with the sentences of all pairs as one set of documents, where what
another pair contradicts counts as wrong.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coach.backends import load_embedder
from coach.coach import MemoryEmbedder
from coach.critique.own_facts import find_contradictions
from coach.settings import load_settings
from coach.types import Contradiction, Quote, Statement

PAIRS = Path(__file__).with_suffix(".jsonl")
NEAREST = 10


def main() -> None:
    """Compare, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="held_out", choices=["fit", "held_out"])
    parser.add_argument("--together", action="store_true")
    chosen = parser.parse_args()
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    every = list(dict.fromkeys(row["own"] for row in rows))
    embedder = MemoryEmbedder(load_embedder(load_settings()))
    wrong = right = wanted = 0
    began = time.perf_counter()
    for row in (row for row in rows if row["split"] == chosen.split):
        found = compare(row["draft"], every if chosen.together else [row["own"]], embedder)
        expected = row["label"] == "contradicts"
        told = [(one.said, one.known) for one in found]
        good = [one for one in told if expected and one == (row["said"], row["known"])]
        wanted, right, wrong = wanted + expected, right + len(good), wrong + len(told) - len(good)
        if len(good) != expected or len(told) != len(good):
            print(row["label"], row["draft"], "|", row["own"], "|", told)
    seconds = time.perf_counter() - began
    print(f"precision {right}/{right + wrong}, recall {right}/{wanted}, {1000 * seconds:.0f} ms in all")


def compare(draft: str, own: Sequence[str], embedder: Any) -> tuple[Contradiction, ...]:
    """The draft sentence against the own ones, the nearest first."""

    def near(text: str, vector: Any) -> list[Statement]:
        cosines = (embedder.embed(own) @ vector).tolist()
        stated = [
            Statement(("CV",), one, "cv.md", 0, len(one), cosine=cosine)
            for one, cosine in zip(own, cosines, strict=True)
        ]
        return sorted(stated, key=lambda statement: -statement.cosine)[:NEAREST]

    return find_contradictions(
        [Quote(draft, 0, len(draft))], near, lambda name: any(name in one for one in own), embedder
    )


if __name__ == "__main__":
    main()
