"""Run a suite with the user's settings and put down who spoke, over what, and what came of every case."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coach as package
from coach.errors import UsageError
from coach.evaluation.cases import Case, load_cases
from coach.evaluation.run import Row, Run
from coach.evaluation.selection import bench_folder, choose_cases
from coach.store.cases import OWN

if TYPE_CHECKING:
    from coach.coach import Coach
    from coach.evaluation.critique_cases import DraftCase
    from coach.settings import Settings

Progress = Callable[[str, int, int], None]

PRIVATE = {
    "home",
    "openai_api_key",
    "ollama_host",
    "openai_base_url",
    "port",
}  # of this machine, not of the run
KEPT_EVERY = 10  # cases: with a model on two cores that is a minute or two of work
COLD_STARTS = 7
WARM_QUESTIONS = 22
TIMED_DRAFTS, DRAFT_CRITERIA = 4, 10
DRAFT_WORDS, DRAFT_WORDS_OFF = 150, 15


def run_answers(
    settings: Settings,
    *,
    cases_file: Path | None = None,
    split: str = "all",
    subset: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    coach: Coach | None = None,
    earlier: Run | None = None,
    keep: Callable[[Run], None] | None = None,
) -> Run:
    """Ask every chosen case. Stopped with Ctrl-C it returns what there is, marked incomplete.

    `coach` is loaded unless given. `earlier` is a stopped run to take up; `keep` is handed what there is every
    few cases. Raises UsageError for bad cases or an earlier run of something else, and CoachError as `Coach.load`
    does, or where a backend asked for by name cannot speak.
    """
    from coach.evaluation.answers import measure_answers

    file, cases = _cases(cases_file)
    chosen = choose_cases(cases, split=split, subset=subset, limit=limit)
    coach = coach or warmed(settings, progress)
    selection = {
        "cases": file.name,
        "cases_sha256": hashlib.sha256(file.read_bytes()).hexdigest()[:16],
        "split": split,
        "subset": subset,
        "limit": limit,
    }
    started = run_of("answers", coach, (), selection=selection, seed=seed, complete=False)

    def measure(known: Collection[str]) -> Iterator[Row]:
        waiting = [case for case in chosen if case.id not in known]
        return measure_answers(coach, waiting, progress=progress)

    return measured(started, [case.id for case in chosen], measure, earlier=earlier, keep=keep)


def measured(
    started: Run,
    wanted: Sequence[str],
    measure: Callable[[Collection[str]], Iterator[Row]],
    *,
    earlier: Run | None,
    keep: Callable[[Run], None] | None,
) -> Run:
    """`started` with the rows that are `wanted`, in that order: those of `earlier`, and what `measure` makes of the others.

    `measure` gets the names of the rows that are there. `keep` is handed what there is every few rows. Stopped with
    Ctrl-C the run is as far as it came, marked incomplete. Raises UsageError for an earlier run of something else.
    """
    rows = {row.id: row for row in _taken_up(earlier, started)} if earlier is not None else {}
    complete = False
    try:
        for row in measure(frozenset(rows)):
            rows[row.id] = row
            if keep is not None and len(rows) % KEPT_EVERY == 0:
                keep(_with_rows(started, rows, wanted))
        complete = True
    except KeyboardInterrupt:
        pass
    return replace(_with_rows(started, rows, wanted), complete=complete)


def run_speed(
    settings: Settings, data: Path | None = None, *, seed: int = 0, progress: Progress | None = None
) -> Run:
    """Time the coach as it is installed here, and its ingest of public texts in `data` beside LangChain's pipeline.

    Raises CoachError as `Coach.load` does.
    """
    from coach.backends import load_embedder
    from coach.evaluation import speed

    _, cases = _cases(None)
    questions = _spread([case for case in cases if case.kind == "answerable" and case.split == "fit"])
    home = str(settings.home.resolve())
    # Named backends load before they answer, and the sources' sentences wait for none: as the user's own `auto`.
    cold_backend = "none" if settings.backend == "none" else "auto"
    rows = list(
        speed.cold_starts(questions[:COLD_STARTS], home=home, backend=cold_backend, progress=progress)
    )
    coach = warmed(settings, progress)
    embedder = load_embedder(settings)  # one that remembers nothing
    rows += speed.warm_answers(coach, questions[:WARM_QUESTIONS], progress=progress)
    rows += speed.retrieval_beside_chroma(
        questions[:WARM_QUESTIONS],
        embedder=embedder,
        index=coach.index,
        chroma=_through_chroma(settings, embedder.name),
        limit=settings.passages,
    )
    rows += speed.verification(coach, questions[:WARM_QUESTIONS], embedder)
    notes = [f"Index: {len(coach.index)} passages.", f"Who speaks: {coach.backend_reason}"]
    if settings.backend != "none" and coach.chosen_model().model is not None:
        timed = list(speed.critiques(coach, _drafts_to_time(coach), progress=progress))
        rows += timed
        notes.append(_critique_ratio(timed))
    timed, note = _ingests_beside_langchain(settings, data, progress)
    rows += timed
    notes.append(note)
    return run_of(
        "speed", coach, rows, selection={"questions": WARM_QUESTIONS}, seed=seed, notes=tuple(notes)
    )


def _ingests_beside_langchain(
    settings: Settings, data: Path | None, progress: Progress | None
) -> tuple[list[Row], str]:
    """The timed ingests and what they come to, or none and what is missing."""
    from coach.backends.model_files import find_embedding_model
    from coach.backends.openvino import load_openvino_embedder
    from coach.evaluation import ingest_speed

    missing = ingest_speed.missing_packages()
    if missing:
        return [], "Ingest was not timed: run `python -m pip install 'genai-pm-coach[evaluation]'` first."
    try:
        texts = ingest_speed.public_texts(public_sets(data))
    except UsageError as error:
        return [], f"Ingest was not timed. {error}"
    tuning = load_openvino_embedder(settings).tuning
    weights = find_embedding_model(settings)
    rows = list(
        ingest_speed.ingests(texts, models_folder=settings.models_folder, weights=weights, progress=progress)
    )
    words = sum(len(text.split()) for text in texts)
    return rows, ingest_speed.ratio_note(rows, words, f"{tuning.processor}: {tuning}")


def _drafts_to_time(coach: Coach) -> list[DraftCase]:
    """Labelled drafts of about 150 words whose kind of question asks for ten criteria."""
    from coach.evaluation.critique_cases import load_drafts

    rubric = coach.rubrics()[0]
    drafts = load_drafts(bench_folder() / "critique" / "drafts.jsonl", rubric)
    fitting = [
        case
        for case in drafts
        if case.split == "fit"
        and abs(len(case.draft.split()) - DRAFT_WORDS) <= DRAFT_WORDS_OFF
        and len(rubric.for_kind(case.kind)) == DRAFT_CRITERIA
    ]
    return fitting[:TIMED_DRAFTS]


def _critique_ratio(rows: Sequence[Row]) -> str:
    """How much more a critique takes than reading everything once."""
    from coach.evaluation.speed import ALL_VERDICTS, EACH_ALONE, READ_ONCE

    ratios = sorted(
        row.milliseconds[ALL_VERDICTS] / (row.milliseconds[READ_ONCE] + row.milliseconds[EACH_ALONE])
        for row in rows
    )
    shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return (
        f"Critique, {len(rows)} drafts of about {DRAFT_WORDS} words, {DRAFT_CRITERIA} criteria: all verdicts take {shown} "
        "times what reading rules and draft once and each criterion's own words takes."
    )


def run_retrieval(
    settings: Settings, data: Path | None, *, seed: int = 0, progress: Progress | None = None
) -> Run:
    """Measure retrieval on the public sets in `data`, ours a row a query.

    Raises UsageError where the sets are not there, ModelMissingError without an embedder.
    """
    from coach.backends import load_embedder
    from coach.evaluation import retrieval

    folder = public_sets(data)
    embedder = load_embedder(settings)
    parts = retrieval.read_sets(folder)
    results = {}
    with tempfile.TemporaryDirectory() as temporary:
        build = retrieval.pool_builder(embedder, Path(temporary))
        pools: dict[int, Any] = {}
        for number, part in enumerate(parts, 1):
            if id(part.documents) not in pools:
                pools = {id(part.documents): build(part.documents)}
            results[part.name] = retrieval.measure_set(
                part, embedder=embedder, index=pools[id(part.documents)]
            )
            if progress is not None:
                progress("retrieval", number, len(parts))
    rows = [row for name, found in results.items() for row in _retrieval_rows(name, found[retrieval.OURS])]
    return Run(
        "retrieval",
        now(),
        package.__version__,
        code_fingerprint(),
        "none",
        None,
        embedder.name,
        "",
        shared_settings(settings),
        {"sets": [part.name for part in parts]},
        seed,
        tuple(rows),
        summary=retrieval.summarise(results),
    )


def _retrieval_rows(name: str, ours: Mapping[str, Sequence[float]]) -> Iterator[Row]:
    """A row a query of one set, from the values of each measure."""
    for place, values in enumerate(zip(*ours.values(), strict=True)):
        measures = {f"{name} {measure}": (value, 1.0) for measure, value in zip(ours, values, strict=True)}
        yield Row(f"{name}/{place}", name, measures=measures)


def default_file(settings: Settings, run: Run) -> Path:
    """Where a run goes unless a file is given: `evaluations/<date>-<suite>-<voice>.json` in the home folder; `-own` stands
    after the suite where the cases are the user's own."""
    stamp = run.date[:19].replace(":", "").replace("T", "-")
    speaker = "".join(
        character if character.isalnum() or character in ".-" else "-" for character in run.name
    )
    suite = f"{run.suite}-{OWN}" if run.selection.get("cases") == OWN else run.suite
    return settings.home / "evaluations" / f"{stamp}-{suite}-{speaker}.json"


def baseline_file(subset: str = "fast") -> Path:
    """The committed baseline of the answers suite in extractive mode."""
    return bench_folder() / "baseline" / f"answers-{subset}-extractive.json"


def code_fingerprint() -> str:
    """A hash of the package's own code and prompts, so that two runs of one version can be told apart."""
    folder = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("prompts/*.md")]):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def public_sets(data: Path | None) -> Path:
    """The folder with the public sets. Raises UsageError where there is none."""
    folder = data or bench_folder().parent.parent / "shared" / "data"
    if not folder.is_dir():
        raise UsageError(
            "The public question sets are not here: fetch them (bench/README.md) and give their folder with `--data FOLDER`."
        )
    return folder


def _cases(file: Path | None) -> tuple[Path, tuple[Case, ...]]:
    file = file or bench_folder() / "answers" / "cases.jsonl"
    return file, load_cases(file)


def loaded(settings: Settings) -> Coach:
    """A coach that keeps neither traces nor drafts: what is measured leaves nothing behind in the user's home."""
    from coach.coach import Coach

    coach = Coach.load(settings, keeps=False)
    if settings.backend not in ("auto", "none"):
        coach.chat_model()
    return coach


def warmed(settings: Settings, progress: Progress | None) -> Coach:
    """A coach whose model is ready: what is timed is answering, not loading."""
    coach = loaded(settings)
    coach.warm(progress)
    return coach


def _taken_up(earlier: Run, started: Run) -> tuple[Row, ...]:
    """What an earlier run scored, if it is the same but for its date; cases that failed are asked again."""
    for name in ("suite", "code", "model", "embedder", "index_fingerprint", "settings", "selection", "seed"):
        if getattr(earlier, name) != getattr(started, name):
            raise UsageError(
                f"The run to take up had another {name.replace('_', ' ')}: leave out `--resume` to begin anew."
            )
    return earlier.scored


def _with_rows(run: Run, rows: Mapping[str, Row], wanted: Iterable[str]) -> Run:
    return replace(run, rows=tuple(rows[name] for name in wanted if name in rows))


def run_of(
    suite: str,
    coach: Coach,
    rows: Iterable[Row],
    *,
    selection: dict[str, Any],
    seed: int,
    complete: bool = True,
    notes: tuple[str, ...] = (),
) -> Run:
    """A run of `suite` as of now: who spoke, over which index, with which settings and code."""
    return Run(
        suite,
        now(),
        package.__version__,
        code_fingerprint(),
        coach.backend,
        coach.model_name,
        coach.embedder.name,
        coach.index.fingerprint,
        shared_settings(coach.settings),
        selection,
        seed,
        tuple(rows),
        complete,
        notes,
    )


def now() -> str:
    """The time as a run notes it: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def shared_settings(settings: Settings) -> dict[str, Any]:
    """The settings that a run may tell: those of this machine stay here."""
    return {name: value for name, value in settings.model_dump(mode="json").items() if name not in PRIVATE}


def _spread(cases: list[Case]) -> list[str]:
    """Questions in an order that takes them from all over the file, the same every time."""
    ordered = sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest())
    return [case.question for case in ordered]


def _through_chroma(settings: Settings, embedder: str) -> Callable[[Any, int], object]:
    """The bare query of the same index's Chroma collection, without what a search of ours does besides."""
    from coach.backends.chroma import open_index

    return open_index(settings.index_folder, embedder, exact_up_to=0)._nearest_by_chroma
