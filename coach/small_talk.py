"""Greetings and questions about the coach itself: neither refused nor cited."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from coach.protocols import Embedder

EXAMPLES_FILE = "small_talk.json"
# Cosine to an example from which a message is small talk, if nothing in the sources is nearer. Of 290 fit questions and 591
# of others (the public interview FAQ) none is; of 14 fit small-talk messages 12 are, and patterns know the other two.
LIKE_AN_EXAMPLE = 0.55
SURELY_A_QUESTION = 0.7  # nearness to the sources from which the examples need not be looked at

_GREETING = re.compile(
    r"^\W*(?:hi|hey|hello|yo|good (?:morning|afternoon|evening)|hola|hallo|bonjour)(?: there| coach| again)*"
    r"(?:\W+(?:how(?:['’]s| is) it going|how are (?:you|things)(?: doing)?|what['’]s up|nice to meet you))?(?: today)?\W*$",
    re.I,
)
_THANKS = re.compile(
    r"^\W*(?:(?:ok|okay|great|cool|perfect|awesome|wonderful|nice)\W+)?(?:thanks?|thank you|thx|cheers|got it|bye|goodbye|see you)"
    r"(?: (?:a lot|so much|very much|coach|you|again|later|tomorrow|soon|for [\w ]{1,30}))*"
    r"(?:\W+(?:(?:that|this|it) (?:was|is|helped?)[\w ]{0,40}|see you[\w ]{0,20}|bye|good ?night))?\W*$",
    re.I,
)
_FEELING = re.compile(
    r"^\W*(?:i['’]m|i am|i feel|feeling) (?:(?:a bit|a little|so|very|really|quite|pretty|kind of) )?"
    r"(?:nervous|anxious|stressed|scared|worried|tired|excited|overwhelmed|bored)(?: (?:today|now|right now|about (?:it|this|tomorrow)))?\W*$",
    re.I,
)
_ABOUT = re.compile(
    r"^\W*(?:(?:so|hi|hey|hello|ok)\W+)*(?:what (?:can|do) you (?:do|know|help(?: me)? with)|what are you(?: good (?:at|for))?|who are you|who (?:made|built|created) you"
    r"|how (?:can|do) you help(?: me)?|how do you work|how do i use you|what (?:is|are) your (?:name|sources?|purpose|capabilities)|help"
    r"|are you (?:an? )?(?:ai|bot|human|llm|chatgpt|real|there|ok|private|local|offline)[\w ]*|do you (?:store|save|send|share|keep|remember) [\w ]+|what can i ask(?: you)?)\W*$",
    re.I,
)


def small_talk(question: str) -> str | None:
    """The coach's own words for small talk that its wording betrays, or None."""
    for kind, pattern in (("hello", _GREETING), ("thanks", _THANKS), ("feeling", _FEELING), ("help", _ABOUT)):
        if pattern.match(question):
            return str(_examples()[kind]["reply"])
    return None


def small_talk_by_meaning(question: str, nearest_source: float, embedder: Embedder) -> str | None:
    """The coach's own words for what is nearer to an example of small talk than to anything in the sources.

    `nearest_source` is the best cosine of the question to a passage, a sentence or a written question.
    """
    if nearest_source >= SURELY_A_QUESTION:
        return None
    kinds = _examples()
    texts = [(kind, example) for kind, entry in kinds.items() for example in entry["examples"]]
    vectors = embedder.embed([question, *(example for _, example in texts)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    best = max(range(len(texts)), key=cosines.__getitem__)
    if cosines[best] < LIKE_AN_EXAMPLE or cosines[best] <= nearest_source:
        return None
    return str(kinds[texts[best][0]]["reply"])


def small_talk_examples() -> list[str]:
    """Every example: what an embedder's memory is warmed with."""
    return [example for entry in _examples().values() for example in entry["examples"]]


@cache
def _examples() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("coach").joinpath(EXAMPLES_FILE).read_text(encoding="utf-8"))
    return found
