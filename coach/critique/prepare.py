"""Take out of a draft what is no part of the answer, and say so, before anybody judges it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from coach.critique.copied import Pasted, Seen, is_echo, pasted_from
from coach.critique.injection import addressed_to_judge
from coach.critique.not_prose import is_bare_term, is_mash, is_word_list, wordless_regions
from coach.critique.off_topic import is_off_topic
from coach.errors import UsageError
from coach.protocols import Embedder
from coach.text.counted import counted
from coach.text.language import language_of
from coach.text.plain_text import plain_text
from coach.text.sentences import split_sentences
from coach.types import Quote, Rubric

_TOO_FEW_WORDS = 15  # two sentences: less cannot both name a thing and say how or why
_LONG_LIST = 6  # bare terms in a row

_GAP = re.compile(r"[ \t]{80,}")  # layout, not text; patterns over white space are slow on it
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_QUOTATION = re.compile('["“„«][^"“”„«»]*["”“»]')
_NOTICES = {
    "judge": "{n} addressed to the judge {was} not read as part of the answer.",
    "tag": "{n} of chat mark-up {was} not read: an answer needs no tags.",
    "hidden": "{n} hidden in a comment {was} not read.",
    "code": "{n} of code {was} not read: the committee reads prose.",
    "mash": "{n} that could not be read as words {was} set aside.",
    "list": "{n} of bare keywords {was} not read: say what each means for this product.",
    "foreign": "{n} not in English {was} not read.",
    "rubric": "{n} copied from the rubric or its source {was} not read: say it in your own words, about this product.",
    "echo": "{n} that only repeated the question {was} not read.",
    "off_topic": "{n} on another topic {was} not read: begin with how it answers the question.",
    "repeated": "{n} that repeated an earlier one {was} not read again.",
}
_PIECES = {"tag": "piece", "hidden": "piece", "code": "piece"}


@dataclass(frozen=True, slots=True)
class PreparedDraft:
    """A draft ready to be judged: `kept` is read, `set_aside` is not, and `notices` tell the candidate why.

    Every quote is an exact span of `draft`, the cleaned draft, in its order; none overlap. `language` is the
    draft's ("English", "German", ...), None where it does not show. Of one that is `off_topic` nothing is kept.
    """

    draft: str
    kept: tuple[Quote, ...]
    set_aside: tuple[Quote, ...]
    notices: tuple[str, ...]
    language: str | None = "English"
    off_topic: bool = False

    @property
    def text(self) -> str:
        """What is judged: the sentences that were kept, joined by spaces."""
        return " ".join(quote.text for quote in self.kept)


def prepare_draft(
    draft: str, question: str, rubric: Rubric, embedder: Embedder, *, limit: int, sources: Iterable[str] = ()
) -> PreparedDraft:
    """`draft` cleaned and sorted into what is judged and what is set aside.

    `limit` is in characters: of a longer draft only the beginning is read. `sources` are texts from which a
    sentence may have been pasted, beside the rubric's own. Needs no chat model. Raises UsageError for a draft with
    nothing in it and for one of more than ten times the limit.
    """
    if len(draft) > 10 * limit:
        raise _too_long(len(draft), limit)
    plain = _GAP.sub(" " * 80, plain_text(draft, join=True))
    if not plain:
        raise UsageError(
            'The draft is empty: write an answer first, then run `coach critique FILE --question "..."`.'
        )
    read = _readable(plain, limit)
    language = _language(plain[:read])
    parts = _without_orders(plain, list(_parts(plain, read, language)), embedder)
    example = _is_example(plain, rubric)
    field = tuple(_rubric_texts(rubric))
    pasted = pasted_from(() if example else (*field, *sources))
    parts = _without_lists(plain, parts)
    parts = _without_echoes(plain, parts, question, pasted)
    parts = _without_repetition(plain, parts)
    off_topic = language in (None, "English") and is_off_topic(
        [plain[one.start : one.end] for one in parts if not one.reason],
        question,
        field,
        embedder,
    )
    if off_topic:
        parts = [replace(one, reason=one.reason or "off_topic") for one in parts]
    kept = tuple(_quote(plain, part) for part in parts if not part.reason)
    aside = [_quote(plain, part) for part in parts if part.reason]
    if read < len(plain):
        aside.append(_quote(plain, _Part(*_trimmed(plain, read, len(plain)))))
    notices = (*_limit_notice(plain, read, limit), *_notices(parts), *_warnings(kept, language))
    if example:
        notices = (*notices, "This draft is, word for word, an answer that the rubric's source gives.")
    return PreparedDraft(plain, kept, tuple(aside), notices, language, off_topic)


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the draft and why it is set aside; no `reason` means that it is read."""

    start: int
    end: int
    reason: str = ""


def _quote(text: str, part: _Part) -> Quote:
    return Quote(text[part.start : part.end], part.start, part.end)


def _too_long(length: int, limit: int) -> UsageError:
    return UsageError(
        f"The draft has {length:,} characters and the coach reads {limit:,}: cut it to what you would say in the "
        'interview, then run `coach critique FILE --question "..."` again.'
    )


def _readable(text: str, limit: int) -> int:
    """Where reading stops: the end of the text, else the last sentence or word that ends within `limit`."""
    if len(text) <= limit:
        return len(text)
    ends = [end for _start, end in split_sentences(text[:limit])]
    if len(ends) > 1 and ends[-2] > 0.8 * limit:
        return ends[-2]
    space = max(text.rfind(" ", 0, limit), text.rfind("\n", 0, limit))
    return space if space > 0.5 * limit else limit


def _language(text: str) -> str | None:
    """The language of the whole; of the first sentence where they mix."""
    return language_of(text) or next(
        (language_of(text[start:end]) for start, end in split_sentences(text)), None
    )


# ---- from text to sentences


def _parts(text: str, read: int, language: str | None) -> Iterator[_Part]:
    """The sentences and wordless stretches of `text[:read]`, in order, each with what is wrong with it by itself."""
    position = 0
    for start, end, reason in wordless_regions(text[:read]):
        yield from _sentences(text, position, start, language)
        first, last = _trimmed(text, start, end)
        if first < last:
            yield _Part(first, last, reason)
        position = end
    yield from _sentences(text, position, read, language)


def _sentences(text: str, start: int, end: int, language: str | None) -> Iterator[_Part]:
    for line_start, line_end in _lines(text, start, end):
        for first, last in split_sentences(text[line_start:line_end]):
            sentence = text[line_start + first : line_start + last]
            yield _Part(line_start + first, line_start + last, _flaw(sentence, language))


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Stretches between line breaks that end a sentence: not those of a paragraph wrapped at a width."""
    widest: dict[int, int] = {}
    lines = [(m.start(), m.end()) for m in re.finditer(r"[^\n]+", text[start:end])]
    paragraph = 0
    for index, (first, last) in enumerate(lines):
        if index and first - lines[index - 1][1] > 1:
            paragraph = index
        widest[paragraph] = max(widest.get(paragraph, 0), last - first)
    begin, paragraph = start, 0
    for index, (first, last) in enumerate(lines[:-1]):
        if index and first - lines[index - 1][1] > 1:
            paragraph = index
        following = text[start + lines[index + 1][0] : start + lines[index + 1][1]]
        if not _is_wrapped(last - first, widest[paragraph], following):
            yield begin, start + last
            begin = start + last
    yield begin, end


def _is_wrapped(length: int, widest: int, following: str) -> bool:
    """Whether a line of `length` went on in `following`: its next word is lower case or had no room left."""
    word = following.split(maxsplit=1)[0] if following.strip() else ""
    return word[:1].islower() or (length > 45 and length + 1 + len(word) > widest)


def _flaw(sentence: str, language: str | None) -> str:
    """Why a sentence by itself is no part of an answer; empty for the others."""
    tests = (("mash", is_mash), ("list", is_word_list), ("repeated", _goes_round))
    found = next((reason for reason, test in tests if test(sentence)), "")
    return found or _foreign(sentence, language)


def _goes_round(sentence: str) -> bool:
    """One phrase over and over, without a full stop."""
    words = sentence.lower().split()
    return len(words) > 30 and len(set(words)) < 0.2 * len(words)


def _foreign(sentence: str, language: str | None) -> str:
    if len(sentence) <= 25 and sentence.isascii():
        return ""
    detected = language_of(_QUOTATION.sub(" ", sentence))
    if detected == "Latin filler":
        return "mash"
    return "foreign" if language == "English" and detected not in (None, "English") else ""


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


# ---- what is said to the judge


def _without_orders(text: str, parts: list[_Part], embedder: Embedder) -> list[_Part]:
    """Marks what speaks to the judge, cutting it out of a sentence that answers as well."""
    read = [part for part in parts if not part.reason]
    found = iter(addressed_to_judge([text[part.start : part.end] for part in read], embedder))
    return [piece for part in parts for piece in ((part,) if part.reason else _cut(text, part, next(found)))]


def _cut(text: str, part: _Part, spans: list[tuple[int, int]]) -> Iterator[_Part]:
    """The part, in pieces: those at `spans` are addressed to the judge."""
    position = part.start
    for first, last in spans:
        yield from _piece(text, position, part.start + first, "")
        yield from _piece(text, part.start + first, part.start + last, "judge")
        position = part.start + last
    yield from _piece(text, position, part.end, "")


def _piece(text: str, start: int, end: int, reason: str) -> Iterator[_Part]:
    first, last = _trimmed(text, start, end)
    if any(character.isalnum() for character in text[first:last]):
        yield _Part(first, last, reason)


# ---- what a sentence is beside the others


def _without_lists(text: str, parts: list[_Part]) -> list[_Part]:
    """Marks runs of bare terms, one a line: keywords, not headings."""
    marked = list(parts)
    run: list[int] = []
    for index, part in enumerate([*parts, None]):
        if part and not part.reason and is_bare_term(text[part.start : part.end]):
            run.append(index)
            continue
        if len(run) >= _LONG_LIST:
            distinct = {text[parts[listed].start : parts[listed].end].lower() for listed in run}
            reason = "list" if len(distinct) > len(run) // 2 else "repeated"
            for listed in run:
                marked[listed] = _Part(parts[listed].start, parts[listed].end, reason)
        run = []
    return marked


def _is_example(draft: str, rubric: Rubric) -> bool:
    """Whether the whole draft is one of the BAD or GOOD answers of the rubric: that is judged, for comparison."""
    words = _WORD.findall(draft.lower())
    examples = (example.span.text for criterion in rubric.criteria for example in criterion.examples)
    return any(words == _WORD.findall(example.lower()) for example in examples)


def _rubric_texts(rubric: Rubric) -> Iterator[str]:
    for criterion in rubric.criteria:
        yield from (criterion.question, *criterion.anchors.values(), criterion.span.text)
        yield from (criterion.suggestion, criterion.hint, criterion.elicit, criterion.frame)
        yield from (example.span.text for example in criterion.examples)
    for anti_pattern in rubric.anti_patterns:
        yield from (anti_pattern.span.text, anti_pattern.suggestion)


def _without_echoes(text: str, parts: list[_Part], question: str, pasted: Pasted) -> list[_Part]:
    """Marks what is the rubric's or the question's, not the candidate's."""
    marked = []
    for part in parts:
        sentence = text[part.start : part.end]
        if part.reason:
            marked.append(part)
        elif pasted.has(sentence):
            marked.append(_Part(part.start, part.end, "rubric"))
        elif is_echo(sentence, question):
            marked.append(_Part(part.start, part.end, "echo"))
        else:
            marked.append(part)
    return marked


def _without_repetition(text: str, parts: list[_Part]) -> list[_Part]:
    """Marks sentences that say again what an earlier one said; the first stays."""
    seen = Seen()
    marked = []
    for part in parts:
        sentence = text[part.start : part.end]
        if part.reason or not seen.before(sentence):
            marked.append(part)
        else:
            marked.append(_Part(part.start, part.end, "repeated"))
    return marked


# ---- what the candidate is told


def _limit_notice(text: str, read: int, limit: int) -> list[str]:
    if read == len(text):
        return []
    words = len(_WORD.findall(text[:read]))
    next_words = " ".join(text[read : read + 200].split()[:4])
    return [
        f"The draft has {len(text):,} characters and the coach reads {limit:,}: nothing was read from word "
        f"{words + 1:,} on (“{next_words[:60]} …”)."
    ]


def _notices(parts: list[_Part]) -> list[str]:
    counts = Counter(part.reason for part in parts)
    return [
        sentence.format(
            n=counted(counts[reason], _PIECES.get(reason, "sentence")),
            was="was" if counts[reason] == 1 else "were",
        )
        for reason, sentence in _NOTICES.items()
        if counts[reason]
    ]


def _warnings(kept: tuple[Quote, ...], language: str | None) -> list[str]:
    if not kept:
        return ["Nothing is left in this draft that could be read as an answer."]
    if language not in ("English", "Latin filler", None):
        return [f"The draft looks {language}: the coach was measured on English drafts only."]
    words = sum(len(_WORD.findall(quote.text)) for quote in kept)
    if words < _TOO_FEW_WORDS:
        return [
            f"Only {counted(words, 'word')} could be read: that is too short to show what a committee looks for."
        ]
    return []
