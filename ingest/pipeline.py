"""Bring the index up to date with the files: load, split, embed what is new, publish."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from coach.errors import IngestError
from coach.protocols import Embedder, Vectors
from coach.settings import corpus_folder
from coach.text.counted import counted
from coach.types import COMMITTEE, Chunk, Document, WrittenQuestion
from ingest.load import Skipped, as_document, read_bytes
from ingest.manifest import (
    Changes,
    Manifest,
    Outcome,
    collection_of,
    compare,
    content_key,
    find_files,
    name_collections,
)
from ingest.parse import is_plain, parse
from ingest.questions import read_questions, read_vectors, text_key
from ingest.readers import Contents
from ingest.sandbox import Sandbox
from ingest.split import SPLIT_VERSION, embedding_text, split_document

# Texts embedded between two savings: some seconds of work on a slow CPU, so little is lost when killed.
SLICE = 128
_NAMES_IN_REPORT = 20
_FOREIGN_IN_REPORT = 3
_READ_HERE_BYTES = 2**20  # of plain text: a quarter of a second of work

Progress = Callable[[str, int, int], None]


class IndexWriter(Protocol):
    """Where ingest puts what it made; see `coach.backends.chroma.ChromaIndexWriter`."""

    @property
    def folder(self) -> Path: ...

    def locked(self) -> AbstractContextManager[None]: ...

    def manifest(self) -> Mapping[str, Any]: ...

    def unfinished(self) -> Mapping[str, Any]: ...

    def documents(self) -> Mapping[str, Document]: ...

    def current_size(self, embedder: str, split_version: int, fingerprint: str) -> int | None: ...

    def chunks(self, embedder: str, split_version: int) -> dict[str, list[Chunk]]: ...

    def begin(self, note: Mapping[str, Any]) -> None: ...

    def vectors(self, embedder: str, dimension: int) -> dict[bytes, Vectors]: ...

    def keep_vectors(self, embedder: str, keys: Sequence[bytes], rows: Sequence[Vectors]) -> None: ...

    def publish(
        self,
        *,
        documents: Sequence[Document],
        sources: Sequence[Sequence[str]],
        chunks: Sequence[Chunk],
        texts: Sequence[str],
        keys: Sequence[bytes],
        questions: Mapping[bytes, WrittenQuestion],
        vectors: Mapping[bytes, Vectors],
        embedder: str,
        split_version: int,
        fingerprint: str,
        manifest: Mapping[str, Any],
        progress: Progress,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest did. Sources are as citations name them; `chunks_embedded` counts distinct texts, each embedded
    once together with its sentences, `questions_embedded` those written down for the documents. `warnings` are (source,
    warning) of what was read anew."""

    changes: Changes
    skipped: tuple[Skipped, ...]
    chunks_total: int
    chunks_embedded: int
    questions_embedded: int
    words: int
    seconds: float
    warnings: tuple[tuple[str, str], ...] = ()

    @property
    def added(self) -> tuple[str, ...]:
        return self.changes.added

    @property
    def changed(self) -> tuple[str, ...]:
        return self.changes.changed

    @property
    def removed(self) -> tuple[str, ...]:
        return self.changes.removed

    @property
    def unchanged(self) -> tuple[str, ...]:
        return self.changes.unchanged

    def lines(self) -> list[str]:
        """The report in plain lines, for the terminal and the page."""
        lines = []
        for word, sources in (("added", self.added), ("changed", self.changed), ("removed", self.removed)):
            lines += [f"{word}: {source}" for source in sources[:_NAMES_IN_REPORT]]
            lines += _and_more(word, len(sources))
        lines += [f"moved: {before} -> {now}" for before, now in self.changes.moved[:_NAMES_IN_REPORT]]
        lines += _and_more("moved", len(self.changes.moved))
        lines += [f"note: {source}: {warning}" for source, warning in self.warnings[:_NAMES_IN_REPORT]]
        lines += _and_more("note", len(self.warnings))
        lines += _skipped_lines(self.skipped)
        changes = self.changes
        documents = sum(map(len, (changes.added, changes.changed, changes.moved, changes.unchanged)))
        lines.append(
            f"{counted(documents, 'file')} ({len(self.unchanged)} unchanged), {counted(self.chunks_total, 'chunk')}, "
            f"{self.chunks_embedded} embedded, in {self.seconds:.1f} s"
        )
        return lines


def ingest(
    embedder: Embedder,
    index: IndexWriter,
    paths: Sequence[Path | str] = (),
    *,
    corpus: Path | None = None,
    forget: Sequence[Path | str] = (),
    collection: str | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Make `index` hold the bundled corpus and every path ever given, and nothing else.

    `paths` are files or folders to add and remember, `forget` are remembered ones, or files under them, to drop; `corpus` is
    the folder with `guides/` and the questions written down for them (the bundled one unless told). `collection` names what
    `paths` hold, a job description or notes: citations say so, and a question can be asked of it alone. `progress` is told (step, done, total), the
    steps being read, split, embed, store, write, switch and sweep. What is embedded already is not
    embedded again. The index that answers changes in one step at the end; an ingest that fails or is
    killed leaves the previous one.

    Raises IngestError for a path that does not exist, an empty corpus, a full disk, a folder that cannot
    be written, or another ingest at work.
    """
    started, now = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    tell = progress or _silent
    with _disk_errors(index.folder), index.locked():
        before, unfinished = Manifest.from_json(index.manifest()), Manifest.from_json(index.unfinished())
        roots, excluded = _roots(before, unfinished, paths, forget)
        known_names = {**before.collections, **unfinished.collections}
        collections = name_collections(
            known_names, roots, [str(_absolute(path)) for path in paths], collection
        )
        corpus = corpus or corpus_folder()
        documents, skipped, outcomes = _read(corpus, roots, excluded, collections, before, index, tell)
        questions, unusable = read_questions(corpus, documents)
        skipped += unusable
        after = Manifest(
            roots,
            {document.source: document.id for document in documents},
            outcomes,
            collections,
            excluded,
        )
        fingerprint = _fingerprint(embedder, documents, questions)
        size = index.current_size(embedder.name, SPLIT_VERSION, fingerprint) if before == after else None
        embedded = (0, 0)
        if size is None:
            index.begin(after.as_json())
            known = index.chunks(embedder.name, SPLIT_VERSION)
            chunks_of = _split(documents, known, embedder, tell)
            size = sum(len(chunks_of[name]) for name in {document.id for document in documents})
            embedded = _publish(
                documents=[_with_facts(document, chunks_of[document.id], now) for document in documents],
                questions=questions,
                chunks_of=chunks_of,
                manifest=after,
                fingerprint=fingerprint,
                corpus=corpus,
                embedder=embedder,
                index=index,
                tell=tell,
            )
        changes = compare(before, after)
        return IngestReport(
            changes=changes,
            skipped=tuple(skipped),
            chunks_total=size,
            chunks_embedded=embedded[0],
            questions_embedded=embedded[1],
            words=sum(len(document.text.split()) for document in documents),
            seconds=time.perf_counter() - started,
            warnings=tuple(
                (document.source, warning)
                for document in documents
                if document.source in {*changes.added, *changes.changed}
                for warning in document.warnings
            ),
        )


def _roots(
    before: Manifest, unfinished: Manifest, paths: Sequence[Path | str], forget: Sequence[Path | str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The roots, remembered ones first, in the order they were given, so that names stay what they are; and the files under them
    that are left out."""
    roots = dict.fromkeys([*before.roots, *unfinished.roots])
    excluded = dict.fromkeys([*before.excluded, *unfinished.excluded])
    for path in map(_absolute, forget):
        if str(path) in roots:
            del roots[str(path)]
        elif any(path.is_relative_to(root) for root in roots):
            excluded[str(path)] = None
        else:
            given = ", ".join(roots) or "none"
            raise IngestError(
                f"{path} is not a remembered path ({given}): see them with `coach library list`."
            )
    for path in map(_absolute, paths):
        if not path.exists():
            raise IngestError(f"{path} does not exist: check the path, then run `coach ingest PATH`.")
        roots[str(path)] = None
        excluded = {file: None for file in excluded if not Path(file).is_relative_to(path)}
    return tuple(roots), tuple(
        file for file in excluded if any(Path(file).is_relative_to(root) for root in roots)
    )


def _absolute(path: Path | str) -> Path:
    return Path(path).expanduser().resolve()


def _read(
    corpus: Path,
    roots: Sequence[str],
    excluded: Sequence[str],
    collections: Mapping[str, str],
    before: Manifest,
    index: IndexWriter,
    tell: Progress,
) -> tuple[list[Document], list[Skipped], dict[str, Outcome]]:
    """Every document, what was left out, and what came of each content; content that was read before is not read again."""
    files, skipped = find_files(corpus, roots, excluded)
    kept = index.documents()
    outcomes: dict[str, Outcome] = {}
    documents = []
    with Sandbox() as sandbox:
        for number, (source, path) in enumerate(files):
            tell("read", number, len(files))
            content = read_bytes(path, source)
            if isinstance(content, Skipped):
                skipped.append(content)
                continue
            key = content_key(content, path)
            collection = collection_of(path, corpus, roots, collections)
            outcome = (before.read or {}).get(key, Outcome())
            known = _known(outcome, kept, collection, path, source)
            found = known or as_document(content, path, source, partial(_parsed, sandbox))
            match found:
                case Skipped() as skip:
                    skipped.append(skip)
                    outcomes |= {} if skip.again else {key: Outcome(reason=skip.reason)}
                case Document() as document:
                    documents.append(document if known else _held_by(collection, document))
                    outcomes[key] = Outcome(outcome.document if known else document.id, document.kind)
    tell("read", len(files), len(files))
    if not documents:
        raise IngestError(
            f"There is no text to read in {corpus / 'guides'} or the paths given: "
            "name a file or a folder with documents, `coach ingest PATH`."
        )
    return documents, skipped, outcomes


def _parsed(sandbox: Sandbox, content: bytes, suffix: str) -> tuple[Contents, str]:
    """A short text is read here; whatever needs a parser, or is long, where it can do no harm."""
    trusted = is_plain(content, suffix) and len(content) <= _READ_HERE_BYTES
    return parse(content, suffix) if trusted else sandbox.parse(content, suffix)


def _known(
    outcome: Outcome, kept: Mapping[str, Document], collection: str, path: Path, source: str
) -> Document | Skipped | None:
    """What came of the same content before, under its name of today; None where that is not known."""
    if outcome.reason:
        return Skipped(source, outcome.reason)
    document = kept.get(_identity(collection, outcome.document))
    if document is None or document.kind != outcome.kind:  # kept as it was in a file of another format
        return None
    named_after_file = document.title == PurePosixPath(document.source).stem
    return replace(document, source=source, title=path.stem if named_after_file else document.title)


def _with_facts(document: Document, chunks: Sequence[Chunk], now: str) -> Document:
    statements = sum(len(chunk.sentences) for chunk in chunks)
    return replace(document, statement_count=statements, indexed_at=document.indexed_at or now)


def _held_by(collection: str, document: Document) -> Document:
    """The document as one of the collection."""
    return replace(document, id=_identity(collection, document.id), collection=collection)


def _identity(collection: str, document: str) -> str:
    """A document's id in a collection; the same text in two of them is two documents, as it is two people's words."""
    if collection == COMMITTEE:
        return document
    return hashlib.sha256(f"{collection}\x1f{document}".encode()).hexdigest()[:32]


def _fingerprint(
    embedder: Embedder, documents: Sequence[Document], questions: Sequence[WrittenQuestion]
) -> str:
    parts = [embedder.name, str(SPLIT_VERSION)]
    parts += [f"{document.source}\x1f{document.id}\x1f{document.title}" for document in documents]
    parts += [f"{question.text}\x1f{question.start}\x1f{question.end}" for question in questions]
    return hashlib.sha256("\x1e".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _split(
    documents: Sequence[Document], known: Mapping[str, list[Chunk]], embedder: Embedder, tell: Progress
) -> dict[str, list[Chunk]]:
    """The chunks of every document by its id; known ones are not cut again."""
    chunks = dict(known)
    for number, document in enumerate(documents):
        tell("split", number, len(documents))
        if document.id not in chunks:
            chunks[document.id] = split_document(document, embedder.count_tokens, embedder.max_tokens)
    tell("split", len(documents), len(documents))
    return chunks


def _publish(
    *,
    documents: Sequence[Document],
    questions: Sequence[WrittenQuestion],
    chunks_of: Mapping[str, list[Chunk]],
    manifest: Manifest,
    fingerprint: str,
    corpus: Path,
    embedder: Embedder,
    index: IndexWriter,
    tell: Progress,
) -> tuple[int, int]:
    """Embed what is missing and hand everything over; how many chunks and written questions were embedded."""
    sources: dict[str, list[str]] = {}
    for document in documents:
        sources.setdefault(document.id, []).append(document.source)
    leading = [document for document in documents if sources[document.id][0] == document.source]
    chunks = [chunk for document in leading for chunk in chunks_of[document.id]]
    if not chunks:
        raise IngestError("The files hold headings only: add text under them, then run `coach ingest`.")
    texts = [embedding_text(chunk) for chunk in chunks]
    sentences = [_sentences(chunk, text) for chunk, text in zip(chunks, texts, strict=True)]
    keys = [text_key(text, parts) for text, parts in zip(texts, sentences, strict=True)]
    asked = {text_key(question.text): question for question in questions}
    wanted = dict(zip(keys, zip(texts, sentences, strict=True), strict=True))
    wanted |= {key: (question.text, []) for key, question in asked.items()}
    vectors = index.vectors(embedder.name, embedder.dimension)
    if not asked.keys() <= vectors.keys():
        vectors = read_vectors(corpus, embedder.name) | vectors
    new = {key: text for key, text in wanted.items() if key not in vectors}
    _embed(new, vectors, embedder, index, tell)
    index.publish(
        documents=leading,
        sources=[sources[document.id] for document in leading],
        chunks=chunks,
        texts=texts,
        keys=keys,
        questions=asked,
        vectors=vectors,
        embedder=embedder.name,
        split_version=SPLIT_VERSION,
        fingerprint=fingerprint,
        manifest=manifest.as_json(),
        progress=tell,
    )
    return len(new.keys() & set(keys)), len(new.keys() & asked.keys())


def _sentences(chunk: Chunk, text: str) -> list[tuple[int, int]]:
    """Where the chunk's sentences stand in `text`, its embedding text, which ends with the chunk."""
    before = len(text) - len(chunk.text)
    return [(before + start, before + end) for start, end in chunk.sentences]


def _embed(
    new: Mapping[bytes, tuple[str, list[tuple[int, int]]]],
    vectors: dict[bytes, Vectors],
    embedder: Embedder,
    index: IndexWriter,
    tell: Progress,
) -> None:
    """Embed each text of `new` with its parts into `vectors`, like lengths together (little padding), saving slice by
    slice; every second slice first, so that the pace of the first ones tells that of the rest."""
    keys = sorted(new, key=lambda key: len(new[key][0]), reverse=True)
    done = 0
    tell("embed", 0, len(keys))
    for first in [*range(0, len(keys), 2 * SLICE), *range(SLICE, len(keys), 2 * SLICE)]:
        slice_keys = keys[first : first + SLICE]
        texts, parts = zip(*(new[key] for key in slice_keys), strict=True)
        rows = embedder.embed_with_parts(texts, parts)
        index.keep_vectors(embedder.name, slice_keys, rows)
        vectors.update(zip(slice_keys, rows, strict=True))
        done += len(slice_keys)
        tell("embed", done, len(keys))


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise IngestError(
                f"The disk is full (the previous index still answers): make room for {folder}, "
                "then run `coach ingest`."
            ) from error
        raise IngestError(
            f"{folder} cannot be written ({error.strerror or error}): mend that or set COACH_HOME to "
            "another folder, then run `coach ingest`."
        ) from error


def _silent(step: str, done: int, total: int) -> None:
    """For callers who do not watch."""


def _skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """A line each, but one for all the pictures and the like that a folder may hold."""
    foreign = [skip for skip in skipped if skip.foreign]
    together = foreign if len(foreign) > _FOREIGN_IN_REPORT else []
    alone = [skip for skip in skipped if skip not in together]
    lines = [f"skipped: {skip.source}: {skip.reason}" for skip in alone[:_NAMES_IN_REPORT]]
    lines += _and_more("skipped", len(alone))
    if together:
        endings = sorted({PurePosixPath(skip.source).suffix.lower() or "no ending" for skip in together})
        named = ", ".join(endings[:_NAMES_IN_REPORT])
        lines.append(f"skipped: {counted(len(together), 'file')} of other kinds ({named})")
    return lines


def _and_more(word: str, count: int) -> list[str]:
    more = count - _NAMES_IN_REPORT
    return [f"{word}: and {more} more"] if more > 0 else []
