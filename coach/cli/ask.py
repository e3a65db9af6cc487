"""`coach ask`: a question, or a file of them, answered from the sources. Imports are lazy, as in every command."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from coach.cli.terminal import (
    backend_option,
    fitted,
    limited,
    loaded,
    opened,
    say,
    say_what_leaves,
    show,
)
from coach.errors import UsageError

if TYPE_CHECKING:
    from coach.answer.flow import AnswerStream
    from coach.coach import Coach
    from coach.settings import Settings
    from coach.text.json_lines import Record
    from coach.types import Reply

Collections = tuple[str, ...] | None


@click.command()
@click.argument("question", required=False)
@click.option("--why", is_flag=True, help="Print how the answer was made, step by step, after it.")
@click.option(
    "--price",
    nargs=2,
    type=click.FloatRange(min=0),
    metavar="IN OUT",
    help="With --why: a hosted price per million tokens, to compare.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the reply as one JSON object.")
@backend_option("Who speaks: BACKENDS (the sources alone).")
@click.option("--model", help="Model name for Ollama or the server.")
@click.option(
    "--history", type=click.Path(dir_okay=False), help="JSON file with earlier turns, oldest first."
)
@click.option(
    "--in",
    "collections",
    multiple=True,
    metavar="NAME",
    help="Search only this: `committee` (the article), `own`, or a name given with `coach ingest --as`; may be repeated. "
    "Without it: what the setting `collections` names, else all.",
)
@click.option(
    "--conversation", metavar="ID", help="Go on in this conversation, and keep it there; `new` begins one."
)
@click.option("--private", is_flag=True, help="Keep nothing of it, no trace either.")
@click.option("--batch", type=click.Path(dir_okay=False), help="JSONL of questions; one JSON reply a line.")
def ask(
    question: str | None,
    why: bool,
    price: tuple[float, float] | None,
    as_json: bool,
    backend: str | None,
    model: str | None,
    history: str | None,
    collections: tuple[str, ...],
    conversation: str | None,
    private: bool,
    batch: str | None,
) -> None:
    """Answer QUESTION from the sources, with citations; `-` reads it from standard input."""
    if batch is not None and question is not None:
        raise click.UsageError("Give a QUESTION or --batch FILE, not both.")
    if batch is None and question is None:
        raise click.UsageError('Give a QUESTION, as in: coach ask "How many rounds are typical?"')
    if why and (as_json or batch is not None):
        raise click.UsageError("The JSON holds it already, under `trace`: leave --why out.")
    if price is not None and not why:
        raise click.UsageError("--price goes with --why: give both, or none.")
    from coach.settings import load_settings
    from coach.text.sanitize import clean_question

    settings = load_settings(backend=backend, model=model)
    if conversation is not None and (private or history or batch):
        raise click.UsageError(
            "--conversation keeps its own history: leave --private, --history and --batch out."
        )
    if batch is not None:
        _ask_batch(settings, batch, collections or None, keeps=not private)
        return
    text = limited(sys.stdin) if question == "-" else str(question)
    kept = _Kept(settings, conversation) if conversation is not None else None
    turns = kept.history() if kept is not None else _history(history)
    clean_question(text, settings.max_question_characters)  # before anything is loaded
    coach = _loaded(settings, collections, keeps=not private)
    say_what_leaves(coach, text)
    reply = _answered(coach.answer(text, turns, collections or None), as_json=as_json)
    if kept is not None:
        kept.keep(text, collections, reply)
    if why:
        from coach.answer.path_text import path_as_text

        show(fitted(f"\n{path_as_text(reply, price)}"))


def _loaded(settings: Settings, collections: Collections, *, keeps: bool) -> Coach:
    coach = loaded(settings, keeps=keeps)
    if coach.missing_collections and not collections:
        say(f"Note: {coach.missing_collections}")
    return coach


def _answered(stream: AnswerStream, *, as_json: bool) -> Reply:
    """Print the answer as it comes, or as JSON once it is there."""
    if not as_json:
        _print_stream(stream)
        return stream.result()
    from coach.json_form import reply_to_json

    reply = _with_steps(stream)
    show(json.dumps(reply_to_json(reply), ensure_ascii=False))
    return reply


class _Kept:
    """The conversation that a question goes on, or a new one."""

    def __init__(self, settings: Settings, conversation: str) -> None:
        from coach.store.conversations import ConversationStore

        self._store = ConversationStore(settings.home)
        self._id = "" if conversation == "new" else self._store.get(conversation).id

    def history(self) -> list[Any]:
        """What was said in it so far."""
        from coach.types import Turn

        answered = [one for one in self._store.exchanges(self._id) if one.reply is not None]
        return [
            turn
            for one in answered
            for turn in (Turn("user", one.question), Turn("assistant", one.reply.text if one.reply else ""))
        ]

    def keep(self, question: str, collections: tuple[str, ...], reply: Reply) -> None:
        """Put question and reply at its end, and say how to go on."""
        exchange = self._store.ask(question, self._id, collections=collections)
        self._store.update(exchange.id, state="finished", reply=reply)
        say(f"Kept: go on with `--conversation {exchange.conversation}`.")


def _print_stream(stream: AnswerStream) -> None:
    """The sources' sentences at once; then what the model added, checked; then the references."""
    from coach.answer.flow import Extracted, Finished
    from coach.answer.report import READ_AS, References, refusal_as_text, sentences_as_text
    from coach.types import Refusal, StepStarted, Token

    references = References()
    shown: tuple[Any, ...] = ()
    finished = False
    for event in stream:
        match event:
            case StepStarted(name):
                say(f"{name} ...")
            case Extracted(answer):
                if answer.standalone != answer.question:
                    say(f"{READ_AS}: {answer.standalone}")
                if answer.doubt:
                    show(f"{answer.doubt}\n")
                show(sentences_as_text(answer.sentences, references))
                shown = answer.sentences
            case Token(text):
                sys.stderr.write(text)
                sys.stderr.flush()
            case Finished(reply) if finished:  # handed over again, for what keeping its trace met with
                say(reply.trace.notes[-1])
            case Finished(Refusal() as refusal):
                finished = True
                if shown:
                    show("\nOn a closer look, what stands above is near the question but does not answer it.")
                show(refusal_as_text(refusal))
            case Finished(answer):
                finished = True
                say("")
                _print_rest(answer, shown, references)


def _print_rest(answer: Any, shown: tuple[Any, ...], references: Any) -> None:
    """What the checked reply adds to the sentences `shown`, the references, what was left out, and notes."""
    from coach.answer.report import (
        left_out_as_text,
        not_covered_as_text,
        references_as_text,
        sentences_as_text,
    )

    said = {sentence.text for sentence in shown}
    text = sentences_as_text(tuple(s for s in answer.sentences if s.text not in said), references)
    if text and answer.trace.model:
        show(f"\nIn short ({answer.trace.model}, every sentence checked):\n{text}")
    elif text:
        show(text)
    if references.citations:
        show("\n" + references_as_text(references, answer.passages))
    for more in (not_covered_as_text(answer), left_out_as_text(answer)):
        if more:
            show("\n" + more)
    for note in answer.trace.notes:
        say(note)


def _with_steps(stream: AnswerStream) -> Reply:
    from coach.types import StepStarted

    for event in stream:
        if isinstance(event, StepStarted):
            say(f"{event.name} ...")
    return stream.result()


def _ask_batch(settings: Settings, path: str, collections: Collections, *, keeps: bool) -> None:
    from coach.json_form import reply_to_json
    from coach.text.json_lines import numbered_records

    with opened(path) as lines:
        questions = list(numbered_records(lines, path, _batch_entry))
    coach = _loaded(settings, collections, keeps=keeps)
    for number, (line, entry) in enumerate(questions, 1):
        say(f"[{number}/{len(questions)}] {entry['question'][:80]}")
        say_what_leaves(coach, entry["question"])
        try:
            reply = reply_to_json(coach.answer(entry["question"], entry["history"], collections).result())
        except UsageError as error:
            raise UsageError(f"{path}, line {line}: {error}") from error
        if "id" in entry:
            reply = {"id": entry["id"], **reply}
        show(json.dumps(reply, ensure_ascii=False))


def _batch_entry(record: Record) -> Record:
    from coach.coach import as_turn
    from coach.text.json_lines import BadLineError, text

    text(record, "question", may_be_empty=True)
    turns = record.get("history", [])
    if not isinstance(turns, list):
        raise BadLineError("'history' must be a list of turns")
    return {**record, "history": [as_turn(turn) for turn in turns]}


def _history(path: str | None) -> list[Any]:
    if path is None:
        return []
    from coach.coach import as_turn

    with opened(path) as file:
        try:
            turns = json.load(file)
        except ValueError as error:
            raise UsageError(
                f"{path} is not JSON ({error}): it holds a list of turns; mend it and run again."
            ) from error
    if not isinstance(turns, list):
        raise UsageError(f"{path} must hold a JSON list of turns: mend it and run again.")
    return [as_turn(turn) for turn in turns]
