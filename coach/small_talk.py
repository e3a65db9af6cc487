"""Greetings and questions about the coach itself: neither refused nor cited."""

from __future__ import annotations

import re

_GREETING = re.compile(
    r"^\W*(?:hi|hey|hello|yo|good (?:morning|afternoon|evening)|hola|hallo|bonjour)(?: there| coach)?\W*$",
    re.I,
)
_THANKS = re.compile(
    r"^\W*(?:(?:ok|okay|great|cool|perfect)\W+)?(?:thanks?|thank you|thx|cheers|got it|bye|goodbye|see you)(?: (?:a lot|so much|very much|coach|you|again|later))*\W*$",
    re.I,
)
_ABOUT = re.compile(
    r"^\W*(?:(?:so|hi|hey|hello|ok)\W+)*(?:what (?:can|do) you (?:do|know|help(?: me)? with)|what are you|who are you|who (?:made|built|created) you"
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
    if _ABOUT.match(question):
        return (
            "I am a coach for Generative-AI product-manager interviews that runs on this machine: nothing you type leaves it. "
            "I answer from the article on hiring committees and the documents you ingest, show where every sentence comes from, "
            "and say so when the sources do not cover your question."
        )
    return None
