"""`coach eval` as a user meets it: tables on stdout, files on disk, one sentence where something is off."""

import json
from dataclasses import replace

import pytest

from coach.cli import cli
from coach.errors import CoachError, UsageError
from coach.evaluation.run import Row, Run, read_run, write_run
from coach.evaluation.suites import default_file
from coach.settings import load_settings
from coach.store.traces import TraceStore

RUN = Run(
    "answers", "2026-01-01T10:11:12+00:00", "0.1.0", "c0de", "none", None, "minilm", "f00d", {}, {}, 0, ()
)


def coach(*arguments):
    return cli.main(["eval", *map(str, arguments)], standalone_mode=False)


def written(path, correct, **changes):
    rows = tuple(
        Row(f"a{number}", "answerable", "fit", "extractive", {"correct": (float(right), 1.0)})
        for number, right in enumerate(correct)
    )
    write_run(replace(RUN, rows=rows, **changes), path)
    return path


def test_answers_prints_a_table_and_keeps_every_case(library, tmp_path, capsys):
    out = tmp_path / "run.json"
    before = len(TraceStore(library).recent(1))
    coach("answers", "--backend", "none", "--subset", "fast", "--limit", 3, "--out", out)
    said = capsys.readouterr()
    assert "| Answerable: every required fact in the reply |" in said.out
    assert str(out) in said.err
    run = read_run(out)
    assert (len(run.rows), run.model, run.selection["subset"]) == (3, None, "fast")
    assert str(library) not in out.read_text(encoding="utf-8")
    assert len(TraceStore(library).recent(1)) == before


def test_without_a_file_the_run_goes_to_the_home_folder(home):
    settings = load_settings()
    assert default_file(settings, RUN) == home / "evaluations" / "2026-01-01-101112-answers-extractive.json"
    named = default_file(settings, replace(RUN, model="../qwen2.5:7b"))
    assert named.parent == home / "evaluations"
    assert named.name.endswith("answers-..-qwen2.5-7b.json")


def test_a_bad_case_is_named_with_file_and_line(library, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine\.jsonl, line 1: .* run again"):
        coach("answers", "--backend", "none", "--cases", path)


def test_a_backend_that_is_not_there_is_a_failure_and_no_figures(library, tmp_path):
    with pytest.raises(CoachError, match="ollama serve"):
        coach("answers", "--backend", "ollama", "--limit", 1, "--out", tmp_path / "run.json")
    assert not (tmp_path / "run.json").exists()


def test_table_puts_files_side_by_side(tmp_path, capsys):
    first = written(tmp_path / "a.json", [1, 1, 0])
    second = written(tmp_path / "b.json", [1, 1, 1], model="tiny")
    coach("table", first, second)
    assert capsys.readouterr().out.startswith("| | extractive, fit | tiny, fit |")


def test_compare_fails_on_a_drop_only_when_asked_to(tmp_path, capsys):
    good = written(tmp_path / "a.json", [1] * 20)
    bad = written(tmp_path / "b.json", [0] * 10 + [1] * 10)
    assert not coach("compare", good, bad)
    assert coach("compare", good, bad, "--fail-on-drop") == 1
    assert "Worse beyond noise: Answerable: every required fact in the reply." in capsys.readouterr().err
    assert not coach("compare", bad, good, "--fail-on-drop")


def test_drift_says_when_there_is_too_little_to_tell(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COACH_HOME", str(tmp_path / "home"))  # the shared one holds what other tests asked
    coach("drift", "--baseline", written(tmp_path / "a.json", [1]))
    assert capsys.readouterr().out.startswith("Too few traces to tell:")


def test_public_sets_that_are_not_there_are_asked_for(tmp_path):
    with pytest.raises(UsageError, match="--data FOLDER"):
        coach("retrieval", "--data", tmp_path / "nowhere")


def test_retrieval_keeps_a_row_a_query(embedder, tmp_path, capsys):
    folder = tmp_path / "data" / "interview_faq"
    folder.mkdir(parents=True)
    texts = [
        "How many rounds are there? There are five.",
        "What is the pay? It is high.",
        "Bread needs flour.",
    ]
    corpus = [{"_id": f"d{number}", "title": "", "text": text} for number, text in enumerate(texts)]
    queries = [{"_id": "q0", "text": "number of rounds"}, {"_id": "q1", "text": "pay"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "qrels.tsv").write_text("query\tdocument\tscore\nq0\td0\t1\nq1\td1\t1\n", encoding="utf-8")
    out = tmp_path / "run.json"
    coach("retrieval", "--data", tmp_path / "data", "--out", out)
    assert "| interview_faq (2) | ours |" in capsys.readouterr().out
    run = read_run(out)
    assert [row.id for row in run.rows] == ["interview_faq/0", "interview_faq/1"]
    assert run.rows[0].measures["interview_faq mrr@10"] == (1.0, 1.0)
    assert run.summary["sets"]["interview_faq"]["queries"] == 2
