"""Answer questions and read drafts in threads of their own, and write to the store what comes: no page has to stay open."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coach.answer.flow import Extracted, Finished
from coach.backends.machine import still_runs, this_process
from coach.critique.flow import Critiqued, Judged
from coach.errors import CoachError, StoppedError
from coach.interviews import Interviews
from coach.jobs.drills import DrillJobs
from coach.jobs.experiments import ExperimentJobs
from coach.jobs.interviews import InterviewJobs
from coach.jobs.reading import UNFORESEEN, LibraryJobs
from coach.jobs.turns import ModelTurns, Turn
from coach.store.conversations import ConversationStore, Exchange
from coach.store.critiques import draft_id
from coach.store.database import StoreError
from coach.store.experiments import ExperimentStore
from coach.store.learning import LearningStore
from coach.store.readings import Reading, ReadingStore
from coach.types import Critique, StepStarted, Token, Verdict
from coach.types import Turn as Said

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.critique.redraft import Redraft

WRITE_PAUSE = (
    0.2  # seconds between two writes of the model's words: faster than reading, slower than the tokens
)

LONGEST_STOP = (
    60.0  # seconds: on two cores the built-in model reads a long prompt to its end before it can be stopped
)
# Jobs up to which every page looks as often as it likes. Twenty pages that look three times a second leave a server of two
# cores no time to answer (seen in a browser: answers that did not show for half a minute).
AT_FULL_PACE = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    identity: str
    run: Callable[[_Job], None]
    fail: Callable[[str, str], None]
    turn: Turn
    unmasked: frozenset[str]
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True, eq=False)
class Rewriting:
    """A rewrite that somebody waits for; it is kept nowhere but here. Ends with a `redraft`, or an `error` that says why not."""

    id: str
    step: str = "Writing with what you have said"
    redraft: Redraft | None = None
    error: str = ""

    @property
    def under_way(self) -> bool:
        return self.redraft is None and not self.error


class Worker:
    """What one server does for all its pages. The questions of one conversation are answered one after another, those of
    different ones side by side as far as no chat model is needed; that is used in turn.

    `open_coach` gives the coach, or raises CoachError; it is called in the worker's threads.
    """

    def __init__(self, home: Path, open_coach: Callable[[], Coach]) -> None:
        self.conversations = ConversationStore(home)
        self.readings = ReadingStore(home)
        self.library = LibraryJobs()
        self._turns = ModelTurns()
        self.interviews = InterviewJobs(Interviews(home), self._turns, open_coach)
        self.experiments = ExperimentJobs(ExperimentStore(home), self._turns, open_coach)
        self.drills = DrillJobs(LearningStore(home), self._turns, open_coach)
        self._open_coach = open_coach
        self._owner = this_process()
        self._lanes: dict[str, deque[_Job]] = {}
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        self._accepting = threading.Lock()  # held from when a job is written down until its thread is there

    def ask(
        self,
        question: str,
        conversation: str = "",
        *,
        visitor: str = "",
        collections: Sequence[str] = (),
        unmasked: Collection[str] = (),
    ) -> Exchange:
        """Have `question` answered, after those before it in its conversation. Raises StoreError and UsageError as the store.

        `unmasked` as for `Coach.answer`; it holds for this time only, and is kept nowhere.
        """
        with self._accepting:
            exchange = self.conversations.ask(
                question, conversation, owner=self._owner, collections=collections
            )
            self._submit(
                exchange.conversation, exchange.id, self._answer, self._answer_failed, visitor, unmasked
            )
        return exchange

    def ask_again(self, exchange: Exchange, *, visitor: str = "", unmasked: Collection[str] = ()) -> None:
        """Have a question that has no reply answered in its place; `unmasked` as for `ask`."""
        with self._accepting:
            self.conversations.again(exchange.id, self._owner)
            self._submit(
                exchange.conversation, exchange.id, self._answer, self._answer_failed, visitor, unmasked
            )

    def read(
        self,
        draft: str,
        question: str,
        kind: str,
        rubric: str,
        *,
        visitor: str = "",
        unmasked: Collection[str] = (),
    ) -> Reading:
        """Have a draft read; `unmasked` as for `ask`. Raises StoreError as the store."""
        with self._accepting:
            reading = self.readings.hand_in(draft, question, kind, rubric, owner=self._owner)
            self._submit(reading.id, reading.id, self._judge, self._judging_failed, visitor, unmasked)
        return reading

    def rewrite(
        self,
        critique: Critique,
        criterion: str,
        facts: str,
        *,
        visitor: str = "",
        unmasked: Collection[str] = (),
    ) -> Rewriting:
        """Have a draft rewritten on one point, with the candidate's own `facts`; `unmasked` as for `ask`."""
        asked = Rewriting(secrets.token_hex(6))

        def write(job: _Job) -> None:
            job.turn.take()
            coach = self._open_coach()
            asked.redraft = coach.redraft(critique, criterion, "rewrite", facts, unmasked=job.unmasked)

        def failed(_: str, error: str) -> None:
            asked.error = error

        with self._accepting:
            self._submit(asked.id, asked.id, write, failed, visitor, unmasked)
        return asked

    def stop(self, identity: str) -> None:
        """End an exchange, a reading or a rewrite; what has come back stays."""
        self.conversations.update(identity, state="stopped")
        self.readings.update(identity, state="stopped")
        with self._lock:
            job = self._jobs.get(identity)
        if job is not None:
            job.turn.stop()

    def stop_all(self, seconds: float = LONGEST_STOP) -> bool:
        """End every job, as `stop` does, and wait until none writes any more; whether that was so within `seconds`."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            self.stop(job.identity)
        self.drills.forget()
        return self.interviews.stop_all(seconds) and self.wait(seconds)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the jobs that there are now have ended; whether they have within `seconds`."""
        end = None if seconds is None else time.monotonic() + seconds
        with self._lock:
            jobs = list(self._jobs.values())
        return self.drills.wait(seconds) and all(
            job.ended.wait(None if end is None else max(0.0, end - time.monotonic())) for job in jobs
        )

    def while_idle(self, do: Callable[[], None]) -> bool:
        """Call `do` while nothing is answered, read, rewritten or tried out, and no question or draft is taken meanwhile; whether it
        was called."""
        with self._accepting:
            if self._jobs or self.library.under_way or self.experiments.under_way:
                return False
            do()
            return True

    def ahead(self, identity: str) -> int:
        """How many jobs get the chat model before this one."""
        with self._lock:
            job = self._jobs.get(identity)
        return self._turns.ahead(job.turn) if job is not None else 0

    def pace(self, seconds: float) -> float:
        """Seconds between two looks of a page that would look every `seconds`: the more jobs there are, the longer."""
        return seconds * max(1.0, len(self._jobs) / AT_FULL_PACE)

    def exchanges(self, conversation: str, since: int = 0) -> tuple[Exchange, ...]:
        """The conversation as it stands, from the position `since` on; what a process that is gone left behind is marked as
        unfinished."""
        return tuple(
            replace(one, state="unfinished") if self._is_orphan(one) else one
            for one in self.conversations.exchanges(conversation, since)
        )

    def reading(self, identity: str) -> Reading | None:
        """The reading as it stands; one that a process left behind which is gone is marked as unfinished."""
        found = self.readings.get(identity)
        return replace(found, state="unfinished") if found and self._is_orphan(found) else found

    def _is_orphan(self, one: Exchange | Reading) -> bool:
        if not one.under_way:
            return False
        with self._accepting:
            if one.id in self._jobs or (one.owner != self._owner and still_runs(one.owner)):
                return False
        store = self.conversations if isinstance(one, Exchange) else self.readings
        return store.update(one.id, state="unfinished")

    def _submit(
        self,
        lane: str,
        identity: str,
        run: Callable[[_Job], None],
        fail: Callable[[str, str], None],
        visitor: str,
        unmasked: Collection[str] = (),
    ) -> None:
        job = _Job(identity, run, fail, self._turns.turn(visitor), frozenset(unmasked))
        with self._lock:
            self._jobs[identity] = job
            waiting = self._lanes.setdefault(lane, deque())
            waiting.append(job)
            if len(waiting) > 1:
                return
        threading.Thread(target=self._work, args=(lane,), name=f"coach-{lane}", daemon=True).start()

    def _work(self, lane: str) -> None:
        """Do the jobs of one lane until there are none."""
        while True:
            with self._lock:
                job = self._lanes[lane][0]
            self._run(job)
            with self._lock:
                self._lanes[lane].popleft()
                if self._jobs[job.identity] is job:  # else it was asked again meanwhile
                    del self._jobs[job.identity]
                job.ended.set()
                if not self._lanes[lane]:
                    del self._lanes[lane]
                    return

    def _run(self, job: _Job) -> None:
        try:
            job.run(job)
        except StoppedError:
            pass
        except CoachError as error:
            self._report(job, str(error))
        except Exception:
            _log.exception("A job failed.")
            self._report(job, UNFORESEEN)
        finally:
            job.turn.give_back()

    def _report(self, job: _Job, error: str) -> None:
        """Write down why there is no result. Where not even that can be kept, the next look finds the job unfinished."""
        if job.turn.stopped:
            return
        try:
            job.fail(job.identity, error)
        except StoreError:
            _log.exception("What went wrong with a job was not kept: %s", error)

    def _answer(self, job: _Job) -> None:
        write, identity = _until_stopped(job, self.conversations.update), job.identity
        exchange = self.conversations.exchange(identity)
        if exchange is None or not write(identity, state="running", step="Reading the question"):
            return
        stream = self._open_coach().answer(
            exchange.question,
            self._said_before(exchange),
            exchange.collections or None,
            before_model=job.turn.take,
            unmasked=job.unmasked,
        )
        said, written_at, goes_on = "", 0.0, True
        for event in stream:
            match event:
                case StepStarted(name=name):
                    goes_on = write(identity, step=name)
                case Extracted(answer=answer):
                    goes_on = write(identity, extracted=answer)
                case Token(text=text):
                    said += text
                    if time.monotonic() - written_at > WRITE_PAUSE:
                        goes_on, written_at = write(identity, said=said), time.monotonic()
                case Finished(reply=reply):
                    goes_on = write(identity, state="finished", step="", said="", reply=reply)
            if not goes_on:
                break

    def _said_before(self, exchange: Exchange) -> list[Said]:
        turns: list[Said] = []
        for earlier in self.conversations.exchanges(exchange.conversation):
            if earlier.position < exchange.position and earlier.reply is not None:
                turns += [Said("user", earlier.question), Said("assistant", earlier.reply.text)]
        return turns

    def _answer_failed(self, identity: str, error: str) -> None:
        self.conversations.update(identity, state="failed", error=error)

    def _judge(self, job: _Job) -> None:
        write, identity = _until_stopped(job, self.readings.update), job.identity
        reading = self.readings.get(identity)
        if reading is None or not write(identity, state="running", step="Reading the draft"):
            return
        stream = self._open_coach().critique(
            reading.draft,
            reading.question,
            kind=reading.kind,
            rubric=reading.rubric,
            before_model=job.turn.take,
            unmasked=job.unmasked,
        )
        verdicts: list[Verdict] = []
        goes_on = True
        for event in stream:
            match event:
                case StepStarted(name=name):
                    goes_on = write(identity, step=name)
                case Judged(verdict=verdict):
                    verdicts.append(verdict)
                    goes_on = write(identity, verdicts=verdicts)
                case Critiqued(critique=critique):
                    goes_on = write(
                        identity,
                        state="finished",
                        step="",
                        critique=critique,
                        kept_as=draft_id(critique),
                    )
            if not goes_on:
                break

    def _judging_failed(self, identity: str, error: str) -> None:
        self.readings.update(identity, state="failed", error=error)


def _until_stopped(job: _Job, update: Callable[..., bool]) -> Callable[..., bool]:
    """`update` for as long as the job was not stopped: one that is asked again belongs to the job that came after."""

    def write(identity: str, **columns: Any) -> bool:
        return not job.turn.stopped and update(identity, **columns)

    return write
