"""Put placeholders in the place of personal data, and the data back in the place of the placeholders."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from coach.privacy.item import KINDS, Kind, PersonalItem, without_overlap

_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(KINDS)}) \d+\]", re.IGNORECASE)
LONGEST_PLACEHOLDER = max(map(len, KINDS)) + len("[ 99999]")
_SHORTEST_NAME = 3  # letters of a name that is looked for again: shorter ones stand inside too much


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with placeholders such as "[name 1]", and what each stands for."""

    text: str
    replacements: Mapping[str, str] = field(default_factory=dict)


def mask(
    text: str,
    items: Iterable[PersonalItem],
    known: Mapping[str, str] | None = None,
    unmasked: Collection[str] = (),
) -> Masked:
    """`text` with a placeholder for each of `items`, the same for the same words throughout, and all replacements so far.

    `known` are the replacements of earlier texts: they go on, and what they stand for is masked here too, found or not. Leave an
    item out to let it stand. Words in `unmasked` stand wherever they do, found, known or neither, unless they are part of
    more that is personal. No placeholder is used that already stands in the text by itself.
    """
    replacements = dict(known or {})
    placeholders = {original: placeholder for placeholder, original in replacements.items()}
    pieces, end = [], 0
    found = [*items, *_known_again(text, replacements)]
    for item in without_overlap(text, _without_unmasked(text, found, unmasked)):
        if item.text not in placeholders:
            placeholder = _free(item.kind, text, replacements)
            placeholders[item.text], replacements[placeholder] = placeholder, item.text
        pieces += [text[end : item.start], placeholders[item.text]]
        end = item.end
    return Masked("".join([*pieces, text[end:]]), replacements)


def unmask(text: str, replacements: Mapping[str, str]) -> str:
    """`text` with what the placeholders stand for; one that stands for nothing is left."""
    return _PLACEHOLDER.sub(lambda found: replacements.get(found.group().lower(), found.group()), text)


def without(items: Iterable[PersonalItem], kept: Iterable[int]) -> tuple[PersonalItem, ...]:
    """The items without those that a person lets stand: `kept` are their numbers, from 1; each lets the same words stand throughout."""
    listed = tuple(items)
    texts = {listed[number - 1].text for number in kept if 1 <= number <= len(listed)}
    return tuple(item for item in listed if item.text not in texts)


def _free(kind: Kind, text: str, replacements: Mapping[str, str]) -> str:
    number = 1
    while f"[{kind} {number}]" in replacements or f"[{kind} {number}]" in text.lower():
        number += 1
    return f"[{kind} {number}]"


def _without_unmasked(
    text: str, items: Iterable[PersonalItem], unmasked: Collection[str]
) -> list[PersonalItem]:
    """The items that do not lie within words which a person lets pass."""
    let_pass = [match.span() for words in unmasked for match in re.finditer(re.escape(words), text)]
    return [
        item for item in items if not any(start <= item.start and item.end <= end for start, end in let_pass)
    ]


def _known_again(text: str, replacements: Mapping[str, str]) -> Iterable[PersonalItem]:
    for placeholder, original in replacements.items():
        if len(original) < _SHORTEST_NAME or original not in text:
            continue
        kind = next(kind for kind in KINDS if placeholder.startswith(f"[{kind} "))
        for found in re.finditer(rf"(?<!\w){re.escape(original)}(?!\w)", text):
            yield PersonalItem(kind, found.start(), found.end(), original)
