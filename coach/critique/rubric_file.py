"""A rubric file as tables that know their lines, so that every mistake can be pointed at."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from coach.errors import UsageError

Address = tuple[str | int, ...]

_MAX_BYTES = 1024 * 1024  # the bundled rubric has 30 KB: whatever is far beyond that is no rubric

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


class RubricError(UsageError):
    """A rubric file cannot be used. The sentence names the file, the line and what to change."""


@dataclass(frozen=True, slots=True)
class RubricFile:
    """A parsed rubric file that knows the line of each of its tables and keys."""

    path: Path
    content: dict[str, Any]
    lines: tuple[str, ...]
    places: Mapping[Address, int]

    def line(self, address: Address, holding: str = "") -> int:
        """The line of the innermost known part of `address`, or the next below that holds `holding`."""
        while address and address not in self.places:
            address = address[:-1]
        first = self.places.get(address, 1)
        sought = holding.strip().partition("\n")[0]
        below = range(first, len(self.lines) + 1)
        return next((number for number in below if sought and sought in self.lines[number - 1]), first)

    def fail(self, address: Address, wrong: str, remedy: str, holding: str = "") -> NoReturn:
        raise RubricError(
            f"{self.path}, line {self.line(address, holding)}: {wrong}: {remedy}, then run `coach critique` again."
        )


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file. Every look at it either gives the right type or fails with the line."""

    file: RubricFile
    content: dict[str, Any]
    address: Address

    @property
    def label(self) -> str:
        """The table as the reader of an error knows it."""
        name = self.content.get("id")
        if isinstance(name, str):
            return f"{_in_words(str(self.address[0]))} `{name}`"
        parts: list[str] = []
        for part in self.address:
            if isinstance(part, int):
                parts[-1] += f" {part + 1}"
            elif parts == ["kind"]:
                parts = [f"kind `{part}`"]
            else:
                parts.append(_in_words(part))
        return " of ".join(reversed(parts)) or "the rubric"

    def fail(self, wrong: str, remedy: str, key: str = "", holding: str = "") -> NoReturn:
        address = (*self.address, key) if key else self.address
        self.file.fail(address, f"{self.label} {wrong}", remedy, holding)

    def refuse_unknown(self, known: Collection[str], above: Collection[str] = ()) -> None:
        """Fail for a key that is not `known`; one of `above` belongs to the table around this one."""
        for key in self.content:
            if key in known:
                continue
            remedy = f"use only {', '.join(f'`{name}`' for name in known)}"
            if key in above:
                remedy = f"move it above `[{self.address[0]}.{self.address[-1]}]`"
            self.fail(f"has the unknown key `{key}`", remedy, key)

    def text(self, key: str, default: str | None = None) -> str:
        """The text under `key`; without `default` it must be there and not be blank."""
        value = self.content.get(key, default)
        if value is None:
            self.fail(f"has no `{key}`", f'add `{key} = "..."`')
        if not isinstance(value, str):
            self.fail(f"has a `{key}` that is not a text", "put it in quotation marks", key)
        if default is None and not value.strip():
            self.fail(f"has an empty `{key}`", "fill it in", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts under `key`; empty where it is absent."""
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(part, str) and part.strip() for part in value):
            self.fail(f"has a `{key}` that is not a list of texts", f'write `{key} = ["...", "..."]`', key)
        return tuple(value)

    def table(self, key: str) -> Table:
        value = self.content.get(key)
        if value is None:
            self.fail(f"has no `{key}`", f"add `{key}`")
        if not isinstance(value, dict):
            self.fail(f"has a `{key}` that is not a table", f"write `{key} = {{ ... }}`", key)
        return Table(self.file, value, (*self.address, key))

    def tables(self, key: str) -> list[Table]:
        """The tables under `key`, a list or a table of them; empty where it is absent."""
        value = self.content.get(key, [])
        named: list[tuple[str | int, Any]] = []
        if isinstance(value, dict | list):
            named = list(value.items() if isinstance(value, dict) else enumerate(value))
        if not isinstance(value, dict | list) or not all(isinstance(part, dict) for _, part in named):
            self.fail(f"has a `{key}` that is not made of tables", f"write it as `{_header(key)}`", key)
        return [Table(self.file, part, (*self.address, key, name)) for name, part in named]


def _header(key: str) -> str:
    return {"kinds": "[kinds.design]", "example": "[[criterion.example]]"}.get(key, f"[[{key}]]")


def _in_words(key: str) -> str:
    names = {"kinds": "kind", "anti_pattern": "anti-pattern", "anchors": "`anchors`", "weights": "`weights`"}
    return names.get(key, key)


def read_rubric_file(path: Path) -> RubricFile:
    """The TOML file at `path`. Raises RubricError where it cannot be read or is not TOML."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RubricError(
                f"{path} is larger than 1 MB: point to a rubric file, then run `coach critique` again."
            )
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        content = tomllib.loads(text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RubricError(
            f"{path} cannot be read ({reason}): check the name, then run `coach critique` again."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RubricError(
            f"{path}, line {line}: this is not UTF-8 text: save the file as UTF-8, then run `coach critique` again."
        ) from error
    except (ValueError, RecursionError) as error:  # a number too long, tables too deep
        raise RubricError(_syntax_sentence(path, str(error), text)) from error
    lines = tuple(text.split("\n"))
    return RubricFile(path, content, lines, dict(_places(lines)))


def _syntax_sentence(path: Path, message: str, text: str) -> str:
    """tomllib says "Expected '=' ... (at line 4, column 7)" or "(at end of document)"."""
    place = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = place.group(1) if place and place.group(1) else str(text.rstrip().count("\n") + 1)
    reason = message[: place.start()] if place else message
    return (
        f"{path}, line {line}: this is not TOML ({reason[:1].lower()}{reason[1:]}): mend the line, then run "
        "`coach critique` again."
    )


def _places(lines: tuple[str, ...]) -> Iterator[tuple[Address, int]]:
    """Address and line (from 1) of each table and key that stands at the beginning of a line."""
    table: Address = ()
    counts: dict[Address, int] = {}
    closing = ""
    for number, line in enumerate(lines, start=1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            table = _table_address(header.group(2), header.group(1) == "[[", counts)
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_parts(key.group(1))), number
        closing = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")


def _table_address(name: str, is_list: bool, counts: dict[Address, int]) -> Address:
    """The address of a header: each part that is a list gets the number of its newest table."""
    address: Address = ()
    parts = _parts(name)
    for place, part in enumerate(parts):
        address = (*address, part)
        if is_list and place == len(parts) - 1:
            counts[address] = counts.get(address, -1) + 1
        if address in counts:
            address = (*address, counts[address])
    return address


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
