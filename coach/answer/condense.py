"""Make a follow-up stand on its own: add what the earlier turns were about, only when the question needs it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from coach.text.words import content_words
from coach.types import Turn

MAX_TURNS_BACK = 3  # whole history as the query is far worse than the last turn (measured on MTRAG)

_OPENING = re.compile(
    r"^\W*(?:and\b|but\b|or\b|so\b|also\b|then\b|what about\b|how about\b|why(?: not)?\W*$|how so\b|like what\b"
    r"|such as\b|really\b|tell me more|go on\b|more\b|any (?:other|more)|what else\b|who else\b|else\b|elaborate\b|(?:which|what) ones?\b)",
    re.IGNORECASE,
)
_ENDING = re.compile(
    r"\b(?:for (?:example|instance)|instead|though|as well|either|then|else|like what)\W*$", re.IGNORECASE
)
_POINTING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|those|these|he|she|him|her|the (?:former|latter|first|second|third|last|same|other) ?(?:one|ones)?"
    r"|(?:that|this)(?! (?:i|you|we|the|a|an)\b)(?=\W*$|\W| (?:is|was|take|takes|mean|means|work|works|cost|costs|matter|matters|help|helps|one|role|process|question|round|figure|number)\b))\b",
    re.IGNORECASE,
)
# "that" inside these is no pointer back: "skills that matter", "is it true that ..."
_RELATIVE_THAT = re.compile(
    r"\b(?:\w+s|anything|everything|someone|true|so|sure|think|say|show|mean|ensure) that\b", re.IGNORECASE
)
_DUMMY_IT = re.compile(
    r"\b(?:is|does|would|will|can) it (?:true|ok|okay|possible|worth|necessary|mandatory|important|matter|take to|help to|better to|enough to|hard to|likely)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Standalone:
    """The question that will be searched: what was `asked`, and the `earlier` questions it leans on, if any."""

    asked: str
    earlier: str = ""

    @property
    def text(self) -> str:
        return f"{self.asked} ({self.earlier})" if self.earlier else self.asked

    @property
    def rewritten(self) -> bool:
        return bool(self.earlier)


def condense(question: str, history: Sequence[Turn]) -> Standalone:
    """Return the question itself, or the question followed by the earlier questions it leans on."""
    question = question.strip()
    earlier = [turn.text.strip() for turn in history if turn.role == "user" and turn.text.strip()]
    if not earlier or not leans_on_earlier_turns(question):
        return Standalone(question)
    added: list[str] = []
    for turn in reversed(earlier[-MAX_TURNS_BACK:]):
        added.append(turn)
        if not leans_on_earlier_turns(turn):
            break
    return Standalone(question, " ".join(reversed(added)))


def leans_on_earlier_turns(question: str) -> bool:
    """Whether the question cannot be understood alone: it opens as a continuation, points back, or names nothing."""
    if _OPENING.search(question) or _ENDING.search(question):
        return True
    plain = _DUMMY_IT.sub(" ", _RELATIVE_THAT.sub(" ", question))
    if _POINTING.search(plain):
        return not _names_its_own_topic(plain)
    return len(set(content_words(question))) <= 1


def _names_its_own_topic(question: str) -> bool:
    """A pronoun after enough content words usually points inside the question ("if a candidate ..., how do they ...")."""
    match = _POINTING.search(question)
    before = question[: match.start()] if match else question
    return len(set(content_words(before))) >= 3
