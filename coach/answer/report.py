"""Write a reply down as text for the terminal, in words that the page shows as well, and a conversation as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, groupby, repeat

from coach.text.attribution import attribution, is_own, voice_label
from coach.types import Answer, Citation, ListedModel, ModelList, Passage, Refusal, Reply, Sentence

_MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|!~$])")

LEFT_OUT = "Left out: not in your sources"
NOT_COVERED = "Not covered by your sources"
NEAR_IT = "near it, which is no answer"
NEAREST = "Nearest passages"
READ_AS = "Read as"
NO_MODEL = "the sources’ own sentences, no language model"


class References:
    """Numbers for citations in order of appearance: one span, one number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int, int], int] = {}
        self.citations: list[Citation] = []

    def number(self, citation: Citation) -> int:
        """The citation's number, from 1; the same span keeps its number."""
        key = (citation.span.source, citation.span.start, citation.span.end)
        if key not in self._numbers:
            self._numbers[key] = len(self.citations) + 1
            self.citations.append(citation)
        return self._numbers[key]

    def mark(self, sentence: Sentence) -> str:
        """The sentence followed by its numbers: `text [1][2]`."""
        marks = "".join(f"[{number}]" for number in dict.fromkeys(map(self.number, sentence.citations)))
        return f"{sentence.text} {marks}".strip()


def sentences_as_text(sentences: tuple[Sentence, ...], references: References) -> str:
    """One line a sentence, with numbered marks; the source's own words behind a bar. Where the user's own documents speak, each group of
    sentences is led in by whose they are."""
    shown = [sentence for sentence in sentences if sentence.status != "unsupported"]
    named = any(is_own(sentence.collections) for sentence in shown)
    lines = []
    for _, group in groupby(shown, key=lambda sentence: is_own(sentence.collections)):
        said = list(group)
        label = voice_label([name for sentence in said for name in sentence.collections])
        lines += [f"{label}:"] if named and label else []
        lines += [
            f"{'| ' if sentence.origin == 'source' else ''}{' '.join(references.mark(sentence).split())}"
            for sentence in said
        ]
    return "\n".join(lines)


def references_as_text(references: References, passages: tuple[Passage, ...]) -> str:
    """`[1] whose words, heading (source:start-end)`, one line each."""
    lines = []
    for number, citation in enumerate(references.citations, 1):
        headings = passages[citation.passage].chunk.headings if citation.passage < len(passages) else ()
        span = citation.span
        whose = attribution(citation.collection, span.source, headings, citation.page)
        lines.append(f"[{number}] {whose} ({span.source}:{span.start}-{span.end})")
    return "\n".join(lines)


def refusal_as_text(refusal: Refusal) -> str:
    """The refusal, what the sources do say about the topic, and the nearest passages."""
    lines = [refusal.text]
    if refusal.related:
        label = voice_label([name for sentence in refusal.related for name in sentence.collections])
        lines.append(f"{label}, {NEAR_IT}:")
        lines.extend(f"  | {' '.join(sentence.text.split())}" for sentence in refusal.related)
        lines.append(f"{NEAREST}:")
    for passage in refusal.nearest:
        words = " ".join(passage.chunk.text.split())
        words = words if len(words) <= 160 else words[:160].rsplit(" ", 1)[0] + " …"
        headings = passage.chunk.headings or (passage.title,)
        whose = attribution(passage.collection, passage.source, headings, passage.page)
        lines.append(f"  - {whose} ({passage.source}:{passage.chunk.start}-{passage.chunk.end}): {words}")
    return "\n".join(lines)


def conversation_as_markdown(
    title: str, exchanges: Iterable[tuple[str, Reply | None]], remarks: Sequence[str] = ()
) -> str:
    """A conversation as Markdown: each question, its answer with numbered citations, and below it where they point.

    Each of `remarks` stands below a question, in their order.
    """
    parts = [f"# {_in_markdown(title)}"]
    for (question, reply), remark in zip(exchanges, chain(remarks, repeat("")), strict=False):
        parts.append(f"## {_in_markdown(question)}")
        parts += [f"*{_in_markdown(remark)}*"] if remark else []
        match reply:
            case None:
                parts.append("*Not answered.*")
            case Refusal():
                parts.append(_in_markdown(refusal_as_text(reply)))
            case Answer():
                references = References()
                parts += [_in_markdown(reply.doubt)] if reply.doubt else []
                parts += [
                    f"{'> ' if sentence.origin == 'source' else ''}{_in_markdown(references.mark(sentence))}"
                    for sentence in reply.sentences
                    if sentence.status != "unsupported"
                ]
                for more in (not_covered_as_text(reply), left_out_as_text(reply)):
                    parts += [_in_markdown(more)] if more else []
                if references.citations:
                    parts.append(_in_markdown(references_as_text(references, reply.passages)))
    return "\n\n".join(parts) + "\n"


def _in_markdown(text: str) -> str:
    """Text of a stranger's that Markdown shows as it stands; line breaks stay."""
    return "  \n".join(_MARKDOWN_SIGNS.sub(r"\\\1", " ".join(line.split())) for line in text.splitlines())


def left_out_as_text(answer: Answer) -> str:
    """What the model said and the sources do not carry; empty when nothing."""
    return _listed(LEFT_OUT, [sentence.text for sentence in answer.left_out])


def not_covered_as_text(answer: Answer) -> str:
    """The parts of the question that the sources leave open; empty when there are none."""
    return _listed(NOT_COVERED, answer.not_covered)


def _listed(title: str, texts: Sequence[str]) -> str:
    return "\n".join([title, *(f"  - {' '.join(text.split())}" for text in texts)]) if texts else ""


def models_as_text(found: ModelList) -> list[str]:
    """The chat models as a table for the terminal, the one that speaks marked, then why and what to know."""
    rows = [("", "MODEL", "FROM", "SIZE", "WINDOW", "THINKS", "FITS", "")]
    rows += [(">" if model.chosen else "", *model_facts(model)) for model in found.models]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    notes = dict.fromkeys(filter(None, [*found.warnings, found.leaves]))
    return [*(line.rstrip() for line in table), "", found.choice, *notes]


def model_facts(model: ListedModel) -> tuple[str, str, str, str, str, str, str]:
    """Name, provider, size, window, whether it thinks, whether it fits this machine's memory, what is wrong with it."""
    fits = {True: "yes", False: "no", None: "?"}[model.fits]
    return (
        model.name,
        model.provider,
        _size(model.size) if model.size else "-",
        f"{model.window:,}" if model.window else "-",
        "yes" if model.thinks else "no" if model.window else "-",
        fits if model.size else "-",
        model.state,
    )


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
