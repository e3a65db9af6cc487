"""The files of the index beside the vector store: one folder a generation, and the switch that names it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from coach.backends.bm25 import build_keyword_index
from coach.errors import IngestError
from coach.types import Chunk, Document, Section, WrittenQuestion

LAYOUT = 6  # raise it whenever the files below change shape; an index of another layout is made anew

KEY_BYTES = 16
_QUESTION = tuple(field.name for field in fields(WrittenQuestion))


@dataclass(frozen=True, slots=True)
class Current:
    """What `current.json` says: which generation and collection answer, and how they were made."""

    layout: int
    generation: str
    collection: str
    embedder: str
    dimension: int
    fingerprint: str
    chunks: int
    split_version: int
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """Everything one generation holds; `sources[n]` are the names of `documents[n]`, the first one leading.

    `texts` are the chunks with their heading paths. `rows[n]` are the vectors of chunk n: its own, then those of its
    sentences, in order. Row n of `question_vectors` belongs to question n. The keys identify what each vector was
    made from.
    """

    documents: Sequence[Document]
    sources: Sequence[Sequence[str]]
    chunks: Sequence[Chunk]
    texts: Sequence[str]
    chunk_keys: Sequence[bytes]
    rows: Sequence[NDArray[np.float32]]
    questions: Sequence[WrittenQuestion]
    question_keys: Sequence[bytes]
    question_vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation read back, its vectors memory-mapped. The sentences of chunk n have the rows of
    `sentence_vectors` from `sentence_starts[n]` up to the next chunk's."""

    folder: Path
    documents: tuple[Document, ...]
    sources: tuple[tuple[str, ...], ...]
    chunks: tuple[Chunk, ...]
    document_of: tuple[int, ...]
    chunk_keys: NDArray[np.void]
    chunk_vectors: NDArray[np.float32]
    sentence_starts: tuple[int, ...]
    sentence_vectors: NDArray[np.float32]
    questions: tuple[WrittenQuestion, ...]
    question_keys: NDArray[np.void]
    question_vectors: NDArray[np.float32]


def read_current(folder: Path) -> Current | None:
    """The switch in `folder`; None where there is none of this layout. Raises ValueError if it is damaged."""
    try:
        facts = json.loads((folder / "current.json").read_text("utf-8"))
        if facts["layout"] != LAYOUT:
            return None
        return Current(**facts)
    except FileNotFoundError:
        return None
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / 'current.json'} is damaged") from error


def write_current(folder: Path, current: Current) -> None:
    """Make `current` the one that counts, at once or not at all."""
    write_whole(folder / "current.json", asdict(current))


def write_whole(path: Path, content: object) -> None:
    """Write JSON so that `path` holds either what it held before or all of `content`."""
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, ensure_ascii=False))  # in one piece: `dump` takes seven times as long
        _settle(file)
    draft.replace(path)


def write_generation(folder: Path, content: Content) -> None:
    """Write `content` into the new folder `folder`; it counts only once `write_current` names it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    documents = [
        {**asdict(document), "metadata": dict(document.metadata), "sources": list(names)}
        for document, names in zip(content.documents, content.sources, strict=True)
    ]
    numbers = {document.id: number for number, document in enumerate(content.documents)}
    paths = sorted({chunk.headings for chunk in content.chunks})
    path_numbers = {path: number for number, path in enumerate(paths)}
    table = [
        (
            chunk.id,
            numbers[chunk.document_id],
            chunk.position,
            path_numbers[chunk.headings],
            chunk.start,
            chunk.end,
            chunk.sentences,
        )
        for chunk in content.chunks
    ]
    write_whole(folder / "documents.json", documents)
    write_whole(folder / "chunks.json", {"headings": paths, "chunks": table})
    # `asdict` would copy each of thousands deeply
    values = map(attrgetter(*_QUESTION), content.questions)
    write_whole(folder / "questions.json", [dict(zip(_QUESTION, each, strict=True)) for each in values])
    counts = [len(rows) - 1 for rows in content.rows]
    _save(folder / "chunk_keys.npy", as_keys(content.chunk_keys))
    _save(folder / "chunk_vectors.npy", np.stack([rows[0] for rows in content.rows]))
    _save(folder / "sentence_starts.npy", np.cumsum([0, *counts], dtype=np.int64))
    _save(folder / "sentence_vectors.npy", np.concatenate([rows[1:] for rows in content.rows]))
    _save(folder / "question_keys.npy", as_keys(content.question_keys))
    _save(folder / "question_vectors.npy", content.question_vectors.astype(np.float32, copy=False))
    build_keyword_index(content.texts, folder / "keywords")
    for path in (folder / "keywords").iterdir():
        with path.open("rb+") as file:
            _settle(file)


def read_generation(folder: Path) -> Generation:
    """The generation in `folder`. Raises OSError, ValueError or KeyError where it is missing or damaged."""
    documents, sources = read_documents(folder)
    table = json.loads((folder / "chunks.json").read_text("utf-8"))
    paths = [tuple(path) for path in table["headings"]]
    chunks = tuple(
        Chunk(
            name,
            documents[number].id,
            position,
            paths[path],
            documents[number].text[start:end],
            start,
            end,
            tuple((first, last) for first, last in sentences),
        )
        for name, number, position, path, start, end, sentences in table["chunks"]
    )
    return Generation(
        folder=folder,
        documents=documents,
        sources=sources,
        chunks=chunks,
        document_of=tuple(row[1] for row in table["chunks"]),
        chunk_keys=np.load(folder / "chunk_keys.npy"),
        chunk_vectors=_mapped(folder / "chunk_vectors.npy"),
        sentence_starts=tuple(np.load(folder / "sentence_starts.npy").tolist()),
        sentence_vectors=_mapped(folder / "sentence_vectors.npy"),
        questions=tuple(
            WrittenQuestion(**fact) for fact in json.loads((folder / "questions.json").read_text("utf-8"))
        ),
        question_keys=np.load(folder / "question_keys.npy"),
        question_vectors=np.load(folder / "question_vectors.npy"),
    )


def read_documents(folder: Path) -> tuple[tuple[Document, ...], tuple[tuple[str, ...], ...]]:
    """The documents of the generation in `folder`, and the names of each. Raises as `read_generation` does."""
    facts = json.loads((folder / "documents.json").read_text("utf-8"))
    sources = tuple(tuple(fact.pop("sources")) for fact in facts)
    return tuple(map(_document, facts)), sources


def _document(fact: Mapping[str, Any]) -> Document:
    sections = (Section(tuple(one["headings"]), one["start"], one["end"]) for one in fact["sections"])
    lists = {"pages": tuple(fact["pages"]), "warnings": tuple(fact["warnings"])}
    return Document(**{**fact, **lists, "sections": tuple(sections)})


def as_keys(keys: Sequence[bytes]) -> NDArray[np.void]:
    """Fixed-width bytes; numpy's own byte strings would lose trailing zeros."""
    return np.frombuffer(b"".join(keys), dtype=f"V{KEY_BYTES}")


class EmbeddedStore:
    """What one embedder made so far, kept slice by slice until a generation holds it: for each key the vector of its
    text, then those of the text's sentences."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        self._dimension = dimension

    def read(self) -> dict[bytes, NDArray[np.float32]]:
        """Every vector by its key; a damaged slice (power cut) counts as never written."""
        found: dict[bytes, NDArray[np.float32]] = {}
        for path in sorted(self._folder.glob("*.npz")):
            try:
                with np.load(path) as arrays:
                    keys, counts, vectors = arrays["keys"].tolist(), arrays["counts"], arrays["vectors"]
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                continue
            if len(counts) == len(keys) and vectors.shape == (counts.sum(), self._dimension):
                found.update(zip(keys, np.split(vectors, np.cumsum(counts)[:-1]), strict=True))
        return found

    def add(self, keys: Sequence[bytes], rows: Sequence[NDArray[np.float32]]) -> None:
        """Keep one slice, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(b"".join(keys)).hexdigest()[:32]
        draft = self._folder / f"{name}.new"
        with draft.open("wb") as file:
            counts = np.array([len(row) for row in rows])
            np.savez(file, keys=as_keys(keys), counts=counts, vectors=np.concatenate(rows))
        draft.replace(self._folder / f"{name}.npz")


def sweep(folder: Path, keep: Current) -> None:
    """Remove every generation but the current one, and all slices: the current generation holds them.

    What cannot be removed now (a file that another program has open on Windows) goes next time.
    """
    for path in (folder / "generations").glob("*"):
        if path.name != keep.generation:
            shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(folder / "embedded", ignore_errors=True)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system gives it back even when the process is killed.

    Raises IngestError when another ingest holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ingest.lock").open("a+", encoding="utf-8") as file:
        try:
            _lock(file)
        except OSError as error:
            raise IngestError(
                "Another ingest is writing this index: wait for it to end, then run `coach ingest`."
            ) from error
        yield


def _lock(file: TextIO) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _save(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array)
        _settle(file)


def _settle(file: Any) -> None:
    file.flush()
    with suppress(OSError):  # some network file systems cannot; the bytes are handed over all the same
        os.fsync(file.fileno())


def _mapped(path: Path) -> NDArray[Any]:
    # The plain view spares the bookkeeping that np.memmap does on every slice.
    array: NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
    return array
