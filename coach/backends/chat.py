"""Choose who speaks: Ollama where it answers, else the built-in model, else the sources; and say why."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from coach.errors import BackendError, ModelMissingError
from coach.protocols import ChatModel
from coach.settings import Settings

PROBE_SECONDS = 0.3  # a server on this machine or in this house answers well within that


@dataclass(frozen=True, slots=True)
class LoadedChatModel:
    """Who speaks, ready to, and the reason in plain words. `model` is None where the sources speak alone."""

    model: ChatModel | None
    backend: str
    reason: str


def load_chat_model(settings: Settings) -> LoadedChatModel:
    """The chat model of `settings.backend`, loaded.

    `auto` never fails: it says what is missing in the reason. A backend that was asked for by name
    raises BackendError or ModelMissingError when it cannot speak.
    """
    match settings.backend:
        case "auto":
            return _first_that_speaks(settings)
        case "ollama":
            return _ollama(settings)
        case "embedded":
            return LoadedChatModel(_embedded(settings), "embedded", "You asked for the built-in model")
        case "openai":
            return _openai(settings)
        case "none":
            return LoadedChatModel(None, "none", "You asked for the sources' own sentences only")


def _first_that_speaks(settings: Settings) -> LoadedChatModel:
    why_not_ollama = "Ollama does not answer"
    try:
        if port_answers(ollama_address(settings.ollama_host)):
            return _ollama(settings)
    except BackendError as error:
        why_not_ollama = _clause(error)
    try:
        return LoadedChatModel(
            _embedded(settings), "embedded", f"{why_not_ollama}, so the built-in model speaks"
        )
    except (BackendError, ModelMissingError) as error:
        reason = f"{why_not_ollama}, so the sources' own sentences answer. {error}"
        return LoadedChatModel(None, "none", reason)


def _ollama(settings: Settings) -> LoadedChatModel:
    address = ollama_address(settings.ollama_host)
    if not port_answers(address):
        raise BackendError(
            f"Ollama does not answer at {address}: start it with `ollama serve`, or use the built-in model "
            "with `--backend embedded`."
        )
    from coach.backends.ollama import OllamaChatModel, is_running, not_running

    if not is_running(address, PROBE_SECONDS * 3):
        raise not_running(address)
    model = OllamaChatModel.open(address, settings.model, context_window=settings.context_window)
    return LoadedChatModel(
        model, "ollama", f"Ollama answers on {urlsplit(address).netloc} and has {model.name}"
    )


def _embedded(settings: Settings) -> ChatModel:
    from coach.backends.model_files import find_embedded_model

    path = find_embedded_model(settings)
    from coach.backends.llama_cpp import LlamaCppChatModel

    return LlamaCppChatModel(
        path,
        context_window=settings.context_window,
        threads=settings.threads,
        states_folder=settings.states_folder,
    )


def _openai(settings: Settings) -> LoadedChatModel:
    from coach.backends.openai_compatible import OpenAICompatibleChatModel

    model = OpenAICompatibleChatModel.open(
        settings.openai_base_url,
        settings.openai_api_key,
        settings.model,
        context_window=settings.context_window,
    )
    where = urlsplit(settings.openai_base_url).netloc
    return LoadedChatModel(model, "openai", f"The server on {where} answers and has {model.name}")


def ollama_address(host: str) -> str:
    """URL of the Ollama server that `host` means: a host, host:port or URL, as `OLLAMA_HOST` allows.

    A server told to listen everywhere (0.0.0.0 or ::) is spoken to on this machine.
    Raises BackendError for what cannot be an address.
    """
    text = host.strip().rstrip("/") or "127.0.0.1"
    scheme, _, rest = text.rpartition("://")
    scheme = scheme or "http"
    default_port = {"http": 80, "https": 443}.get(scheme, 0) if "://" in text else 11434
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port or default_port
    except ValueError as error:
        raise _not_an_address(host) from error
    if scheme not in {"http", "https"} or " " in rest:
        raise _not_an_address(host)
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}:{port}{parts.path}"


def port_answers(address: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether something accepts connections at a URL; a plain socket, so that no client is imported."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", port), timeout=seconds):
            return True
    except OSError:
        return False


def _not_an_address(host: str) -> BackendError:
    return BackendError(
        f"`{host}` is no address of an Ollama server: set OLLAMA_HOST to something like "
        "127.0.0.1:11434, or use `--backend embedded`."
    )


def _clause(error: Exception) -> str:
    """An error's first clause, without the step that follows the colon and the full stop."""
    return str(error).split(": ", 1)[0].rstrip(".")
