"""Speak with a model that the user's own Ollama serves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

from coach.backends.word_choice import choice_schema, read_choice, weigh_options
from coach.errors import BackendError
from coach.protocols import TokenStream
from coach.types import Turn, Usage

KEEP_ALIVE = "30m"  # Ollama's own 5 minutes would unload the model while the user reads and thinks
CONNECT_SECONDS = 2.0
READ_SECONDS = 600.0  # loading a large model from disk counts as reading
LIKELIEST_TOKENS = 20  # the most that Ollama lists: `top_logprobs` is 0-20
BYTES_PER_TOKEN = (
    2.0  # English has about 4; half of that is a safe upper estimate of tokens for code and tables
)


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """One pulled model. `speaks` is False where Ollama says it only embeds."""

    name: str
    size: int
    speaks: bool


class OllamaChatModel:
    """A chat model behind an Ollama server.

    `choose_is_exact` is False once the server has shown that it gives no log-probabilities: `choose`
    then asks for one word of the options, and that word gets all the probability.
    """

    def __init__(self, address: str, name: str, *, context_window: int) -> None:
        """Speak with the pulled model `name` at the URL `address`. Nothing is sent yet."""
        self.name = name
        self.context_window = context_window
        self.choose_is_exact = True
        self._address = address
        self._client = connect(address)

    @classmethod
    def open(cls, address: str, wanted: str | None, *, context_window: int) -> OllamaChatModel:
        """The model `wanted`, or the one the user pulled last that can chat.

        Raises BackendError when Ollama does not answer, or the model is not pulled.
        """
        models = list_models(address)
        if wanted is not None:
            found = [model for model in models if model.name in (wanted, f"{wanted}:latest")]
            if not found:
                raise _not_pulled(wanted)
            name = found[0].name
        else:
            speaking = [model for model in models if model.speaks]
            if not speaking:
                raise BackendError("Ollama has no chat model: run `ollama pull qwen2.5:3b`.")
            name = speaking[0].name
        return cls(address, name, context_window=context_window)

    def stream(self, messages: Sequence[Turn], *, max_tokens: int, temperature: float) -> TokenStream:
        """Speak. Raises BackendError, on reading, when Ollama is gone or the model is not pulled."""
        return OllamaStream(self._parts(messages, max_tokens, temperature))

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each option as the reply's first word. Raises BackendError where it cannot tell."""
        if self.choose_is_exact:
            with self._errors():
                reply = self._client.chat(
                    self.name,
                    _messages(messages),
                    logprobs=True,
                    top_logprobs=LIKELIEST_TOKENS,
                    options=self._options(1, 0.0),
                    keep_alive=KEEP_ALIVE,
                )
            if reply.logprobs and reply.logprobs[0].top_logprobs:
                listed = reply.logprobs[0].top_logprobs
                return weigh_options(((entry.token, entry.logprob) for entry in listed), options)
            self.choose_is_exact = False  # an Ollama before 0.12.11 ignores the wish
        return self._constrained_choice(messages, options)

    def count_tokens(self, text: str) -> int:
        """An upper estimate: Ollama does not show its tokenizers."""
        return int(len(text.encode()) / BYTES_PER_TOKEN) + 1

    def remember(self, messages: Sequence[Turn]) -> None:
        """Nothing: Ollama keeps the last prompt of a loaded model by itself."""

    def close(self) -> None:
        """Hang up. The model stays loaded in Ollama for as long as it was told to keep it."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _parts(self, messages: Sequence[Turn], max_tokens: int, temperature: float) -> Iterator[Any]:
        with self._errors():
            yield from self._client.chat(
                self.name,
                _messages(messages),
                stream=True,
                options=self._options(max_tokens, temperature),
                keep_alive=KEEP_ALIVE,
            )

    def _constrained_choice(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        with self._errors():
            reply = self._client.chat(
                self.name,
                _messages(messages),
                format=choice_schema(options),
                options=self._options(32, 0.0),
                keep_alive=KEEP_ALIVE,
            )
        chosen = read_choice(reply.message.content or "", options)
        if chosen is None:
            raise BackendError(
                f"{self.name} chose none of {', '.join(options)}: try another model with `--model`."
            )
        return chosen

    def _options(self, max_tokens: int, temperature: float) -> dict[str, float]:
        # num_ctx is said every time: Ollama's default cuts a longer prompt without a word.
        return {"num_ctx": self.context_window, "num_predict": max_tokens, "temperature": temperature}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with said_plainly(self._address, self.name):
            yield


class OllamaStream(Iterator[str]):
    """Pieces of one reply. `usage` is known once the stream has ended by itself."""

    def __init__(self, parts: Iterator[Any]) -> None:
        self.usage: Usage | None = None
        self._pieces = self._read(parts)

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Hang up: Ollama stops when nobody listens."""
        self._pieces.close()

    def _read(self, parts: Iterator[Any]) -> Generator[str, None, None]:
        for part in parts:
            if part.message.content:
                yield part.message.content
            if part.done:
                # Ollama counts the whole prompt and does not say how much of it was cached.
                self.usage = Usage(prompt=part.prompt_eval_count or 0, completion=part.eval_count or 0)


def connect(address: str) -> ollama.Client:
    """A client that speaks to `address` and to no proxy."""
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    return ollama.Client(host=address, timeout=timeout, trust_env=False)


def is_running(address: str, seconds: float = 0.5) -> bool:
    """Whether an Ollama answers at `address` within `seconds`."""
    try:
        reply = httpx.get(f"{address}/api/version", timeout=seconds, trust_env=False)
        return reply.status_code == 200 and "version" in reply.json()
    except (httpx.HTTPError, ValueError):
        return False


def list_models(address: str) -> list[OllamaModel]:
    """Every pulled model, the newest first. Raises BackendError when Ollama does not answer."""
    with connect(address) as client, said_plainly(address):
        return [
            OllamaModel(model.model, int(model.size or 0), _speaks(client, model))
            for model in client.list().models
            if model.model
        ]


def pull_model(address: str, name: str, progress: Callable[[str, int, int], None]) -> None:
    """Have Ollama fetch `name`; `progress(status, done, total)` in bytes, 0 of 0 while that is unknown.

    Raises BackendError when Ollama does not answer or knows no such model.
    """
    with connect(address) as client, said_plainly(address, name):
        for part in client.pull(name, stream=True):
            progress(part.status or "", part.completed or 0, part.total or 0)


def _speaks(client: ollama.Client, model: Any) -> bool:
    """By the capabilities Ollama states; before it stated any, by the name's word for embedding."""
    try:
        capabilities = client.show(model.model).capabilities
    except ollama.ResponseError:
        capabilities = None
    if capabilities is not None:
        return "completion" in capabilities
    family = (model.details.family if model.details else None) or ""
    return "embed" not in model.model and "bert" not in family


def _messages(turns: Sequence[Turn]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


@contextmanager
def said_plainly(address: str, name: str | None = None) -> Iterator[None]:
    """Turn the client's errors into one sentence with the next command."""
    try:
        yield
    except ollama.ResponseError as error:
        if error.status_code == 404 and name is not None:
            raise _not_pulled(name) from error
        raise BackendError(
            f"Ollama could not answer ({error.error}): look at `ollama ps`, or use `--backend embedded`."
        ) from error
    except (ConnectionError, httpx.HTTPError, ValueError) as error:
        raise not_running(address) from error


def not_running(address: str) -> BackendError:
    """The error for an Ollama that is not there."""
    return BackendError(
        f"Ollama does not answer at {address}: start it with `ollama serve`, or use the built-in model "
        "with `--backend embedded`."
    )


def _not_pulled(name: str) -> BackendError:
    return BackendError(f"Ollama has no model {name}: run `ollama pull {name}`.")
