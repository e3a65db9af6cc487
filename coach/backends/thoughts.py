"""Keep a thinking model's thoughts apart from what it says."""

from __future__ import annotations

from coach.errors import BackendError

# As Qwen3, DeepSeek-R1 and their kin write them where no server takes them out.
OPENED, CLOSED = "<think>", "</think>"


class Thoughts:
    """Reads a reply piece by piece. `seen` is whether it thought at all."""

    def __init__(self) -> None:
        self.seen = False
        self._held = ""
        self._inside = False
        self._speaking = False

    def speech(self, piece: str) -> str:
        """What of the reply so far is for the reader and was not handed out yet; thoughts are only ever its beginning."""
        self._held += piece
        if not self._speaking and not self._inside:
            begun = self._held.lstrip()
            if OPENED.startswith(begun):
                return ""  # it may yet become a thought
            self._inside = begun.startswith(OPENED)
            self._speaking = not self._inside
            self._held = begun
        if self._inside:
            self.seen = True
            _, closed, after = self._held.partition(CLOSED)
            if not closed:
                return ""
            self._inside, self._speaking, self._held = False, True, after.lstrip()
        held, self._held = self._held, ""
        return held


def said_nothing(name: str, *, thought: bool, budget: int) -> BackendError:
    """The error for a reply without a word for the reader."""
    why = f": its thoughts took all {budget} tokens they may have" if thought else ""
    help_ = "raise `thinking_tokens` in coach.toml, or choose" if thought else "try again, or choose"
    return BackendError(f"{name} wrote nothing{why}; {help_} another model with `coach models`.")
