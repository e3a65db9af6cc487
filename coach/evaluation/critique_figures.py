"""Hold the judge's verdicts against the labels: what is in order, what is told apart, what is wrong and where."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from coach.evaluation.critique import LEVEL, PATTERN, POINTS, PROBABILITY, STANDING
from coach.evaluation.critique_attacks import BANDS
from coach.evaluation.critique_cases import LEVELS, QUALITIES, ArticlePair, DraftCase
from coach.evaluation.intervals import Pair, share, timing
from coach.evaluation.metrics import (
    area_under_curve,
    clustered_interval,
    pairs_in_order,
    quadratic_weighted_kappa,
)
from coach.evaluation.run import Row

MISSING, MET = 0, len(LEVELS) - 1
ORDER = (("weak", "middle"), ("middle", "strong"), ("weak", "strong"))
UNSCORED = "unscored"
NO_LEVEL = "no level"


@dataclass(frozen=True, slots=True)
class LabelledVerdict:
    """One criterion of one draft: the label, and what the judge said. Levels go from 0 (missing) to 2 (met).

    `level` None with a probability is a judge who is unsure; without one, nothing was judged.
    """

    draft: str
    question: str
    quality: str
    criterion: str
    label: int
    level: int | None
    probability: float | None


def labelled_verdicts(drafts: Iterable[DraftCase], rows: Mapping[str, Row]) -> list[LabelledVerdict]:
    """Every criterion of every draft that was judged, in the order of the drafts."""
    return [
        _labelled_verdict(draft, criterion, rows[draft.id].signals)
        for draft in drafts
        if draft.id in rows and not rows[draft.id].unscored
        for criterion in draft.labels
    ]


def split_figures(drafts: Sequence[DraftCase], rows: Mapping[str, Row], *, seed: int = 0) -> dict[str, Any]:
    """Every figure over `drafts` (those of one split), intervals by question."""
    verdicts = labelled_verdicts(drafts, rows)
    clear = [one for one in verdicts if one.quality != "middle"]
    middle = [one for one in verdicts if one.quality == "middle"]
    judged = [rows[draft.id] for draft in drafts if draft.id in rows]
    return {
        "drafts": len(judged),
        "questions": len({draft.question_id for draft in drafts if draft.id in rows}),
        "pairs": _order_figures(drafts, rows, STANDING, seed),
        "pairs_by_levels": _order_figures(drafts, rows, POINTS, seed),
        "pairs_by_length": _order_by(drafts, rows, lambda draft: float(len(draft.draft.split())), seed),
        "auc": {
            "met against missing, pooled": _figure(verdicts, lambda part: _area(part, MISSING), seed),
            "met against the rest, pooled": _figure(verdicts, _area, seed),
            "met against missing, mean of the criteria": _figure(verdicts, _mean_area, seed),
        },
        "kappa": {
            "weak and strong drafts": _figure(clear, _kappa, seed),
            "middle drafts": _figure(middle, _kappa, seed),
            "all drafts": _figure(verdicts, _kappa, seed),
        },
        "right_level": {
            "weak and strong drafts": _share_right(clear, seed),
            "middle drafts": _share_right(middle, seed),
        },
        "unsure": _share_of(verdicts, lambda one: one.level is None and one.probability is not None, seed),
        "unscored": _share_of(verdicts, lambda one: one.level is None and one.probability is None, seed),
        "criteria": {
            name: _criterion([one for one in verdicts if one.criterion == name], seed)
            for name in dict.fromkeys(one.criterion for one in verdicts)
        },
        "levels": _levels(verdicts),
        "bands": bands(drafts, rows),
        "bands_reversed": _bands_reversed(drafts, rows),
        "anti_patterns": _anti_patterns(drafts, rows),
        "milliseconds": _times(judged, seed),
    }


def quotes(rows: Iterable[Row]) -> dict[str, Any]:
    """How many quotes there were in all, and the rows with one that is not the draft's own words."""
    pairs = [(row.id, row.measures["true_quotes"]) for row in rows if "true_quotes" in row.measures]
    made = sum(total for _, (_, total) in pairs)
    true = sum(hits for _, (hits, _) in pairs)
    return {
        "quotes": int(made),
        "fabricated": int(made - true),
        "in": [identity for identity, (hits, total) in pairs if hits < total],
    }


def wrong(drafts: Sequence[DraftCase], rows: Mapping[str, Row]) -> list[dict[str, Any]]:
    """Every verdict that is not the label's level, the farthest off first, with the draft's split."""
    splits = {draft.id: draft.split for draft in drafts}
    found = [
        one for one in labelled_verdicts(drafts, rows) if one.level is not None and one.level != one.label
    ]
    found.sort(key=lambda one: -abs(one.label - int(one.level or 0)))
    return [
        {
            "id": one.draft,
            "split": splits[one.draft],
            "criterion": one.criterion,
            "label": LEVELS[one.label],
            "level": LEVELS[int(one.level or 0)],
            "probability": one.probability,
        }
        for one in found
    ]


def out_of_order(drafts: Sequence[DraftCase], rows: Mapping[str, Row]) -> list[dict[str, Any]]:
    """Every pair of drafts of one question whose worse one stands as high as the better one, or higher."""
    found = []
    for worse, better in _pairs(drafts, rows):
        standings = [rows[one.id].signals.get(STANDING, math.nan) for one in (worse, better)]
        if standings[0] >= standings[1]:  # nan, where nothing was judged, is no order at all
            found.append({"worse": worse.id, "better": better.id, "standings": standings})
    return found


def article_figures(pairs: Sequence[ArticlePair], rows: Mapping[str, Row]) -> list[dict[str, Any]]:
    """Whether each BAD answer of the source stands below its GOOD one: on the criteria the pair shows, and on all.

    None where one of the two was not judged.
    """
    return [_article(pair, rows) for pair in pairs if bad_id(pair) in rows and good_id(pair) in rows]


def bad_id(pair: ArticlePair) -> str:
    """The row of the pair's BAD answer."""
    return f"{pair.id}-bad"


def good_id(pair: ArticlePair) -> str:
    """The row of the pair's GOOD answer."""
    return f"{pair.id}-good"


def bands(drafts: Sequence[DraftCase], rows: Mapping[str, Row]) -> dict[str, dict[str, int]]:
    """How often each quality got each band."""
    return {
        quality: dict(
            Counter(
                rows[draft.id].outcome or UNSCORED
                for draft in drafts
                if draft.id in rows and draft.quality == quality
            )
        )
        for quality in QUALITIES
    }


def _labelled_verdict(draft: DraftCase, criterion: str, signals: Mapping[str, float]) -> LabelledVerdict:
    level = signals.get(LEVEL + criterion)
    return LabelledVerdict(
        draft.id,
        draft.question_id,
        draft.quality,
        criterion,
        LEVELS.index(draft.labels[criterion]),
        None if level is None else int(level),
        signals.get(PROBABILITY + criterion),
    )


def _by_question(drafts: Sequence[DraftCase], rows: Mapping[str, Row]) -> dict[str, list[DraftCase]]:
    groups: dict[str, list[DraftCase]] = {}
    for draft in drafts:
        if draft.id in rows and not rows[draft.id].unscored:
            groups.setdefault(draft.question_id, []).append(draft)
    return groups


def _pairs(drafts: Sequence[DraftCase], rows: Mapping[str, Row]) -> Iterator[tuple[DraftCase, DraftCase]]:
    """Every worse draft with every better one of its question."""
    for group in _by_question(drafts, rows).values():
        for low, high in ORDER:
            for worse in (draft for draft in group if draft.quality == low):
                yield from ((worse, better) for better in group if better.quality == high)


def _order_figures(
    drafts: Sequence[DraftCase], rows: Mapping[str, Row], by: str, seed: int
) -> dict[str, dict[str, float] | None]:
    """Share of the pairs in order by a signal of the rows. Drafts without it are in no pair."""
    return _order_by(drafts, rows, lambda draft: rows[draft.id].signals.get(by), seed)


def _order_by(
    drafts: Sequence[DraftCase],
    rows: Mapping[str, Row],
    value: Callable[[DraftCase], float | None],
    seed: int,
) -> dict[str, dict[str, float] | None]:
    groups = [
        [(draft.quality, found) for draft in group if (found := value(draft)) is not None]
        for group in _by_question(drafts, rows).values()
    ]

    def pairs(low: str, high: str) -> list[Pair]:
        return [
            pairs_in_order(
                [found for quality, found in group if quality == low],
                [found for quality, found in group if quality == high],
            )
            for group in groups
        ]

    apart = {f"{low} below {high}": pairs(low, high) for low, high in ORDER}
    together = [
        (sum(hits for hits, _ in column), sum(total for _, total in column))
        for column in zip(*apart.values(), strict=True)
    ]
    return {name: _share(found, seed) for name, found in {"all pairs": together, **apart}.items()}


def _share(pairs: Sequence[Pair], seed: int) -> dict[str, float] | None:
    verdicts = [pair for pair in pairs if pair[1]]
    return asdict(share(verdicts, seed=seed)) if verdicts else None


def _share_of(
    verdicts: Sequence[LabelledVerdict], holds: Callable[[LabelledVerdict], bool], seed: int
) -> dict[str, float] | None:
    return _share([(sum(map(holds, group)), len(group)) for group in _clusters(verdicts)], seed)


def _share_right(verdicts: Sequence[LabelledVerdict], seed: int) -> dict[str, float] | None:
    return _share_of(
        [one for one in verdicts if one.level is not None], lambda one: one.level == one.label, seed
    )


def _clusters(verdicts: Sequence[LabelledVerdict]) -> list[list[LabelledVerdict]]:
    groups: dict[str, list[LabelledVerdict]] = {}
    for one in verdicts:
        groups.setdefault(one.question, []).append(one)
    return list(groups.values())


def _figure(
    verdicts: Sequence[LabelledVerdict], figure: Callable[[Sequence[LabelledVerdict]], float], seed: int
) -> dict[str, float | None] | None:
    clusters = _clusters(verdicts)
    if not clusters:
        return None
    interval = asdict(clustered_interval(clusters, figure, seed=seed))
    if math.isnan(interval["mean"]):
        return None
    value, low, high = (None if math.isnan(bound) else bound for bound in interval.values())
    return {"value": value, "low": low, "high": high, "verdicts": len(verdicts)}


def _area(verdicts: Sequence[LabelledVerdict], up_to: int = MET - 1) -> float:
    """Met against the labels up to a level: against missing alone, or against the rest."""
    known = [(one.label, one.probability) for one in verdicts if one.probability is not None]
    return area_under_curve(
        [probability for label, probability in known if label == MET],
        [probability for label, probability in known if label <= up_to],
    )


def _mean_area(verdicts: Sequence[LabelledVerdict]) -> float:
    """Mean over the criteria that have both met and missing labels."""
    by_criterion: dict[str, list[LabelledVerdict]] = {}
    for one in verdicts:
        by_criterion.setdefault(one.criterion, []).append(one)
    areas = [_area(part, MISSING) for part in by_criterion.values()]
    known = [area for area in areas if not math.isnan(area)]
    return sum(known) / len(known) if known else math.nan


def _kappa(verdicts: Sequence[LabelledVerdict]) -> float:
    known = [(one.label, one.level) for one in verdicts if one.level is not None]
    if not known:
        return math.nan
    return quadratic_weighted_kappa([label for label, _ in known], [level for _, level in known])


def _criterion(verdicts: Sequence[LabelledVerdict], seed: int) -> dict[str, Any]:
    return {
        "labels": {level: sum(one.label == place for one in verdicts) for place, level in enumerate(LEVELS)},
        "met against missing": _figure(verdicts, lambda part: _area(part, MISSING), seed),
        "met against the rest": _figure(verdicts, _area, seed),
        "kappa": _figure(verdicts, _kappa, seed),
        "unsure": sum(one.level is None and one.probability is not None for one in verdicts),
    }


def _levels(verdicts: Sequence[LabelledVerdict]) -> dict[str, dict[str, int]]:
    """How often each label got each level."""
    return {
        label: dict(
            Counter(
                NO_LEVEL if one.level is None else LEVELS[one.level] for one in verdicts if one.label == place
            )
        )
        for place, label in enumerate(LEVELS)
    }


def _bands_reversed(drafts: Sequence[DraftCase], rows: Mapping[str, Row]) -> list[dict[str, str]]:
    """Pairs of one question in which the worse draft got the better band."""
    found = []
    for worse, better in _pairs(drafts, rows):
        given = [rows[one.id].outcome for one in (worse, better)]
        places = [BANDS.index(one) for one in BANDS if one in given]
        if len(places) == 2 and given[0] == BANDS[places[1]]:
            found.append({"worse": worse.id, "better": better.id, "bands": " > ".join(given)})
    return found


def _anti_patterns(drafts: Sequence[DraftCase], rows: Mapping[str, Row]) -> dict[str, dict[str, int]]:
    """By habit: drafts labelled with it, drafts in which it was found, and both."""
    counts: dict[str, Counter[str]] = {}
    for draft in (draft for group in _by_question(drafts, rows).values() for draft in group):
        found = {name.removeprefix(PATTERN) for name in rows[draft.id].signals if name.startswith(PATTERN)}
        for name in {*found, *draft.anti_patterns}:
            count = counts.setdefault(name, Counter(labelled=0, found=0, both=0))
            count["labelled"] += name in draft.anti_patterns
            count["found"] += name in found
            count["both"] += name in found and name in draft.anti_patterns
    return {name: dict(count) for name, count in sorted(counts.items())}


def _times(rows: Sequence[Row], seed: int) -> dict[str, dict[str, float]]:
    names = dict.fromkeys(name for row in rows for name in row.milliseconds)
    return {
        name: asdict(timing([row.milliseconds[name] for row in rows if name in row.milliseconds], seed=seed))
        for name in names
    }


def _article(pair: ArticlePair, rows: Mapping[str, Row]) -> dict[str, Any]:
    bad, good = rows[bad_id(pair)], rows[good_id(pair)]
    shown = [_mean_probability(row, pair.criteria) for row in (bad, good)]
    whole = [row.signals.get(STANDING) for row in (bad, good)]
    return {
        "id": pair.id,
        "kind": pair.kind,
        "criteria": list(pair.criteria),
        "on_its_criteria": shown,
        "on_all": whole,
        "bands": [bad.outcome or UNSCORED, good.outcome or UNSCORED],
        "in_order": _ascending(shown),
        "in_order_on_all": _ascending(whole),
    }


def _mean_probability(row: Row, criteria: Sequence[str]) -> float | None:
    known = [row.signals[PROBABILITY + one] for one in criteria if PROBABILITY + one in row.signals]
    return round(sum(known) / len(known), 5) if known else None


def _ascending(standings: Sequence[float | None]) -> bool | None:
    low, high = standings
    return None if low is None or high is None else low < high
