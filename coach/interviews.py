"""The interviews of one user: begun, gone on with, ended, rated and looked at again; each step is kept before the next begins."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from coach.errors import UsageError
from coach.practice.bank import rounds
from coach.practice.interview import Candidate, Interview, Recommendation, ask_next, hear, leave
from coach.practice.plan import plan_interview
from coach.store.critiques import draft_id
from coach.store.database import new_id, now
from coach.store.interviews import InterviewStore

_INTERVIEW: TypeAdapter[Interview] = TypeAdapter(Interview)
LATELY = 40  # of the questions asked last that are not asked again while there are others


class Interviews:
    """The interviews under `home`. Every method raises StoreError where the file fails."""

    def __init__(self, home: Path) -> None:
        self._store = InterviewStore(home)

    def begin(
        self,
        candidate: Candidate,
        *,
        rubric: str,
        chosen: Collection[str] = (),
        questions: int = 1,
        five_minutes: bool = False,
        from_documents: bool = False,
        seed: int | None = None,
    ) -> Interview:
        """A new interview, its first question put; with `from_documents` a round of questions out of the user's own documents comes last.
        Raises UsageError as `plan_interview`."""
        asked = plan_interview(
            rounds(),
            candidate,
            chosen=chosen,
            questions=questions,
            five_minutes=five_minutes,
            lately=self._asked_lately(),
            seed=seed,
        )
        moment = now()
        to_make = questions if from_documents and not five_minutes else 0
        interview = ask_next(Interview(new_id(), moment, candidate, rubric, asked, to_make=to_make), moment)
        self.keep(interview)
        return interview

    def get(self, identity: str) -> Interview:
        """The interview as it stands. Raises UsageError for one that is not there."""
        written = self._store.get(identity)
        if written is None:
            raise UsageError(f"There is no interview `{identity}`: see `coach interview list`.")
        return _read(written)

    def find(self, beginning: str) -> Interview:
        """The one interview whose id begins so. Raises UsageError for none or several."""
        found = self._store.whole_ids(beginning)
        if len(found) != 1:
            many = "Several interviews begin" if found else "There is no interview that begins"
            raise UsageError(f"{many} with `{beginning}`: see `coach interview list`.")
        return self.get(found[0])

    def list(self) -> tuple[Interview, ...]:
        """Every interview that can be read, the latest first."""
        return tuple(map(_read, self._store.list()))

    def unfinished(self) -> Interview | None:
        """The latest that has not ended."""
        return next((one for one in self.list() if not one.ended_at), None)

    def keep(self, interview: Interview) -> None:
        """Keep it as it stands."""
        self._store.keep(interview.id, _INTERVIEW.dump_json(interview).decode())

    def hear(self, identity: str, said: str) -> Interview:
        """What the candidate says to the question that is put. Raises UsageError where nothing was said, or too much, or the interviewer
        has the word."""
        interview = self.get(identity)
        if not said.strip():
            raise UsageError("Nothing was said: type an answer, or end the interview.")
        if interview.ended_at or interview.waits_for_reaction:
            raise UsageError("The interviewer has the word: wait for the next question.")
        most = interview.current.longest if interview.current else 0
        if len(said.strip()) > most:
            raise UsageError(
                f"This has {len(said.strip()):,} characters, and no interviewer listens to more than {most:,} here: shorten it, then say it again."
            )
        interview = hear(interview, said, now())
        self.keep(interview)
        return interview

    def leave(self, identity: str) -> Interview:
        """End it before its time."""
        interview = self.get(identity)
        if not interview.ended_at:
            interview = leave(interview, now())
            self.keep(interview)
        return interview

    def rate(self, identity: str, own: Mapping[str, Recommendation]) -> Interview:
        """How the candidate rates the rounds; the first word counts, so that no debrief can colour it."""
        interview = self.get(identity)
        interview = replace(interview, own={**own, **interview.own})
        self.keep(interview)
        return interview

    def delete(self, identity: str) -> None:
        """Delete it; the drafts of its answers stay among the drafts."""
        self._store.delete(identity)

    def rounds_of_drafts(self) -> dict[str, str]:
        """The round of each answer that was read, by the id under which it is kept as a draft."""
        return {
            draft_id(one.critique): one.question.round
            for interview in self.list()
            for one in interview.asked
            if one.critique is not None
        }

    def _asked_lately(self) -> frozenset[str]:
        asked = [one.question.id for interview in self.list() for one in interview.asked]
        return frozenset(asked[:LATELY])


def _read(written: str) -> Interview:
    try:
        return _INTERVIEW.validate_json(written)
    except ValidationError as error:
        raise UsageError(
            "An interview was kept by another version of the coach and cannot be read: run `coach doctor`."
        ) from error
