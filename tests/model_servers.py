"""Loopback servers that stand in for model servers; Ollama's says what a real one said (tests/data/ollama_wire.jsonl)."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# The models of the recorded server.
TALKER, THINKER, BARE = "qwen2.5-coder:1.5b", "thinker:1.5b", "no-template:1.5b"
EMBEDDER, HOSTED = "all-minilm:latest", "big:120b-cloud"

WIRE = {
    exchange["name"]: exchange
    for exchange in map(
        json.loads, (Path(__file__).parent / "data" / "ollama_wire.jsonl").read_text("utf-8").splitlines()
    )
}


class ModelServer(ThreadingHTTPServer):
    """A loopback server that answers by `routes`: path -> function of the request's JSON to a reply."""

    daemon_threads = True

    def __init__(self, routes: dict[str, Callable[[dict], object]], *, pause: float = 0.0) -> None:
        self.routes = routes
        self.pause = pause
        self.requests: list[tuple[str, dict]] = []
        self.hung_up = threading.Event()
        super().__init__(("127.0.0.1", 0), _Replies)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self, path: str) -> list[dict]:
        return [body for asked, body in self.requests if asked == path]


class _Replies(BaseHTTPRequestHandler):
    server: ModelServer

    def do_GET(self) -> None:
        self._reply({})

    def do_POST(self) -> None:
        self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}"))

    def log_message(self, *_: object) -> None:
        return None

    def _reply(self, body: dict) -> None:
        self.server.requests.append((self.path, body))
        reply = self.server.routes.get(self.path, lambda _: (404, {"error": "not found"}))(body)
        status, reply = reply if isinstance(reply, tuple) else (200, reply)
        self.send_response(status)
        self.end_headers()
        try:
            for piece in reply if isinstance(reply, list) else [json.dumps(reply)]:
                self.wfile.write(piece.encode())
                self.wfile.flush()
                threading.Event().wait(self.server.pause)
        except OSError:
            self.server.hung_up.set()


@contextmanager
def serving(routes: dict[str, Callable[[dict], object]], *, pause: float = 0.0) -> Iterator[ModelServer]:
    server = ModelServer(routes, pause=pause)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def recorded(name: str) -> tuple[int, list[str]]:
    """Status and lines of the recorded exchange `name`."""
    exchange = WIRE[name]
    return exchange["status"], [json.dumps(line) + "\n" for line in exchange["lines"]]


def recorded_ollama(
    *models: str, chat: Callable[[dict], object] | None = None
) -> dict[str, Callable[[dict], object]]:
    """Routes of an Ollama that has only `models` (all of the recorded ones where none is named). `chat` may answer before
    the recordings do, or give None to leave it to them."""
    listed = [model for model in WIRE["tags"]["lines"][0]["models"] if not models or model["name"] in models]
    names = {model["name"] for model in listed}

    def show(body: dict) -> object:
        if body["model"] == HOSTED:
            return recorded("show hosted model without network")
        return recorded(f"show {body['model']}" if body["model"] in names else "show unknown")

    return {
        "/api/version": lambda _: recorded("version"),
        "/api/tags": lambda _: {"models": listed},
        "/api/show": show,
        "/api/chat": lambda body: (chat(body) if chat else None) or recorded(_conversation(body, names)),
        "/api/pull": lambda _: recorded("pull without network"),
    }


def _conversation(body: dict, names: set[str]) -> str:
    """The recorded exchange that a request like this one led to."""
    model = body["model"] if body["model"] in names else f"{body['model']}:latest"
    if model not in names:
        return "chat unknown model"
    if model == HOSTED:
        return "chat with a hosted model without network"
    if model == EMBEDDER:
        return "chat with a model that only embeds"
    if body.get("format"):
        return "schema"
    if model == THINKER and body.get("think") is not False:
        return (
            "thinking model, " + ("log-probabilities" if body.get("logprobs") else "thinking") + " by default"
        )
    if body.get("logprobs"):
        return "thinking model told not to think" if model == THINKER else "log-probabilities"
    return "chat stream"


def dead_address() -> str:
    """A loopback address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
