"""A local, private coach for Generative-AI product-manager interviews: `from coach import Coach`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Before any vendor is imported: nothing below may look a hub up or report its use.
# Set outright: a user who has one of them on for other work still has it off here.
os.environ.update(
    ANONYMIZED_TELEMETRY="False",
    DO_NOT_TRACK="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_OFFLINE="1",
    LANGCHAIN_TRACING_V2="false",
    LANGSMITH_TRACING="false",
    TRANSFORMERS_OFFLINE="1",
)
# The matrices of a search are small: a second BLAS thread only spins, and takes a core from the engines.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"

if TYPE_CHECKING:
    from coach.coach import Coach

__all__ = ["Coach", "__version__"]


def __getattr__(name: str) -> Any:
    """`Coach` is imported when it is first asked for, so that `import coach` stays instant."""
    if name == "Coach":
        from coach.coach import Coach

        return Coach
    raise AttributeError(f"module 'coach' has no attribute {name!r}")
