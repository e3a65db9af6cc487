"""Who may import whom: the rules that keep a step readable by itself."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SEAMS = {"errors", "json_form", "pace", "prompts", "protocols", "settings", "types", "stream", "yes_or_no"}
# The folders of `coach`, and which of ours each may import besides itself; what is not said, it may not.
FOLDERS = {
    "text": {"errors", "types"},
    "answer": SEAMS | {"text"},
    "critique": SEAMS | {"text"},
    "backends": SEAMS | {"text"},
    "store": SEAMS,
    "privacy": SEAMS,
    "practice": SEAMS | {"text", "answer", "critique"},
    "ingest": SEAMS | {"text"},
    "lab": SEAMS | {"text", "answer", "critique", "store", "evaluation", "coach"},
    "jobs": SEAMS
    | {"answer", "critique", "practice", "store", "backends", "interviews", "lab", "learn", "coach"},
    "ui": SEAMS
    | {
        "text",
        "answer",
        "critique",
        "practice",
        "standing",
        "privacy",
        "store",
        "jobs",
        "interviews",
        "lab",
        "learn",
        "library",
        "coach",
    },
    "evaluation": SEAMS | {"text", "answer", "critique", "practice", "backends", "store", "ingest", "coach"},
    "learn": SEAMS | {"text", "answer", "coach"},
    "cli": SEAMS
    | {
        "text",
        "answer",
        "critique",
        "practice",
        "standing",
        "backends",
        "store",
        "jobs",
        "interviews",
        "evaluation",
        "privacy",
        "library",
        "lab",
        "learn",
        "coach",
        "doctor",
        "mcp",
    },
}
VENDOR_HOMES = {
    "streamlit": ("app.py", "coach/ui/"),
    "altair": ("coach/lab/pictures/",),
    "vl_convert": ("coach/lab/pictures/save.py",),
    "chromadb": ("coach/backends/chroma.py",),
    "bm25s": ("coach/backends/bm25.py",),
    "Stemmer": ("coach/text/words.py", "coach/backends/bm25.py"),
    "spellchecker": ("coach/answer/spelling.py",),
    "rapidfuzz": ("coach/critique/copied.py",),
    "openvino": ("coach/backends/openvino.py",),
    "torch": ("coach/backends/",),
    "sentence_transformers": ("coach/backends/sentence_transformers.py",),
    "ollama": ("coach/backends/ollama",),
    "spacy": ("coach/privacy/analyzer.py",),
    "presidio_analyzer": ("coach/privacy/analyzer.py",),
    "faker": ("coach/privacy/known_names.py",),
    "psutil": ("coach/backends/machine.py",),
    "xllamacpp": ("coach/backends/llama_",),
    "langchain_text_splitters": ("ingest/split.py",),
    "lxml": ("ingest/readers/",),
    "mammoth": ("ingest/readers/docx.py",),
    "pypdfium2": ("ingest/readers/pdf.py",),
    "readability": ("ingest/readers/html.py",),
    "markdown_it": ("coach/practice/debrief_text.py",),
    "striprtf": ("ingest/readers/rtf.py",),
    "fsrs": ("coach/practice/schedule.py",),
    "genanki": ("coach/practice/anki.py",),
    "langchain_core": ("coach/backends/", "coach/prompts.py"),
    "langchain_ollama": ("coach/backends/ollama.py",),
    "langchain_openai": ("coach/backends/openai_compatible.py",),
    "openai": ("coach/backends/openai_compatible.py",),
    "langchain": ("coach/backends/", "coach/prompts.py"),
}


def sources() -> list[Path]:
    found = [*PROJECT.glob("coach/**/*.py"), *PROJECT.glob("ingest/**/*.py"), *PROJECT.glob("app.py")]
    return [path for path in sorted(found) if "__pycache__" not in path.parts]


@cache
def imports(path: Path, *, lazy: bool = True) -> frozenset[str]:
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
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def room(name: str) -> str:
    """The folder or module of ours that a dotted name stands in: "answer" for `coach.answer.flow`."""
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] or first if first == "coach" else first


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


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_folder_imports_only_what_stands_below_it(path):
    folder = room(name_of(path).removesuffix(".py").replace("/", "."))
    if folder in FOLDERS:
        assert {room(name) for name in ours(path)} - {folder} <= FOLDERS[folder]


def test_no_modules_import_each_other_in_a_circle():
    modules = {
        name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for path in sources()
    }
    graph = {
        name: {known for used in ours(path) for known in (used, used.rpartition(".")[0])}
        & modules.keys() - {name}
        for name, path in modules.items()
    }
    assert "coach.answer.search" in graph["coach.answer.flow"]
    TopologicalSorter(graph).prepare()  # raises CycleError, naming the circle


def test_every_folder_has_its_rule():
    folders = {path.parent.name for path in PROJECT.glob("coach/*/__init__.py")}
    assert folders | {"ingest"} == set(FOLDERS)


@pytest.mark.parametrize("path", sorted((PROJECT / "coach" / "cli").glob("*.py")), ids=name_of)
def test_the_command_line_imports_nothing_slow_before_a_command_runs(path):
    early = imports(path, lazy=False)
    assert {name.split(".")[0] for name in early} & (
        set(VENDOR_HOMES) | {"numpy", "pydantic", "httpx"}
    ) == set()
    own = {name for name in early if name.startswith(("coach", "ingest"))}
    light = {name for name in own if name.startswith("coach.text.counted")}
    assert {room(name) for name in own - light} <= {"cli", "errors", "pace"}
