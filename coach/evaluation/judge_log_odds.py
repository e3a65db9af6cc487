"""Ask the chat model about labelled drafts once, and remember what it said: refitting then needs no model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from coach.critique.judge import ask_model, shared_prefix
from coach.critique.prepare import PreparedDraft
from coach.prompts import read_prompt
from coach.protocols import ChatModel
from coach.text.json_lines import number, read_records, text
from coach.types import Criterion


class KeptLogOdds:
    """The log-odds of Yes that one chat model gave, in a file of JSON lines.

    A changed prompt, draft or criterion is a new question; what was said on the old one is never used for it.
    """

    def __init__(self, path: Path, model_name: str, chat_model: ChatModel | None) -> None:
        """Without `chat_model` only what is in the file is known."""
        self._path = path
        self._name = model_name
        self._model = chat_model
        self._known: dict[str, float] = {}
        if path.is_file():
            self._known = dict(read_records(path, lambda row: (text(row, "key"), number(row, "opinion"))))

    def of(self, criterion: Criterion, prepared: PreparedDraft, question: str) -> float:
        """The model's log-odds of Yes. Raises KeyError where it is not known and there is no model to ask."""
        key = self._key(criterion, prepared, question)
        if key not in self._known:
            if self._model is None:
                raise KeyError(key)
            self._known[key] = round(ask_model(criterion, prepared, question, self._model), 4)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "opinion": self._known[key]}) + "\n")
        return self._known[key]

    def _key(self, criterion: Criterion, prepared: PreparedDraft, question: str) -> str:
        asked = (
            self._name,
            shared_prefix(prepared, question).text,
            read_prompt("critique/judge_question"),
            criterion.question,
        )
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]
