"""The index finds what it should, with the scores it promises."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fakes import HashingEmbedder
from model_servers import dead_address

from coach.backends.bm25 import KeywordIndex, build_keyword_index, keywords
from coach.backends.chroma import ChromaIndexWriter, open_index
from coach.backends.index_files import LAYOUT
from coach.coach import Coach, ingest_library
from coach.errors import IndexMismatchError, IndexMissingError, IndexOutdatedError, IngestError
from coach.protocols import PassageIndex
from coach.settings import load_settings
from coach.text.sentences import split_sentences
from ingest import ingest
from ingest.split import embedding_text

EMBEDDER = HashingEmbedder()
WORDS = ["model", "risk", "user", "data", "team", "launch", "metric", "price", "trust", "token"]
WORDS += ["window", "latency", "bias", "drift", "safety"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An index of 300 sections of made-up text."""
    base = tmp_path_factory.mktemp("index")
    chance = random.Random(7)
    sections = [
        f"## Part {number}\n\n" + " ".join(" ".join(chance.choices(WORDS, k=8)) + "." for _ in range(4))
        for number in range(300)
    ]
    (base / "corpus" / "guides").mkdir(parents=True)
    (base / "corpus" / "guides" / "parts.md").write_text("# Parts\n\n" + "\n\n".join(sections))
    ingest(EMBEDDER, ChromaIndexWriter(base / "index"), corpus=base / "corpus")
    return base / "index"


@pytest.fixture(scope="module")
def index(folder):
    return open_index(folder, EMBEDDER.name)


def test_it_is_a_passage_index(index):
    assert isinstance(index, PassageIndex)
    assert len(index) == 300
    assert index.embedder_name == "hashing"
    assert len(index.fingerprint) == 32


def test_scores_are_what_they_are_said_to_be(index):
    query = EMBEDDER.embed(["bias and drift of the model"])[0]
    passages = index.search(query, "bias and drift of the model", 20)
    for passage in passages:
        chunk = passage.chunk
        assert passage.cosine == pytest.approx(
            float(EMBEDDER.embed([embedding_text(chunk)])[0] @ query), abs=1e-5
        )
        sentences = [chunk.text[start:end] for start, end in split_sentences(chunk.text)]
        expected = EMBEDDER.embed(sentences) @ query
        assert passage.sentence_scores == pytest.approx(expected.tolist(), abs=1e-5)
        assert 0.0 <= passage.keyword <= 1.0
        assert (passage.score, passage.rank) == (0.0, 0)
        assert index.document(passage.source).text[chunk.start : chunk.end] == chunk.text
    assert max(passage.keyword for passage in passages) == 1.0


def test_its_vectors_are_those_it_searches_by(index):
    held = index.vectors()
    assert len(held.passages) == len(held.chunks) == len(index)
    assert len(held.sentences) == sum(len(passage.chunk.sentences) for passage in held.passages)
    found = index.search(held.chunks[5], "", 1)[0]
    assert found.chunk == held.passages[5].chunk
    assert found.cosine == pytest.approx(1, abs=1e-5)


def test_candidates_are_the_nearest_and_the_best_by_keywords(index):
    query = EMBEDDER.embed(["safety"])[0]
    everything = index.search(query, "price price latency", 300)
    assert len(everything) == 300
    few = {passage.chunk.id for passage in index.search(query, "price price latency", 10)}
    by_cosine = sorted(everything, key=lambda passage: -passage.cosine)[:10]
    by_keyword = sorted(everything, key=lambda passage: -passage.keyword)[:5]  # ties beyond
    assert {passage.chunk.id for passage in [*by_cosine, *by_keyword]} <= few
    assert 10 <= len(few) <= 20


def test_chroma_finds_what_the_exact_scan_finds(folder, index):
    by_chroma = open_index(folder, EMBEDDER.name, exact_up_to=10)
    for words in ("bias drift", "token window latency", "price", "nothing that matches"):
        query = EMBEDDER.embed([words])[0]
        exact, found = index.search(query, words, 10), by_chroma.search(query, words, 10)
        assert {passage.chunk.id for passage in exact} == {passage.chunk.id for passage in found}


def test_ids_of_an_unfinished_ingest_are_passed_over(folder):
    by_chroma = open_index(folder, EMBEDDER.name, exact_up_to=10)
    query = EMBEDDER.embed(["bias drift"])[0]
    before = [passage.chunk.id for passage in by_chroma.search(query, "", 10)]
    collection = by_chroma._open_collection()
    strangers = [f"stranger-{number}" for number in range(15)]
    collection.add(ids=strangers, embeddings=[query] * 15)
    try:
        assert [passage.chunk.id for passage in by_chroma.search(query, "", 10)] == before
    finally:
        collection.delete(ids=strangers)


def test_a_collection_that_is_gone_is_no_reason_to_fall_silent(folder):
    by_chroma = open_index(folder, EMBEDDER.name, exact_up_to=10)
    query = EMBEDDER.embed(["bias drift"])[0]
    expected = [passage.chunk.id for passage in by_chroma.search(query, "", 10)]

    class Gone:
        def query(self, **options):
            from chromadb.errors import NotFoundError

            raise NotFoundError("Collection does not exist.")

    by_chroma._collection = Gone()
    assert [passage.chunk.id for passage in by_chroma.search(query, "", 10)] == expected


def test_words_that_match_nothing_leave_the_nearest(index):
    query = EMBEDDER.embed(["safety"])[0]
    assert all(passage.keyword == 0.0 for passage in index.search(query, "zebra the of", 5))
    assert len(index.search(query, "", 5)) == 5
    assert index.search(query, "safety", 0) == []


def test_the_heading_path_is_searched_with_the_text(index):
    passages = index.search(EMBEDDER.embed(["x"])[0], "part 217", 5)
    assert max(passages, key=lambda passage: passage.keyword).chunk.headings == ("Parts", "Part 217")


def test_errors_end_in_the_command_that_helps(folder, index, tmp_path):
    with pytest.raises(IndexMissingError, match=r"no index yet\. Run `coach ingest` first\.$"):
        open_index(tmp_path)
    with pytest.raises(IndexMismatchError, match=r"Run `coach ingest` first\.$"):
        open_index(folder, "another")
    with pytest.raises(IndexMismatchError, match=r"Run `coach ingest` first\.$"):
        index.search(np.ones(3, dtype=np.float32), "x", 5)
    with pytest.raises(IndexMissingError, match=r"Run `coach ingest` first\.$"):
        index.document("unknown.md")
    (tmp_path / "current.json").write_text("not JSON")
    with pytest.raises(IndexMissingError, match=r"Run `coach ingest` first\.$"):
        open_index(tmp_path)


def test_an_index_of_an_earlier_version_is_made_anew_and_said(library, tmp_path, capsys):
    home = tmp_path / "home"
    shutil.copytree(library, home, symlinks=True)
    switch = home / "index" / "current.json"
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "mine.md").write_text("# Mine\n\nMy own launch cut the churn by six percent.")
    settings = load_settings(home=home, backend="none")
    ingest_library(settings, [notes])
    switch.write_text(json.dumps({**json.loads(switch.read_text()), "layout": LAYOUT - 1}))
    with pytest.raises(IndexOutdatedError, match=r"Run `coach ingest` first\.$"):
        open_index(home / "index")
    coach = Coach.load(settings)
    assert coach.notice in capsys.readouterr().err and "made anew: 2 files" in coach.notice
    assert {document.source for document in coach.documents()} >= {"notes/mine.md"}
    assert open_index(home / "index").fingerprint == coach.index.fingerprint


def test_a_small_index_is_searched_without_importing_chromadb_or_scipy(folder):
    code = """
import sys
from pathlib import Path
import numpy as np
from coach.backends.chroma import open_index
index = open_index(Path(sys.argv[1]))
assert index.search(np.ones(64, dtype=np.float32) / 8, "bias drift", 5)
slow = {"chromadb", "scipy", "bm25s", "torch", "langchain_text_splitters"} & set(sys.modules)
assert not slow, slow
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, cwd=Path(__file__).parent.parent)


def test_keyword_scores_are_those_of_bm25s(tmp_path):
    import bm25s

    chance = random.Random(3)
    texts = [
        " ".join(chance.choices([*WORDS, "the", "running", "runs"], k=chance.randint(0, 40)))
        for _ in range(200)
    ]
    build_keyword_index(texts, tmp_path)
    ours, theirs = KeywordIndex(tmp_path), bm25s.BM25.load(tmp_path)
    for query in ("bias", "run the model", "price price risk unknown", "tokens, windows & latency's bias"):
        stems = [stem for stem in keywords(query) if stem in theirs.vocab_dict]
        assert np.array_equal(ours.scores(query), theirs.get_scores(stems))
        assert ours.scores(query).max() > 0


def test_texts_without_a_single_word_can_be_indexed(tmp_path):
    build_keyword_index(["...", "---"], tmp_path)
    assert KeywordIndex(tmp_path).scores("anything").tolist() == [0.0, 0.0]


def test_keywords_are_stemmed_and_stop_words_left_out():
    assert keywords("The models’ risks, and what they don’t cover in 5-7 rounds") == [
        "model", "risk", "cover", "5", "7", "round",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory):
    """The address of a real `chroma run` on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("chroma")),
        "run",
        "--path",
        str(tmp_path_factory.mktemp("chroma")),
    ]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--host", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def test_a_chroma_server_keeps_the_vectors_and_nothing_of_others_is_touched(tmp_path, chroma_server):
    (tmp_path / "corpus" / "guides").mkdir(parents=True)
    (tmp_path / "corpus" / "guides" / "a.md").write_text(
        "# Guide\n\nA loop has five rounds.\n\nIt takes weeks.\n"
    )
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (theirs, mine):
        ingest(EMBEDDER, ChromaIndexWriter(folder, chroma_server), corpus=tmp_path / "corpus")
    assert not (mine / "chroma").exists()
    query = EMBEDDER.embed(["rounds"])[0]
    for folder in (theirs, mine):
        index = open_index(folder, EMBEDDER.name, exact_up_to=0, server=chroma_server)
        assert index._open_collection().count() == len(index)
        assert index.search(query, "rounds", 3)[0].chunk.text.startswith("A loop")
    again = ingest(EMBEDDER, ChromaIndexWriter(mine, chroma_server), corpus=tmp_path / "corpus")
    assert again.chunks_embedded == 0


def test_a_chroma_server_that_is_gone_costs_an_ingest_and_no_answer(tmp_path, chroma_server):
    (tmp_path / "corpus" / "guides").mkdir(parents=True)
    (tmp_path / "corpus" / "guides" / "a.md").write_text("# Guide\n\nA loop has five rounds.\n")
    folder, gone = tmp_path / "index", dead_address()
    with pytest.raises(IngestError, match=r"No Chroma server answers .*`coach ingest`"):
        ingest(EMBEDDER, ChromaIndexWriter(folder, gone), corpus=tmp_path / "corpus")
    ingest(EMBEDDER, ChromaIndexWriter(folder, chroma_server), corpus=tmp_path / "corpus")
    index = open_index(folder, EMBEDDER.name, exact_up_to=0, server=gone)
    assert index.search(EMBEDDER.embed(["rounds"])[0], "rounds", 3)
