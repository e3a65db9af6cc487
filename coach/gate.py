"""Decide whether the passages hold enough to answer from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from coach.answer_type import Stated, match_type
from coach.protocols import ChatModel
from coach.sentences import split_sentences
from coach.types import Passage, RefusalReason, Sentence, Turn
from coach.words import content_words, share_covered
from coach.yes_or_no import log_odds, probability_of_yes

# Logistic regression on the fit part of bench/answers against forty questions of SQuAD 2 on other subjects.
CHEAP = {"intercept": -2.34, "best_sentence": 11.58}
CLEARLY_NO = 0.27  # 1.5 % of the answerable fit questions fall below
CLEARLY_NO_WORDLESS = 0.37  # where no word of the question stands in the passages
# Where the document comes with written questions: how near is the question to one that a sentence answers, how near to one
# that none answers. Logistic regressions on the 230 plain and unanswerable fit questions, before and after a close look of
# the chat model at the nearest sentences (AUC 0.925 and 0.944, ten-fold). Its opinion of whole sections adds nothing
# here. Two thirds of the answerable questions and 2 of 73 unanswerable ones are beyond doubt.
FAMILIAR = {"intercept": -0.02, "asked": 11.63, "unanswered": -13.57}
FAMILIAR_NO, FAMILIAR_LEANS_NO, FAMILIAR_YES = 0.1, 0.3, 0.9
STRANGE = 0.45  # nearness to every answered question below which the subject is another: 0 of the 157 answerable ones
FAMILIAR_LOOKED = {"intercept": 0.1, "asked": 8.58, "unanswered": -13.01, "close_look": 2.3}
FAMILIAR_LOOKED_NO = 0.4
# The chat model's opinion (log-odds) on what is left: questions in the corpus's own words about what it does not
# say. AUC 0.91 on plainly worded questions, 0.73 on those worded far from the sources on purpose.
JUDGED = {"intercept": 1.84, "opinion": 1.66}
JUDGED_NO = 0.3  # an opinion below 0.16
# Both opinions, on 60 fit questions in the corpus's own words that got this far (AUC 0.86). Far from the question's wording
# the nearest sentences often miss the answer, and a No about them says nothing: there they are not asked about.
LOOKED = {"intercept": -2.17, "opinion": 0.74, "close_look": 2.35}
LOOKED_NO = 0.25  # refuses 6 of 18 unanswerable and 1 of 42 answerable ones
LOOKED_FROM = 0.3  # of the best sentence's score
NO_DOUBT = 0.8  # opinion of a section from which no closer look is taken: it costs seconds
CONVINCED = 0.5  # opinion of a section from which no further section is asked
OFF_TOPIC_COSINE = 0.15
NEAREST_SENTENCES = 4  # where an answer of the asked kind is looked for

# A capitalised word inside the question, acronyms aside: "Lisbon", "OpenAI". One after a full stop opens a sentence.
_NAME = re.compile(r"(?<=[^.!?:\s] )[A-Z][a-z][\w&.-]*\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# What people say of themselves before they ask ("I work at Siemens.") need not stand in any source.
_ABOUT_MYSELF = re.compile(
    r"\b(?:I(?:['’]m| am| work\w*| live| come| was)|my (?:company|employer|boss|team|job))\b[^.?!,;]*[.?!,;]?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether to answer. `scores` holds every signal, for the trace; `section` the prompt that convinced most.

    `missing` says, where it is known, what the question asks for and the sources do not hold. `leans_no` is how an
    unsure verdict counts where no model can be asked.
    """

    verdict: Literal["no", "unsure", "yes"]
    reason: RefusalReason | None
    scores: Mapping[str, float]
    section: int = 0
    missing: str = ""
    leans_no: bool = False

    @property
    def enough(self) -> bool:
        """Whether the question is to be answered, as far as is known by now."""
        return self.verdict == "yes" or (self.verdict == "unsure" and not self.leans_no)

    @property
    def is_familiar(self) -> bool:
        """Whether questions written down for the source were compared with this one."""
        return "unanswered" in self.scores


def gate(question: str, passages: Sequence[Passage], sentences: Sequence[Sentence]) -> Evidence:
    """Weigh how well `sentences` (the extractive answer) and `passages` cover the question.

    An answer of the kind that is asked for, every name and every limiting condition have to be there. Signals of
    words and vectors can say "no"; where they do not, a chat model may be asked (`ask_model`).
    """
    if not passages or not sentences:
        return Evidence("no", "no_evidence", {"probability": 0.0})
    best = max(citation.support for s in sentences for citation in s.citations)
    known = _known_words(passages)
    scores = {
        "best_sentence": best,
        "coverage": share_covered(content_words(question), known),
        "probability": _logistic(CHEAP, {"best_sentence": best}),
        **_familiarity(passages, sentences),
    }
    if scores["probability"] < (CLEARLY_NO if scores["coverage"] else CLEARLY_NO_WORDLESS):
        off_topic = passages[0].cosine < OFF_TOPIC_COSINE
        return Evidence("no", "off_topic" if off_topic else "no_evidence", scores)
    missing = _unknown_names(question, known) or _missing_kind(question, passages, sentences)
    if missing:
        return Evidence("no", "no_evidence", {**scores, "missing": 1.0}, missing=missing)
    evidence = Evidence("unsure", None, scores)
    return _by_familiarity(scores) if evidence.is_familiar else evidence


def _familiarity(passages: Sequence[Passage], sentences: Sequence[Sentence]) -> dict[str, float]:
    """How near the question is to those written down for the document that the best sentence stands in: to one that
    is answered there and to one that is not. Empty where none are written down."""
    best = max(sentences, key=lambda sentence: sentence.citations[0].support)
    source = passages[best.citations[0].passage].source
    own = [passage for passage in passages if passage.source == source and passage.asked_scores]
    if not own:
        return {}
    return {
        "asked": max(max(passage.asked_scores) for passage in own),
        "unanswered": own[0].unanswered_score,
    }


def _by_familiarity(scores: Mapping[str, float]) -> Evidence:
    probability = _logistic(FAMILIAR, scores)
    scores = {**scores, "probability": probability}
    if probability < FAMILIAR_NO or scores["asked"] < STRANGE:
        return Evidence("no", "no_evidence", scores)
    if probability >= FAMILIAR_YES:
        return Evidence("yes", None, scores)
    leans_no = probability < FAMILIAR_LEANS_NO
    return Evidence("unsure", "no_evidence" if leans_no else None, scores, leans_no=leans_no)


def ask_model(
    evidence: Evidence,
    chat_model: ChatModel,
    prompts: Sequence[Sequence[Turn]],
    close_look: Sequence[Turn] = (),
) -> Evidence:
    """Ask whether each prompt's sources state the answer (Yes or No), until one convinces.

    `close_look`, where given, is asked last, unless a section left no doubt: the nearest sentences alone, which
    the engine has never read before and needs seconds for. Raises BackendError when the model cannot choose.
    """
    opinions: list[float] = []
    for prompt in prompts:
        opinions.append(probability_of_yes(chat_model, prompt))
        if opinions[-1] >= CONVINCED:
            break
    best = max(opinions)
    scores = {
        **evidence.scores,
        "opinion": best,
        "probability": _logistic(JUDGED, {"opinion": log_odds(best)}),
    }
    if close_look and best < NO_DOUBT and evidence.scores["best_sentence"] >= LOOKED_FROM:
        looked = probability_of_yes(chat_model, close_look)
        odds = {"opinion": log_odds(best), "close_look": log_odds(looked)}
        scores |= {"close_look": looked, "probability": _logistic(LOOKED, odds)}
    if scores["probability"] < (LOOKED_NO if "close_look" in scores else JUDGED_NO):
        return Evidence("no", "no_evidence", scores)
    return Evidence("yes", None, scores, opinions.index(best))


def look_closely(evidence: Evidence, chat_model: ChatModel, close_look: Sequence[Turn]) -> Evidence:
    """Ask the model whether the nearest sentences state the answer, where the source comes with written questions.

    Raises BackendError when the model cannot choose.
    """
    looked = probability_of_yes(chat_model, close_look)
    probability = _logistic(FAMILIAR_LOOKED, {**evidence.scores, "close_look": log_odds(looked)})
    scores = {**evidence.scores, "close_look": looked, "probability": probability}
    if probability < FAMILIAR_LOOKED_NO:
        return Evidence("no", "no_evidence", scores)
    return Evidence("yes", None, scores)


def nearest_stated(passages: Sequence[Passage], sentences: Sequence[Sentence]) -> list[Stated]:
    """The sentences nearest to the question, at most NEAREST_SENTENCES, the best first, with their headings."""
    ranked = sorted(sentences, key=lambda sentence: -sentence.citations[0].support)[:NEAREST_SENTENCES]
    return [Stated(_heading(passages[s.citations[0].passage]), s.text) for s in ranked]


def _known_words(passages: Sequence[Passage]) -> set[str]:
    known: set[str] = set()
    for passage in passages:
        known.update(content_words(" ".join([*passage.chunk.headings, passage.chunk.text])))
    return known


def _unknown_names(question: str, known: set[str]) -> str:
    """Names and years of the question that are not among the `known` words, in the question's words."""
    asked = _ABOUT_MYSELF.sub(" ", question)
    names = [*_NAME.findall(asked), *_YEAR.findall(asked)]
    unknown = [name for name in names if content_words(name) and not set(content_words(name)) <= known]
    return " and ".join(f"“{name.rstrip('.')}”" for name in dict.fromkeys(unknown))


def _missing_kind(question: str, passages: Sequence[Passage], sentences: Sequence[Sentence]) -> str:
    """What an answer must hold and the sources do not: a kind of thing, or one for the asked condition."""
    best = nearest_stated(passages, sentences)
    others = [
        Stated(_heading(passage), passage.chunk.text[start:end])
        for passage in passages
        for start, end in split_sentences(passage.chunk.text)
    ]
    match = match_type(question, best, others)
    if match.missing:
        return match.label
    return f"{match.label} for “{match.condition}”" if match.condition else ""


def _heading(passage: Passage) -> str:
    return passage.chunk.headings[-1] if passage.chunk.headings else passage.title


def _logistic(coefficients: Mapping[str, float], scores: Mapping[str, float]) -> float:
    total = sum(value * scores.get(name, 1.0) for name, value in coefficients.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
