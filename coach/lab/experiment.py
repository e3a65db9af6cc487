"""What every experiment is made of: what it shows, the article's words on it, controls with bounds, and a run that gives rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from coach.errors import UsageError

if TYPE_CHECKING:
    from coach.coach import Coach

Value = str | int | float
Tell = Callable[
    [str, int, int], None
]  # (what is being done, done, of how many); raises where the run was stopped


@dataclass(frozen=True, slots=True)
class Control:
    """Something the user can change. A number has bounds, and may have `stops` at which the page's slider halts; a text has neither.

    `moves` says that an outcome of before follows it (`Experiment.moved`), without another run.
    """

    name: str
    label: str
    default: Value
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    stops: tuple[int, ...] = ()
    moves: bool = False

    @property
    def is_typed(self) -> bool:
        """Whether it takes any words of the user's."""
        return isinstance(self.default, str) and not self.choices

    def checked(self, given: Any) -> Value:
        """`given` as this control takes it. Raises UsageError with what it takes."""
        kind = type(self.default)
        try:
            value = kind(given)
        except (TypeError, ValueError):
            raise self._refusal(given) from None
        outside = (
            (isinstance(value, int | float) and self.least is not None and value < self.least)
            or (isinstance(value, int | float) and self.most is not None and value > self.most)
            or (self.choices and value not in self.choices)
        )
        if outside:
            raise self._refusal(given)
        return value

    def _refusal(self, given: object) -> UsageError:
        takes = ", ".join(self.choices) or f"{self.least:g} to {self.most:g}"
        return UsageError(f"`{given}` is not usable for `{self.name}`: give one of {takes}.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gave: rows for the picture, the CSV and the JSON, and sentences that say what was seen. `measured` says on what
    machine with which model, `estimated` which columns are estimates."""

    rows: tuple[Mapping[str, Any], ...]
    findings: tuple[str, ...] = ()
    measured: str = ""
    estimated: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class Run(Protocol):
    """Computes an experiment. Raises CoachError where it cannot be done here."""

    def __call__(self, coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome: ...


class Moved(Protocol):
    """The outcome of a run as it is with the controls elsewhere, computed from what was measured, without a model and at once."""

    def __call__(self, outcome: Outcome, controls: Mapping[str, Value]) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment. `quote` is the article's sentence on it, verbatim; `question` is one that an interviewer could ask, of the
    rubric's `kind`; `needs_model` says whether a run may ask a chat model, and so waits for its turn with it. `preview` gives what
    takes no model and under a second: the page shows it as soon as a control moves. `moved` makes of an outcome the one for other values of the controls that move
    it: at once, from its rows."""

    name: str
    title: str
    explanation: str
    quote: str
    question: str
    kind: Literal["design", "strategy", "technical", "execution", "metrics", "ethics", "behavioural"]
    controls: tuple[Control, ...]
    run: Run
    needs_model: bool = False
    moved: Moved | None = None
    preview: Run | None = None

    def values(self, given: Mapping[str, object]) -> dict[str, Value]:
        """The value of every control, the default where none is given. Raises UsageError for an unknown control or a bad value."""
        known = {control.name: control for control in self.controls}
        for name in given:
            if name not in known:
                takes = ", ".join(known) or "none"
                raise UsageError(f"The experiment {self.name} has no control `{name}`: it has {takes}.")
        return {
            name: control.checked(given[name]) if name in given else control.default
            for name, control in known.items()
        }


def rows_as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of an outcome as CSV with a header."""
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def quoted_in(text: str, experiments: Sequence[Experiment]) -> list[str]:
    """The names of the experiments whose quote does not stand in `text`, character by character."""
    return [one.name for one in experiments if one.quote not in text]
