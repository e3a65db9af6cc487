"""Turn the likeliest next tokens of a model into probabilities of a few words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence


def score_options(top: Iterable[tuple[str, float]], options: Sequence[str]) -> dict[str, float]:
    """Probability of each option as the next word, from (token, log-probability) pairs; sums to 1.

    A token counts for the option it equals or begins, whatever its case and leading space; one that
    begins several options is shared among them. An option that no token begins gets the smallest
    listed probability: it cannot be likelier than that. Raises ValueError without options.
    """
    if not options:
        raise ValueError("choose needs at least one option")
    listed = [
        (token.strip().casefold(), math.exp(logprob)) for token, logprob in top if math.isfinite(logprob)
    ]
    floor = min((probability for _, probability in listed), default=1.0)
    weights = dict.fromkeys(options, 0.0)
    for token, probability in listed:
        meant = _options_begun_by(token, options)
        for option in meant:
            weights[option] += probability / len(meant)
    weights = {option: weight or floor for option, weight in weights.items()}
    total = sum(weights.values())
    if total <= 0.0:  # every listed probability underflowed: the model has no preference we can see
        return dict.fromkeys(options, 1.0 / len(weights))
    return {option: weight / total for option, weight in weights.items()}


def _options_begun_by(token: str, options: Sequence[str]) -> list[str]:
    if not token:
        return []
    exact = [option for option in options if option.strip().casefold() == token]
    return exact or [option for option in options if option.strip().casefold().startswith(token)]


def choice_schema(options: Sequence[str]) -> dict[str, object]:
    """JSON schema of a reply that can only be one of the options."""
    return {
        "type": "object",
        "properties": {"choice": {"type": "string", "enum": list(options)}},
        "required": ["choice"],
        "additionalProperties": False,
    }


def read_choice(reply: str, options: Sequence[str]) -> dict[str, float] | None:
    """All probability on the option a one-word reply names (as JSON or plain), or None when it names none."""
    word = reply.strip()
    try:
        parsed = json.loads(word)
    except ValueError:
        parsed = word
    if isinstance(parsed, Mapping):
        parsed = parsed.get("choice", "")
    said = str(parsed).strip().strip("\"'*.!,:;()").casefold()
    named = [option for option in options if option.strip().casefold() == said]
    named = named or [option for option in options if _is_first_word(option, said)]
    if len(named) != 1:
        return None
    return {option: float(option == named[0]) for option in options}


def _is_first_word(option: str, said: str) -> bool:
    word = option.strip().casefold()
    return said.startswith(word) and not said[len(word) : len(word) + 1].isalnum()
