"""Speak with a model behind any server of the OpenAI chat interface: vLLM, LM Studio, llama-server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import openai
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai.chat_models.base import BaseChatOpenAI
from pydantic import SecretStr

from coach.backends.langchain import LIKELIEST_TOKENS, THINKING_TOKENS, LangChainChatModel, Vendor
from coach.backends.word_choice import choice_schema
from coach.errors import BackendError

CONNECT_SECONDS = 2.0
READ_SECONDS = 600.0  # a long prompt on a slow machine sends nothing until its first token


class _ChatServer(BaseChatOpenAI):
    """LangChain's client, which leaves out the thoughts that a server takes out of the text: here they are kept."""

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            # vLLM and LM Studio call it one way, newer ones the other.
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if made is not None and thought:
                made.message.additional_kwargs["reasoning_content"] = thought
        return made


def open_server_model(
    base_url: str,
    api_key: str,
    wanted: str | None,
    *,
    context_window: int,
    thinking_tokens: int = THINKING_TOKENS,
) -> LangChainChatModel:
    """The model `wanted`, or the first that can chat; its window no larger than the server's. Never through a proxy.

    Raises BackendError when the server does not answer, or has no such model.
    """
    served = list_models(base_url, api_key)
    if wanted is not None and wanted not in served:
        raise BackendError(
            f"The server at {base_url} has no model {wanted}: take one of {', '.join(served) or 'none'} "
            "with `--model`, or load it there."
        )
    speaking = [name for name in served if "embed" not in name.lower()]
    if wanted is None and not speaking:
        raise BackendError(
            f"The server at {base_url} has no chat model: load one there, then run `coach doctor`."
        )
    name = wanted or speaking[0]
    window = min(context_window, served[name] or context_window)
    return server_model(base_url, api_key, name, context_window=window, thinking_tokens=thinking_tokens)


def server_model(
    base_url: str, api_key: str, name: str, *, context_window: int, thinking_tokens: int = THINKING_TOKENS
) -> LangChainChatModel:
    """The model `name` of the server. Nothing is sent yet.

    One that turns out to think is asked not to, and may take `thinking_tokens` where it does all the same.
    """
    model = _ChatServer(
        model=name,
        base_url=base_url,
        api_key=SecretStr(api_key),
        http_client=_connection(),
        http_socket_options=(),
        max_retries=0,
        stream_usage=True,
    )

    def one_of(options: Sequence[str]) -> dict[str, object]:
        schema = {"name": "choice", "strict": True, "schema": choice_schema(options)}
        # Not LangChain's own argument of that name, which expects more of a stream than some servers send.
        return {"extra_body": {"response_format": {"type": "json_schema", "json_schema": schema}}}

    vendor = Vendor(
        log_probabilities={"logprobs": True, "top_logprobs": LIKELIEST_TOKENS},
        one_of=one_of,
        # Said only to those that think: some servers refuse what they do not know. vLLM, SGLang, llama-server
        not_thinking={"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}},
        errors=lambda _: _said_plainly(base_url),
    )
    return LangChainChatModel(
        model, context_window=context_window, thinking_tokens=thinking_tokens, vendor=vendor
    )


def list_models(base_url: str, api_key: str) -> dict[str, int]:
    """What the server lists, with the length of the window where it tells (vLLM does), else 0. Raises BackendError when it
    does not answer."""
    with (
        _said_plainly(base_url),
        openai.OpenAI(base_url=base_url, api_key=api_key, http_client=_connection(), max_retries=0) as client,
    ):
        listed = client.models.list().data
        return {model.id: int((model.model_extra or {}).get("max_model_len") or 0) for model in listed}


def _connection() -> openai.DefaultHttpxClient:
    timeout = openai.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    return openai.DefaultHttpxClient(timeout=timeout, trust_env=False)


@contextmanager
def _said_plainly(base_url: str) -> Iterator[None]:
    """Turn the client's errors, and a reply of another shape, into one sentence with the next step."""
    try:
        yield
    except openai.APIConnectionError as error:
        raise BackendError(
            f"No model server answers at {base_url}: start it, or use the built-in model with "
            "`--backend embedded`."
        ) from error
    except openai.APIError as error:
        raise BackendError(
            f"The model server refused ({_why(error)}): check `--model` and its log, or use `--backend embedded`."
        ) from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise BackendError(
            f"What answers at {base_url} does not speak the OpenAI interface: set `openai_base_url` in "
            "coach.toml, then run `coach doctor`."
        ) from error


def _why(error: openai.APIError) -> str:
    body = error.body
    message = body.get("message", body) if isinstance(body, dict) else body
    return str(message or error.message)[:200]
