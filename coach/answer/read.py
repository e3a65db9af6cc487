"""Read what was typed: small talk, typos, another language, and what a follow-up leans on."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from coach.answer.condense import condense
from coach.answer.resources import Resources
from coach.answer.search import nearest_source
from coach.answer.small_talk import small_talk
from coach.answer.spelling import mend_spelling
from coach.answer.translate import translate_question
from coach.errors import BackendError, ModelMissingError
from coach.stream import Tracer
from coach.text.attribution import searched_label
from coach.text.language import language_of
from coach.types import StepStarted, Turn


def small_talk_reply(question: str, history: Sequence[Turn], resources: Resources) -> str | None:
    """The coach's own words where the message is small talk, else None."""
    reply = small_talk(
        question,
        lambda: nearest_source(question, resources),
        resources.embedder,
        may_follow_up=condense(question, history).rewritten,
    )
    searched = searched_label(tuple(resources.index.collections))
    return reply.replace("{searched}", searched) if reply is not None else None


def in_english(question: str, resources: Resources, tracer: Tracer) -> Generator[StepStarted, None, str]:
    """The question without its typos; one in another language as the chat model, where there is one, translates it."""
    if language_of(question) in (None, "English"):
        return mend_spelling(question, resources.index.vocabulary())
    try:
        model = resources.chosen().model if resources.may_ask_a_model else None
        if model is not None:
            yield StepStarted("Putting the question into English")
            return translate_question(question, model) or question
    except (BackendError, ModelMissingError) as error:
        tracer.note(str(error))
    return question
