"""What was learned for answering: `bench/fit/answerability.py` says from what, and writes it."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

COEFFICIENTS_FILE = "answerability.json"


@cache
def coefficients() -> dict[str, Any]:
    """`words`: the weight of a word in a question; `sentence`: the relevance of a sentence; `fits`: by name, the logistics with the
    bounds of the three outcomes (`coach.answer.answerability`)."""
    found: dict[str, Any] = json.loads(
        files("coach").joinpath("answer", COEFFICIENTS_FILE).read_text(encoding="utf-8")
    )
    return found
