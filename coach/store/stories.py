"""Keep the candidate's own stories: what they wrote of their experiences, until they delete it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

from coach.errors import UsageError
from coach.store.database import Database, new_id, now
from coach.types import Story

PART_CHARACTERS = 4_000  # some 650 words: what is told in five minutes
PARTS = ("title", "situation", "action", "result")
_COLUMNS = "id, title, situation, action, result, changed_at"
_UNREADABLE = "Your stories cannot be read"
_NOT_KEPT = "The story was not kept"


class StoryStore:
    """The stories under `home`. They are the user's documents: no retention deletes them. Every method raises StoreError where the file
    fails."""

    def __init__(self, home: Path) -> None:
        self._database = Database(home)

    def add(self, parts: Mapping[str, str]) -> Story:
        """Keep a new story of `title`, `situation`, `action` and `result`. Raises UsageError where there is no title, or nothing but one."""
        story = _checked(Story(new_id(), "", "", "", ""), parts)
        self._write([story])
        return story

    def edit(self, identity: str, parts: Mapping[str, str]) -> Story:
        """Write these parts anew; the others stay. Raises UsageError as `add` and `get`."""
        story = _checked(self.get(identity), parts)
        self._write([story])
        return story

    def get(self, identity: str) -> Story:
        """The story whose id begins so. Raises UsageError for an id that no story or more than one has."""
        found = self._database.whole_ids(_UNREADABLE, "stories", identity)
        if len(found) != 1:
            trouble = "More than one story has" if found else "No story has"
            raise UsageError(f"{trouble} an id that begins with `{identity}`: run `coach stories list`.")
        query = f"SELECT {_COLUMNS} FROM stories WHERE id = ?"
        return self._database.select(_UNREADABLE, query, found, _story)[0]

    def list(self) -> tuple[Story, ...]:
        """Every story, the one changed last first."""
        query = f"SELECT {_COLUMNS} FROM stories ORDER BY changed_at DESC, id"
        return self._database.select(_UNREADABLE, query, read=_story)

    def delete(self, identity: str) -> None:
        """Delete the story for good. Raises UsageError as `get`."""
        story = self.get(identity)
        with self._database.deletion("The story was not deleted") as database:
            database.execute("DELETE FROM stories WHERE id = ?", (story.id,))

    def bring_back(self, stories: Sequence[Story]) -> int:
        """Keep stories of an export, those that were changed later here excepted; how many were new or changed."""
        kept = {one.id: one for one in self.list()}
        newer = [one for one in stories if one.id not in kept or kept[one.id].changed_at < one.changed_at]
        if newer:
            self._write(newer)
        return len(newer)

    def _write(self, stories: Sequence[Story]) -> None:
        with self._database.change(_NOT_KEPT) as database:
            database.executemany(
                f"INSERT OR REPLACE INTO stories ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                map(astuple, stories),
            )


def _checked(story: Story, parts: Mapping[str, str]) -> Story:
    written = {name: text.replace("\r\n", "\n").strip() for name, text in parts.items()}
    changed = replace(story, **written, changed_at=now())
    if not changed.title:
        raise UsageError("A story needs a title: say in a few words what it shows, then keep it again.")
    if changed.text == changed.title:
        raise UsageError(
            "There is only a title yet: write what you did and what came of it, then keep it again."
        )
    for name in PARTS:
        if len(getattr(changed, name)) > PART_CHARACTERS:
            raise UsageError(
                f"The {name} has {len(getattr(changed, name)):,} characters: shorten it to {PART_CHARACTERS:,}, then keep it again."
            )
    return changed


def _story(row: Sequence[Any]) -> Story:
    return Story(*row)
