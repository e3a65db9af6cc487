"""Which files belong to the index: the roots the user named, the files under them, what came of each, and what changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from coach.errors import IngestError
from coach.types import COMMITTEE, OWN
from ingest.load import Skipped
from ingest.readers import READERS_VERSION

# Folders that hold no reading matter, however many text files lie in them.
_IGNORED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
_LONGEST_NAME = 40  # characters of a collection's name: it stands in front of every citation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of reading some content: a document of this format, by its id, or the reason why there is none."""

    document: str = ""
    kind: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was made from: the user's roots, the document id behind every source, what came of every content that was
    read, by `content_key`, the collection of each root that the user named otherwise than OWN, and the files under the roots that
    the user took out."""

    roots: tuple[str, ...] = ()
    files: Mapping[str, str] | None = None
    read: Mapping[str, Outcome] | None = None
    collections: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Manifest:
        """Read back what `as_json` gave; anything else gives an empty manifest. What other readers read is read again."""
        roots, files, read = content.get("roots", []), content.get("files", {}), content.get("read", {})
        collections = content.get("collections", {})
        if not isinstance(roots, list) or not isinstance(files, dict) or not isinstance(collections, dict):
            return cls((), {}, {})
        known = content.get("readers") == READERS_VERSION and isinstance(read, dict)
        return cls(
            tuple(map(str, roots)),
            {str(source): str(name) for source, name in files.items()},
            {str(key): Outcome(*map(str, facts)) for key, facts in read.items()} if known else {},
            {str(root): str(name) for root, name in collections.items()},
            tuple(map(str, content.get("excluded", ()))),
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "roots": list(self.roots),
            "files": dict(self.files or {}),
            "collections": dict(self.collections),
            "excluded": list(self.excluded),
            "read": {key: astuple(outcome) for key, outcome in (self.read or {}).items()},
            "readers": READERS_VERSION,
        }


def content_key(content: bytes, path: Path) -> str:
    """Identifies content as a reader is given it: its SHA-256, and the ending of the file's name."""
    return hashlib.sha256(content).hexdigest() + path.suffix.lower()


def name_collections(
    before: Mapping[str, str], roots: Sequence[str], paths: Sequence[str], name: str | None
) -> dict[str, str]:
    """The collection of each of `roots` that has a name of its own, `paths` among them under `name` from now on; None leaves them as
    they were. A name is the same in capitals and small letters.

    Raises IngestError for the committee's name, an empty one and one too long.
    """
    named = {root: before[root] for root in roots if root in before}
    if name is None:
        return named
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or name.casefold() == COMMITTEE:
        raise IngestError(
            f'Documents of yours cannot be called "{name}": give another name of at most {_LONGEST_NAME} letters, as in '
            '`coach ingest PATH --as "job description"`.'
        )
    known = {one.casefold(): one for one in [OWN, *named.values()]}
    name = known.get(name.casefold(), name)
    named |= dict.fromkeys(paths, name)
    return {root: one for root, one in named.items() if one != OWN}


def collection_of(path: Path, corpus: Path, roots: Sequence[str], collections: Mapping[str, str]) -> str:
    """Whose words a file holds: the committee's under the corpus folder's guides, else what the innermost of the user's roots above it
    is called."""
    if path.is_relative_to(corpus / "guides"):
        return COMMITTEE
    above = [root for root in roots if path.is_relative_to(root)]
    return collections.get(max(above, key=len, default=""), OWN)


@dataclass(frozen=True, slots=True)
class Changes:
    """Sources by what happened to them, each in alphabetical order; `moved` are (before, now)."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    moved: tuple[tuple[str, str], ...] = ()


def compare(before: Manifest, after: Manifest) -> Changes:
    """What happened to each source between two manifests; one that is gone while its text is there under a new name has moved."""
    old, new = before.files or {}, after.files or {}
    both = old.keys() & new.keys()
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    moved = []
    for source in removed:
        now = next((name for name in added if new[name] == old[source]), None)
        if now is not None:
            moved.append((source, now))
            added.remove(now)
    gone = {source for source, _ in moved}
    return Changes(
        added=tuple(added),
        changed=tuple(sorted(source for source in both if old[source] != new[source])),
        removed=tuple(source for source in removed if source not in gone),
        unchanged=tuple(sorted(source for source in both if old[source] == new[source])),
        moved=tuple(moved),
    )


def find_files(
    corpus: Path, roots: Sequence[str], excluded: Sequence[str] = ()
) -> tuple[list[tuple[str, Path]], list[Skipped]]:
    """Every file under the corpus folder's guides and the user's roots, each once, with its source name.

    A source is the path from the root's own name on ("guides/x.md", "mydocs/a.md", "a.md"); a second root
    of the same name gets a number ("mydocs-2/a.md"). Hidden files and folders, and files `excluded` by
    their whole path, are passed over; a root that is gone is reported as skipped.
    """
    found: list[tuple[str, Path]] = []
    skipped: list[Skipped] = []
    seen = set(map(Path, excluded))
    labels: set[str] = set()
    for root in [corpus / "guides", *map(Path, roots)]:
        label = _free_label(root, labels)
        labels.add(label)
        if not root.exists():
            if root.parent != corpus:
                skipped.append(Skipped(str(root), "not there any more; `coach ingest --forget` drops it"))
            continue
        for relative, path in _walk(root):
            resolved = path.resolve()
            if resolved not in seen:
                seen.add(resolved)
                found.append((f"{label}/{relative}" if relative else label, path))
    return found, skipped


def _free_label(root: Path, taken: set[str]) -> str:
    stem, suffix = (root.stem, root.suffix) if root.is_file() else (root.name, "")
    label = stem + suffix
    number = 2
    while label in taken:
        label = f"{stem}-{number}{suffix}"
        number += 1
    return label


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Files under `root` in a stable order, with their path from it; a root that is a file has none."""
    if not root.is_dir():
        yield "", root
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _IGNORED_FOLDERS
        )
        for name in sorted(names):
            if not name.startswith("."):
                path = Path(folder) / name
                yield path.relative_to(root).as_posix(), path
