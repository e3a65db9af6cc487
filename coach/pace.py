"""Say how fast a step goes and about how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

# What a step of an ingest does, and what it counts.
_STEPS = {
    "read": ("Reading", "files"),
    "split": ("Splitting", "documents"),
    "embed": ("Embedding", "texts"),
    "store": ("Storing", "passages"),
    "write": ("Writing", ""),
    "switch": ("Switching", ""),
    "sweep": ("Sweeping", ""),
}
_SECONDS_TO_JUDGE = 2.0  # before that, a pace is a guess


class Pace:
    """Told (step, done, total) again and again, says in words how far that is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._step = ""
        self._began = (0.0, 0)

    def __call__(self, step: str, done: int, total: int) -> str:
        """ "Embedding: 1,200 of 5,000 texts, 85 a second, about 2 min left"; less where less is known."""
        now = self._clock()
        if step != self._step:
            self._step, self._began = step, (now, done)
        name, unit = _STEPS.get(step, (step, ""))
        share = f"{done:,} of {total:,} {unit}" if unit else f"{done / max(1, total):.0%}"
        seconds, gained = now - self._began[0], done - self._began[1]
        if seconds < _SECONDS_TO_JUDGE or gained <= 0 or done >= total:
            return f"{name}: {share}"
        rate = gained / seconds
        speed = f", {rate:,.0f} a second" if unit and rate >= 1 else ""
        return f"{name}: {share}{speed}, {_left((total - done) / rate)}"


def _left(seconds: float) -> str:
    if seconds >= 5400:
        return f"about {seconds / 3600:.0f} h left"
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {max(1, round(seconds))} s left"
