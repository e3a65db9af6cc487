"""Do something once a day for as long as the server runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

DAY = 86_400.0  # seconds
LOOK_AGAIN = 600.0  # seconds: a laptop that was closed meanwhile, or a job that was going on, costs ten minutes at most

_log = logging.getLogger(__name__)


class Daily:
    """Calls `do` a day after it was made, and a day after each time that `do` returned True: it returns False to be called
    again at the next look. `clock` gives seconds that go on while the computer sleeps.
    """

    def __init__(self, do: Callable[[], bool], clock: Callable[[], float] = time.time) -> None:
        self._do = do
        self._clock = clock
        self._done_at = clock()

    def start(self) -> None:
        """Look again and again, in a thread that ends with the server."""
        threading.Thread(target=self._go_on, name="coach-daily", daemon=True).start()

    def look(self) -> None:
        """Do it, if a day has passed."""
        if self._clock() - self._done_at >= DAY and self._do():
            self._done_at = self._clock()

    def _go_on(self) -> None:
        while True:
            time.sleep(LOOK_AGAIN)
            try:
                self.look()
            except Exception:
                _log.exception("What is done once a day failed; it is tried again.")
