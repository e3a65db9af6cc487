"""A chat model on another machine: what it reads is masked on the way out, and what it says is made whole on the way back."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from coach.privacy.find import MISSING_NAMES, find_personal, names_are_found
from coach.privacy.item import PersonalItem
from coach.privacy.mask import LONGEST_PLACEHOLDER, mask, unmask
from coach.protocols import ChatModel, ChosenModel, TokenStream
from coach.settings import Settings
from coach.types import Turn, Usage

_REMEMBERED = 500  # texts: the passages of a conversation come back with every question


def masked_where_it_leaves(chosen: ChosenModel, settings: Settings) -> ChosenModel:
    """The chosen model, which reads masked text only where it is on another machine and `mask_personal` is on; what leaves then says so."""
    if chosen.model is None or not chosen.leaves or not settings.mask_personal:
        return chosen
    what = "Names, mails, phones and addresses" if names_are_found() else "Mails, phones and addresses"
    note = f"{what} are masked before that." + ("" if names_are_found() else f" {MISSING_NAMES}")
    masked = MaskedChatModel(chosen.model, Masking(settings.own_words))
    return replace(chosen, model=masked, leaves=f"{chosen.leaves} {note}")


def letting_pass(chosen: ChosenModel, unmasked: Collection[str]) -> ChosenModel:
    """The chosen model for one piece of work in which a person lets the words `unmasked` leave this machine as they are."""
    if unmasked and isinstance(chosen.model, MaskedChatModel):
        return replace(chosen, model=chosen.model.letting_pass(unmasked))
    return chosen


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A text as it would leave this machine, and the personal data in it, each once as (placeholder, words)."""

    text: str
    items: tuple[tuple[str, str], ...]


class Masking:
    """What was found, and the placeholder of each find: conversations share it, for one placeholder means one thing.

    What was found once stays masked in every later text, by the same placeholder.
    """

    def __init__(self, own_words: Sequence[str] = ()) -> None:
        self._own_words = tuple(own_words)
        self._lock = threading.Lock()
        self._replacements: Mapping[str, str] = {}
        self._found: dict[str, tuple[PersonalItem, ...]] = {}

    def outgoing(self, text: str, unmasked: Collection[str] = ()) -> Outgoing:
        """`text` as it would leave, but for the words in `unmasked`, with the placeholders that it will have then."""
        with self._lock:
            items = self._items(text)
            every = mask(text, items, self._replacements)
            self._replacements = every.replacements
        found = tuple(pair for pair in every.replacements.items() if pair[0] in every.text)
        return Outgoing(mask(text, items, every.replacements, unmasked).text, found)

    def masked(
        self, messages: Sequence[Turn], unmasked: Collection[str]
    ) -> tuple[list[Turn], Mapping[str, str]]:
        """The messages, each word masked in all of them that was found in one of them or ever before; and the replacements."""
        with self._lock:
            for turn in messages:
                found = mask(turn.text, self._items(turn.text), self._replacements, unmasked)
                self._replacements = found.replacements
            known = self._replacements
            return [
                replace(turn, text=mask(turn.text, self._items(turn.text), known, unmasked).text)
                for turn in messages
            ], known

    def _items(self, text: str) -> tuple[PersonalItem, ...]:
        if text not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found = {}
            self._found[text] = find_personal(text, self._own_words)
        return self._found[text]


class MaskedChatModel:
    """A ChatModel before another one that is to see no personal data but the words in `unmasked`."""

    def __init__(self, model: ChatModel, masking: Masking, unmasked: Collection[str] = ()) -> None:
        self.masking = masking
        self._model = model
        self._unmasked = frozenset(unmasked)

    def letting_pass(self, unmasked: Collection[str]) -> MaskedChatModel:
        """The same model, for one job in which a person lets `unmasked` pass."""
        return MaskedChatModel(self._model, self.masking, unmasked)

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def context_window(self) -> int:
        return self._model.context_window

    @property
    def keeps_states(self) -> bool:
        return self._model.keeps_states

    def stream(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, top_p: float | None = None
    ) -> TokenStream:
        """Speak, having read the masked messages. Raises BackendError."""
        masked, replacements = self._masked(messages)
        said = self._model.stream(masked, max_tokens=max_tokens, temperature=temperature, top_p=top_p)
        return UnmaskedStream(said, replacements)

    def choose(self, messages: Sequence[Turn], options: Sequence[str]) -> Mapping[str, float]:
        """Probability of each option, having read the masked messages. Raises BackendError."""
        masked, _ = self._masked([*messages, *(Turn("user", option) for option in options)])
        shown = [turn.text for turn in masked[len(messages) :]]
        weighed = self._model.choose(masked[: len(messages)], shown)
        return {option: weighed[as_shown] for option, as_shown in zip(options, shown, strict=True)}

    def next_tokens(self, messages: Sequence[Turn], count: int) -> Sequence[tuple[str, float]]:
        """The likeliest first tokens, having read the masked messages. Raises BackendError."""
        masked, _ = self._masked(messages)
        return self._model.next_tokens(masked, count)

    def count_tokens(self, text: str) -> int:
        """Tokens of the masked text."""
        (masked,), _ = self._masked([Turn("user", text)])
        return self._model.count_tokens(masked.text)

    def remember(self, messages: Sequence[Turn]) -> None:
        """Prefill the masked messages."""
        masked, _ = self._masked(messages)
        self._model.remember(masked)

    def close(self) -> None:
        """Give memory back."""
        self._model.close()

    def _masked(self, messages: Sequence[Turn]) -> tuple[list[Turn], Mapping[str, str]]:
        return self.masking.masked(messages, self._unmasked)


class UnmaskedStream(Iterator[str]):
    """The model's text with the placeholders replaced; a piece that may end inside one waits for the next."""

    def __init__(self, said: TokenStream, replacements: Mapping[str, str]) -> None:
        self.usage: Usage | None = None
        self._said = said
        self._replacements = replacements
        self._waiting = ""
        self._ended = False

    def __next__(self) -> str:
        while not self._ended:
            piece = next(self._said, None)
            if piece is None:
                self._ended = True
                self.usage = self._said.usage
                break
            ready = self._ready(piece)
            if ready or not piece:  # an empty piece of the model's own is a thought, and is passed on
                return ready
        rest, self._waiting = self._waiting, ""
        if not rest:
            raise StopIteration
        return unmask(rest, self._replacements)

    def close(self) -> None:
        """Stop generating; nothing more will be read."""
        self._ended, self._waiting = True, ""
        self._said.close()
        self.usage = self._said.usage

    def _ready(self, piece: str) -> str:
        text = self._waiting + piece
        opened = text.rfind("[")
        whole = opened < 0 or "]" in text[opened:] or len(text) - opened > LONGEST_PLACEHOLDER
        cut = len(text) if whole else opened
        self._waiting = text[cut:]
        return unmask(text[:cut], self._replacements)
