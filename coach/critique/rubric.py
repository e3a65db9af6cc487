"""Read what a committee looks for from a TOML file, every demand tied to the exact words of its source."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from coach.critique.rubric_file import RubricError, Table, read_rubric_file
from coach.errors import CoachError
from coach.settings import corpus_folder
from coach.types import AntiPattern, Criterion, Document, Example, Level, Rubric, Span

LEVELS: tuple[Level, ...] = ("met", "partly", "missing")
FOLDER = "rubrics"
STRONG_POINTS = 3  # of a cue that ends in "!": as much as three ordinary ones

_RUBRIC_KEYS = ("name", "title", "source", "kinds", "criterion", "anti_pattern")
_KIND_KEYS = ("title", "cues")
_CRITERION_KEYS = ("id", "name", "group", "question", "weights", "anchors", "source", "text", "start")
_HELP_KEYS = ("suggestion", "hint", "elicit", "frame", "probe")
_EXAMPLE_KEYS = ("quality", "source", "text", "start")
_ANTI_PATTERN_KEYS = ("id", "name", "source", "text", "start", "phrases", "unless", "suggestion")

# A word of denial this many words before a phrase turns it round: "we don't just say AI will solve this".
_DENIAL_WORDS = 6
_DENIAL = (
    r"(?!no (?:doubt|question)\b|not only\b|without (?:a )?doubt\b)"
    r"(?:not|no|never|nor|neither|nobody|none|without|cannot|\w+n['’]t|(?:do|does|did|is|are|was|were|wo|would|should|could|ca|have|has|had|must|need)nt|than|instead|beyond|unlike|against|hardly|"
    r"avoid\w*|stop\w*|refus\w*|mistake\w*|myth)(?![\w'’])"
)
_GAP = r"(?:[^\w.!?;\n]|[.!?;](?!\s|$))"  # the full stop of "3.5" ends no sentence
_REST = rf"(?:\w|{_GAP})*?"
_PLAIN_WORD = rf"(?<![\w'’])(?!{_DENIAL})\w[\w'’-]*{_GAP}+"
_SENTENCE_START = r"(?:^|(?<=[.!?;:]\s)|(?<=[.!?;:]\s\s)|(?<=[.!?]['\"”’)]\s)|(?<=\n\s)|(?<=\n\s\s)|(?<=\A\s)|(?<=[*•-]\s))(?=\S)"
_LEADING_FLAGS = re.compile(r"\(\?([aimsux]+)\)")

_ALIKE = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "\u00a0": " "})

__all__ = [
    "LEVELS",
    "Documents",
    "RubricError",
    "bundled_rubrics",
    "choose_kind",
    "load_rubric",
    "user_rubrics",
    "with_criteria",
]

Documents = Callable[[str], Document]


def load_rubric(path: Path, document: Documents | None = None) -> Rubric:
    """The rubric in the TOML file `path`, every quotation found in its document.

    Quoted documents are looked for in the bundled corpus and then asked of `document`, which may
    raise CoachError. Raises RubricError, one sentence, for the first thing that is wrong.
    """
    file = read_rubric_file(path)
    rubric = Table(file, file.content, ())
    rubric.refuse_unknown(_RUBRIC_KEYS)
    quotations = _Quotations(rubric.text("source", ""), document)
    kinds = rubric.tables("kinds")
    if not kinds:
        rubric.fail("names no kinds of question", "add `[kinds.design]` with a `title`")
    criteria = _criteria(rubric, [str(kind.address[-1]) for kind in kinds], quotations)
    return Rubric(
        name=rubric.text("name"),
        title=rubric.text("title"),
        kinds={str(kind.address[-1]): _kind_title(kind) for kind in kinds},
        criteria=criteria,
        anti_patterns=_anti_patterns(rubric, {criterion.id for criterion in criteria}, quotations),
        cues={str(kind.address[-1]): kind.texts("cues") for kind in kinds},
    )


@cache
def bundled_rubrics() -> tuple[Rubric, ...]:
    """The rubrics that come with the coach, in the order of their file names."""
    return _load_folder(corpus_folder() / FOLDER, None)


def user_rubrics(home: Path, document: Documents | None = None) -> tuple[Rubric, ...]:
    """The user's own rubrics, `<home>/rubrics/*.toml`; none where there is no such folder.

    Raises RubricError for the first file that cannot be used.
    """
    return _load_folder(home / FOLDER, document)


def choose_kind(question: str, rubric: Rubric) -> str:
    """The kind of interview question that `question` most likely is: a guess from its words.

    A cue of the rubric found in the question counts one point, one that ends in `!` counts three. Where
    points tie the kind listed later wins, because rubrics list kinds from the general to the special;
    without any cue it is the first.
    """
    plain = re.sub(r"\s+", " ", question.translate(_ALIKE)).lower()
    kinds = list(rubric.kinds)
    points = {kind: _points(plain, rubric.cues.get(kind, ())) for kind in kinds}
    best = max(points.values())
    return max(kinds, key=lambda kind: (points[kind], kinds.index(kind))) if best else kinds[0]


def with_criteria(rubric: Rubric, wanted: Collection[str] | None) -> Rubric:
    """The rubric with the criteria of these ids alone; as it is for None."""
    if wanted is None:
        return rubric
    return replace(rubric, criteria=tuple(one for one in rubric.criteria if one.id in wanted))


def _points(question: str, cues: Collection[str]) -> int:
    return sum(
        STRONG_POINTS if cue.endswith("!") else 1 for cue in cues if _cue_pattern(cue).search(question)
    )


@cache
def _cue_pattern(cue: str) -> re.Pattern[str]:
    plain = re.escape(cue.removesuffix("!").translate(_ALIKE).lower()).replace(re.escape("*"), r"[\w-]*")
    return re.compile(rf"(?<!\w){plain}(?!\w)")


def _load_folder(folder: Path, document: Documents | None) -> tuple[Rubric, ...]:
    files = sorted(folder.glob("*.toml"))
    rubrics: dict[str, Path] = {}
    loaded = []
    for path in files:
        rubric = load_rubric(path, document)
        if rubric.name in rubrics:
            raise RubricError(
                f"{path} has the same `name`, {rubric.name!r}, as {rubrics[rubric.name]}: give one of them another "
                "name, then run `coach critique` again."
            )
        rubrics[rubric.name] = path
        loaded.append(rubric)
    return tuple(loaded)


@dataclass(frozen=True, slots=True)
class _Quotations:
    """Finds quoted words in their documents."""

    source: str
    document: Documents | None

    def span(self, table: Table) -> Span:
        """The exact place of the table's `text` in its `source` (the rubric's own where it names none)."""
        source = table.text("source", self.source)
        if not source:
            table.fail("names no document", 'add `source = "guides/..."` here or at the top of the file')
        text = table.text("text")
        document = self._document(table, source)
        start = table.content.get("start")
        if start is None:
            start = _only_place(table, text, document)
        elif type(start) is not int or start < 0 or not document.text.startswith(text, start):
            table.fail(
                f"does not find its `text` at character {start} of {source}",
                "correct or delete `start`",
                "start",
            )
        return Span(source, start, start + len(text), text)

    def _document(self, table: Table, source: str) -> Document:
        bundled = _bundled_document(source)
        if bundled is not None:
            return bundled
        try:
            if self.document is not None:
                return self.document(source)
        except CoachError:
            pass  # the sentence below says the same and names the line
        table.file.fail(
            (*table.address, "source") if "source" in table.content else ("source",),
            f"{table.label} quotes {source!r}, which is not among your documents",
            "correct `source` or run `coach ingest FILE` on the document",
        )


@cache
def _bundled_document(source: str) -> Document | None:
    corpus = corpus_folder().resolve()
    try:
        path = (corpus / source).resolve()
        if not path.is_relative_to(corpus) or not path.is_file():
            return None
    except (OSError, ValueError):  # no name that a file could have
        return None
    text = path.read_text(encoding="utf-8")  # line ends become "\n", as in the index
    return Document(source, source, path.stem, text)


def _only_place(table: Table, text: str, document: Document) -> int:
    start = document.text.find(text)
    if start < 0:
        near = document.text.translate(_ALIKE).find(text.translate(_ALIKE))
        line = document.text[:near].count("\n") + 1
        wrong = f"quotes words that {document.source} does not hold"
        if near >= 0:
            wrong += f" (its line {line} has them with other quotation marks or dashes)"
        table.fail(wrong, "copy `text` from the document, character by character", "text")
    second = document.text.find(text, start + 1)
    if second >= 0:
        table.fail(
            f"quotes words that stand more than once in {document.source}",
            f"quote more of the sentence, or add `start = {start}` (or {second})",
            "text",
        )
    return start


def _kind_title(kind: Table) -> str:
    kind.refuse_unknown(_KIND_KEYS)
    return kind.text("title")


def _criteria(rubric: Table, kinds: list[str], quotations: _Quotations) -> tuple[Criterion, ...]:
    tables = rubric.tables("criterion")
    if not tables:
        rubric.fail("has no criteria", "add one that begins with `[[criterion]]`")
    _refuse_twins(tables)
    criteria = tuple(_criterion(table, kinds, quotations) for table in tables)
    for kind in kinds:
        if not any(criterion.weights.get(kind) for criterion in criteria):
            rubric.file.fail(
                ("kinds", kind),
                f"no criterion counts for the kind `{kind}`",
                "give it a weight in a criterion, or delete the kind",
            )
    return criteria


def _refuse_twins(tables: list[Table]) -> None:
    seen: set[str] = set()
    for table in tables:
        name = table.text("id")
        if name in seen:
            table.fail("is there twice", "give one of them another `id`", "id")
        seen.add(name)


def _criterion(table: Table, kinds: list[str], quotations: _Quotations) -> Criterion:
    table.refuse_unknown((*_CRITERION_KEYS, *_HELP_KEYS, "example"))
    question = table.text("question")
    if not question.rstrip().endswith("?"):
        table.fail("has a `question` that does not end in a question mark", "ask it yes or no", "question")
    return Criterion(
        id=table.text("id"),
        name=table.text("name"),
        group=table.text("group"),
        question=question,
        anchors=_anchors(table.table("anchors")),
        weights=_weights(table.table("weights"), kinds),
        span=quotations.span(table),
        examples=tuple(_example(example, quotations) for example in table.tables("example")),
        suggestion=table.text("suggestion", ""),
        hint=table.text("hint", ""),
        elicit=table.text("elicit", ""),
        frame=table.text("frame", ""),
        probe=table.text("probe", ""),
    )


def _anchors(table: Table) -> dict[Level, str]:
    table.refuse_unknown(LEVELS, above=(*_CRITERION_KEYS, *_HELP_KEYS))
    return {level: table.text(level) for level in LEVELS}


def _weights(table: Table, kinds: list[str]) -> dict[str, float]:
    table.refuse_unknown(kinds, above=(*_CRITERION_KEYS, *_HELP_KEYS))
    for kind, weight in table.content.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 100:
            table.fail(f"has a weight for `{kind}` that is not a number from 0 to 100", "correct it", kind)
    weights = {kind: float(weight) for kind, weight in table.content.items() if weight}
    if not weights:
        table.fail("counts for no kind of question", f"write for example `weights = {{ {kinds[0]} = 1 }}`")
    return weights


def _example(table: Table, quotations: _Quotations) -> Example:
    table.refuse_unknown(_EXAMPLE_KEYS)
    quality = table.text("quality")
    if quality not in {"good", "bad"}:
        table.fail(f"has the quality {quality!r}", 'write "good" or "bad"', "quality")
    return Example(cast(Any, quality), quotations.span(table))


def _anti_patterns(
    rubric: Table, criteria: Collection[str], quotations: _Quotations
) -> tuple[AntiPattern, ...]:
    tables = rubric.tables("anti_pattern")
    _refuse_twins(tables)
    return tuple(_anti_pattern(table, criteria, quotations) for table in tables)


def _anti_pattern(table: Table, criteria: Collection[str], quotations: _Quotations) -> AntiPattern:
    table.refuse_unknown(_ANTI_PATTERN_KEYS)
    for name in table.texts("unless"):
        if name not in criteria:
            table.fail(
                f"has the unknown criterion `{name}` in `unless`",
                "name the `id` of a criterion",
                "unless",
                name,
            )
    if not table.texts("phrases"):
        table.fail("has no `phrases`", "add `phrases = ['...']` with a regular expression")
    return AntiPattern(
        id=table.text("id"),
        name=table.text("name"),
        span=quotations.span(table),
        phrases=tuple(_phrase(table, phrase) for phrase in table.texts("phrases")),
        unless=table.texts("unless"),
        suggestion=table.text("suggestion", ""),
    )


def _phrase(table: Table, phrase: str) -> str:
    """A pattern for the sentence up to and with `phrase`, unless it is denied shortly before."""
    try:
        flags = _LEADING_FLAGS.match(phrase)
        inner = f"(?{flags.group(1)}:{phrase[flags.end() :]})" if flags else f"(?:{phrase})"
        compiled = re.compile(inner)
        if compiled.match(""):
            table.fail("has a phrase that fits every text", "make it say something", "phrases", phrase)
        if compiled.groups:
            table.fail("has a phrase with a group that captures", "write `(?:` for `(`", "phrases", phrase)
    except (re.error, OverflowError, RecursionError) as error:
        table.fail(f"has a phrase that is no regular expression ({error})", "correct it", "phrases", phrase)
    # Compiled when a draft is read: 0.3 s for all of the bundled rubric.
    return (
        rf"(?im){_SENTENCE_START}(?={_REST}{inner})(?:(?:{_REST}{_GAP})?(?:{_PLAIN_WORD}){{{_DENIAL_WORDS}}}"
        rf"|{_GAP}*(?:{_PLAIN_WORD}){{0,{_DENIAL_WORDS - 1}}}?){inner}"
    )
