"""Write cards as an Anki package: a zip that holds Anki's SQLite collection. Nothing of it touches a disk on the way."""

from __future__ import annotations

import io
import itertools
import sqlite3
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from html import escape

import genanki

from coach.practice.cards import Card, Group

# Chosen once, at random: with the same ids a later export updates the deck instead of adding another.
MODEL_ID = 1_764_300_752
DECK = "GenAI PM interview"
PART_IDS: Mapping[Group, int] = {
    "What is asked for": 1_764_300_751,
    "Questions answered": 1_764_300_753,
    "Question bank": 1_764_300_754,
}

_MODEL = genanki.Model(
    MODEL_ID,
    "GenAI PM interview: question and the article's words",
    fields=[{"name": "Question"}, {"name": "What is asked for"}],
    templates=[
        {
            "name": "Card",
            "qfmt": "{{Question}}",
            "afmt": '{{FrontSide}}<hr id="answer">{{What is asked for}}',
        }
    ],
    css=".card { font-family: sans-serif; font-size: 1.1rem; max-width: 40rem; margin: 1rem auto; } small { opacity: 0.7; }",
)


def anki_package(cards: Sequence[Card], now: datetime) -> bytes:
    """The bytes of an `.apkg` file with a deck in parts. Text is escaped: a card shows what was written, and runs nothing of it."""
    parts = {group: genanki.Deck(part_id, f"{DECK}::{group}") for group, part_id in PART_IDS.items()}
    for card in cards:
        guid = genanki.guid_for("genai-pm-coach", card.id)
        note = genanki.Note(model=_MODEL, fields=[_html(card.front), _back(card)], guid=guid)
        parts[card.group].add_note(note)
    package = io.BytesIO()
    # genanki's own writer leaves its database in the system's folder for temporary files.
    with closing(sqlite3.connect(":memory:")) as database, zipfile.ZipFile(package, "w") as archive:
        seconds = now.timestamp()
        genanki.Package(list(parts.values())).write_to_db(
            database.cursor(), seconds, itertools.count(int(seconds * 1000))
        )
        database.commit()
        archive.writestr("collection.anki2", database.serialize(), zipfile.ZIP_DEFLATED)
        archive.writestr("media", "{}")
    return package.getvalue()


def _back(card: Card) -> str:
    return "<br><br>".join(f"{_html(words)}<br><small>{_html(place)}</small>" for words, place in card.back)


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")
