"""Put a question of another language into English, the language of the index."""

from __future__ import annotations

from coach.prompts import fill_prompt
from coach.protocols import ChatModel
from coach.types import Turn

MAX_TOKENS = 96  # a question of sixty words
MOST_GROWTH = 3  # times the length of the question: more is no translation, the model is talking


def translate_question(question: str, chat_model: ChatModel) -> str | None:
    """The question in English as `chat_model` puts it; None where what it says can be no translation.

    Raises BackendError when the model fails.
    """
    prompt = [Turn("user", fill_prompt("answer/translate_question", question=question))]
    stream = chat_model.stream(prompt, max_tokens=MAX_TOKENS, temperature=0.0)
    try:
        said = "".join(stream)
    finally:
        stream.close()
    line = next((line.strip().strip('"“”') for line in said.splitlines() if line.strip()), "")
    return line if 0 < len(line) <= MOST_GROWTH * len(question) else None
