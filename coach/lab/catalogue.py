"""Every experiment there is: a new one is a file here and a line below."""

from __future__ import annotations

from coach.errors import UsageError
from coach.lab import (
    chunks_and_embeddings,
    context_window,
    drift_and_attacks,
    evaluation,
    fast_and_slow,
    prompt_bench,
    rag_against_none,
    refusal_threshold,
    sampling,
    vector_keyword_hybrid,
)
from coach.lab.experiment import Experiment

EXPERIMENTS: tuple[Experiment, ...] = (
    chunks_and_embeddings.EXPERIMENT,
    vector_keyword_hybrid.EXPERIMENT,
    context_window.EXPERIMENT,
    sampling.EXPERIMENT,
    fast_and_slow.EXPERIMENT,
    rag_against_none.EXPERIMENT,
    refusal_threshold.EXPERIMENT,
    prompt_bench.EXPERIMENT,
    evaluation.EXPERIMENT,
    drift_and_attacks.EXPERIMENT,
)


def experiment(name: str) -> Experiment:
    """The experiment of this name. Raises UsageError for another."""
    found = next((one for one in EXPERIMENTS if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in EXPERIMENTS)
        raise UsageError(f"There is no experiment `{name}`: name one of {known}.")
    return found
