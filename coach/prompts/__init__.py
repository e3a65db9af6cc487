"""The coach's prompts: prose in Markdown files beside this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def read_prompt(name: str) -> str:
    """The text of prompt `name`, with `{placeholders}` unfilled."""
    return (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8").strip()


def fill_prompt(name: str, **values: str) -> str:
    """Prompt `name` with its placeholders filled; braces inside a value stay as they are."""
    from langchain_core.prompts import PromptTemplate

    return str(PromptTemplate.from_template(read_prompt(name)).format(**values))
