"""Greetings and questions about the coach itself: neither refused nor cited."""

from __future__ import annotations

import re

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
    """The coach's own words for small talk, or None when the text is a real question."""
    if _GREETING.match(question):
        return "Hello! Ask what hiring committees expect of a Generative-AI product manager, and I answer from your sources, sentence by sentence with the place each comes from."
    if _THANKS.match(question):
        return "You are welcome. Good luck with the committee."
    if _FEELING.match(question):
        return "That is how most candidates feel. Ask about one thing you are unsure of, and we take it from there."
    if _ABOUT.match(question):
        return (
            "I am a coach for Generative-AI product-manager interviews that runs on this machine: nothing you type leaves it. "
            "I answer from the article on hiring committees and the documents you ingest, show where every sentence comes from, "
            "and say so when the sources do not cover your question."
        )
    return None
