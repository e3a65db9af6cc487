"""Put the reply together: the sources' own sentences, what the model said of them and can be proven, or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from coach.answer.answerability import Evidence
from coach.answer.condense import Standalone
from coach.answer.search import Found, Part
from coach.answer.whose import asked_by_name
from coach.protocols import PassageIndex
from coach.stream import Tracer
from coach.text.attribution import denied, is_own, searched_label
from coach.text.counted import counted
from coach.text.words import content_words, numbers, share_covered
from coach.types import COMMITTEE, Answer, Refusal, Sentence

NEAREST = 3  # passages shown with a refusal
RELATED = 2  # sentences shown beside it
ALREADY_SAID = 0.8  # share of a source sentence's words in the model's text from which it is not repeated
SAID_WHERE_CITED = 0.7  # the same for one that the model's text cites
LEAST_SUPPORTED = (
    0.5  # share of the model's sentences that the sources must carry for any of them to be shown
)


def small_talk_answer(question: str, text: str, tracer: Tracer) -> Answer:
    """The coach's own words, with nothing to cite."""
    sentence = Sentence(text, "connective", (), "coach")
    return Answer(question, question, (sentence,), (), tracer.trace())


def extractive_answer(question: str, standalone: Standalone, found: Found, tracer: Tracer) -> Answer:
    """The sources' own sentences on every part they cover, the committee's and the user's each together; the others are named."""
    speaking = sorted((*found.covered, *found.said_beside), key=_whose_first(found))
    covered: dict[str, Sentence] = {}
    for part in speaking:
        for sentence in part.found.shown:
            covered.setdefault(sentence.text, found.placed(part.passages, sentence))
    return Answer(
        question,
        standalone.text,
        tuple(covered.values()),
        found.passages,
        tracer.trace(),
        not_covered=tuple(part.text for part in found.not_covered),
        doubt=_left_to_another(found)
        or _doubt([part.evidence for part in speaking if part.evidence.outcome == "in doubt"]),
    )


def _whose_first(found: Found) -> Callable[[Part], bool]:
    """Who answers the first part goes first."""
    first = found.covered[0].is_own if found.covered else False
    return lambda part: part.is_own != first


def generated_answer(extractive: Answer, checked: Sequence[Sentence], tracer: Tracer) -> Answer:
    """What the model said and the sources carry, then those of their sentences that it left out.

    Where less than half of what it said is carried, the sources speak alone.
    """
    checked = _without_repeats(checked)
    supported = [sentence for sentence in checked if sentence.status == "supported"]
    carried = len(supported) / max(1, len(checked))
    tracer.measure(carried=round(carried, 3))
    if not supported or carried < LEAST_SUPPORTED:
        return replace(extractive, trace=tracer.trace())
    sentences = (*checked, *_not_yet_said(extractive.sentences, supported))
    return replace(extractive, sentences=sentences, mode="generated", trace=tracer.trace())


def refusal(
    question: str, standalone: Standalone, found: Found, searched: PassageIndex, tracer: Tracer
) -> Refusal:
    """What all that was `searched` does not speak of, by name, and what it says nearest to it."""
    looked_for = " ".join(standalone.text.split())
    looked_for = looked_for if len(looked_for) <= 200 else looked_for[:200].rstrip() + "…"
    missing = "; ".join(part.evidence.missing for part in found.parts if part.evidence.missing)
    text = f"{_opening(missing, tuple(searched.collections))} I looked for “{looked_for}” in {counted(len(searched), 'passage')}"
    text += "; this is nearest to it." if found.passages else " and found nothing near it."
    off_topic = all(part.evidence.reason == "off_topic" for part in found.parts)
    return Refusal(
        question,
        standalone.text,
        "off_topic" if off_topic else "no_evidence",
        text,
        found.passages[:NEAREST],
        tracer.trace(),
        missing,
        () if off_topic else _best_two(found.parts[0], found),
    )


def _opening(missing: str, searched: Sequence[str]) -> str:
    if not missing:
        return f"{denied(searched, 'answer')} this."
    if missing.startswith("“"):
        return f"{denied(searched, 'speak')} of {missing}."
    return f"{denied(searched, 'give')} {missing} for this."


def _left_to_another(found: Found) -> str:
    """That who was asked by name does not answer, where the other does; empty where nobody was, or they do."""
    for part in found.covered:
        if part.beside is None:
            continue
        own = part if part.is_own else part.beside
        named = asked_by_name(part.text, own.passages)
        if named and (named == COMMITTEE) == part.is_own:
            does = searched_label([COMMITTEE if named != COMMITTEE else own.passages[0].collection])
            return f"{denied((named,), 'answer')} this. What follows is from {does}."
    return ""


def _doubt(evidence: Sequence[Evidence]) -> str:
    """Why the answer may not be one, in words for the reader; empty without a doubt."""
    missing = "; ".join(one.missing for one in evidence if one.missing)
    named = f": nothing found speaks of {missing} in so many words" if missing.startswith("“") else ""
    return f"This may not be exactly what you asked{named}." if evidence else ""


def _best_two(part: Part, found: Found) -> tuple[Sentence, ...]:
    """What the sources say nearest to a question they do not answer."""
    best = sorted(part.found.shown, key=lambda sentence: -sentence.citations[0].support)[:RELATED]
    return tuple(found.placed(part.passages, sentence) for sentence in best)


def _without_repeats(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Small models repeat themselves: the first time is enough. What joins sentences and says nothing is left out."""
    distinct = {content_words(sentence.text) or sentence.text: sentence for sentence in reversed(sentences)}
    return tuple(sentence for sentence in reversed(distinct.values()) if sentence.status != "connective")


def _not_yet_said(source: Sequence[Sentence], supported: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Sentences of the source that hold words or figures which the model's proven text does not, and all in another's words."""
    said = " ".join(sentence.text for sentence in supported)
    words, figures = set(content_words(said)), numbers(said)
    cited = {citation.span for sentence in supported for citation in sentence.citations}
    whose = is_own(supported[0].collections)
    return tuple(
        sentence
        for sentence in source
        if is_own(sentence.collections) != whose
        or share_covered(content_words(sentence.text), words)
        < (SAID_WHERE_CITED if sentence.citations[0].span in cited else ALREADY_SAID)
        or not numbers(sentence.text) <= figures
    )
