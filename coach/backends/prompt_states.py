"""Keep computed prompt prefixes on disk, whole or not at all, within a bound."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

# About 28 kB a token for the built-in model: 1 GiB holds some fifteen articles of 2,500 tokens.
MAX_STATE_BYTES = 1 << 30
MAX_STATE_FILES = 32
ABANDONED_SECONDS = 3600.0  # a half-written file older than this has lost its writer


@dataclass(frozen=True, slots=True)
class PromptState:
    """A prefix whose state lies on disk. `size` and `checksum` describe the state file."""

    key: str
    tokens: tuple[int, ...]
    size: int
    checksum: int

    @property
    def file_name(self) -> str:
        return f"{self.key}.state"


class PromptStates:
    """The states in one folder that one engine (`identity`) can read."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Reads the notes beside the states. A folder that cannot be made or read leaves it empty."""
        self.folder = folder
        self.identity = identity
        self._states: dict[str, PromptState] = {}
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            for note in sorted(folder.glob("*.json")):
                self._read_note(note)

    def key(self, tokens: Sequence[int]) -> str:
        """Names the state of `tokens` for this engine."""
        text = self.identity + "\n" + " ".join(map(str, tokens))
        return sha256(text.encode()).hexdigest()[:32]

    def get(self, tokens: Sequence[int]) -> PromptState | None:
        """The state of exactly these tokens, if there is one."""
        return self._states.get(self.key(tokens))

    def longest_prefix_of(self, tokens: Sequence[int]) -> PromptState | None:
        """The state that covers most of the beginning of `tokens`."""
        fitting = [state for state in self._states.values() if begins(state.tokens, tokens)]
        return max(fitting, key=lambda state: len(state.tokens), default=None)

    def is_whole(self, state: PromptState) -> bool:
        """Whether the file still holds what was written. One that does not is deleted."""
        path = self.folder / state.file_name
        with suppress(OSError):
            if path.stat().st_size == state.size and _checksum(path) == state.checksum:
                os.utime(path)  # used states are pruned last
                return True
        self.forget(state)
        return False

    def write(self, tokens: Sequence[int], save_as: Callable[[str], None]) -> PromptState | None:
        """Have `save_as(file name)` write a state, then let it count. None when the disk refuses."""
        key = self.key(tokens)
        draft = self.folder / f"{key}.{os.getpid()}.part"
        try:
            save_as(draft.name)
            state = PromptState(key, tuple(tokens), draft.stat().st_size, _checksum(draft))
            note = {
                "identity": self.identity,
                "tokens": list(tokens),
                "size": state.size,
                "checksum": state.checksum,
            }
            note_draft = self.folder / f"{key}.{os.getpid()}.note.part"
            note_draft.write_text(json.dumps(note), encoding="utf-8")
            # The state first: a note without its state is only a cache miss, and says so on reading.
            draft.replace(self.folder / state.file_name)
            note_draft.replace(self.folder / f"{key}.json")
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            return None
        self._states[key] = state
        self._prune(keep=key)
        return state

    def forget(self, state: PromptState) -> None:
        """Delete the state and its note."""
        self._states.pop(state.key, None)
        for name in (state.file_name, f"{state.key}.json"):
            with suppress(OSError):
                (self.folder / name).unlink(missing_ok=True)

    def _read_note(self, note: Path) -> None:
        try:
            found = json.loads(note.read_text(encoding="utf-8"))
            tokens = tuple(int(token) for token in found["tokens"])
            state = PromptState(note.stem, tokens, int(found["size"]), int(found["checksum"]))
            identity = str(found["identity"])
        except (ValueError, KeyError, TypeError):
            note.unlink(missing_ok=True)
            note.with_suffix(".state").unlink(missing_ok=True)
            return
        if identity != self.identity:
            return  # another model's or engine's: left to its owner and to the bound
        if state.key == self.key(tokens) and (self.folder / state.file_name).is_file():
            self._states[state.key] = state
        else:
            self.forget(state)

    def _prune(self, keep: str) -> None:
        """Delete the longest unused states beyond the bound, whoever wrote them, and abandoned drafts."""
        with suppress(OSError):
            for draft in self.folder.glob("*.part"):
                if time.time() - draft.stat().st_mtime > ABANDONED_SECONDS:
                    draft.unlink(missing_ok=True)
            files = [(path.stat(), path) for path in self.folder.glob("*.state")]
            files.sort(key=lambda entry: entry[0].st_mtime, reverse=True)
            total = 0
            for rank, (about, path) in enumerate(files):
                total += about.st_size
                if (rank >= MAX_STATE_FILES or total > MAX_STATE_BYTES) and path.stem != keep:
                    self._states.pop(path.stem, None)
                    path.unlink(missing_ok=True)
                    path.with_suffix(".json").unlink(missing_ok=True)


def begins(prefix: Sequence[int], tokens: Sequence[int]) -> bool:
    """Whether `tokens` starts with all of `prefix`."""
    return len(prefix) <= len(tokens) and tuple(tokens[: len(prefix)]) == tuple(prefix)


def _checksum(path: Path) -> int:
    """CRC-32: it has to notice a damaged file within milliseconds, not to resist an attacker."""
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum
