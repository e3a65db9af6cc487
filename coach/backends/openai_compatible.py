"""Speak with a model behind any server of the OpenAI chat interface: vLLM, LM Studio, llama-server."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from coach.backends.thoughts import Thoughts, after_silence
from coach.backends.word_choice import choice_schema, read_choice, weigh_options
from coach.errors import BackendError
from coach.protocols import TokenStream
from coach.types import Turn, Usage

CONNECT_SECONDS = 2.0
READ_SECONDS = 600.0  # a long prompt on a slow machine sends nothing until its first token
LIKELIEST_TOKENS = 20  # the most that the OpenAI interface lists: `top_logprobs` is 0-20
BYTES_PER_TOKEN = 2.0  # English has about 4; half of that is a safe upper estimate of tokens


class OpenAICompatibleChatModel:
    """A chat model behind a server's `/v1` address.

    `choose_is_exact` is False once the server has shown that it gives no log-probabilities: `choose`
    then asks for one word of the options, and that word gets all the probability.
    """

    keeps_states = False

    def __init__(
        self, base_url: str, api_key: str, name: str, *, context_window: int, thinking_tokens: int = 1024
    ) -> None:
        """Speak with the model `name` of the server. Nothing is sent yet, and never through a proxy.

        One that turns out to think is asked not to, and may take `thinking_tokens` where it does all the same.
        """
        self.name = name
        self.context_window = context_window
        self.choose_is_exact = True
        self._thinks = False
        self.thinking_tokens = thinking_tokens
        self._base_url = base_url.rstrip("/")
        self._client = _connect(self._base_url, api_key)

    @classmethod
    def open(
        cls,
        base_url: str,
        api_key: str,
        wanted: str | None,
        *,
        context_window: int,
        thinking_tokens: int = 1024,
    ) -> OpenAICompatibleChatModel:
        """The model `wanted`, or the first that can chat; its window no larger than the server's.

        Raises BackendError when the server does not answer, or has no such model.
        """
        models = list_models(base_url, api_key)
        names = [str(model["id"]) for model in models]
        if wanted is not None and wanted not in names:
            raise BackendError(
                f"The server at {base_url} has no model {wanted}: take one of {', '.join(names) or 'none'} "
                "with `--model`, or load it there."
            )
        speaking = [name for name in names if "embed" not in name.lower()]
        if wanted is None and not speaking:
            raise BackendError(
                f"The server at {base_url} has no chat model: load one there, then run `coach doctor`."
            )
        name = wanted or speaking[0]
        served = next(model for model in models if model["id"] == name)
        limit = served.get("max_model_len") or context_window  # vLLM says how far its window goes
        window = min(context_window, int(limit))
        return cls(base_url, api_key, name, context_window=window, thinking_tokens=thinking_tokens)

    def stream(self, messages: Sequence[Turn], *, max_tokens: int, temperature: float) -> TokenStream:
        """Speak. Raises BackendError, on reading, when the server is gone, refuses, or the model says nothing."""
        return ServerStream(self, messages, max_tokens, temperature)

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each option as the reply's first word. Raises BackendError where it cannot tell."""
        if self.choose_is_exact:
            wish = {"logprobs": True, "top_logprobs": LIKELIEST_TOKENS}
            choice = self._choice({**self._body(messages, 1, 0.0), **wish})
            if self._thought(choice) and self.turns_out_to_think():
                return self.choose(messages, options)
            content = (choice.get("logprobs") or {}).get("content") or []
            if content and content[0].get("top_logprobs") and not self._thought(choice):
                listed = content[0]["top_logprobs"]
                return weigh_options(((entry["token"], entry["logprob"]) for entry in listed), options)
            self.choose_is_exact = False
        return self._constrained_choice(messages, options)

    def count_tokens(self, text: str) -> int:
        """An upper estimate: the interface shows no tokenizer."""
        return int(len(text.encode()) / BYTES_PER_TOKEN) + 1

    def remember(self, messages: Sequence[Turn]) -> None:
        """Nothing: servers keep their own prefix caches."""

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _constrained_choice(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        schema = {"name": "choice", "strict": True, "schema": choice_schema(options)}
        wish = {"response_format": {"type": "json_schema", "json_schema": schema}}
        choice = self._choice({**self._body(messages, 32, 0.0), **wish})
        chosen = read_choice(Thoughts().spoken(choice["message"]["content"] or ""), options)
        if chosen is None:
            raise BackendError(
                f"{self.name} chose none of {', '.join(options)}: try another model with `--model`."
            )
        return chosen

    def _body(self, messages: Sequence[Turn], max_tokens: int, temperature: float) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": turn.role, "content": turn.text} for turn in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        if self._thinks:  # asked only of those that think: some servers refuse what they do not know
            body |= {"max_tokens": max_tokens + self.thinking_tokens}
            body |= {"chat_template_kwargs": {"enable_thinking": False}}  # vLLM, SGLang, llama-server
        return body

    def _thought(self, choice: Mapping[str, Any]) -> bool:
        """Whether the reply began with a thought, whose first word is no choice."""
        message = choice["message"]
        thoughts = Thoughts()
        thoughts.spoken(message.get("content") or "")
        return thoughts.seen or bool(_thinking_in(message))

    def turns_out_to_think(self) -> bool:
        """Ask it not to from now on, and give it room; False where that was done already."""
        known, self._thinks = self._thinks, True
        return not known

    def _choice(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with _said_plainly(self._base_url):
            reply = self._client.post("chat/completions", json=body)
            _refuse_failure(reply)
            choice: dict[str, Any] = reply.json()["choices"][0]
            return choice

    def _events(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        with (
            _said_plainly(self._base_url),
            self._client.stream("POST", "chat/completions", json=body) as reply,
        ):
            if reply.is_error:
                reply.read()
            _refuse_failure(reply)
            for line in reply.iter_lines():
                sent = line.removeprefix("data:").strip()
                if line.startswith("data:") and sent != "[DONE]":
                    event = json.loads(sent)
                    if "error" in event:
                        raise _refused(event)
                    yield event


class ServerStream(Iterator[str]):
    """Pieces of one reply, empty ones while the model thinks. `usage` is known once the stream has ended by itself, where
    the server counts."""

    def __init__(
        self,
        model: OpenAICompatibleChatModel,
        messages: Sequence[Turn],
        max_tokens: int,
        temperature: float,
    ) -> None:
        self.usage: Usage | None = None
        self._model = model
        self._asked = (messages, max_tokens, temperature)
        self._pieces = self._read()

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Hang up: the server stops when nobody listens."""
        self._pieces.close()

    def _read(self) -> Generator[str, None, None]:
        thoughts = Thoughts()
        spoken, thought = 0, False
        body = self._model._body(*self._asked)
        for event in self._model._events({**body, "stream": True, "stream_options": {"include_usage": True}}):
            if event.get("usage"):
                self.usage = _usage(event["usage"])
            for choice in event.get("choices", ()):
                delta = choice.get("delta") or {}
                thinking, content = _thinking_in(delta), delta.get("content") or ""
                piece = thoughts.spoken(content)
                thought = thought or bool(thinking) or thoughts.seen
                spoken += bool(piece)
                if piece or thinking or content:
                    yield piece
            if spoken >= self._asked[1] and self._model._thinks:
                self.usage = self.usage or Usage(completion=spoken)
                return
        if not spoken:
            yield from after_silence(self._model, thought=thought, again=self._read)


def _thinking_in(message: Mapping[str, Any]) -> str:
    """The thought that a server takes out of the text: vLLM and LM Studio call it one way, newer ones the other."""
    return str(message.get("reasoning_content") or message.get("reasoning") or "")


def list_models(base_url: str, api_key: str) -> list[dict[str, Any]]:
    """What `/v1/models` lists. Raises BackendError when the server does not answer."""
    with _connect(base_url, api_key) as client, _said_plainly(base_url):
        reply = client.get("models")
        _refuse_failure(reply)
        models: list[dict[str, Any]] = reply.json()["data"]
        return models


def _connect(base_url: str, api_key: str) -> httpx.Client:
    return httpx.Client(
        base_url=f"{base_url.rstrip('/')}/",
        headers={"Authorization": f"Bearer {api_key}"},
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        trust_env=False,
    )


def _usage(counted: Mapping[str, Any]) -> Usage:
    details = counted.get("prompt_tokens_details") or {}
    return Usage(
        prompt=int(counted.get("prompt_tokens") or 0),
        cached=int(details.get("cached_tokens") or 0),
        completion=int(counted.get("completion_tokens") or 0),
    )


@contextmanager
def _said_plainly(base_url: str) -> Iterator[None]:
    """Turn the client's errors, and a reply of another shape, into one sentence with the next step."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BackendError(
            f"No model server answers at {base_url}: start it, or use the built-in model with "
            "`--backend embedded`."
        ) from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BackendError(
            f"What answers at {base_url} does not speak the OpenAI interface: set `openai_base_url` in "
            "coach.toml, then run `coach doctor`."
        ) from error


def _refuse_failure(reply: httpx.Response) -> None:
    if reply.is_success:
        return
    try:
        said = reply.json()
    except ValueError:
        said = {"error": reply.text[:200] or f"HTTP {reply.status_code}"}
    raise _refused(said)


def _refused(said: Any) -> BackendError:
    found = said.get("error", said) if isinstance(said, dict) else said
    message = found.get("message", found) if isinstance(found, dict) else found
    return BackendError(
        f"The model server refused ({message}): check `--model` and its log, or use `--backend embedded`."
    )
