"""Say how likely it is that source sentences carry a claim, from a few learned signals; figures and names are vetoes.

The signals are late interaction (`coach.answer.late_interaction`), shared words and word pairs; their weights were fitted by
`bench.fit.support` on public collections of judged claims. A chat model's judgement of entailment counts with the vetoes alone, by
weights fitted on claims about the bundled article: the other signals add nothing to it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np

from coach.answer.late_interaction import cover
from coach.protocols import Embedder, Vectors
from coach.text.words import NUMBER_WORDS, STOP_WORDS, WORD, content_words
from coach.yes_or_no import logistic

MODEL_FILE = "support_model.json"
VETOES = ("figures_missing", "figure_conflicts", "names_missing")
SECOND_SENTENCE_GAIN = 0.15  # share of the claim's weight a second sentence must add to carry it too
ASKED_ABOUT = 3  # sentences a chat model is asked about
WORST_WORDS = 3  # whose mean says how badly the claim is covered at its worst
# Share of its word pairs that a claim must have from the sources to be shown on the strength of a chat model's judgement. A small
# model's own wording is where it adds what it knows from elsewhere: of 124 sentences of real replies that were judged by
# hand (bench/support/replies.jsonl) all 50 from this and a support of 0.97 on were true, and 46 of the 74 others.
OWN_WORDING = 0.5

# Short forms that this field writes either way: both sides are read in the long form.
_LONG_FORMS = {
    r"gen[ -]?ai": "generative AI",
    r"pms?": "product manager",
    r"llms?": "large language model",
    r"hiring managers?": "hiringmanager",  # one word: another person than the product manager
    r"vp": "vice president",
    r"ml": "machine learning",
    r"ux": "user experience",
    r"faqs?": "question",
}
_SHORT_FORM = re.compile(r"\b(?:" + "|".join(f"({form})" for form in _LONG_FORMS) + r")\b", re.IGNORECASE)
_NUMBER_WORDS = {
    word: value for word, value in NUMBER_WORDS.items() if value > 1
}  # "one" is a pronoun too often
_FACTORS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
_TOKEN = re.compile(
    r"(?P<digits>\d[\d,]*(?:\.\d+)?)(?:\s?(?P<factor>k|m|bn|thousand|million|billion)\b)?|"
    r"(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?:\n“\"‘(] )(?<!^)(?<![“\"‘(])\b[A-Z][\w&.-]*[A-Za-z0-9]\b")
_DENIAL = re.compile(r"\b(?:not|no|never|none|nor|neither|cannot|without|\w+n['’]t)\b", re.IGNORECASE)
_MEASURES = frozenset(
    content_words("weeks months days years hours minutes seconds percent dollars rounds interviews")
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence as the signals see it, taken apart once. Made by `read`."""

    text: str
    heading: str
    bag: frozenset[str]  # stems of the content words, with the heading's
    words: tuple[str, ...]  # those of the sentence alone, in order
    tokens: tuple[str, ...]  # every word, lower case, in order
    figures: frozenset[str]
    units: frozenset[tuple[str, str]]  # (figure, the content word it counts)


@dataclass(frozen=True, slots=True)
class SupportModel:
    """A fitted logistic: weights for standardised features. Read by `load_support_model`."""

    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]
    scales: Mapping[str, float]
    threshold: float  # of the probability: what is shown as supported has at least this

    def probability(self, features: Mapping[str, float]) -> float:
        """How likely the claim is supported, 0..1. Raises KeyError for a feature that is missing."""
        total = self.intercept + sum(
            weight * (features[name] - self.means[name]) / self.scales[name]
            for name, weight in self.weights.items()
        )
        return logistic(total)


@dataclass(frozen=True, slots=True)
class Support:
    """What a claim stands on: `supporting` are places among the sources, the nearest first, `nearest` those a chat model is
    to be asked about, in reading order.

    `vetoed` says that a figure, a name or free wording forbids support, however high `support` is; `signals` are what it was
    scored by, and `threshold` is the least support with which the claim may be shown.
    """

    support: float
    supporting: tuple[int, ...]
    vetoed: bool
    method: str
    threshold: float = 0.0
    signals: Mapping[str, float] = field(default_factory=dict)
    nearest: tuple[int, ...] = ()

    @property
    def supported(self) -> bool:
        return not self.vetoed and self.support >= self.threshold


@lru_cache(maxsize=1)
def load_support_model() -> SupportModel:
    """The coefficients that come with the package, as the fit wrote them: for signals alone."""
    return _model(_record())


@lru_cache(maxsize=1)
def load_entailment_model() -> SupportModel:
    """Those for the vetoes and a chat model's judgement of entailment, on the scale of the built-in model's."""
    return _model(_record()["second_opinion"])


def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(
        files("coach").joinpath("answer", MODEL_FILE).read_text(encoding="utf-8")
    )
    return record


def _model(record: Mapping[str, Any]) -> SupportModel:
    rows = record["features"]
    return SupportModel(
        intercept=record["intercept"],
        weights={name: row["weight"] for name, row in rows.items()},
        means={name: row["mean"] for name, row in rows.items()},
        scales={name: row["scale"] for name, row in rows.items()},
        threshold=record["threshold"],
    )


@lru_cache(maxsize=4096)
def read(text: str, heading: str = "") -> Reading:
    """Take a sentence apart. `heading` adds its words and figures to what the sentence is known to speak of."""
    plain, title = _in_long_form(text), _in_long_form(heading)
    words = content_words(plain)
    figures, units = _figures(plain)
    return Reading(
        text=text,
        heading=heading,
        bag=frozenset(words) | frozenset(content_words(title)),
        words=words,
        tokens=tuple(word.lower() for word in WORD.findall(plain)),
        figures=figures | _figures(title)[0],
        units=units,
    )


def score_claim(claim: Reading, sources: Sequence[Reading], cosines: Vectors, embedder: Embedder) -> Support:
    """How well the source sentences, of which there must be one at least, carry the claim.

    `cosines` are those of the sentences to the claim, in their order.
    """
    verbatim = [place for place, source in enumerate(sources) if source.tokens == claim.tokens]
    if verbatim:
        return Support(1.0, (verbatim[0],), False, "verbatim")
    supporting = choose_supporting(claim, sources, cosines)
    signals = features(claim, sources, supporting, embedder)
    model = load_support_model()
    nearest = nearest_to_ask_about(supporting, cosines)
    # Signals are blind to a "not" that was dropped or added: where they decide alone, that decides. It hides 1 of 31 true sentences of
    # the judged replies and 8 of 14 false ones among the near copies that they would show.
    best = sources[supporting[0]]
    one_side_denies = denies(claim.text) != denies(best.text)
    is_a_piece_of_it = (
        f" {' '.join(claim.tokens)} " in f" {' '.join(best.tokens)} "
    )  # nothing was dropped inside
    return Support(
        0.0 if one_side_denies and not is_a_piece_of_it else model.probability(signals),
        supporting,
        is_vetoed(signals),
        "fitted",
        model.threshold,
        signals,
        nearest,
    )


def denies(text: str) -> bool:
    """Whether a word of denial stands in it."""
    return bool(_DENIAL.search(text))


def nearest_to_ask_about(supporting: Sequence[int], cosines: Vectors) -> tuple[int, ...]:
    """The supporting sentences and, while there are fewer than ASKED_ABOUT, the nearest by meaning, in reading order."""
    by_meaning = np.argsort(-cosines, kind="stable")[: ASKED_ABOUT - 1].tolist()
    return tuple(sorted(list(dict.fromkeys([*supporting, *by_meaning]))[:ASKED_ABOUT]))


def is_hopeless(evidence: Support) -> bool:
    """Whether no judgement of a chat model could let the claim be shown: it is in words of its own."""
    return evidence.signals["word_pairs"] < OWN_WORDING


def with_entailment(evidence: Support, model: SupportModel, log_odds: float) -> Support:
    """The evidence scored anew with the log-odds of Yes that a chat model gave."""
    support = model.probability({**evidence.signals, "opinion": log_odds})
    return replace(evidence, support=support, method="fitted, entailment", threshold=model.threshold)


def is_vetoed(signals: Mapping[str, float]) -> bool:
    """Whether `features` found a figure that the supporting sentences do not hold, or a name that no source holds."""
    return any(signals[name] > 0 for name in VETOES)


def figure_conflicts(claim: Reading, supporting: Sequence[Reading]) -> int:
    """Figures of the claim that the supporting sentences lack, or that count there something else ("5-7 weeks")."""
    known = frozenset[str]().union(*(source.figures for source in supporting))
    units = frozenset[tuple[str, str]]().union(*(source.units for source in supporting))
    counted = {unit for _, unit in units}
    conflicts = len(claim.figures - known)
    for figure in claim.figures & known:
        own = {unit for counting, unit in claim.units if counting == figure}
        theirs = {unit for counting, unit in units if counting == figure}
        elsewhere = bool(own & counted) or bool(own & _MEASURES and theirs & _MEASURES)
        conflicts += bool(own) and not own & theirs and elsewhere
    return conflicts


def unknown_names(claim: Reading, sources: Sequence[Reading]) -> tuple[str, ...]:
    """Names in the claim that the sources and their headings do not hold, neither as written nor word by word."""
    names = dict.fromkeys(_NAME.findall(_in_long_form(claim.text)))
    if not names:
        return ()
    text = " ".join(_in_long_form(f"{source.heading} {source.text}") for source in sources)
    words = frozenset[str]().union(*(source.bag for source in sources))
    return tuple(name for name in names if name.lower() not in text and not set(content_words(name)) <= words)


def choose_supporting(claim: Reading, sources: Sequence[Reading], cosines: Vectors) -> tuple[int, ...]:
    """Places of the source sentence that comes nearest, and of a second one that adds what it lacks.

    Nearest by the mean of weighted word recall and cosine. `sources` must not be empty.
    """
    weights = _word_weights(claim, sources)
    recalls = np.array([_recall(claim, source.bag, weights) for source in sources])
    nearness = 0.5 * recalls + 0.5 * np.maximum(cosines, 0.0)
    best = int(np.argmax(nearness))
    total = sum(weights.values()) or 1.0
    gains = np.array(
        [
            sum(weight for word, weight in weights.items() if word in source.bag - sources[best].bag) / total
            for source in sources
        ]
    )
    second = int(np.argmax(gains + 0.1 * nearness * (gains > 0)))
    return (best, second) if gains[second] >= SECOND_SENTENCE_GAIN else (best,)


def features(
    claim: Reading, sources: Sequence[Reading], supporting: Sequence[int], embedder: Embedder
) -> dict[str, float]:
    """The named signals of one claim against source sentences, of which those at `supporting` are to support it."""
    chosen = [sources[place] for place in supporting]
    covered = np.sort(cover(claim.text, [source.text for source in chosen], embedder).cosines.max(axis=1))
    known = frozenset[str]().union(*(source.figures for source in sources))
    both = frozenset[str]().union(*(source.bag for source in chosen))
    return {
        "covered": float(covered.mean()) if len(covered) else 1.0,
        "worst_covered": float(covered[:WORST_WORDS].mean()) if len(covered) else 1.0,
        "recall": _recall(claim, both, _word_weights(claim, sources)),
        "word_pairs": _pairs_found(claim.tokens, [source.tokens for source in sources]),
        "figures_missing": float(min(2, len(claim.figures - known))),
        "figure_conflicts": float(min(2, figure_conflicts(claim, chosen))),
        "names_missing": float(min(2, len(unknown_names(claim, sources)))),
    }


def _in_long_form(text: str) -> str:
    forms = list(_LONG_FORMS.values())
    return _SHORT_FORM.sub(lambda match: forms[(match.lastindex or 1) - 1], text)


def _figures(text: str) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Figures in `text`, in digits or words ("one" is a pronoun too often), and what each counts."""
    found: set[str] = set()
    units: set[tuple[str, str]] = set()
    waiting: list[str] = []
    counting = False
    for match in _TOKEN.finditer(text):
        figure = _figure(match)
        if figure is not None:
            found.add(figure)
            waiting = [*waiting, figure] if not counting else [figure]
            counting = False
            continue
        word = (match["word"] or "").lower()
        stem = () if word in STOP_WORDS else content_words(word)
        if waiting and stem:
            units.update((figure, stem[0]) for figure in waiting)
            waiting, counting = ([], False) if counting else (waiting, True)
        elif counting or word not in {"to", "or", "and", "of"}:
            waiting, counting = [], False
    return frozenset(found), frozenset(units)


def _figure(match: re.Match[str]) -> str | None:
    if match["digits"]:
        try:
            value = float(match["digits"].replace(",", "")) * _FACTORS.get((match["factor"] or "").lower(), 1)
        except ValueError:  # digits of a script that float does not read
            return match["digits"]
        return f"{value:.10g}"
    number = _NUMBER_WORDS.get(match["word"].lower())
    return None if number is None else f"{number:g}"


def _word_weights(claim: Reading, sources: Sequence[Reading]) -> dict[str, float]:
    """Inverse document frequency (Spärck Jones 1972) of the claim's words among the source sentences."""
    counts = Counter(word for source in sources for word in source.bag)
    return {word: math.log(1 + len(sources) / (counts[word] + 0.5)) for word in dict.fromkeys(claim.words)}


def _recall(claim: Reading, bag: frozenset[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in bag) / total if total else 1.0


def _pairs_found(words: Sequence[str], sources: Sequence[Sequence[str]]) -> float:
    own = set(pairwise(words))
    if not own:
        return 0.0
    theirs = {pair for source in sources for pair in pairwise(source)}
    return len(own & theirs) / len(own)
