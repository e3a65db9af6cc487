"""Put a chat model's Yes on the scale of the built-in model, on which the fits were made."""

from __future__ import annotations

import json
from pathlib import Path

from coach.errors import UsageError

CALIBRATION_FILE = "answerability_calibration.json"


def calibrated(log_odds: float, model_name: str, own: Path) -> float:
    """The model's log-odds of Yes, with the scale and shift that the file `own` holds for it; as they are where it holds none.

    Raises UsageError for a file that cannot be read.
    """
    scale, shift = read_calibrations(own).get(model_name.casefold(), (1.0, 0.0))
    return scale * log_odds + shift


def read_calibrations(own: Path) -> dict[str, tuple[float, float]]:
    """Scale and shift by model, as `coach eval answers --calibrate` wrote them; empty where there is no such file.

    Raises UsageError for one that cannot be read.
    """
    if not own.is_file():
        return {}
    try:
        written = json.loads(own.read_text(encoding="utf-8")).items()
        return {name: (float(scale), float(shift)) for name, (scale, shift) in written}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"The calibration {own} cannot be read ({error}): delete it, then run `coach eval answers --calibrate`."
        ) from error
