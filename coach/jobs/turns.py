"""Who may use the chat model next: one job at a time, and the visitors in turn."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count

from coach.errors import StoppedError


class ModelTurns:
    """The order in which jobs get the chat model. The next is the one whose visitor was served longest ago, of one visitor's the
    one that came first: twenty questions of one visitor do not keep another waiting for all of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Turn] = []
        self._holder: Turn | None = None
        self._served: dict[str, int] = {}
        self._serial = count(1)

    def turn(self, visitor: str) -> Turn:
        """A turn for one job of `visitor`, which it takes when it first needs the model."""
        return Turn(self, visitor)

    def ahead(self, turn: Turn) -> int:
        """How many jobs get the model before this one, as things stand; 0 for one that has it or does not ask for it."""
        with self._changed:
            if turn not in self._waiting:
                return 0
            return sorted(self._waiting, key=self._order).index(turn) + (self._holder is not None)

    def _order(self, turn: Turn) -> tuple[int, int]:
        before = sum(
            other.visitor == turn.visitor and other.arrived < turn.arrived for other in self._waiting
        )
        # The k-th job of a visitor in the queue counts as if the ones before it had been served by then.
        return self._served.get(turn.visitor, 0) + before * 1_000_000, turn.arrived

    def _take(self, turn: Turn) -> None:
        with self._changed:
            if self._holder is turn:
                return
            turn.arrived = next(self._serial)
            self._waiting.append(turn)
            try:
                while not turn.stopped and (
                    self._holder is not None or min(self._waiting, key=self._order) is not turn
                ):
                    self._changed.wait()
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
            if turn.stopped:
                raise StoppedError
            self._holder = turn
            self._served[turn.visitor] = next(self._serial)

    def _give_back(self, turn: Turn) -> None:
        with self._changed:
            if self._holder is turn:
                self._holder = None
                self._changed.notify_all()

    def _stop(self, turn: Turn) -> None:
        with self._changed:
            turn.stopped = True
            self._changed.notify_all()


@dataclass(slots=True, eq=False)
class Turn:
    """One job's turn at the chat model."""

    turns: ModelTurns
    visitor: str
    arrived: int = field(default=0)
    stopped: bool = field(default=False)

    def take(self) -> None:
        """Wait until the model is free for this job, and hold it. Raises StoppedError where it was stopped meanwhile."""
        self.turns._take(self)

    def give_back(self) -> None:
        """Let the next job have the model."""
        self.turns._give_back(self)

    def stop(self) -> None:
        """Wait no longer."""
        self.turns._stop(self)
