"""Draw the path of one question, top to bottom, as HTML in which every stranger's character stands as it is.

Nothing here knows Streamlit. Each picture has its text alternative; each step's title leads to the article's own words on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coach.answer.concepts import concepts
from coach.answer.path import (
    ESTIMATED,
    TITLES,
    UNKNOWN,
    Share,
    decided_by,
    decision,
    model_facts,
    ranks,
    reply_check,
    rewriting,
    steps_of,
    window_shares,
)
from coach.answer.report import NO_MODEL
from coach.text.attribution import attribution
from coach.types import (
    Answer,
    Candidate,
    Passage,
    Refusal,
    Reply,
    Search,
    Sentence,
    WeighedPart,
    WeighedSentence,
)
from coach.ui.format import (
    document_address,
    escaped,
    lines_html,
    milliseconds,
    passage_html,
    shortened,
    shown_title,
    with_code,
)

HUES = 8  # of the style sheet's `coach-group-*`
_STATUS = {"supported": "supported", "unsupported": "left out", "connective": "joins, says nothing"}


def path_html(reply: Reply) -> str:
    """The steps that happened, numbered, each with what it did and the concept it is an instance of."""
    draw: dict[str, Callable[[Reply], str]] = {
        "question": _question,
        "search": _search,
        "evidence": _evidence,
        "sentences": _sentences,
        "prompt": _prompt,
        "model": _model,
        "check": _check,
        "cost": _cost,
    }
    steps = "".join(f"<li>{_title(name)}{draw[name](reply)}</li>" for name in steps_of(reply))
    return f'<div class="coach-path">{_times(reply)}<ol>{steps}</ol></div>'


def _title(step: str) -> str:
    concept = concepts()[step]
    address = document_address(concept.span.source, concept.span.start, concept.span.end)
    return (
        f'<h3 class="coach-part"><a href="{address}" target="_self" title="{escaped(concept.span.text)}">{TITLES[step]}</a></h3>'
        f'<p class="coach-place"><strong>{escaped(concept.name)}.</strong> {escaped(concept.explanation)}</p>'
    )


def _question(reply: Reply) -> str:
    trace = reply.trace
    ran = f"<p>Query that ran: <q>{escaped(shortened(trace.query))}</q></p>" if trace.searches else ""
    why = rewriting(reply)
    rewritten = f"<p>Asked: <q>{escaped(shortened(reply.question))}</q>. {escaped(why)}</p>" if why else ""
    taken = "" if ran else "<p>Taken as small talk: nothing was searched.</p>"
    return ran + rewritten + (taken if not trace.searches and not _passages(reply) else "")


def _search(reply: Reply) -> str:
    shown = "".join(_one_search(search, _passages(reply)) for search in reply.trace.searches)
    trace = reply.trace
    index = f" · index {escaped(trace.index_fingerprint[:12])}" if trace.index_fingerprint else ""
    return f'{shown}<p class="coach-place">Vectors by {escaped(trace.embedder or UNKNOWN)}{index}</p>'


def _one_search(search: Search, passages: Sequence[Passage]) -> str:
    texts = {(passage.source, passage.chunk.start): passage for passage in passages}
    taken = [one for one in search.candidates if not one.dropped]
    dropped = [one for one in search.candidates if one.dropped]
    rows = "".join(_candidate(one, texts.get((one.source, one.start))) for one in taken)
    left = search.looked_at - len(taken)
    listed = f", the best {len(dropped)} of them listed" if len(dropped) < left else ""
    others = (
        f'<details class="coach-source"><summary><span>Dropped: {left:,}{listed}</span></summary>'
        f"{''.join(_candidate(one, None) for one in dropped)}</details>"
        if left
        else ""
    )
    query = f" for <q>{escaped(shortened(search.query))}</q>" if search.query else ""
    return f"<p>{search.looked_at:,} candidates{query}; {len(taken)} taken, in fused order, best first.</p>{rows}{others}"


def _candidate(one: Candidate, passage: Passage | None) -> str:
    address = document_address(one.source, one.start, one.end)
    place = f'<p class="coach-place"><a href="{address}" target="_self">Open it in the document</a></p>'
    text = passage_html(passage) if passage else ""
    why = f" · {escaped(one.dropped)}" if one.dropped else ""
    return (
        f'<details class="coach-source"><summary><span>{one.rank}. {escaped(shown_title(one.heading))}</span>'
        f'<span class="coach-figures">{escaped(ranks(one))} · fused {one.score:.2f}{why}</span>'
        f'<span class="coach-bars">{_bar(one.cosine, "meaning")}{_bar(one.keyword, "words")}</span></summary>{text}{place}</details>'
    )


def _bar(value: float, label: str = "") -> str:
    """A bar from 0 to 1; its figure stands beside it in words."""
    width = 100 * min(1.0, max(0.0, value))
    name = f"<span>{label}</span>" if label else ""
    return (
        f'<span class="coach-bar" role="img" aria-label="{label or "value"} {value:.2f} of 1">{name}'
        f'<span class="coach-bar-room"><i style="width:{width:.1f}%"></i></span></span>'
    )


def _evidence(reply: Reply) -> str:
    return "".join(map(_scale, reply.trace.parts))


def _scale(part: WeighedPart) -> str:
    """Where this question stands between 0 and 1, with both thresholds."""
    name = f"<p><q>{escaped(shortened(part.text))}</q></p>" if part.text else ""
    alternative = (
        f"A scale from 0 to 1. Refused below {part.refuse_below:.2f}, a doubt below {part.doubt_below:.2f}; "
        f"this question is at {part.probability:.2f}."
    )
    refuse, doubt = 100 * part.refuse_below, 100 * part.doubt_below
    zones = (("refused", refuse), ("doubt", max(0.0, doubt - refuse)), ("answered", max(0.0, 100 - doubt)))
    drawn = "".join(f'<i class="coach-zone-{zone}" style="width:{width:.1f}%"></i>' for zone, width in zones)
    picture = (
        f'<div class="coach-scale" role="img" aria-label="{alternative}">{drawn}'
        f'<i class="coach-zone-here" style="left:calc((100% - 0.3rem) * {part.probability:.3f})"></i></div>'
    )
    legend = (
        f'<p class="coach-legend"><span>0</span><span>refused below {part.refuse_below:.2f}</span>'
        f"<span>doubt below {part.doubt_below:.2f}</span><span>1</span></p>"
    )
    drawing = f"{picture}{legend}" if part.refuse_below else ""
    return f"{name}{drawing}<p><strong>{escaped(decision(part))}</strong> {escaped(decided_by(part))}</p>"


def _sentences(reply: Reply) -> str:
    weighed = reply.trace.weighed
    shown = "".join(f"<li>{_weighed(one)}</li>" for one in weighed if one.shown)
    listed = f'<ul class="coach-rows">{shown}</ul>' if shown else ""
    others = [one for one in weighed if not one.shown]
    rest = "".join(f"<li>{_weighed(one)}</li>" for one in others)
    best = f"Not shown: {len(others)}, the best at {max((one.relevance for one in others), default=0.0):.2f}"
    folded = (
        f'<details class="coach-source"><summary>{best}</summary><ul class="coach-rows">{rest}</ul></details>'
        if others
        else ""
    )
    return f"<p>How likely each speaks of what is asked:</p>{listed}{folded}"


def _weighed(one: WeighedSentence) -> str:
    address = document_address(one.source, one.start, one.end)
    fate = "shown" if one.shown else "not shown"
    return (
        f"<p><strong>{one.relevance:.2f} · {fate}</strong> {escaped(one.text)}</p>{_bar(one.relevance)}"
        f'<p class="coach-place"><a href="{address}" target="_self">{escaped(attribution(one.collection, one.source, [shown_title(one.heading)]))}</a></p>'
    )


def _prompt(reply: Reply) -> str:
    trace = reply.trace
    shares, estimated = window_shares(trace)
    used = sum(share.tokens for share in shares)
    window = max(trace.window, used, 1)
    whole = "; ".join(f"{share.name} {share.tokens}" for share in shares)
    whole = f"{used} of {window} tokens: {whole}"
    bar = f'<div class="coach-tokens" role="img" aria-label="{escaped(whole)}">{_segments(shares, window)}</div>'
    enlarged = f'<div class="coach-tokens coach-enlarged" aria-hidden="true">{_segments(shares, used)}</div>'
    rows = "".join(_share(share, place, window) for place, share in enumerate(shares))
    note = f'<p class="coach-place">{escaped(ESTIMATED)}</p>' if estimated else ""
    purpose = "to write" if trace.usage else "to say Yes or No to the evidence"
    dropped = lines_html("Dropped to fit the window", trace.dropped)
    free = (
        f"{max(0, window - used):,} of {window:,} tokens are free."
        if trace.window
        else "The window is unknown."
    )
    return f"<p>What the model read {purpose}. {free}</p>{bar}{enlarged}{rows}{note}{dropped}"


def _segments(shares: Sequence[Share], room: int) -> str:
    return "".join(
        f'<i class="coach-group-{place % HUES + 1}" style="width:{100 * share.tokens / max(1, room):.2f}%"></i>'
        for place, share in enumerate(shares)
    )


def _share(share: Share, place: int, window: int) -> str:
    swatch = f'<i class="coach-swatch coach-group-{place % HUES + 1}" aria-hidden="true"></i>'
    figures = f'<span class="coach-figures">{share.tokens:,} tokens, {share.tokens / window:.1%} of the window</span>'
    name = f"<span>{swatch}{escaped(share.name)}</span>{figures}"
    if not share.text:
        return f'<div class="coach-source coach-closed">{name}</div>'
    return (
        f'<details class="coach-source"><summary>{name}</summary>'
        f'<div class="coach-source-text">{escaped(share.text)}</div></details>'
    )


def _model(reply: Reply) -> str:
    trace = reply.trace
    facts = trace.model_facts
    name = trace.model or (facts.name if facts else UNKNOWN)
    role = (
        "wrote the reply’s first draft"
        if trace.model and trace.usage
        else "read the evidence and wrote nothing"
    )
    rows = [("Name", name), ("What it did", role), ("Chosen", trace.backend_reason)]
    rows += (
        [("First token", f"{milliseconds(trace.first_token_ms)} after the question")]
        if trace.first_token_ms
        else []
    )
    rows += [("Pace", f"{trace.tokens_per_second:g} tokens a second")] if trace.tokens_per_second else []
    rows += [("Sampling", " · ".join(f"{key} {value:g}" for key, value in trace.sampling.items()))]
    rows += list(model_facts(facts)) if facts else []
    usage = trace.usage
    cached = ""
    if usage and usage.prompt:
        share = min(1.0, usage.cached / usage.prompt)
        rows += [("Tokens", f"{usage.prompt:,} read, {usage.completion:,} written")]
        rows += [
            ("From cache", f"{usage.cached:,} tokens, {share:.0%} of what was read; {usage.fresh:,} computed")
        ]
        cached = _bar(share, "from cache")
    return _listed(rows) + cached


def _listed(rows: Sequence[tuple[str, str]]) -> str:
    shown = "".join(f"<dt>{label}</dt><dd>{with_code(value)}</dd>" for label, value in rows if value)
    return f'<div class="coach-trace"><dl>{shown}</dl></div>'


def _check(reply: Reply) -> str:
    assert isinstance(reply, Answer)  # no other has this step
    said = reply_check(reply)
    opening = said or f"Answered by {NO_MODEL}."
    rows = "".join(f"<li>{_checked(sentence, reply)}</li>" for sentence in reply.sentences)
    return f'<p>{escaped(opening)}</p><ul class="coach-rows">{rows}</ul>'


def _checked(sentence: Sentence, answer: Answer) -> str:
    """The sentence with its support, and its source beside it."""
    support = max((citation.support for citation in sentence.citations), default=0.0)
    verbatim = sentence.origin == "source"
    word = "word for word" if verbatim else _STATUS[sentence.status]
    figure = "" if verbatim or not sentence.citations else f" {min(1.0, support):.2f}"
    sources = "".join(
        f'<p><a href="{document_address(c.span.source, c.span.start, c.span.end)}" target="_self">'
        f"{escaped(attribution(c.collection, c.span.source, _headings(answer, c.passage), c.page))}</a>: "
        f"{'' if verbatim else escaped(c.span.text)}</p>"
        for c in dict.fromkeys(sentence.citations)
    )
    nowhere = "<p>No sentence of the sources carries it.</p>" if sentence.status == "unsupported" else ""
    bar = "" if verbatim or not sentence.citations else _bar(support, "support")
    return (
        f'<div class="coach-beside"><div><p><strong>{word}{figure}</strong> {escaped(sentence.text)}</p>{bar}</div>'
        f'<div class="coach-place">{sources}{nowhere}</div></div>'
    )


def _headings(answer: Answer, place: int) -> tuple[str, ...]:
    headings = answer.passages[place].chunk.headings if 0 <= place < len(answer.passages) else ()
    return tuple(map(shown_title, headings))


def _cost(reply: Reply) -> str:
    usage = reply.trace.usage
    assert usage is not None  # no other has this step
    here = (
        "Nothing was paid by the token here."
        if not (reply.trace.model_facts and reply.trace.model_facts.leaves)
        else ""
    )
    return f"<p>{usage.prompt:,} tokens in, {usage.completion:,} out. {here} Type a hosted price below to compare.</p>"


def _times(reply: Reply) -> str:
    trace = reply.trace
    steps = " · ".join(
        f"{name.replace('_', ' ')} {milliseconds(value)}" for name, value in trace.steps_ms.items()
    )
    first = (
        f"First cited sentence after {milliseconds(trace.first_citation_ms)}. "
        if trace.first_citation_ms
        else ""
    )
    whole = f"Whole reply in {milliseconds(trace.total_ms)}. {first}{steps}"
    return f'<p class="coach-place coach-times">{escaped(whole)}</p>{lines_html("Notes", trace.notes)}'


def _passages(reply: Reply) -> tuple[Passage, ...]:
    return reply.nearest if isinstance(reply, Refusal) else reply.passages
