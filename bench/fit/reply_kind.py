"""Fit what tells an answer from what else a candidate may say, and score it on replies that it never saw.

python -m bench.fit.reply_kind            # the table
python -m bench.fit.reply_kind --write    # and refit the shipped coefficients
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from bench.fit.support import DEFAULT_CACHE, CachedEmbedder
from coach.backends import load_embedder
from coach.practice.reply_kind import MODEL_FILE, features, kind_of
from coach.settings import load_settings

PROJECT = Path(__file__).resolve().parents[2]
REPLIES = PROJECT / "bench" / "interview" / "replies.jsonl"
MORE_REPLIES = (
    PROJECT / "bench" / "interview" / "replies_to_fit.jsonl"
)  # by the author of the signals: for the fit alone
CRITIQUE = PROJECT / "bench" / "critique"
TARGET = PROJECT / "coach" / "practice" / MODEL_FILE
STRENGTH = 10.0  # of the fit (C)
ABOVE = 0.5  # likelihood from which a reply is taken for something other than an answer
FOLDS = 5


def main() -> None:
    """Fit, print the figures, and write the coefficients where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {MODEL_FILE}")
    arguments = parser.parse_args()
    embedder = CachedEmbedder(load_embedder(load_settings()), DEFAULT_CACHE, print)
    replies = _rows(REPLIES)
    record = fit([row for row in replies if row["split"] == "fit"], embedder)
    for split in {row["split"]: None for row in replies}:
        _print_table(split, [row for row in replies if row["split"] == split], record, embedder)
    if arguments.write:
        TARGET.write_text(json.dumps(record) + "\n", encoding="utf-8")


def fit(replies: list[dict[str, Any]], embedder: Any) -> dict[str, Any]:
    """The coefficients, fitted on `replies`, on drafts of the critique's fit part (as answers, and beside another question as answers to
    another one) and on orders to its judge."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rows = [*((row["reply"], row["question"], row["kind"]) for row in replies), *_more()]
    vectors = features([row[0] for row in rows], [[row[1]] for row in rows], embedder)
    kinds = [row[2] for row in rows]
    model = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    guessed = cross_val_predict(model, vectors, kinds, cv=folds)[: len(replies)]
    right = sum(guess == row["kind"] for guess, row in zip(guessed, replies, strict=True))
    print(f"in {FOLDS} folds: {right} of {len(replies)} right")
    model.fit(vectors, kinds)
    return {
        "made_by": "bench/fit/reply_kind.py",
        "embedder": embedder.plain.name.partition("@")[0],
        "above": ABOVE,
        "kinds": [str(kind) for kind in model.classes_],
        "intercepts": [round(float(one), 3) for one in model.intercept_],
        "weights": [[round(float(one), 3) for one in row] for row in model.coef_],
    }


def _more() -> list[tuple[str, str, str]]:
    """(reply, question, kind) out of the critique's own data."""
    drafts = [row for row in _rows(CRITIQUE / "drafts.jsonl") if row["split"] == "fit"]
    talk = [row["text"] for row in _rows(CRITIQUE / "judge_talk.jsonl") if row["to_judge"]]
    others = [drafts[(place + len(drafts) // 2) % len(drafts)] for place in range(len(drafts))]
    return [
        *((row["reply"], row["question"], row["kind"]) for row in _rows(MORE_REPLIES)),
        *((row["draft"], row["question"], "answer") for row in drafts),
        *(
            (other["draft"], row["question"], "other_question")
            for row, other in zip(drafts, others, strict=True)
            if other["question"] != row["question"]
        ),
        *((text, drafts[place % len(drafts)]["question"], "steer") for place, text in enumerate(talk[:60])),
    ]


def _print_table(split: str, rows: list[dict[str, Any]], record: dict[str, Any], embedder: Any) -> None:
    found = kind_of(
        features([row["reply"] for row in rows], [[row["question"]] for row in rows], embedder), record
    )
    pairs = Counter((row["kind"], kind) for row, kind in zip(rows, found, strict=True))
    print(f"{split}: {sum(pairs[kind, kind] for kind in record['kinds'])} of {len(rows)} right")
    for kind in record["kinds"]:
        whole = sum(count for (true, _), count in pairs.items() if true == kind)
        taken = {guess: count for (true, guess), count in pairs.items() if true == kind and guess != kind}
        print(f"  {kind}: {pairs[kind, kind]} of {whole}", taken or "")
    for row, kind in zip(rows, found, strict=True):
        if split == "held_out" and kind != row["kind"]:
            print(f"    {row['kind']} taken for {kind}: {row['reply'][:90]}")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    main()
