"""Who may import whom: the rules that keep a step readable by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
NOUNS = {"coach.types", "coach.errors"}
BASE = NOUNS | {
    "coach.answer_type",
    "coach.inventions",
    "coach.rubric_file",
    "coach.evidence",
    "coach.copied",
    "coach.coverage",
    "coach.judge_talk",
    "coach.language",
    "coach.local_database",
    "coach.not_prose",
    "coach.plain_text",
    "coach.prompts",
    "coach.protocols",
    "coach.sections",
    "coach.sentences",
    "coach.settings",
    "coach.support",
    "coach.words",
    "coach.yes_or_no",
}
FLOWS = {"answer", "critique", "interview"}
ENTRANCES = {"cli", "cli_critique", "terminal", "coach", "doctor", "serve", "__main__", "__init__"}
VENDOR_HOMES = {
    "streamlit": ("app.py", "coach/ui/"),
    "chromadb": ("coach/backends/chroma.py",),
    "bm25s": ("coach/backends/bm25.py",),
    "Stemmer": ("coach/words.py", "coach/backends/bm25.py"),
    "spellchecker": ("coach/spelling.py",),
    "openvino": ("coach/backends/openvino.py",),
    "torch": ("coach/backends/",),
    "sentence_transformers": ("coach/backends/sentence_transformers.py",),
    "ollama": ("coach/backends/ollama",),
    "psutil": ("coach/backends/machine.py",),
    "xllamacpp": ("coach/backends/llama_",),
    "langchain_text_splitters": ("ingest/split.py",),
    "langchain_core": ("coach/backends/", "coach/prompts/"),
    "langchain_ollama": ("coach/backends/",),
    "langchain": ("coach/backends/", "coach/prompts/"),
}


def sources() -> list[Path]:
    found = [*PROJECT.glob("coach/**/*.py"), *PROJECT.glob("ingest/**/*.py"), *PROJECT.glob("app.py")]
    return [path for path in sorted(found) if "__pycache__" not in path.parts]


def imports(path: Path, *, lazy: bool = True) -> set[str]:
    """Modules that the file imports at run time; `lazy` counts those inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree)) if lazy else list(tree.body)
    typed = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    skipped = {id(inner) for node in typed for inner in ast.walk(node)}
    names: set[str] = set()
    for node in nodes:
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = node.module in {"coach", "ingest", "coach.backends", "coach.ui", "coach.evaluation"}
            names.update(f"{node.module}.{alias.name}" if inside else node.module for alias in node.names)
    return names


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in {"coach", "ingest"}}


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_vendor_is_imported_only_at_its_home(path):
    strangers = {
        vendor
        for vendor in {name.split(".")[0] for name in imports(path)} & set(VENDOR_HOMES)
        if not name_of(path).startswith(VENDOR_HOMES[vendor])
    }
    assert strangers == set()


def test_the_nouns_and_errors_stand_on_the_standard_library_alone():
    for name in ("types", "errors"):
        assert ours(PROJECT / "coach" / f"{name}.py") == set()


def steps() -> list[Path]:
    base = {name.removeprefix("coach.") for name in BASE}
    others = base | FLOWS | ENTRANCES | {"report", "critique_report", "store", "progress"}
    return [path for path in sources() if path.parent.name == "coach" and path.stem not in others]


@pytest.mark.parametrize("path", steps(), ids=name_of)
def test_a_step_imports_the_nouns_and_no_other_step(path):
    assert {name for name in ours(path) if name not in BASE} == set()


@pytest.mark.parametrize("path", sorted((PROJECT / "ingest").glob("*.py")), ids=name_of)
def test_ingest_gets_embedder_and_index_as_arguments(path):
    assert {name for name in ours(path) if name not in BASE and not name.startswith("ingest")} == set()


@pytest.mark.parametrize("path", sorted((PROJECT / "coach" / "ui").rglob("*.py")), ids=name_of)
def test_the_pages_know_the_coach_and_no_backend(path):
    assert {name for name in ours(path) if name.startswith(("coach.backends", "ingest"))} == set()


def backends() -> list[Path]:
    """All but the retriever for LangChain: it hands our retrieval out instead of bringing a vendor in."""
    found = (PROJECT / "coach" / "backends").glob("*.py")
    return sorted(path for path in found if path.name != "langchain_retriever.py")


@pytest.mark.parametrize("path", backends(), ids=name_of)
def test_a_backend_knows_no_step_and_no_flow(path):
    known = BASE | {"coach.progress", "coach.backends"}
    assert {
        name for name in ours(path) if name not in known and not name.startswith("coach.backends.")
    } == set()


@pytest.mark.parametrize("name", ["cli", "cli_critique", "terminal"])
def test_the_command_line_imports_nothing_slow_before_a_command_runs(name):
    early = imports(PROJECT / "coach" / f"{name}.py", lazy=False)
    assert {name.split(".")[0] for name in early} & (
        set(VENDOR_HOMES) | {"numpy", "pydantic", "httpx"}
    ) == set()
    assert {name for name in early if name.startswith(("coach", "ingest"))} <= {
        "coach.cli_critique",
        "coach.errors",
        "coach.terminal",
        "coach.words",
    }
