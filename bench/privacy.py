"""Measure what `coach.privacy` finds: recall and precision by kind on a labelled set, and false names in texts that have none.

    python -m bench.privacy --data ../shared/data [--half fit] [--failures]

The odd rows of the set are held out: nothing was chosen by looking at what is missed in them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coach.evaluation.intervals import wilson_interval
from coach.privacy.find import find_personal
from coach.privacy.item import PersonalItem
from coach.settings import corpus_folder

# The set's types, and what they are here; places and organisations by themselves are not masked.
KINDS = {
    "PERSON": "name",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "ADDRESS": "address",
    "CREDIT_CARD": "card",
    "US_SSN": "id number",
    "US_DRIVER_LICENSE": "id number",
}
DRAFTS = Path(__file__).parent / "critique" / "drafts.jsonl"


def main() -> None:
    """Find, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--half", choices=["fit", "held_out"], default="held_out")
    parser.add_argument("--failures", action="store_true", help="Print what was missed and what was wrong.")
    arguments = parser.parse_args()
    rows = labelled(arguments.data, arguments.half)
    counts, failures = counted(rows)
    print("| kind | recall | precision |\n|---|---|---|")
    for kind in dict.fromkeys(KINDS.values()):
        recall = _share(counts[kind, "found"], counts[kind, "missed"])
        print(f"| {kind} | {recall} | {_share(counts[kind, 'right'], counts[kind, 'wrong'])} |")
    if arguments.failures:
        print("\n".join(failures))
    guides = [path.read_text(encoding="utf-8") for path in sorted((corpus_folder() / "guides").glob("*.md"))]
    _print_names("the article", guides)
    _print_names("the drafts", [row["draft"] for row in _lines(DRAFTS)])


def labelled(data: Path, half: str) -> list[dict[str, Any]]:
    """The rows of one half, `fit` or `held_out`, each span where its value stands: one is a character off in the set."""
    rows = _lines(data / "pii" / "presidio_small.jsonl")
    for row in rows:
        for span in row["spans"]:
            if row["text"][span["start"] : span["end"]] != span["value"]:
                span["start"] = row["text"].index(span["value"])
                span["end"] = span["start"] + len(span["value"])
    return [row for row in rows if int(row["id"]) % 2 == (half == "held_out")]


def counted(rows: Sequence[dict[str, Any]]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """How many values of each kind were found and missed, and how many items are right and wrong; and a line for each failure.

    Found: the whole value is masked, by whatever kind. Right: what is called this kind touches a value of it.
    """
    counts: Counter[tuple[str, str]] = Counter()
    failures = []
    for row in rows:
        items = find_personal(row["text"])
        for span in (span for span in row["spans"] if span["type"] in KINDS):
            found = _covered(span, items)
            counts[KINDS[span["type"]], "found" if found else "missed"] += 1
            if not found:
                failures.append(f"missed {KINDS[span['type']]} {span['value']!r} in row {row['id']}")
        for item in items:
            right = any(_touches(item, span) and _may_be(item, span) for span in row["spans"])
            counts[item.kind, "right" if right else "wrong"] += 1
            if not right:
                failures.append(f"no {item.kind}: {item.text!r} in row {row['id']}")
    return counts, failures


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _covered(span: dict[str, Any], items: Sequence[PersonalItem]) -> bool:
    """Whether no letter or digit of the value would be seen."""
    return all(
        any(item.start <= place < item.end for item in items)
        for place, character in enumerate(span["value"], span["start"])
        if character.isalnum()
    )


def _touches(item: PersonalItem, span: dict[str, Any]) -> bool:
    return bool(item.start < span["end"] and span["start"] < item.end)


def _may_be(item: PersonalItem, span: dict[str, Any]) -> bool:
    return item.kind == KINDS.get(span["type"]) or (item.kind == "address" and span["type"] == "LOCATION")


def _share(yes: int, no: int) -> str:
    if not yes + no:
        return "none"
    low, high = wilson_interval(yes, yes + no)
    return f"{yes / (yes + no):.2f} ({yes}/{yes + no}; {low:.2f} to {high:.2f})"


def _print_names(which: str, texts: Sequence[str]) -> None:
    began = time.perf_counter()
    found = [item for text in texts for item in find_personal(text)]
    seconds = time.perf_counter() - began
    words = sum(len(text.split()) for text in texts)
    print(
        f"\n{which}: {len(found)} items in {words} words ({1000 * len(found) / words:.1f} per 1,000), "
        f"{1e6 * seconds / sum(map(len, texts)):.0f} ms per 1,000 characters"
    )
    for (kind, text), count in sorted(Counter((item.kind, item.text) for item in found).items()):
        print(f"  {kind}: {text!r} {count}")


if __name__ == "__main__":
    main()
