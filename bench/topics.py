"""Ask the topics of `bench/answers/topics.jsonl`, each of the one document it is about, as a user would.

    python -m bench.topics --data ../shared/data [--backend none] [--silent] [--limit 60] [--split held_out]

Prints, for the article and for the other documents: the fact is in the reply, wrongly refused, and refused where the document says nothing, each with its failures.
With `--silent` the model is asked for Yes or No and never for words, so that the decision is measured in a third of the time; with
`--cases FILE` the cases of that file (`answers/blind.jsonl`) are asked of the article instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.fit.answerability import documents_of, pool_maker
from coach.backends import load_embedder
from coach.backends.chat import load_chat_model
from coach.coach import Coach, load_index
from coach.errors import BackendError
from coach.evaluation.cases import load_cases
from coach.evaluation.score import facts_found
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.text.json_lines import read_records
from coach.types import Answer


def main() -> None:
    """Ask, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--backend", default="none")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--split", default="held_out", choices=["fit", "held_out"])
    parser.add_argument(
        "--limit", type=int, default=10_000, help="topics' questions of each document and answer"
    )
    chosen = parser.parse_args()
    settings = load_settings(backend=chosen.backend, traces=False, history="nothing")
    embedder = load_embedder(settings)
    voice = load_chat_model(settings) if chosen.backend != "none" else ChosenModel(None, "none", "")
    if chosen.silent and voice.model is not None:
        voice = replace(voice, model=Silent(voice.model))
    if chosen.cases is not None:
        decide(chosen.cases, Coach(settings, embedder, load_index(settings, embedder.name), voice))
        return
    topics = read_records(Path(__file__).parent / "answers" / "topics.jsonl", dict)
    rows = [row for row in topics if row["split"] == chosen.split]
    rows.sort(key=lambda r: hashlib.sha256(r["id"].encode()).digest())
    with tempfile.TemporaryDirectory() as folder:
        build = pool_maker(embedder, Path(folder))
        for source in ("article", "handbook", "guide", "encyclopaedia"):
            index = build(None if source == "article" else documents_of(source, chosen.data))
            coach = Coach(settings, embedder, index, voice)
            coach.warm()
            for present in (True, False):
                asked = [r for r in rows if r["source"] == source and r["present"] == present][: chosen.limit]
                replies = [coach.answer(r["question"]).result() for r in asked]
                answered = [isinstance(reply, Answer) for reply in replies]
                right = [not a for a in answered]
                doubts = [isinstance(reply, Answer) and bool(reply.doubt) for reply in replies]
                if present:
                    right = [
                        a and facts_found(r["facts"], reply.text) == len(r["facts"])
                        for a, r, reply in zip(answered, asked, replies, strict=True)
                    ]
                    told = f"fact in the reply {share(right)}, wrongly refused {share([not a for a in answered])}"
                    told += f", answered with a doubt {share(doubts)}"
                else:
                    told = f"refused {share(right)}, answered with a doubt {share(doubts)}"
                print(
                    f"{source:14} {'present' if present else 'absent':8} {told}",
                    flush=True,
                )
                for r, reply, good in zip(asked, replies, right, strict=True):
                    if not good:
                        failed = (
                            source,
                            present,
                            r["question"],
                            r["facts"],
                            reply.text[:300],
                            dict(reply.trace.gate),
                        )
                        print(json.dumps(failed, ensure_ascii=False, default=float), flush=True)


def decide(file: Path, coach: Coach) -> None:
    """Ask the cases and print how they were decided, then what was decided wrongly."""
    coach.warm()
    right, wrongly, refused, wrong = [], [], [], []
    for case in load_cases(file):
        if case.kind == "small_talk":
            continue
        reply = coach.answer(case.question, case.history).result()
        answered = isinstance(reply, Answer)
        if case.answerable:
            wrongly.append(not answered)
            right.append(answered and facts_found(case.facts, reply.text) == len(case.facts))
        else:
            refused.append(not answered)
        if answered != case.answerable:
            doubt = getattr(reply, "doubt", "")
            wrong.append((case.id, case.kind, case.question, doubt, dict(reply.trace.gate)))
    precision = share([True] * sum(refused) + [False] * sum(wrongly))
    print(f"facts {share(right)}, wrongly refused {share(wrongly)}")
    print(f"refusal recall {share(refused)}, precision {precision}")
    for row in wrong:
        print(json.dumps(row, ensure_ascii=False, default=float))


class Silent:
    """A chat model that chooses and never speaks."""

    keeps_states = False

    def __init__(self, model: Any) -> None:
        self.choose, self.count_tokens, self.remember = model.choose, model.count_tokens, model.remember
        self.name, self.context_window = model.name, model.context_window

    def stream(self, messages: Any, *, max_tokens: int, temperature: float) -> Any:
        raise BackendError("It was asked to be silent.")


def share(flags: list[bool]) -> str:
    """A share with its count."""
    return f"{sum(flags) / max(1, len(flags)):.3f} ({sum(flags)}/{len(flags)})"


if __name__ == "__main__":
    main()
