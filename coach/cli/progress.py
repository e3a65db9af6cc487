"""Say on the terminal what is going on: plain lines, and a bar for what takes longer."""

from __future__ import annotations

import sys
import time
from typing import TextIO

BAR_WIDTH = 30
SECONDS_BETWEEN_DRAWINGS = 0.2
SECONDS_BETWEEN_LINES = 10.0  # where there is no terminal to redraw on, such as a log file


class ProgressLines:
    """A Progress on a text stream, standard error unless told: on a terminal one bar redrawn in place."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._drawn_at = float("-inf")
        self._bar: str | None = None

    def __call__(self, line: str, done: int = 0, total: int = 0) -> None:
        if total <= 0:
            self._end_bar()
            self._stream.write(f"{line}\n")
            self._stream.flush()
            return
        finished = done >= total
        wait = SECONDS_BETWEEN_DRAWINGS if self._terminal else SECONDS_BETWEEN_LINES
        if self._bar == line and not finished and time.monotonic() - self._drawn_at < wait:
            return
        self._draw(line, done, total)
        if finished:
            self._end_bar()

    def _draw(self, line: str, done: int, total: int) -> None:
        share = min(1.0, done / total)
        filled = round(share * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        text = f"{line} [{bar}] {share:4.0%}  {done // 1_000_000} of {total // 1_000_000} MB"
        self._stream.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        self._stream.flush()
        self._bar, self._drawn_at = line, time.monotonic()

    def _end_bar(self) -> None:
        if self._bar is not None and self._terminal:
            self._stream.write("\n")
        self._bar = None
