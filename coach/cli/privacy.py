"""`coach privacy`: a text as others would be shown it, with what was found in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from coach.cli.terminal import limited, opened, say, show
from coach.errors import UsageError

if TYPE_CHECKING:
    from coach.privacy.item import PersonalItem


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--keep", multiple=True, type=int, help="Let the item of this number stand; may be given again."
)
@click.option("--own-word", multiple=True, help="Mask this as well; may be given again.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print text, items and replacements as one JSON object."
)
def privacy(file: str, keep: tuple[int, ...], own_word: tuple[str, ...], as_json: bool) -> None:
    """Print FILE (`-`: standard input) with names, mails, phones and addresses masked, and what was found.

    Works on this machine alone. The same is masked before text goes to a model server elsewhere.
    """
    from coach.privacy.find import MISSING_NAMES, find_personal, names_are_found
    from coach.privacy.mask import mask, without
    from coach.settings import load_settings

    with opened(file) as stream:
        text = limited(stream)
    items = find_personal(text, (*load_settings().own_words, *own_word))
    for number in keep:
        if not 1 <= number <= len(items):
            raise UsageError(f"There is no item {number}: run `coach privacy {file}` to see their numbers.")
    masked = mask(text, without(items, keep))
    if not names_are_found():
        say(MISSING_NAMES)
    if as_json:
        found = [_as_json(number, item, masked.replacements) for number, item in enumerate(items, 1)]
        show(json.dumps({"text": masked.text, "items": found}, ensure_ascii=False))
        return
    show(masked.text.rstrip("\n"))
    _print_found(items, masked.replacements)


def _as_json(number: int, item: PersonalItem, replacements: Any) -> dict[str, Any]:
    return {
        "number": number,
        "kind": item.kind,
        "start": item.start,
        "end": item.end,
        "text": item.text,
        "masked": item.text in replacements.values(),
    }


def _print_found(items: tuple[PersonalItem, ...], replacements: Any) -> None:
    """One line an item by kind, on standard error, so that a pipe gets the text alone."""
    from coach.privacy.item import KINDS

    if not items:
        say("\nNo personal data was found.")
    for kind in KINDS:
        listed = [(number, item) for number, item in enumerate(items, 1) if item.kind == kind]
        if listed:
            say(f"\n{kind} ({len(listed)})")
        for number, item in listed:
            stands = "" if item.text in replacements.values() else "  (left as it is)"
            say(f"  {number:>3}  {' '.join(item.text.split())}{stands}")
    if items:
        say("\nLet one stand with --keep and its number.")
