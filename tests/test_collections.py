"""Whose words: a question is asked of the committee, of the user's own documents or of both, and no reply mixes them up."""

import json

import pytest
from fakes import ScriptedChatModel

from coach.answer.report import References, references_as_text, sentences_as_text
from coach.backends.chroma import ChromaIndexWriter, open_index
from coach.cli import run
from coach.coach import Coach
from coach.errors import IngestError, UsageError
from coach.json_form import reply_to_json
from coach.protocols import ChosenModel
from coach.settings import load_settings
from coach.types import COMMITTEE, Answer, Refusal
from coach.ui.format import answer_html
from ingest import ingest

GUIDE = """# The committee's guide

## Rounds

The committee holds five rounds of interviews. Every round lasts 45 minutes.

## Metrics

The committee expects you to name a success metric before you name a feature. A strong candidate ties it to the user's problem.
"""
NOTES = """# Notes on metrics

I think the committee expects at least three success metrics in every answer. My coach Dana said so.

# Travel

The train to Utrecht leaves at 8:15 from platform 4.
"""
JOB = """# Product manager, Globex

## Salary

The salary band for this role at Globex is 95,000 to 120,000 euros.

## Location

The role is based in Rotterdam with two days a week at home.
"""


class Library:
    """A guide of the committee, a note and a job description, indexed as the product does."""

    def __init__(self, folder, embedder):
        self.folder, self.embedder = folder, embedder
        (folder / "corpus" / "guides").mkdir(parents=True)
        (folder / "corpus" / "guides" / "guide.md").write_text(GUIDE, encoding="utf-8")
        (folder / "notes.md").write_text(NOTES, encoding="utf-8")
        (folder / "globex.md").write_text(JOB, encoding="utf-8")
        self.ingest("notes.md")
        self.ingest("globex.md", collection="Job description")

    def ingest(self, *names, **options):
        paths = [self.folder / name for name in names]
        writer = ChromaIndexWriter(self.folder / "index")
        return ingest(self.embedder, writer, paths, corpus=self.folder / "corpus", **options)

    def coach(self, exact_up_to=10_000, model=None):
        index = open_index(self.folder / "index", self.embedder.name, exact_up_to=exact_up_to)
        settings = load_settings(backend="none" if model is None else "auto", traces=False)
        return Coach(settings, self.embedder, index, ChosenModel(model, "given", ""))


@pytest.fixture(scope="module")
def library(tmp_path_factory, embedder):
    return Library(tmp_path_factory.mktemp("library"), embedder)


def test_the_vectors_of_a_part_are_of_its_documents_alone(library):
    index = library.coach().index
    committee = index.within({COMMITTEE}).vectors()
    assert {passage.collection for passage in committee.passages} == {COMMITTEE}
    assert 0 < len(committee.chunks) == len(committee.passages) < len(index)
    assert len(committee.sentences) == sum(len(passage.chunk.sentences) for passage in committee.passages)


@pytest.fixture(scope="module")
def coach(library):
    return library.coach()


def whose(reply):
    return {name for sentence in reply.sentences for name in sentence.collections}


def test_the_collections_are_named_with_what_they_hold_the_committee_first(coach):
    assert [(one.name, one.label, one.documents) for one in coach.collections()] == [
        (COMMITTEE, "The committee's article", 1),
        ("Job description", "Your Job description", 1),
        ("own", "Your documents", 1),
    ]


@pytest.mark.parametrize("exact_up_to", [10_000, 0])
def test_only_the_chosen_collection_is_searched(library, exact_up_to):
    chosen = library.coach(exact_up_to)
    for name in (COMMITTEE, "own", "job description"):
        found = chosen.index.within(chosen._within([name]).collections.keys())
        vector = library.embedder.embed(["success metrics of the committee"])[0]
        passages = found.search(vector, "success metrics of the committee", 20)
        assert passages and {passage.collection.casefold() for passage in passages} == {name}
        assert len(passages) == len(found)


def test_what_only_a_note_says_is_refused_when_the_committee_alone_is_asked(coach):
    question = "When does the train to Utrecht leave?"
    assert isinstance(coach.answer(question).result(), Answer)
    reply = coach.answer(question, collections=[COMMITTEE]).result()
    assert isinstance(reply, Refusal) and reply.text.startswith("The article does not ")
    assert {passage.collection for passage in reply.nearest} <= {COMMITTEE}


def test_a_refusal_names_what_was_searched(coach):
    question = "Who won the chess championship in 1972?"
    assert coach.answer(question, collections=["own"]).result().text.startswith("Your documents do not ")
    of_job = coach.answer(question, collections=["Job description"]).result()
    assert of_job.text.startswith("Your Job description does not ")
    assert coach.answer(question).result().text.startswith("Neither the article nor your documents ")


def test_a_greeting_names_what_will_be_searched(coach):
    assert (
        "from the committee's article, sentence" in coach.answer("hello there", (), [COMMITTEE]).result().text
    )
    assert "from your documents, sentence" in coach.answer("hello there", (), ["own"]).result().text


def test_an_unknown_collection_is_an_error_that_names_the_known_ones(coach):
    with pytest.raises(UsageError, match="no collection `cv`: name one of committee, Job description, own"):
        coach.answer("What is the salary?", (), ["cv"])
    with pytest.raises(UsageError):
        coach.answer("What is the salary?", (), [])


def test_a_question_about_ones_own_document_is_answered_from_it(coach):
    reply = coach.answer("What is the salary band at Globex?").result()
    assert reply.sentences[0].collections == ("Job description",)
    assert "95,000 to 120,000" in reply.text


def test_a_document_that_is_asked_for_by_name_answers_first(coach):
    reply = coach.answer("What do the notes say about success metrics?").result()
    assert reply.sentences[0].collections == ("own",)
    reply = coach.answer("What does the committee say about success metrics?").result()
    assert reply.sentences[0].collections == (COMMITTEE,)


def test_a_note_on_what_the_committee_expects_never_stands_under_the_committees_name(coach):
    reply = coach.answer("What success metrics does the committee expect?").result()
    assert whose(reply) == {COMMITTEE, "own"}
    groups = sentences_as_text(reply.sentences, References()).split("Your documents:")
    assert len(groups) == 2
    article, own = sorted(groups, key=lambda text: "three success metrics" in text)
    assert "The committee's article:" in sentences_as_text(reply.sentences, References())
    assert "Dana" not in article and "name a success metric" in article
    assert "at least three success metrics" in own
    page = answer_html(reply, "one")
    before, after = page.index("Your documents, word for word"), page.index("In the article’s own words")
    note = page.index("at least three")
    assert max(place for place in (before, after) if place < note) == before


def test_every_citation_says_whose_words_it_is(coach):
    reply = coach.answer("What success metrics does the committee expect?").result()
    references = References()
    sentences_as_text(reply.sentences, references)
    lines = references_as_text(references, reply.passages).splitlines()
    for line, citation in zip(lines, references.citations, strict=True):
        start = "The committee's article, Metrics (guides/guide.md:"
        expected = (
            start if citation.collection == COMMITTEE else "Your documents: notes.md, Notes on metrics ("
        )
        assert line.partition("] ")[2].startswith(expected)
    written = reply_to_json(reply)
    for sentence in written["sentences"]:
        for citation in sentence["citations"]:
            own = citation["source"] == "notes.md"
            assert citation["collection"] == ("own" if own else COMMITTEE)
    assert {passage["collection"] for passage in written["passages"]} == {COMMITTEE, "own"}


def test_a_model_words_one_voice_only_and_the_other_stands_beside_it_word_for_word(library):
    model = ScriptedChatModel(
        "The committee expects you to name a success metric before you name a feature.",
        choices={"metric": "Yes"},
    )
    reply = library.coach(model=model).answer("What success metrics does the committee expect?").result()
    assert reply.mode == "generated"
    spoken = [sentence for sentence in reply.sentences if sentence.origin == "model"]
    assert spoken and {name for sentence in spoken for name in sentence.collections} == {COMMITTEE}
    prompt = "\n".join(turn.text for turn in model.prompts[-1])
    assert "Dana" not in prompt
    assert all(s.origin == "source" for s in reply.sentences if s.collections == ("own",))


def test_parts_in_two_voices_are_not_put_into_one_text(library):
    model = ScriptedChatModel(
        "Five rounds, and the salary band is 95,000 to 120,000 euros.", choices={"metric": "Yes"}
    )
    question = "How many rounds does the committee hold and what is the salary band at Globex?"
    reply = library.coach(model=model).answer(question).result()
    assert reply.mode == "extractive" and whose(reply) >= {COMMITTEE, "Job description"}
    assert "answer a part each" in reply.trace.backend_reason


def test_the_same_text_in_two_collections_is_two_documents_and_can_be_asked_of_either(tmp_path, embedder):
    library = Library(tmp_path, embedder)
    (tmp_path / "saved.md").write_text(GUIDE, encoding="utf-8")
    library.ingest("saved.md", collection="saved pages")
    coach = library.coach()
    asked = "How many rounds does the committee hold?"
    for name in (COMMITTEE, "saved pages"):
        assert whose(coach.answer(asked, collections=[name]).result()) == {name}
    assert coach.answer(asked).result().sentences[0].collections == (COMMITTEE,)


def test_a_name_stays_with_its_path_can_be_changed_and_goes_with_it(tmp_path, embedder):
    library = Library(tmp_path, embedder)
    library.ingest()
    assert set(library.coach().index.collections) == {COMMITTEE, "own", "Job description"}
    report = library.ingest("notes.md", collection="notes")
    assert report.changed == ("notes.md",) and report.chunks_embedded == 0
    assert set(library.coach().index.collections) == {COMMITTEE, "notes", "Job description"}
    library.ingest("notes.md", collection="JOB DESCRIPTION")  # a name is the same in capitals
    assert dict(library.coach().index.collections) == {COMMITTEE: 1, "Job description": 2}
    library.ingest(forget=[tmp_path / "globex.md"])
    assert dict(library.coach().index.collections) == {COMMITTEE: 1, "Job description": 1}


def test_a_folder_inside_another_has_a_name_of_its_own(tmp_path, embedder):
    library = Library(tmp_path, embedder)
    (tmp_path / "all" / "jobs").mkdir(parents=True)
    (tmp_path / "all" / "cv.md").write_text("# CV\n\nI led search at Globex.", encoding="utf-8")
    (tmp_path / "all" / "jobs" / "a.md").write_text("# Acme\n\nAcme seeks a lead.", encoding="utf-8")
    library.ingest("all", collection="papers")
    library.ingest("all/jobs", collection="jobs")
    held = {document.source: document.collection for document in library.coach().documents()}
    assert (held["all/cv.md"], held["all/jobs/a.md"]) == ("papers", "jobs")


@pytest.mark.parametrize("name", ["committee", " Committee ", "", "x" * 41])
def test_nothing_of_the_users_can_be_called_the_committees(tmp_path, embedder, name):
    library = Library(tmp_path, embedder)
    with pytest.raises(IngestError, match="cannot be called"):
        library.ingest("notes.md", collection=name)


def test_who_is_asked_by_name_and_does_not_answer_is_said_before_the_other_speaks(library):
    reply = (
        library.coach()
        .answer("What does my job description say about the number of interview rounds?")
        .result()
    )
    assert isinstance(reply, Answer)
    assert reply.doubt.startswith(
        "Your Job description does not answer this. What follows is from the committee's article"
    )
    assert "five rounds" in reply.text


def test_the_command_line_names_a_collection_and_asks_it_alone(library, monkeypatch, capsys):
    asked = []

    def answer(self, question, history=(), collections=None, **more):
        asked.append(collections)
        return real(self, question, history, collections, **more)

    real = Coach.answer
    monkeypatch.setattr(Coach, "answer", answer)
    monkeypatch.setattr("coach.cli.ask.loaded", lambda settings, keeps=True: library.coach())
    question = "What is the salary band at Globex?"
    assert run(["ask", question, "--in", "job description", "--in", "own", "--json"]) == 0
    reply = json.loads(capsys.readouterr().out)
    assert asked == [("job description", "own")]
    assert reply["sentences"][0]["citations"][0]["collection"] == "Job description"
    assert run(["ingest", "--as", "notes"]) == 2
    assert "--as names the PATHS" in capsys.readouterr().err


def test_the_setting_says_what_is_asked_where_a_question_names_nothing(
    library, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("COACH_HOME", str(tmp_path))
    monkeypatch.setattr("coach.cli.ask.loaded", lambda settings, keeps=True: library.coach())
    assert run(["settings", "set", "collections", "OWN", "job description"]) == 0
    metrics = "What success metrics does the committee expect?"
    assert whose(library.coach().answer(metrics).result()) == {"own"}
    assert whose(library.coach().answer(metrics, (), [COMMITTEE]).result()) == {COMMITTEE}
    assert run(["ask", metrics]) == 0
    assert "The committee's article" not in capsys.readouterr().out
    assert (
        run(["settings", "set", "collections", "cv"]) == 0
    )  # one that has left the library since, or never came
    assert run(["ask", metrics]) == 0
    said = capsys.readouterr()
    assert "names `cv`, which the library does not hold: questions are asked of everything." in said.err
    assert "The committee's article" in said.out
    assert run(["ask", metrics, "--in", "own"]) == 0
    assert "`cv`" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "question",
    [
        "How many rounds does the committee hold?",  # the article alone says it
        "What success metrics does the committee expect?",  # both do
        "What is the salary band at Globex?",
    ],
)
def test_who_asks_their_own_documents_is_shown_nothing_of_the_committees(coach, question):
    reply = coach.answer(question, (), ["own", "Job description"]).result()
    said = reply.sentences if isinstance(reply, Answer) else reply.related
    found = reply.passages if isinstance(reply, Answer) else reply.nearest
    assert COMMITTEE not in {name for sentence in said for name in sentence.collections}
    assert COMMITTEE not in {passage.collection for passage in found}
    assert "five rounds" not in reply.text


def test_where_a_document_of_ones_own_is_named_the_committee_speaks_after_it_under_its_name(coach):
    reply = coach.answer(
        "What do my notes say about success metrics, and what does a strong candidate do?"
    ).result()
    voices = [sentence.collections for sentence in reply.sentences]
    assert voices == sorted(voices, key=lambda names: COMMITTEE in names)
    text = sentences_as_text(reply.sentences, References())
    assert text.startswith("Your documents:")
    assert "name a success metric" not in text.partition("The committee's article:")[0]
