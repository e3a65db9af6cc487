"""Every experiment there is: a new one is a file here and a line below."""

from __future__ import annotations

from coach.errors import UsageError
from coach.lab import prompt_bench, rag_against_none, sampling
from coach.lab.experiment import Experiment

EXPERIMENTS: tuple[Experiment, ...] = (
    rag_against_none.EXPERIMENT,
    prompt_bench.EXPERIMENT,
    sampling.EXPERIMENT,
)


def experiment(name: str) -> Experiment:
    """The experiment of this name. Raises UsageError for another."""
    found = next((one for one in EXPERIMENTS if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in EXPERIMENTS)
        raise UsageError(f"There is no experiment `{name}`: name one of {known}.")
    return found
