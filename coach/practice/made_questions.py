"""Make interview questions out of the user's own documents: the chat model words them, the program decides which are fit to be asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np

from coach.critique.flow import by_weight
from coach.critique.rubric import choose_kind
from coach.errors import BackendError
from coach.prompts import read_prompt
from coach.protocols import ChatModel, Embedder, Vectors
from coach.types import InterviewQuestion, Passage, Rubric, Turn

ROUND = "your_documents"
ROUND_TITLE = "From your documents"
MINUTES = 8.0
MOST_TOKENS = 70
WORDS = (7, 50)  # of a question
CRITERIA = 5  # the weightiest of its kind: the interviewer asks about no more
# Cosines. A question about another passage of the same document stands at about 0.3; one that is only turned round at 0.9 (tests/test_made_questions.py).
ON_TOPIC, NEAR_DUPLICATE = 0.35, 0.85
# An English question that opens with its verb asks for a yes or a no, as does the passage's own imperative turned into one.
_YES_OR_NO = re.compile(
    r"(?:^|[.!?:,]\s+)(?:and\s+)?(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|may|might|must|shall)\s+\w+[^.!?]*\?\s*$",
    re.IGNORECASE,
)
_OPENINGS = (
    "how",
    "what",
    "which",
    "why",
    "where",
    "when",
    "who",
    "tell me",
    "walk me",
    "describe",
    "give me",
)


def make_questions(
    passages: Sequence[Passage],
    chat_model: ChatModel,
    embedder: Embedder,
    rubric: Rubric,
    known: Sequence[str],
) -> Iterator[InterviewQuestion]:
    """A question for each passage of which the model makes one that is fit to be asked; `known` are questions it may not come near.

    Raises BackendError where the model does not speak.
    """
    asked = embedder.embed(list(known))
    for passage in passages:
        said = _worded(passage, chat_model)
        vector = embedder.embed([said, passage.chunk.text]) if said else None
        if vector is None or why_unfit(said, vector, asked):
            continue
        asked = np.vstack([asked, vector[:1]]) if len(asked) else vector[:1]
        yield _question(said, passage, rubric)


def why_unfit(question: str, vectors: Vectors, asked: Vectors) -> str:
    """Why it is not asked; empty for one that is fit. `vectors` are those of the question and of its passage, `asked` those of the
    questions there are."""
    words = len(question.split())
    if not question.endswith("?") and not question.lower().startswith(
        ("tell me", "walk me", "describe", "give me")
    ):
        return "It is no question."
    if not WORDS[0] <= words <= WORDS[1]:
        return "It is too short or too long to be asked."
    if is_yes_or_no(question) or not question.lower().startswith(_OPENINGS):
        return "It can be answered by yes or no."
    if float(vectors[0] @ vectors[1]) < ON_TOPIC:
        return "It is about something else than the passage."
    if len(asked) and float((asked @ vectors[0]).max()) >= NEAR_DUPLICATE:
        return "It is nearly the same as another."
    return ""


def is_yes_or_no(question: str) -> bool:
    """Whether its last sentence can be answered by yes or no."""
    return _YES_OR_NO.search(question) is not None


def _worded(passage: Passage, chat_model: ChatModel) -> str:
    request = f"<passage>\n{passage.chunk.text.replace('</', '< /')}\n</passage>"
    messages = (Turn("system", read_prompt("practice/question_system")), Turn("user", request))
    try:
        said = "".join(chat_model.stream(messages, max_tokens=MOST_TOKENS, temperature=0.0))
    except BackendError as error:
        if "window" in str(error):
            return ""
        raise
    first = next((line for line in said.strip().splitlines() if line.strip()), "")
    return first.strip().strip('"“”').strip()


def _question(said: str, passage: Passage, rubric: Rubric) -> InterviewQuestion:
    kind = choose_kind(said, rubric)
    return InterviewQuestion(
        "own-" + hashlib.sha256(said.encode()).hexdigest()[:10],
        said,
        kind,
        ROUND,
        2,
        tuple(criterion.id for criterion in by_weight(rubric, kind)[:CRITERIA]),
        None,
        f"Made from your document {passage.title}, under “{passage.heading}”",
    )
