"""The coach as tools: a real client over standard input and output asks, is refused, and has a draft read."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters, stdio_client

from tests.critique_fakes import DRAFT, QUESTION

PROJECT = Path(__file__).resolve().parent.parent


def test_a_client_asks_is_refused_and_has_a_draft_read(library):
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "coach", "mcp", "--backend", "none"],
        env=dict(os.environ),
        cwd=PROJECT,
    )

    async def talk():
        async with Client(stdio_client(command)) as client:
            listed = await client.list_tools()
            named = {tool.name for tool in listed.tools}
            asked = await client.call_tool("ask", {"question": "How many interview rounds are there?"})
            refused = await client.call_tool("ask", {"question": "Which hotel is nearest to the office?"})
            read = await client.call_tool("critique", {"draft": DRAFT, "question": QUESTION})
            broken = await client.call_tool("critique", {"draft": "", "question": QUESTION})
            queue = await client.call_tool("next_practice_question", {})
            ready = await client.call_tool("readiness", {})
            return named, *map(said, (asked, refused, read, queue, ready)), broken

    named, asked, refused, read, queue, ready, broken = anyio.run(talk)
    assert named == {"ask", "critique", "next_practice_question", "readiness"}
    assert asked["type"] == "answer" and "5-7 rounds" in asked["text"]
    assert all(one["citations"] for one in asked["sentences"] if one["status"] == "supported")
    assert refused["type"] == "refusal"
    assert read["type"] == "critique" and len(read["verdicts"]) == 10
    assert queue["due"] and queue["due"][0]["question"]["text"]
    assert len(ready["result"]) >= 19, "a row for each criterion and round"
    assert broken.is_error and "draft is empty" in broken.content[0].text


def said(result):
    assert not result.is_error
    return result.structured_content or json.loads(result.content[0].text)
