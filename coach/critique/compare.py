"""Say what a second draft does better or worse than the first, and exactly which words came and went."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, get_args

from coach.text.sentences import split_sentences
from coach.types import Band, Critique, Level, Quote, Verdict

Direction = Literal["better", "worse", "same", "unknown"]

_LEVELS: tuple[Level, ...] = get_args(Level)  # from worst to best
# A word with what belongs to it: "$1,200", "0.95", "don't", "human-in-the-loop", "5%"
_WORD = re.compile(r"[$€£]?\w+(?:['’.,\-]\w+)*%?")
SAME_SENTENCE = 0.5  # share of words in common from which two sentences are one, reworded
EXACT_LIMIT = 1_000_000  # word pairs above which difflib skips the commonest words, or it takes seconds


@dataclass(frozen=True, slots=True)
class Change:
    """One criterion before and after; the levels are those that count (a person's, where one overruled), but the judge's own where it said
    the same of both drafts and only one was overruled: a person's word against the judge's is no change of the draft.

    A level is None where the criterion was not scored, or not asked of that draft.
    """

    criterion_id: str
    name: str
    before: Level | None
    after: Level | None
    direction: Direction


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two critiques side by side. `added` are spans of the new draft, `removed` of the old one."""

    changes: tuple[Change, ...]
    added: tuple[Quote, ...]
    removed: tuple[Quote, ...]
    band_before: Band | None
    band_after: Band | None


def compare_drafts(old: Critique, new: Critique) -> Comparison:
    """What changed from `old` to `new`: criteria in the order of `new`, then those only `old` has.

    A sentence that only moved has not changed; a change of case, space or punctuation is none either.
    """
    removed, added = _changed_words(old.draft, new.draft)
    return Comparison(_changes(old, new), added, removed, old.band, new.band)


def _changes(old: Critique, new: Critique) -> tuple[Change, ...]:
    before = {verdict.criterion.id: verdict for verdict in old.verdicts}
    after = {verdict.criterion.id: verdict for verdict in new.verdicts}
    changes = []
    for identity in dict.fromkeys((*after, *before)):
        earlier, later = _comparable(before.get(identity), after.get(identity))
        name = (after.get(identity) or before[identity]).criterion.name
        changes.append(Change(identity, name, earlier, later, _direction(earlier, later)))
    return tuple(changes)


def _comparable(before: Verdict | None, after: Verdict | None) -> tuple[Level | None, Level | None]:
    if before is None or after is None:
        return before.final if before else None, after.final if after else None
    only_one_overruled = bool(before.override) != bool(after.override)
    if only_one_overruled and before.level == after.level:
        return before.level, after.level
    return before.final, after.final


def _direction(before: Level | None, after: Level | None) -> Direction:
    if before is None or after is None:
        return "unknown"
    if before == after:
        return "same"
    return "better" if _LEVELS.index(after) > _LEVELS.index(before) else "worse"


@dataclass(frozen=True, slots=True)
class _Words:
    """A sentence as its words, folded for comparison, and where each stands in the draft."""

    folded: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def _changed_words(old: str, new: str) -> tuple[tuple[Quote, ...], tuple[Quote, ...]]:
    """The words of `old` that are gone and those of `new` that are new, neighbours joined, in order."""
    before, after = _without_shared(_sentences(old), _sentences(new))
    pairs = _pairs(before, after)
    gone: list[tuple[int, int]] = []
    come: list[tuple[int, int]] = []
    for earlier, later in pairs:
        gone_here, come_here = _differences(before[earlier], after[later])
        gone += gone_here
        come += come_here
    gone += _whole(before, {earlier for earlier, _ in pairs})
    come += _whole(after, {later for _, later in pairs})
    return _quotes(old, gone), _quotes(new, come)


def _sentences(draft: str) -> list[_Words]:
    return [_words(draft, start, end) for start, end in split_sentences(draft)]


def _words(draft: str, start: int, end: int) -> _Words:
    found = list(_WORD.finditer(draft, start, end))
    return _Words(tuple(match.group().casefold() for match in found), tuple(match.span() for match in found))


def _without_shared(before: list[_Words], after: list[_Words]) -> tuple[list[_Words], list[_Words]]:
    """Both without the sentences that stand in both, wherever; each counts once."""
    waiting: dict[tuple[str, ...], list[int]] = {}
    for place, sentence in enumerate(before):
        waiting.setdefault(sentence.folded, []).append(place)
    shared: set[int] = set()
    kept = []
    for sentence in after:
        if places := waiting.get(sentence.folded):
            shared.add(places.pop(0))
        else:
            kept.append(sentence)
    return [sentence for place, sentence in enumerate(before) if place not in shared], kept


def _pairs(before: Sequence[_Words], after: Sequence[_Words]) -> list[tuple[int, int]]:
    """Places of sentences that are one, reworded: the most alike first, none twice."""
    vocabularies = [set(sentence.folded) for sentence in after]
    alike = []
    for earlier, sentence in enumerate(before):
        words = set(sentence.folded)
        for later, vocabulary in enumerate(vocabularies):
            likeness = 2 * len(words & vocabulary) / max(1, len(words) + len(vocabulary))
            if likeness >= SAME_SENTENCE:
                alike.append((-likeness, abs(earlier - later), earlier, later))
    taken_before: set[int] = set()
    taken_after: set[int] = set()
    pairs = []
    for _, _, earlier, later in sorted(alike):
        if earlier not in taken_before and later not in taken_after:
            taken_before.add(earlier)
            taken_after.add(later)
            pairs.append((earlier, later))
    return pairs


def _differences(before: _Words, after: _Words) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    exact = len(before.folded) * len(after.folded) <= EXACT_LIMIT
    matcher = SequenceMatcher(None, before.folded, after.folded, autojunk=not exact)
    gone, come = [], []
    for tag, from_old, to_old, from_new, to_new in matcher.get_opcodes():
        if tag == "equal":
            continue
        if from_old < to_old:
            gone.append((before.spans[from_old][0], before.spans[to_old - 1][1]))
        if from_new < to_new:
            come.append((after.spans[from_new][0], after.spans[to_new - 1][1]))
    return gone, come


def _whole(sentences: Sequence[_Words], paired: set[int]) -> list[tuple[int, int]]:
    """First to last word of each sentence that has no counterpart."""
    return [
        (sentence.spans[0][0], sentence.spans[-1][1])
        for place, sentence in enumerate(sentences)
        if place not in paired and sentence.spans
    ]


def _quotes(draft: str, spans: list[tuple[int, int]]) -> tuple[Quote, ...]:
    return tuple(Quote(draft[start:end], start, end) for start, end in sorted(spans))
