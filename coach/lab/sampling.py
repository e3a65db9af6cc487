"""Temperature and top-p on one unfinished sentence: how likely each next token is, which may be drawn, and what five draws give."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.lab.speak import speak
from coach.prompts import read_prompt
from coach.text.counted import counted
from coach.types import Turn

if TYPE_CHECKING:
    from coach.coach import Coach

SHOWN = 20  # tokens with a bar of their own
EVERY_TOKEN = 1_000_000  # more than a vocabulary has: the built-in model lists all of its own, a server the 20 that it can
SAMPLES, SAMPLE_TOKENS = 5, 12
# Width in log-probability of the groups in which the many unlikely tokens are kept: their probabilities are right within 2.5 %.
GROUP = 0.05
NOTHING_MISSING = 0.005  # of probability not listed, below which it is not worth a word


@dataclass(frozen=True, slots=True)
class Bar:
    """One token: how likely the model finds it, how likely it is after the temperature, and whether top-p lets it be drawn."""

    rank: int
    token: str
    log_probability: float
    after_temperature: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """What a next token is drawn from: the bars, and all `others` together with how many of them are `others_kept`."""

    bars: tuple[Bar, ...]
    others: int = 0
    others_probability: float = 0.0
    others_after_temperature: float = 0.0
    others_kept: int = 0
    others_kept_after_temperature: float = 0.0

    @property
    def kept(self) -> int:
        """Tokens that may be drawn."""
        return sum(bar.kept for bar in self.bars) + self.others_kept


def weigh(
    tokens: Sequence[tuple[str, float]], rest: Sequence[tuple[float, int]], temperature: float, top_p: float
) -> Draw:
    """What is drawn from at this setting, by formula: p^(1/T), scaled to sum to 1, then the likeliest that together have `top_p`.

    `tokens` are (token, log-probability), the likeliest first; `rest` are (log-probability, how many tokens have it), likewise.
    """
    groups = [*((logarithm, 1) for _, logarithm in tokens), *rest]
    weights = _tempered([logarithm for logarithm, _ in groups], temperature)
    total = sum(weight * count for weight, (_, count) in zip(weights, groups, strict=True))
    shares = [weight / total for weight in weights]
    kept, before = [], 0.0
    for one, (_, count) in zip(shares, groups, strict=True):
        # A token is kept while those before it do not yet have `top_p` together, so the likeliest always is.
        missing = top_p - before
        kept.append(min(count, math.ceil(round(missing / one, 6))) if missing > 0 and one > 0 else 0)
        before += one * count
    bars = tuple(
        Bar(rank, token, logarithm, shares[rank - 1], bool(kept[rank - 1]))
        for rank, (token, logarithm) in enumerate(tokens, 1)
    )
    return Draw(
        bars,
        sum(count for _, count in rest),
        sum(math.exp(logarithm) * count for logarithm, count in rest),
        sum(one * count for one, (_, count) in zip(shares[len(tokens) :], rest, strict=True)),
        sum(kept[len(tokens) :]),
        sum(one * count for one, count in zip(shares[len(tokens) :], kept[len(tokens) :], strict=True)),
    )


def _tempered(logarithms: Sequence[float], temperature: float) -> list[float]:
    """Each probability to the power of 1/T, as a share of the first's. At 0 the first has everything."""
    if temperature == 0:
        return [1.0, *[0.0] * (len(logarithms) - 1)]
    return [math.exp((logarithm - logarithms[0]) / temperature) for logarithm in logarithms]


def grouped(logarithms: Sequence[float]) -> list[tuple[float, int]]:
    """The log-probabilities of many tokens in groups of GROUP: (its middle, how many), the likeliest first."""
    counted = Counter(round(logarithm / GROUP) for logarithm in logarithms if math.isfinite(logarithm))
    return [(step * GROUP, count) for step, count in sorted(counted.items(), reverse=True)]


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """Ask once for the probabilities, then draw five times. Raises BackendError where the model gives no probabilities."""
    steps = SAMPLES + 2
    tell("Loading the chat model", 0, steps)
    model = coach.chat_model()
    prompt = str(controls["prompt"])
    temperature, top_p = float(controls["temperature"]), float(controls["top_p"])
    messages = (Turn("system", read_prompt("lab/continue")), Turn("user", prompt))
    tell("Asking how likely each next token is", 1, steps)
    listed = model.next_tokens(messages, EVERY_TOKEN)
    samples = []
    for number in range(SAMPLES):
        doing = f"Drawing sample {number + 1} of {SAMPLES}"
        tell(doing, number + 2, steps)

        def still_wanted(doing: str = doing, done: int = number + 2) -> None:
            tell(doing, done, steps)

        said = speak(
            model,
            messages,
            max_tokens=SAMPLE_TOKENS,
            at_each_piece=still_wanted,
            temperature=temperature,
            top_p=top_p,
        )
        samples.append(
            {
                "row": "sample",
                "text": said.text,
                "temperature": temperature,
                "top_p": top_p,
                "seconds": round(said.seconds, 2),
            }
        )
    extra = {
        "prompt": prompt,
        "tokens": listed[:SHOWN],
        "rest": grouped([logarithm for _, logarithm in listed[SHOWN:]]),
        "samples": samples,
    }
    return moved(Outcome((), (), measured(model.name), extra=extra), controls)


def moved(outcome: Outcome, controls: Mapping[str, Value]) -> Outcome:
    """The same run with the sliders elsewhere: its bars are computed anew, its five samples stay those that were drawn."""
    extra = outcome.extra
    draw = drawn_from(extra, controls)
    rows: list[Mapping[str, Any]] = [
        {
            "row": "next token",
            "rank": bar.rank,
            "text": bar.token,
            "log_probability": round(bar.log_probability, 4),
            "probability": math.exp(bar.log_probability),
            "after_temperature": bar.after_temperature,
            "can_be_drawn": bar.kept,
        }
        for bar in draw.bars
    ]
    findings = (*_on_the_bars(extra["prompt"], draw, controls), *_on_the_samples(extra["samples"]))
    return replace(outcome, rows=(*rows, *extra["samples"]), findings=findings)


def drawn_from(extra: Mapping[str, Any], controls: Mapping[str, Value]) -> Draw:
    """What the model of a run draws from at these settings of the sliders."""
    return weigh(extra["tokens"], extra["rest"], float(controls["temperature"]), float(controls["top_p"]))


def _on_the_bars(prompt: str, draw: Draw, controls: Mapping[str, Value]) -> list[str]:
    first = draw.bars[0]
    said = [
        f"After “{prompt}” the model finds “{first.token.strip()}” the likeliest: {math.exp(first.log_probability):.1%}. "
        f"Temperature {controls['temperature']:g} makes that {first.after_temperature:.1%}.",
        f"Top-p {controls['top_p']:g} then leaves {counted(draw.kept, 'token')} of {draw.others + len(draw.bars):,} to draw from.",
    ]
    unlisted = 1 - draw.others_probability - sum(math.exp(bar.log_probability) for bar in draw.bars)
    if unlisted > NOTHING_MISSING:
        said.append(
            f"This model's server lists {len(draw.bars) + draw.others} tokens and keeps {unlisted:.1%} of the probability to itself: "
            "that part is left out of the picture, and counts for more the higher the temperature is."
        )
    return said


def _on_the_samples(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    first = samples[0]
    texts = [str(sample["text"]) for sample in samples]
    word, begin = Counter(_words(text)[0] if _words(text) else "" for text in texts).most_common(1)[0]
    whole = max(Counter(texts).values())
    same = f"{whole} are the same to the last word" if whole > 1 else "no two are the same"
    return [
        f"The {len(texts)} samples were drawn at temperature {first['temperature']:g} and top-p {first['top_p']:g}: "
        f"{begin} of them {'begins' if begin == 1 else 'begin'} with “{word}”, and {same}. Each goes on with draws of its own, up to {SAMPLE_TOKENS} "
        "tokens: that is why two that begin alike may end apart, and why some stop in the middle of a sentence."
    ]


def _words(text: str) -> list[str]:
    return text.casefold().split()


EXPERIMENT = Experiment(
    name="sampling",
    title="Temperature and top-p",
    explanation="A language model gives every piece of text it knows (a token: a word, or part of one) a probability, and the next one is "
    "drawn like a ball from an urn. Temperature changes how many balls each has: near 0 the likeliest nearly always wins, above 1 the "
    "unlikely ones catch up; top-p then goes down the list from the likeliest, stops where they add up to that share, and takes all "
    "the others out of the urn. So the text is written, one draw a token, each with odds of its own: the bars are those of the first. Run it once, "
    "then move a slider and watch which bars grow and which turn orange, which means out; run it again and see how far five tries agree.",
    quote="This involves understanding concepts like token limits, context windows, sampling strategies (temperature, top-p), and the "
    "practical implications of different model sizes and compute requirements.",
    question="Your assistant drafts replies to customers, and two people who ask the same thing get different answers. What would you do "
    "with temperature and top-p, and what would that cost you?",
    kind="technical",
    controls=(
        Control("prompt", "An unfinished sentence", "Before launch, a generative AI product must be"),
        Control("temperature", "Temperature", 0.8, 0.0, 2.0, moves=True),
        Control("top_p", "Top-p", 0.9, 0.05, 1.0, moves=True),
    ),
    run=run,
    moved=moved,
    needs_model=True,
)
