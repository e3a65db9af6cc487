"""`coach mcp`: let another program on this machine use the coach. Imports are lazy, as in `cli`."""

from __future__ import annotations

import click

from coach.cli.terminal import backend_option, loaded, say


@click.command()
@backend_option("Who speaks: BACKENDS.")
@click.option("--model", help="Model name for Ollama or the server.")
def mcp(backend: str | None, model: str | None) -> None:
    """Serve ask, critique, practice and readiness as tools to a client of the Model Context Protocol, over standard input and output.

    For a client's configuration: the command is `coach`, its one argument `mcp`.
    """
    from coach.mcp import serve
    from coach.settings import load_settings

    coach = loaded(load_settings(backend=backend, model=model))
    say("Ready for a client of the Model Context Protocol; close its end, or press Ctrl-C, to stop.")
    serve(coach)
