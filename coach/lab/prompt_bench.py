"""Four ways to ask the same thing on five cases whose outcome can be checked: what each gets right, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coach.answer.retrieve import retrieve
from coach.evaluation.cases import Case
from coach.evaluation.intervals import wilson_interval
from coach.evaluation.score import facts_found, folded
from coach.lab.cases import lab_cases
from coach.lab.experiment import Control, Experiment, Outcome, Tell, Value
from coach.lab.measured import measured
from coach.lab.speak import Said, speak
from coach.prompts import fill_prompt, read_prompt
from coach.types import COMMITTEE, Turn

if TYPE_CHECKING:
    from coach.coach import Coach

PASSAGES = 1  # put before every question: the fact asked for stands in it in all the cases, and reading is what takes longest
REFUSAL = "not in the sources"
LAST_LINE = "Answer:"
OWN = "your own"
WRITTEN = {
    "zero-shot": "lab/zero_shot",
    "few-shot": "lab/few_shot",
    "chain-of-thought": "lab/chain_of_thought",
}
RIGHT, WRONG, CUT_OFF = "right", "wrong", "cut off"


def run(coach: Coach, controls: Mapping[str, Value], tell: Tell) -> Outcome:
    """Put every case to every prompt. Raises BackendError where no chat model is there or it fails."""
    cases = lab_cases(int(controls["cases"]))
    prompts = {**{name: read_prompt(file) for name, file in WRITTEN.items()}, OWN: str(controls["own"])}
    steps = 1 + len(prompts) * len(cases)
    tell("Loading the chat model", 0, steps)
    model = coach.chat_model()
    asked = [_question(case, coach) for case in cases]
    rows: list[Mapping[str, Any]] = []
    # One prompt after the other: what its cases begin with is then still in the engine's memory.
    for name, system in prompts.items():
        for number, (case, question) in enumerate(zip(cases, asked, strict=True), 1):
            done = len(rows) + 1

            def still_wanted(
                doing: str = f"{name.capitalize()}, case {number} of {len(cases)}", done: int = done
            ) -> None:
                tell(doing, done, steps)

            still_wanted()
            said = speak(
                model,
                (Turn("system", system), Turn("user", question)),
                max_tokens=int(controls["limit"]),
                at_each_piece=still_wanted,
            )
            rows.append(_row(name, number, case, said))
    return Outcome(tuple(rows), tuple(_findings(rows)), measured(model.name))


def _question(case: Case, coach: Coach) -> str:
    """The question with what the coach finds for it in the article."""
    article = coach.index.within({COMMITTEE})
    found = retrieve(case.question, embedder=coach.embedder, index=article, limit=PASSAGES)
    return fill_prompt(
        "lab/bench_question",
        sources="\n".join(passage.chunk.text for passage in found),
        question=case.question,
    )


def _row(prompt: str, number: int, case: Case, said: Said) -> Mapping[str, Any]:
    return {
        "prompt": prompt,
        "case": number,
        "question": case.question,
        "wanted": ", ".join(alternatives[0] for alternatives in case.facts) or "a refusal",
        "outcome": outcome(case, said),
        "prompt_tokens": said.usage.prompt,
        "reply_tokens": said.usage.completion,
        "seconds": round(said.seconds, 2),
        "reply": said.text,
    }


def outcome(case: Case, said: Said) -> str:
    """Whether the reply holds every fact of the case, or refuses where there is none; of one that thinks aloud its last line counts."""
    if said.cut:
        return CUT_OFF
    answer = said.text.rpartition(LAST_LINE)[2]
    refused = REFUSAL in folded(answer)
    right = not refused and facts_found(case.facts, answer) == len(case.facts) if case.answerable else refused
    return RIGHT if right else WRONG


def totals(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each prompt: how many cases it got right of how many, and the tokens and seconds of a reply on average."""
    found = []
    for prompt in dict.fromkeys(row["prompt"] for row in rows):
        own = [row for row in rows if row["prompt"] == prompt]
        found.append(
            {
                "prompt": prompt,
                "right": sum(row["outcome"] == RIGHT for row in own),
                "cases": len(own),
                "prompt_tokens": sum(row["prompt_tokens"] for row in own) / len(own),
                "reply_tokens": sum(row["reply_tokens"] for row in own) / len(own),
                "seconds": sum(row["seconds"] for row in own) / len(own),
            }
        )
    return found


def _findings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    by_prompt = totals(rows)
    said = [
        f"{one['prompt'].capitalize()}: {one['right']} of {one['cases']} right; on average {one['prompt_tokens']:.0f} tokens read, "
        f"{one['reply_tokens']:.0f} written, {one['seconds']:.1f} seconds."
        for one in by_prompt
    ]
    cut = sum(row["outcome"] == CUT_OFF for row in rows)
    if cut:
        said.append(
            f"{cut} replies were cut off by the limit of tokens before they came to an end: raise it and run again."
        )
    best = max(by_prompt, key=lambda one: one["right"])
    low, high = wilson_interval(best["right"], best["cases"])
    said.append(
        f"So few cases tell little: {best['right']} of {best['cases']} right means, with 95% confidence, a share between {low:.0%} and "
        f"{high:.0%}. A difference of one case is chance."
    )
    return said


EXPERIMENT = Experiment(
    name="prompt-bench",
    title="Four ways to ask",
    explanation="The same questions, each with the same passage of the article, are put to the model in four ways: plainly (zero-shot), with two "
    "worked examples first (few-shot), with the wish to think step by step (chain-of-thought), and in your own words. Three cases ask for a "
    "fact and two for something that the article does not say, so that each reply can be checked; write a prompt that beats the "
    "others, and look at what each pays in tokens and time.",
    quote="Practice prompt engineering: Experiment with various prompting techniques (few-shot, chain-of-thought) to understand their "
    "impact on model behavior.",
    question="A colleague says that chain-of-thought made our assistant better. How would you find out whether that is true and worth what it "
    "costs?",
    kind="metrics",
    controls=(
        Control(
            "own",
            "Your own prompt",
            "You check facts. Give the exact figure or words of the sources in one sentence. Admit it when they do not have them.",
        ),
        Control("cases", "Cases", 5, 1, 5),
        Control("limit", "Tokens a reply may have", 96, 16, 256),
    ),
    run=run,
    needs_model=True,
)
