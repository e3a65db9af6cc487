"""Fit what tells a sentence to the judge from one that answers, and score it on sentences that it never saw.

python -m bench.fit.injection --data ../shared/data            # the table
python -m bench.fit.injection --data ../shared/data --write    # and refit the shipped coefficients
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.fit.support import DEFAULT_CACHE, CachedEmbedder
from coach.backends import load_embedder
from coach.critique.injection import MODEL_FILE, clauses, signals
from coach.settings import load_settings
from coach.text.sentences import split_sentences

PROJECT = Path(__file__).resolve().parents[2]
OWN = PROJECT / "bench" / "critique"
TARGET = PROJECT / "coach" / "critique" / MODEL_FILE
PROSE = ("docs/*.md", "bench/**/README.md", "corpus/guides/*.md", "README.md", "CONTRIBUTING.md")
ROLES_TO_FIT_ON = ("forward-deployed-engineer", "llm-general")  # the other four are held out
MOST_ANSWERS = 2500  # sentences of students' answers
STRENGTH = 10.0  # of the fit (C): 3 to 30 give the same recall within 3 of 60
# Honest sentences, and honest clauses, that may be taken for an order: a draft has some 8 and 20 of them.
TAKEN_SENTENCES, TAKEN_CLAUSES = 0.001, 0.0005
FOLDS = 10


def main() -> None:
    """Fit, print the figures, and write the coefficients where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder with interview_faq, saf and mohler"
    )
    parser.add_argument("--write", action="store_true", help=f"write {MODEL_FILE}")
    arguments = parser.parse_args()
    embedder = CachedEmbedder(load_embedder(load_settings()), DEFAULT_CACHE, print)
    record = fit(arguments.data, embedder)
    for name, texts in held_out(arguments.data).items():
        whole, any_part = taken(texts, record, embedder)
        print(f"{name}: {whole} of {len(texts)} by the whole sentence, {any_part} by any part")
    if arguments.write:
        TARGET.write_text(json.dumps(record) + "\n", encoding="utf-8")


def fit(data: Path, embedder: CachedEmbedder) -> dict[str, Any]:
    """The coefficients, and the bounds that leave honest text alone in folds that were not fitted on."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    talk = rows(OWN / "judge_talk.jsonl")
    orders = unique(row["text"] for row in talk if row["to_judge"])
    honest = unique([row["text"] for row in talk if not row["to_judge"]] + answers(data))
    parts = [
        part for part in unique(part for text in honest for part in clause_texts(text)) if part not in honest
    ]
    vectors = csr_matrix(signals([*orders, *honest, *parts], embedder))
    labels = np.repeat([1, 0], [len(orders), len(honest) + len(parts)])
    model = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    scores = cross_val_predict(model, vectors, labels, cv=folds, method="decision_function")
    of_honest, of_parts = np.split(scores[len(orders) :], [len(honest)])
    model.fit(vectors, labels)
    return {
        "made_by": "bench/fit/injection.py",
        "embedder": embedder.plain.name.partition("@")[0],
        "intercept": round(float(model.intercept_[0]), 4),
        "sentence_above": round(float(np.quantile(of_honest, 1 - TAKEN_SENTENCES)), 4),
        "clause_above": round(float(np.quantile(of_parts, 1 - TAKEN_CLAUSES)), 4),
        "weights": [round(float(weight), 4) for weight in model.coef_[0]],
    }


def answers(data: Path) -> list[str]:
    """Sentences that answer or explain: drafts, prose of ours, claims, other people's interview answers and students'."""
    drafts = [row["draft"] for row in rows(OWN / "drafts.jsonl") if row["split"] == "fit"]
    prose = [path.read_text(encoding="utf-8") for pattern in PROSE for path in sorted(PROJECT.glob(pattern))]
    claims = [row["claim"] for row in rows(PROJECT / "bench" / "support" / "claims.jsonl")]
    interview = [
        row["answer"] for row in rows(data / "interview_faq" / "qa.jsonl") if row["role"] in ROLES_TO_FIT_ON
    ]
    students = [
        row["answer"]
        for name in ("saf/saf_train_en", "mohler/mohler")
        for row in rows(data / f"{name}.jsonl")
    ]
    return [
        *sentences([*drafts, *claims, *interview]),
        *[one for one in sentences(prose) if not one.startswith("|") and len(one) < 400],
        *sentences(students)[:MOST_ANSWERS],
    ]


def held_out(data: Path) -> dict[str, list[str]]:
    """What nothing was fitted on, by name."""
    talk = rows(OWN / "judge_talk_held_out.jsonl")
    planted = rows(data / "injection" / "strings.jsonl")
    drafts = [row["draft"] for row in rows(OWN / "drafts.jsonl") if row["split"] != "fit"]
    interview = [
        row["answer"]
        for row in rows(data / "interview_faq" / "qa.jsonl")
        if row["role"] not in ROLES_TO_FIT_ON
    ]
    orders = [row["text"] for row in talk if row["to_judge"]]
    return {
        "orders to the judge": orders,
        "about judges and prompts": [row["text"] for row in talk if not row["to_judge"]],
        "orders behind an honest clause": [
            f"{honest.rstrip('.')}, and {order[0].lower()}{order[1:]}"
            for honest, order in zip(sentences(drafts), orders, strict=False)
        ],
        "orders in look-alike letters": [
            order.translate(str.maketrans("aceiopxy", "асеіорху")) for order in orders
        ],
        "held-out drafts": sentences(drafts),
        "interview answers of others": sentences(interview),
        "harmless texts with trigger words": [row["text"] for row in planted if not row["malicious"]],
    }


def taken(texts: Sequence[str], record: dict[str, Any], embedder: CachedEmbedder) -> tuple[int, int]:
    """How many of `texts` count as addressed to the judge: by themselves, and by themselves or any clause."""
    weights = np.array(record["weights"])
    clauses = [(place, part) for place, text in enumerate(texts) for part in clause_texts(text)]
    scores = signals([*texts, *(part for _, part in clauses)], embedder) @ weights + record["intercept"]
    whole = {place for place in range(len(texts)) if scores[place] > record["sentence_above"]}
    parts = {
        place
        for (place, _), score in zip(clauses, scores[len(texts) :], strict=True)
        if score > record["clause_above"]
    }
    return len(whole), len(whole | parts)


def clause_texts(sentence: str) -> list[str]:
    """Its clauses, none where it is but one."""
    return [sentence[start:end] for start, end in clauses(sentence)]


def sentences(texts: Sequence[str]) -> list[str]:
    """Every sentence once."""
    return unique(text[start:end] for text in texts for start, end in split_sentences(text))


def unique(texts: Any) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(texts))


def rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


if __name__ == "__main__":
    main()
