"""Write the index: read files, cut them into chunks, embed what is new, publish in one step."""

from ingest.pipeline import IngestReport, ingest

__all__ = ["IngestReport", "ingest"]
