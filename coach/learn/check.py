"""Check a sentence typed for a drill against the article's sentence, both ways, by the reader that checks the coach's own answers.

What was typed must be carried by the article's sentence (`coach.answer.support`), and each stretch of that sentence which the drill asks
for must be covered by what was typed. A chat model, where one speaks, is asked whether the article's sentence says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from coach.answer.ask_model import says_so
from coach.answer.late_interaction import cover
from coach.answer.resources import Resources
from coach.answer.support import denies, read, score_claim
from coach.errors import BackendError, ModelMissingError, UsageError
from coach.learn.path import Drill
from coach.protocols import Embedder
from coach.text.words import content_words
from coach.types import Statement

if TYPE_CHECKING:
    from coach.coach import Coach

Outcome = Literal["says", "partly", "not found"]
IN_WORDS: dict[Outcome, str] = {
    "says": "Says what the article says.",
    "partly": "Says part of it.",
    "not found": "Not found there: compare it with the article’s sentence.",
}
MOST_CHARACTERS = 600  # a sentence or two; the embedder reads 256 word pieces
COPIED = 0.9  # share of the typed word pairs that stand in the article's sentence


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on a signal counts, chosen on the `fit` half of bench/learn/drills.jsonl (`python -m bench.learn`)."""

    point: float = 0.38  # mean cosine of a point's words to what was typed
    carried: float = 0.5  # mean cosine of the typed words to the article's sentence, where no model is asked
    carried_at_all: float = 0.32  # the same where a chat model is asked
    log_odds: float = -0.4  # with which it says that the article's sentence says this


@dataclass(frozen=True, slots=True)
class Signals:
    """What an answer to a drill is judged by. `points` say how near it comes to each point, nought where a figure of that is not in it;
    `log_odds` is None where no chat model was asked."""

    wrong_figure: bool
    denies_alike: bool
    carried: float
    points: tuple[float, ...]
    copied: bool
    log_odds: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of an answer to a drill: `missing` are the article's words that were asked for and not said; `copied` says that it is
    the article's wording; `by_model` that a chat model was asked too."""

    outcome: Outcome
    missing: tuple[str, ...] = ()
    copied: bool = False
    by_model: bool = False

    @property
    def in_words(self) -> str:
        """The outcome, what is missing, and how far it can be relied on."""
        said = IN_WORDS[self.outcome]
        if self.outcome == "partly":
            said += f" Not found in it: {'; '.join(self.missing)}."
        if self.outcome == "says" and self.copied:
            said += " These are its own words: try it in yours."
        if self.outcome == "not found" and not self.by_model:
            said += " No chat model was asked, so an answer in words of your own may be right all the same."
        return said


def check(
    typed: str, drill: Drill, embedder: Embedder, second_look: Callable[[str], float] | None = None
) -> Checked:
    """`typed` against the sentence of the drill. `second_look` gives a chat model's log-odds that the article's sentence says this, and
    raises BackendError where it cannot tell. Raises UsageError for a text without words, or a long one."""
    return weigh(drill, read_signals(typed, drill, embedder, second_look))


def weigh(drill: Drill, signals: Signals, bounds: Bounds = Bounds()) -> Checked:
    """The outcome by these signals."""
    by_model = signals.log_odds is not None
    if signals.log_odds is not None:
        carried = signals.log_odds >= bounds.log_odds and signals.carried >= bounds.carried_at_all
    else:  # the other signals are blind to a "not" that only one side has
        carried = signals.denies_alike and signals.carried >= bounds.carried
    missing = tuple(
        point for point, near in zip(drill.points, signals.points, strict=True) if near < bounds.point
    )
    if signals.wrong_figure or not carried or len(missing) == len(drill.points):
        return Checked("not found", by_model=by_model)
    return Checked("partly" if missing else "says", missing, signals.copied, by_model)


def read_signals(
    typed: str, drill: Drill, embedder: Embedder, second_look: Callable[[str], float] | None = None
) -> Signals:
    """As `check`, before anything is decided."""
    typed = " ".join(typed.split())
    if not content_words(typed):
        raise UsageError("There is nothing to check yet: type a sentence or two.")
    if len(typed) > MOST_CHARACTERS:
        raise UsageError(
            f"A sentence or two will do: shorten it to {MOST_CHARACTERS} characters and check again."
        )
    claim, sentence = read(typed), drill.sentence.text
    vectors = embedder.embed([typed, sentence])
    support = score_claim(claim, [read(sentence)], np.array([vectors[0] @ vectors[1]]), embedder)
    wrong_figure = any(support.signals.get(name, 0.0) for name in ("figures_missing", "figure_conflicts"))
    return Signals(
        wrong_figure,
        denies(typed) == any(map(denies, drill.points)),
        float(cover(typed, [sentence], embedder).mean()[0]),
        tuple(_nearness(point, typed, embedder) for point in drill.points),
        support.method == "verbatim" or support.signals["word_pairs"] >= COPIED,
        None if wrong_figure else _asked(typed, second_look),
    )


def check_with(
    coach: Coach, typed: str, drill: Drill, before_model: Callable[[], None] | None = None
) -> Checked:
    """As `check`, with the coach's chat model where one speaks; `before_model` is called before it is used, and may wait."""
    return weigh(drill, signals_with(coach, typed, drill, before_model))


def signals_with(
    coach: Coach, typed: str, drill: Drill, before_model: Callable[[], None] | None = None
) -> Signals:
    """As `check_with`, before anything is decided."""
    resources = Resources(
        coach.embedder, coach.index, coach.chosen_model, coach.remembered_sections, coach.settings
    )

    def second_look(claim: str) -> float:
        if before_model is not None:
            before_model()
        return says_so(claim, [Statement((drill.question,), drill.sentence.text)], resources)

    return read_signals(typed, drill, coach.embedder, second_look if resources.may_ask_a_model else None)


def _asked(typed: str, second_look: Callable[[str], float] | None) -> float | None:
    """The chat model's log-odds; None where none can tell."""
    if second_look is None:
        return None
    try:
        return second_look(typed)
    except (BackendError, ModelMissingError):
        return None


def _nearness(point: str, typed: str, embedder: Embedder) -> float:
    """How near what was typed comes to the point; nought without every figure of it."""
    if not read(point).figures <= read(typed).figures:
        return 0.0
    return float(cover(point, [typed], embedder).mean()[0])
