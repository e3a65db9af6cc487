"""Write a critique down: as text for the terminal and as Markdown, in words that the page shows as well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from coach.text.attribution import attribution, says
from coach.types import (
    Contradiction,
    Critique,
    Example,
    Finding,
    Level,
    Override,
    Quote,
    Span,
    Unbacked,
    Verdict,
)

if TYPE_CHECKING:
    from coach.critique.compare import Change, Comparison

MARK = "<!-- Written by `coach critique`. -->"  # first line of a report: one of ours may be replaced

DIRECTIONS = {"better": "Better", "worse": "Worse", "unknown": "Cannot be compared", "same": "The same"}
NOT_SCORED, UNSURE, NO_BAND = "not scored", "unsure", "no band"
HABITS = "Habits the source warns of"
SET_ASIDE = "Not read as part of the answer"
PLEASE_NOTE = "Please note"
NEXT, NEXT_MOVE = "Next", "The next move"
AGAINST = "Your own documents say otherwise"
NO_STORY = "In no story of yours"
_SHOWN_SPANS = 12  # of the words added or removed, in the terminal; the JSON and the Markdown have all
_SHOWN_CHARACTERS = 160  # of a long stretch of the draft, where the reader needs only to recognise it

# What Markdown (and Streamlit's, which knows formulas) would take for markup: anywhere, and where a line begins
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_LINE_MARKUP = re.compile(r"^(\s*)(?:([-+=])|(\d{1,9})([.)]))", re.MULTILINE)


class CritiqueText:
    """Words for the terminal, one verdict at a time. The same example of the article is shown once."""

    def __init__(self) -> None:
        self._shown: set[Span] = set()

    def verdict(self, verdict: Verdict) -> str:
        """The level and the name; then the draft's own words or, where they are missing, the article's."""
        criterion = verdict.criterion
        heading = f"[{_label(verdict)}] {_line(criterion.name)} ({_line(criterion.id)})"
        return "\n    ".join([heading, *self._details(verdict)])

    def _details(self, verdict: Verdict) -> Iterator[str]:
        if verdict.override:
            yield _override_line(verdict, verdict.override)
        yield from (f"| {_line(quote.text)}" for quote in verdict.quotes)
        if verdict.final != "met" or not verdict.quotes:  # the draft's words speak for themselves
            yield from filter(None, (_line(verdict.unscored), _line(verdict.explanation)))
        if verdict.final == "missing":
            yield from self._article(verdict)
        if verdict.suggestion and verdict.final != "met":
            yield f"{NEXT}: {_line(verdict.suggestion)}"

    def _article(self, verdict: Verdict) -> Iterator[str]:
        span = verdict.criterion.span
        place = f"{span.source}:{span.start}-{span.end}"
        is_quoted = span.text in verdict.explanation
        yield f"In {place}" if is_quoted else f"Why it counts: “{_line(span.text)}” ({place})"
        news = [example for example in _examples(verdict) if example.span not in self._shown]
        example = min(news, key=lambda example: example.quality != "good", default=None)
        if example is not None:
            self._shown.add(example.span)
            yield f"{example.quality.upper()}, in the source: {_line(example.span.text)}"


def _examples(verdict: Verdict) -> list[Example]:
    """The source's answers that show this criterion, without what its demand already quotes."""
    demand = verdict.criterion.span.text
    return [example for example in verdict.criterion.examples if example.span.text not in demand]


def critique_as_text(critique: Critique) -> str:
    """The whole critique for the terminal."""
    text = CritiqueText()
    return "\n\n".join([*(text.verdict(verdict) for verdict in critique.verdicts), closing_as_text(critique)])


def closing_as_text(critique: Critique) -> str:
    """What follows the verdicts: habits, what was set aside, the band and the one next move."""
    blocks = []
    if critique.findings:
        blocks.append("\n".join([f"{HABITS}:", *_finding_lines(critique.findings)]))
    if critique.contradictions:
        blocks.append("\n".join([f"{AGAINST}:", *_contradiction_lines(critique.contradictions)]))
    if critique.unbacked:
        blocks.append("\n".join([f"{NO_STORY}:", *_unbacked_lines(critique.unbacked)]))
    if critique.notices or critique.set_aside:
        notices = [f"  {_line(notice)}" for notice in critique.notices]
        blocks.append("\n".join([f"{PLEASE_NOTE}:", *notices, *_aside_lines(critique.set_aside)]))
    last = f"{_band_words(critique)} ({_tally(critique)})"
    if critique.next_move:
        last += f"\n{NEXT_MOVE}: {_line(critique.next_move)}"
    return "\n\n".join([*blocks, last])


def _finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"  {_line(finding.anti_pattern.name)}"
        yield from (f"    | {_line(quote.text)}" for quote in finding.quotes)
        if finding.anti_pattern.suggestion:
            yield f"    {_line(finding.anti_pattern.suggestion)}"


def _contradiction_lines(contradictions: Iterable[Contradiction]) -> Iterator[str]:
    for found in contradictions:
        yield f"  {_line(contradiction_words(found))}"
        yield f"    | {_line(found.quote.text)}"
        yield f"    {_line(attribution(found.collection, found.span.source, found.headings))}: “{_line(found.span.text)}”"


def _unbacked_lines(unbacked: Sequence[Unbacked]) -> Iterator[str]:
    for quote, said in by_sentence(unbacked).items():
        yield f"  {_line(', '.join(said))}"
        yield f"    | {_line(quote.text)}"


def by_sentence(unbacked: Sequence[Unbacked]) -> dict[Quote, list[str]]:
    """What each sentence says that stands in no story."""
    found: dict[Quote, list[str]] = {}
    for one in unbacked:
        found.setdefault(one.quote, []).append(one.said)
    return found


def contradiction_words(found: Contradiction) -> str:
    """Both sides in a sentence: "Your notes say 6 %, the draft says 8 %"."""
    return f"{says(found.collection)} {found.known}, the draft says {found.said}."


def _aside_lines(set_aside: Sequence[Quote]) -> Iterator[str]:
    if set_aside:
        yield f"  {SET_ASIDE}:"
    yield from (f"    | {_cut(_line(quote.text))}" for quote in set_aside)


def comparison_as_text(comparison: Comparison) -> str:
    """What got better or worse since the earlier draft, and which words came and went."""
    lines = [f"Compared with the earlier draft: {_bands(comparison)}"]
    for direction, label in DIRECTIONS.items():
        changes = [change for change in comparison.changes if change.direction == direction]
        if changes:
            lines += [f"  {label}:", *(f"    {_change_words(change)}" for change in changes)]
    lines += _span_lines("New in this draft:", "+", comparison.added)
    lines += _span_lines("No longer there:", "-", comparison.removed)
    return "\n".join(lines)


def _span_lines(title: str, sign: str, quotes: Sequence[Quote]) -> list[str]:
    if not quotes:
        return []
    lines = [f"  {title}", *(f"    {sign} {_cut(_line(quote.text))}" for quote in quotes[:_SHOWN_SPANS])]
    more = len(quotes) - _SHOWN_SPANS
    return [*lines, f"    {sign} ... and {more} more places"] if more > 0 else lines


def _change_words(change: Change) -> str:
    name = _line(change.name)
    if change.direction == "same":
        return f"{name} ({change.after})"
    return f"{name} ({change.before or NOT_SCORED} -> {change.after or NOT_SCORED})"


def _bands(comparison: Comparison) -> str:
    before, after = comparison.band_before or NO_BAND, comparison.band_after or NO_BAND
    return f"{after}, as before" if before == after else f"{before} -> {after}"


def _label(verdict: Verdict) -> str:
    level = level_word(verdict.final, verdict)
    if verdict.override is None:
        return level
    return f"{level}, {'confirmed' if verdict.override.level == verdict.level else 'overruled'} by a person"


def level_word(level: Level | None, verdict: Verdict) -> str:
    """The level, or why the verdict has none: a judge that gave a probability looked and could not decide."""
    return level or (NOT_SCORED if verdict.probability is None else UNSURE)


def _override_line(verdict: Verdict, override: Override) -> str:
    judged = level_word(verdict.level, verdict)
    reason = f": {_line(override.reason)}" if override.reason else ""
    return f"A person said {override.level}{reason} (the judge: {judged})"


def _band_words(critique: Critique) -> str:
    return f"Band: {critique.band}" if critique.band else "No band: too little of the draft could be judged"


def _tally(critique: Critique) -> str:
    """`5 met, 2 partly, 3 missing`, with the levels that count."""
    finals = [level_word(verdict.final, verdict) for verdict in critique.verdicts]
    words = ("met", "partly", "missing", UNSURE, NOT_SCORED)
    return (
        ", ".join(f"{finals.count(word)} {word}" for word in words if word in finals) or "nothing was judged"
    )


def _line(text: str) -> str:
    """`text` on one line; what a terminal would obey instead of print becomes a space."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _cut(text: str) -> str:
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return text[:_SHOWN_CHARACTERS].rsplit(" ", 1)[0] + " …"


def critique_as_markdown(critique: Critique, comparison: Comparison | None = None) -> str:
    """The report to keep or hand on. Everything that was typed is escaped: it reads as it was typed."""
    blocks = [
        MARK,
        "# Critique",
        f"**Question** ({plain_markdown(critique.kind)}): {plain_markdown(_line(critique.question))}",
        f"**{_band_words(critique)}** ({_tally(critique)})",
    ]
    if critique.next_move:
        blocks.append(f"**{NEXT_MOVE}:** {plain_markdown(critique.next_move)}")
    for group in dict.fromkeys(verdict.criterion.group for verdict in critique.verdicts):
        blocks.append(f"## {plain_markdown(group)}")
        for verdict in critique.verdicts:
            if verdict.criterion.group == group:
                blocks += _verdict_blocks(verdict)
    blocks += _finding_blocks(critique.findings)
    blocks += _contradiction_blocks(critique.contradictions)
    blocks += _unbacked_blocks(critique.unbacked)
    if critique.notices or critique.set_aside:
        blocks += [f"## {PLEASE_NOTE}", *map(plain_markdown, critique.notices)]
        blocks += [f"{SET_ASIDE}:"] if critique.set_aside else []
        blocks += [quoted_markdown(quote.text) for quote in critique.set_aside]
    if comparison is not None:
        blocks += _comparison_blocks(comparison)
    blocks += ["## The draft", quoted_markdown(critique.draft)]
    return "\n\n".join(blocks) + "\n"


def _verdict_blocks(verdict: Verdict) -> Iterator[str]:
    yield f"### {plain_markdown(verdict.criterion.name)}: {_label(verdict)}"
    if verdict.override:
        yield plain_markdown(_override_line(verdict, verdict.override))
    if verdict.quotes:
        yield "In the draft:"
        yield "\n\n".join(quoted_markdown(quote.text) for quote in verdict.quotes)
    yield from (plain_markdown(text) for text in (verdict.unscored, verdict.explanation) if text)
    span = verdict.criterion.span
    place = f"{plain_markdown(span.source)}, characters {span.start} to {span.end}"
    if span.text in verdict.explanation:
        yield f"(Source: {place}.)"
    else:
        yield f"Why it counts ({place}):"
        yield quoted_markdown(span.text)
    if verdict.final != "met":
        for example in _examples(verdict):
            yield f"A {example.quality.upper()} answer, in the source:"
            yield quoted_markdown(example.span.text)
    if verdict.suggestion and verdict.final != "met":
        yield f"**{NEXT}:** {plain_markdown(verdict.suggestion)}"


def _finding_blocks(findings: Iterable[Finding]) -> Iterator[str]:
    for number, finding in enumerate(findings):
        if number == 0:
            yield f"## {HABITS}"
        yield f"### {plain_markdown(finding.anti_pattern.name)}"
        yield from (quoted_markdown(quote.text) for quote in finding.quotes)
        if finding.anti_pattern.suggestion:
            yield f"**{NEXT}:** {plain_markdown(finding.anti_pattern.suggestion)}"


def _contradiction_blocks(contradictions: Iterable[Contradiction]) -> Iterator[str]:
    for number, found in enumerate(contradictions):
        if number == 0:
            yield f"## {AGAINST}"
        yield f"### {plain_markdown(contradiction_words(found))}"
        yield "In the draft:"
        yield quoted_markdown(found.quote.text)
        yield f"{plain_markdown(attribution(found.collection, found.span.source, found.headings))}:"
        yield quoted_markdown(found.span.text)


def _unbacked_blocks(unbacked: Sequence[Unbacked]) -> Iterator[str]:
    if unbacked:
        yield f"## {NO_STORY}"
    for quote, said in by_sentence(unbacked).items():
        yield f"{plain_markdown(', '.join(said))}:"
        yield quoted_markdown(quote.text)


def _comparison_blocks(comparison: Comparison) -> Iterator[str]:
    yield "## Compared with the earlier draft"
    yield f"{_bands(comparison)}."
    rows = [
        f"| {plain_markdown(change.name)} | {change.before or NOT_SCORED} | {change.after or NOT_SCORED} "
        f"| {DIRECTIONS[change.direction].lower()} |"
        for change in comparison.changes
    ]
    yield "\n".join(["| expectation | before | now | |", "|---|---|---|---|", *rows])
    for title, quotes in (("New in this draft:", comparison.added), ("No longer there:", comparison.removed)):
        if quotes:
            yield title
            yield "\n".join(f"- {plain_markdown(_line(quote.text))}" for quote in quotes)


def plain_markdown(text: str) -> str:
    """`text` so that Markdown shows it as it is."""
    escaped = _MARKUP.sub(r"\\\1", text)
    return _LINE_MARKUP.sub(_escaped_start, escaped)


def _escaped_start(found: re.Match[str]) -> str:
    _, sign, number, stop = found.groups()
    return f"\\{sign}" if sign else f"{number}\\{stop}"


def quoted_markdown(text: str) -> str:
    """`text` as a quotation in Markdown, line by line."""
    lines = [plain_markdown(line.strip()) for line in text.strip().splitlines()]
    return "\n".join(f"> {line}".rstrip() for line in lines)
