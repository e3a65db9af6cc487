"""Help a candidate improve one point of a draft: first a question, then a hint, then a rewrite.

A rewrite is a stranger's text until it has been checked here: whatever number or name stands in neither
the draft nor the question nor the candidate's own facts gives way to `[your number]` or `[your example]`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from coach.critique.inventions import GAP, YOUR_EXAMPLE, YOUR_NUMBER, Evidence, with_gaps
from coach.errors import BackendError
from coach.prompts import fill_prompt, read_prompt
from coach.protocols import ChatModel
from coach.text.counted import counted
from coach.text.sentences import split_sentences
from coach.text.words import content_words, share_covered
from coach.types import Criterion, Turn

__all__ = ["YOUR_EXAMPLE", "YOUR_NUMBER", "Redraft", "Stage", "redraft"]

Stage = Literal["question", "hint", "rewrite"]

PLAIN_FRAME = f"On this point: {YOUR_EXAMPLE}."

# A rewrite is a new wording of the draft: these bounds only tell it from a text about something else.
MOST_WORDS = 2.0  # times the words it was made of
FEWEST_WORDS = 0.4
LEAST_OVERLAP = 0.35  # of the draft's content words
KEPT = 0.4  # of a draft sentence's content words: below this the rewrite has lost it
SAME_SENTENCE = 0.6  # of a rewritten sentence's content words that one draft sentence holds
OWN_WORDS = 0.5  # of a sentence's content words that come from the candidate: below this it is foreign
REPEATED = 3  # times that six words in a row may not return
EXTRA_TOKENS = 160  # room for what a rewrite adds
TEMPLATE_TOKENS = 24  # of the chat template, as in coach.generate
LAST_LATIN = "\u024f"

_REMARK = re.compile(
    r"^(?:(?:sure|certainly|of course|okay)\b[!.,]\s*|here(?: is|['’]s| are)\b[^.!?\n]{0,80}:\s*|"
    r"(?:the )?(?:(?:new|revised|rewritten|improved) )?(?:answer|draft|rewrite|version)\s*:\s*)",
    re.IGNORECASE,
)
_AFTERWORD = re.compile(
    r"^(?:\(?notes?:|please note|i hope th|i have (?:added|kept|replaced|rewritten)|let me know|feel free|"
    r"remember to replace|replace the \[|this (?:answer|draft|rewrite|version) (?:now|keeps|adds|includes|maintains))",
    re.IGNORECASE,
)
_CITATION = re.compile(
    r"\s*(?:\[\^?\d+(?:\s*[,;–-]\s*\d+)*\]|[\[(](?:source|citation|cite|passage|ref)s?\b[^\])]{0,60}[\])]|【[^】]{0,40}】)",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\*\*|__(?!_)|`+|</?(?:draft|reply|question|answer)>|(?m:^\s*(?:#{1,6}|[-*•+])\s+)")
_BRACKETED = re.compile(r"\[([^\[\]\n]{1,60})\]|\{([^{}\n]{1,60})\}|<([A-Za-z][A-Za-z _-]{0,40})>|_{3,}")
_NUMBER_LIKE = re.compile(
    r"\b(?:numbers?|percent\w*|figures?|amounts?|values?|dates?|years?|targets?|x+|n)\b|[%$€£#]",
    re.IGNORECASE,
)
_LETTER_FOR_NUMBER = re.compile(
    r"(?<=[$€£])X+\b|\b(?:X{1,3}|N)(?=\s?(?:%|percent\b|per cent\b|days?\b|weeks?\b|months?\b|users?\b))"
)
_FULL_STOP = re.compile(r"[.!?…][\"'”’)\]]*$")


@dataclass(frozen=True, slots=True)
class Redraft:
    """One step of help. `placeholders` counts what the candidate has to fill in; `notes` say what was done."""

    stage: Stage
    criterion: Criterion
    text: str
    placeholders: int
    notes: tuple[str, ...] = ()


def redraft(
    critique_draft: str,
    question: str,
    criterion: Criterion,
    stage: Stage,
    facts: str,
    chat_model: ChatModel | None,
) -> Redraft:
    """The help of `stage` on `criterion`.

    `facts` is what the candidate answered to the criterion's question, or nothing. Without a chat model,
    or where its text cannot be used, the rewrite is the draft's own sentences with the facts or the
    criterion's frame after them, and the notes say so.
    """
    if stage == "question":
        return _made(stage, criterion, criterion.elicit or f"What can you add? {criterion.anchors['met']}")
    if stage == "hint":
        return _made(stage, criterion, _hint(criterion))
    return _rewrite(critique_draft.strip(), question, criterion, facts.strip(), chat_model)


def _made(stage: Stage, criterion: Criterion, text: str, notes: tuple[str, ...] = ()) -> Redraft:
    return Redraft(stage, criterion, text, len(GAP.findall(text)), notes)


def _hint(criterion: Criterion) -> str:
    """The nudge, and apart from it what the source itself says."""
    hint = criterion.hint or criterion.suggestion or criterion.anchors["met"]
    parts = [hint, f"The source's own words ({criterion.span.source}): “{criterion.span.text}”"]
    good = next((example.span.text for example in criterion.examples if example.quality == "good"), None)
    if good is not None and good != criterion.span.text:
        parts.append(f"What the source calls good, in its own words: “{good}”")
    return "\n\n".join(parts)


def _rewrite(
    draft: str, question: str, criterion: Criterion, facts: str, chat_model: ChatModel | None
) -> Redraft:
    evidence = Evidence.of(draft, question, facts)
    said, reason = _said(draft, question, criterion, facts, chat_model)
    sentences = _without_talk(_sentences(_tidied(said, evidence)), draft)
    reason = reason or _unusable(sentences, draft, facts)
    notes = []
    if reason:
        notes.append(f"{reason} This is your own draft with what was missing added at the end.")
        sentences = _sentences(draft)
    else:
        sentences, taken = _with_gaps(sentences, evidence)
        if taken:
            notes.append(f"Taken out, because you did not say it: {', '.join(taken)}.")
        sentences, restored = _with_lost_sentences(sentences, draft)
        if restored:
            notes.append(f"Put back from your draft: {counted(restored, 'sentence')}.")
    sentences, _ = _with_gaps(_with_addition(sentences, criterion, facts), evidence)
    foreign = _foreign(sentences, f"{draft} {facts}", criterion)
    notes += [f"Not in your draft, so check that it is true: “{sentence}”" for sentence in foreign]
    return _made("rewrite", criterion, " ".join(sentences), tuple(notes))


def _said(
    draft: str, question: str, criterion: Criterion, facts: str, chat_model: ChatModel | None
) -> tuple[str, str]:
    """What the model wrote, and why there is nothing where it could not."""
    if chat_model is None:
        return "", "No language model is in use."
    request = fill_prompt(
        "critique/redraft_request",
        question=question.strip(),
        draft=draft,
        lacking=criterion.anchors["met"],
        elicit=criterion.elicit or criterion.question,
        facts=facts or f"(no reply yet; work this in: {criterion.frame or PLAIN_FRAME})",
    )
    messages = (Turn("system", read_prompt("critique/redraft_system")), Turn("user", request))
    prompt_tokens = sum(chat_model.count_tokens(turn.text) for turn in messages) + TEMPLATE_TOKENS
    wanted = chat_model.count_tokens(f"{draft} {facts}") + EXTRA_TOKENS
    if prompt_tokens + wanted > chat_model.context_window:
        return "", f"The draft is too long for {chat_model.name} to write again."
    try:
        return "".join(chat_model.stream(messages, max_tokens=wanted, temperature=0.0)), ""
    except BackendError as error:
        return "", f"The language model could not write ({str(error).rstrip('.')})."


def _tidied(text: str, evidence: Evidence) -> str:
    """The model's text without remarks, citation marks and markup, its gaps all written our way."""
    text = _MARKUP.sub("", _CITATION.sub("", text).replace("\r\n", "\n")).strip()
    while remark := _REMARK.match(text):
        text = text[remark.end() :].strip()
    if text[:1] in {'"', "“"} and text[-1:] in {'"', "”"}:
        text = text[1:-1].strip()

    def gap(match: re.Match[str]) -> str:
        if match.group() in evidence.text:
            return match.group()
        return YOUR_NUMBER if _NUMBER_LIKE.search(match.group()) else YOUR_EXAMPLE

    text = _BRACKETED.sub(gap, text)
    return _LETTER_FOR_NUMBER.sub(
        lambda match: match.group() if match.group() in evidence.words else YOUR_NUMBER, text
    )


def _sentences(text: str) -> list[str]:
    return [" ".join(text[start:end].split()) for start, end in split_sentences(text)]


def _without_talk(sentences: list[str], draft: str) -> list[str]:
    """Without afterwords, second copies of a sentence, and a last sentence that was cut off."""
    cut_off = sentences and not _FULL_STOP.search(sentences[-1]) and _FULL_STOP.search(draft)
    whole = sentences[:-1] if cut_off else sentences
    return [sentence for sentence in dict.fromkeys(whole) if not _AFTERWORD.match(sentence)]


def _unusable(sentences: list[str], draft: str, facts: str) -> str:
    """Why what the model wrote is no rewrite of this draft; empty where it is one."""
    text = " ".join(sentences)
    words = text.split()
    if not words:
        return "The language model wrote nothing that can be used."
    sixes = Counter(zip(*(map(str.lower, words[place:]) for place in range(6)), strict=False))
    if sixes and max(sixes.values()) >= REPEATED:
        return "The language model repeated itself."
    if any(character.isalpha() and character > LAST_LATIN for character in set(text) - set(draft + facts)):
        return "The language model changed to another language."
    overlap = share_covered(content_words(draft), set(content_words(text)))
    short = len(words) < FEWEST_WORDS * len(draft.split())
    long = len(words) > MOST_WORDS * len(f"{draft} {facts}".split()) + EXTRA_TOKENS / 2
    return "The language model wrote something else." if short or long or overlap < LEAST_OVERLAP else ""


def _with_gaps(sentences: list[str], evidence: Evidence) -> tuple[list[str], list[str]]:
    """The sentences with a gap for everything invented, and what was taken out."""
    cleaned = [with_gaps(sentence, evidence) for sentence in sentences]
    taken = dict.fromkeys(words for _, out in cleaned for words in out)
    return [text for text, _ in cleaned], list(taken)


def _with_lost_sentences(sentences: list[str], draft: str) -> tuple[list[str], int]:
    """`sentences` with those of the draft whose number, name or matter they lost, near their old place."""
    kept = list(sentences)
    place = restored = 0
    for own in _sentences(draft):
        twin = _most_alike(own, kept)
        if _holds(" ".join(kept), own):
            place = max(place, twin + 1)
            continue
        restored += 1
        if share_covered(content_words(GAP.sub(" ", kept[twin])), set(content_words(own))) >= SAME_SENTENCE:
            kept[twin] = own
            place = max(place, twin + 1)
        else:
            kept.insert(place, own)
            place += 1
    return kept, restored


def _most_alike(sentence: str, others: list[str]) -> int:
    words = set(content_words(sentence))
    return max(range(len(others)), key=lambda place: len(words & set(content_words(others[place]))))


def _holds(text: str, sentence: str) -> bool:
    """Whether `text` still has the numbers, the names and most of the matter of `sentence`."""
    covered = share_covered(content_words(sentence), set(content_words(text)))
    return covered >= KEPT and Evidence.of(text).holds_all(sentence)


def _with_addition(sentences: list[str], criterion: Criterion, facts: str) -> list[str]:
    """The sentences with the facts they lack; without facts, with the criterion's frame if no gap is marked."""
    text = " ".join(sentences)
    if not facts:
        return sentences if GAP.search(text) else [*sentences, criterion.frame or PLAIN_FRAME]
    lacking = [sentence for sentence in _sentences(facts) if not _holds(text, sentence)]
    ended = [sentence if _FULL_STOP.search(sentence) else f"{sentence}." for sentence in lacking]
    return [*sentences, *(sentence[:1].upper() + sentence[1:] for sentence in ended)]


def _foreign(sentences: list[str], own: str, criterion: Criterion) -> list[str]:
    """Sentences that are neither the candidate's nor a frame to fill in."""
    words = set(content_words(f"{own} {criterion.frame or PLAIN_FRAME}"))
    return [
        sentence
        for sentence in sentences
        if share_covered(content_words(GAP.sub(" ", sentence)), words) < OWN_WORDS
    ]
