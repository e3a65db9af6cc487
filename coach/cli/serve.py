"""`coach serve`: run the app on loopback; no browser opened, nothing reported to anyone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coach.cli.terminal import say
from coach.errors import CoachError

if TYPE_CHECKING:
    from coach.settings import Settings

ADDRESS = "127.0.0.1"


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1; 8501 unless set.")
def serve(port: int | None) -> None:
    """Open the app in the browser's reach, on http://127.0.0.1:8501."""
    from coach.settings import load_settings

    run_app(load_settings(port=port), say)


def run_app(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until stopped. Raises CoachError when the port is taken or the app ends with an error."""
    check_port(settings.port)
    command = [sys.executable, "-m", "streamlit", "run", str(_app()), *_options(settings.port)]
    say(f"The coach is starting on http://{ADDRESS}:{settings.port} (stop it with Ctrl-C).")
    environment = _environment(settings)
    if os.name == "posix":
        os.execve(
            command[0], command, environment
        )  # signals then reach the app itself; no process is left behind
    code = subprocess.run(command, env=environment, check=False).returncode
    if code:
        raise CoachError(f"The app ended with code {code}: run `coach doctor`.")


def check_port(port: int) -> None:
    """Raise CoachError when something else listens on `port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise CoachError(
                f"Port {port} is taken (is the coach already open at http://{ADDRESS}:{port}?): "
                f"run `coach serve --port {port + 1 if port < 65535 else port - 1}`."
            ) from error


def _app() -> Path:
    return Path(__file__).resolve().parent.parent.parent / "app.py"


def _options(port: int) -> list[str]:
    return [
        f"--server.port={port}",
        f"--server.address={ADDRESS}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--server.fileWatcherType=none",
        "--client.toolbarMode=minimal",
        "--client.showErrorDetails=none",
        "--logger.level=error",
    ]


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, "COACH_HOME": str(settings.home), "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
