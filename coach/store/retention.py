"""Keep what the user wrote as long as the settings say, and no longer; erase all of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from coach.errors import CoachError
from coach.settings import Settings, days_kept
from coach.store.conversations import ConversationStore
from coach.store.critiques import CritiqueStore
from coach.store.fields import FieldStore
from coach.store.interviews import InterviewStore
from coach.store.learning import LearningStore
from coach.store.readings import ReadingStore
from coach.store.traces import TraceStore

KEPT_WHEN_ERASED = "models"  # downloaded, the same for everybody, and nothing of the user's in it
# All that the coach writes into its folder, or reads from there. The folder may be one that the user named and keeps other things in.
_OURS = (
    *("coach.sqlite3*", "critiques.sqlite3*", "traces.sqlite3*", "index", "states", "uploads", "evaluations"),
    *("rubrics", "coach.toml*", "*_calibration.json*", "last_model.json*"),
)


class EraseError(CoachError):
    """Something of the user's could not be deleted."""


def apply_retention(settings: Settings, at_least_days: int = 0) -> None:
    """Delete what is older than the settings allow, and than `at_least_days`. A file that cannot be opened is left for whoever
    writes to it next."""
    history, traces = (
        days if days is None else max(days, at_least_days)
        for days in map(days_kept, (settings.history, settings.traces))
    )
    try:
        if traces is not None:
            TraceStore(settings.home).prune(traces)
        if history is not None:
            CritiqueStore(settings.home).prune(history)
            ReadingStore(settings.home).prune(history)
            ConversationStore(settings.home).prune(history)
            FieldStore(settings.home).prune(history)
            InterviewStore(settings.home).prune(history)
            LearningStore(settings.home).prune(history)
    except CoachError:
        return


def erase_all(settings: Settings) -> tuple[str, ...]:
    """Delete everything of the coach's in its folder but the downloaded models; the names of what was deleted.

    Raises EraseError, naming what is left, where the system will not have it.
    """
    gone, left = [], []
    for path in sorted(settings.home.iterdir()) if settings.home.is_dir() else ():
        if not _is_ours(path):
            continue
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            gone.append(path.name)
        except OSError as error:
            left.append(f"{path} ({error.strerror or error})")
    if left:
        raise EraseError(
            f"Not deleted: {', '.join(left)}. Close the app, then run `coach erase --all` again."
        )
    return tuple(gone)


def left_alone(settings: Settings) -> tuple[str, ...]:
    """The names of what is in the coach's folder and not the coach's: nothing deletes it."""
    there = sorted(settings.home.iterdir()) if settings.home.is_dir() else []
    return tuple(path.name for path in there if path.name != KEPT_WHEN_ERASED and not _is_ours(path))


def _is_ours(path: Path) -> bool:
    return any(path.match(pattern) for pattern in _OURS)
