"""Speak with a model that the user's own Ollama serves."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import httpx
import ollama

from coach.backends.thoughts import Thoughts, after_silence, said_nothing
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
CHOICE_TOKENS = 32  # a short JSON object
# This family cannot be told not to think, only how much (docs.ollama.com, "Thinking").
THINKS_BY_LEVEL = "gptoss"


class OllamaChatModel:
    """A chat model behind an Ollama server.

    `choose_is_exact` is False once the server has shown that it gives no log-probabilities: `choose`
    then asks for one word of the options, and that word gets all the probability.
    """

    keeps_states = False

    def __init__(
        self,
        address: str,
        name: str,
        *,
        context_window: int,
        thinks: bool = False,
        family: str = "",
        thinking_tokens: int = 1024,
    ) -> None:
        """Speak with the pulled model `name` at the URL `address`. Nothing is sent yet.

        One that `thinks` is told not to; where it does all the same, its thoughts may take `thinking_tokens`.
        """
        self.name = name
        self.context_window = context_window
        self.choose_is_exact = True
        self._address = address
        self._client = connect(address)
        self._think: bool | Literal["low"] | None = None
        if thinks:
            self._think = "low" if family == THINKS_BY_LEVEL else False
        self._thinks = thinks
        self.thinking_tokens = thinking_tokens

    def stream(self, messages: Sequence[Turn], *, max_tokens: int, temperature: float) -> TokenStream:
        """Speak. Raises BackendError, on reading, when Ollama is gone, the model is not pulled or says nothing."""
        return OllamaStream(self, messages, max_tokens, temperature)

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each option as the reply's first word. Raises BackendError where it cannot tell."""
        if self.choose_is_exact:
            listed = self._first_word(messages)
            if listed:
                return weigh_options(listed, options)
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

    def _parts(
        self, messages: Sequence[Turn], tokens: int, temperature: float, **asked: Any
    ) -> Iterator[Any]:
        """The reply as it comes, with room for thoughts where the model may think."""
        room = tokens + (self.thinking_tokens if self._thinks else 0)
        with said_plainly(self._address, self.name):
            yield from self._client.chat(
                self.name,
                [{"role": turn.role, "content": turn.text} for turn in messages],
                stream=True,
                think=self._think,
                # num_ctx is said every time: Ollama's default cuts a longer prompt without a word.
                options={"num_ctx": self.context_window, "num_predict": room, "temperature": temperature},
                keep_alive=KEEP_ALIVE,
                **asked,
            )

    def turns_out_to_think(self) -> bool:
        """Give it room for its thoughts from now on; False where it has had that already."""
        known, self._thinks = self._thinks, True
        return not known

    def _first_word(self, messages: Sequence[Turn]) -> list[tuple[str, float]]:
        """The likeliest tokens where the reply begins, its thoughts passed over; empty where the server tells none."""
        thoughts = Thoughts()
        thought, first = False, None
        for part in self._parts(messages, 1, 0.0, logprobs=True, top_logprobs=LIKELIEST_TOKENS):
            content = part.message.content or ""
            thought = thought or bool(part.message.thinking)
            first = part if first is None and content.strip() else first
            if thoughts.spoken(content).strip():
                break
            if thoughts.seen:
                first = None  # what began was a thought
        if first is not None:
            listed = first.logprobs[0].top_logprobs if first.logprobs else None
            return [(entry.token, entry.logprob) for entry in listed or ()]
        if (thought or thoughts.seen) and self.turns_out_to_think():
            return self._first_word(messages)
        if thought or thoughts.seen:
            raise said_nothing(self.name, thought=True, budget=self.thinking_tokens)
        return []

    def _constrained_choice(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        thoughts = Thoughts()
        parts = self._parts(messages, CHOICE_TOKENS, 0.0, format=choice_schema(options))
        said = "".join(thoughts.spoken(part.message.content or "") for part in parts)
        chosen = read_choice(said, options)
        if chosen is None:
            raise BackendError(
                f"{self.name} chose none of {', '.join(options)}: try another model with `--model`."
            )
        return chosen


class OllamaStream(Iterator[str]):
    """Pieces of one reply, empty ones while the model thinks. `usage` is known once the stream has ended."""

    def __init__(
        self, model: OllamaChatModel, messages: Sequence[Turn], max_tokens: int, temperature: float
    ) -> None:
        self.usage: Usage | None = None
        self._model = model
        self._asked = (messages, max_tokens, temperature)
        self._pieces = self._read()

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Hang up: Ollama stops when nobody listens."""
        self._pieces.close()

    def _read(self) -> Generator[str, None, None]:
        messages, max_tokens, temperature = self._asked
        thoughts = Thoughts()
        spoken, thought = 0, False
        for part in self._model._parts(messages, max_tokens, temperature):
            piece = thoughts.spoken(part.message.content or "")
            thought = thought or bool(part.message.thinking) or thoughts.seen
            if piece or part.message.thinking or part.message.content:
                yield piece
            spoken += bool(piece)
            if part.done:
                self._count(part)
            elif spoken >= max_tokens:
                # A piece has at least one token; what is left of the room was for thoughts.
                self.usage = Usage(completion=spoken)
                return
        if not spoken:
            yield from after_silence(self._model, thought=thought, again=self._read)

    def _count(self, part: Any) -> None:
        # Ollama counts the whole prompt and does not say how much of it was cached.
        self.usage = Usage(prompt=part.prompt_eval_count or 0, completion=part.eval_count or 0)
        if self.usage.prompt >= self._model.context_window:
            raise BackendError(
                f"The prompt was longer than the {self._model.context_window} tokens that {self._model.name} reads, and "
                "Ollama cut it: raise `context_window` in coach.toml, or shorten what you ask."
            )


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
