"""The path of one question: which steps happened, and what is said of each in words, on the page and in the terminal alike."""

from __future__ import annotations

from dataclasses import dataclass

from coach.types import Answer, Candidate, ModelFacts, Reply, Trace, Usage, WeighedPart

TITLES = {
    "question": "Question",
    "search": "Search",
    "evidence": "Evidence",
    "sentences": "Sentences",
    "prompt": "Prompt",
    "model": "Model",
    "check": "Check",
    "cost": "Cost",
}
UNKNOWN = "unknown"
ESTIMATED = (
    "The model’s server does not count the parts apart: their shares are estimates, scaled to the whole."
)
NOTHING_SENT = "Worked out here from this reply’s own counts: nothing was sent for it."
TEMPLATE = "Marks of the chat template"


@dataclass(frozen=True, slots=True)
class Share:
    """What a part of the window is used for: its tokens, and its text where it has one."""

    name: str
    tokens: int
    text: str = ""


def steps_of(reply: Reply) -> tuple[str, ...]:
    """The names of the steps that happened, in order; keys of `TITLES` and of the concepts."""
    trace = reply.trace
    happened = {
        "question": True,
        "search": bool(trace.searches),
        "evidence": bool(trace.parts),
        "sentences": bool(trace.weighed),
        "prompt": bool(trace.prompt),
        "model": trace.model is not None or trace.model_facts is not None,
        "check": isinstance(reply, Answer) and any(s.origin != "coach" for s in reply.sentences),
        "cost": trace.usage is not None,
    }
    return tuple(name for name, was in happened.items() if was)


def rewriting(reply: Reply) -> str:
    """Why another question was searched for than was asked; empty where it is the same."""
    if reply.trace.rewritten:
        return "It leans on the question before it, so that one was put in front."
    if reply.standalone and reply.standalone != reply.question:
        return "Its typos were mended, or it was put into English, for the index is searched in the article’s words."
    return ""


def decision(part: WeighedPart) -> str:
    """Why it was answered or refused: the number beside the threshold it met."""
    number, refuse, doubt = f"{part.probability:.2f}", f"{part.refuse_below:.2f}", f"{part.doubt_below:.2f}"
    why = f" Nothing found speaks of {part.missing}." if part.missing else ""
    match part.outcome:
        case "answered":
            return f"Answered: {number} is at or above {doubt}."
        case "in doubt":
            return f"Answered with a doubt: {number} lies between {refuse} and {doubt}.{why}"
        case _ if not part.refuse_below:
            return "Refused: nothing was found."
        case _:
            return f"Refused: {number} is below {refuse}.{why}"


def decided_by(part: WeighedPart) -> str:
    """Whether a chat model had a word in the decision."""
    if part.log_odds is None:
        return "Decided by the search’s own signals; no model was asked."
    word = "Yes" if part.log_odds > 0 else "No"
    return f"The signals left it open, so the chat model read the evidence: {word} (log-odds {part.log_odds:+.1f})."


def ranks(candidate: Candidate) -> str:
    """A candidate's rank by meaning and by words, before they were fused."""
    by_words = f"{candidate.keyword_rank}" if candidate.keyword_rank else "–"
    by_meaning = f"{candidate.vector_rank}" if candidate.vector_rank else "–"
    return f"vector rank {by_meaning} ({candidate.cosine:.2f}) · keyword rank {by_words} ({candidate.keyword:.2f})"


def window_shares(trace: Trace) -> tuple[tuple[Share, ...], bool]:
    """What the window holds, in order: the parts of the prompt, the template, what was written, room kept for more; and whether the
    parts are estimated, then scaled to what the server counted."""
    counted = sum(part.tokens for part in trace.prompt)
    read = trace.usage.prompt if trace.usage and trace.usage.prompt else counted
    estimated = counted > read
    scale = read / counted if estimated else 1.0
    shares = [Share(part.name, round(part.tokens * scale), part.text) for part in trace.prompt]
    shares += [Share(TEMPLATE, read - counted)] if read > counted else []
    written = trace.usage.completion if trace.usage else 0
    shares += [Share("Reply", written)] if written else []
    kept = int(trace.sampling.get("max_tokens", 0)) - written
    shares += [Share("Kept for the reply, not used", kept)] if kept > 0 else []
    return tuple(shares), estimated


def model_facts(facts: ModelFacts) -> tuple[tuple[str, str], ...]:
    """What is known of the model, as label and value; what is not is said as unknown."""
    size = f"{facts.size / 1e9:.1f} GB" if facts.size else UNKNOWN
    return (
        ("Size", f"{facts.parameters} parameters, {size}" if facts.parameters else size),
        ("Licence", facts.licence or UNKNOWN),
        ("Quantisation", facts.quantisation or UNKNOWN),
        ("Leaves this machine", facts.leaves or "nothing"),
    )


def reply_check(reply: Answer) -> str:
    """What became of the sentences that a model wrote; empty where none did."""
    carried = reply.trace.gate.get("carried")
    if carried is None:
        return ""
    if reply.mode == "extractive":
        return f"The sources carry {carried:.0%} of what the model wrote, less than half or nothing: they speak alone."
    if carried == 1.0:
        return "The sources carry every sentence that the model wrote."
    return f"The sources carry {carried:.0%} of the sentences that the model wrote; the others are left out."


def hosted_cost(usage: Usage, per_million_in: float, per_million_out: float) -> float:
    """What a hosted model would have taken for these tokens, in the currency of the prices."""
    return (usage.prompt * per_million_in + usage.completion * per_million_out) / 1e6


def cost_in_words(usage: Usage, per_million_in: float, per_million_out: float) -> str:
    """The sum with its factors, and that nothing was sent for it."""
    total = hosted_cost(usage, per_million_in, per_million_out)
    return (
        f"{usage.prompt:,} tokens in × {per_million_in:g} + {usage.completion:,} out × {per_million_out:g}, per million: "
        f"{total:.6f}. {NOTHING_SENT}"
    )
