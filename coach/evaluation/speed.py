"""The speed suite: how long a reader waits, cold and warm, for an answer and for a critique, and what each step costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from coach.answer.flow import Extracted
from coach.answer.retrieve import retrieve
from coach.answer.verify import verify
from coach.coach import MemoryEmbedder
from coach.critique.flow import DRAFT_CHARACTERS, Judged, by_weight
from coach.critique.judge import NO, YES, ask_model, shared_prefix
from coach.critique.prepare import prepare_draft
from coach.errors import BackendError, CoachError
from coach.evaluation.critique_cases import DraftCase
from coach.evaluation.run import Row
from coach.types import Token, Turn

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.protocols import Embedder, PassageIndex, Vectors

Progress = Callable[[str, int, int], None]

WARM_UPS = 2  # questions before the clock counts: the first ones pay for pages and caches


def cold_starts(
    questions: Sequence[str], *, home: str, backend: str, progress: Progress | None = None
) -> Iterator[Row]:
    """From starting `coach ask` to its first cited sentence on standard output, one process a question.

    Raises CoachError where the command says nothing.
    """
    for number, question in enumerate(questions, 1):
        yield _timed(
            f"cold/{number}", "cold start to the first cited sentence", _cold_start(question, home, backend)
        )
        if progress is not None:
            progress("cold starts", number, len(questions))


def warm_answers(
    coach: Coach, questions: Sequence[str], *, progress: Progress | None = None
) -> Iterator[Row]:
    """First cited sentence, and first word where a model speaks, in a process that has answered before."""
    for number, question in enumerate(questions, 1):
        times = _answer_times(coach, question)
        if number > WARM_UPS and times:
            yield Row(f"warm/{number}", "speed", milliseconds=times)
        if progress is not None:
            progress("warm answers", number, len(questions))


def retrieval_beside_chroma(
    questions: Sequence[str],
    *,
    embedder: Embedder,
    index: PassageIndex,
    chroma: Callable[[Vectors, int], object] | None,
    limit: int,
) -> Iterator[Row]:
    """Our retrieval, and embedding plus a bare Chroma query, in turn over the same questions.

    `chroma` asks a Chroma collection for the nearest of a vector; None leaves that side out. Each call
    embeds its question anew, so `embedder` must not remember.
    """
    for number, question in enumerate(questions, 1):
        times = {
            "retrieval": _milliseconds(
                partial(retrieve, question, embedder=embedder, index=index, limit=limit)
            )
        }
        if chroma is not None:
            times["embedding + Chroma query"] = _milliseconds(
                partial(_asked_of_chroma, question, embedder, chroma, limit)
            )
        if number > WARM_UPS:
            yield Row(f"retrieval/{number}", "speed", milliseconds=times)


def verification(coach: Coach, questions: Sequence[str], embedder: Embedder) -> Iterator[Row]:
    """Milliseconds a sentence to verify what a model might have said: sentences of the passages, put a little otherwise.

    As in use, the sources' own sentences are remembered, and what is said is new; `embedder` must not remember.
    """
    for number, question in enumerate(questions, 1):
        passages = retrieve(
            question, embedder=coach.embedder, index=coach.index, limit=coach.settings.passages
        )
        said = [
            f"Keep in mind that {' '.join(passage.chunk.text[start:end].split())}"
            for passage in passages[:3]
            for start, end in passage.chunk.sentences[:2]
        ]
        if not said:
            continue
        remembering = MemoryEmbedder(embedder)
        verify("This first sentence makes the sources known.", passages, remembering)
        spent = _milliseconds(partial(verify, "\n".join(said), passages, remembering))
        if number > WARM_UPS:
            yield _timed(f"verify/{number}", "verifying one sentence", spent / len(said))


FIRST_VERDICT, ALL_VERDICTS = "critique: first verdict", "critique: all verdicts"
READ_ONCE, EACH_ALONE = "critique: rules and draft read once", "critique: every criterion's own words"


def critiques(
    coach: Coach, drafts: Sequence[DraftCase], *, progress: Progress | None = None
) -> Iterator[Row]:
    """A whole critique, as a reader waits for it; and beside it what it cannot be cheaper than with one slot: reading
    rules and draft once, and then each criterion's own words. Raises BackendError without a chat model.

    The parts are timed on the same draft behind another first word, so that the engine remembers nothing of it.
    """
    model = coach.chat_model()
    rubric = coach.rubrics()[0]
    for number, case in enumerate(drafts, 1):
        times: dict[str, float] = {}
        started = time.perf_counter()
        for event in coach.critique(case.draft, case.question, kind=case.kind):
            if isinstance(event, Judged) and FIRST_VERDICT not in times:
                times[FIRST_VERDICT] = (time.perf_counter() - started) * 1000
        times[ALL_VERDICTS] = (time.perf_counter() - started) * 1000
        question = f"Now: {case.question}"
        prepared = prepare_draft(case.draft, question, rubric, coach.embedder, limit=DRAFT_CHARACTERS)
        begin = (shared_prefix(prepared, question), Turn("user", "?"))
        times[READ_ONCE] = _milliseconds(partial(model.choose, begin, (YES, NO)))
        times[EACH_ALONE] = sum(
            _milliseconds(partial(ask_model, criterion, prepared, question, model))
            for criterion in by_weight(rubric, case.kind)
        )
        yield Row(f"critique/{number}", "speed", milliseconds=times)
        if progress is not None:
            progress("critiques", number, len(drafts))


def _asked_of_chroma(
    question: str, embedder: Embedder, chroma: Callable[[Vectors, int], object], limit: int
) -> object:
    return chroma(embedder.embed([question])[0], limit)


def _cold_start(question: str, home: str, backend: str) -> float:
    command = [sys.executable, "-m", "coach", "ask", "--private", "--backend", backend, question]
    environment = {**os.environ, "COACH_HOME": home}
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        spent = (time.perf_counter() - started) * 1000
        process.kill()
    if not first.strip():
        raise CoachError(
            f"`coach ask` gave no answer to time: run `coach ask --backend {backend} {question!r}` to see why."
        )
    return spent


def _answer_times(coach: Coach, question: str) -> dict[str, float]:
    """The stream is dropped at the first word: how the sentence goes on is not what is timed."""
    times: dict[str, float] = {}
    started = time.perf_counter()
    with suppress(BackendError):
        for event in coach.answer(question):
            if isinstance(event, Extracted):
                times["warm first cited sentence"] = (time.perf_counter() - started) * 1000
            elif isinstance(event, Token):
                times["warm first word of the model"] = (time.perf_counter() - started) * 1000
                break
    return times


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _timed(name: str, step: str, milliseconds: float) -> Row:
    return Row(name, "speed", milliseconds={step: milliseconds})
