"""The models of an Ollama server: what each can do, which one the coach takes by itself, and how to pull more."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import ollama

from coach.backends.machine import WHAT_LEAVES, is_here, memory_for_a_model
from coach.backends.ollama import connect, said_plainly
from coach.errors import BackendError, UsageError

LAST_USED = "last_model.json"  # in the home folder
SUGGESTED = "qwen2.5:3b"
# A key and a value for each number of the cache, 16 bits each: Ollama's default f16 cache.
_CACHE_BYTES = 2 * 2
LICENCE_CHARACTERS = 60  # of a licence's first line: its name
_NO_TEMPLATE = "{{ .Prompt }}"  # what Ollama writes for a file that brings no template it knows


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """One model that the server lists.

    `hosted_at` is the address of another company's machine that would do the work, empty for a model that is here; of
    a hosted one nothing more is known, since asking would already go out. `size` is the file's, `memory` what the model
    takes with a window of `window` tokens, in bytes.
    """

    name: str
    size: int
    hosted_at: str = ""
    chats: bool = True
    thinks: bool = False
    has_template: bool = True
    family: str = ""
    window: int = 0
    memory: int = 0
    fits: bool | None = None
    parameters: str = ""
    licence: str = ""
    quantisation: str = ""

    @property
    def trouble(self) -> str:
        """Why the coach does not take it by itself; empty where it may."""
        if self.hosted_at:
            return "hosted elsewhere"
        if not self.chats:
            return "embeds only"
        if not self.has_template:
            return "no chat template"
        return "too large for this machine's memory" if self.fits is False else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The model taken, and why, in a clause; `warnings` are whole sentences."""

    model: OllamaModel
    why: str
    warnings: tuple[str, ...] = ()


def list_models(address: str, window: int) -> list[OllamaModel]:
    """Every model the server lists, the last pulled first, as it would run with a window of `window` tokens.

    A hosted model's card is never asked for. Raises BackendError when Ollama does not answer.
    """
    # The client's own listing drops `remote_host`, the one word that tells a hosted model from a local one.
    with said_plainly(address):
        reply = httpx.get(f"{address}/api/tags", timeout=httpx.Timeout(10.0, connect=2.0), trust_env=False)
        reply.raise_for_status()
        listed = [entry for entry in reply.json()["models"] if entry.get("model") or entry.get("name")]
    listed.sort(key=lambda entry: str(entry.get("modified_at", "")), reverse=True)
    # The memory of another machine is not known here.
    room = memory_for_a_model() if is_here(httpx.URL(address).host) else None
    with connect(address) as client, said_plainly(address):
        return [_model(client, entry, window, room) for entry in listed]


def _model(client: ollama.Client, entry: Mapping[str, Any], window: int, room: int | None) -> OllamaModel:
    name, size = str(entry.get("model") or entry["name"]), int(entry.get("size") or 0)
    hosted_at = str(entry.get("remote_host") or entry.get("remote_model") or "")
    if hosted_at:
        return OllamaModel(name, size, hosted_at)
    card: Mapping[str, Any] = {}
    with suppress(ollama.ResponseError):
        card = client.show(name).model_dump()
    facts = card.get("modelinfo") or {}
    details = card.get("details") or entry.get("details") or {}
    family = str(facts.get("general.architecture") or details.get("family") or "")
    capabilities = card.get("capabilities")
    trained = int(facts.get(f"{family}.context_length") or 0)
    fitted = min(window, trained) if trained else window
    memory = size + fitted * _cache_bytes_per_token(family, facts)
    return OllamaModel(
        name,
        size,
        chats="completion" in capabilities if capabilities else _chats_by_name(name, family),
        thinks="thinking" in (capabilities or ()),
        has_template=str(card.get("template") or "").strip() != _NO_TEMPLATE,
        family=family,
        window=fitted,
        memory=memory,
        fits=None if room is None else memory <= room,
        parameters=str(details.get("parameter_size") or ""),
        licence=_licence(card, facts),
        quantisation=str(details.get("quantization_level") or ""),
    )


def _licence(card: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Its name as the file gives it, else the first line of its text; empty where the card is silent."""
    lines = str(card.get("license") or "").strip().splitlines()
    return str(facts.get("general.license") or (lines[0].strip()[:LICENCE_CHARACTERS] if lines else ""))


def _chats_by_name(name: str, family: str) -> bool:
    """For servers from before models stated what they can do."""
    return "embed" not in name and "bert" not in family


def _cache_bytes_per_token(family: str, facts: Mapping[str, Any]) -> int:
    """Key and value of every layer: what a token of the window takes beside the weights; 0 where the card is silent."""

    def fact(name: str) -> int:
        value = facts.get(f"{family}.{name}") or 0
        return int(max(value) if isinstance(value, list) else value)

    heads = fact("attention.head_count")
    width = fact("attention.key_length") or (fact("embedding_length") // heads if heads else 0)
    return fact("block_count") * (fact("attention.head_count_kv") or heads) * width * _CACHE_BYTES


def choose_model(
    models: Sequence[OllamaModel], wanted: str | None, last_used: str | None, *, allow_hosted: bool
) -> Choice:
    """The model `wanted`, or the coach's own pick: local, chats, has a template, fits; the one used last before the one
    pulled last.

    Raises BackendError for a model that is not there, only embeds, or is hosted elsewhere without `allow_hosted`, and
    where none can be picked.
    """
    if wanted is not None:
        return _named(models, wanted, allow_hosted)
    usable = [model for model in models if not model.trouble]
    passed = [f"{model.name}, {model.trouble}" for model in models if model.trouble]
    if not usable:
        over = f" that the coach takes by itself (passed over were {'; '.join(passed)})" if passed else ""
        raise BackendError(f"Ollama has no chat model{over}: run `ollama pull {SUGGESTED}`.")
    over = f"Passed over: {'; '.join(passed)}." if passed else ""
    chosen = next((model for model in usable if model.name == last_used), usable[0])
    why = "used last" if chosen.name == last_used else "pulled last"
    return Choice(chosen, f"{why} of those that run here", (over,) if over else ())


def _named(models: Sequence[OllamaModel], wanted: str, allow_hosted: bool) -> Choice:
    found = next((model for model in models if model.name in (wanted, f"{wanted}:latest")), None)
    tagged = [model for model in models if model.name.partition(":")[0] == wanted]
    if found is None and len(tagged) == 1:
        found = tagged[0]
    if found is None:
        raise BackendError(f"Ollama has no model {wanted}: run `ollama pull {wanted}`.")
    if found.hosted_at and not allow_hosted:
        raise not_allowed(found)
    if not found.chats:
        raise BackendError(f"{found.name} only embeds and cannot answer: choose another with `coach models`.")
    return Choice(found, "you named it", tuple(filter(None, [warning(found)])))


def warning(model: OllamaModel) -> str:
    """What a user of this model has to know, ending in the command that changes it; empty where there is nothing."""
    if model.hosted_at:
        return (
            f"{model.name} is hosted elsewhere ({model.hosted_at}): {WHAT_LEAVES} leave this machine. To go back, unset "
            "COACH_MODEL or leave `--model` out."
        )
    if not model.has_template:
        return (
            f"{model.name} has no chat template, so it never sees the rules and the sources: write its file with "
            f"`ollama show --modelfile {model.name} > Modelfile`, put the TEMPLATE of its family in, then run "
            f"`ollama create {model.name} -f Modelfile`."
        )
    if model.fits is False:
        return (
            f"{model.name} needs about {model.memory / 1e9:.1f} GB and will be slow or fail here: choose another with "
            "`coach models`."
        )
    return ""


def not_allowed(model: OllamaModel) -> BackendError:
    """The error for a hosted model that no setting allows."""
    return BackendError(
        f"{model.name} is hosted elsewhere ({model.hosted_at}): {WHAT_LEAVES} would leave this machine. If that is what "
        "you want, set `allow_hosted = true` in coach.toml (or COACH_ALLOW_HOSTED=true) and name it with `--model`; "
        "else choose another with `coach models`."
    )


def last_used(home: Path) -> str | None:
    """The Ollama model that spoke last on this machine, or was put first with `coach models use`."""
    try:
        found = json.loads((home / LAST_USED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("ollama") if isinstance(found, dict) else None


def remember_used(home: Path, name: str) -> None:
    """Put `name` before the others. A home that cannot be written costs no more than that."""
    if last_used(home) == name:
        return
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f"{LAST_USED}.new"
        draft.write_text(json.dumps({"ollama": name}), encoding="utf-8")
        draft.replace(home / LAST_USED)


def use_model(models: Sequence[OllamaModel], name: str, home: Path) -> OllamaModel:
    """Make `name` the coach's own pick. Raises BackendError or UsageError for one that it would not take."""
    chosen = choose_model(models, name, None, allow_hosted=True).model
    if chosen.hosted_at:
        raise UsageError(
            f"{chosen.name} is hosted elsewhere ({chosen.hosted_at}) and never becomes the coach's own pick: {WHAT_LEAVES} "
            "would leave this machine. Choose another with `coach models`."
        )
    if chosen.trouble:
        raise UsageError(warning(chosen))
    remember_used(home, chosen.name)
    return chosen


def pull_model(address: str, name: str, progress: Callable[[str, int, int], None]) -> None:
    """Have Ollama fetch `name`; `progress(status, done, total)` in bytes, 0 of 0 while that is unknown.

    Raises BackendError when Ollama does not answer, or with its reason where it cannot fetch the model.
    """
    with connect(address) as client, said_plainly(address, name):
        try:
            for part in client.pull(name, stream=True):
                progress(part.status or "", part.completed or 0, part.total or 0)
        except ollama.ResponseError as error:  # it answers 200 and puts the trouble into the stream
            raise BackendError(
                f"Ollama could not pull {name} ({error.error}): check the name at ollama.com/library and the network, "
                f"then run `coach models pull {name}`."
            ) from error
