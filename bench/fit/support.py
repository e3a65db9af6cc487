"""Fit and score the support check on claims that people judged, each set by a model fitted without it.

python -m bench.fit.support --data ../shared/data            # the table
python -m bench.fit.support --data ../shared/data --write    # and refit the shipped coefficients
python -m bench.fit.support --data ../shared/data --ask      # first ask the chat model about the own claims
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coach.answer.compose import statement_prompt
from coach.answer.support import (
    MODEL_FILE,
    OWN_WORDING,
    VETOES,
    choose_supporting,
    features,
    nearest_to_ask_about,
    read,
)
from coach.errors import UsageError
from coach.evaluation import metrics
from coach.protocols import ChatModel, Embedder
from coach.settings import corpus_folder
from coach.text.json_lines import read_records
from coach.text.sentences import split_sentences
from coach.types import Statement
from coach.yes_or_no import log_odds, probability_of_yes

Array = NDArray[np.float64]

OWN, REPLIES = "own", "replies"
PUBLIC_SETS = ("qags_cnndm", "qags_xsum", "wice", "begin")
NEAREST_PARAGRAPHS = 6  # as many passages as the flow hands to `verify`
PRECISION_SHOWN = 0.98  # share of the sentences shown as supported that must be
PUBLIC_REGULARISATION = 1000.0  # strong: at 30 the left-out QAGS sets lose 0.03 to 0.05 of AUC
OPINION_REGULARISATION = 1.0  # 0.1 to 10 give the same area under the curve within 0.005
# Signals that may only speak against support; all others may only speak for it.
AGAINST = VETOES
FOLDS = 10
RESAMPLES = 1000

OPINION = "opinion"

PROJECT = Path(__file__).resolve().parents[2]
CLAIMS = PROJECT / "bench" / "support" / "claims.jsonl"
REPLIES_FILE = CLAIMS.with_name("replies.jsonl")
OPINIONS = CLAIMS.with_name("opinions.json")
DEFAULT_CACHE = Path(tempfile.gettempdir()) / "coach-support-vectors"


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim, the sentences it is held against, and what people said. The last four only in the sets of ours."""

    set: str
    id: str
    claim: str
    sentences: tuple[str, ...]
    headings: tuple[str, ...]
    supported: int
    split: str = "fit"
    error: str | None = None
    span: tuple[int, int] = (0, 0)
    question: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """Claims with one row of features each."""

    claims: tuple[JudgedClaim, ...]
    names: tuple[str, ...]
    rows: Array

    def where(self, keep: Callable[[JudgedClaim], bool]) -> Scored:
        """The claims that `keep` accepts."""
        places = [place for place, claim in enumerate(self.claims) if keep(claim)]
        return Scored(tuple(self.claims[place] for place in places), self.names, self.rows[places])

    @property
    def labels(self) -> NDArray[np.int64]:
        """1 where the claim is supported."""
        return np.array([claim.supported for claim in self.claims], dtype=np.int64)


def read_public_claims(data: Path) -> list[JudgedClaim]:
    """QAGS (Wang et al. 2020), WiCE (Kamoi et al. 2023, each claim once) and BEGIN (Dziri et al. 2022) under `data`.

    Raises UsageError when a set is missing or malformed.
    """
    try:
        return [*_read_qags(data / "qags"), *_read_wice(data / "wice"), *_read_begin(data / "begin")]
    except (UsageError, ValueError, KeyError) as error:
        raise UsageError(
            f"The judged claims under {data} cannot be read ({error!r}): give the folder that holds qags, wice "
            "and begin (`--data`)."
        ) from error


def read_own_claims(path: Path, article: str, embedder: CachedEmbedder) -> list[JudgedClaim]:
    """The claims about the bundled article, or the judged sentences of real replies, each with the paragraphs that come
    nearest to it.

    Raises UsageError when the file is malformed.
    """
    try:
        rows = list(read_records(path, dict))
        paragraphs = [p for p in _paragraphs(article) if p[1]]
        best = [embedder.embed(sentences) for _, sentences in paragraphs]
        claims = [row["claim"] if "claim" in row else row["sentence"] for row in rows]
        found = []
        for row, claim, vector in zip(rows, claims, embedder.embed(claims), strict=True):
            nearness = [float((vectors @ vector).max()) for vectors in best]
            nearest = sorted(range(len(paragraphs)), key=lambda place: -nearness[place])[:NEAREST_PARAGRAPHS]
            pairs = [(paragraphs[p][0], sentence) for p in nearest for sentence in paragraphs[p][1]]
            start, end = row.get("span", (0, 0))
            found.append(
                JudgedClaim(
                    REPLIES if "question" in row else OWN,
                    row["id"],
                    claim,
                    tuple(sentence for _, sentence in pairs),
                    tuple(heading for heading, _ in pairs),
                    int(row["supported"]),
                    row.get("split", "fit"),
                    row["error"],
                    (int(start), int(end)),
                    row.get("question", ""),
                )
            )
    except (ValueError, KeyError) as error:
        raise UsageError(f"{path} is malformed ({error!r}): correct that line and run again.") from error
    return found


class CachedEmbedder:
    """Embeds each text once and keeps the vectors in `folder` between runs."""

    def __init__(self, embedder: Embedder, folder: Path, say: Callable[[str], None]) -> None:
        self.plain = embedder
        self._say = say
        name = hashlib.sha256(embedder.name.encode()).hexdigest()[:12]
        self._path = folder / f"{name}.npz"
        self._vectors: dict[str, NDArray[np.float32]] = {}
        if self._path.is_file():
            with np.load(self._path) as stored:
                self._vectors = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows in the order of `texts`."""
        keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._vectors}
        if missing:
            self._fill(missing)
        if not keys:
            return np.zeros((0, self.plain.dimension), dtype=np.float32)
        return np.stack([self._vectors[key] for key in keys])

    def _fill(self, missing: Mapping[str, str]) -> None:
        block = 2000
        keys = list(missing)
        for start in range(0, len(keys), block):
            part = keys[start : start + block]
            self._vectors.update(zip(part, self.plain.embed([missing[key] for key in part]), strict=True))
            if len(keys) > block:
                self._say(f"embedded {min(start + block, len(keys))} of {len(keys)} texts")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft.npz")
        np.savez(draft, keys=np.array(list(self._vectors)), vectors=np.stack(list(self._vectors.values())))
        draft.replace(self._path)


def measure(claims: Sequence[JudgedClaim], embedder: CachedEmbedder) -> Scored:
    """The features of every claim."""
    embedder.embed([text for claim in claims for text in _texts(claim)])
    rows = [_features(claim, embedder) for claim in claims]
    names = tuple(rows[0])
    return Scored(tuple(claims), names, np.array([[row[name] for name in names] for row in rows]))


@dataclass(frozen=True, slots=True)
class Fit:
    """A logistic regression over standardised features."""

    names: tuple[str, ...]
    means: Array
    scales: Array
    weights: Array
    intercept: float

    def probabilities(self, rows: Array) -> Array:
        """Probability of support of each row."""
        total = self.intercept + ((rows - self.means) / self.scales) @ self.weights
        result: Array = 1 / (1 + np.exp(-np.clip(total, -30, 30)))
        return result


def fit_public(scored: Scored) -> Fit:
    """Fit on claims of the public sets, of which each weighs alike, and within it supported and unsupported.

    Each set has an intercept of its own while fitting, so that its share of supported claims and its judges'
    strictness do not leak into the weights. No weight may point the wrong way (`AGAINST`), which keeps the
    signals, that overlap much, from being played against each other on sets of another kind.
    """
    weights = _sample_weights(scored)
    means = np.average(scored.rows, axis=0, weights=weights)
    scales = np.sqrt(np.average((scored.rows - means) ** 2, axis=0, weights=weights))
    scales[scales < 1e-6] = 1.0
    sets = sorted({claim.set for claim in scored.claims})[1:]
    marks = np.array([[float(claim.set == name) for name in sets] for claim in scored.claims])
    columns = np.hstack([marks.reshape(len(scored.claims), -1), (scored.rows - means) / scales])
    penalties = np.concatenate([np.zeros(len(sets)), np.full(len(scored.names), PUBLIC_REGULARISATION)])
    bounds = [(None, None)] * len(sets) + [_bounds(name) for name in scored.names]
    found = _logistic(columns, scored.labels, weights, penalties, bounds)
    return Fit(scored.names, means, scales, found[1 + len(sets) :], float(found[0]))


def fit_opinion(own: Scored, log_odds: Array) -> Fit:
    """A logistic over the vetoes and a chat model's opinion. What the texts share in words and meaning
    says nothing beyond the opinion (its weight came out as zero), so it is left out."""
    part = with_opinion(own, log_odds)
    means, scales = part.rows.mean(axis=0), np.maximum(part.rows.std(axis=0), 0.05)
    penalties = np.array([0.0 if name == OPINION else OPINION_REGULARISATION for name in part.names])
    bounds = [_bounds(name) for name in part.names]
    found = _logistic((part.rows - means) / scales, part.labels, np.ones(len(part.claims)), penalties, bounds)
    return Fit(part.names, means, scales, found[1:], float(found[0]))


def with_opinion(own: Scored, log_odds: Array) -> Scored:
    """The claims with the signals that `fit_opinion` weighs."""
    places = [own.names.index(name) for name in VETOES]
    return Scored(own.claims, (*VETOES, OPINION), np.hstack([own.rows[:, places], log_odds[:, None]]))


def ask_opinions(
    claims: Sequence[JudgedClaim], embedder: CachedEmbedder, chat_model: ChatModel, say: Callable[[str], None]
) -> dict[str, float]:
    """The chat model's log-odds on each claim, asked about the sentences that `verify` would ask about."""
    found: dict[str, float] = {}
    for claim in claims:
        cosines = embedder.embed(claim.sentences) @ embedder.embed([claim.claim])[0]
        readings = [
            read(text, heading) for text, heading in zip(claim.sentences, claim.headings, strict=True)
        ]
        near = nearest_to_ask_about(choose_supporting(read(claim.claim), readings, cosines), cosines)
        stated = [Statement((claim.headings[place],), claim.sentences[place]) for place in near]
        opinion = log_odds(probability_of_yes(chat_model, statement_prompt(claim.claim, stated)))
        found[claim.id] = round(opinion, 4)
        if len(found) % 50 == 0:
            say(f"asked about {len(found)} of {len(claims)} claims")
    return found


def _logistic(
    columns: Array,
    labels: NDArray[np.int64],
    weights: Array,
    penalties: Array,
    bounds: Sequence[tuple[float | None, float | None]],
) -> Array:
    """Intercept and coefficients of a ridge logistic regression within bounds (L-BFGS-B, Byrd et al. 1995)."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    design = np.hstack([np.ones((len(columns), 1)), columns])
    penalty = np.concatenate([[0.0], penalties])
    signs = labels * 2.0 - 1.0

    def loss(coefficients: Array) -> tuple[float, Array]:
        margins = signs * (design @ coefficients)
        slope = -(weights * signs / (1 + np.exp(np.clip(margins, -500, 500)))) @ design
        value = weights @ np.logaddexp(0, -margins) + 0.5 * penalty @ coefficients**2
        return float(value), slope + penalty * coefficients

    start = np.array([0.0, *(max(0.0, low or 0.0) for low, _ in bounds)])
    result = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), *bounds],
        options={"maxiter": 5000, "ftol": 1e-12, "gtol": 1e-8},
    )
    return np.asarray(result.x, dtype=np.float64)


def _bounds(name: str) -> tuple[float | None, float | None]:
    return (None, 0.0) if name in AGAINST else (0.0, None)


def area_under_curve(labels: NDArray[np.int64], scores: Array) -> float:
    """Chance that a supported claim scores above an unsupported one, ties counting half."""
    return metrics.area_under_curve(scores[labels == 1].tolist(), scores[labels == 0].tolist())


def balanced_accuracy(labels: NDArray[np.int64], scores: Array, threshold: float) -> float:
    """Mean of the shares found among supported and among unsupported claims."""
    shown = scores >= threshold
    return float((shown[labels == 1].mean() + (~shown)[labels == 0].mean()) / 2)


def best_threshold(labels: NDArray[np.int64], scores: Array) -> float:
    """The threshold with the best balanced accuracy, at which the published floors are given."""
    return float(
        max(np.unique(scores).tolist(), key=lambda threshold: balanced_accuracy(labels, scores, threshold))
    )


def bootstrap(
    labels: NDArray[np.int64],
    scores: Array,
    measure_of: Callable[[NDArray[np.int64], Array], float],
    seed: int = 0,
) -> tuple[float, float]:
    """95% percentile bootstrap interval of a measure (Efron 1979), claims drawn within supported and not."""
    random = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == label) for label in (0, 1)]
    values = []
    for _ in range(RESAMPLES):
        draw = np.concatenate([random.choice(places, len(places)) for places in classes])
        values.append(measure_of(labels[draw], scores[draw]))
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def leave_one_set_out(scored: Scored) -> dict[str, dict[str, Any]]:
    """Figures of each set under a model fitted on the public sets but it."""
    results = {}
    for name in (*PUBLIC_SETS, OWN, REPLIES):
        part = scored.where(lambda claim, name=name: claim.set == name)  # type: ignore[misc]
        rest = scored.where(lambda claim, name=name: claim.set in set(PUBLIC_SETS) - {name})  # type: ignore[misc]
        if not part.claims:
            continue
        results[name] = _figures(part, fit_public(rest).probabilities(part.rows))
    return results


def out_of_fold(own: Scored, probabilities: Callable[[Scored, Scored], Array], folds: int = FOLDS) -> Array:
    """Probabilities of the own fit claims: those of each fold as `probabilities(rest, fold)` gives them, the sentences of
    the fold not being in the rest."""
    result = np.zeros(len(own.claims))
    sentences = {span: rank for rank, span in enumerate(dict.fromkeys(c.span for c in own.claims))}
    for fold in range(folds):
        left_out = np.array([sentences[claim.span] % folds == fold for claim in own.claims])
        if left_out.any():
            rest, part = (
                Scored(tuple(own.claims[p] for p in places), own.names, own.rows[places])
                for places in (np.flatnonzero(~left_out), np.flatnonzero(left_out))
            )
            result[left_out] = probabilities(rest, part)
    return result


def threshold_for(labels: NDArray[np.int64], scores: Array, precision: float) -> float:
    """The lowest score from which on at least `precision` of the claims are supported; 1.0 where there is none."""
    order = np.argsort(-scores, kind="stable")
    true = labels[order] == 1
    right, wrong = np.cumsum(true), np.cumsum(~true)
    # A score shared by several claims shows all of them or none.
    last = np.append(np.diff(scores[order]) != 0, True)
    good = np.flatnonzero(last & (right >= precision * (right + wrong)) & (right > 0))
    return float(scores[order[good[-1]]]) if len(good) else 1.0


def precision_and_recall(
    labels: NDArray[np.int64], scores: Array, threshold: float
) -> tuple[float, float, int]:
    """Share supported of those shown, share shown of those supported, and how many are shown."""
    shown = scores >= threshold
    precision = float(labels[shown].mean()) if shown.any() else float("nan")
    return precision, float(shown[labels == 1].mean()), int(shown.sum())


def as_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The leave-one-set-out figures as a Markdown table."""
    lines = [
        "| set left out | claims | AUC [95%] | balanced accuracy [95%], best threshold | words alone AUC | late interaction alone AUC |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in results.items():
        lines.append(
            f"| {name} | {row['claims']} | {row['auc']:.3f} [{row['low']:.3f}, {row['high']:.3f}] | "
            f"{row['balanced_accuracy']:.3f} [{row['balanced_accuracy_low']:.3f}, {row['balanced_accuracy_high']:.3f}] | {row['auc_words']:.3f} | {row['auc_coverage']:.3f} |"
        )
    return "\n".join(lines)


def run(
    data: Path,
    claims: Path,
    embedder: Embedder,
    cache: Path,
    say: Callable[[str], None],
    opinions: Path | None = OPINIONS,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure and fit. Returns the figures and the record of coefficients as the package ships it."""
    cached = CachedEmbedder(embedder, cache, say)
    ours = [*read_own_claims(claims, _article(), cached), *read_own_claims(REPLIES_FILE, _article(), cached)]
    scored = measure([*read_public_claims(data), *ours], cached)
    final = fit_public(scored.where(lambda claim: claim.set in PUBLIC_SETS))
    replies = scored.where(lambda claim: claim.set == REPLIES)
    plain = np.where(_hidden(replies), 0.0, final.probabilities(replies.rows))
    threshold = threshold_for(replies.labels, plain, PRECISION_SHOWN)
    figures: dict[str, Any] = {
        "embedder": embedder.name,
        "leave_one_set_out": leave_one_set_out(scored),
        "set_aside": ["mtrag_human: the file holds no judged answers"],
        "replies": _shown(replies, plain, threshold),
    }
    held_out = scored.where(lambda claim: claim.set == OWN and claim.split == "held_out")
    figures["own_held_out"] = _shown(held_out, final.probabilities(held_out.rows), threshold)
    record = {
        "about": "Logistic regressions over the features of coach/answer/support.py, written by bench/fit/support.py",
        "embedder": embedder.name,
        "claims_sha256": hashlib.sha256(claims.read_bytes()).hexdigest(),
        **_coefficients(final, threshold),
        "second_opinion": {},
    }
    if opinions is not None and opinions.is_file():
        record["second_opinion"], figures["second_opinion"] = _second_opinion(opinions, scored)
    return figures, record


def _second_opinion(opinions: Path, scored: Scored) -> tuple[dict[str, Any], dict[str, Any]]:
    """The coefficients with a chat model's opinion, and what they are worth: fitted on the own fit claims, shown from the
    threshold at which the sentences of real replies are true."""
    told = json.loads(opinions.read_text(encoding="utf-8"))
    known = scored.where(lambda claim: claim.id in told["log_odds"])

    def asked(part: Scored) -> Array:
        return np.array([told["log_odds"][claim.id] for claim in part.claims])

    fit_part = known.where(lambda claim: claim.set == OWN and claim.split == "fit")
    held_out = known.where(lambda claim: claim.set == OWN and claim.split == "held_out")
    replies = known.where(lambda claim: claim.set == REPLIES)
    final = fit_opinion(fit_part, asked(fit_part))
    plain = final.probabilities(with_opinion(replies, asked(replies)).rows)
    hidden = np.where(_hidden(replies), 0.0, plain)
    threshold = threshold_for(replies.labels, hidden, PRECISION_SHOWN)
    folded = out_of_fold(
        fit_part,
        lambda rest, part: fit_opinion(rest, asked(rest)).probabilities(with_opinion(part, asked(part)).rows),
    )
    figures = {
        "model": told["model"],
        "own_held_out_opinion_alone_auc": round(area_under_curve(held_out.labels, asked(held_out)), 4),
        "own_fit_out_of_fold": _shown(fit_part, folded, threshold),
        "own_held_out": _shown(
            held_out, final.probabilities(with_opinion(held_out, asked(held_out)).rows), threshold
        ),
        "replies": _shown(replies, plain, threshold),
    }
    return _coefficients(final, threshold), figures


def _coefficients(fit: Fit, threshold: float) -> dict[str, Any]:
    return {
        "intercept": round(fit.intercept, 5),
        "threshold": round(threshold, 4),
        "features": {
            name: {"weight": round(float(w), 5), "mean": round(float(m), 5), "scale": round(float(s), 5)}
            for name, w, m, s in zip(fit.names, fit.weights, fit.means, fit.scales, strict=True)
        },
    }


def _article() -> str:
    return next((corpus_folder() / "guides").glob("*.md")).read_text(encoding="utf-8")


def _ask(claims: Path, embedder: Embedder, cache: Path, say: Callable[[str], None]) -> None:
    """Ask about every claim and every judged reply that was not asked about yet."""
    from coach.coach import Coach

    model = Coach.load().chat_model()
    cached = CachedEmbedder(embedder, cache, say)
    article = _article()
    ours = [*read_own_claims(claims, article, cached), *read_own_claims(REPLIES_FILE, article, cached)]
    told = json.loads(OPINIONS.read_text(encoding="utf-8")) if OPINIONS.is_file() else {}
    known = told["log_odds"] if told.get("model") == model.name else {}
    new = ask_opinions([claim for claim in ours if claim.id not in known], cached, model, say)
    _write(OPINIONS, {"model": model.name, "log_odds": known | new})


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and, with `--write`, refit the coefficients the package ships."""
    from coach.backends import load_embedder
    from coach.settings import load_settings

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds qags, wice, begin")
    parser.add_argument("--claims", type=Path, default=CLAIMS, help="claims about the bundled article")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder for vectors between runs")
    parser.add_argument("--write", action="store_true", help="write coefficients and figures")
    parser.add_argument(
        "--ask", action="store_true", help="ask the chat model about what it was not asked yet"
    )
    chosen = parser.parse_args(arguments)
    started = time.perf_counter()
    embedder = load_embedder(load_settings())

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if chosen.ask:
        _ask(chosen.claims, embedder, chosen.cache, say)
    figures, record = run(chosen.data, chosen.claims, embedder, chosen.cache, say)
    print(as_table(figures["leave_one_set_out"]))
    for part in ("own_held_out", "replies", "second_opinion"):
        if part in figures:
            print(f"\n{part}: {json.dumps(figures[part])}")
    print(f"\n{time.perf_counter() - started:.0f} s", file=sys.stderr)
    if chosen.write:
        _write(PROJECT / "coach" / "answer" / MODEL_FILE, record)
        _write(CLAIMS.with_name("figures.json"), figures)
    return 0


def _write(path: Path, record: Mapping[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _hidden(part: Scored) -> NDArray[np.bool_]:
    """What `verify` never shows: a figure or a name that the sources do not hold, words that are not theirs."""
    columns = [part.names.index(name) for name in VETOES]
    freely_worded = part.rows[:, part.names.index("word_pairs")] < OWN_WORDING
    return np.asarray((part.rows[:, columns] > 0).any(axis=1) | freely_worded, dtype=np.bool_)


def _shown(part: Scored, plain: Array, threshold: float) -> dict[str, Any]:
    checked = np.where(_hidden(part), 0.0, plain)
    precision, recall, shown = precision_and_recall(part.labels, checked, threshold)
    row = {
        "claims": len(part.claims),
        "auc": round(area_under_curve(part.labels, plain), 4),
        "auc_interval": [round(bound, 4) for bound in bootstrap(part.labels, plain, area_under_curve)],
        "threshold": round(threshold, 4),
        "precision_shown": round(precision, 4) if shown else None,
        "recall": round(recall, 4),
        "shown": shown,
        "brier": round(float(((plain - part.labels) ** 2).mean()), 4),
    }
    errors = sorted({claim.error for claim in part.claims if claim.error})
    if errors:
        row["wrongly_shown"] = {
            error: f"{sum(c.error == error and s >= threshold for c, s in zip(part.claims, checked, strict=True))}"
            f" of {sum(c.error == error for c in part.claims)}"
            for error in errors
        }
    return row


def _figures(part: Scored, scores: Array) -> dict[str, Any]:
    low, high = bootstrap(part.labels, scores, area_under_curve)
    threshold = best_threshold(part.labels, scores)
    least, most = bootstrap(
        part.labels, scores, lambda labels, drawn: balanced_accuracy(labels, drawn, threshold)
    )
    column = {name: part.rows[:, place] for place, name in enumerate(part.names)}
    return {
        "claims": len(part.claims),
        "supported": int(part.labels.sum()),
        "auc": round(area_under_curve(part.labels, scores), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "balanced_accuracy": round(balanced_accuracy(part.labels, scores, threshold), 4),
        "balanced_accuracy_low": round(least, 4),
        "balanced_accuracy_high": round(most, 4),
        "auc_words": round(area_under_curve(part.labels, column["recall"]), 4),
        "auc_coverage": round(area_under_curve(part.labels, column["covered"]), 4),
    }


def _sample_weights(scored: Scored) -> Array:
    counts: dict[tuple[str, int], int] = {}
    for claim in scored.claims:
        counts[claim.set, claim.supported] = counts.get((claim.set, claim.supported), 0) + 1
    shares = [1.0 / counts[claim.set, claim.supported] for claim in scored.claims]
    weights = np.array(shares, dtype=np.float64)
    return np.asarray(weights * len(weights) / weights.sum(), dtype=np.float64)


def _texts(claim: JudgedClaim) -> list[str]:
    return [claim.claim, *claim.sentences]


def _features(claim: JudgedClaim, embedder: CachedEmbedder) -> dict[str, float]:
    vectors = embedder.embed(_texts(claim))
    readings = [read(text, heading) for text, heading in zip(claim.sentences, claim.headings, strict=True)]
    own = read(claim.claim)
    supporting = choose_supporting(own, readings, vectors[1:] @ vectors[0])
    return features(own, readings, supporting, embedder.plain)


def _read_qags(folder: Path) -> Iterator[JudgedClaim]:
    sources = {row["_id"]: _sentences(row["text"]) for row in read_records(folder / "sources.jsonl", dict)}
    for row in read_records(folder / "claims.jsonl", dict):
        sentences = sources[row["source_id"]]
        yield _public(f"qags_{row['set']}", row["id"], row["claim"], sentences, int(row["supported"]))


def _read_wice(folder: Path) -> Iterator[JudgedClaim]:
    for number, row in enumerate(read_records(folder / "wice_claim_oracle_dev.jsonl", dict)):
        if row["first"]:
            sentences = tuple(text for text in row["evidence"] if text.strip())
            yield _public("wice", f"{row['id']}_{number}", row["claim"], sentences, int(row["supported"]))


def _read_begin(folder: Path) -> Iterator[JudgedClaim]:
    for row in read_records(folder / "begin_dev.jsonl", dict):
        sentences = _sentences(row["knowledge"])
        supported = int(row["label"] == "Fully attributable")
        yield _public("begin", row["id"], row["response"], sentences, supported)


def _public(name: str, identity: str, claim: str, sentences: tuple[str, ...], supported: int) -> JudgedClaim:
    return JudgedClaim(name, identity, claim, sentences or ("",), ("",) * max(1, len(sentences)), supported)


def _sentences(text: str) -> tuple[str, ...]:
    return tuple(text[start:end] for start, end in split_sentences(text))


def _paragraphs(article: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(heading, sentences) of each paragraph or list."""
    heading = ""
    for block in article.split("\n\n"):
        if block.startswith("#"):
            heading = block.lstrip("# ").strip()
        else:
            yield heading, _sentences(block)


if __name__ == "__main__":
    raise SystemExit(main())
