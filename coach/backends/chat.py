"""Choose who speaks: Ollama where it answers, else the built-in model, else the sources; and say why."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coach.errors import BackendError, ModelMissingError, UsageError
from coach.protocols import NO_MODEL_USED, ChatModel, ChosenModel
from coach.settings import Settings
from coach.types import ListedModel, ModelFacts, ModelList

if TYPE_CHECKING:
    from coach.backends.ollama_models import Choice, OllamaModel

PROBE_SECONDS = 0.3  # a server on this machine or in this house answers well within that


def list_chat_models(settings: Settings) -> ModelList:
    """Every chat model there is here, the built-in one first, and who would speak. Loads and writes nothing.

    A model hosted elsewhere is listed and asked for nothing.
    """
    from coach.backends.model_files import embedded_model_file

    file = embedded_model_file(settings)
    state = "" if file.state == "ready" else f"{file.state}: run `coach models pull`"
    built_in = ListedModel(file.name, "built in", file.size, settings.context_window, fits=True, state=state)
    theirs = _ollamas_models(settings, built_in_is_here=not state)
    ollama_speaks = any(model.chosen for model in theirs.models)
    speaks = not state and (
        settings.backend == "embedded" or (settings.backend == "auto" and not ollama_speaks)
    )
    return replace(theirs, models=(replace(built_in, chosen=speaks), *theirs.models))


def _ollamas_models(settings: Settings, *, built_in_is_here: bool) -> ModelList:
    if settings.backend not in ("auto", "ollama"):
        who = _backend(settings).speaks(settings)
        choice = f"Speaks now: {who}, since the setting `backend` is `{settings.backend}`."
        return ModelList((), choice, leaves=server_elsewhere(settings))
    try:
        address = ollama_address(settings.ollama_host)
        if not port_answers(address):
            raise BackendError(f"Ollama does not answer at {address} (start it with `ollama serve`).")
        from coach.backends.ollama_models import list_models

        found = list_models(address, settings.context_window)
    except BackendError as error:
        return ModelList((), _instead(settings, built_in_is_here, error))
    listed = [
        ListedModel(m.name, "Ollama", 0 if m.hosted_at else m.size, m.window, m.thinks, m.fits, m.trouble)
        for m in found
    ]
    try:
        chosen = _chosen(found, settings)
    except BackendError as error:
        return ModelList(tuple(listed), _instead(settings, built_in_is_here, error), ollama_answers=True)
    return ModelList(
        tuple(replace(model, chosen=model.name == chosen.model.name) for model in listed),
        f"Speaks now: {chosen.model.name}, {chosen.why}; {_how_to_change(settings)}.",
        chosen.warnings,
        _leaves(chosen.model, address),
        ollama_answers=True,
    )


def _chosen(found: Sequence[OllamaModel], settings: Settings) -> Choice:
    """Which of Ollama's models speaks. Raises BackendError where none may."""
    from coach.backends.ollama_models import choose_model, last_used

    return choose_model(found, settings.model, last_used(settings.home), allow_hosted=settings.allow_hosted)


def _leaves(model: OllamaModel, address: str) -> str:
    """What leaves this machine with a model of the server at `address`, as sentences; empty where nothing does."""
    from coach.backends.ollama_models import warning

    return " ".join(filter(None, [warning(model) if model.hosted_at else "", away(address)]))


def _how_to_change(settings: Settings) -> str:
    if settings.model:
        return "change it with `--model` or COACH_MODEL, or unset that to let the coach pick"
    return "change it with `coach models use NAME`"


def _instead(settings: Settings, built_in_is_here: bool, error: BackendError) -> str:
    """Who speaks where Ollama does not, and why it does not."""
    if settings.backend != "auto":
        return str(error)
    who = "the built-in model" if built_in_is_here else "the sources alone, word for word"
    return f"Speaks now: {who}. {error}"


def load_chat_model(settings: Settings) -> ChosenModel:
    """The chat model of `settings.backend`, loaded.

    `auto` never fails: it says what is missing in the reason. A backend that was asked for by name
    raises BackendError or ModelMissingError when it cannot speak, UsageError where there is none of that name.
    """
    return _backend(settings).open(settings)


def _first_that_speaks(settings: Settings) -> ChosenModel:
    why_not_ollama = "Ollama does not answer"
    try:
        if port_answers(ollama_address(settings.ollama_host)):
            return _ollama(settings)
    except BackendError as error:
        why_not_ollama = _clause(error)
    instead = f"The model {settings.model} that you named does not speak." if settings.model else ""
    try:
        reason = f"{why_not_ollama}, so the built-in model speaks"
        caution = f"{instead} {reason}: see `coach models`." if instead else ""
        return replace(_embedded(settings), reason=reason, caution=caution)
    except (BackendError, ModelMissingError) as error:
        reason = f"{why_not_ollama}, so the sources' own sentences answer. {error}"
        return ChosenModel(None, "none", reason, caution=f"{instead} {reason}" if instead else "")


def _ollama(settings: Settings) -> ChosenModel:
    address = ollama_address(settings.ollama_host)
    if not port_answers(address):
        raise BackendError(
            f"Ollama does not answer at {address}: start it with `ollama serve`, or use the built-in model "
            "with `--backend embedded`."
        )
    from coach.backends.ollama import is_running, not_running, open_ollama_model
    from coach.backends.ollama_models import list_models, remember_used, warning

    if not is_running(address, PROBE_SECONDS * 3):
        raise not_running(address)
    choice = _chosen(list_models(address, settings.context_window), settings)
    chosen = choice.model
    model = open_ollama_model(
        address,
        chosen.name,
        context_window=chosen.window or settings.context_window,
        thinks=chosen.thinks or bool(chosen.hosted_at),
        family=chosen.family,
        thinking_tokens=settings.thinking_tokens,
    )
    where = urlsplit(address).netloc
    reason = f"Ollama answers on {where} and has {chosen.name}, {choice.why} ({_how_to_change(settings)})."
    if not chosen.trouble:
        remember_used(settings.home, chosen.name)
    caution = "" if chosen.hosted_at else warning(chosen)
    passed = [note for note in choice.warnings if note != warning(chosen)]
    facts = ModelFacts(
        chosen.name,
        0 if chosen.hosted_at else chosen.size,
        chosen.parameters,
        chosen.licence,
        chosen.quantisation,
    )
    return ChosenModel(model, "ollama", " ".join([reason, *passed]), _leaves(chosen, address), caution, facts)


def may_leave(settings: Settings) -> bool:
    """Whether, by the settings alone, a chat model could be somewhere else than on this machine."""
    hosted = settings.allow_hosted and settings.backend in ("auto", "ollama")
    return hosted or bool(server_elsewhere(settings))


def server_elsewhere(settings: Settings) -> str:
    """What would leave for the model server of the settings, whether it answers or not, as a sentence; empty where that
    is this machine or none is used. Raises UsageError for a backend that there is not."""
    return _backend(settings).elsewhere(settings)


def _ollama_elsewhere(settings: Settings) -> str:
    try:
        return away(ollama_address(settings.ollama_host))
    except BackendError:
        return ""


def away(address: str) -> str:
    """What leaves for a server that is not on this machine, as a sentence; empty for one that is."""
    from coach.backends.machine import WHAT_LEAVES, elsewhere

    host = elsewhere(address)
    return f"The server {host} is another machine: {WHAT_LEAVES} go there." if host else ""


def _embedded_model(settings: Settings) -> ChatModel:
    from coach.backends.model_files import find_embedded_model

    path = find_embedded_model(settings)
    from coach.backends.llama_cpp import LlamaCppChatModel

    return LlamaCppChatModel(
        path,
        context_window=settings.context_window,
        threads=settings.threads,
        states_folder=settings.states_folder,
    )


def _openai(settings: Settings) -> ChosenModel:
    from coach.backends.openai_compatible import open_server_model

    model = open_server_model(
        settings.openai_base_url,
        settings.openai_api_key,
        settings.model,
        context_window=settings.context_window,
        thinking_tokens=settings.thinking_tokens,
    )
    where = urlsplit(settings.openai_base_url).netloc
    reason = f"The server on {where} answers and has {model.name}."
    return ChosenModel(model, "openai", reason, away(settings.openai_base_url))


def _embedded(settings: Settings) -> ChosenModel:
    from coach.backends.model_files import EMBEDDED_MODEL

    return ChosenModel(
        _embedded_model(settings),
        "embedded",
        "You asked for the built-in model",
        facts=EMBEDDED_MODEL.facts,
    )


def _langchain(settings: Settings) -> ChosenModel:
    """Whatever `langchain.chat_models.init_chat_model` knows, named "provider:model"."""
    from coach.backends.langchain import open_by_name

    name = settings.model or ""
    model = open_by_name(
        name, context_window=settings.context_window, thinking_tokens=settings.thinking_tokens
    )
    return ChosenModel(
        model, "langchain", f"LangChain has {name}, which you named.", _asked_through_langchain(name)
    )


def _asked_through_langchain(name: str) -> str:
    """What leaves for a provider of LangChain, as a sentence: only of Ollama is it known that it need not be elsewhere."""
    from coach.backends.machine import WHAT_LEAVES

    provider = name.partition(":")[0]
    return (
        f"{name} is asked through LangChain: {WHAT_LEAVES} go to {provider}." if provider != "ollama" else ""
    )


def _nobody(settings: Settings) -> ChosenModel:
    return ChosenModel(None, "none", NO_MODEL_USED)


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to a chat model: `open` gives it for the settings, `speaks` names it in a list, and `elsewhere` says what would leave
    this machine, as a sentence, empty for nothing; both without opening it."""

    open: Callable[[Settings], ChosenModel]
    speaks: Callable[[Settings], str]
    elsewhere: Callable[[Settings], str]


def _nowhere(settings: Settings) -> str:
    return ""


# A new one is a file beside this with what opens it, and a line here.
BACKENDS: dict[str, Backend] = {
    "auto": Backend(_first_that_speaks, lambda settings: "whoever is here", _ollama_elsewhere),
    "ollama": Backend(_ollama, lambda settings: "Ollama", _ollama_elsewhere),
    "embedded": Backend(_embedded, lambda settings: "the built-in model", _nowhere),
    "openai": Backend(
        _openai, lambda s: f"the server at {s.openai_base_url}", lambda s: away(s.openai_base_url)
    ),
    "langchain": Backend(
        _langchain,
        lambda s: f"{s.model} through LangChain",
        lambda s: _asked_through_langchain(s.model or ""),
    ),
    "none": Backend(_nobody, lambda settings: "the sources alone", _nowhere),
}


def _backend(settings: Settings) -> Backend:
    """The backend of the settings. Raises UsageError where there is none of that name."""
    found = BACKENDS.get(settings.backend)
    if found is None:
        raise UsageError(
            f"There is no backend `{settings.backend}`: take one of {', '.join(BACKENDS)} with `--backend`, or in coach.toml."
        )
    return found


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
