"""The documented JSON of a reply and of a critique, and reading a critique back.

The forms are the documentation: `docs/json.md` is made of them, and `json_schema` gives them as JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from coach.errors import UsageError
from coach.types import (
    OWN,
    Answer,
    AntiPattern,
    Band,
    Contradiction,
    Criterion,
    Critique,
    Document,
    Finding,
    Level,
    Override,
    Passage,
    Quote,
    RefusalReason,
    Reply,
    Rubric,
    Sentence,
    SentenceOrigin,
    SentenceStatus,
    Span,
    Trace,
    Unbacked,
    Verdict,
)

if TYPE_CHECKING:
    from coach.critique.compare import Comparison


class CritiqueFormatError(UsageError):
    """A JSON critique does not have the documented form."""


class Form(BaseModel):
    """Fields that are not known are passed over: a later version may have more."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")


class SpanForm(Form):
    """Characters of a source: its text from `start` to `end` is `text`."""

    source: str = Field(description="the path under `corpus/`, or in your library")
    start: int
    end: int
    text: str


class QuoteForm(Form):
    """Characters of the draft: `draft[start:end]` is `text`."""

    text: str
    start: int
    end: int


class CitationForm(SpanForm):
    """Where a sentence comes from."""

    page: int = Field(description="the page it begins on, from 1; 0 for a source without pages")
    collection: str = Field(
        OWN, description="whose words: `committee`, or `own` or a name you gave, for your documents"
    )
    support: float = Field(description="how likely the cited words carry the sentence, 0 to 1")
    method: str = Field(description="how that was found")


class SentenceForm(Form):
    """One sentence of a reply."""

    text: str
    status: SentenceStatus = Field(
        description="`supported`, `unsupported` (the sources do not carry it) or `connective` (the coach's own words)"
    )
    origin: SentenceOrigin = Field(description="`source` (verbatim), `model` or `coach`")
    citations: list[CitationForm]


class PassageForm(Form):
    """A passage that was retrieved."""

    source: str
    collection: str = Field(OWN, description="whose words it holds")
    headings: list[str]
    page: int = Field(description="the page it begins on, from 1; 0 for a source without pages")
    start: int
    end: int
    score: float
    rank: int = Field(description="from 1")


class NearestForm(PassageForm):
    """A passage with its text."""

    text: str


class UsageForm(Form):
    """Token counts of the model's call."""

    prompt: int
    cached: int
    completion: int
    fresh: int = Field(0, description="tokens of the prompt that had to be computed")


class CandidateForm(Form):
    """A passage that a search looked at."""

    source: str
    collection: str = Field(OWN, description="whose words it holds")
    heading: str
    start: int
    end: int
    cosine: float = Field(description="likeness by meaning")
    keyword: float = Field(description="likeness by words, 0 to 1 within this search")
    vector_rank: int = Field(description="rank by meaning, from 1; 0 for none")
    keyword_rank: int = Field(description="rank by words, from 1; 0 for none")
    score: float = Field(description="both fused, with the best sentence and the questions written for it")
    rank: int = Field(description="by the score, from 1")
    dropped: str = Field("", description="why it was not taken; empty where it was")


class SearchForm(Form):
    """One query to the index, and the best candidates for it."""

    query: str
    looked_at: int = Field(description="how many candidates there were")
    candidates: list[CandidateForm]


class WeighedPartForm(Form):
    """One thing that was asked, and what decided whether it is answered."""

    text: str
    probability: float = Field(description="that what was found answers it")
    outcome: str = Field(description="`answered`, `in doubt` or `not covered`")
    refuse_below: float
    doubt_below: float
    log_odds: float | None = Field(None, description="a chat model's Yes; null where none was asked")
    missing: str = Field("", description="what nothing found speaks of; empty where that cannot be told")


class WeighedSentenceForm(Form):
    """A sentence of the passages, and how likely it speaks of what is asked."""

    text: str
    source: str
    collection: str = Field(OWN, description="whose words it is")
    heading: str
    start: int
    end: int
    relevance: float = Field(description="0 to 1")
    shown: bool


class PromptPartForm(Form):
    """A part of what the chat model read."""

    name: str
    text: str
    tokens: int = Field(description="an upper estimate where the model's server does not count")


class ModelFactsForm(Form):
    """What is known of the chat model."""

    name: str
    size: int = Field(0, description="in bytes; 0 where unknown")
    parameters: str = ""
    licence: str = ""
    quantisation: str = ""
    leaves: str = Field("", description="what leaves this machine with it; empty for nothing")


class TraceForm(Form):
    """How it came about. All times in milliseconds since the question."""

    query: str = ""
    rewritten: bool = False
    backend: str = ""
    backend_reason: str = ""
    model: str | None = None
    embedder: str = ""
    index_fingerprint: str = ""
    window: int = Field(0, description="tokens of the model's window")
    usage: UsageForm | None = None
    sampling: dict[str, float] = {}
    first_citation_ms: float | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    steps_ms: dict[str, float] = {}
    gate: dict[str, float] = Field({}, description="the signals by which the question was decided")
    dropped: list[str] = Field([], description="what was left out of the prompt so that it fits")
    notes: list[str] = Field([], description="what the reader should know")
    searches: list[SearchForm] = []
    parts: list[WeighedPartForm] = []
    weighed: list[WeighedSentenceForm] = Field([], description="the best sentences of each part")
    prompt: list[PromptPartForm] = Field([], description="what the chat model read last, in order")
    tokens_per_second: float | None = Field(None, description="written after the first")
    model_facts: ModelFactsForm | None = None


class AnswerForm(Form):
    """An answer."""

    type: Literal["answer"] = "answer"
    question: str = Field(description="as asked")
    standalone: str = Field(
        description="the question that was searched for; another one for a follow-up that needed it, for typos and other languages"
    )
    text: str = Field(description="the answer without its unsupported sentences")
    mode: Literal["extractive", "generated"] = Field(
        description="`generated` (a language model spoke) or `extractive` (the sources' own sentences)"
    )
    not_covered: list[str] = Field(description="the parts of the question that the sources do not answer")
    doubt: str = Field(
        description="why this may not be exactly what was asked; empty where there is no doubt"
    )
    sentences: list[SentenceForm]
    passages: list[PassageForm] = Field(description="what was retrieved")
    trace: TraceForm


class RefusalForm(Form):
    """A refusal."""

    type: Literal["refusal"] = "refusal"
    question: str
    standalone: str
    reason: RefusalReason
    text: str = Field(description="the refusal's words")
    missing: str = Field(
        description="what was asked for and stands in no source, where that can be told; else empty"
    )
    related: list[SentenceForm] = Field(
        description="sentences of the sources near the question; they do not answer it"
    )
    nearest: list[NearestForm] = Field(description="up to three passages")
    trace: TraceForm


class OverrideForm(Form):
    """A person's word, which counts in place of the judge's."""

    level: Level
    reason: str
    made_at: str


class VerdictForm(Form):
    """One criterion that counts for this kind of question."""

    criterion: str = Field(description="its id")
    name: str
    group: str
    level: Level | None = Field(description="the judge's: `met`, `partly`, `missing`, or null")
    probability: float | None = Field(
        description="that the criterion is met, 0 to 1; null where no model judged"
    )
    unscored: str = Field(description="why there is no level; empty where there is one")
    quotes: list[QuoteForm] = Field(description="the draft's own words")
    explanation: str
    suggestion: str
    source: SpanForm = Field(description="the words of the article that ask for it")
    override: OverrideForm | None = None


class FindingForm(Form):
    """A habit that the article warns of."""

    anti_pattern: str = Field(description="its id")
    name: str
    quotes: list[QuoteForm]
    suggestion: str
    source: SpanForm


class ContradictionForm(Form):
    """What your own documents say otherwise."""

    quote: QuoteForm = Field(description="the sentence of the draft")
    said: str = Field(description="what the draft says there")
    known: str = Field(description="what the document says instead")
    source: SpanForm = Field(description="the sentence of the document")
    headings: list[str] = Field(description="what it stands under")
    collection: str = Field(description="whose words the document holds: `own`, or a name you gave")


class UnbackedForm(Form):
    """What stands in none of your stories and documents."""

    quote: QuoteForm = Field(description="the sentence of the draft")
    said: str = Field(description="the figure or the employer")


class CritiqueForm(Form):
    """A critique."""

    type: Literal["critique"]
    question: str
    kind: str = Field(description="as which kind of question it was read")
    rubric: str = Field(description="the rubric's name")
    band: Band | None = Field(
        description="`not ready`, `getting there`, `ready for this committee`, or null where too little could be judged"
    )
    next_move: str = Field(description="the one thing to do next")
    verdicts: list[VerdictForm]
    anti_patterns: list[FindingForm]
    draft: str = Field(description="as it was read, cleaned of control characters")
    set_aside: list[QuoteForm] = Field(description="what was not read as part of the answer")
    notices: list[str] = Field(description="why, and anything else the reader should know")
    contradictions: list[ContradictionForm] = Field(
        [], description="figures and employers that your own documents give otherwise"
    )
    unbacked: list[UnbackedForm] = Field(
        [],
        description="figures and employers of your past that stand in no story of yours, where you have any",
    )
    trace: TraceForm


class ChangeForm(Form):
    """What became of one criterion."""

    criterion: str
    name: str
    before: Level | None
    after: Level | None
    direction: str = Field(description="`better`, `worse`, `same` or `unknown`")


class ComparisonForm(Form):
    """The field `comparison` of a critique that was compared with an earlier one."""

    band_before: Band | None
    band_after: Band | None
    changes: list[ChangeForm]
    added: list[QuoteForm] = Field(description="spans of this draft")
    removed: list[QuoteForm] = Field(description="spans of the earlier one")


class DocumentForm(Form):
    """An indexed document: a line of `coach library list --json`."""

    source: str
    title: str
    kind: str = Field(description="its format by the usual ending, such as `pdf`")
    size: int = Field(description="of its file, in bytes")
    statements: int = Field(description="how many sentences it was split into")
    pages: int = Field(description="0 for a format without pages")
    indexed_at: str = Field(description="when it was read, ISO 8601")
    warnings: list[str] = Field(description="what of the file could not be read")


FORMS: tuple[type[Form], ...] = (AnswerForm, RefusalForm, CritiqueForm, ComparisonForm, DocumentForm)


def json_schema() -> dict[str, Any]:
    """JSON Schema of what `--json` prints: a reply or a critique."""
    printed: TypeAdapter[Any] = TypeAdapter(
        Annotated[AnswerForm | RefusalForm | CritiqueForm, Field(discriminator="type")]
    )
    return printed.json_schema()


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """The stable JSON form. Offsets count characters of the document's text."""
    common: dict[str, Any] = {"question": reply.question, "standalone": reply.standalone, "text": reply.text}
    if isinstance(reply, Answer):
        form: Form = AnswerForm(
            **common,
            mode=reply.mode,
            not_covered=list(reply.not_covered),
            doubt=reply.doubt,
            sentences=list(map(_sentence, reply.sentences)),
            passages=[PassageForm(**_passage(passage)) for passage in reply.passages],
            trace=_trace(reply.trace),
        )
    else:
        form = RefusalForm(
            **common,
            reason=reply.reason,
            missing=reply.missing,
            related=list(map(_sentence, reply.related)),
            nearest=[NearestForm(**_passage(passage), text=passage.chunk.text) for passage in reply.nearest],
            trace=_trace(reply.trace),
        )
    return form.model_dump()


def document_to_json(document: Document) -> dict[str, Any]:
    """What is known of a document, without its text."""
    return DocumentForm(
        source=document.source,
        title=document.title,
        kind=document.kind,
        size=document.size,
        statements=document.statement_count,
        pages=len(document.pages),
        indexed_at=document.indexed_at,
        warnings=list(document.warnings),
    ).model_dump()


def critique_to_json(critique: Critique) -> dict[str, Any]:
    """The stable JSON form. Offsets count characters of `draft`."""
    return CritiqueForm(
        type="critique",
        question=critique.question,
        kind=critique.kind,
        rubric=critique.rubric,
        band=critique.band,
        next_move=critique.next_move,
        verdicts=list(map(_verdict, critique.verdicts)),
        anti_patterns=list(map(_finding, critique.findings)),
        draft=critique.draft,
        set_aside=_quotes(critique.set_aside),
        notices=list(critique.notices),
        contradictions=list(map(_contradiction, critique.contradictions)),
        unbacked=[
            UnbackedForm(quote=QuoteForm.model_validate(one.quote), said=one.said)
            for one in critique.unbacked
        ],
        trace=_trace(critique.trace),
    ).model_dump()


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """The field `comparison` of a critique that was compared with an earlier one."""
    changes = [
        ChangeForm(
            criterion=change.criterion_id,
            name=change.name,
            before=change.before,
            after=change.after,
            direction=change.direction,
        )
        for change in comparison.changes
    ]
    return ComparisonForm(
        band_before=comparison.band_before,
        band_after=comparison.band_after,
        changes=changes,
        added=_quotes(comparison.added),
        removed=_quotes(comparison.removed),
    ).model_dump()


def critique_from_json(written: object, rubrics: Sequence[Rubric] = ()) -> Critique:
    """The critique that `critique_to_json` wrote. Criteria come from the rubric it names, as far as it is among
    `rubrics` and still has them; else they are what the JSON says of them, without weights and anchors.

    Raises CritiqueFormatError for anything else, and for a quote that is not in the draft.
    """
    if not isinstance(written, Mapping) or written.get("type") != "critique":
        raise _malformed('it has no "type": "critique"')
    try:
        form = CritiqueForm.model_validate(dict(written))
        return _critique(form, next((rubric for rubric in rubrics if rubric.name == form.rubric), None))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _malformed(f'"{place}": {first["msg"].lower()}') from error
    except ValueError as error:
        raise _malformed(str(error)) from error


def _sentence(sentence: Sentence) -> SentenceForm:
    citations = [
        CitationForm(
            **asdict(one.span),
            page=one.page,
            collection=one.collection,
            support=round(one.support, 4),
            method=one.method,
        )
        for one in sentence.citations
    ]
    return SentenceForm(
        text=sentence.text, status=sentence.status, origin=sentence.origin, citations=citations
    )


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "source": passage.source,
        "collection": passage.collection,
        "headings": list(passage.chunk.headings),
        "page": passage.page,
        "start": passage.chunk.start,
        "end": passage.chunk.end,
        "score": round(passage.score, 4),
        "rank": passage.rank,
    }


def _trace(trace: Trace) -> TraceForm:
    return TraceForm.model_validate(trace)


def _quotes(quotes: Sequence[Quote]) -> list[QuoteForm]:
    return [QuoteForm.model_validate(quote) for quote in quotes]


def _verdict(verdict: Verdict) -> VerdictForm:
    criterion = verdict.criterion
    return VerdictForm(
        criterion=criterion.id,
        name=criterion.name,
        group=criterion.group,
        level=verdict.level,
        probability=None if verdict.probability is None else round(verdict.probability, 4),
        unscored=verdict.unscored,
        quotes=_quotes(verdict.quotes),
        explanation=verdict.explanation,
        suggestion=verdict.suggestion,
        source=SpanForm.model_validate(criterion.span),
        override=OverrideForm.model_validate(verdict.override) if verdict.override else None,
    )


def _finding(finding: Finding) -> FindingForm:
    pattern = finding.anti_pattern
    return FindingForm(
        anti_pattern=pattern.id,
        name=pattern.name,
        quotes=_quotes(finding.quotes),
        suggestion=pattern.suggestion,
        source=SpanForm.model_validate(pattern.span),
    )


def _contradiction(found: Contradiction) -> ContradictionForm:
    return ContradictionForm(
        quote=QuoteForm.model_validate(found.quote),
        said=found.said,
        known=found.known,
        source=SpanForm.model_validate(found.span),
        headings=list(found.headings),
        collection=found.collection,
    )


def _critique(form: CritiqueForm, rubric: Rubric | None) -> Critique:
    criteria = {criterion.id: criterion for criterion in rubric.criteria} if rubric else {}
    patterns = {pattern.id: pattern for pattern in rubric.anti_patterns} if rubric else {}
    return Critique(
        question=form.question,
        kind=form.kind,
        draft=form.draft,
        rubric=form.rubric,
        verdicts=tuple(_read_verdict(one, form.draft, criteria) for one in form.verdicts),
        findings=tuple(_read_finding(one, form.draft, patterns) for one in form.anti_patterns),
        trace=_read_trace(form.trace),
        band=form.band,
        next_move=form.next_move,
        notices=tuple(form.notices),
        set_aside=_read_quotes(form.set_aside, form.draft),
        contradictions=tuple(_read_contradiction(one, form.draft) for one in form.contradictions),
        unbacked=tuple(Unbacked(_read_quotes([one.quote], form.draft)[0], one.said) for one in form.unbacked),
    )


def _read_verdict(form: VerdictForm, draft: str, criteria: Mapping[str, Criterion]) -> Verdict:
    known = criteria.get(form.criterion) or Criterion(
        id=form.criterion,
        name=form.name,
        group=form.group,
        question="",
        anchors={},
        weights={},
        span=Span(**form.source.model_dump()),
    )
    return Verdict(
        criterion=known,
        level=form.level,
        probability=form.probability,
        unscored=form.unscored,
        quotes=_read_quotes(form.quotes, draft),
        explanation=form.explanation,
        suggestion=form.suggestion,
        override=Override(**form.override.model_dump()) if form.override else None,
    )


def _read_finding(form: FindingForm, draft: str, patterns: Mapping[str, AntiPattern]) -> Finding:
    known = patterns.get(form.anti_pattern) or AntiPattern(
        id=form.anti_pattern,
        name=form.name,
        span=Span(**form.source.model_dump()),
        phrases=(),
        suggestion=form.suggestion,
    )
    return Finding(known, _read_quotes(form.quotes, draft))


def _read_contradiction(form: ContradictionForm, draft: str) -> Contradiction:
    quote = _read_quotes([form.quote], draft)[0]
    span = Span(**form.source.model_dump())
    return Contradiction(quote, form.said, form.known, span, tuple(form.headings), form.collection)


def _read_quotes(forms: Sequence[QuoteForm], draft: str) -> tuple[Quote, ...]:
    for form in forms:
        if draft[form.start : form.end] != form.text:
            raise ValueError(f"the quote at {form.start} is not in the draft")
    return tuple(Quote(form.text, form.start, form.end) for form in forms)


def _read_trace(form: TraceForm) -> Trace:
    return TypeAdapter(Trace).validate_python(form.model_dump())


def _malformed(why: str) -> CritiqueFormatError:
    return CritiqueFormatError(
        f"This is not a critique that `coach critique --json` wrote ({why}): judge that draft again with "
        '`coach critique FILE --question "..." --json`.'
    )
