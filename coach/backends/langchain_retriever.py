"""The coach's retrieval as a LangChain retriever, for chains that others build."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever

from coach.types import Passage


class CoachRetriever(BaseRetriever):
    """`invoke(query)` gives LangChain Documents whose metadata holds source, headings, page, start, end, score and rank."""

    search: Callable[[str, int], Sequence[Passage]]  # the passages nearest to a query, at most so many
    limit: int = 6

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        return [_as_document(passage) for passage in self.search(query, self.limit)]


def _as_document(passage: Passage) -> LangChainDocument:
    chunk = passage.chunk
    return LangChainDocument(
        id=chunk.id,
        page_content=chunk.text,
        metadata={
            "source": passage.source,
            "title": passage.title,
            "headings": list(chunk.headings),
            "page": passage.page,
            "start": chunk.start,
            "end": chunk.end,
            "score": passage.score,
            "rank": passage.rank,
        },
    )
