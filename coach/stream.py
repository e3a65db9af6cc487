"""What both flows are made of: a stream of events that ends with the result, and the tracer that times their steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from coach.protocols import ChosenModel
from coach.types import ModelFacts, Search, Trace

Event = TypeVar("Event")
Result_co = TypeVar("Result_co", covariant=True)


class Last(Protocol[Result_co]):
    """The last event of a stream."""

    @property
    def result(self) -> Result_co: ...


class Stream(Iterator[Event], Generic[Event, Result_co]):
    """Events of one run of a flow, in order. Nothing is computed before they are read; `result()` reads on to what the last holds."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._last: Any = None

    def __next__(self) -> Event:
        self._last = next(self._events)
        return self._last  # type: ignore[no-any-return]

    def result(self) -> Result_co:
        """The result. Raises what the flow raises (CoachError)."""
        for _ in self:
            pass
        last: Last[Result_co] = self._last
        return last.result


class Tracer:
    """Collects, as a flow goes on, what the trace of its result will show. All times in milliseconds since it was made."""

    def __init__(self) -> None:
        self._started = self._lap_began = time.perf_counter()
        self._steps: dict[str, float] = {}
        self._notes: list[str] = []
        self._facts: dict[str, Any] = {}

    def record(self, **facts: Any) -> None:
        """Set fields of the trace."""
        self._facts.update(facts)

    def record_model(self, chosen: ChosenModel, without: str) -> None:
        """Set who speaks, or what it is called where no model does."""
        model = chosen.model
        self.record(
            backend=chosen.backend if model else without,
            backend_reason=chosen.reason,
            model=model.name if model else None,
        )
        self.record_reader(chosen)
        self.lap("load")

    def record_reader(self, chosen: ChosenModel) -> None:
        """Set what is known of the chat model that reads, whether it speaks or not."""
        if chosen.model is not None:
            facts = chosen.facts or ModelFacts(chosen.model.name)
            self.record(window=chosen.model.context_window, model_facts=replace(facts, leaves=chosen.leaves))

    def measure(self, **signals: float) -> None:
        """Add to the signals by which the question was decided."""
        self._facts["gate"] = {**self._facts.get("gate", {}), **signals}

    def searched(self, search: Search) -> None:
        """Add a search to those that were made."""
        self._facts["searches"] = (*self._facts.get("searches", ()), search)

    def count(self, step: str, began: float) -> None:
        """Count the time since `began`, as `time.perf_counter` gave it, to a step within the lap."""
        self._steps[step] = round((time.perf_counter() - began) * 1000, 2)

    def note(self, text: str) -> None:
        """Add what the reader should know, once."""
        if text not in self._notes:
            self._notes.append(text)

    def lap(self, step: str) -> None:
        """Count the time since the last lap to `step`."""
        now = time.perf_counter()
        self.count(step, self._lap_began)
        self._lap_began = now

    def elapsed(self) -> float:
        """Milliseconds since the flow began."""
        return round((time.perf_counter() - self._started) * 1000, 2)

    def trace(self) -> Trace:
        """What was collected so far."""
        return Trace(
            **{"query": "", **self._facts},
            total_ms=self.elapsed(),
            steps_ms=dict(self._steps),
            notes=tuple(self._notes),
        )
