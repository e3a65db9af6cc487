"""Many visitors, one chat model: everyone gets their own answer in a fair order, and nothing that ends badly holds up the rest."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from coach.answer.flow import Event
from coach.errors import StoppedError
from coach.jobs.turns import ModelTurns
from coach.jobs.worker import UNFORESEEN, Worker
from coach.store.conversations import Exchange
from coach.types import Answer
from tests.critique_fakes import DRAFT, QUESTION
from tests.fakes import FakeCoach

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0  # seconds


class GatedCoach(FakeCoach):
    """A coach whose chat model speaks when it is `let` to, and remembers for whom, and how many used it at once at most."""

    def __init__(self) -> None:
        super().__init__()
        self.spoke: list[str] = []
        self.at_once = 0
        self._speaking = 0
        self._gate = threading.Semaphore(0)

    def let(self, times: int = 1) -> None:
        self._gate.release(times)

    def _events(self, question: str, before_model: Callable[[], None]) -> Iterator[Event]:
        holds = False

        def speak() -> None:
            nonlocal holds
            before_model()
            holds = True
            self._speaking += 1
            self.at_once = max(self.at_once, self._speaking)
            self.spoke.append(question)
            assert self._gate.acquire(timeout=PATIENCE)
            if "dies while it speaks" in question:
                raise RuntimeError("a detail that belongs in the log")

        try:
            yield from super()._events(question, speak)
        finally:
            self._speaking -= holds


@pytest.fixture
def coach() -> Iterator[GatedCoach]:
    coach = GatedCoach()
    yield coach
    coach.let(1000)  # nobody is left waiting when a test fails


@pytest.fixture
def worker(coach: GatedCoach, tmp_path: Path) -> Worker:
    return Worker(tmp_path, lambda: coach)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def now(worker: Worker, exchange: Exchange) -> Exchange:
    return next(one for one in worker.exchanges(exchange.conversation) if one.id == exchange.id)


def wait_in_line(worker: Worker, coach: GatedCoach, exchanges: Sequence[Exchange]) -> None:
    """Until the model speaks for one and the others stand behind it."""
    places = list(range(len(exchanges)))
    until(lambda: coach.spoke and sorted(worker.ahead(one.id) for one in exchanges) == places)


def test_twenty_visitors_get_their_own_answers_in_the_order_of_the_queue(worker, coach) -> None:
    asked = [worker.ask(f"What does visitor {number} want?", visitor=str(number)) for number in range(20)]
    wait_in_line(worker, coach, asked)
    assert all(now(worker, one).extracted for one in asked)  # the sources' sentences wait for no model
    assert worker.pace(0.3) == pytest.approx(2.0)  # twenty pages that look leave the server time to answer
    queue = sorted(asked, key=lambda one: worker.ahead(one.id))
    coach.let()
    until(lambda: [worker.ahead(one.id) for one in queue[1:]] == list(range(19)))
    coach.let(19)
    until(lambda: all(now(worker, one).state == "finished" for one in asked))
    for one in asked:
        reply = now(worker, one).reply
        assert isinstance(reply, Answer)
        assert (reply.question, reply.mode) == (one.question, "generated")
    assert coach.spoke == [one.question for one in queue]
    assert coach.at_once == 1
    until(lambda: worker.pace(0.3) == 0.3)


def test_five_questions_of_one_visitor_do_not_keep_another_waiting_for_all_of_them(worker, coach) -> None:
    asked = [worker.ask("Question 1 of Ann?", visitor="ann")]
    wait_in_line(worker, coach, asked)
    asked += [worker.ask(f"Question {number} of Ann?", visitor="ann") for number in range(2, 6)]
    wait_in_line(worker, coach, asked)
    others = [worker.ask(f"A question of {name}?", visitor=name) for name in ("Ben", "Cleo")]
    wait_in_line(worker, coach, asked + others)
    assert {worker.ahead(one.id) for one in others} == {1, 2}
    coach.let(7)
    until(lambda: len(coach.spoke) == 7)
    assert set(coach.spoke[1:3]) == {one.question for one in others}


def test_stop_while_waiting_frees_the_place(worker, coach) -> None:
    asked = [worker.ask(f"Question {number}?", visitor=str(number)) for number in range(3)]
    wait_in_line(worker, coach, asked)
    _, second, third = sorted(asked, key=lambda one: worker.ahead(one.id))
    worker.stop(second.id)
    until(lambda: worker.ahead(third.id) == 1)
    coach.let(2)
    until(lambda: now(worker, third).state == "finished")
    stopped = now(worker, second)
    assert (stopped.state, stopped.reply) == ("stopped", None)
    assert stopped.extracted is not None
    assert second.question not in coach.spoke


def test_a_job_that_crashes_while_it_has_the_model_gives_it_to_the_next(worker, coach) -> None:
    crashing = worker.ask("Who dies while it speaks?", visitor="ann")
    wait_in_line(worker, coach, [crashing])
    other = worker.ask("And this one?", visitor="ben")
    coach.let(2)
    until(lambda: now(worker, other).state == "finished")
    failed = now(worker, crashing)
    assert (failed.state, failed.error) == ("failed", UNFORESEEN)


def test_the_questions_of_one_conversation_are_answered_one_after_another(worker, coach) -> None:
    first = worker.ask("How many rounds?")
    later = [worker.ask(question, first.conversation) for question in ("What pay?", "How long?")]
    coach.let(3)
    until(lambda: now(worker, later[-1]).state == "finished")
    assert [question for question, _ in coach.asked] == ["How many rounds?", "What pay?", "How long?"]
    histories = [[turn.text for turn in history if turn.role == "user"] for _, history in coach.asked]
    assert histories == [[], ["How many rounds?"], ["How many rounds?", "What pay?"]]


def test_one_asked_again_while_the_stopped_answer_is_still_being_written_is_answered_anew(
    worker, coach
) -> None:
    asked = worker.ask("How many rounds?")
    wait_in_line(worker, coach, [asked])
    worker.stop(asked.id)
    worker.ask_again(now(worker, asked))
    after = worker.ask("What pay?", asked.conversation)
    coach.let(3)
    until(lambda: now(worker, after).state == "finished")
    assert now(worker, asked).state == "finished"
    assert coach.spoke == ["How many rounds?", "How many rounds?", "What pay?"]


def test_a_store_that_fails_for_a_while_does_not_hold_up_the_conversation(worker, coach, tmp_path) -> None:
    asked = worker.ask("How many rounds?")
    wait_in_line(worker, coach, [asked])
    file, aside = tmp_path / "coach.sqlite3", tmp_path / "aside"
    file.rename(aside)
    file.mkdir()
    coach.let()
    until(lambda: f"coach-{asked.conversation}" not in [thread.name for thread in threading.enumerate()])
    file.rmdir()
    aside.rename(file)
    assert now(worker, asked).state == "unfinished"
    worker.ask_again(asked)
    after = worker.ask("What pay?", asked.conversation)
    coach.let(2)
    until(lambda: now(worker, after).state == "finished")
    assert now(worker, asked).state == "finished"


def test_a_window_that_looks_just_as_a_question_comes_in_does_not_take_it_for_abandoned(
    worker, coach, monkeypatch
) -> None:
    coach.let()
    write_down = worker.conversations.ask
    seen: list[Exchange] = []

    def written_down_and_seen(*words, **options) -> Exchange:
        asked = write_down(*words, **options)
        window = threading.Thread(target=lambda: seen.extend(worker.exchanges(asked.conversation)))
        window.start()
        window.join(timeout=0.2)
        return asked

    monkeypatch.setattr(worker.conversations, "ask", written_down_and_seen)
    asked = worker.ask("How many rounds?")
    until(lambda: now(worker, asked).state == "finished")
    until(lambda: seen)
    assert seen[0].state != "unfinished"


def test_a_draft_and_a_question_are_worked_on_side_by_side(worker, coach) -> None:
    question = worker.ask("How many rounds?", visitor="ann")
    wait_in_line(worker, coach, [question])
    reading = worker.read(DRAFT, QUESTION, "", "genai_pm", visitor="ben")
    until(lambda: worker.reading(reading.id).state == "finished")
    assert now(worker, question).under_way


def test_a_rewrite_waits_for_the_model_like_any_other(worker, coach) -> None:
    reading = worker.read(DRAFT, QUESTION, "", "genai_pm")
    until(lambda: worker.reading(reading.id).critique)
    critique = worker.reading(reading.id).critique
    question = worker.ask("How many rounds?", visitor="ann")
    wait_in_line(worker, coach, [question])
    written, refused, stopped = (
        worker.rewrite(critique, "cost", facts, visitor=facts)
        for facts in ("Two cents.", "no help", "Not any more.")
    )
    until(lambda: sorted(worker.ahead(one.id) for one in (written, refused, stopped)) == [1, 2, 3])
    worker.stop(stopped.id)
    coach.let()
    until(lambda: not written.under_way and not refused.under_way)
    assert "Two cents." in written.redraft.text
    assert refused.error == "The facts are too long: shorten them and ask again."
    assert stopped.redraft is None


def test_a_turn_is_taken_once_and_given_back_once() -> None:
    turns = ModelTurns()
    first, second = turns.turn("ann"), turns.turn("ben")
    first.take()
    first.take()  # a job that asks twice does not wait for itself
    second.give_back()  # one that never had the model takes it from nobody
    assert turns.ahead(first) == turns.ahead(second) == 0
    second.stop()
    with pytest.raises(StoppedError):
        second.take()


ANOTHER_PROCESS = """
import sys, time
from pathlib import Path
from coach.jobs.worker import Worker
from tests.fakes import FakeCoach
coach = FakeCoach()
worker = Worker(Path(sys.argv[1]), lambda: coach)
print("ready", flush=True)
"""
ASKS_TWENTY_FIVE = """
sys.stdin.readline()
asked = [worker.ask(f"Question {number} of the other?", visitor=str(number)) for number in range(25)]
while (states := {worker.exchanges(one.conversation)[0].state for one in asked}) & {"waiting", "running"}:
    time.sleep(0.05)
print(sorted(states))
"""
ANSWERS_SLOWLY = """
asked = worker.ask("How many rounds? Answer slowly.")
while len(worker.exchanges(asked.conversation)[0].said) < 15:
    time.sleep(0.02)
print(asked.conversation, flush=True)
time.sleep(60)
"""


def another_process(program: str, home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS + program, str(home)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_answer_twenty_five_visitors_each_at_the_same_time(worker, coach, tmp_path) -> None:
    # A question is written down, then eight times more: its steps, the sources' sentences, the model's words, the reply.
    other = another_process(ASKS_TWENTY_FIVE, tmp_path)
    coach.let(25)
    print("go", file=other.stdin, flush=True)
    asked = [worker.ask(f"Question {number}?", visitor=str(number)) for number in range(25)]
    said, trouble = other.communicate(timeout=60)
    assert (said, trouble) == ("['finished']\n", "")
    until(lambda: not any(now(worker, one).under_way for one in asked))
    assert {now(worker, one).error for one in asked} == {""}
    kept = worker.conversations.list()
    assert len(kept) == 50
    replies = [worker.exchanges(one.id)[0] for one in kept]
    assert all(one.reply is not None and one.reply.question == one.question for one in replies)


def test_a_process_killed_in_mid_answer_leaves_what_was_said_marked_as_unfinished(worker, tmp_path) -> None:
    other = another_process(ANSWERS_SLOWLY, tmp_path)
    conversation = other.stdout.readline().strip()
    (running,) = worker.exchanges(conversation)
    assert running.state == "running"  # another process is at it: nobody takes it for abandoned
    other.kill()
    other.communicate()
    (left,) = worker.exchanges(conversation)
    assert left.state == "unfinished"
    assert left.extracted is not None
    assert left.said.startswith("A typical loop")
