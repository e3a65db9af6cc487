"""The passage index: Chroma for the vectors, and beside it what a search needs in memory."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from coach.backends.bm25 import KeywordIndex
from coach.backends.index_files import (
    LAYOUT,
    Content,
    Current,
    EmbeddedStore,
    Generation,
    only_one,
    read_current,
    read_documents,
    read_generation,
    sweep,
    write_current,
    write_generation,
    write_whole,
)
from coach.errors import IndexMismatchError, IndexMissingError, IndexOutdatedError, IngestError
from coach.protocols import IndexedVectors, Vectors
from coach.text.words import content_words
from coach.types import COMMITTEE, Chunk, Document, Passage, WrittenQuestion

# Up to here one matrix product over all vectors is as fast as Chroma's graph, finds exactly the nearest,
# and spares a cold start the seconds of importing chromadb.
EXACT_UP_TO = 10_000
# "How many rounds are there?" lies near "How many rounds are there for an intern?" and asks for less: each share of its
# words that the query lacks takes so much from a question's cosine. On the fit questions of bench/answers the gate is
# as good with anything from 0 to 0.3; everyday questions are refused less often with more of it, other subjects more
# often with less.
BEYOND_WEIGHT = 0.15
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_BATCH = 2_000  # chunks handed to Chroma at once; its own limit is 5,461

Progress = Callable[[str, int, int], None]

COMMON_IN_QUESTIONS = 8  # of the questions written down: "mean", "answer", "make" are in more, a thing that is asked about is not


def open_index(
    folder: Path, embedder_name: str | None = None, *, exact_up_to: int = EXACT_UP_TO, server: str = ""
) -> ChromaIndex:
    """The index that the last finished ingest left in `folder`.

    `embedder_name`, where given, must be the one it was made with; above `exact_up_to` chunks the
    nearest are asked of Chroma: of the `server` at a URL, else of the one in the folder. Raises IndexMissingError where there is no readable index, IndexOutdatedError
    where another version of the coach wrote it, and IndexMismatchError for another embedder.
    """
    for _ in range(3):  # an ingest may switch and sweep between our two reads
        current = _current(folder)
        if embedder_name is not None and current.embedder != embedder_name:
            raise IndexMismatchError(
                f"The index was made with the embedding model {current.embedder}, but {embedder_name} "
                "is in use. Run `coach ingest` first."
            )
        try:
            return ChromaIndex(folder, current, exact_up_to, server)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
    raise IndexMissingError("The index is damaged. Run `coach ingest` first.")


def _current(folder: Path) -> Current:
    try:
        current = read_current(folder)
    except (OSError, ValueError) as error:
        raise IndexMissingError("The index cannot be read. Run `coach ingest` first.") from error
    if current is not None:
        return current
    if (folder / "current.json").exists():
        raise IndexOutdatedError("The index is of another version of the coach. Run `coach ingest` first.")
    raise IndexMissingError("There is no index yet. Run `coach ingest` first.")


class ChromaIndex:
    """One generation, ready to be searched from several threads."""

    def __init__(
        self, folder: Path, current: Current, exact_up_to: int = EXACT_UP_TO, server: str = ""
    ) -> None:
        """Open it. Raises OSError, ValueError or KeyError where a file is missing or damaged."""
        self._folder = folder
        self._server = server
        self._current = current
        self._generation = read_generation(folder / "generations" / current.generation)
        self._keywords = KeywordIndex(self._generation.folder / "keywords")
        self._rows = {chunk.id: row for row, chunk in enumerate(self._generation.chunks)}
        self._by_source = {
            source: number for number, names in enumerate(self._generation.sources) for source in names
        }
        self._written = _WrittenQuestions(self._generation)
        self._rows_searched: NDArray[np.bool_] | None = None  # None for all
        self._searched = self._generation.documents
        self._views: dict[frozenset[str], ChromaIndex] = {}
        self._exact = len(self) <= exact_up_to
        self._vocabulary: frozenset[str] | None = None
        self._stems: set[str] | None = None
        self._client: Any = None
        self._collection: Any = None
        self._opening = threading.Lock()

    @property
    def fingerprint(self) -> str:
        return self._current.fingerprint

    @property
    def embedder_name(self) -> str:
        return self._current.embedder

    def __len__(self) -> int:
        rows = self._rows_searched
        return len(self._generation.chunks) if rows is None else int(rows.sum())

    @property
    def collections(self) -> Mapping[str, int]:
        """How many documents each collection that can be searched holds, the committee's first."""
        counts = Counter(document.collection for document in self._searched)
        return {name: counts[name] for name in sorted(counts, key=lambda name: (name != COMMITTEE, name))}

    def within(self, collections: Set[str]) -> ChromaIndex:
        """The same index as if it held the documents of these collections alone; it shares everything it can."""
        wanted = frozenset(self.collections.keys() & collections)
        if wanted == self.collections.keys():
            return self
        if wanted not in self._views:
            self._views[wanted] = self._view(wanted)
        return self._views[wanted]

    def _view(self, collections: frozenset[str]) -> ChromaIndex:
        view = copy.copy(self)
        documents = self._generation.documents
        inside = [document.collection in collections for document in documents]
        view._rows_searched = np.array(inside, dtype=np.bool_)[list(self._generation.document_of)]
        view._searched = tuple(one for one, kept in zip(documents, inside, strict=True) if kept)
        view._views, view._vocabulary, view._stems = {}, None, None
        return view

    def search(self, vector: Vectors, words: str, limit: int) -> list[Passage]:
        """Candidates for a query, unranked and unfused: the `limit` nearest and the `limit` best by keywords.

        See `coach.protocols.PassageIndex.search`. Raises IndexMismatchError for a vector of another size.
        """
        if not len(self) or limit < 1:
            return []
        if vector.shape != (self._current.dimension,):
            raise IndexMismatchError(
                f"The index holds vectors of {self._current.dimension} numbers, the query has {vector.size}. "
                "Run `coach ingest` first."
            )
        query = np.asarray(vector, dtype=np.float32)
        keyword = self._scaled(self._keywords.scores(words))
        matching = np.flatnonzero(keyword)
        best = matching[_largest(keyword[matching], limit)].tolist()
        rows = list(dict.fromkeys([*self._nearest(query, limit), *best]))
        return self._passages(rows, query, keyword, words)

    def vectors(self) -> IndexedVectors:
        """All that can be found, to be looked at rather than searched."""
        generation, searched = self._generation, {document.id for document in self._searched}
        every = np.arange(len(generation.chunks))
        rows = (every if self._rows_searched is None else every[self._rows_searched]).tolist()
        starts, nothing = generation.sentence_starts, np.zeros((0, self._current.dimension), dtype=np.float32)
        unscored = np.zeros(len(generation.chunks), dtype=np.float32)
        asked = [place for place, one in enumerate(generation.questions) if one.document_id in searched]
        return IndexedVectors(
            self._passages(rows, np.zeros(self._current.dimension, dtype=np.float32), unscored, "")
            if rows
            else [],
            generation.chunk_vectors[rows],
            np.concatenate(
                [nothing, *(generation.sentence_vectors[starts[n] : starts[n + 1]] for n in rows)]
            ),
            generation.question_vectors[asked],
        )

    def document(self, source: str) -> Document:
        """The text a citation points into, under any of its names.

        Raises IndexMissingError for an unknown source.
        """
        number = self._by_source.get(source)
        if number is None:
            raise IndexMissingError(f"The index holds no document {source!r}. Run `coach ingest` first.")
        document = self._generation.documents[number]
        return document if document.source == source else replace(document, source=source)

    def documents(self) -> list[Document]:
        """Every indexed document once, under its first name, in the order of the names."""
        return list(self._searched)

    def vocabulary(self) -> frozenset[str]:
        """Every word of the documents and of the questions that come with them, in lower case."""
        if self._vocabulary is None:
            texts = [document.text for document in self._searched]
            texts += [question.text for question in self._questions()]
            self._vocabulary = frozenset(word for text in texts for word in _WORD.findall(text.lower()))
        return self._vocabulary

    def knows(self, word: str) -> bool:
        """Whether the word, in whatever form, stands in a document, or is one that many questions have and that names nothing."""
        if self._stems is None:
            documents = (document.text for document in self._searched)
            asked = Counter(
                stem
                for question in self._generation.questions
                if question.answered
                for stem in set(content_words(question.text))
            )
            common = {stem for stem, count in asked.items() if count >= COMMON_IN_QUESTIONS}
            self._stems = common.union(*map(content_words, documents))
        stems = content_words(word)
        return bool(stems) and set(stems) <= self._stems

    def _questions(self) -> list[WrittenQuestion]:
        """Those written down for the documents that are searched."""
        searched = {document.id for document in self._searched}
        return [question for question in self._generation.questions if question.document_id in searched]

    def _scaled(self, keyword: NDArray[np.float32]) -> NDArray[np.float32]:
        """The keyword scores between 0 and 1 over the rows that are searched, 0 for the others."""
        rows = self._rows_searched
        if rows is None:
            return _scaled(keyword)
        scaled = np.zeros_like(keyword)
        scaled[rows] = _scaled(keyword[rows])
        return scaled

    def close(self) -> None:
        """Let go of Chroma's files; a later search opens them again."""
        with self._opening:
            if self._client is not None:
                self._client.close()
            self._client = self._collection = None

    def _nearest(self, query: NDArray[np.float32], limit: int) -> list[int]:
        return self._nearest_exactly(query, limit) if self._exact else self._nearest_by_chroma(query, limit)

    def _nearest_exactly(self, query: NDArray[np.float32], limit: int) -> list[int]:
        cosines = self._generation.chunk_vectors @ query
        if self._rows_searched is not None:
            cosines[~self._rows_searched] = -np.inf
        return _largest(cosines, min(limit, len(self)))

    def _nearest_by_chroma(self, query: NDArray[np.float32], limit: int) -> list[int]:
        """Ids that Chroma holds beyond this generation (an ingest under way or cut off) are passed over."""
        from chromadb.errors import ChromaError

        asked = limit
        everything = self._rows_searched is None
        where = None if everything else {"collection": {"$in": list(self.collections)}}
        try:
            while True:
                collection = self._open_collection()
                found = collection.query(query_embeddings=[query], n_results=asked, where=where, include=[])[
                    "ids"
                ][0]
                rows = [self._rows[name] for name in found if name in self._rows]
                if len(rows) >= min(limit, len(self)) or len(found) < asked:
                    break
                asked *= 2
        except (ChromaError, IngestError, ValueError, OSError, AttributeError):
            # The collection was replaced by another process, its server is gone, or it was closed meanwhile (Chroma then
            # raises AttributeError): the vectors are still here.
            rows = []
        return rows[:limit] or self._nearest_exactly(query, limit)

    def _open_collection(self) -> Any:
        with self._opening:
            if self._collection is None:
                self._client = _client(self._folder, self._server)
                self._collection = self._client.get_collection(
                    self._current.collection, embedding_function=None
                )
        return self._collection

    def _passages(
        self, rows: list[int], query: NDArray[np.float32], keyword: NDArray[np.float32], words: str
    ) -> list[Passage]:
        generation = self._generation
        cosines = (generation.chunk_vectors[rows] @ query).tolist()
        starts = generation.sentence_starts
        spans = [(starts[row], starts[row + 1]) for row in rows]
        sentences = np.concatenate([generation.sentence_vectors[first:last] for first, last in spans])
        scores = tuple((sentences @ query).tolist())
        keywords = keyword[rows].tolist()
        near = self._written.scores(query, words)
        chunks, documents, sources = generation.chunks, generation.documents, generation.sources
        passages = []
        scored = 0
        for row, cosine, word_score, (first, last) in zip(rows, cosines, keywords, spans, strict=True):
            until = scored + last - first
            number = generation.document_of[row]
            document = documents[number]
            passages.append(
                Passage(  # by position, which a frozen class takes faster: there are eighty a query
                    chunks[row],
                    document.source,
                    document.title,
                    0.0,  # score and
                    0,  # rank are given by retrieve
                    cosine,
                    word_score,
                    scores[scored:until],
                    sources[number][1:],
                    near.of_sentences(row),
                    near.of_document(number),
                    document.pages,
                    document.collection,
                )
            )
            scored = until
        return passages


class _WrittenQuestions:
    """The questions that come with some documents, and the sentences of the chunks that answer them."""

    def __init__(self, generation: Generation) -> None:
        self._vectors = generation.question_vectors
        numbers = {document.id: number for number, document in enumerate(generation.documents)}
        by_document: dict[int, list[int]] = {}
        for place, question in enumerate(generation.questions):
            by_document.setdefault(numbers[question.document_id], []).append(place)
        self._first_slot: dict[int, tuple[int, int]] = {}  # row of a chunk -> slots of its sentences
        answering: list[tuple[int, int]] = []  # (question, slot of a sentence that answers it)
        slots = 0
        for row, number in enumerate(generation.document_of):
            if number not in by_document:
                continue
            spans = _sentence_spans(generation.chunks[row])
            answering += [
                (place, slots + offset)
                for offset, (start, end) in enumerate(spans)
                for place in by_document[number]
                if generation.questions[place].start < end and start < generation.questions[place].end
            ]
            self._first_slot[row] = (slots, slots + len(spans))
            slots += len(spans)
        self._slots = slots
        self._asked, self._slot_of = np.array(answering, dtype=np.int64).reshape(-1, 2).T
        self._unanswered = {
            number: _Unanswered(generation.questions, places) for number, places in by_document.items()
        }

    def scores(self, query: NDArray[np.float32], words: str) -> _Nearness:
        """How near the query is to every question."""
        if not len(self._vectors):
            return _Nearness({}, np.zeros(0, dtype=np.float32), {})
        cosines = self._vectors @ query
        best = np.zeros(self._slots, dtype=np.float32)
        np.maximum.at(best, self._slot_of, cosines[self._asked])
        asked_words = content_words(words)
        unanswered = {number: part.nearest(cosines, asked_words) for number, part in self._unanswered.items()}
        return _Nearness(self._first_slot, best, unanswered)


class _Nearness:
    """Nearness of one query: of a chunk's sentences, by the questions they answer, and of documents, by those they
    do not."""

    def __init__(
        self, slots: Mapping[int, tuple[int, int]], best: NDArray[np.float32], unanswered: Mapping[int, float]
    ) -> None:
        self._slots = slots
        self._best = best
        self._unanswered = unanswered

    def of_sentences(self, row: int) -> tuple[float, ...]:
        """One figure for each sentence of the chunk; empty where its document comes without questions."""
        start, end = self._slots.get(row, (0, 0))
        return tuple(self._best[start:end].tolist())

    def of_document(self, number: int) -> float:
        """Nearness to the document's questions without an answer; 0.0 where it has none."""
        return self._unanswered.get(number, 0.0)


class _Unanswered:
    """The questions that one document does not answer, and in which of them each word stands."""

    def __init__(self, questions: Sequence[WrittenQuestion], places: Sequence[int]) -> None:
        self._places = np.array([p for p in places if not questions[p].answered], dtype=np.int64)
        self._having: dict[str, list[int]] = {}
        lengths = []
        for number, place in enumerate(self._places):
            own = set(content_words(questions[place].text))
            lengths.append(max(1, len(own)))
            for word in own:
                self._having.setdefault(word, []).append(number)
        self._lengths = np.array(lengths, dtype=np.float32)

    def nearest(self, cosines: NDArray[np.float32], words: Sequence[str]) -> float:
        """The best cosine, each lowered by the share of its words that the query lacks."""
        if not len(self._places):
            return 0.0
        shared = np.zeros(len(self._places), dtype=np.float32)
        for word in set(words):
            shared[self._having.get(word, [])] += 1
        lacking = 1 - np.minimum(shared / self._lengths, 1)
        return max(0.0, float((cosines[self._places] - BEYOND_WEIGHT * lacking).max()))


def _sentence_spans(chunk: Chunk) -> list[tuple[int, int]]:
    """The chunk's sentences by characters of the document."""
    return [(chunk.start + start, chunk.start + end) for start, end in chunk.sentences]


class ChromaIndexWriter:
    """What ingest writes through. Nothing it does is seen by a reader before `publish` switches.

    `folder` is the index folder; the vectors go to the Chroma `server` at a URL where one is given, else into the folder too.
    Every method may raise OSError (disk full, no permission); `publish` raises IngestError for a server that does not answer.
    """

    def __init__(self, folder: Path, server: str = "") -> None:
        self.folder = folder
        self.server = server

    def locked(self) -> AbstractContextManager[None]:
        """Hold the index for one ingest. Raises IngestError when another one holds it."""
        return only_one(self.folder)

    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the last publish; empty where there is none that can be read."""
        manifest = _json_object(self.folder / "current.json").get("manifest")
        return manifest if isinstance(manifest, dict) else {}

    def current_size(self, embedder: str, split_version: int, fingerprint: str) -> int | None:
        """How many chunks the last publish has, if it is exactly this one and nothing was left unfinished."""
        current = self._usable()
        if (
            current is None
            or (current.embedder, current.split_version, current.fingerprint)
            != (embedder, split_version, fingerprint)
            or self._unfinished.exists()
            or current.collection != self._collection_name(embedder, split_version)
            or not (self.server or (self.folder / "chroma" / "chroma.sqlite3").is_file())
        ):
            return None
        keywords = self.folder / "generations" / current.generation / "keywords"
        return current.chunks if (keywords / "params.index.json").is_file() else None

    def documents(self) -> dict[str, Document]:
        """Documents of the last publish by their ids, whoever embedded them; empty where they cannot be read."""
        current = self._usable()
        if current is None:
            return {}
        try:
            documents, _ = read_documents(self.folder / "generations" / current.generation)
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return {document.id: document for document in documents}

    def chunks(self, embedder: str, split_version: int) -> dict[str, list[Chunk]]:
        """Chunks of the last publish by document id; empty if made by another embedder or splitter."""
        chunks: dict[str, list[Chunk]] = {}
        generation = self._generation(embedder, split_version)
        for chunk in generation.chunks if generation else ():
            chunks.setdefault(chunk.document_id, []).append(chunk)
        return chunks

    def begin(self, note: Mapping[str, Any]) -> None:
        """Mark that an ingest is under way; `note` is there for the next one if this one is cut off."""
        write_whole(self._unfinished, dict(note))

    def unfinished(self) -> Mapping[str, Any]:
        """The note of an ingest that was cut off; empty where none was."""
        return _json_object(self._unfinished)

    def vectors(self, embedder: str, dimension: int) -> dict[bytes, NDArray[np.float32]]:
        """What this embedder made that is still here, by the key of its text: the text's vector, then those of its
        sentences."""
        found = self._store(embedder, dimension).read()
        generation = self._generation(embedder)
        if generation and generation.chunk_vectors.shape[1] == dimension:
            found.update(
                zip(generation.question_keys.tolist(), generation.question_vectors[:, None], strict=True)
            )
            for row, (key, own) in enumerate(
                zip(generation.chunk_keys.tolist(), generation.chunk_vectors, strict=True)
            ):
                first, last = generation.sentence_starts[row : row + 2]
                found[key] = np.vstack([own, generation.sentence_vectors[first:last]])
        return found

    def keep_vectors(self, embedder: str, keys: Sequence[bytes], rows: Sequence[NDArray[np.float32]]) -> None:
        """Keep a slice of new vectors at once, so that a killed ingest need not make them again."""
        self._store(embedder, rows[0].shape[1]).add(keys, rows)

    def publish(
        self,
        *,
        documents: Sequence[Document],
        sources: Sequence[Sequence[str]],
        chunks: Sequence[Chunk],
        texts: Sequence[str],
        keys: Sequence[bytes],
        questions: Mapping[bytes, WrittenQuestion],
        vectors: Mapping[bytes, NDArray[np.float32]],
        embedder: str,
        split_version: int,
        fingerprint: str,
        manifest: Mapping[str, Any],
        progress: Progress,
    ) -> None:
        """Store a whole corpus, then make it the index that answers, then remove what it replaces.

        `sources[n]` are the names of `documents[n]`, the first one leading; `texts` are the chunks with
        their heading paths, for the keyword search; `vectors[keys[n]]` are the vector of chunk n and those of its
        sentences; `questions` are those that come with the documents, each under the key of its vector.
        """
        rows = [vectors[key] for key in keys]
        dimension = rows[0].shape[1]
        asked = [vectors[key] for key in questions]
        content = Content(
            documents=documents,
            sources=sources,
            chunks=chunks,
            texts=texts,
            chunk_keys=keys,
            rows=rows,
            questions=list(questions.values()),
            question_keys=list(questions),
            question_vectors=np.concatenate([np.zeros((0, dimension), dtype=np.float32), *asked]),
        )
        current = Current(
            layout=LAYOUT,
            generation=f"{fingerprint[:16]}-{os.urandom(4).hex()}",
            collection=self._collection_name(embedder, split_version),
            embedder=embedder,
            dimension=dimension,
            fingerprint=fingerprint,
            chunks=len(chunks),
            split_version=split_version,
            manifest=manifest,
        )
        with _disk_errors(), _client(self.folder, self.server) as client:
            collection = client.get_or_create_collection(
                current.collection, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
            held = set(collection.get(include=[])["ids"])
            _add(collection, content, held, progress)
            progress("write", 0, 1)
            write_generation(self.folder / "generations" / current.generation, content)
            progress("write", 1, 1)
            write_current(self.folder, current)
            progress("switch", 1, 1)
            _remove_old(client, collection, self._prefix, held - {chunk.id for chunk in chunks}, progress)
            sweep(self.folder, current)
            self._unfinished.unlink(missing_ok=True)

    @property
    def _prefix(self) -> str:
        """What the names of this index's collections begin with: a server may hold those of others."""
        return f"coach-{_hash(str(self.folder.resolve()))}-" if self.server else "chunks-"

    def _collection_name(self, embedder: str, split_version: int) -> str:
        """Chunks keep their names only under one splitter, their vectors only under one embedder, what is noted of them only in one layout."""
        return f"{self._prefix}{_hash(f'{embedder}/{split_version}/{LAYOUT}')}"

    @property
    def _unfinished(self) -> Path:
        return self.folder / "unfinished.json"

    def _store(self, embedder: str, dimension: int) -> EmbeddedStore:
        return EmbeddedStore(self.folder / "embedded" / _hash(embedder), dimension)

    def _usable(self) -> Current | None:
        try:
            return read_current(self.folder)
        except (OSError, ValueError):
            return None

    def _generation(self, embedder: str, split_version: int | None = None) -> Generation | None:
        """The generation of the last publish, if `embedder` (and the splitter) made it and it is whole."""
        current = self._usable()
        if current is None or current.embedder != embedder:
            return None
        if split_version is not None and current.split_version != split_version:
            return None
        try:
            return read_generation(self.folder / "generations" / current.generation)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _client(folder: Path, server: str = "") -> Any:
    """Chroma on this machine's disk, or the server at a URL; with its telemetry off. Raises IngestError where no server answers."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if not server:
        path = folder / "chroma"
        path.mkdir(parents=True, exist_ok=True)
        return chromadb.PersistentClient(str(path), settings=settings)
    address = urlsplit(server)
    port = address.port or (443 if address.scheme == "https" else 8000)
    try:
        with _past_any_proxy():
            return chromadb.HttpClient(
                address.hostname or "127.0.0.1", port, ssl=address.scheme == "https", settings=settings
            )
    except (ValueError, OSError) as error:
        raise IngestError(
            f"No Chroma server answers at {server}: start it with `chroma run`, or unset COACH_CHROMA_URL, then run "
            "`coach ingest`."
        ) from error


@contextmanager
def graph_of(vectors: Vectors, width: int) -> Iterator[Callable[[Vectors, int], list[int]]]:
    """Chroma's own graph (HNSW) over these vectors, in memory for as long as it is looked at: `search(query, limit)` gives the rows it
    finds. `width` is how many neighbours it keeps in view while it walks (`ef_search`)."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.EphemeralClient(settings=Settings(anonymized_telemetry=False))
    name = f"graph-{os.urandom(8).hex()}"
    shape = {"hnsw": {"space": "cosine", "ef_search": width}}
    collection = client.create_collection(name, embedding_function=None, configuration=shape)  # type: ignore[arg-type]
    try:
        for first in range(0, len(vectors), _BATCH):
            part = vectors[first : first + _BATCH]
            collection.add(ids=[str(first + row) for row in range(len(part))], embeddings=part)

        def search(query: Vectors, limit: int) -> list[int]:
            found = collection.query(query_embeddings=query[None], n_results=limit, include=[])
            return [int(row) for row in found["ids"][0]]

        yield search
    finally:
        client.delete_collection(name)


@contextmanager
def _past_any_proxy() -> Iterator[None]:
    """Chroma's client reads the environment when it is made, and has no way to be told not to."""
    before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
    os.environ.update(NO_PROXY="*", no_proxy="*")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def _add(collection: Any, content: Content, held: set[str], progress: Progress) -> None:
    """Only what is not held yet: names are hashes of what they name, so what is held is right."""
    collections = {document.id: document.collection for document in content.documents}
    new = [row for row, chunk in enumerate(content.chunks) if chunk.id not in held]
    for first in range(0, len(new), _BATCH):
        progress("store", first, len(new))
        rows = new[first : first + _BATCH]
        vectors = np.stack([content.rows[row][0] for row in rows])
        collection.add(
            ids=[content.chunks[row].id for row in rows],
            embeddings=vectors,
            metadatas=[{"collection": collections[content.chunks[row].document_id]} for row in rows],
        )
    progress("store", len(new), len(new))


def _remove_old(client: Any, collection: Any, prefix: str, old: set[str], progress: Progress) -> None:
    names = sorted(old)
    progress("sweep", 0, len(names))
    for first in range(0, len(names), _BATCH):
        collection.delete(ids=names[first : first + _BATCH])
    for other in client.list_collections():
        if other.name.startswith(prefix) and other.name != collection.name:
            client.delete_collection(other.name)
    progress("sweep", len(names), len(names))


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Chroma wraps a full disk in an error of its own; give it back its name."""
    import chromadb.errors

    try:
        yield
    except chromadb.errors.ChromaError as error:
        text = str(error).lower()
        full = any(words in text for words in ("disk is full", "no space left", "disk full"))
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error


def _scaled(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Between 0 for the lowest and 1 for the highest score of this query; all 0 where nothing matched."""
    low, high = scores.min(), scores.max()
    if high <= low:
        return np.full_like(scores, 1.0 if high > 0 else 0.0)
    scaled: NDArray[np.float32] = (scores - low) / (high - low)
    return scaled


def _largest(values: NDArray[np.float32], limit: int) -> list[int]:
    """Places of the `limit` largest values, largest first."""
    every = limit >= len(values)
    top = np.arange(len(values)) if every else np.argpartition(values, -limit)[-limit:]
    rows: list[int] = top[np.argsort(-values[top], kind="stable")].tolist()
    return rows
