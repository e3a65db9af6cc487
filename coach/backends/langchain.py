"""Let any LangChain chat model be the coach's voice."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coach.backends.thoughts import Thoughts, said_nothing
from coach.backends.word_choice import read_choice, weigh_options
from coach.errors import BackendError
from coach.protocols import TokenStream
from coach.types import Turn, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

DEFAULT_WINDOW = 8192  # what local chat models are commonly served with; say so where yours differs
BYTES_PER_TOKEN = 2.0  # English has about 4; half of that is a safe upper estimate of tokens


class LangChainChatModel:
    """Any `BaseChatModel` behind the coach's own seam. Sampling it does not know is left to the model.

    `choose_is_exact` says whether the last `choose` was read from log-probabilities, which a model
    gives when it is built with them (`ChatOpenAI(logprobs=True, top_logprobs=20)`).
    """

    keeps_states = False

    def __init__(self, model: BaseChatModel, *, context_window: int = DEFAULT_WINDOW) -> None:
        """Speak with `model`, whose prompts and replies together fit `context_window` tokens."""
        self.name = str(
            getattr(model, "model_name", None) or getattr(model, "model", None) or model._llm_type
        )
        self.context_window = context_window
        self.choose_is_exact = True
        self._model = model

    def stream(self, messages: Sequence[Turn], *, max_tokens: int, temperature: float) -> TokenStream:
        """Speak. Raises BackendError, on reading, when the model fails.

        `max_tokens` ends the reading; `max_tokens` and `temperature` are also set on models that have them.
        """
        model = self._with_sampling(max_tokens, temperature)
        return LangChainStream(self.name, self._chunks(model, _messages(messages)), max_tokens)

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each option as the first word; without log-probabilities, 1 for the word said.

        Raises BackendError when the reply is none of the options.
        """
        last = messages[-1]
        wish = f"{last.text}\n\nReply with one word only: {' or '.join(options)}."
        asked = [*messages[:-1], Turn(last.role, wish)]
        with self._errors():
            reply = self._with_sampling(16, 0.0).invoke(_messages(asked))
        thoughts = Thoughts()
        said = thoughts.spoken(reply.text)
        thought = thoughts.seen or bool(reply.additional_kwargs.get("reasoning_content"))
        # The first of the listed tokens is then that of a thought.
        listed = [] if thought else _first_token_logprobs(reply.response_metadata)
        self.choose_is_exact = bool(listed)
        if listed:
            return weigh_options(listed, options)
        chosen = read_choice(said, options)
        if chosen is None:
            raise BackendError(
                f"{self.name} chose none of {', '.join(options)}: try another model with `--model`."
            )
        return chosen

    def count_tokens(self, text: str) -> int:
        """An upper estimate: LangChain's own count would fetch a tokenizer from the network."""
        return int(len(text.encode()) / BYTES_PER_TOKEN) + 1

    def remember(self, messages: Sequence[Turn]) -> None:
        """Nothing: LangChain models keep no state of ours."""

    def close(self) -> None:
        """Nothing: the model belongs to whoever made it."""

    def _with_sampling(self, max_tokens: int, temperature: float) -> Any:
        """The model with the sampling set on the fields it has, whatever it calls them."""
        fields = type(self._model).model_fields
        names = {"temperature": temperature}
        for name in ("max_tokens", "num_predict", "max_output_tokens"):
            names[name] = max_tokens
        return self._model.model_copy(update={name: value for name, value in names.items() if name in fields})

    def _chunks(self, model: Any, messages: list[BaseMessage]) -> Iterator[Any]:
        with self._errors():
            yield from model.stream(messages)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # any integration may raise anything: it is a stranger's code
            raise BackendError(
                f"{self.name} failed ({type(error).__name__}: {error}): check that model, or use "
                "`--backend embedded`."
            ) from error


class LangChainStream(Iterator[str]):
    """Pieces of one reply, empty ones while the model thinks. `usage` is known once the stream has ended, where the model
    counts."""

    def __init__(self, name: str, chunks: Iterator[Any], max_pieces: int) -> None:
        self.usage: Usage | None = None
        self._pieces = self._read(name, chunks, max_pieces)

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Stop reading; the model's own stream is closed with it."""
        self._pieces.close()

    def _read(self, name: str, chunks: Iterator[Any], max_pieces: int) -> Generator[str, None, None]:
        thoughts = Thoughts()
        spoken, thought = 0, False
        counted = Usage()
        for chunk in chunks:
            if chunk.usage_metadata:
                counted = _added(counted, chunk.usage_metadata)
            thinking = bool(chunk.additional_kwargs.get("reasoning_content"))
            piece = thoughts.spoken(chunk.text)
            thought = thought or thinking or thoughts.seen
            if (piece or chunk.text or thinking) and spoken < max_pieces:  # a piece has at least one token
                spoken += bool(piece)
                yield piece
        self.usage = counted if counted != Usage() else Usage(completion=spoken)
        if not spoken:
            raise said_nothing(name, thought=thought, budget=counted.completion or max_pieces)


def _added(counted: Usage, more: Mapping[str, Any]) -> Usage:
    cached = (more.get("input_token_details") or {}).get("cache_read") or 0
    return Usage(
        prompt=counted.prompt + int(more.get("input_tokens") or 0),
        cached=counted.cached + int(cached),
        completion=counted.completion + int(more.get("output_tokens") or 0),
    )


def _messages(turns: Sequence[Turn]) -> list[BaseMessage]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    kinds = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return [kinds[turn.role](content=turn.text) for turn in turns]


def _first_token_logprobs(metadata: Mapping[str, Any]) -> list[tuple[str, float]]:
    """From what OpenAI-like models (a mapping) and Ollama (a list) leave in the reply's metadata."""
    logprobs = metadata.get("logprobs") or []
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else logprobs
    if not content:
        return []
    return [(str(entry["token"]), float(entry["logprob"])) for entry in content[0].get("top_logprobs") or ()]
