"""Read an embedding model through sentence-transformers: the reference the fast runtime is made from and checked against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coach.errors import ModelMissingError
from coach.protocols import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


SAME_DIRECTION = 0.999  # cosine from which two vectors of one text count as the same


def load_reference(folder: Path) -> SentenceTransformer:
    """The model in `folder`, on the CPU, from local files only. Raises ModelMissingError when it cannot be read."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, model_kwargs={"attn_implementation": "eager"}
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelMissingError(
            f"The embedding model in {folder} cannot be read ({error}): run `coach doctor`."
        ) from error


def reference_vectors(model: SentenceTransformer, texts: Sequence[str]) -> Vectors:
    """Unit rows of shape (len(texts), dimension) as sentence-transformers itself computes them."""
    rows = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(rows, dtype=np.float32)


def averages_tokens(model: SentenceTransformer, texts: Sequence[str]) -> bool:
    """Whether the model's vector of a text is the mean of its token vectors, so that the mean over a part of them is
    a vector of that part."""
    means = [
        np.asarray(tokens).mean(axis=0)
        for tokens in model.encode(
            list(texts), output_value="token_embeddings", convert_to_numpy=False, show_progress_bar=False
        )
    ]
    rows = reference_vectors(model, texts)
    if any(mean.shape != row.shape for mean, row in zip(means, rows, strict=True)):
        return False
    cosines = [float(mean @ row / np.linalg.norm(mean)) for mean, row in zip(means, rows, strict=True)]
    return min(cosines) > SAME_DIRECTION


def as_traceable_module(model: SentenceTransformer) -> Any:
    """A torch module (input_ids, attention_mask: int64 of shape (texts, tokens)) -> unit rows (texts, dimension), and
    the vector of each token (texts, tokens, width), to be converted."""
    import torch

    class Traceable(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            features["token_type_ids"] = torch.zeros_like(input_ids)
            features = self.model(features)
            embedding: torch.Tensor = features["sentence_embedding"]
            return torch.nn.functional.normalize(embedding, p=2, dim=1), features["token_embeddings"]

    return Traceable().eval()
