"""Fit what tells an answer from what else a candidate may say, and score it on replies that it never saw.

The chat model is asked once about each short reply; what it said is kept in a temporary file.

python -m bench.fit.reply_kind            # the table
python -m bench.fit.reply_kind --write    # and refit the shipped coefficients
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bench.fit.support import DEFAULT_CACHE, CachedEmbedder
from coach.coach import Coach
from coach.practice.reply_kind import (
    MODEL_FILE,
    SHORT,
    decided,
    features,
    kind_of,
    likelihoods,
    model_says,
    prompt,
    signals_with_model,
)
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
STRENGTH_WITH_MODEL = 0.3
ABOVE_WITH_MODEL = {"dont_know": 0.4, "clarify": 0.4, "off_topic": 0.4, "steer": 0.5}
SAID = Path(tempfile.gettempdir()) / "coach-reply-kinds.jsonl"
FOLDS = 5


def main() -> None:
    """Fit, print the figures, and write the coefficients where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {MODEL_FILE}")
    arguments = parser.parse_args()
    coach = Coach.load(keeps=False)
    embedder = CachedEmbedder(coach.embedder.plain, DEFAULT_CACHE, print)
    replies = _rows(REPLIES)
    said = _said(replies, coach.chat_model())
    record = fit([row for row in replies if row["split"] == "fit"], embedder, said, coach.chat_model().name)
    for split in {row["split"]: None for row in replies}:
        of_split = [row for row in replies if row["split"] == split]
        vectors = features(
            [row["reply"] for row in of_split], [[row["question"]] for row in of_split], embedder
        )
        _print_table(f"{split}, without a chat model", of_split, kind_of(vectors, record))
        _print_table(f"{split}, with it", of_split, _with_model(vectors, of_split, record, said))
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


def _said(replies: list[dict[str, Any]], chat_model: Any) -> dict[str, list[float]]:
    """What the chat model calls each short reply, by the reply's id. A changed prompt or reply is asked about anew."""
    known = {row["key"]: row["said"] for row in _rows(SAID)} if SAID.is_file() else {}
    found = {}
    for row in filter(_is_short, replies):
        asked = (chat_model.name, *(turn.text for turn in prompt(row["reply"], row["question"])))
        key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]
        if key not in known:
            known[key] = model_says(row["reply"], row["question"], chat_model)
            with SAID.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "said": known[key]}) + "\n")
        found[row["id"]] = known[key]
    return found


def _is_short(row: dict[str, Any]) -> bool:
    return len(row["reply"].split()) <= SHORT


def _with_model(
    vectors: Any, rows: list[dict[str, Any]], record: dict[str, Any], said: dict[str, Any]
) -> list[str]:
    """The kinds where the chat model is asked about the short ones."""
    found: list[str] = list(kind_of(vectors, record))
    places = [place for place, row in enumerate(rows) if _is_short(row)]
    signals = signals_with_model(
        likelihoods(vectors[places], record), np.array([said[rows[place]["id"]] for place in places])
    )
    for place, kind in zip(places, kind_of(signals, record["with_model"]), strict=True):
        found[place] = kind
    return found


def _fit_with_model(likely: Any, said: Any, kinds: list[str], name: str) -> dict[str, Any]:
    """The second regression, on what the first one gives for replies that it was not fitted on."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rows = signals_with_model(likely, said)
    means, scales = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    model = LogisticRegression(C=STRENGTH_WITH_MODEL, max_iter=4000)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    guessed = cross_val_predict(model, (rows - means) / scales, kinds, cv=folds, method="predict_proba")
    model.fit((rows - means) / scales, kinds)
    pairs = Counter(zip(kinds, decided(guessed, list(model.classes_), ABOVE_WITH_MODEL), strict=True))
    print(
        f"with a chat model, in {FOLDS} folds of the short ones: {sum(pairs[kind, kind] for kind in set(kinds))} of {len(kinds)} right"
    )
    weights = model.coef_ / scales
    return {
        "model": name,
        "above": ABOVE_WITH_MODEL,
        "kinds": [str(kind) for kind in model.classes_],
        "intercepts": [round(float(one), 4) for one in model.intercept_ - weights @ means],
        "weights": [[round(float(one), 4) for one in row] for row in weights],
    }


def fit(
    replies: list[dict[str, Any]], embedder: Any, said: dict[str, list[float]], chat_model: str
) -> dict[str, Any]:
    """The coefficients, fitted on `replies`, on drafts of the critique's fit part (as answers, and beside another question as answers to
    another one) and on orders to its judge; those of the second regression on the short ones of `replies`, of which the model `said` what
    they are."""
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
    short = [place for place, row in enumerate(replies) if _is_short(row)]
    return {
        "made_by": "bench/fit/reply_kind.py",
        "embedder": embedder.plain.name.partition("@")[0],
        "above": ABOVE,
        "kinds": [str(kind) for kind in model.classes_],
        "intercepts": [round(float(one), 3) for one in model.intercept_],
        "weights": [[round(float(one), 3) for one in row] for row in model.coef_],
        "with_model": _fit_with_model(
            likely[short],
            np.array([said[replies[place]["id"]] for place in short]),
            [kinds[place] for place in short],
            chat_model,
        ),
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


def _print_table(name: str, rows: list[dict[str, Any]], found: list[str]) -> None:
    pairs = Counter((row["kind"], kind) for row, kind in zip(rows, found, strict=True))
    kinds = sorted({row["kind"] for row in rows})
    print(f"{name}: {sum(pairs[kind, kind] for kind in kinds)} of {len(rows)} right")
    for kind in kinds:
        whole = sum(count for (true, _), count in pairs.items() if true == kind)
        taken = {guess: count for (true, guess), count in pairs.items() if true == kind and guess != kind}
        print(f"  {kind}: {pairs[kind, kind]} of {whole}", taken or "")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    main()
