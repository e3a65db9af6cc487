"""A reply as it may be kept, and a text as it may be given away: with what is personal masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from coach.privacy.find import MISSING_NAMES, find_personal, names_are_found
from coach.privacy.mask import mask
from coach.types import Answer, Reply, Sentence, Trace


def masked_text(text: str, own_words: Sequence[str] = ()) -> str:
    """A text as others may see it, such as an export."""
    return _masking(own_words)(text)


def masked_reply(reply: Reply, own_words: Sequence[str] = ()) -> Reply:
    """The reply with every text of the asker's and the model's masked, the same words by the same placeholder.

    Passages and citations stay as they are: a trace keeps where they stand, not what. Where names cannot be found the trace says so.
    """
    masked = _masking(own_words)
    question, standalone = masked(reply.question), masked(reply.standalone)
    trace = _masked_trace(reply.trace, masked)
    if isinstance(reply, Answer):
        return replace(
            reply,
            question=question,
            standalone=standalone,
            sentences=_masked_sentences(reply.sentences, masked),
            not_covered=tuple(map(masked, reply.not_covered)),
            doubt=masked(reply.doubt),
            trace=trace,
        )
    return replace(
        reply,
        question=question,
        standalone=standalone,
        text=masked(reply.text),
        missing=masked(reply.missing),
        related=_masked_sentences(reply.related, masked),
        trace=trace,
    )


def _masking(own_words: Sequence[str]) -> Callable[[str], str]:
    """What masks one text after another, going on with the placeholders of those before."""
    known: Mapping[str, str] = {}
    done: dict[str, str] = {}

    def masked(text: str) -> str:
        nonlocal known
        if text not in done:
            result = mask(text, find_personal(text, own_words), known)
            known, done[text] = result.replacements, result.text
        return done[text]

    return masked


def _masked_trace(trace: Trace, masked: Callable[[str], str]) -> Trace:
    missing = () if names_are_found() else (MISSING_NAMES,)
    return replace(
        trace.without_texts, query=masked(trace.query), notes=(*map(masked, trace.notes), *missing)
    )


def _masked_sentences(sentences: Sequence[Sentence], masked: Callable[[str], str]) -> tuple[Sentence, ...]:
    return tuple(replace(sentence, text=masked(sentence.text)) for sentence in sentences)
