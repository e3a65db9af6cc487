"""How well stories are found for a question, and claims in no story are told, on the labelled sets beside this file.

python -m bench.stories.measure [--split held_out]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from coach.backends import load_embedder
from coach.coach import MemoryEmbedder
from coach.practice.stories import NEAR_ENOUGH, find_unbacked, likenesses, matching_stories
from coach.settings import load_settings
from coach.types import Quote, Story

HERE = Path(__file__).parent


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a set."""
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def stories() -> list[Story]:
    """The story bank that the sets speak of."""
    return [Story(**row) for row in rows("stories")]


def matching(split: str, embedder: Any) -> dict[str, int]:
    """Of the questions that a story answers: how many get a right one first, and among those shown; of the others: how many get any."""
    counts = dict.fromkeys(("with", "first", "shown", "others", "none"), 0)
    for row in (row for row in rows("questions") if row["split"] == split):
        shown = [
            match.story.id for match in matching_stories(row["question"], stories(), embedder) if match.sure
        ]
        if row["fits"]:
            counts["with"] += 1
            counts["first"] += shown[:1] != [] and shown[0] in row["fits"]
            counts["shown"] += bool({*shown} & {*row["fits"]})
        else:
            counts["others"] += 1
            counts["none"] += not shown
    return counts


def claims(split: str, embedder: Any) -> tuple[int, int, int, list[str]]:
    """Right, told and wanted figures and names, and a line for each sentence on which something is off."""
    right = told = wanted = 0
    off = []
    for row in (row for row in rows("claims") if row["split"] == split):
        quote = Quote(row["draft"], 0, len(row["draft"]))
        found = find_unbacked([quote], stories(), lambda text, vector: (), lambda name: False, embedder)
        said = [one.said for one in found]
        right += len({*said} & {*row["said"]})
        told, wanted = told + len(said), wanted + len(row["said"])
        if said != row["said"]:
            off.append(f"{row['id']} {row['draft']} expected {row['said']} found {said}")
    return right, told, wanted, off


def best_threshold(embedder: Any) -> float:
    """On the fit questions: where the share shown a right story, less the share of the others shown anything, is greatest."""
    scored = [
        (
            row["fits"],
            dict(
                zip(
                    (one.id for one in stories()),
                    likenesses(row["question"], stories(), embedder),
                    strict=True,
                )
            ),
        )
        for row in rows("questions")
        if row["split"] == "fit"
    ]
    right = [max(found[one] for one in fits) for fits, found in scored if fits]
    wrong = [max(found.values()) for fits, found in scored if not fits]

    def gain(at: float) -> float:
        return sum(one >= at for one in right) / len(right) - sum(one >= at for one in wrong) / len(wrong)

    return max((at / 100 for at in range(40, 100)), key=gain)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="held_out", choices=["fit", "held_out"])
    split = parser.parse_args().split
    embedder = MemoryEmbedder(load_embedder(load_settings()))
    print(
        f"threshold {NEAR_ENOUGH}, best on the fit questions {best_threshold(embedder):.2f}; {split}: {matching(split, embedder)}"
    )
    right, told, wanted, off = claims(split, embedder)
    print("\n".join(off))
    print(f"claims, {split}: precision {right}/{told}, recall {right}/{wanted}")


if __name__ == "__main__":
    main()
