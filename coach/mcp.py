"""The coach as tools for a client of the Model Context Protocol on this machine, spoken over standard input and output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coach.errors import CoachError
from coach.json_form import critique_to_json, reply_to_json

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

    for tool in (ask, critique):
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
