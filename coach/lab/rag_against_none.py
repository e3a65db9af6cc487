"""The same model with and without sources on questions of the article: how much of what it says the article carries, and what teaching
it the user's documents by fine-tuning would have taken instead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coach.answer.ask_model import says_so
from coach.answer.flow import Finished, answer
from coach.answer.resources import Resources
from coach.answer.verify import verify
from coach.evaluation.cases import Case
from coach.evaluation.score import facts_found
from coach.lab.cases import lab_cases
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.lab.speak import Said, speak
from coach.prompts import read_prompt
from coach.protocols import ChatModel
from coach.text.sentences import split_sentences
from coach.types import COMMITTEE, Answer, Passage, Reply, Sentence, Statement, Turn

if TYPE_CHECKING:
    from coach.coach import Coach

WITH, WITHOUT = "with sources", "without"
ARTICLE = "the article's words"
BARE_TOKENS = 96  # room for two or three sentences
READ_CHARACTERS = 1_000  # of the user's documents, read once to time the model
# Training on a token takes a forward pass, which reading is, and a backward pass of twice that (Kaplan et al. 2020, arXiv:2001.08361).
TRAINING_COST = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """What fine-tuning on the user's documents would take, by the sliders, and what looking them up takes instead."""

    examples: int
    writing_hours: float
    training_tokens: float
    training_hours: float
    changed_hours: float  # one sentence has changed: its examples written anew, and all of the training
    reading_seconds: float  # the longest document has changed: its sentences embedded anew

    @property
    def hours(self) -> float:
        return self.writing_hours + self.training_hours


def estimate(corpus: Mapping[str, Any], controls: Mapping[str, Value]) -> Estimate:
    """From what was measured of the documents and the model. An example is a question and an answer, each as long as a sentence is."""
    a_sentence = float(controls["examples"])
    examples = round(corpus["sentences"] * a_sentence)
    training_tokens = a_sentence * 2 * corpus["tokens"] * float(controls["passes"])
    training_hours = TRAINING_COST * training_tokens / corpus["tokens_per_second"] / 3600
    an_example = float(controls["minutes"]) / 60
    return Estimate(
        examples,
        examples * an_example,
        training_tokens,
        training_hours,
        a_sentence * an_example + training_hours,
        corpus["reading_seconds"],
    )


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """Ask each question both ways and check every sentence of both. Raises BackendError where no chat model is there."""
    cases = lab_cases(int(controls["questions"]), answerable_only=True)
    steps = 2 * len(cases) + 2
    tell("Loading the chat model", 0, steps)
    model = coach.chat_model()
    # The flow itself, for what goes through the coach leaves a trace among the user's own.
    resources = Resources(
        coach.embedder,
        coach.index.within({COMMITTEE}),
        coach.chosen_model,
        coach.remembered_sections,
        coach.settings,
    )
    sentences: list[Mapping[str, Any]] = []
    for number, case in enumerate(cases):
        done = 1 + 2 * number
        which = f"Question {number + 1} of {len(cases)}"

        def still_wanted(doing: str = f"{which}, with sources", done: int = done) -> None:
            tell(doing, done, steps)

        reply = _with_sources(case, resources, still_wanted)
        sentences += _rows(case, WITH, reply.sentences if isinstance(reply, Answer) else ())

        def still_wanted_too(doing: str = f"{which}, without", done: int = done + 1) -> None:
            tell(doing, done, steps)

        passages = reply.passages if isinstance(reply, Answer) else reply.nearest
        sentences += _rows(case, WITHOUT, _without(case, model, passages, resources, still_wanted_too))
    tell("Timing what fine-tuning would rest on", steps - 1, steps)
    extra = {"sentences": sentences, "corpus": _measure_corpus(coach, model)}
    return moved(
        Outcome((), (), measured(model.name), ("what fine-tuning would take",), extra=extra), controls
    )


def moved(outcome: Outcome, controls: Mapping[str, Value]) -> Outcome:
    """The same run with other assumptions on fine-tuning."""
    sentences, corpus = outcome.extra["sentences"], outcome.extra["corpus"]
    estimated = estimate(corpus, controls)
    rows = (*sentences, *_estimate_rows(estimated))
    return replace(outcome, rows=rows, findings=(*_compared(sentences), *_in_words(estimated, corpus)))


def _with_sources(case: Case, resources: Resources, still_wanted: Callable[[], None]) -> Reply:
    """The coach's own answer, each sentence of it checked."""
    for event in answer(case.question, (), resources):
        still_wanted()
        if isinstance(event, Finished):
            return event.reply
    raise AssertionError("An answer ends with Finished.")


def _without(
    case: Case,
    model: ChatModel,
    passages: Sequence[Passage],
    resources: Resources,
    still_wanted: Callable[[], None],
) -> tuple[Sentence, ...]:
    """The same model's answer from memory, checked as the coach checks its own."""
    still_wanted()
    messages = (Turn("system", read_prompt("lab/without_sources")), Turn("user", case.question))
    said = speak(model, messages, max_tokens=BARE_TOKENS, at_each_piece=still_wanted)

    def second_look(claim: str, nearest: Sequence[Statement]) -> float:
        still_wanted()
        return says_so(claim, nearest, resources)

    return verify(_whole_sentences(said), passages, resources.embedder, second_look)


def _whole_sentences(said: Said) -> str:
    """What was said without the sentence that the limit cut, if there are others."""
    spans = split_sentences(said.text)
    return said.text[: spans[-2][1]] if said.cut and len(spans) > 1 else said.text


def _rows(case: Case, way: str, sentences: Sequence[Sentence]) -> list[Mapping[str, Any]]:
    """A row for each sentence that says something. With sources the reader is shown the supported ones, from memory all."""
    claims = [sentence for sentence in sentences if sentence.status != "connective"]
    shown = " ".join(one.text for one in claims if way == WITHOUT or one.status == "supported")
    holds = facts_found(case.facts, shown) == len(case.facts)
    return [
        {
            "row": "sentence",
            "question": case.question,
            "way": way,
            "sentence": sentence.text,
            "supported": sentence.status == "supported",
            "whose": ARTICLE if sentence.origin == "source" else "the model's words",
            "source": sentence.citations[0].span.text if sentence.citations else "",
            "reply_holds_what_was_asked": holds,
        }
        for sentence in claims
    ]


def _measure_corpus(coach: Coach, model: ChatModel) -> dict[str, float]:
    """How much the user's documents hold, how fast the model reads here, and how long the longest document takes to be read anew."""
    documents = coach.documents()
    longest = max((document.text for document in documents), key=len)
    sentences = [longest[start:end] for start, end in split_sentences(longest)]
    began = time.perf_counter()
    coach.embedder.plain.embed(sentences)
    reading = time.perf_counter() - began
    said = speak(model, (Turn("user", longest[:READ_CHARACTERS]),), max_tokens=1, at_each_piece=lambda: None)
    read = said.usage.fresh or model.count_tokens(longest[:READ_CHARACTERS])
    return {
        "documents": len(documents),
        "sentences": sum(len(split_sentences(document.text)) for document in documents),
        "tokens": sum(model.count_tokens(document.text) for document in documents),
        "tokens_per_second": read / max(said.seconds, 1e-6),
        "reading_seconds": reading,
    }


def _estimate_rows(estimated: Estimate) -> list[Mapping[str, Any]]:
    common = {"row": "estimate"}
    return [
        {**common, "what": "examples to write", "fine_tuning": estimated.examples, "sources": 0},
        {**common, "what": "hours of writing them", "fine_tuning": estimated.writing_hours, "sources": 0},
        {**common, "what": "tokens to train on", "fine_tuning": estimated.training_tokens, "sources": 0},
        {**common, "what": "hours of training", "fine_tuning": estimated.training_hours, "sources": 0},
        {
            **common,
            "what": "hours until a change counts",
            "fine_tuning": estimated.changed_hours,
            "sources": estimated.reading_seconds / 3600,
        },
    ]


def _compared(sentences: Sequence[Mapping[str, Any]]) -> list[str]:
    asked = len({row["question"] for row in sentences})
    copied = sum(row["whose"] == ARTICLE for row in sentences)
    (carried, said, right), (bare_carried, bare_said, bare_right) = (
        _counted(sentences, way) for way in (WITH, WITHOUT)
    )
    return [
        f"With sources the article carries {carried} of {said} sentences ({copied} are its own, word for word), from memory {bare_carried} of "
        f"{bare_said}.",
        f"What was asked for stands in {right} of {asked} replies with sources and in {bare_right} from memory.",
        "A sentence that the article does not carry need not be false: there is only nothing here to prove it with. With sources the coach "
        "leaves such a sentence out.",
    ]


def _counted(sentences: Sequence[Mapping[str, Any]], way: str) -> tuple[int, int, int]:
    """Sentences that are carried, sentences, and replies that hold what was asked."""
    said = [row for row in sentences if row["way"] == way]
    right = {row["question"] for row in said if row["reply_holds_what_was_asked"]}
    return sum(row["supported"] for row in said), len(said), len(right)


def _in_words(estimated: Estimate, corpus: Mapping[str, Any]) -> list[str]:
    return [
        f"Estimate: to teach the model the {corpus['sentences']:,.0f} sentences of your documents, about {estimated.examples:,} examples would "
        f"be written ({duration(estimated.writing_hours)} of work) and {estimated.training_tokens:,.0f} tokens trained on: at least "
        f"{duration(estimated.training_hours)} of arithmetic on this machine, where the model reads {corpus['tokens_per_second']:.0f} tokens a "
        "second.",
        f"Estimate: after a change in one sentence the trained model is right again {duration(estimated.changed_hours)} later; "
        f"the coach has read its longest document anew in {estimated.reading_seconds:.1f} seconds, which was measured.",
    ]


def duration(hours: float) -> str:
    """A time a person can picture: minutes, hours or days of 24 hours."""
    if hours < 1:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"


EXPERIMENT = Experiment(
    name="rag-against-none",
    title="With sources, without, or trained in",
    explanation="The same model answers the same questions twice: once with the article's sentences before it (this is what RAG, retrieval-"
    "augmented generation, means), once from memory. Every sentence of both is checked against the article; look at how much of each it "
    "carries. The third way, fine-tuning, trains the documents into the model: move the sliders on how one would train, and see what "
    "that would take.",
    quote="This means understanding the difference between RAG and fine-tuning, not just knowing what an LLM is.",
    question="Our support assistant gives outdated answers. Would you fine-tune the model on our help centre or use RAG, and how would "
    "you decide?",
    kind="technical",
    controls=(
        Control("questions", "Questions to ask", 3, 3, 5),
        # The coach's own questions on the article are 32 a sentence (corpus/questions); a third of that is a modest start.
        Control("examples", "Fine-tuning: examples for each sentence", 10, 1, 40, moves=True),
        Control("minutes", "Fine-tuning: minutes to write an example", 2, 1, 15, moves=True),
        # Stanford Alpaca trained for 3 (github.com/tatsu-lab/stanford_alpaca).
        Control("passes", "Fine-tuning: passes over the examples", 3, 1, 10, moves=True),
    ),
    run=run,
    moved=moved,
    needs_model=True,
)
