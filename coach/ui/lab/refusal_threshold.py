"""The curve of wrong answers against wrong refusals, and the cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coach.lab.experiment import Outcome
from coach.lab.pictures.refusal_threshold import pictures
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The two pictures, one below the other."""
    draw_pictures(pictures(outcome, controls))
