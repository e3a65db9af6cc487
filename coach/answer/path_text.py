"""The path of one question as text: the steps that the page draws, in the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coach.answer.concepts import concepts
from coach.answer.path import (
    ESTIMATED,
    TITLES,
    UNKNOWN,
    cost_in_words,
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
from coach.types import Answer, Reply, WeighedPart

WIDTH = 30  # characters of a bar
Price = tuple[float, float] | None


def path_as_text(reply: Reply, price: Price = None) -> str:
    """The steps that happened, numbered; with a `price` per million tokens in and out, what a hosted model would have taken."""
    say: dict[str, Callable[[Reply], Iterator[str]]] = {
        "question": _question,
        "search": _search,
        "evidence": _evidence,
        "sentences": _sentences,
        "prompt": _prompt,
        "model": _model,
        "check": _check,
        "cost": lambda reply: _cost(reply, price),
    }
    lines = ["How this answer was made"]
    for number, name in enumerate(steps_of(reply), start=1):
        concept = concepts()[name]
        lines += ["", f"{number}. {TITLES[name]} ({concept.name}: {concept.explanation})"]
        lines += [f"   {line}" for line in say[name](reply)]
    return "\n".join(lines)


def _question(reply: Reply) -> Iterator[str]:
    if not reply.trace.searches:
        yield "Taken as small talk: nothing was searched."
        return
    yield f"Query that ran: {_on_one_line(reply.trace.query)}"
    if why := rewriting(reply):
        yield why


def _search(reply: Reply) -> Iterator[str]:
    for search in reply.trace.searches:
        taken = [one for one in search.candidates if not one.dropped]
        yield f"{search.looked_at} candidates, {len(taken)} taken, {search.looked_at - len(taken)} dropped"
        for one in search.candidates:
            why = f" · dropped: {one.dropped}" if one.dropped else ""
            yield f"{one.rank:>3}. {_on_one_line(one.heading)} · {ranks(one)} · fused {one.score:.2f}{why}"


def _evidence(reply: Reply) -> Iterator[str]:
    for part in reply.trace.parts:
        yield f"0 {_scale(part)} 1   ({_on_one_line(part.text)})"
        yield f"{decision(part)} {decided_by(part)}"


def _scale(part: WeighedPart) -> str:
    """From 0 to 1: `x` refused, `?` in doubt, `=` answered, `#` where this question is."""
    places = [place / WIDTH for place in range(WIDTH)]
    drawn = [
        "x" if place < part.refuse_below else "?" if place < part.doubt_below else "=" for place in places
    ]
    drawn[min(WIDTH - 1, int(part.probability * WIDTH))] = "#"
    return "".join(drawn)


def _sentences(reply: Reply) -> Iterator[str]:
    for one in reply.trace.weighed:
        yield f"{one.relevance:.2f} {'shown    ' if one.shown else 'not shown'} {_on_one_line(one.text)}"


def _prompt(reply: Reply) -> Iterator[str]:
    shares, estimated = window_shares(reply.trace)
    window = max(reply.trace.window, sum(share.tokens for share in shares), 1)
    for share in shares:
        bar = "#" * round(WIDTH * share.tokens / window)
        yield f"{share.tokens:>6} tokens {share.tokens / window:>6.1%}  {share.name} {bar}".rstrip()
    yield f"of a window of {reply.trace.window or UNKNOWN}" + (f". {ESTIMATED}" if estimated else "")


def _model(reply: Reply) -> Iterator[str]:
    trace = reply.trace
    facts = trace.model_facts
    yield trace.model or (f"{facts.name}, which read the evidence and wrote nothing" if facts else UNKNOWN)
    if trace.first_token_ms is not None:
        yield f"First token after {trace.first_token_ms / 1000:.1f} s"
    if trace.tokens_per_second is not None:
        yield f"{trace.tokens_per_second:g} tokens a second"
    if trace.usage is not None:
        yield f"{trace.usage.prompt} tokens read, {trace.usage.cached} of them from cache; {trace.usage.completion} written"
    if trace.sampling:
        yield "Sampling: " + ", ".join(f"{name} {value:g}" for name, value in trace.sampling.items())
    for label, value in model_facts(facts) if facts else ():
        yield f"{label}: {value}"


def _check(reply: Reply) -> Iterator[str]:
    assert isinstance(reply, Answer)  # no other has this step
    yield reply_check(reply) or f"Answered by {NO_MODEL}."
    for sentence in reply.sentences:
        support = max((citation.support for citation in sentence.citations), default=0.0)
        found = "verbatim" if sentence.origin == "source" else f"{support:.2f}" if support else "left out"
        yield f"{found:<9} {_on_one_line(sentence.text)}"
        for citation in sentence.citations:
            span = citation.span
            yield f"{'':<9}   {span.source}:{span.start}-{span.end} “{_on_one_line(span.text)}”"


def _cost(reply: Reply, price: Price) -> Iterator[str]:
    usage = reply.trace.usage
    assert usage is not None  # no other has this step
    if price is None:
        yield f"{usage.prompt} tokens in, {usage.completion} out; compare with --price IN OUT."
    else:
        yield cost_in_words(usage, *price)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
