"""Speak with the built-in model: llama.cpp in this process, with prompt states that outlive it."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from coach.backends.llama_engine import SLOT, EngineReply, LlamaEngine, file_identity
from coach.backends.prompt_states import PromptState, PromptStates, begins
from coach.backends.word_choice import score_options
from coach.errors import BackendError
from coach.protocols import TokenStream
from coach.types import Turn, Usage

EVERY_TOKEN = 1_000_000  # more than a vocabulary has
LIKELY_TOKENS = 5_000  # listed for `score`: hardly slower than one, where all 151,936 take a second
LIKELIEST_TOKENS = 200  # listed for `choose`: an option beyond them has a probability of about 1e-5 or less


class LlamaCppChatModel:
    """A GGUF model in this process. Calls from several threads wait for one another."""

    keeps_states = True

    def __init__(
        self,
        model_path: Path,
        *,
        context_window: int,
        threads: int = 0,
        states_folder: Path | None = None,
        verbose: bool = False,
    ) -> None:
        """Load `model_path`. `threads` 0 means all cores, less one for the app where there are more than two.

        `states_folder` keeps what `remember` computed for later processes; without it, it lasts as
        long as this one. `verbose` lets the engine log to stderr.
        Raises ModelMissingError for a missing, damaged or foreign file, BackendError without an engine.
        """
        self._states = (
            PromptStates(states_folder, _engine_identity(model_path)) if states_folder is not None else None
        )
        self._engine = LlamaEngine(
            model_path,
            context_window=context_window,
            threads=threads or default_threads(),
            states_folder=states_folder,
            verbose=verbose,
        )
        self.name = model_path.stem
        self.context_window = min(context_window, self._trained_window() or context_window)
        self._count = lru_cache(maxsize=512)(lambda text: len(self._engine.tokenize(text, special=False)))
        self._preparing = threading.Lock()
        self._in_slot: Sequence[int] = ()
        # Bytes of prompts since each state was last in the slot: whether the prompt cache still has it.

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> TokenStream:
        """Speak. The prompt is checked and sent now; the first token is waited for on reading.

        Raises BackendError when the prompt leaves no room in the window, or the engine fails.
        """
        tokens = self._prompt(messages)
        limit = min(max_tokens, self.context_window - len(tokens))
        reply = self._complete(
            tokens, stream=True, n_predict=limit, temperature=temperature, **_sampling(top_p)
        )
        return LlamaCppStream(reply, len(tokens))

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each option as the reply's first word, from the model's own log-probabilities."""
        return score_options(self.next_tokens(messages, LIKELIEST_TOKENS), options)

    def next_tokens(self, messages: Sequence[Turn], count: int) -> list[tuple[str, float]]:
        """The `count` likeliest first tokens of the reply, by the model's own log-probabilities."""
        with self._complete(
            self._prompt(messages), stream=False, n_predict=1, temperature=0.0, n_probs=count
        ) as reply:
            first = reply.json()["completion_probabilities"]
        top = first[0]["top_logprobs"] if first else ()
        return [(entry["token"], entry["logprob"]) for entry in top]

    def score(self, text: str) -> Iterator[tuple[int, float, int]]:
        """For each token of `text` but the first its place, its log-probability behind those before it, and how many tokens there are.

        The engine gives no log-probabilities of a prompt, so the text is handed over token by token: each costs one step, as the
        tokens before are still in the slot.
        """
        tokens = self._within_window(self._engine.tokenize(text, special=False))
        for place in range(1, len(tokens)):
            before, token = tokens[:place], tokens[place]
            found = self._listed(before, LIKELY_TOKENS).get(token)
            if found is None:  # an unlikely one: all there are, which takes longer
                found = self._listed(before, EVERY_TOKEN)[token]
            yield place, found, len(tokens)

    def _listed(self, tokens: Sequence[int], count: int) -> dict[int, float]:
        """The `count` likeliest next tokens, by number, with their log-probabilities."""
        with self._complete(tokens, stream=False, n_predict=1, temperature=0.0, n_probs=count) as reply:
            (first,) = reply.json()["completion_probabilities"]
        return {int(entry["id"]): float(entry["logprob"]) for entry in first["top_logprobs"]}

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's own tokenizer, without those of the chat template."""
        return self._count(text)

    def remember(self, messages: Sequence[Turn]) -> None:
        """Compute the prompt up to the end of the last message now, and keep its state on disk.

        Does nothing when it is kept already. A full disk costs the next process its head start, no more.
        Raises BackendError when the messages leave no room in the window.
        """
        tokens = self._prefix(messages)
        if self._states is not None and (state := self._states.get(tokens)) and self._states.is_whole(state):
            return
        with self._complete(tokens, stream=False, n_predict=0, temperature=0.0) as reply:
            reply.json()
            if self._states is not None:
                with self._preparing:
                    if self._in_slot is tokens:  # else another caller's prompt has taken its place
                        self._states.write(tokens, self._engine.save_slot)

    def close(self) -> None:
        """Unload the model."""
        self._engine.close()

    def _complete(self, tokens: Sequence[int], **asked: object) -> EngineReply:
        """Send a prompt, its longest remembered prefix brought back first."""
        with self._preparing:
            self._bring_back(tokens)
            self._in_slot = tokens
            return self._engine.request(
                "/completion", {"prompt": list(tokens), "cache_prompt": True, "id_slot": SLOT, **asked}
            )

    def _bring_back(self, tokens: Sequence[int]) -> None:
        """Read the longest remembered prefix from disk unless the slot holds it: milliseconds against seconds.

        The engine's own prompt cache is not relied on here: it does not keep what a state read from disk
        replaces, and a prefix it turns out to lack would have to be computed again.
        """
        state = self._states.longest_prefix_of(tokens) if self._states is not None else None
        if state is not None and not begins(state.tokens, self._in_slot):
            self._restore(state)

    def _restore(self, state: PromptState) -> None:
        assert self._states is not None  # a state came from there
        if self._states.is_whole(state) and not self._engine.restore_slot(state.file_name):
            self._states.forget(state)

    def _prompt(self, messages: Sequence[Turn]) -> list[int]:
        return self._within_window(self._engine.tokenize(self._render(messages), special=True))

    def _prefix(self, messages: Sequence[Turn]) -> list[int]:
        """Tokens up to the end of the last message's text: what every longer prompt shares."""
        rendered = self._render(messages)
        last = _plain(messages[-1].text).strip()
        end = rendered.rindex(last) + len(last)
        return self._within_window(self._engine.tokenize(rendered[:end], special=True))

    def _render(self, messages: Sequence[Turn]) -> str:
        return self._engine.render([{"role": turn.role, "content": _plain(turn.text)} for turn in messages])

    def _within_window(self, tokens: list[int]) -> list[int]:
        if len(tokens) < self.context_window:
            return tokens
        raise BackendError(
            f"The prompt has {len(tokens)} tokens and {self.name} reads {self.context_window}: shorten it, "
            "or raise `context_window` in coach.toml."
        )

    def _trained_window(self) -> int:
        models: Any = self._engine.get("/v1/models")
        return int(models["data"][0].get("meta", {}).get("n_ctx_train", 0))


class LlamaCppStream(Iterator[str]):
    """Pieces of one reply. `usage` is known once the stream has ended by itself."""

    def __init__(self, reply: EngineReply, prompt_tokens: int) -> None:
        self.usage: Usage | None = None
        self._reply = reply
        self._prompt_tokens = prompt_tokens
        self._pieces = self._read()

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """Hang up: the engine stops at the next token."""
        self._reply.close()
        with suppress(ValueError):  # another thread is reading: it finds the line hung up
            self._pieces.close()

    def __del__(self) -> None:
        self.close()

    def _read(self) -> Generator[str, None, None]:
        for event in self._reply.events():
            if event.get("content"):
                yield event["content"]
            if event.get("stop"):
                timings = event.get("timings", {})
                self.usage = Usage(
                    prompt=self._prompt_tokens,
                    cached=int(timings.get("cache_n", 0)),
                    completion=int(timings.get("predicted_n", event.get("tokens_predicted", 0))),
                )
        self._reply.close()


def _sampling(top_p: float | None) -> dict[str, object]:
    """The textbook's order, and nothing else that leaves tokens out: llama.cpp's own cuts before the temperature."""
    if top_p is None:
        return {}
    return {"top_p": top_p, "top_k": 0, "min_p": 0.0, "samplers": ["temperature", "top_p"]}


def default_threads() -> int:
    """All cores, less one for the app where there are more than two."""
    cores = os.cpu_count() or 1
    return cores - 1 if cores > 2 else cores


def _plain(text: str) -> str:
    """Text in which nothing can pass for a control word of the chat template, such as `<|im_end|>`."""
    return text.replace("<|", "< |")


def _engine_identity(model_path: Path) -> str:
    """Everything a saved state depends on: the weights, the engine's version, how it lays out its cache."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        engine = version("xllamacpp")
    except PackageNotFoundError:
        engine = "unknown"
    return f"{file_identity(model_path)} xllamacpp-{engine} f16 one-slot"
