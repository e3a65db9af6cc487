"""The coach's retrieval as a LangChain retriever, for chains that others build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever

from coach.retrieve import retrieve
from coach.types import Passage

if TYPE_CHECKING:
    from coach.coach import Coach


class CoachRetriever(BaseRetriever):
    """`invoke(query)` gives LangChain Documents whose metadata holds source, headings, start, end, score and rank."""

    coach: Any
    limit: int = 6

    @classmethod
    def over(cls, coach: Coach, limit: int) -> CoachRetriever:
        """A retriever that returns at most `limit` passages of `coach`."""
        return cls(coach=coach, limit=limit)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        passages = retrieve(query, embedder=self.coach.embedder, index=self.coach.index, limit=self.limit)
        return [_as_document(passage) for passage in passages]


def _as_document(passage: Passage) -> LangChainDocument:
    chunk = passage.chunk
    return LangChainDocument(
        id=chunk.id,
        page_content=chunk.text,
        metadata={
            "source": passage.source,
            "title": passage.title,
            "headings": list(chunk.headings),
            "start": chunk.start,
            "end": chunk.end,
            "score": passage.score,
            "rank": passage.rank,
        },
    )
