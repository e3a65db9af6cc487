"""Score one reply against its case: what it holds, what it cites, and whether it should have refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coach.evaluation.cases import Case
from coach.evaluation.intervals import Pair
from coach.evaluation.text_metrics import rouge_l, rouge_n
from coach.types import Answer, Citation, Document, Reply, Sentence, Span, Statement


class Sources:
    """The documents that citations point into, and the heading each span stands under."""

    def __init__(self, documents: Iterable[Document]) -> None:
        documents = list(documents)
        self._texts = {document.source: document.text for document in documents}
        self._sections: dict[str, Sequence[Statement]] = {
            document.source: document.statements() for document in documents
        }

    def is_exact(self, span: Span) -> bool:
        """Whether the span's text is what stands in the source at its offsets, character by character."""
        text = self._texts.get(span.source)
        return text is not None and text[span.start : span.end] == span.text != ""

    def heading(self, span: Span) -> str:
        """The nearest heading above the span; empty where there is none."""
        for section in self._sections.get(span.source, ()):
            if section.start <= span.start < section.end:
                return section.heading
        return ""

    def section_text(self, heading: str) -> str:
        """What stands under a heading, up to the next one; empty for an unknown heading."""
        return "\n".join(
            section.text
            for sections in self._sections.values()
            for section in sections
            if section.heading == heading
        )


def score(case: Case, reply: Reply, sources: Sources) -> dict[str, Pair]:
    """Each measure that applies to this case, as (hits, out of); bench/README.md says what each one means."""
    if case.kind == "small_talk":
        return {"small_talk": (float(isinstance(reply, Answer) and not _citations(reply)), 1.0)}
    refused = not isinstance(reply, Answer)
    measures = _refusal(case, refused)
    if refused:
        measures["withdrawn"] = (float(reply.trace.first_citation_ms is not None), 1.0)
    if case.answerable:
        measures |= _correctness(case, reply)
    right = measures["correct"][0] if case.answerable else float(refused)
    if case.kind in ("follow_up", "odd"):
        measures["follow_ups" if case.kind == "follow_up" else "odd"] = (right, 1.0)
    if isinstance(reply, Answer):
        measures |= _proof(reply)
        if case.answerable:
            measures |= _aim(case, reply, sources) | _overlap(case, reply, sources)
    return measures


def facts_found(facts: Sequence[Sequence[str]], text: str) -> int:
    """How many facts the text holds: any one alternative counts, whatever its case and white space."""
    reply_text = folded(text)
    return sum(
        any(folded(alternative) in reply_text for alternative in alternatives) for alternatives in facts
    )


def folded(text: str) -> str:
    """Lower case, and every run of white space one space."""
    return " ".join(text.split()).casefold()


def shown(answer: Answer) -> tuple[Sentence, ...]:
    """The sentences that the answer's text is made of, found in it again rather than believed of their status."""
    place = 0
    found = []
    for sentence in answer.sentences:
        if sentence.text and f"{answer.text} ".startswith(f"{sentence.text} ", place):
            found.append(sentence)
            place += len(sentence.text) + 1
    return tuple(found)


def is_unproven(sentence: Sentence) -> bool:
    """Whether a shown sentence passes for the sources' word without a citation."""
    return sentence.status == "unsupported" or (sentence.status == "supported" and not sentence.citations)


def _refusal(case: Case, refused: bool) -> dict[str, Pair]:
    measures = {"refusal_precision": (float(not case.answerable), 1.0)} if refused else {}
    name = "false_refusals" if case.answerable else "refusal_recall"
    return {**measures, name: (float(refused), 1.0)}


def _correctness(case: Case, reply: Reply) -> dict[str, Pair]:
    found = facts_found(case.facts, reply.text) if isinstance(reply, Answer) else 0
    return {
        "correct": (float(found == len(case.facts)), 1.0),
        "facts": (float(found), float(len(case.facts))),
    }


def _proof(answer: Answer) -> dict[str, Pair]:
    """How much of what is shown carries a citation, and how much of what was said is not shown."""
    sentences = shown(answer)
    claims = [sentence for sentence in sentences if sentence.origin != "coach"]
    said = len(claims) + len(answer.left_out)
    measures: dict[str, Pair] = {}
    if claims:
        measures["citation_recall"] = (float(sum(bool(s.citations) for s in claims)), float(len(claims)))
        measures["unsupported_shown"] = (float(sum(map(is_unproven, claims))), float(len(claims)))
    if said:
        measures["left_out"] = (float(len(answer.left_out)), float(said))
    return measures


def _aim(case: Case, answer: Answer, sources: Sources) -> dict[str, Pair]:
    cited = [sentence for sentence in shown(answer) if sentence.citations]
    if not cited:
        return {}
    good = sum(_is_well_cited(case, sentence.citations, sources) for sentence in cited)
    return {"citation_precision": (float(good), float(len(cited)))}


def _is_well_cited(case: Case, citations: Sequence[Citation], sources: Sources) -> bool:
    """Every span exact, and at least one under the case's heading or holding one of its facts."""
    spans = [citation.span for citation in citations]
    return all(sources.is_exact(span) for span in spans) and any(
        (case.section and sources.heading(span) == case.section) or facts_found(case.facts, span.text)
        for span in spans
    )


def _overlap(case: Case, answer: Answer, sources: Sources) -> dict[str, Pair]:
    reference = sources.section_text(case.section) if case.section else ""
    if not reference:
        return {}
    return {
        "rouge_1": (rouge_n(answer.text, reference, 1).f1, 1.0),
        "rouge_2": (rouge_n(answer.text, reference, 2).f1, 1.0),
        "rouge_l": (rouge_l(answer.text, reference).f1, 1.0),
    }


def _citations(answer: Answer) -> list[Citation]:
    return [citation for sentence in answer.sentences for citation in sentence.citations]
