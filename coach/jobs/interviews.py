"""Let the interviewer react in a thread of its own, and have the committee read what is complete while the candidate types."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from coach.errors import CoachError, StoppedError
from coach.jobs.reading import UNFORESEEN
from coach.jobs.turns import ModelTurns
from coach.practice.conduct import confer, make_ahead, react

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.interviews import Interviews
    from coach.practice.conduct import Interviewer
    from coach.practice.interview import Asked, Interview

LOOK_SECONDS = 0.05
_log = logging.getLogger(__name__)


class InterviewJobs:
    """The interviews that go on in this process, one thread each while there is something to do."""

    def __init__(self, interviews: Interviews, turns: ModelTurns, open_coach: Callable[[], Coach]) -> None:
        self.interviews = interviews
        self._turns = turns
        self._open_coach = open_coach
        self._at_work: set[str] = set()
        self._troubles: dict[str, str] = {}
        self._unmasked: dict[str, frozenset[str]] = {}  # for this process only: kept nowhere
        self._stopping = False
        self._lock = threading.Lock()

    def say(
        self, identity: str, said: str, *, visitor: str = "", unmasked: Collection[str] = ()
    ) -> Interview:
        """Give the interviewer a reply; `unmasked` as for `Worker.ask`. Raises UsageError and StoreError as `Interviews.hear`."""
        with self._lock:
            interview = self.interviews.hear(identity, said)
            self._unmasked[identity] = self._unmasked.get(identity, frozenset()) | frozenset(unmasked)
        self.go_on(identity, visitor=visitor)
        return interview

    def go_on(self, identity: str, *, visitor: str = "") -> None:
        """Do what is left to do in this interview, unless that is being done: after a reply, and after a process that was killed."""
        with self._lock:
            if identity in self._at_work:
                return
            self._at_work.add(identity)
            self._troubles.pop(identity, None)
        threading.Thread(
            target=self._work, args=(identity, visitor), name=f"coach-interview-{identity}", daemon=True
        ).start()

    def leave(self, identity: str, *, visitor: str = "") -> Interview:
        """End it before its time, and have read what was answered."""
        with self._lock:
            interview = self.interviews.leave(identity)
        self.go_on(identity, visitor=visitor)
        return interview

    def stop_all(self, seconds: float) -> bool:
        """Do nothing more in any interview; whether nothing is being done any more within `seconds`."""
        self._stopping = True
        try:
            end = time.monotonic() + seconds
            while self._at_work and time.monotonic() < end:
                time.sleep(LOOK_SECONDS)
            return not self._at_work
        finally:
            self._stopping = False

    def is_at_work(self, identity: str) -> bool:
        """Whether the interviewer thinks, or the committee reads."""
        return identity in self._at_work

    def trouble(self, identity: str) -> str:
        """Why it does not go on; empty where it does."""
        return self._troubles.get(identity, "")

    def _work(self, identity: str, visitor: str) -> None:
        try:
            while self._one_step(identity, visitor):
                pass
        except CoachError as error:
            self._give_up(identity, str(error))
        except Exception:
            _log.exception("An interview failed.")
            self._give_up(identity, UNFORESEEN)

    def _one_step(self, identity: str, visitor: str) -> bool:
        """React to a reply, or else do one thing ahead; False, and this thread no longer at work, where nothing is left."""
        coach, turn = self._open_coach(), self._turns.turn(visitor)

        def is_stopped() -> bool:
            return self._stopping or self.interviews.get(identity).waits_for_reaction

        with self._lock:
            seen = self.interviews.get(identity)
            interviewer = coach.interviewer(
                seen.rubric,
                before_model=turn.take,
                is_stopped=is_stopped,
                unmasked=self._unmasked.get(identity, frozenset()),
            )
            unread = any(one.ended and not one.is_judged for one in seen.asked)
            to_make = seen.to_make > 0 and not seen.ended_at
            if self._stopping or not (seen.waits_for_reaction or unread or to_make):
                self._at_work.discard(identity)
                return False
        try:
            if seen.waits_for_reaction:
                self._keep_reaction(seen, react(seen, interviewer))
            else:  # what the next reply needs comes first; a reply that comes meanwhile goes before it all
                ahead = chain(_made(seen, interviewer), confer(seen, interviewer))
                self._keep_reading(seen, next(ahead, seen))
        except StoppedError:
            pass
        finally:
            turn.give_back()
        return True

    def _keep_reaction(self, seen: Interview, reacted: Interview) -> None:
        """Keep what the interviewer said, unless the interview was ended meanwhile."""
        with self._lock:
            if not self._stopping and self.interviews.get(seen.id) == seen:
                self.interviews.keep(reacted)

    def _keep_reading(self, seen: Interview, read: Interview) -> None:
        """Keep what was read since `seen`, beside what was said meanwhile."""
        with self._lock:
            if self._stopping:
                return
            now = self.interviews.get(seen.id)
            for before, after in zip(seen.asked, read.asked, strict=False):
                if before != after:
                    now = _with_reading(now, after)
            if seen.to_make and not read.to_make and not now.ended_at:
                now = replace(now, asked=(*now.asked, *read.asked[len(seen.asked) :]), to_make=0)
            self.interviews.keep(now)

    def _give_up(self, identity: str, trouble: str) -> None:
        with self._lock:
            self._troubles[identity] = trouble
            self._at_work.discard(identity)


def _made(seen: Interview, interviewer: Interviewer) -> Iterator[Interview]:
    if seen.to_make:
        yield make_ahead(seen, interviewer)


def _with_reading(now: Interview, read: Asked) -> Interview:
    """What was read of a question, in the interview as it stands now; one that was left out when it ended stays out."""
    current = next((one for one in now.asked if one.question.id == read.question.id), None)
    if current is None:
        return now
    return now.with_asked(replace(current, critique=read.critique, unread=read.unread))
