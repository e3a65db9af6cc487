"""Run experiments in threads of their own: they report how far they are, can be stopped, and never hold a page up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from coach.errors import CoachError, StoppedError
from coach.jobs.reading import UNFORESEEN
from coach.jobs.turns import ModelTurns
from coach.lab.experiment import Experiment, Outcome, Value
from coach.store.experiments import ExperimentStore

if TYPE_CHECKING:
    from coach.coach import Coach

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """A run of an experiment: how far it is; once `finished`, its outcome, or `error`, or neither where it was stopped."""

    controls: Mapping[str, Value]
    doing: str = "Waiting"
    share: float = 0.0
    finished: bool = False
    outcome: Outcome | None = None
    error: str = ""


_TRIAL: TypeAdapter[Trial] = TypeAdapter(Trial)


class ExperimentJobs:
    """The runs of this server, one of each experiment at a time; the last outcome of each is kept in `store`."""

    def __init__(self, store: ExperimentStore, turns: ModelTurns, open_coach: Callable[[], Coach]) -> None:
        self._store = store
        self._turns = turns
        self._open_coach = open_coach
        self._trials: dict[str, Trial] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()

    @property
    def under_way(self) -> bool:
        """Whether any run goes on."""
        return any(not trial.finished for trial in list(self._trials.values()))

    def trial(self, name: str) -> Trial | None:
        """The run of this experiment, going on or ended; the one kept from before; None where there was none."""
        with self._lock:
            if name not in self._trials and (kept := self._store.get(name)) is not None:
                self._trials[name] = _TRIAL.validate_json(kept)
            return self._trials.get(name)

    def start(
        self,
        experiment: Experiment,
        given: Mapping[str, object],
        *,
        visitor: str = "",
        unmasked: Collection[str] = (),
    ) -> None:
        """Run the experiment, unless a run of it goes on; `unmasked` as for `Worker.ask`. Raises UsageError for a bad control."""
        values = experiment.values(given)
        with self._lock:
            before = self._trials.get(experiment.name)
            if before is not None and not before.finished:
                return
            self._stopped.discard(experiment.name)
            self._trials[experiment.name] = Trial(values)
        arguments = (experiment, values, visitor, frozenset(unmasked))
        threading.Thread(
            target=self._run, args=arguments, name=f"coach-lab-{experiment.name}", daemon=True
        ).start()

    def stop(self, name: str) -> None:
        """End a run at its next step."""
        self._stopped.add(name)

    def _run(
        self, experiment: Experiment, values: Mapping[str, Value], visitor: str, unmasked: frozenset[str]
    ) -> None:
        name, turn = experiment.name, self._turns.turn(visitor)
        trial = Trial(values, finished=True, share=1.0)

        def tell(doing: str, done: int, total: int) -> None:
            if name in self._stopped:
                raise StoppedError
            self._trials[name] = Trial(values, doing, min(done / total, 1.0) if total else 0.0)

        try:
            coach = self._open_coach()
            if experiment.needs_model:
                turn.take()
                coach = coach.letting_pass(unmasked)
            trial = replace(trial, outcome=experiment.run(coach, values, tell))
            self._store.keep(name, _TRIAL.dump_json(trial).decode())
        except StoppedError:
            pass
        except CoachError as error:
            trial = replace(trial, error=str(error))
        except Exception:
            _log.exception("An experiment failed.")
            trial = replace(trial, error=UNFORESEEN)
        finally:
            turn.give_back()
            self._trials[name] = trial
