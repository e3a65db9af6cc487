"""Check answers to drills in threads of their own: a chat model may be asked, and no page waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coach.errors import CoachError, StoppedError
from coach.jobs.reading import UNFORESEEN
from coach.jobs.turns import ModelTurns, Turn
from coach.learn.check import Checked, check_with
from coach.learn.path import Drill
from coach.store.learning import LearningStore

if TYPE_CHECKING:
    from coach.coach import Coach

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One answer being checked; once `finished` what became of it, or `error`, or neither where it was stopped."""

    drill: Drill
    typed: str
    finished: bool = False
    checked: Checked | None = None
    error: str = ""


class DrillJobs:
    """The last check of each visitor; what was typed is kept nowhere but here, its outcome in `store`."""

    def __init__(self, store: LearningStore, turns: ModelTurns, open_coach: Callable[[], Coach]) -> None:
        self._store = store
        self._turns = turns
        self._open_coach = open_coach
        self._checks: dict[str, Check] = {}
        self._waiting: dict[str, Turn] = {}
        self._threads: dict[str, threading.Thread] = {}

    def of(self, visitor: str) -> Check | None:
        """The check of this visitor's last answer, going on or ended."""
        return self._checks.get(visitor)

    def start(self, drill: Drill, typed: str, visitor: str) -> None:
        """Check an answer, unless one of this visitor's is being checked."""
        before = self._checks.get(visitor)
        if before is not None and not before.finished:
            return
        self._checks[visitor] = Check(drill, typed)
        self._waiting[visitor] = self._turns.turn(visitor)
        thread = threading.Thread(target=self._run, args=(visitor,), name="coach-drill", daemon=True)
        self._threads[visitor] = thread
        thread.start()

    def stop(self, visitor: str) -> None:
        """Wait for the model no longer, and keep no outcome."""
        if turn := self._waiting.get(visitor):
            turn.stop()

    def forget(self) -> None:
        """Stop every check, and know nothing any more of what was typed."""
        for visitor in list(self._waiting):
            self.stop(visitor)
        self._checks.clear()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the checks that there are now have ended, each up to `seconds`; whether they have."""
        threads = list(self._threads.values())
        for thread in threads:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in threads)

    def _run(self, visitor: str) -> None:
        turn, asked = self._waiting[visitor], self._checks[visitor]
        ended = replace(asked, finished=True)
        try:
            found = check_with(self._open_coach(), asked.typed, asked.drill, turn.take)
            if not turn.stopped:
                ended = replace(ended, checked=found)
                self._store.keep(asked.drill.name, found.outcome)
        except StoppedError:
            pass
        except CoachError as error:
            ended = replace(ended, error=str(error))
        except Exception:
            _log.exception("An answer to a drill was not checked.")
            ended = replace(ended, error=UNFORESEEN)
        finally:
            turn.give_back()
            if visitor in self._checks:
                self._checks[visitor] = ended
