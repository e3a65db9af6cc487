"""Turn replies into HTML that shows every character of a stranger's text as it is.

Nothing here knows Streamlit. Questions, documents and model output are all somebody else's words: they
pass through `escaped` and never through Markdown, so `$`, `<` and `*` stay what they are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from urllib.parse import urlencode

from coach.answer.report import (
    LEFT_OUT,
    NEAR_IT,
    NEAREST,
    NOT_COVERED,
    READ_AS,
    model_facts,
)
from coach.text.attribution import (
    attribution,
    collection_label,
    is_own,
    named_page,
    searched_label,
    voice_label,
)
from coach.text.counted import counted
from coach.types import (
    Answer,
    Citation,
    Document,
    ListedModel,
    ModelList,
    Passage,
    Refusal,
    Reply,
    Sentence,
    Span,
)

SHOWN_QUESTION_CHARACTERS = 600  # about eight lines; a pasted book must not push the answer off the page
LONG_QUESTION_CHARACTERS = 200  # from here on it is set as text and no longer as a title
SHOWN_DOCUMENT_CHARACTERS = 60_000  # about twenty pages; more is slow to draw
BUNDLED_GUIDES = "guides/"  # where ingest files the corpus that comes with the coach

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+)$", re.MULTILINE)
_SLUG = re.compile(r"(?=.*[a-z])[a-z0-9]+(?:[-_]+[a-z0-9]+)+")
_LEADING_NUMBER = re.compile(r"^\d+[-_](?=[a-z])")
_ACRONYMS = {"ai": "AI", "genai": "GenAI", "llm": "LLM", "pm": "PM", "rag": "RAG", "faq": "FAQ"}
_BEGINS_A_LINK = re.compile(r"@|://|www(?=\.)", re.IGNORECASE)
_ICON = re.compile(
    r":(?=\w+[/:])"
)  # ":material/home:" is an icon in a label even where its colons are escaped
_CODE = re.compile(r"`([^`]+)`")
_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
# Characters that reorder or hide their neighbours could make a page say what its text does not.
_REORDERING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F], 0xFFFD)
_VISIBLE = {**_CONTROL_PICTURES, 0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD), **_REORDERING}


def visible(text: str) -> str:
    """The same text with control characters made visible and lone surrogates replaced."""
    plain = text.replace("\r\n", "\n").translate(_VISIBLE)
    return plain.encode("utf-8", "replace").decode("utf-8") if not plain.isascii() else plain


def escaped(text: str) -> str:
    """`text` as HTML that shows exactly these characters."""
    return html.escape(visible(text))


def with_code(text: str) -> str:
    """One of our own sentences as HTML: what stands in backticks is shown as code."""
    return _CODE.sub(r"<code>\1</code>", escaped(text))


def as_label(text: str) -> str:
    """A stranger's text as a label, which Streamlit reads as Markdown and in which it would make links of addresses."""
    text = _BEGINS_A_LINK.sub("\\g<0>\N{WORD JOINER}", text)
    text = _ICON.sub("\\g<0>\N{WORD JOINER}", text)
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()#+-.!|~:$<>^" else sign for sign in text)


def setting_html(description: str, name: str, origin: str) -> str:
    """What a setting changes, and where the value comes from that holds now."""
    whence = {
        "environment": f"Set by COACH_{name.upper()} in the environment, which goes before this page: unset it to change it here.",
        "file": "Set here, in `coach.toml`.",
        "default": "The default.",
    }[origin]
    return f'<p class="coach-note">{with_code(description)} {with_code(whence)}</p>'


def outgoing_html(title: str, texts: Sequence[str]) -> str:
    """Texts as they would leave this machine."""
    shown = "".join(f'<div class="coach-outgoing" tabindex="0">{escaped(text)}</div>' for text in texts)
    return f'<p class="coach-label">{title}</p>{shown}'


def shortened(question: str) -> str:
    """The question as it is shown: whole, or its beginning and how long it is."""
    if len(question) <= SHOWN_QUESTION_CHARACTERS:
        return question
    return f"{question[:SHOWN_QUESTION_CHARACTERS]}… ({len(question):,} characters)"


def milliseconds(value: float | None) -> str:
    """A duration as people say it, or a dash."""
    if value is None:
        return "–"
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def question_html(question: str) -> str:
    """What was asked, as the heading of its exchange."""
    length = " coach-long" if len(question) > LONG_QUESTION_CHARACTERS else ""
    return f'<h2 class="coach-question{length}">{escaped(shortened(question))}</h2>'


def read_as_html(reply: Reply) -> str:
    """How a question with typos or in another language was read; empty where it was taken as it stands."""
    if reply.trace.rewritten or reply.standalone == reply.question or not reply.standalone:
        return ""
    return f'<p class="coach-note">{READ_AS}: {escaped(shortened(reply.standalone))}</p>'


def answer_html(answer: Answer, key: str, *, with_passages: bool = True) -> str:
    """The reply itself: its sentences in order, a numbered chip behind each, and what was left out.

    `key` keeps the ids of this reply apart from those of its neighbours on the page. Without its
    passages the chips open those of `passages_html`, drawn elsewhere with the same key.
    """
    citations = numbered_citations(answer)
    parts = [
        _sentence_group(list(group), kind, answer, citations, key)
        for (kind, _), group in groupby(
            _shown(answer), key=lambda sentence: (sentence.origin, is_own(sentence.collections))
        )
    ]
    doubt = f'<p class="coach-note">{escaped(answer.doubt)}</p>' if answer.doubt else ""
    body = doubt + "".join(parts) + _not_covered(answer.not_covered) + _left_out(answer.left_out)
    return f'<div class="coach-reply">{body}</div>{passages_html(answer, key) if with_passages else ""}'


def passages_html(answer: Answer, key: str) -> str:
    """The cited passages of a reply, hidden until their chip is pressed."""
    first = {number: citation for citation, number in reversed(numbered_citations(answer).items())}
    opened = "".join(
        _citation_popover(answer, citation, number, key) for number, citation in sorted(first.items())
    )
    return f'<div class="coach-unseen">{opened}</div>'


def notes_html(notes: Sequence[str]) -> str:
    """What the reader should know about a reply without a model's text."""
    return "".join(f'<p class="coach-note">{with_code(note)}</p>' for note in notes)


def numbered_citations(answer: Answer) -> dict[Citation, int]:
    """Every citation of the shown sentences with its number from 1, in reading order: one span, one number."""
    numbers: dict[Span, int] = {}
    seen = (citation for sentence in _shown(answer) for citation in sentence.citations)
    return {citation: numbers.setdefault(citation.span, len(numbers) + 1) for citation in seen}


def refusal_html(refusal: Refusal) -> str:
    """An honest no, and the nearest passages to open."""
    nearest = "".join(passage_html(passage) for passage in refusal.nearest[:3])
    offered = f'<p class="coach-label">{NEAREST}</p>{nearest}' if nearest else ""
    related = "".join(
        f'<p class="coach-verbatim">{escaped(sentence.text)}</p>' for sentence in refusal.related
    )
    whose = voice_label([name for sentence in refusal.related for name in sentence.collections])
    said = f'<p class="coach-label">{escaped(whose)}, {NEAR_IT}</p>{related}' if related else ""
    return (
        '<section class="coach-refusal" aria-label="No answer in the sources">'
        f'<p class="coach-label">Not in your sources</p><p class="coach-text">{escaped(refusal.text)}</p>'
        f"{said}{offered}</section>"
    )


def passage_html(passage: Passage) -> str:
    """A passage that opens in place."""
    return (
        f'<details class="coach-source"><summary><span>{heading_path(passage)}</span></summary>'
        f'<div class="coach-source-text">{escaped(passage.chunk.text)}</div>'
        f'<p class="coach-place">{escaped(collection_label(passage.collection))} · '
        f"{_place(passage.source, passage.page, passage.chunk.start, passage.chunk.end)}"
        f"{_also_in(passage)}</p></details>"
    )


def heading_path(passage: Passage) -> str:
    """Where in its document the passage stands, from the title down, as HTML."""
    steps = [shown_title(passage.title), *map(shown_title, passage.chunk.headings)]
    distinct = list(dict.fromkeys(step for step in steps if step))
    return ' <span aria-hidden="true">›</span> '.join(escaped(step) for step in distinct or [passage.source])


def shown_title(title: str) -> str:
    """A title as people write it: `22-interview-prep` reads "Interview prep"."""
    if any(character.isspace() for character in title) or not _SLUG.fullmatch(title):
        return title
    words = [_ACRONYMS.get(word, word) for word in re.split(r"[-_]+", _LEADING_NUMBER.sub("", title))]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def draft_html(text: str) -> str:
    """What the model is saying, dimmed: nobody has checked it yet."""
    return (
        '<section class="coach-draft" aria-label="Model draft, being checked">'
        '<p class="coach-label">Model draft — being checked</p>'
        f'<p class="coach-text">{escaped(text)}</p></section>'
    )


def step_html(name: str) -> str:
    """The step in progress, announced to screen readers without interrupting them."""
    return (
        f'<p class="coach-step" role="status"><span class="coach-pulse" aria-hidden="true"></span>'
        f"{escaped(name)}…</p>"
    )


def error_html(message: str) -> str:
    """What went wrong and the next step, calm and readable."""
    return f'<div class="coach-error" role="alert">{with_code(message)}</div>'


def caution_html(message: str) -> str:
    """What the visitor should know before they ask; a model's name in it is a stranger's words."""
    return f'<div class="coach-caution">{with_code(message)}</div>'


def models_html(found: ModelList) -> str:
    """The chat models that are here, one below another, who speaks and how to change that."""
    listed = "".join(_model(model) for model in found.models)
    notes = [found.choice, *dict.fromkeys(filter(None, [*found.warnings, found.leaves]))]
    return f'<div class="coach-state"><ul>{listed}</ul>{"".join(f"<p>{with_code(note)}</p>" for note in notes)}</div>'


def _model(model: ListedModel) -> str:
    name, provider, size, window, thinks, fits, state = model_facts(model)
    facts = [provider, size, f"window {window}", "thinks" if thinks == "yes" else "", state]
    facts.append("does not fit this machine’s memory" if fits == "no" else "")
    shown = with_code(", ".join(fact for fact in facts if fact and fact not in ("-", "window -")))
    return f"<li><strong>{escaped(name)}</strong>{' (speaks now)' if model.chosen else ''}<br>{shown}</li>"


def document_html(
    document: Document, meant: tuple[int, int] | None = None, cited: Iterable[tuple[int, int]] = ()
) -> str:
    """The document to be read, page by page where it has pages; the place that is `meant` is marked strongly, all that was `cited`
    lightly. Of a long one the part around that place, or the beginning."""
    text = document.text
    first, last = _shown_part(text, meant)
    spans = {span: "" for span in sorted({*cited}) if meant is None or not _overlap(span, meant)}
    if meant is not None:
        spans[meant] = ' class="coach-meant" id="coach-meant"'
    marks: list[tuple[int, int, str]] = [
        (position, 0, f'</p><p class="coach-page-number">Page {number}</p><p>')
        for number, position in enumerate(document.pages, start=1)
    ]
    for (start, end), attributes in spans.items():
        marks += [(start, 2, f"<mark{attributes}>"), (end, 1, "</mark>")]
    parts, at = [], first
    for position, _, tag in sorted(mark for mark in marks if first <= mark[0] <= last):
        parts += [_with_headings(text[at:position]), tag]
        at = position
    parts.append(_with_headings(text[at:last]))
    before = f'<p class="coach-note">… {first:,} characters before this</p>' if first else ""
    rest = len(text) - last
    after = f'<p class="coach-note">{rest:,} characters after this …</p>' if rest else ""
    return f'{before}<div class="coach-document"><p>{"".join(parts)}</p></div>{after}'


def _with_headings(text: str) -> str:
    return _HEADING.sub(r'<strong class="coach-heading">\2</strong>', escaped(text))


def _shown_part(text: str, meant: tuple[int, int] | None) -> tuple[int, int]:
    """From where to where a document is shown: whole lines, the place that is meant well inside."""
    if len(text) <= SHOWN_DOCUMENT_CHARACTERS:
        return 0, len(text)
    centre = meant[0] if meant else 0
    first = max(0, centre - SHOWN_DOCUMENT_CHARACTERS // 3)
    first = text.rfind("\n", 0, first) + 1 if first else 0
    last = min(len(text), first + SHOWN_DOCUMENT_CHARACTERS)
    return first, max(last, meant[1]) if meant else last


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def document_facts(document: Document) -> str:
    """Format, size, sentences, pages and when it was read, in a line."""
    size = document.size
    facts = [
        document.kind.upper(),
        f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB" if size else "",
        counted(len(document.pages), "page") if document.pages else "",
        counted(document.statement_count, "sentence"),
        f"read {document.indexed_at[:10]}" if document.indexed_at else "",
    ]
    return " · ".join(filter(None, facts))


def document_row_html(document: Document) -> str:
    """A document in the list: its title, which opens it, what is known of it, and what of it could not be read."""
    title = escaped(shown_title(document.title or document.source))
    warnings = "".join(f'<p class="coach-warning">{with_code(warning)}</p>' for warning in document.warnings)
    return (
        f'<div class="coach-row"><p><a href="{document_address(document.source)}" target="_self">{title}</a></p>'
        f'<p class="coach-place">{escaped(document.source)} · {escaped(document_facts(document))}</p>{warnings}</div>'
    )


def document_address(source: str, start: int | None = None, end: int | None = None) -> str:
    """Where the Library shows this document, with the characters that are meant."""
    place = {} if start is None else {"start": start, "end": end}
    return html.escape(f"library?{urlencode({'document': source, **place})}")


def lines_html(label: str, lines: Sequence[str]) -> str:
    """Lines of our own under a label; nothing where there are none."""
    if not lines:
        return ""
    listed = "".join(f"<li>{with_code(line)}</li>" for line in lines)
    return f'<p class="coach-label">{label}</p><ul class="coach-lines">{listed}</ul>'


def _shown(answer: Answer) -> list[Sentence]:
    return [sentence for sentence in answer.sentences if sentence.status != "unsupported"]


def _sentence_group(
    sentences: Sequence[Sentence], origin: str, answer: Answer, citations: dict[Citation, int], key: str
) -> str:
    if origin == "source":
        # Each verbatim sentence stands alone: side by side they would read as if the source joined them.
        text = "".join(f"<p>{_sentence(sentence, answer, citations, key)}</p>" for sentence in sentences)
        return (
            f'<section class="coach-verbatim"><p class="coach-label">{_voice(sentences)}</p>{text}</section>'
        )
    text = " ".join(_sentence(sentence, answer, citations, key) for sentence in sentences)
    label = ""
    if origin == "model":
        speaker = (
            f"Written by {escaped(answer.trace.model)}" if answer.trace.model else "Written by the model"
        )
        label = f'<p class="coach-label">{speaker}, checked against {_checked_against(sentences)}</p>'
    return f'<section class="coach-written">{label}<p>{text}</p></section>'


def _voice(sentences: Sequence[Sentence]) -> str:
    """Whose words these are: a note of the user's never stands under the committee's name."""
    collections = [name for sentence in sentences for name in sentence.collections]
    if not is_own(collections):
        return "In the article’s own words"
    return f"{escaped(voice_label(collections))}, word for word"


def _checked_against(sentences: Sequence[Sentence]) -> str:
    collections = tuple(dict.fromkeys(name for sentence in sentences for name in sentence.collections))
    return escaped(searched_label(collections)) if collections else "the sources"


def _sentence(sentence: Sentence, answer: Answer, citations: dict[Citation, int], key: str) -> str:
    chips = [
        _chip(answer, citation, citations[citation], key) for citation in dict.fromkeys(sentence.citations)
    ]
    if not chips:
        return escaped(sentence.text)
    # The first chip stays on the line of the word it stands behind.
    *words, last = sentence.text.rsplit(maxsplit=1)
    together = f'<span class="coach-together">{escaped(last)}{chips[0]}</span>'
    return " ".join([*map(escaped, words), together]) + "".join(chips[1:])


def _chip(answer: Answer, citation: Citation, number: int, key: str) -> str:
    label = f"Source {number}: {_place_in_words(answer, citation)}. Open the passage."
    return (
        f'<button type="button" class="coach-chip" popovertarget="{_popover_id(key, number)}" '
        f'aria-label="{label}">{number}</button>'
    )


def _popover_id(key: str, number: int) -> str:
    return f"coach-passage-{html.escape(key)}-{number}"


def _cited_passage(answer: Answer, citation: Citation) -> Passage | None:
    return answer.passages[citation.passage] if 0 <= citation.passage < len(answer.passages) else None


def _place_in_words(answer: Answer, citation: Citation) -> str:
    passage = _cited_passage(answer, citation)
    if passage is None:
        return escaped(attribution(citation.collection, citation.span.source, (), citation.page))
    return escaped(attribution(citation.collection, passage.source, passage.chunk.headings, citation.page))


def _citation_popover(answer: Answer, citation: Citation, number: int, key: str) -> str:
    passage = _cited_passage(answer, citation)
    span = citation.span
    path = heading_path(passage) if passage else escaped(span.source)
    identity = _popover_id(key, number)
    support = (
        "word for word" if citation.method == "verbatim" else f"support {min(citation.support, 1.0):.0%}"
    )
    return (
        f'<div popover id="{identity}" class="coach-passage" role="dialog" aria-label="Source {number}">'
        f'<div class="coach-passage-head"><p><span class="coach-number">{number}</span>{path}</p>'
        f'<button type="button" class="coach-close" popovertarget="{identity}" popovertargetaction="hide" '
        f'aria-label="Close the passage">×</button></div>'
        f'<div class="coach-passage-text" tabindex="0">{_highlighted(passage, citation)}</div>'
        f'<p class="coach-place">{escaped(collection_label(citation.collection))} · '
        f"{_place(span.source, citation.page, span.start, span.end)} · {support}"
        f"{_also_in(passage) if passage else ''}</p>"
        f'<p class="coach-place"><a href="{document_address(span.source, span.start, span.end)}" target="_self">'
        "Open it in the document</a></p></div>"
    )


def _highlighted(passage: Passage | None, citation: Citation) -> str:
    """The passage with the cited characters marked; the cited text alone where they do not meet."""
    span = citation.span
    if passage is None or passage.source != span.source:
        return f"<mark>{escaped(span.text)}</mark>"
    chunk = passage.chunk
    start, end = max(span.start, chunk.start) - chunk.start, min(span.end, chunk.end) - chunk.start
    if start >= end:
        return f"{escaped(chunk.text)}<br><br><mark>{escaped(span.text)}</mark>"
    before, cited, after = chunk.text[:start], chunk.text[start:end], chunk.text[end:]
    return f"{escaped(before)}<mark>{escaped(cited)}</mark>{escaped(after)}"


def _place(source: str, page: int, start: int, end: int) -> str:
    return f"{escaped(named_page(source, page))} · characters {start:,}–{end:,}"


def _also_in(passage: Passage) -> str:
    return f" · also in {escaped(', '.join(passage.also_in))}" if passage.also_in else ""


def _not_covered(parts: Sequence[str]) -> str:
    if not parts:
        return ""
    lines = "".join(f"<li>{escaped(part)}</li>" for part in parts)
    return (
        '<section class="coach-refusal" aria-label="Not covered by the sources">'
        f'<p class="coach-label">{NOT_COVERED}</p><ul>{lines}</ul></section>'
    )


def _left_out(sentences: Sequence[Sentence]) -> str:
    if not sentences:
        return ""
    lines = "".join(f"<li>{escaped(sentence.text)}</li>" for sentence in sentences)
    return (
        f'<details class="coach-left-out"><summary>{LEFT_OUT} ({len(sentences)})</summary>'
        f"<ul>{lines}</ul></details>"
    )
