"""Write a reply or a critique as the documented JSON (docs/json.md), and read a critique back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

from coach.errors import UsageError
from coach.types import (
    Answer,
    AntiPattern,
    Band,
    Criterion,
    Critique,
    Finding,
    Level,
    Override,
    Passage,
    Quote,
    Reply,
    Rubric,
    Sentence,
    Span,
    Trace,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from coach.critique.compare import Comparison

_Word = TypeVar("_Word", bound=str)
_LEVELS: tuple[Level, ...] = get_args(Level)
_BANDS: tuple[Band, ...] = get_args(Band)


class CritiqueFormatError(UsageError):
    """A JSON critique does not have the documented form."""


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """The stable JSON form (docs/json.md). Offsets count characters of the document's text."""
    if isinstance(reply, Answer):
        return {
            "type": "answer",
            "question": reply.question,
            "standalone": reply.standalone,
            "text": reply.text,
            "mode": reply.mode,
            "not_covered": list(reply.not_covered),
            "doubt": reply.doubt,
            "sentences": [_sentence_to_json(sentence) for sentence in reply.sentences],
            "passages": [_passage_to_json(passage) for passage in reply.passages],
            "trace": _trace_to_json(reply.trace),
        }
    return {
        "type": "refusal",
        "question": reply.question,
        "standalone": reply.standalone,
        "reason": reply.reason,
        "text": reply.text,
        "missing": reply.missing,
        "related": [_sentence_to_json(sentence) for sentence in reply.related],
        "nearest": [{**_passage_to_json(passage), "text": passage.chunk.text} for passage in reply.nearest],
        "trace": _trace_to_json(reply.trace),
    }


def _sentence_to_json(sentence: Sentence) -> dict[str, Any]:
    citations = [
        {**asdict(citation.span), "support": round(citation.support, 4), "method": citation.method}
        for citation in sentence.citations
    ]
    return {
        "text": sentence.text,
        "status": sentence.status,
        "origin": sentence.origin,
        "citations": citations,
    }


def _passage_to_json(passage: Passage) -> dict[str, Any]:
    return {
        "source": passage.source,
        "headings": list(passage.chunk.headings),
        "start": passage.chunk.start,
        "end": passage.chunk.end,
        "score": round(passage.score, 4),
        "rank": passage.rank,
    }


def critique_to_json(critique: Critique) -> dict[str, Any]:
    """The stable JSON form (docs/json.md). Offsets count characters of `draft`."""
    return {
        "type": "critique",
        "question": critique.question,
        "kind": critique.kind,
        "rubric": critique.rubric,
        "band": critique.band,
        "next_move": critique.next_move,
        "verdicts": [_verdict_to_json(verdict) for verdict in critique.verdicts],
        "anti_patterns": [_finding_to_json(finding) for finding in critique.findings],
        "draft": critique.draft,
        "set_aside": [asdict(quote) for quote in critique.set_aside],
        "notices": list(critique.notices),
        "trace": _trace_to_json(critique.trace),
    }


def _verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "criterion": verdict.criterion.id,
        "name": verdict.criterion.name,
        "group": verdict.criterion.group,
        "level": verdict.level,
        "probability": None if verdict.probability is None else round(verdict.probability, 4),
        "unscored": verdict.unscored,
        "quotes": [asdict(quote) for quote in verdict.quotes],
        "explanation": verdict.explanation,
        "suggestion": verdict.suggestion,
        "source": asdict(verdict.criterion.span),
        "override": asdict(verdict.override) if verdict.override else None,
    }


def _finding_to_json(finding: Finding) -> dict[str, Any]:
    return {
        "anti_pattern": finding.anti_pattern.id,
        "name": finding.anti_pattern.name,
        "quotes": [asdict(quote) for quote in finding.quotes],
        "suggestion": finding.anti_pattern.suggestion,
        "source": asdict(finding.anti_pattern.span),
    }


def _trace_to_json(trace: Trace) -> dict[str, Any]:
    written = asdict(trace)
    if trace.usage is not None:
        written["usage"]["fresh"] = trace.usage.fresh
    return written


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """The field `comparison` of a critique that was compared with an earlier one."""
    return {
        "band_before": comparison.band_before,
        "band_after": comparison.band_after,
        "changes": [
            {
                "criterion": change.criterion_id,
                "name": change.name,
                "before": change.before,
                "after": change.after,
                "direction": change.direction,
            }
            for change in comparison.changes
        ],
        "added": [asdict(quote) for quote in comparison.added],
        "removed": [asdict(quote) for quote in comparison.removed],
    }


def critique_from_json(written: object, rubrics: Sequence[Rubric] = ()) -> Critique:
    """The critique that `critique_to_json` wrote. Criteria come from the rubric it names, as far as it is among
    `rubrics` and still has them; else they are what the JSON says of them, without weights and anchors.

    Raises CritiqueFormatError for anything else, and for a quote that is not in the draft.
    """
    if not isinstance(written, Mapping) or written.get("type") != "critique":
        raise _malformed('it has no "type": "critique"')
    try:
        return _read(written, next((rubric for rubric in rubrics if rubric.name == written["rubric"]), None))
    except KeyError as error:
        raise _malformed(f"the field {error} is not there") from error
    except ValueError as error:
        raise _malformed(str(error)) from error
    except (TypeError, AttributeError) as error:
        raise _malformed("a field has not the form it was written in") from error


def _read(written: Mapping[str, Any], rubric: Rubric | None) -> Critique:
    draft = _text(written, "draft")
    criteria = {criterion.id: criterion for criterion in rubric.criteria} if rubric else {}
    patterns = {pattern.id: pattern for pattern in rubric.anti_patterns} if rubric else {}
    band = written["band"]
    return Critique(
        question=_text(written, "question"),
        kind=_text(written, "kind"),
        draft=draft,
        rubric=_text(written, "rubric"),
        verdicts=tuple(_read_verdict(one, draft, criteria) for one in written["verdicts"]),
        findings=tuple(_read_finding(one, draft, patterns) for one in written["anti_patterns"]),
        trace=_read_trace(written["trace"]),
        band=None if band is None else _one_of(band, _BANDS, "band"),
        next_move=_text(written, "next_move"),
        notices=tuple(str(notice) for notice in written["notices"]),
        set_aside=_read_quotes(written["set_aside"], draft),
    )


def _read_verdict(written: Mapping[str, Any], draft: str, criteria: Mapping[str, Criterion]) -> Verdict:
    identity = _text(written, "criterion")
    level, probability, override = written["level"], written["probability"], written.get("override")
    return Verdict(
        criterion=criteria.get(identity)
        or Criterion(
            id=identity,
            name=_text(written, "name"),
            group=_text(written, "group"),
            question="",
            anchors={},
            weights={},
            span=_read_span(written["source"]),
        ),
        level=None if level is None else _one_of(level, _LEVELS, "level"),
        probability=None if probability is None else float(probability),
        unscored=_text(written, "unscored"),
        quotes=_read_quotes(written["quotes"], draft),
        explanation=_text(written, "explanation"),
        suggestion=_text(written, "suggestion"),
        override=None if override is None else _read_override(override),
    )


def _read_override(written: Mapping[str, Any]) -> Override:
    level = _one_of(written["level"], _LEVELS, "level")
    return Override(level, _text(written, "reason"), _text(written, "made_at"))


def _read_finding(written: Mapping[str, Any], draft: str, patterns: Mapping[str, AntiPattern]) -> Finding:
    identity = _text(written, "anti_pattern")
    pattern = patterns.get(identity) or AntiPattern(
        id=identity,
        name=_text(written, "name"),
        span=_read_span(written["source"]),
        phrases=(),
        suggestion=_text(written, "suggestion"),
    )
    return Finding(pattern, _read_quotes(written["quotes"], draft))


def _read_quotes(written: Sequence[Mapping[str, Any]], draft: str) -> tuple[Quote, ...]:
    quotes = tuple(Quote(_text(one, "text"), int(one["start"]), int(one["end"])) for one in written)
    for quote in quotes:
        if draft[quote.start : quote.end] != quote.text:
            raise ValueError(f"the quote at {quote.start} is not in the draft")
    return quotes


def _read_span(written: Mapping[str, Any]) -> Span:
    return Span(_text(written, "source"), int(written["start"]), int(written["end"]), _text(written, "text"))


def _read_trace(written: Mapping[str, Any]) -> Trace:
    known = {field.name for field in fields(Trace)}
    facts = {name: value for name, value in written.items() if name in known}
    usage = facts.pop("usage", None)
    for name in ("dropped", "notes"):
        facts[name] = tuple(facts.get(name, ()))
    if usage is not None:
        usage = Usage(int(usage["prompt"]), int(usage["cached"]), int(usage["completion"]))
    return Trace(**facts, usage=usage)


def _text(written: Mapping[str, Any], name: str) -> str:
    if not isinstance(written[name], str):
        raise ValueError(f'"{name}" is not a text')
    return cast(str, written[name])


def _one_of(value: object, allowed: tuple[_Word, ...], name: str) -> _Word:
    for known in allowed:
        if value == known:
            return known
    raise ValueError(f'"{name}" is {value!r}')


def _malformed(why: str) -> CritiqueFormatError:
    return CritiqueFormatError(
        f"This is not a critique that `coach critique --json` wrote ({why}): judge that draft again with "
        '`coach critique FILE --question "..." --json`.'
    )
