"""Critiques for tests: the bundled rubric's criteria, levels as the test asks for them, quotes that are in the draft."""

from coach.critique.rubric import bundled_rubrics
from coach.types import Critique, Finding, Quote, Trace, Usage, Verdict

RUBRIC = bundled_rubrics()[0]
CRITERIA = {criterion.id: criterion for criterion in RUBRIC.criteria}
QUESTION = "Design an assistant that helps pharmacists answer questions about medicines."
FIRST = (
    "AI will solve this for pharmacists. We add a chat window to the till.\n\n"
    "The assistant may invent a dosage. Users rate every answer."
)
SECOND = (
    "The assistant may invent a dosage for children. We add a chat window to the till.\n\n"
    "A pharmacist confirms every dose above 500 mg. Running it costs 2 cents an answer."
)


def quote(draft, text):
    """The first place of `text` in the draft; a test that asks for other words fails here."""
    start = draft.index(text)
    return Quote(text, start, start + len(text))


def verdict(criterion, level, draft="", words=(), **fields):
    quotes = tuple(quote(draft, text) for text in words)
    return Verdict(CRITERIA[criterion], level, quotes=quotes, **fields)


def finding(identity, draft, *words):
    pattern = next(pattern for pattern in RUBRIC.anti_patterns if pattern.id == identity)
    return Finding(pattern, tuple(quote(draft, text) for text in words))


def first_critique(**changes):
    """Of FIRST: one criterion at each level, and one the judge was unsure of."""
    fields = {
        "question": QUESTION,
        "kind": "design",
        "draft": FIRST,
        "rubric": RUBRIC.name,
        "verdicts": (
            verdict(
                "failure_modes",
                "partly",
                FIRST,
                ["The assistant may invent a dosage."],
                probability=0.5512345,
                explanation="It names a failure, but not where it shows.",
                suggestion="Say on which questions.",
            ),
            verdict("cost", "missing", probability=0.03, suggestion="Name what an answer costs."),
            verdict("trade_off", None, probability=0.48, unscored="The judge is unsure."),
            verdict(
                "product_outcome", "met", FIRST, ["Users rate every answer."], suggestion="Nothing to add."
            ),
        ),
        "findings": (finding("ai_will_solve", FIRST, "AI will solve this"),),
        "trace": Trace(
            query=QUESTION,
            backend="embedded",
            model="tiny",
            usage=Usage(900, 850, 4),
            steps_ms={"judge": 812.5},
            notes=("Calibrated for tiny.",),
        ),
        "band": "not ready",
        "next_move": "Name what an answer costs.",
        "notices": ("One sentence was set aside.",),
        "set_aside": (quote(FIRST, "We add a chat window to the till."),),
    }
    return Critique(**(fields | changes))


def second_critique(**changes):
    """Of SECOND, to the same question: better on failures and cost, worse on the outcome."""
    fields = {
        "draft": SECOND,
        "verdicts": (
            verdict("failure_modes", "met", SECOND, ["The assistant may invent a dosage for children."]),
            verdict("cost", "met", SECOND, ["Running it costs 2 cents an answer."]),
            verdict("trade_off", "missing"),
            verdict("product_outcome", "missing"),
            verdict("human_override", "met", SECOND, ["A pharmacist confirms every dose above 500 mg."]),
        ),
        "findings": (),
        "band": "getting there",
        "notices": (),
        "set_aside": (),
    }
    return first_critique(**(fields | changes))
