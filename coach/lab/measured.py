"""Say who computed the figures of an experiment, and on what."""

from __future__ import annotations

import os


def measured(who: str) -> str:
    """`who` (a model, or what counted) with the machine it ran on, as the line under a picture."""
    return f"Measured here: {who}, {os.cpu_count()} cores."
