"""Two runs are compared case by case, and only what is beyond noise counts."""

from dataclasses import replace

import pytest

from coach.errors import UsageError
from coach.evaluation.compare import compare, comparison_text
from coach.evaluation.run import Row, Run, read_run, write_run

RUN = Run("answers", "2026-01-01", "0.1.0", "c0de", "none", None, "minilm", "f00d", {}, {}, 0, ())


def run_of(correct, **changes):
    rows = tuple(
        Row(
            f"a{number:03d}",
            "answerable",
            "fit",
            "extractive",
            {"correct": (float(right), 1.0), "left_out": (0.0, 3.0)},
            {"total": 50.0 + number},
        )
        for number, right in enumerate(correct)
    )
    return replace(RUN, rows=rows, **changes)


def change(before, after, name="correct"):
    return next(one for one in compare(before, after).changes if one.name == name)


def test_the_same_run_twice_is_the_same():
    comparison = compare(run_of([1, 0, 1]), run_of([1, 0, 1]))
    assert {one.verdict for one in comparison.changes} == {"same"}
    assert comparison.cases == ()
    assert comparison.dropped == ()


def test_a_case_or_two_is_noise_and_many_are_a_drop():
    good = run_of([1] * 20)
    assert change(good, run_of([0] + [1] * 19)).verdict == "within noise"
    worse = change(good, run_of([0] * 8 + [1] * 12))
    assert worse.verdict == "WORSE"
    assert worse.dropped
    assert (worse.before, worse.after) == (1.0, 0.6)
    assert change(run_of([0] * 8 + [1] * 12), good).verdict == "better"


def test_only_cases_that_both_scored_are_compared():
    before = run_of([1] * 10)
    after = run_of([1] * 12)
    rows = (replace(after.rows[0], measures={}, unscored="The model fell silent."), *after.rows[1:])
    comparison = compare(before, replace(after, rows=rows))
    assert comparison.changes[0].cases == 9
    assert any("1 case of B could not be scored" in remark for remark in comparison.remarks)


def test_changed_cases_are_listed_with_what_changed():
    before = run_of([1, 1])
    after = run_of([1, 0])
    after = replace(after, rows=(after.rows[0], replace(after.rows[1], outcome="refused")))
    comparison = compare(before, after)
    assert comparison.cases == ("a001: extractive -> refused, correct 1/1 -> 0/1",)
    assert "1 case changed:\n  a001: extractive -> refused" in comparison_text(before, after, comparison)


def test_slower_is_told_and_is_no_drop():
    before = run_of([1] * 10)
    rows = tuple(replace(row, milliseconds={"total": row.milliseconds["total"] * 2}) for row in before.rows)
    slower = change(before, replace(before, rows=rows), "total")
    assert slower.verdict == "WORSE"
    assert not slower.dropped


def test_another_index_is_remarked_on():
    remarks = compare(run_of([1]), run_of([1], index_fingerprint="0ther")).remarks
    assert any("index is not the same" in remark for remark in remarks)


def test_runs_that_cannot_be_compared_are_refused():
    with pytest.raises(UsageError, match="one suite"):
        compare(run_of([1]), run_of([1], suite="speed"))
    with pytest.raises(UsageError, match="no scored case in common"):
        compare(run_of([1]), run_of([]))


def test_a_run_reads_back_as_it_was_written(tmp_path):
    run = run_of([1, 0], notes=("x",), summary={"a": 1})
    write_run(run, tmp_path / "deep" / "run.json")
    assert read_run(tmp_path / "deep" / "run.json") == run


def test_a_run_of_an_earlier_version_is_read(tmp_path):
    row = Row("a1", model_sentences=[["It takes 6-8 weeks.", 0.98]])
    file = tmp_path / "run.json"
    write_run(replace(RUN, rows=(row,)), file)
    file.write_text(file.read_text("utf-8").replace('"model_sentences"', '"spoken"'), encoding="utf-8")
    assert read_run(file).rows == (row,)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"rows": [{"id": 3, "colour": "red"}]}', '{"rows": [7]}']
)
def test_a_file_that_is_no_run_is_named(tmp_path, content):
    path = tmp_path / "odd.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"odd\.json .*coach eval answers"):
        read_run(path)


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.json cannot be read"):
        read_run(tmp_path / "gone.json")
