"""The answers suite: ask every case and score the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coach.errors import CoachError
from coach.evaluation.cases import Case
from coach.evaluation.run import Row
from coach.evaluation.score import Sources, score, shown
from coach.types import Answer, Reply

if TYPE_CHECKING:
    from coach.coach import Coach

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a measure is called on screen, and which way is better: "higher", "lower" or "" for neither."""

    label: str
    better: str


MEASURES: Mapping[str, Measure] = {
    "correct": Measure("Answerable: every required fact in the reply", "higher"),
    "facts": Measure("Answerable: share of the required facts", "higher"),
    "citation_precision": Measure("Citation precision", "higher"),
    "citation_recall": Measure("Citation recall", "higher"),
    "unsupported_shown": Measure("Sentences shown without support", "lower"),
    "left_out": Measure("Sentences left out", ""),
    "refusal_precision": Measure("Refusal precision", "higher"),
    "refusal_recall": Measure("Refusal recall", "higher"),
    "false_refusals": Measure("False refusals", "lower"),
    "withdrawn": Measure("Refusals that took back sentences already shown", ""),
    "follow_ups": Measure("Follow-ups handled right", "higher"),
    "odd": Measure("Odd questions handled right", "higher"),
    "small_talk": Measure("Small talk neither refused nor cited", "higher"),
    "rouge_1": Measure("ROUGE-1 F1 with the section", ""),
    "rouge_2": Measure("ROUGE-2 F1 with the section", ""),
    "rouge_l": Measure("ROUGE-L F1 with the section", ""),
}
TIMINGS: Mapping[str, str] = {
    "first_citation": "First cited sentence",
    "first_token": "First word of the model",
    "total": "Whole reply",
}


def measure_answers(
    coach: Coach, cases: Sequence[Case], *, progress: Progress | None = None
) -> Iterator[Row]:
    """One row a case, as soon as it is scored. A case that fails is unscored, with the reason."""
    sources = Sources(coach.documents())
    has_model = coach.settings.backend != "none" and coach.chosen_model().model is not None
    for number, case in enumerate(cases, 1):
        yield _row(coach, case, sources, has_model)
        if progress is not None:
            progress("answers", number, len(cases))


def _row(coach: Coach, case: Case, sources: Sources, has_model: bool) -> Row:
    try:
        reply = coach.answer(case.question, case.history).result()
    except CoachError as error:
        return Row(case.id, case.kind, case.split, unscored=str(error))
    except Exception as error:  # one fault of ours in one case: the other cases still tell something
        return Row(case.id, case.kind, case.split, unscored=f"{type(error).__name__}: {error}")
    if has_model and _model_failed(reply):
        reason = " ".join(reply.trace.notes) or "The model did not speak."
        return Row(case.id, case.kind, case.split, unscored=reason)
    return Row(
        case.id,
        case.kind,
        case.split,
        outcome(reply),
        score(case, reply, sources),
        _milliseconds(reply),
        signals(reply),
        reply.text,
        model_sentences(reply),
    )


def model_sentences(reply: Reply) -> list[tuple[str, float]]:
    """The model's own sentences that a reader sees as supported, with their support."""
    if not isinstance(reply, Answer):
        return []
    own = (sentence for sentence in shown(reply) if sentence.origin == "model" and sentence.citations)
    return [(sentence.text, max(citation.support for citation in sentence.citations)) for sentence in own]


def outcome(reply: Reply) -> str:
    """One word for what came back: generated, extractive, own_words or refused."""
    if not isinstance(reply, Answer):
        return "refused"
    return reply.mode if reply.passages else "own_words"


def signals(reply: Reply) -> dict[str, float]:
    """The numbers that `coach eval drift` compares; none for the coach's own words."""
    passages = reply.passages if isinstance(reply, Answer) else reply.nearest
    if not passages:
        return {}
    claims = len(shown(reply)) + len(reply.left_out) if isinstance(reply, Answer) else 0
    return {
        "refused": float(not isinstance(reply, Answer)),
        "claims": float(claims),
        "left_out": float(len(reply.left_out)) if isinstance(reply, Answer) else 0.0,
        "best_cosine": round(max(passage.cosine for passage in passages), 4),
    }


def _model_failed(reply: Reply) -> bool:
    """Whether a model was to speak and its text never reached the check: the sources stood in for it."""
    if not isinstance(reply, Answer) or not reply.passages or reply.mode == "generated":
        return False
    return "verify" not in reply.trace.steps_ms


def _milliseconds(reply: Reply) -> dict[str, float]:
    """What was waited for. A refusal cites nothing, even where sentences were shown before it was made."""
    trace = reply.trace
    times = {
        "first_citation": trace.first_citation_ms if isinstance(reply, Answer) else None,
        "first_token": trace.first_token_ms,
        "total": trace.total_ms,
    }
    return {name: time for name, time in times.items() if time is not None}
