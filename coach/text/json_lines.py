"""Read a file of one JSON object a line, with a clear word on the line that is off."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from coach.errors import UsageError

Built = TypeVar("Built")
Record = Mapping[str, Any]


class BadLineError(ValueError):
    """What is wrong with a line, without saying which line it is."""


def read_records(path: Path, build: Callable[[Record], Built]) -> Iterator[Built]:
    """What `build` makes of each line, in order; blank lines are passed over.

    Raises UsageError naming the file, and the line where `build` raises BadLineError.
    """
    for _, built in numbered_records(_lines(path), str(path), build):
        yield built


def numbered_records(
    lines: Iterable[str], name: str, build: Callable[[Record], Built]
) -> Iterator[tuple[int, Built]]:
    """Line number, from 1, and what `build` makes of it, for each line that is not blank.

    Raises UsageError naming `name` and the line where `build` raises BadLineError, or a UsageError of its own.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            built = build(_record(line))
        except BadLineError as error:
            raise UsageError(f"{name}, line {number}: {error}; correct that line and run again.") from error
        except UsageError as error:
            raise UsageError(f"{name}, line {number}: {error}") from error
        yield number, built


def require_fields(record: Record, required: Collection[str], optional: Collection[str] = ()) -> None:
    """Raises BadLineError for a field that is missing or not known."""
    for name in required:
        if name not in record:
            raise BadLineError(f"the field {name!r} is missing")
    for name in record:
        if name not in (*required, *optional):
            raise BadLineError(f"the field {name!r} is not known")


def text(record: Record, name: str, *, may_be_empty: bool = False) -> str:
    """The text in a field. Raises BadLineError for none, and for an empty one unless that is allowed."""
    value = record.get(name)
    if not isinstance(value, str) or not (may_be_empty or value.strip()):
        raise BadLineError(f"{name!r} must be a text{'' if may_be_empty else ' that is not empty'}")
    return value


def one_of(record: Record, name: str, allowed: Collection[str]) -> Any:
    """The value of a field. Raises BadLineError for one that is not among `allowed`."""
    if record.get(name) not in allowed:
        raise BadLineError(f"{name!r} is {record.get(name)!r}, not one of {', '.join(allowed)}")
    return record[name]


def number(record: Record, name: str) -> float:
    """The number in a field. Raises BadLineError for anything else."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadLineError(f"{name!r} must be a number")
    return float(value)


def _lines(path: Path) -> list[str]:
    try:
        # Not splitlines(): that would also break at U+2028 and the like, which JSON allows inside a string.
        return path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 text ({error.reason}); save it as UTF-8 and run again."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} cannot be read ({reason}); check the path and run again.") from error


def _record(line: str) -> Record:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadLineError(f"not valid JSON ({error.msg} at column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise BadLineError("not valid JSON (a number or a nesting that is far too large)") from error
    if not isinstance(record, dict):
        raise BadLineError("not a JSON object")
    return record
