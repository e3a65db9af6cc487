"""A local, private coach for Generative-AI product-manager interviews: `from coach import Coach`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Before any vendor is imported: nothing below may look a hub up or report its use.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ["ANONYMIZED_TELEMETRY"] = "False"
os.environ.setdefault("LANGCHAIN_TRACING_V2", "false")
os.environ.setdefault("LANGSMITH_TRACING", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

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
