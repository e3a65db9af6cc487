"""Speak with a chat model through LangChain: the one seam to Ollama, to servers of the OpenAI interface, and to whatever else
LangChain knows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coach.backends.thoughts import Thoughts, said_nothing
from coach.backends.word_choice import read_choice, score_options
from coach.errors import BackendError
from coach.protocols import TokenStream
from coach.types import Turn, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

DEFAULT_WINDOW = 8192  # what local chat models are commonly served with; say so where yours differs
THINKING_TOKENS = 1024
BYTES_PER_TOKEN = 2.0  # English has about 4; half of that is a safe upper estimate of tokens
LIKELIEST_TOKENS = 20  # the most that Ollama and the OpenAI interface list: `top_logprobs` is 0-20
CHOICE_TOKENS = 32  # a short JSON object


@contextmanager
def _strangers_errors(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # any integration may raise anything: it is a stranger's code
        raise BackendError(
            f"{name} failed ({type(error).__name__}: {error}): check that model, or use `--backend embedded`."
        ) from error


@dataclass(frozen=True, slots=True)
class Vendor:
    """What is particular about one vendor's models, as arguments of a LangChain call.

    `log_probabilities` has the likeliest tokens listed (empty where that cannot be asked for), `one_of` makes the reply one of a
    few words, `not_thinking` is said once a model has turned out to think. `errors` turns what goes wrong for the model of
    a name into a BackendError; `check` raises one for a count of tokens that tells of trouble. `empty_is_thought` is whether a
    piece without text is a thought left out.
    """

    log_probabilities: Mapping[str, Any] = field(default_factory=dict)
    one_of: Callable[[Sequence[str]], Mapping[str, Any]] | None = None
    not_thinking: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: Callable[[str], AbstractContextManager[None]] = _strangers_errors
    check: Callable[[Usage], None] = lambda usage: None
    empty_is_thought: bool = False


class LangChainChatModel:
    """Any `BaseChatModel` behind the coach's own seam. Sampling it does not know is left to the model.

    `choose_is_exact` says whether the last `choose` was read from log-probabilities; where a model gives none, it is asked for one
    word of the options, and that word gets all the probability.
    """

    keeps_states = False

    def __init__(
        self,
        model: BaseChatModel,
        *,
        context_window: int = DEFAULT_WINDOW,
        thinks: bool = False,
        thinking_tokens: int = THINKING_TOKENS,
        vendor: Vendor | None = None,
    ) -> None:
        """Speak with `model`, whose prompts and replies together fit `context_window` tokens. Nothing is sent yet.

        One that `thinks`, or turns out to, may take `thinking_tokens` for that before it speaks.
        """
        self.name = str(
            getattr(model, "model_name", None) or getattr(model, "model", None) or model._llm_type
        )
        self.context_window = context_window
        self.thinking_tokens = thinking_tokens
        self.choose_is_exact = True
        self._model = model
        self._thinks = thinks
        self._vendor = vendor or Vendor()

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> TokenStream:
        """Speak. Raises BackendError, on reading, when the model fails or says nothing."""
        return LangChainStream(self, messages, max_tokens, temperature, top_p)

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each option as the reply's first word. Raises BackendError where it cannot tell."""
        if not self._vendor.log_probabilities:
            return self._said(messages, options)
        if self.choose_is_exact:
            listed = self._first_word(messages)
            if listed:
                return score_options(listed, options)
            self.choose_is_exact = False
        return self._constrained(messages, options)

    def next_tokens(self, messages: Sequence[Turn], count: int) -> list[tuple[str, float]]:
        """The likeliest first tokens, at most as many as the server lists. Raises BackendError where it lists none."""
        listed = self._first_word(messages) if self._vendor.log_probabilities else []
        if not listed:
            raise BackendError(
                f"{self.name} does not tell how likely its next words are: run this with `--backend embedded`."
            )
        return sorted(listed, key=lambda one: -one[1])[:count]

    def count_tokens(self, text: str) -> int:
        """An upper estimate: servers show no tokenizer, and LangChain's own count would fetch one from the network."""
        return int(len(text.encode()) / BYTES_PER_TOKEN) + 1

    def remember(self, messages: Sequence[Turn]) -> None:
        """Nothing: servers keep the beginnings of prompts by themselves."""

    def close(self) -> None:
        """Nothing: a served model stays loaded where it is, another belongs to whoever made it."""

    def chunks(
        self,
        messages: Sequence[Turn],
        max_tokens: int,
        temperature: float,
        top_p: float | None = None,
        **asked: Any,
    ) -> Iterator[Any]:
        """The reply as it comes, with room for thoughts where the model thinks. Raises BackendError."""
        room = max_tokens + (self.thinking_tokens if self._thinks else 0)
        wish = dict(asked)
        for name, value in (self._vendor.not_thinking if self._thinks else {}).items():
            wish[name] = {**value, **asked.get(name, {})}
        with self._vendor.errors(self.name):
            try:
                yield from self._sampling(room, temperature, top_p).stream(_messages(messages), **wish)
            except ValueError as error:  # LangChain's word for a stream that ended before anything came
                if "No generation chunks" not in str(error):
                    raise

    def is_thought(self, chunk: Any) -> bool:
        """Whether a chunk is of a thought that the server keeps apart."""
        ends = chunk.usage_metadata or getattr(chunk, "chunk_position", None) == "last"
        left_out = self._vendor.empty_is_thought and not chunk.text and not ends
        return left_out or bool(chunk.additional_kwargs.get("reasoning_content"))

    def check(self, usage: Usage) -> None:
        """Raises BackendError where the count of tokens tells of trouble."""
        self._vendor.check(usage)

    def turns_out_to_think(self) -> bool:
        """Give it room for its thoughts from now on; False where it has had that already."""
        known, self._thinks = self._thinks, True
        return not known

    def _first_word(self, messages: Sequence[Turn]) -> list[tuple[str, float]]:
        """The likeliest tokens where the reply begins, its thoughts passed over; empty where the server tells none."""
        thoughts = Thoughts()
        thought, first = False, None
        for chunk in self.chunks(messages, 1, 0.0, **self._vendor.log_probabilities):
            thought = thought or self.is_thought(chunk)
            first = chunk if first is None and chunk.text.strip() else first
            if thoughts.speech(chunk.text).strip():
                break
            if thoughts.seen:
                first = None  # what began was a thought
        if first is not None:
            return _listed(first.response_metadata)
        if (thought or thoughts.seen) and self.turns_out_to_think():
            return self._first_word(messages)
        return []

    def _constrained(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """One word of the options, by a schema that allows no other."""
        assert self._vendor.one_of is not None  # it comes with `log_probabilities`
        thoughts = Thoughts()
        said, thought = "", False
        for chunk in self.chunks(messages, CHOICE_TOKENS, 0.0, **self._vendor.one_of(options)):
            said += thoughts.speech(chunk.text)
            thought = thought or self.is_thought(chunk) or thoughts.seen
        if thought and not said:
            raise said_nothing(self.name, thought=True, budget=self.thinking_tokens)
        return self._read(said, options)

    def _said(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """One word that a model of unknown make says when asked for one, or what its log-probabilities tell where it gives them."""
        last = messages[-1]
        wish = f"{last.text}\n\nReply with one word only: {' or '.join(options)}."
        with self._vendor.errors(self.name):
            asked = _messages([*messages[:-1], Turn(last.role, wish)])
            reply = self._sampling(CHOICE_TOKENS, 0.0).invoke(asked)
        thoughts = Thoughts()
        said = thoughts.speech(reply.text)
        # The first of the listed tokens may be that of a thought.
        listed = [] if thoughts.seen or self.is_thought(reply) else _listed(reply.response_metadata)
        self.choose_is_exact = bool(listed)
        return score_options(listed, options) if listed else self._read(said, options)

    def _read(self, said: str, options: Sequence[str]) -> Mapping[str, float]:
        chosen = read_choice(said, options)
        if chosen is None:
            raise BackendError(
                f"{self.name} chose none of {', '.join(options)}: try another model with `--model`."
            )
        return chosen

    def _sampling(self, max_tokens: int, temperature: float, top_p: float | None = None) -> Any:
        """The model with the sampling set on the fields it has, whatever it calls them."""
        names: dict[str, float] = {"temperature": temperature} | ({} if top_p is None else {"top_p": top_p})
        names |= dict.fromkeys(("max_tokens", "num_predict", "max_output_tokens"), max_tokens)
        fields = type(self._model).model_fields
        return self._model.model_copy(update={name: value for name, value in names.items() if name in fields})


def open_by_name(
    name: str, *, context_window: int = DEFAULT_WINDOW, thinking_tokens: int = THINKING_TOKENS
) -> LangChainChatModel:
    """The model that LangChain knows as "provider:model". Nothing is sent yet. Raises BackendError with what is missing: its
    package, a key, a model of that name."""
    from langchain.chat_models import init_chat_model

    if ":" not in name:
        raise BackendError(
            "The backend `langchain` needs a model named with its provider: set `--model provider:model`, such as "
            "`--model ollama:qwen2.5:3b`."
        )
    try:
        model = init_chat_model(name)
    except Exception as error:  # as many kinds as there are providers
        raise BackendError(
            f"LangChain cannot open {name} ({error}): install that provider's package and set its key, or use "
            "`--backend embedded`."
        ) from error
    return LangChainChatModel(model, context_window=context_window, thinking_tokens=thinking_tokens)


class LangChainStream(Iterator[str]):
    """Pieces of one reply, empty ones while the model thinks. `usage` is known once the stream has ended, where the model
    counts."""

    def __init__(
        self,
        model: LangChainChatModel,
        messages: Sequence[Turn],
        max_tokens: int,
        temperature: float,
        top_p: float | None = None,
    ) -> None:
        self.usage: Usage | None = None
        self._model = model
        self._asked = (messages, max_tokens, temperature, top_p)
        self._pieces = self._read()

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Stop reading: a server stops when nobody listens."""
        self._pieces.close()

    def _read(self) -> Generator[str, None, None]:
        model, most = self._model, self._asked[1]
        thoughts = Thoughts()
        pieces, thought = 0, False
        counted = Usage()
        for chunk in model.chunks(*self._asked):
            if chunk.usage_metadata:
                counted = _added(counted, chunk.usage_metadata)
            thinking = model.is_thought(chunk)
            piece = thoughts.speech(chunk.text)
            thought = thought or thinking or thoughts.seen
            if (
                piece and pieces == most
            ):  # a piece has at least one token; what is left of the room was for thoughts
                counted = Usage(completion=pieces)
                break
            pieces += bool(piece)
            if piece or chunk.text or thinking:
                yield piece
        self.usage = counted if counted != Usage() else Usage(completion=pieces)
        model.check(self.usage)
        if pieces:
            return
        if not (thought and model.turns_out_to_think()):
            raise said_nothing(model.name, thought=thought, budget=model.thinking_tokens)
        yield from self._read()


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


def _listed(metadata: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The likeliest first tokens, from what OpenAI-like models (a mapping) and Ollama (a list) leave in a reply's metadata."""
    logprobs = metadata.get("logprobs") or []
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else logprobs
    if not content:
        return []
    return [(str(entry["token"]), float(entry["logprob"])) for entry in content[0].get("top_logprobs") or ()]
