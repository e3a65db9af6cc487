"""Compose what the chat model reads about a question: what never changes first, then the few sentences found, the question last.

One conversation serves both wishes. The rules and three worked examples are the same for every question, so an engine keeps
their state, and that of each section of the bundled guide behind them; what was found and the question are read once, and the
wish for a Yes or No, or for an answer, is one more line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coach.errors import BackendError
from coach.prompts import fill_prompt, read_examples, read_prompt
from coach.protocols import ChatModel
from coach.types import PromptPart, Statement, Turn

TEMPLATE_TOKENS = 64  # chat-template tokens around the messages, an upper estimate for the templates in use
QUESTION = "Question:"  # where what was found ends in a prompt: an engine's state may end behind it, as no token spans it


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages that fit the window, and what had to be dropped so that they do."""

    messages: tuple[Turn, ...]
    dropped: tuple[str, ...] = ()


def evidence_prefix() -> tuple[Turn, ...]:
    """What every prompt begins with, and an engine should remember: the rules and three worked examples."""
    turns = [Turn("system", read_prompt("answer/evidence_system"))]
    for example in read_examples("answer/evidence_examples"):
        stated = [Statement((heading,), text) for heading, text in example["passages"]]
        turns.append(Turn("user", question_with_sources(example["question"], stated)))
        turns.append(Turn("assistant", example["answer"]))
    return tuple(turns)


def section_prefix(section: Statement) -> tuple[Turn, ...]:
    """What every prompt begins with that has a whole section read: for an engine to remember."""
    before, _, _ = question_with_sources("", [section]).rpartition(QUESTION)
    return (*evidence_prefix(), Turn("user", before + QUESTION))


def evidence_prompt(
    question: str, nearest: Sequence[Statement], chat_model: ChatModel, *, max_tokens: int
) -> Prompt:
    """The prompt that asks whether the sentences say something on the question: at most `context_window - max_tokens` tokens.

    The last of `nearest`, which are the best first, are dropped where they do not fit. Raises BackendError when the
    question with one of them is too long.
    """
    prefix, wish = evidence_prefix(), read_prompt("answer/evidence_answer")
    budget = chat_model.context_window - max_tokens - TEMPLATE_TOKENS
    fixed = sum(chat_model.count_tokens(turn.text) for turn in prefix) + chat_model.count_tokens(wish)
    for kept in range(len(nearest), 0, -1):
        asked = Turn("user", question_with_sources(question, nearest[:kept]))
        needed = fixed + chat_model.count_tokens(asked.text)
        if needed <= budget:
            left = len(nearest) - kept
            dropped = (f"the {left} least near of {len(nearest)} sentences",) if left else ()
            return Prompt((*prefix, asked), dropped)
    raise BackendError(
        f"The question needs {needed} tokens and {chat_model.name} reads {budget}: shorten it, or raise "
        "`context_window` in coach.toml."
    )


def answer_prompt(conversation: Sequence[Turn]) -> tuple[Turn, ...]:
    """The prompt that has what was read in `conversation`, which `evidence_prompt` began, put together into an answer."""
    return (*conversation, Turn("assistant", "Yes"), Turn("user", read_prompt("answer/evidence_answer")))


def prompt_parts(messages: Sequence[Turn], chat_model: ChatModel) -> tuple[PromptPart, ...]:
    """What a prompt of `evidence_prompt` or `answer_prompt` is made of, with the tokens of each part."""
    fixed = len(evidence_prefix())
    found, question, asked = messages[fixed].text.rpartition(QUESTION)
    wish = " ".join(turn.text for turn in messages[fixed + 1 :])
    named = {
        "Rules": messages[0].text,
        "Worked examples": "\n\n".join(turn.text for turn in messages[1:fixed]),
        "What was found": found.strip(),
        "The question": f"{question}{asked}",
        "What to write": wish,
    }
    return tuple(
        PromptPart(name, text, chat_model.count_tokens(text)) for name, text in named.items() if text
    )


def statement_prompt(claim: str, nearest: Sequence[Statement]) -> tuple[Turn, ...]:
    """The prompt that asks whether the sentences say exactly what `claim` says."""
    passages = "\n".join(f"{stated.heading}: {stated.text}" for stated in nearest)
    return (
        Turn("system", fill_prompt("answer/support_check_system")),
        Turn("user", fill_prompt("answer/support_check", passages=passages, claim=claim)),
    )


def question_with_sources(question: str, nearest: Sequence[Statement]) -> str:
    """What is asked last: the sentences, each under its heading, and the question."""
    passages = "\n".join(f"- {stated.heading}: {' '.join(stated.text.split())}" for stated in nearest)
    return fill_prompt("answer/evidence_question", passages=passages, question=" ".join(question.split()))
