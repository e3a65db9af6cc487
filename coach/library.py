"""The user's own documents: take copies of what is uploaded, follow folders, delete a document for good."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from coach.errors import IndexMissingError, IngestError, UsageError
from coach.settings import Settings, corpus_folder, days_kept
from coach.store.conversations import ConversationStore
from coach.store.traces import TraceStore
from coach.types import COMMITTEE, OWN

if TYPE_CHECKING:
    from coach.coach import Coach
    from ingest.manifest import Manifest
    from ingest.pipeline import IngestReport

Progress = Callable[[str, int, int], None]

UPLOADS = "uploads"  # the folder of copies under the coach's home, with one folder in it for each collection
_NAME_CHARACTERS = 120  # file systems take 255 bytes
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')  # of Windows, which forbids the most


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was handed over: its name, without any folder, and its bytes."""

    name: str
    content: bytes


def add_uploads(
    coach: Coach, uploads: Sequence[Upload], collection: str = OWN, progress: Progress | None = None
) -> IngestReport:
    """Keep copies of the uploads and read them into `collection`; one of a name that is there replaces it.

    Raises IngestError as `Coach.ingest`, and for a full disk.
    """
    folder = coach.settings.home / UPLOADS / _file_name(" ".join(collection.split()) or OWN)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for upload in uploads:
            _write_whole(folder / _file_name(upload.name), upload.content)
    except OSError as error:
        raise IngestError(
            f"{folder} cannot be written ({error.strerror or error}): mend that, then upload again."
        ) from error
    report = coach.ingest([folder], collection=None if collection == OWN else collection, progress=progress)
    unread = {skip.source.rpartition("/")[2] for skip in report.skipped}
    for upload in uploads:
        if _file_name(upload.name) in unread:  # the report said why; a copy of it is of no use
            (folder / _file_name(upload.name)).unlink(missing_ok=True)
    return report


def delete_document(coach: Coach, source: str) -> tuple[str, ...]:
    """Take a document out of the index, delete the coach's copy of it, and every kept answer and trace that quotes it; what was done.

    A file in a folder of the user's stays where it is and is not read again. Of a document whose file is gone already, what quotes
    it is deleted. Raises UsageError for the committee's article, IndexMissingError for a document that is neither in the library nor
    quoted, and IngestError as `Coach.ingest`.
    """
    try:
        document = coach.document(source)
    except IndexMissingError:
        if not (quoting := forget_quotes(coach.settings, [source])):
            raise
        return (
            f"{source} had left the library: {quoting} kept answers and traces that quoted it are deleted.",
        )
    if document.collection == COMMITTEE:
        raise UsageError(
            "The committee's article comes with the coach and stays: leave it out of a question with `--in own`."
        )
    path = _paths(coach.settings).get(source)
    copies = coach.settings.home / UPLOADS
    if path is not None and path.is_relative_to(copies.resolve()):
        path.unlink(missing_ok=True)
        path = None
    if path is not None:
        return coach.ingest_apart([path])
    done = coach.ingest_apart()
    forget_quotes(coach.settings, [source])
    return done


def forget_folder(coach: Coach, folder: Path) -> tuple[str, ...]:
    """Follow `folder` no longer: its documents leave the index, and what quotes them goes; what was done. Its files stay."""
    return coach.ingest_apart([folder])


def sources_under(settings: Settings, paths: Iterable[Path]) -> list[str]:
    """The documents whose files are among these paths, or lie under them."""
    found = [path.expanduser().resolve() for path in paths]
    return [
        source for source, path in _paths(settings).items() if any(path.is_relative_to(one) for one in found)
    ]


def forget_quotes(settings: Settings, sources: Iterable[str]) -> int:
    """Delete every kept answer and trace that looked at one of these documents; how many. Raises StoreError."""
    answers, traces = ConversationStore(settings.home), TraceStore(settings.home)
    return sum(answers.withdraw(source) + traces.forget(source) for source in sources)


def folders(coach: Coach) -> tuple[Path, ...]:
    """The files and folders of the user's that the library follows, the coach's own copies aside."""
    copies = (coach.settings.home / UPLOADS).resolve()
    return tuple(
        path for path in map(Path, _manifest(coach.settings).roots) if not path.is_relative_to(copies)
    )


def old_uploads(settings: Settings, at_least_days: int = 0) -> tuple[Path, ...]:
    """The copies that are older than the settings allow, and than `at_least_days`."""
    days = days_kept(settings.uploads)
    if days is None:
        return ()
    oldest = time.time() - max(days, at_least_days) * 86_400
    copies = (settings.home / UPLOADS).rglob("*")
    return tuple(path for path in copies if path.is_file() and path.stat().st_mtime < oldest)


def drop_uploads(
    settings: Settings, old: Sequence[Path], read_again: Callable[[], object]
) -> tuple[str, ...]:
    """Delete these copies, have `read_again` bring the index up to date, and delete what quotes them; what was done.

    Raises StoreError before anything is deleted, and what `read_again` raises.
    """
    if not old:
        return ()
    gone = {path.resolve() for path in old}
    sources = [source for source, path in _paths(settings).items() if path in gone]
    forget_quotes(
        settings, sources
    )  # before: an end in the middle leaves the copies, and with them the next try
    for path in old:
        path.unlink(missing_ok=True)
    read_again()
    forget_quotes(settings, sources)  # after: what was answered from them meanwhile
    many = "1 upload was" if len(gone) == 1 else f"{len(gone)} uploads were"
    return (
        f"{many} kept as long as the setting `uploads` says ({settings.uploads}): deleted, with every answer that quoted them.",
    )


def _paths(settings: Settings) -> dict[str, Path]:
    """Where the file of each source lies."""
    from ingest.manifest import find_files

    manifest = _manifest(settings)
    found, _ = find_files(corpus_folder(), manifest.roots, manifest.excluded)
    return {source: path.resolve() for source, path in found}


def _manifest(settings: Settings) -> Manifest:
    from coach.backends.chroma import ChromaIndexWriter
    from ingest.manifest import Manifest

    return Manifest.from_json(ChromaIndexWriter(settings.index_folder).manifest())


def _file_name(name: str) -> str:
    """A name that is one on every system, and leads into no other folder."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = _NOT_IN_NAMES.sub("_", last).strip(" .") or "document"
    ending = PurePosixPath(plain).suffix
    return f"{plain.removesuffix(ending)[: _NAME_CHARACTERS - len(ending)]}{ending}"


def _write_whole(path: Path, content: bytes) -> None:
    """Put the file in its place at once: one that is read meanwhile is never half there."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
