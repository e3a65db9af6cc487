"""Read documents in a thread of its own, so that no page waits for it; one such job at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coach.errors import CoachError
from coach.pace import Pace

UNFORESEEN = "Something unforeseen went wrong, and nothing is lost: try again, or run `coach doctor`."

Progress = Callable[[str, int, int], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LibraryWork:
    """How far it is: what is being done, in words and as a share; once `finished`, what came of it, or `error`."""

    doing: str = "Reading"
    share: float = 0.0
    finished: bool = False
    lines: tuple[str, ...] = ()
    error: str = ""


class LibraryJobs:
    """What is being done to the library, for every page to see."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: LibraryWork | None = None

    @property
    def work(self) -> LibraryWork | None:
        """The job that goes on, or the last that has ended; None where there was none since `dismiss`."""
        return self._work

    @property
    def under_way(self) -> bool:
        """Whether a job goes on."""
        return self._work is not None and not self._work.finished

    def start(self, run: Callable[[Progress], Sequence[str]]) -> bool:
        """Begin, unless another job goes on; whether it was begun. `run` returns lines that say what was done."""
        with self._lock:
            if self.under_way:
                return False
            self._work = LibraryWork()
        threading.Thread(target=self._do, args=(run,), name="coach-library", daemon=True).start()
        return True

    def dismiss(self) -> None:
        """Forget what the last job said."""
        with self._lock:
            if self._work is not None and self._work.finished:
                self._work = None

    def _do(self, run: Callable[[Progress], Sequence[str]]) -> None:
        pace = Pace()

        def progress(step: str, done: int, total: int) -> None:
            self._work = LibraryWork(pace(step, done, total), min(done / total, 1.0) if total else 0.0)

        try:
            ended = LibraryWork(lines=tuple(run(progress)))
        except CoachError as error:
            ended = LibraryWork(error=str(error))
        except Exception:
            _log.exception("The library could not be read.")
            ended = LibraryWork(error=UNFORESEEN)
        self._work = replace(ended, share=1.0, finished=True)
