"""Turn a critique into HTML: verdict cards, the band, what was found, and how two drafts compare.

As in `format`, drafts, documents and model output are a stranger's words: they pass through `escaped`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from coach.critique.compare import Change, Comparison
from coach.critique.redraft import YOUR_EXAMPLE, YOUR_NUMBER, Redraft
from coach.critique.report import (
    AGAINST,
    DIRECTIONS,
    HABITS,
    NEXT,
    NEXT_MOVE,
    NO_BAND,
    NO_STORY,
    NOT_SCORED,
    PLEASE_NOTE,
    SET_ASIDE,
    UNSURE,
    by_sentence,
    contradiction_words,
    level_word,
)
from coach.text.attribution import attribution
from coach.types import (
    Band,
    Contradiction,
    Criterion,
    Critique,
    Document,
    Example,
    Finding,
    Quote,
    Span,
    Unbacked,
    Verdict,
)
from coach.ui.critique_marks import Place, quote_id, verdict_id
from coach.ui.format import BUNDLED_GUIDES, escaped, lines_html, shown_title, with_code

NOT_A_DECISION = (
    "This is practice, not a hiring decision: a program read your draft against what the article asks for, "
    "and it can be wrong. You can overrule any verdict."
)
BAND_SENTENCES: Mapping[Band | None, str] = {
    "not ready": "A committee would not yet find most of what it looks for in this answer.",
    "getting there": "A good part of what a committee looks for is here, and the rest is within reach.",
    "ready for this committee": "A committee would find most of what it looks for in this answer.",
    None: "Too little could be judged to say how ready this answer is.",
}
_LEVEL_ICONS = {"met": "✓", "partly": "◐", "missing": "○", UNSURE: "?", NOT_SCORED: "–"}
_DIRECTION_ICONS = {"better": "▲", "worse": "▼", "same": "=", "unknown": "?"}
SHOWN_QUOTE_CHARACTERS = 280  # about four lines of a card; the whole quote is marked in the draft
SHOWN_REMOVED = 40  # pieces of the old draft; a new answer to the question would list every word

_PLACEHOLDER = re.compile("|".join(map(re.escape, (YOUR_EXAMPLE, YOUR_NUMBER))))


def with_icon(word: str) -> tuple[str, str]:
    """Icon and word for a level, or for why there is none (`level_word`)."""
    return _LEVEL_ICONS[word], word.capitalize()


def pending_html(criterion: Criterion, place: Place, key: str) -> str:
    """A criterion that has not been judged yet."""
    return (
        f'<article id="{verdict_id(key, place.number)}" class="coach-verdict coach-pending">'
        f"{_verdict_head(criterion, place, '…', 'Waiting', 'waiting')}</article>"
    )


def verdict_html(verdict: Verdict, place: Place, key: str, document: Document | None) -> str:
    """One verdict: its level, the draft's words that carry it, what to do next, and what the source says.

    `document` is the text that the criterion's span points into, where it is at hand.
    """
    criterion = verdict.criterion
    level = verdict.final or ("unsure" if verdict.probability is not None else "unscored")
    parts = [
        _verdict_head(criterion, place, *with_icon(level_word(verdict.final, verdict)), level),
        _override_html(verdict),
        "".join(
            _quote_link(quote, quote_id(key, place.number, order))
            for order, quote in enumerate(verdict.quotes, 1)
        ),
        _asked_html(verdict) if verdict.final == "missing" else "",
        _paragraph("" if verdict.override is None else "The coach had said: ", verdict.explanation),
        _paragraph("", verdict.unscored) if verdict.final is None else "",
        _paragraph(f"{NEXT}: ", verdict.suggestion) if verdict.final != "met" else "",
        _sources_html(verdict, place, key, document),
    ]
    return (
        f'<article id="{verdict_id(key, place.number)}" tabindex="-1" '
        f'class="coach-verdict coach-group-{place.colour} coach-n-{place.number}">{"".join(parts)}</article>'
    )


def summary_html(critique: Critique) -> str:
    """The one next move on top, then the band in a plain sentence."""
    move = (
        f'<div class="coach-move"><p class="coach-label">{NEXT_MOVE}</p>'
        f'<p class="coach-text">{escaped(critique.next_move)}</p></div>'
        if critique.next_move
        else ""
    )
    name = (critique.band or NO_BAND).capitalize()
    return (
        f'<section class="coach-summary" aria-label="What the committee would say">{move}'
        f'<div class="coach-band"><p class="coach-label">Where this draft stands</p>'
        f'<p class="coach-band-name">{_meter(critique.band)}{name}</p>'
        f"<p>{BAND_SENTENCES[critique.band]}</p></div></section>"
        f'<p class="coach-place">{NOT_A_DECISION}</p>'
    )


def findings_html(findings: Sequence[Finding]) -> str:
    """The habits that the source warns of, with the draft's own words; nothing where there are none."""
    if not findings:
        return ""
    listed = "".join(_finding(finding) for finding in findings)
    return f'<section class="coach-findings"><p class="coach-label">{HABITS}</p>{listed}</section>'


def contradictions_html(contradictions: Sequence[Contradiction]) -> str:
    """What the user's own documents say otherwise, with both places; nothing where there is none."""
    if not contradictions:
        return ""
    listed = "".join(_contradiction(found) for found in contradictions)
    return f'<section class="coach-findings coach-own-facts"><p class="coach-label">{AGAINST}</p>{listed}</section>'


def unbacked_html(unbacked: Sequence[Unbacked]) -> str:
    """What the draft claims that stands in no story of the user's; nothing where there is none, or no story."""
    if not unbacked:
        return ""
    listed = "".join(
        f'<div class="coach-finding"><p><strong>{NO_STORY}: {escaped(", ".join(said))}</strong></p>'
        f"<p>You wrote: “{escaped(_clipped(quote.text))}”</p></div>"
        for quote, said in by_sentence(unbacked).items()
    )
    return (
        f'<section class="coach-findings coach-own-facts"><p class="coach-label">Check before you say it</p>{listed}'
        '<p class="coach-place">An interviewer may ask how you know. Where it is true, write it into a story on the Progress page.</p>'
        "</section>"
    )


def _contradiction(found: Contradiction) -> str:
    place = attribution(found.collection, found.span.source, found.headings)
    return (
        f'<div class="coach-finding"><p><strong>{escaped(contradiction_words(found))}</strong></p>'
        f"<p>You wrote: “{escaped(_clipped(found.quote.text))}”</p>"
        f'<p class="coach-place">{escaped(place)}: “{escaped(_clipped(found.span.text))}”</p></div>'
    )


def notices_html(critique: Critique) -> str:
    """What the reader should know about this reading, and what was set aside."""
    notices = "".join(f'<p class="coach-note">{with_code(notice)}</p>' for notice in critique.notices)
    if not critique.set_aside:
        return notices
    listed = "".join(f"<li><q>{escaped(_clipped(quote.text))}</q></li>" for quote in critique.set_aside)
    return (
        f'{notices}<details class="coach-left-out"><summary>{SET_ASIDE} '
        f"({len(critique.set_aside)})</summary><ul>{listed}</ul></details>"
    )


def comparison_html(comparison: Comparison, earlier: str) -> str:
    """What changed since an earlier draft, criterion by criterion. `earlier` names that draft."""
    moved = [change for change in comparison.changes if change.direction != "same"]
    still = [change for change in comparison.changes if change.direction == "same"]
    listed = f'<ul class="coach-changes">{"".join(map(_change, moved))}</ul>' if moved else ""
    unmoved = (
        f'<details class="coach-left-out"><summary>No change ({len(still)})</summary>'
        f'<ul class="coach-changes">{"".join(map(_change, still))}</ul></details>'
        if still
        else ""
    )
    return (
        f'<section class="coach-comparison" aria-label="Compared with {escaped(earlier)}">'
        f'<p class="coach-label">Compared with {escaped(earlier)}</p>{_bands(comparison)}{listed}'
        f"{unmoved}{_removed(comparison.removed)}</section>"
    )


def redraft_html(redraft: Redraft) -> str:
    """The question, the hint or the rewrite; what the candidate must fill in stands out."""
    label = {"question": "A question for you", "hint": "A hint", "rewrite": "One way to write it"}
    text = _PLACEHOLDER.sub(lambda match: f"<mark>{match.group()}</mark>", escaped(redraft.text))
    return (
        f'<div class="coach-redraft"><p class="coach-label">{label[redraft.stage]}</p>'
        f'<p class="coach-text">{text}</p>{_to_fill(redraft)}'
        f"{lines_html(PLEASE_NOTE, redraft.notes)}</div>"
    )


def passage_around(document: Document, span: Span) -> tuple[str, str, str]:
    """The heading a span stands under, and the text of its paragraph before and after it.

    All three are empty where the span is not at its place in the document.
    """
    text = document.text
    if text[span.start : span.end] != span.text:
        return "", "", ""
    section = document.section_at(span.start)
    begin = text.rfind("\n\n", 0, span.start)
    end = text.find("\n\n", span.end)
    before = text[begin + 2 if begin >= 0 else 0 : span.start]
    after = text[span.end : end if end >= 0 else len(text)]
    return (section.headings[-1] if section and section.headings else ""), before, after


def _verdict_head(criterion: Criterion, place: Place, icon: str, word: str, level: str) -> str:
    return (
        f'<div class="coach-verdict-head coach-group-{place.colour}">'
        f'<span class="coach-group-number" aria-hidden="true">{place.number}</span>'
        f'<div><h3><span class="coach-unheard">{place.number}. </span>{escaped(criterion.name)}</h3>'
        f'<p class="coach-place">{escaped(criterion.group)}</p></div>'
        f'<p class="coach-level coach-level-{level}"><span aria-hidden="true">{icon}</span> {word}</p></div>'
    )


def _override_html(verdict: Verdict) -> str:
    if verdict.override is None:
        return ""
    judged = level_word(verdict.level, verdict)
    reason = f": {escaped(verdict.override.reason)}" if verdict.override.reason else "."
    said = "Confirmed" if verdict.override.level == verdict.level else "Overruled"
    return (
        f'<p class="coach-overruled"><strong>{said} by you</strong>{reason} '
        f'<span class="coach-figures">The coach said: {judged}.</span></p>'
    )


def _quote_link(quote: Quote, target: str) -> str:
    return (
        f'<blockquote class="coach-draft-words"><a href="#{target}">“{escaped(_clipped(quote.text))}”</a>'
        "</blockquote>"
    )


def _asked_html(verdict: Verdict) -> str:
    """What the source asks for, unless the explanation says it already."""
    span = verdict.criterion.span
    if span.text[:40] in verdict.explanation:
        return ""
    return (
        f'<p class="coach-label">{_source_words(span)}</p>'
        f'<blockquote class="coach-asked">{escaped(span.text)}</blockquote>'
    )


def _source_words(span: Span) -> str:
    return "The article’s words" if span.source.startswith(BUNDLED_GUIDES) else "Your source’s words"


def _paragraph(label: str, text: str) -> str:
    strong = f"<strong>{label}</strong>" if label else ""
    return f'<p class="coach-said">{strong}{escaped(text)}</p>' if text else ""


def _sources_html(verdict: Verdict, place: Place, key: str, document: Document | None) -> str:
    identity = f"{verdict_id(key, place.number)}-source"
    span = verdict.criterion.span
    return (
        f'<div class="coach-verdict-more"><button type="button" class="coach-open" popovertarget="{identity}">'
        f"{_source_words(span)}</button>{_examples_html(verdict)}</div>"
        f"{_passage_popover(identity, verdict.criterion, document)}"
    )


def _passage_popover(identity: str, criterion: Criterion, document: Document | None) -> str:
    span = criterion.span
    heading, before, after = passage_around(document, span) if document else ("", "", "")
    title = shown_title(document.title) if document else span.source
    path = ' <span aria-hidden="true">›</span> '.join(escaped(step) for step in (title, heading) if step)
    return (
        f'<div popover id="{identity}" class="coach-passage" role="dialog" '
        f'aria-label="The passage behind: {escaped(criterion.name)}">'
        f'<div class="coach-passage-head"><p>{path}</p><button type="button" class="coach-close" '
        f'popovertarget="{identity}" popovertargetaction="hide" aria-label="Close the passage">×</button></div>'
        f'<div class="coach-passage-text" tabindex="0">{escaped(before)}<mark>{escaped(span.text)}</mark>'
        f'{escaped(after)}</div><p class="coach-place">{escaped(span.source)} · characters {span.start:,}–'
        f"{span.end:,}</p></div>"
    )


def _examples_html(verdict: Verdict) -> str:
    examples = verdict.criterion.examples
    if not examples:
        return ""
    opened = " open" if verdict.final == "missing" else ""
    kinds = " and ".join(dict.fromkeys(_example_word(example) for example in examples))
    listed = "".join(
        f'<li><strong class="coach-{example.quality}">{_example_word(example)}</strong> '
        f"{escaped(example.span.text)}</li>"
        for example in examples
    )
    return f'<details class="coach-examples"{opened}><summary>{kinds} examples</summary><ul>{listed}</ul></details>'


def _example_word(example: Example) -> str:
    return example.quality.upper()


def _finding(finding: Finding) -> str:
    quotes = ", ".join(f"“{escaped(_clipped(quote.text))}”" for quote in finding.quotes)
    words = f"<p>You wrote: {quotes}</p>" if quotes else ""
    pattern = finding.anti_pattern
    return (
        f'<div class="coach-finding"><p><strong>{escaped(pattern.name)}</strong></p>{words}'
        f"{_paragraph('Instead: ', pattern.suggestion)}"
        f'<p class="coach-place">{_source_words(pattern.span)}: “{escaped(pattern.span.text)}”</p></div>'
    )


def _meter(band: Band | None) -> str:
    """Three steps, so many filled: beside the words, never instead of them."""
    filled = {"not ready": 1, "getting there": 2, "ready for this committee": 3, None: 0}[band]
    filled_class = ' class="coach-filled"'
    steps = "".join(f"<i{filled_class if step < filled else ''}></i>" for step in range(3))
    return f'<span class="coach-meter" aria-hidden="true">{steps}</span>'


def _bands(comparison: Comparison) -> str:
    before, after = comparison.band_before or NO_BAND, comparison.band_after or NO_BAND
    if before == after:
        return f"<p>Still <strong>{after}</strong>.</p>"
    return f"<p>From <strong>{before}</strong> to <strong>{after}</strong>.</p>"


def _change(change: Change) -> str:
    icon, word = _DIRECTION_ICONS[change.direction], DIRECTIONS[change.direction]
    return (
        f'<li class="coach-change-{change.direction}"><span class="coach-change-word">'
        f'<span aria-hidden="true">{icon}</span> {word}</span> <span>{escaped(change.name)} '
        f'<span class="coach-figures">{_step(change)}</span></span></li>'
    )


def _step(change: Change) -> str:
    before, after = change.before or NOT_SCORED, change.after or NOT_SCORED
    return before if change.direction == "same" else f"{before} → {after}"


def _removed(removed: Sequence[Quote]) -> str:
    if not removed:
        return ""
    listed = "".join(
        f"<li><del>{escaped(_clipped(quote.text))}</del></li>" for quote in removed[:SHOWN_REMOVED]
    )
    more = len(removed) - SHOWN_REMOVED
    rest = f'<li class="coach-note">and {more:,} more</li>' if more > 0 else ""
    return (
        f'<details class="coach-left-out"><summary>Taken out ({len(removed)})</summary>'
        f"<ul>{listed}{rest}</ul></details>"
    )


def _to_fill(redraft: Redraft) -> str:
    if redraft.placeholders == 0:
        return ""
    places = "One place is" if redraft.placeholders == 1 else f"{redraft.placeholders} places are"
    return f'<p class="coach-note">{places} yours to fill in: the coach makes up no facts.</p>'


def _clipped(text: str) -> str:
    if len(text) <= SHOWN_QUOTE_CHARACTERS:
        return text
    return f"{text[:SHOWN_QUOTE_CHARACTERS].rsplit(' ', 1)[0]} …"
