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

import numpy as np

from bench.fit.support import DEFAULT_CACHE, CachedEmbedder
from coach.backends import load_embedder
from coach.practice.reply_kind import MODEL_FILE, decided, features, kind_of
from coach.settings import load_settings
from coach.text.sentences import split_sentences

PROJECT = Path(__file__).resolve().parents[2]
REPLIES = PROJECT / "bench" / "interview" / "replies.jsonl"
MORE_REPLIES = (
    PROJECT / "bench" / "interview" / "replies_to_fit.jsonl"
)  # by the author of the signals: for the fit alone
ANSWERS = PROJECT / "bench" / "interview" / "answers.jsonl"
CRITIQUE = PROJECT / "bench" / "critique"
TARGET = PROJECT / "coach" / "practice" / MODEL_FILE
STRENGTH = 10.0  # of the fit (C)
# Likelihood from which a reply is taken for something other than an answer: to tell somebody who answers that they do not is the worse mistake,
# most of all of a long reply. Chosen so that in folds of the fit part no more than one answer in fifty is taken for something else.
ABOVE = {"dont_know": 0.4, "clarify": 0.4, "off_topic": 0.4, "other_question": 0.8, "steer": 0.5}
DRAFT_SENTENCE = 0.3
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
    drafts = [row for row in _rows(CRITIQUE / "drafts.jsonl") if row["split"] != "fit"]
    for name, pairs in (
        (
            "answers of bench/interview",
            [(row["answer"], row["question"]) for row in _rows(ANSWERS) if row["split"] != "fit"],
        ),
        ("drafts", [(row["draft"], row["question"]) for row in drafts]),
        ("their sentences", [(one, row["question"]) for row in drafts for one in _sentences(row["draft"])]),
    ):
        found = kind_of(
            features([one for one, _ in pairs], [[asked] for _, asked in pairs], embedder), record
        )
        print(f"held-out {name} taken for no answer: {len(found) - found.count('answer')} of {len(found)}")
    if arguments.write:
        TARGET.write_text(json.dumps(record) + "\n", encoding="utf-8")


def fit(replies: list[dict[str, Any]], embedder: Any) -> dict[str, Any]:
    """The coefficients, fitted on `replies`, on drafts of the critique's fit part (as answers, and beside another question as answers to
    another one) and on orders to its judge."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    drafts = [row for row in _rows(CRITIQUE / "drafts.jsonl") if row["split"] == "fit"]
    sentences = [(one, row["question"], "answer") for row in drafts for one in _sentences(row["draft"])]
    rows = [*((row["reply"], row["question"], row["kind"]) for row in replies), *_more(drafts), *sentences]
    vectors = features([row[0] for row in rows], [[row[1]] for row in rows], embedder)
    kinds = [row[2] for row in rows]
    model = LogisticRegression(C=STRENGTH, max_iter=3000)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    # Sentences of drafts are many and easy: together they count as much as the whole replies.
    counts = np.array([DRAFT_SENTENCE if row in sentences else 1.0 for row in rows])
    likely = cross_val_predict(
        model, vectors, kinds, cv=folds, method="predict_proba", params={"sample_weight": counts}
    )
    model.fit(vectors, kinds, sample_weight=counts)
    guessed = decided(likely, list(model.classes_), ABOVE)
    right = sum(guess == row["kind"] for guess, row in zip(guessed, replies, strict=False))
    answers = [guess for guess, kind in zip(guessed, kinds, strict=True) if kind == "answer"]
    missed = len(answers) - answers.count("answer")
    print(
        f"in {FOLDS} folds: {right} of {len(replies)} right; {missed} of {len(answers)} answers taken for something else"
    )
    return {
        "made_by": "bench/fit/reply_kind.py",
        "embedder": embedder.plain.name.partition("@")[0],
        "above": ABOVE,
        "kinds": [str(kind) for kind in model.classes_],
        "intercepts": [round(float(one), 3) for one in model.intercept_],
        "weights": [[round(float(one), 3) for one in row] for row in model.coef_],
    }


def _more(drafts: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(reply, question, kind) out of the critique's own data."""
    talk = [row["text"] for row in _rows(CRITIQUE / "judge_talk.jsonl") if row["to_judge"]]
    answers = [row for row in _rows(ANSWERS) if row["split"] == "fit"]
    others = [drafts[(place + len(drafts) // 2) % len(drafts)] for place in range(len(drafts))]
    return [
        *((row["reply"], row["question"], row["kind"]) for row in _rows(MORE_REPLIES)),
        *((row["draft"], row["question"], "answer") for row in drafts),
        *((row["answer"], row["question"], "answer") for row in answers),
        *(
            (row["answer"], other["question"], "other_question")
            for row, other in zip(answers, answers[45:], strict=False)
        ),
        *(
            (other["draft"], row["question"], "other_question")
            for row, other in zip(drafts, others, strict=True)
            if other["question"] != row["question"]
        ),
        *((text, drafts[place % len(drafts)]["question"], "steer") for place, text in enumerate(talk[:60])),
    ]


def _sentences(draft: str) -> list[str]:
    return [draft[start:end] for start, end in split_sentences(draft)]


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
