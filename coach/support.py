"""Say how likely it is that source sentences carry a claim, from cheap signals and a fitted logistic.

The signals compare words, word order, figures, names, negation and meaning; their weights were fitted by
`coach.evaluation.support` on public collections of judged claims and on claims about the bundled article.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coach.words import STOP_WORDS, content_words

MODEL_FILE = "support_model.json"
VETOES = ("figures_missing", "figure_conflicts", "names_missing")
SECOND_SENTENCE_GAIN = 0.15  # share of the claim's weight a second sentence must add to carry it too
SHARED_PREFIX = 5  # letters from which two stems count as one word family ("probabl-", "probabilist-")
ASSERTED, DENIED, NOT_ONLY, ONLY = 1, -1, 0, 2
ASKED_ABOUT = 3  # sentences a second opinion is asked about
# Share of its word pairs that a claim must have from the sources to be shown on the strength of an opinion. A small
# model's own wording is where it adds what it knows from elsewhere: of 124 sentences of real replies that were judged by
# hand (bench/support/replies.jsonl) all 50 from this and a support of 0.97 on were true, and 46 of the 74 others.
OWN_WORDING = 0.5
HOPELESS = 0.02  # support by signals alone below which no claim of the fit was carried
PART_WORDS = 3  # content words from which a part of a claim says something of its own


def _listed(words: str) -> list[str]:
    return words.split()


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
    word: number
    for number, word in enumerate(
        _listed(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen"
        ),
        start=2,
    )
} | {
    word: 10 * number
    for number, word in enumerate(_listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_FACTORS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
_TOKEN = re.compile(
    r"(?P<digits>\d[\d,]*(?:\.\d+)?)(?:\s?(?P<factor>k|m|bn|thousand|million|billion)\b)?|"
    r"(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?:\n“\"‘(] )(?<!^)(?<![“\"‘(])\b[A-Z][\w&.-]*[A-Za-z0-9]\b")
# Employers that a model likes to add, in case they open a sentence, where a capital letter proves nothing.
_EMPLOYERS = re.compile(
    r"\b(?:adobe|airbnb|alphabet|amazon|anthropic|apple|bytedance|deepmind|facebook|google|hugging face|ibm|"
    r"intel|linkedin|meta|microsoft|mistral|netflix|nvidia|openai|oracle|salesforce|snap|spotify|stripe|tesla|"
    r"tiktok|uber)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"[;:,.?!—–()“”\"]|(?=\b(?:rather than|instead of|over|beyond|but|although|while|whereas|not just|not only|not merely|"
    r"not simply|not solely|without)\b)",
    re.IGNORECASE,
)
_MEMBER = re.compile(r",\s*(?:and|or)?\s+|\s+and\s+|\s+or\s+")
_NOT_ONLY = re.compile(
    r"\b(?:not|n['’]t)\s+(?:just|only|merely|simply|solely)\b|\bbeyond\b|\balone\b.*\bnot\b|\bnot enough\b|\bnot (?:suffice|sufficient)\b",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(
    r"\b(?:not|no|never|none|nor|neither|without|cannot|\w+n['’]t|rather than|instead of|over|fail(?:s|ed|ing)? to|"
    r"lack(?:s|ed|ing)?|neglect(?:s|ed|ing)?|ignor(?:e|es|ed|ing)|avoid(?:s|ed|ing)?|unable|inability|"
    r"no longer|hardly|rarely|seldom)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # as in coach.words
_SIDE = re.compile(r"[;:.!?—–]|,\s+(?=(?:and|but|while|whereas|with)\b)|\b(?=(?:but|while|whereas)\b)")
_ONLY = re.compile(r"\b(?:only|merely|simply|solely|purely|alone|all it takes)\b", re.IGNORECASE)
_PART = re.compile(r"[;:—–]|,\s+(?:and|but|while|which|so|or|with|because)\b|,|\b(?:and|but|while|because)\b")
_ABSOLUTE = frozenset(
    _listed(
        "always never all every everyone none nobody only must guaranteed guarantee entirely completely exclusively "
        "solely strictly any nothing everything"
    )
)
_OPPOSITES = """
more less|more fewer|higher lower|high low|faster slower|fast slow|simpler complex|simple complex|before after|
first last|increase decrease|increase reduce|increases reduces|increased decreased|always never|always sometimes|
always rarely|often rarely|often never|frequently rarely|all some|all none|many few|most few|every some|
must optional|must may|mandatory optional|mandatory unnecessary|required optional|essential optional|essential unnecessary|include exclude|
includes excludes|with without|strong weak|better worse|best worst|larger smaller|large small|initial final|
traditional generative|deterministic probabilistic|junior senior|internal external|success failure|accepted
rejected|approved rejected|accept reject|approve reject|praised criticised|pass fail|passed failed|easy hard|easy difficult|
static volatile|static dynamic|subjective objective|abstract concrete|powerful weak|minimum maximum|least most|short
long|shorter longer|early late|supervised unsupervised|allow prevent|manual automated|positive negative|ignore
consider|enough insufficient|rise fall|rising falling|rose fell|win lose|won lost|buy sell|old new|older newer|male
female|man woman|men women|north south|east west|husband wife|son daughter|brother sister|he she|his her|disadvantage
advantage|disadvantageous advantageous|pre-deployment post-deployment|excelled failed|exceed trail|exceeding below|exceeding trailing|above
below|deep shallow|deep superficial|nuanced superficial|expert novice|experienced inexperienced|begin end|started ended|up down|open closed|
proprietary public|public private|low-latency high-latency|rapidly slowly|quickly slowly|widely narrowly|broad
specialized|generic specific|human automated|online offline|advantage drawback|strengths weaknesses|benefits
drawbacks|cheaper expensive|worked failed|gain loss|gained lost|young old|day night|same different|similar
different|agree disagree|agreed refused|confirmed denied|confirm deny|above beneath|accurate inaccurate|achieve fail|active passive|add remove|adds removes|
admit deny|advance retreat|after until|ancient modern|attack defend|attract repel|best least|big small|boost cut|borrow lend|
bottom top|build destroy|built destroyed|calm tense|careful careless|certain doubtful|certain uncertain|clear vague|close distant|
combine separate|complete partial|compulsory voluntary|connect disconnect|correct wrong|create destroy|dangerous safe|decline grow|
decrease grow|deepen reduce|defeat victory|demand supply|detailed vague|direct indirect|discourage encourage|early late|
effective ineffective|employ dismiss|empty full|enable prevent|end start|enter leave|ever never|exact rough|exceed fall|
exciting dull|expand contract|expensive cheap|explicit implicit|export import|fair unfair|false true|famous obscure|few numerous|
fixed changing|fixed dynamic|fixed evolving|flexible rigid|follow precede|follows precedes|forbid permit|forget remember|formal informal|
frequent rare|frequently rarely|common rare|future past|general specific|gentle blunt|give take|global local|gradual sudden|grow shrink|guilty
innocent|hard soft|harm benefit|harmful harmless|heavy light|hire fire|horizontal vertical|huge tiny|massive small|massive modest|
improve worsen|inside outside|join leave|known novel|last initial|left right|legal illegal|less most|lose gain|loud quiet|low massive|lower
raise|major minor|majority minority|many one|mature immature|near far|natural artificial|necessary unnecessary|needed unneeded|
never ever|never frequently|never often|noisy quiet|now later|obvious subtle|offense defense|often seldom|only also|open closed|ordinary
special|partly entirely|peace war|permanent temporary|personal generic|plural single|poor rich|poor strong|poor good|positive critical|
practical theoretical|precise vague|predictable volatile|present absent|prevent cause|primary secondary|profit loss|promote demote|
push pull|quiet noisy|raw refined|ready unready|real fake|realistic unrealistic|recent old|relaxed strict|reliable unreliable|rigid
dynamic|rough exact|safe risky|sad happy|scarce abundant|sell buy|senior entry-level|separate joint|serious trivial|sharp dull|shrink
expand|silent loud|simple sophisticated|slow rapid|slow fast|slowly rapidly|small massive|smooth rough|solid weak|spend save|stable evolving|stable volatile|
stable unpredictable|standard custom|starting ending|static evolving|sufficient insufficient|superior inferior|tight loose|total partial|
transparent opaque|trivial critical|unlimited limited|unique common|universal local|upper lower|urgent optional|useful useless|valid invalid|
visible hidden|voluntary mandatory|wealthy poor|wide narrow|worse improved|live died|alive dead|known unknown
"""


def _read_opposites() -> dict[str, frozenset[str]]:
    pairs = [pair.split() for pair in " ".join(_OPPOSITES.split()).split("|")]
    found: dict[str, set[str]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


_OPPOSITE = _read_opposites()
_PRAISE = frozenset(
    _listed(
        "good great recommended recommend excelled excels excel praised approved passed pass succeed strength"
    )
)
_BLAME = frozenset(
    _listed(
        "bad mistake mistakes pitfall pitfalls fail failed fails failing error flagged rejected wrong weakness"
    )
)
_NEGATING_PREFIXES = ("un", "in", "im", "ir", "dis", "non", "mis")
_PEOPLE = _listed(
    "hiringmanager recruiter interviewer candidate committee director engineer researcher president user customer "
    "designer executive lawyer founder team company government court minister coach player doctor mother father "
    "wife husband vendor investor regulator scientist analyst peer employer student"
)
_ACTORS = frozenset(_PEOPLE) | frozenset(f"{person}s" for person in _PEOPLE)
# What a model says to play a demand down, or to make it total.
_DOWNPLAY = frozenset(
    _listed(
        "optional unnecessary skip wait rare rarely seldom slowly easily enough same merely simply solely only alone"
    )
)
_MEASURES = frozenset(
    content_words("weeks months days years hours minutes seconds percent dollars rounds interviews")
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence as the signals see it, taken apart once. Made by `read`."""

    text: str
    heading: str
    words: tuple[str, ...]  # stems of the content words, in order
    bag: frozenset[str]  # those, with the heading's
    tokens: tuple[str, ...]  # every word, lower case, in order
    token_set: frozenset[str]
    figures: frozenset[str]
    units: frozenset[tuple[str, str]]  # (figure, the content word it counts)
    polarities: Mapping[str, frozenset[int]]  # content word -> one of the polarities below
    clauses: tuple[frozenset[str], ...]  # the words of each clause, lower case, for what stands side by side


@dataclass(frozen=True, slots=True)
class SupportModel:
    """A fitted logistic: weights for standardised features. Read by `load_support_model`."""

    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]
    scales: Mapping[str, float]
    threshold: float  # of the probability: what is shown as supported has at least this

    def probability(self, features: Mapping[str, float]) -> float:
        """How likely the claim is carried, 0..1. Raises KeyError for a feature that is missing."""
        total = self.intercept + sum(
            weight * (features[name] - self.means[name]) / self.scales[name]
            for name, weight in self.weights.items()
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim stands on: `carriers` are places among the sources, the nearest first, `nearest` those a second
    opinion is to be asked about, in reading order.

    `vetoed` says that a figure, a name or free wording forbids support, however high `support` is; `signals` are what it was
    weighed by, and `threshold` is the least support with which the claim may be shown.
    """

    support: float
    carriers: tuple[int, ...]
    vetoed: bool
    method: str
    threshold: float = 0.0
    signals: Mapping[str, float] = field(default_factory=dict)
    nearest: tuple[int, ...] = ()

    @property
    def carried(self) -> bool:
        return not self.vetoed and self.support >= self.threshold


@lru_cache(maxsize=1)
def load_support_model() -> SupportModel:
    """The coefficients that come with the package, as the fit wrote them: for signals alone."""
    return _model(_record())


@lru_cache(maxsize=8)
def load_opinion_model(chat_model_name: str) -> SupportModel | None:
    """Those for signals and the opinion of the chat model with this name; None where its opinion was never measured."""
    found = _record()["second_opinions"].get(chat_model_name.casefold())
    return None if found is None else _model(found)


def _record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(files("coach").joinpath(MODEL_FILE).read_text(encoding="utf-8"))
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
    plain = _in_long_form(text)
    words = content_words(plain)
    tokens = tuple(word.lower() for word in _WORD.findall(plain))
    title = _in_long_form(heading)
    figures, units = _figures(plain)
    return Reading(
        text=text,
        heading=heading,
        words=words,
        bag=frozenset(words) | frozenset(content_words(title)),
        tokens=tokens,
        token_set=frozenset(tokens),
        figures=figures | _figures(title)[0],
        units=units,
        polarities=_polarities(plain),
        clauses=tuple(
            frozenset(word.lower() for word in _WORD.findall(clause))
            for clause in _SIDE.split(plain)
            if len(content_words(clause)) > 1
        )
        or (frozenset(tokens),),
    )


def claim_parts(claim: str) -> tuple[str, ...]:
    """The parts of a claim that each say something of their own; empty where it is all of a piece.

    One true half must not carry the other, so each part is compared with the sources by itself.
    """
    parts: list[str] = []
    start = 0
    for match in [*_PART.finditer(claim), None]:
        end = match.start() if match else len(claim)
        if match and len(content_words(claim[start:end])) < PART_WORDS:
            continue
        parts.append(claim[start:end].strip(" ,;:"))
        start = match.end() if match else end
    if len(parts) > 1 and len(content_words(parts[-1])) < PART_WORDS:
        parts[-2:] = [" ".join(parts[-2:])]
    return tuple(parts) if len(parts) > 1 else ()


def weigh(
    claim: Reading,
    sources: Sequence[Reading],
    vectors: NDArray[np.float32],
    claim_vector: NDArray[np.float32],
    part_vectors: NDArray[np.float32],
) -> Evidence:
    """How well the source sentences, of which there must be one at least, carry the claim.

    The further arguments are those that `features` takes.
    """
    verbatim = [place for place, source in enumerate(sources) if source.tokens == claim.tokens]
    if verbatim:
        return Evidence(1.0, (verbatim[0],), False, "verbatim")
    signals = features(claim, sources, vectors, claim_vector, part_vectors)
    cosines = vectors @ claim_vector
    carriers = choose_carriers(claim, sources, cosines)
    model = load_support_model()
    nearest = nearest_to_ask_about(carriers, cosines)
    return Evidence(
        model.probability(signals), carriers, is_vetoed(signals), "fitted", model.threshold, signals, nearest
    )


def nearest_to_ask_about(carriers: Sequence[int], cosines: NDArray[np.float32]) -> tuple[int, ...]:
    """The carriers and, while there are fewer than ASKED_ABOUT, the nearest by meaning, in reading order."""
    by_meaning = np.argsort(-cosines, kind="stable")[: ASKED_ABOUT - 1].tolist()
    return tuple(sorted(list(dict.fromkeys([*carriers, *by_meaning]))[:ASKED_ABOUT]))


def is_hopeless(evidence: Evidence) -> bool:
    """Whether no opinion could let the claim be shown: it is in words of its own, or nothing speaks for it."""
    return evidence.support < HOPELESS or evidence.signals["token_bigrams"] < OWN_WORDING


def with_opinion(evidence: Evidence, model: SupportModel, log_odds: float) -> Evidence:
    """The evidence weighed anew with the log-odds of Yes that the chat model of `model` gave."""
    support = model.probability({**evidence.signals, "opinion": log_odds})
    return replace(evidence, support=support, method="fitted, second opinion", threshold=model.threshold)


def is_vetoed(signals: Mapping[str, float]) -> bool:
    """Whether `features` found a figure that the carriers do not hold, or a name that no source holds."""
    return any(signals[name] > 0 for name in VETOES)


def figure_conflicts(claim: Reading, carriers: Sequence[Reading]) -> int:
    """Figures of the claim that the carriers lack, or that count there something else ("5-7 weeks")."""
    known = frozenset[str]().union(*(source.figures for source in carriers))
    units = frozenset[tuple[str, str]]().union(*(source.units for source in carriers))
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
    plain = _in_long_form(claim.text)
    names = dict.fromkeys([*_NAME.findall(plain), *_EMPLOYERS.findall(plain)])
    if not names:
        return ()
    text = " ".join(_in_long_form(f"{source.heading} {source.text}") for source in sources)
    words = frozenset[str]().union(*(source.bag for source in sources))
    return tuple(name for name in names if name.lower() not in text and not set(content_words(name)) <= words)


def choose_carriers(
    claim: Reading, sources: Sequence[Reading], cosines: NDArray[np.float32]
) -> tuple[int, ...]:
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
    claim: Reading,
    sources: Sequence[Reading],
    vectors: NDArray[np.float32],
    claim_vector: NDArray[np.float32],
    part_vectors: NDArray[np.float32],
) -> dict[str, float]:
    """The named signals of one claim against source sentences, which must not be empty.

    `vectors` are the unit vectors of the source sentences in their order; `part_vectors` those of
    `claim_parts`, of shape (0, dimension) where there are none.
    """
    cosines = vectors @ claim_vector
    carriers = choose_carriers(claim, sources, cosines)
    carried_by = [sources[place] for place in carriers]
    weights = _word_weights(claim, sources)
    everything = frozenset[str]().union(*(source.bag for source in sources))
    both = frozenset[str]().union(*(source.bag for source in carried_by))
    recalls = sorted((_recall(claim, source.bag, weights) for source in sources), reverse=True)
    ranked = np.sort(cosines)[::-1]
    nearest = np.argsort(-cosines, kind="stable")[:3]
    centre = vectors[nearest].sum(axis=0)
    parts = part_vectors @ vectors.T if len(part_vectors) else cosines[None, :]
    best = carried_by[0]
    return {
        "recall_best": recalls[0],
        "recall_carriers": _recall(claim, both, weights),
        "recall_everywhere": _recall(claim, everything, weights),
        "recall_families": _family_recall(claim, both),
        "recall_unweighted": _share(claim.words, both),
        "missing_run": _longest_missing_run(claim, both) / 4,
        "missing_everywhere": math.log1p(len(set(claim.words) - everything)),
        "bigrams": _bigrams_found(claim.words, [source.words for source in sources]),
        "token_bigrams": _bigrams_found(claim.tokens, [source.tokens for source in sources]),
        "subsequence": _common_subsequence(claim.words, best.words) / max(1, len(claim.words)),
        "order": _order_kept(claim.words, best.words),
        "cosine_best": float(ranked[0]),
        "cosine_top_three": float(ranked[:3].mean()),
        "cosine_passage": float(centre @ claim_vector / max(1e-6, float(np.linalg.norm(centre)))),
        "cosine_carrier": float(cosines[carriers[0]]),
        "weakest_part": float(parts.max(axis=1).min()),
        "figures_missing": float(min(2, len(claim.figures - _all_figures(sources)))),
        "figure_conflicts": float(min(2, figure_conflicts(claim, carried_by))),
        "names_missing": float(min(2, len(unknown_names(claim, sources)))),
        "negation_conflict": _polarity_conflict(claim, carried_by),
        "opposites": float(min(2, _opposites(claim, carried_by))),
        "absolutes_added": float(bool((claim.token_set & _ABSOLUTE) - _all_tokens(carried_by))),
        "praise_turned": float(_praise_turned(claim, best)),
        "subject_differs": float(_subject_differs(claim, best)),
        "actors_missing": float(min(2, _actors_missing(claim, carried_by))),
        "downplayed": float(bool((claim.token_set & _DOWNPLAY) - _all_tokens(carried_by))),
        "least_member": _least_found_member(claim, both),
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


def _polarities(text: str) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for clause in _CLAUSE.split(text):
        polarity = _polarity(clause)
        for word in content_words(clause):
            found.setdefault(word, set()).add(polarity)
    return {word: frozenset(seen) for word, seen in found.items()}


def _polarity(clause: str) -> int:
    if _NOT_ONLY.search(clause):
        return NOT_ONLY
    if _NEGATIVE.search(clause):
        return DENIED
    return ONLY if _ONLY.search(clause) else ASSERTED


def _polarity_conflict(claim: Reading, carriers: Sequence[Reading]) -> float:
    """Share of the shared words that the claim denies and the first carrier asserts, or the other way round."""
    shared = conflicts = 0
    for word, own in claim.polarities.items():
        theirs = next((c.polarities[word] for c in carriers if word in c.polarities), None)
        if theirs:
            shared += 1
            conflicts += not any(_agree(one, other) for one in own for other in theirs)
    return conflicts / shared if shared else 0.0


def _agree(one: int, other: int) -> bool:
    """Whether two polarities can both be true: "not only features" goes with features, not with "only features"."""
    pair = {one, other}
    return len(pair) == 1 or pair in ({ASSERTED, NOT_ONLY}, {ASSERTED, ONLY}, {DENIED, NOT_ONLY})


def _opposites(claim: Reading, carriers: Sequence[Reading]) -> int:
    """Words of the claim whose opposite stands in the nearest clause of the carriers, neither side holding both."""
    clauses = [clause for source in carriers for clause in source.clauses]
    theirs = max(clauses, key=lambda clause: len((clause & claim.token_set) - STOP_WORDS))
    alone = claim.token_set - theirs
    flips = sum(bool(_OPPOSITE.get(word, frozenset()) & (theirs - claim.token_set)) for word in alone)
    return (
        flips
        + sum(_denied_by_prefix(word, theirs) for word in alone)
        + sum(_denied_by_prefix(word, claim.token_set) for word in theirs - claim.token_set)
    )


def _praise_turned(claim: Reading, best: Reading) -> bool:
    """Whether the claim praises what the nearest sentence blames, or the other way round."""
    praised, blamed = bool(claim.token_set & _PRAISE), bool(claim.token_set & _BLAME)
    theirs_praised, theirs_blamed = bool(best.token_set & _PRAISE), bool(best.token_set & _BLAME)
    return (praised, blamed, theirs_praised, theirs_blamed) in {
        (True, False, False, True),
        (False, True, True, False),
    }


def _subject_differs(claim: Reading, best: Reading) -> bool:
    """Whether the person the claim begins with is not the first that the nearest sentence speaks of."""
    subject = next((word for word in claim.tokens[:8] if word in _ACTORS), None)
    theirs = next((word for word in best.tokens if word in _ACTORS), None)
    return subject is not None and theirs is not None and subject.rstrip("s") != theirs.rstrip("s")


def _actors_missing(claim: Reading, carriers: Sequence[Reading]) -> int:
    theirs = {word.rstrip("s") for word in _all_tokens(carriers) & _ACTORS}
    return len({word.rstrip("s") for word in claim.token_set & _ACTORS} - theirs)


def _least_found_member(claim: Reading, bag: frozenset[str]) -> float:
    """The least recall of a member of the claim's enumeration: "bias, fairness and carbon emissions"."""
    members = [set(content_words(member)) for member in _MEMBER.split(claim.text)[1:]]
    return min((_found(member, bag) for member in members if member), default=1.0)


def _denied_by_prefix(word: str, others: frozenset[str]) -> bool:
    """Whether `others` holds the word with a negating prefix: "predictable" and "unpredictable"."""
    return len(word) >= 4 and any(prefix + word in others for prefix in _NEGATING_PREFIXES)


def _word_weights(claim: Reading, sources: Sequence[Reading]) -> dict[str, float]:
    """Inverse document frequency (Spärck Jones 1972) of the claim's words among the source sentences."""
    counts = Counter(word for source in sources for word in source.bag)
    return {word: math.log(1 + len(sources) / (counts[word] + 0.5)) for word in dict.fromkeys(claim.words)}


def _recall(claim: Reading, bag: frozenset[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in bag) / total if total else 1.0


def _share(words: Iterable[str], bag: frozenset[str]) -> float:
    distinct = set(words)
    return len(distinct & bag) / len(distinct) if distinct else 1.0


def _family_recall(claim: Reading, bag: frozenset[str]) -> float:
    return _found(set(claim.words), bag)


def _found(words: set[str], bag: frozenset[str]) -> float:
    families = {word[:SHARED_PREFIX] for word in bag if len(word) >= SHARED_PREFIX}
    found = sum(word in bag or word[:SHARED_PREFIX] in families for word in words)
    return found / len(words) if words else 1.0


def _longest_missing_run(claim: Reading, bag: frozenset[str]) -> float:
    longest = run = 0
    for word in claim.words:
        run = 0 if word in bag else run + 1
        longest = max(longest, run)
    return float(min(longest, 6))


def _bigrams_found(words: Sequence[str], sources: Sequence[Sequence[str]]) -> float:
    own = set(pairwise(words))
    if not own:
        return 0.0
    theirs = {pair for source in sources for pair in pairwise(source)}
    return len(own & theirs) / len(own)


def _common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence (Lin 2004 measures summaries so: ROUGE-L)."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for place, candidate in enumerate(other, start=1):
            above = row[place]
            row[place] = diagonal + 1 if word == candidate else max(above, row[place - 1])
            diagonal = above
    return row[-1]


def _order_kept(claim: Sequence[str], source: Sequence[str]) -> float:
    """Share of the claim's shared words that follow each other in the source's order: who did what to whom."""
    places = {word: place for place, word in reversed(list(enumerate(source)))}
    shared = [places[word] for word in dict.fromkeys(claim) if word in places]
    if len(shared) < 2:
        return 1.0
    return sum(first < then for first, then in pairwise(shared)) / (len(shared) - 1)


def _all_figures(sources: Iterable[Reading]) -> frozenset[str]:
    return frozenset[str]().union(*(source.figures for source in sources))


def _all_tokens(sources: Iterable[Reading]) -> frozenset[str]:
    return frozenset[str]().union(*(source.token_set for source in sources))
