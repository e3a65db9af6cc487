"""The map of the passages and the curve of the chunk sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coach.lab.experiment import Outcome
from coach.lab.pictures.chunks_and_embeddings import pictures
from coach.ui.lab.pictures import draw_pictures


def draw(outcome: Outcome, controls: Mapping[str, Any]) -> None:
    """The two pictures, one below the other."""
    draw_pictures(pictures(outcome, controls))
