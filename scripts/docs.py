"""Write the parts of the docs that the code knows best: the settings and the help of every command.

    python scripts/docs.py

`tests/test_docs.py` fails where they are stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic.fields import FieldInfo

from coach import json_form
from coach.cli import cli
from coach.json_form import FORMS, Form
from coach.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- generated -->", "<!-- end -->"
NAMED_DEFAULTS = {
    "home": "the platform's user-data folder",
    "ollama_host": "`OLLAMA_HOST`, else `127.0.0.1:11434`",
}


def settings_table() -> str:
    """One row a setting."""
    rows = ["| variable | default | what |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = NAMED_DEFAULTS.get(name) or _default(field)
        rows.append(f"| `COACH_{name.upper()}` | {default} | {field.description}{_bounds(field)} |")
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    if field.default is None:
        return "unset"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _bounds(field: FieldInfo) -> str:
    least = next((m.ge for m in field.metadata if hasattr(m, "ge")), None)
    most = next((m.le for m in field.metadata if hasattr(m, "le")), None)
    return "" if least is None else f" {least:g} to {most:.0f}."


def command_help() -> str:
    """The help of every command, as the terminal shows it."""
    return "\n\n".join(
        f"### `{name}`\n\n```text\n{_help(command, name)}\n```" for name, command in _commands(cli, "coach")
    )


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    for word in sorted(command.commands):
        yield from _commands(command.commands[word], f"{name} {word}")


def _help(command: click.Command, name: str) -> str:
    whole = click.Context(cli, info_name="coach", **cli.context_settings)
    words = name.removeprefix("coach ")
    context = click.Context(command, parent=whole, info_name=words, terminal_width=96, max_content_width=96)
    return re.sub(r"[ \t]+$", "", command.get_help(context), flags=re.MULTILINE).strip()


def json_tables() -> str:
    """One table a form; what a form holds of others comes after it, once."""
    parts: list[str] = []
    every = {
        name: form
        for name, form in vars(json_form).items()
        if isinstance(form, type) and issubclass(form, Form)
    }
    waiting: list[type[Form]] = list(FORMS)
    done: set[type[Form]] = set()
    while waiting:
        form = waiting.pop(0)
        if form in done:
            continue
        done.add(form)
        rows = ["| field | type | what |", "|---|---|---|"]
        for name, field in form.model_fields.items():
            shown = (
                str(field.annotation) if not isinstance(field.annotation, type) else field.annotation.__name__
            )
            shown = re.sub(r"[\w.]+\.(\w+)", r"\1", shown).replace("NoneType", "null").replace("None", "null")
            shown = re.sub(r"Literal\[(.*?)\]", lambda match: match[1].replace(", ", " or "), shown)
            rows.append(f"| `{name}` | {_linked(shown)} | {field.description or ''} |")
            waiting += [every[name] for name in re.findall(r"\b\w+Form\b", shown)]
        parts.append(f"### {form.__name__.removesuffix('Form')}\n\n{form.__doc__}\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _linked(shown: str) -> str:
    shown = re.sub(r"\b(\w+)Form\b", lambda match: f"[{match[1]}](#{match[1].lower()})", shown)
    shown = re.sub(r"Optional\[(.*)\]", r"\1 or null", shown)
    return re.sub(r"list\[(.*)\]", r"list of \1", shown).replace("|", "or").replace("str", "text")


def filled(page: str, generated: str) -> str:
    """The page with what is generated between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{generated}\n\n{END}{after}"


GENERATED = {"settings.md": settings_table, "command-line.md": command_help, "json.md": json_tables}


def main() -> None:
    """Write them."""
    for name, generate in GENERATED.items():
        page = DOCS / name
        page.write_text(filled(page.read_text(encoding="utf-8"), generate()), encoding="utf-8")


if __name__ == "__main__":
    main()
