"""Speak with a model that the user runs in Ollama."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import httpx
import ollama

from coach.backends.langchain import LIKELIEST_TOKENS, THINKING_TOKENS, LangChainChatModel, Vendor
from coach.backends.word_choice import choice_schema
from coach.errors import BackendError
from coach.types import Usage

KEEP_ALIVE = "30m"  # Ollama's own 5 minutes would unload the model while the user reads and thinks
CONNECT_SECONDS = 2.0
READ_SECONDS = 600.0  # loading a large model from disk counts as reading
# This family cannot be told not to think, only how much (docs.ollama.com, "Thinking").
THINKS_BY_LEVEL = "gptoss"


def open_ollama_model(
    address: str,
    name: str,
    *,
    context_window: int,
    thinks: bool = False,
    family: str = "",
    thinking_tokens: int = THINKING_TOKENS,
) -> LangChainChatModel:
    """The pulled model `name` at the URL `address`. Nothing is sent yet, and never through a proxy.

    One that `thinks` is told not to; where it does all the same, its thoughts may take `thinking_tokens`.
    """
    from langchain_ollama import ChatOllama

    think: bool | Literal["low"] | None = None
    if thinks:
        think = "low" if family == THINKS_BY_LEVEL else False
    model = ChatOllama(
        model=name,
        base_url=address,
        # Said every time: Ollama's default cuts a longer prompt without a word.
        num_ctx=context_window,
        keep_alive=KEEP_ALIVE,
        reasoning=think,
        client_kwargs=_client_settings(),
    )
    return LangChainChatModel(
        model,
        context_window=context_window,
        thinks=thinks,
        thinking_tokens=thinking_tokens,
        vendor=_vendor(address, name, context_window),
    )


def _vendor(address: str, name: str, context_window: int) -> Vendor:
    """How Ollama is asked for a choice and for log-probabilities, and what of its replies cannot be used."""

    def refuse_a_cut_prompt(usage: Usage) -> None:
        if usage.prompt >= context_window:
            raise BackendError(
                f"The prompt was longer than the {context_window} tokens that {name} reads, and Ollama cut it: raise "
                "`context_window` in coach.toml, or shorten what you ask."
            )

    def one_of(options: Sequence[str]) -> dict[str, object]:
        return {"format": choice_schema(options)}

    return Vendor(
        log_probabilities={"logprobs": True, "top_logprobs": LIKELIEST_TOKENS},
        one_of=one_of,
        errors=lambda name: said_plainly(address, name),
        check=refuse_a_cut_prompt,
        empty_is_thought=True,
    )


def connect(address: str) -> ollama.Client:
    """A client that speaks to `address` and to no proxy."""
    return ollama.Client(host=address, **_client_settings())


def _client_settings() -> dict[str, object]:
    return {"timeout": httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS), "trust_env": False}


def is_running(address: str, seconds: float = 0.5) -> bool:
    """Whether an Ollama answers at `address` within `seconds`."""
    try:
        reply = httpx.get(f"{address}/api/version", timeout=seconds, trust_env=False)
        return reply.status_code == 200 and "version" in reply.json()
    except (httpx.HTTPError, ValueError):
        return False


@contextmanager
def said_plainly(address: str, name: str | None = None) -> Iterator[None]:
    """Turn the client's errors into one sentence with the next command."""
    try:
        yield
    except ollama.ResponseError as error:
        if error.status_code == 404 and name is not None:
            raise BackendError(f"Ollama has no model {name}: run `ollama pull {name}`.") from error
        raise BackendError(
            f"Ollama could not answer ({error.error}): look at `ollama ps`, or use `--backend embedded`."
        ) from error
    except (ConnectionError, httpx.HTTPError, ValueError, KeyError) as error:
        raise not_running(address) from error


def not_running(address: str) -> BackendError:
    """The error for an Ollama that is not there."""
    return BackendError(
        f"Ollama does not answer at {address}: start it with `ollama serve`, or use the built-in model "
        "with `--backend embedded`."
    )
