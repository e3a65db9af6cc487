"""Find the sentence of a draft that best carries a criterion, and what speaks for and against it, without a model that talks.

What people say when they meet a criterion stands in `judge_evidence.json`: example sentences of ours, compared
by meaning, and cues, compared by their letters. A criterion that is not listed there (a user's own rubric)
is compared with the rubric's own words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from coach.protocols import Embedder, Vectors
from coach.text.words import content_words
from coach.types import Criterion

EVIDENCE_FILE = "judge_evidence.json"
# How the parts of a sentence's strength add up: set by hand, then left alone, as fitting them on 63 drafts
# made the choice of the sentence worse on drafts to other questions.
NEAREST_SAID = 2  # example sentences averaged: one alone may agree by its subject
RUBRIC_SHARE, CUE_SHARE, FIGURE_SHARE = 0.5, 0.3, 0.1
BUZZ_SHARE, AGAINST_SHARE, LIST_SHARE = 0.1, 0.3, 0.4
MOST_CUES, MOST_FIGURES, MOST_EMPTY = 3, 2, 3  # counted in one sentence: more prove no more
MANY_SENTENCES = 4  # that touch the criterion
STRONGEST = 5  # sentences whose style tells whether the talk around the best one is concrete
LONG_LIST, BARE_WORDS = 5, 3  # terms in a row, of so many words each

_FIGURE = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|"
    r"hundred|thousand|million|half|third|quarter|fifth|tenth|twice|percent|per cent)\b",
    re.IGNORECASE,
)
# Words of advertisement: they stand where a committee wants to hear what and how.
_BUZZ = re.compile(
    r"\b(?:leverag\w*|cutting[- ]edge|state[- ]of[- ]the[- ]art|next[- ]gen\w*|seamless\w*|world[- ]class|"
    r"best[- ]in[- ]class|innovat\w*|revolution\w*|transform(?:s|ative|ation|ational|ing)?|empower\w*|delight\w*|"
    r"unlock\w*|robust|holistic\w*|synerg\w*|paradigm|disrupt\w*|game[- ]chang\w*|frontier|vision|visionary|journey|"
    r"passion\w*|excit\w*|future[- ]proof|end-to-end|ecosystem|stakeholder\w*|thought leader\w*|strategic\w*|"
    r"proactive\w*|reimagin\w*|supercharg\w*|unparalleled|comprehensive\w*|utmost|trustworth\w*|responsibl[ey]|"
    r"ethical\w*|human[- ]cent\w*|user[- ]cent\w*|customer[- ]obsess\w*|data[- ]driven|agile|iterat\w*|"
    r"best practices?|industry[- ]leading|enterprise[- ]grade|scalab\w*|intelligent\w*|smart\w*|magic\w*|"
    r"incredibl\w*|amazing\w*|tremendous\w*|relentless\w*|always|everything|everyone|everywhere|"
    r"every touchpoint|any issue|limitless|endless|infinite)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The place of the best sentence (and of the next), and every signal by name, each about 0..1."""

    best: int
    next: int
    signals: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Marks:
    """What betrays that a criterion is spoken of."""

    said: tuple[str, ...]
    rubric: tuple[str, ...]
    cues: re.Pattern[str]
    against: re.Pattern[str] | None


def find_evidence(criterion: Criterion, sentences: Sequence[str], embedder: Embedder) -> Evidence:
    """How strongly `sentences`, of which there must be one at least, speak to `criterion`."""
    marks = _marks(criterion)
    partly = criterion.anchors["partly"]
    late = _late_interaction([*marks.said, criterion.anchors["met"]], sentences, embedder)
    vectors = embedder.embed([partly, *sentences, *marks.said, *marks.rubric])
    own, said, rubric = _split(vectors[1:], len(sentences), len(marks.said))
    near_said = _mean_of_largest(own @ said.T, NEAREST_SAID)
    near_rubric = [float(row.mean()) for row in own @ rubric.T]
    strengths = [
        near_said[place] + RUBRIC_SHARE * near_rubric[place] + _wording(sentence, marks)
        for place, sentence in enumerate(sentences)
    ]
    ranked = sorted(range(len(sentences)), key=lambda place: (-strengths[place], place))
    best, following = ranked[0], ranked[min(1, len(ranked) - 1)]
    signals = {
        "evidence": strengths[best],
        "evidence_next": strengths[following],
        "late_said": float(late[:-1].mean()),
        "late_met": float(late[-1]),
        "near_partly": float((own @ vectors[0]).max()),
        "cues": _cues(sentences[best], marks) / MOST_CUES,
        "touched": min(1.0, sum(_cues(sentence, marks) > 0 for sentence in sentences) / MANY_SENTENCES),
        **_style(sentences[best]),
        **_style_around([sentences[place] for place in ranked[:STRONGEST]]),
    }
    return Evidence(best, following, signals)


def is_touched(criterion: Criterion, sentences: Sequence[str]) -> bool:
    """Whether any of the words that belong to the criterion stands in the sentences."""
    marks = _marks(criterion)
    return any(_cues(sentence, marks) for sentence in sentences)


def _late_interaction(texts: Sequence[str], sentences: Sequence[str], embedder: Embedder) -> Vectors:
    """For each of `texts` the likeness of the sentence nearest to it: the mean, over the text's tokens, of the cosine of the sentence's
    nearest token (Khattab & Zaharia 2020, arXiv:2004.12832). 0.0 where either has no token."""
    tokens = [one.vectors for one in embedder.embed_tokens([*texts, *sentences])]
    spoken = [vectors for vectors in tokens[len(texts) :] if len(vectors)]
    found = np.zeros(len(texts), dtype=np.float32)
    if not spoken:
        return found
    begins = np.cumsum([0, *(len(vectors) for vectors in spoken[:-1])])
    together = np.vstack(spoken).T
    for place, vectors in enumerate(tokens[: len(texts)]):
        if len(vectors):
            found[place] = np.maximum.reduceat(vectors @ together, begins, axis=1).mean(axis=0).max()
    return found


def _split(vectors: Vectors, sentences: int, said: int) -> tuple[Vectors, Vectors, Vectors]:
    return vectors[:sentences], vectors[sentences : sentences + said], vectors[sentences + said :]


def _mean_of_largest(cosines: Vectors, count: int) -> list[float]:
    return [sum(sorted(map(float, row), reverse=True)[:count]) / min(count, len(row)) for row in cosines]


def _wording(sentence: str, marks: _Marks) -> float:
    style = _style(sentence)
    against = AGAINST_SHARE if marks.against is not None and marks.against.search(sentence) else 0.0
    return (
        CUE_SHARE * _cues(sentence, marks) / MOST_CUES
        + FIGURE_SHARE * style["figures"]
        - BUZZ_SHARE * style["buzz"]
        - (LIST_SHARE if _is_list_of_terms(sentence) else 0.0)
        - against
    )


def _style_around(strongest: Sequence[str]) -> dict[str, float]:
    """How concrete and how boastful the criterion's strongest sentences are: padding is not among them."""
    styles = [_style(sentence) for sentence in strongest]
    return {
        f"around_{name}": sum(style[name] for style in styles) / len(styles) for name in ("figures", "buzz")
    }


def _is_list_of_terms(sentence: str) -> bool:
    """Whether most of the sentence only names things, one after the other, and says nothing of any."""
    parts = [part.split() for part in re.split(r"[,;:]| and ", sentence)]
    bare = sum(len(words) <= BARE_WORDS for words in parts)
    return bare >= LONG_LIST and bare > len(parts) / 2


def _cues(sentence: str, marks: _Marks) -> int:
    return min(MOST_CUES, len({match.lower() for match in marks.cues.findall(sentence)}))


@lru_cache(maxsize=4096)
def _style(sentence: str) -> dict[str, float]:
    return {
        "figures": min(MOST_FIGURES, len(_FIGURE.findall(sentence))) / MOST_FIGURES,
        "buzz": min(MOST_EMPTY, len(_BUZZ.findall(sentence))) / MOST_EMPTY,
        "length": min(30, len(sentence.split())) / 30,
    }


@lru_cache(maxsize=256)
def _marks_of(identity: str, texts: tuple[str, ...]) -> _Marks:
    record = _record().get(identity)
    if record is None:
        stems = sorted({stem for text in texts for stem in content_words(text) if len(stem) > 3})
        return _Marks(texts, texts, _pattern("|".join(f"{re.escape(stem)}\\w*" for stem in stems)), None)
    against = record.get("against", "")
    return _Marks(
        tuple(record["said"]), texts, _pattern(record["cues"]), _pattern(against) if against else None
    )


def _marks(criterion: Criterion) -> _Marks:
    texts = (
        criterion.question,
        criterion.anchors["met"],
        criterion.name,
        criterion.hint,
        criterion.elicit,
        criterion.frame,
    )
    return _marks_of(criterion.id, tuple(text for text in texts if text))


def _pattern(alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{alternatives})", re.IGNORECASE)


@cache
def _record() -> dict[str, Any]:
    text = files("coach").joinpath("critique", EVIDENCE_FILE).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["criteria"]
    return found
