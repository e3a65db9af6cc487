"""The coach's prompts: prose in the folder `prompts` beside the steps that use them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def read_prompt(name: str) -> str:
    """The text of a prompt, with `{placeholders}` unfilled: "answer/evidence_system" is `answer/prompts/evidence_system.md`."""
    flow, _, file = name.partition("/")
    return (Path(__file__).parent / flow / "prompts" / f"{file}.md").read_text(encoding="utf-8").strip()


@cache
def read_examples(name: str) -> tuple[dict[str, Any], ...]:
    """The worked examples of a prompt: "answer/evidence_examples" is `answer/prompts/evidence_examples.toml`."""
    flow, _, file = name.partition("/")
    text = (Path(__file__).parent / flow / "prompts" / f"{file}.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["example"])


def fill_prompt(name: str, **values: str) -> str:
    """A prompt with its placeholders filled; braces inside a value stay as they are."""
    from langchain_core.prompts import PromptTemplate

    return str(PromptTemplate.from_template(read_prompt(name)).format(**values))
