"""The coach as tools for a client of the Model Context Protocol on this machine, spoken over standard input and output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coach.errors import CoachError
from coach.json_form import critique_to_json, reply_to_json
from coach.practice.export import queue_as_json, readiness_as_json

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

    from coach.coach import Coach

_WHAT_IT_IS = (
    "A local coach for Generative-AI product-manager interviews. Every sentence of an answer names the place in the sources that carries it; "
    "what the sources do not hold is refused. Quote `text` with its citations, and pass a refusal on as one."
)


def serve(coach: Coach) -> None:
    """Answer one client until it goes away."""
    server_of(coach).run("stdio")


def server_of(coach: Coach) -> MCPServer[Any]:
    """The tools over one coach."""
    from mcp.server.mcpserver import MCPServer

    server: MCPServer[Any] = MCPServer("genai-pm-coach", instructions=_WHAT_IT_IS, log_level="ERROR")

    def ask(question: str, collections: list[str] | None = None) -> dict[str, Any]:
        """Answer a question about the interview from the committee's article and the user's own documents, with citations, or refuse.
        `collections` restricts the search to those named ("committee", "own", or a name of the user's)."""
        with _clear_errors():
            return reply_to_json(coach.answer(question, collections=collections).result())

    def critique(draft: str, question: str, kind: str | None = None) -> dict[str, Any]:
        """Read a draft answer to an interview question as the committee would: each expectation met, partly met or missing, with exact
        quotes. `kind` is design, strategy, technical, execution, metrics, ethics or behavioural; guessed where it is left out."""
        with _clear_errors():
            return critique_to_json(coach.critique(draft, question, kind=kind).result())

    def next_practice_question() -> dict[str, Any]:
        """What to practise next by spaced repetition: what is due, why, and a question to answer (have the answer read with `critique`)."""
        with _clear_errors():
            return queue_as_json(coach.practice_queue())

    def readiness() -> list[dict[str, Any]]:
        """How ready the user is: for each expectation of the committee and each round, the share met with its interval, the tries and their
        age. Fewer than three tries say little."""
        with _clear_errors():
            return readiness_as_json(coach.readiness())

    for tool in (ask, critique, next_practice_question, readiness):
        server.tool()(tool)
    return server


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Hand the coach's own sentence to the client: of any other exception it is told nothing."""
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        yield
    except CoachError as error:
        raise ToolError(str(error)) from None
