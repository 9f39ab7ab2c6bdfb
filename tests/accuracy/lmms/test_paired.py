"""Two checkpoints on the same questions: differences by benchmark, and when they are not fair."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paretobench.accuracy.lmms import results
from paretobench.accuracy.lmms.paired import compare_runs, runs_of
from paretobench.errors import DataError
from tests.accuracy.lmms import layouts

Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def rewrite(folder: Path, task: str, change: Change) -> None:
    """Change each logged sample of a task; one that becomes None is dropped."""
    (log,) = folder.rglob(f"*samples_{task}.jsonl")
    rows = [change(json.loads(line)) for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows if row is not None))


def better_at_gqa(folder: Path) -> Path:
    """A run that gets four more of twenty questions of GQA right than `layouts` does."""
    layouts.write(folder, "0.2.4")
    rewrite(folder, "gqa", lambda r: r | ({"exact_match": 1.0} if r["doc_id"] < 8 else {}))
    return folder


def scored(folder: Path, name: str, digest: str) -> None:
    """A run as `paretobench score` keeps it."""
    layouts.write(folder, "0.2.4")
    (path,) = folder.rglob("*_results.json")
    data = json.loads(path.read_text())
    data["paretobench"] = {"checkpoint": digest, "checkpoint_name": name}
    path.write_text(json.dumps(data))


def test_each_shared_benchmark_has_its_difference_with_an_interval(tmp_path: Path) -> None:
    a = results.read_results(better_at_gqa(tmp_path / "a"))
    b = results.read_results(layouts.write(tmp_path / "b", "0.2.4"))
    found, problems = compare_runs(a, b)
    by_name = {each.benchmark: each for each in found}
    gqa, pope = by_name["gqa"], by_name["pope"]
    assert (gqa.a, gqa.b) == (pytest.approx(0.7), pytest.approx(0.5))
    assert gqa.difference.value == pytest.approx(0.2)
    assert gqa.difference.n == 20 and not gqa.difference.is_separated
    assert pope.difference.value == 0 and pope.difference.standard_error == 0
    assert "share of right answers, not F1" in pope.notes
    assert any("docvqa" in problem and "no samples" in problem for problem in problems)


def test_swapping_the_sides_turns_the_sign(tmp_path: Path) -> None:
    a = results.read_results(better_at_gqa(tmp_path / "a"))
    b = results.read_results(layouts.write(tmp_path / "b", "0.2.4"))
    forth, back = (compare_runs(*pair)[0][0].difference for pair in ((a, b), (b, a)))
    assert (back.value, back.low, back.high) == (-forth.value, -forth.high, -forth.low)


def test_items_that_only_one_side_answered_are_left_out_and_said(tmp_path: Path) -> None:
    first, second = (layouts.write(tmp_path / name, "0.2.4") for name in "ab")
    rewrite(second, "gqa", lambda row: None if row["doc_id"] < 5 else row)
    found, _ = compare_runs(results.read_results(first), results.read_results(second))
    gqa = next(each for each in found if each.benchmark == "gqa")
    assert gqa.difference.n == 15
    assert gqa.notes[0] == "not the same items: 5 items only one side answered, left out"


def test_items_with_another_right_answer_are_another_data_set_s(tmp_path: Path) -> None:
    first, second = (layouts.write(tmp_path / name, "0.2.4") for name in "ab")
    rewrite(second, "gqa", lambda r: r | ({"target": "horse"} if r["doc_id"] < 3 else {}))
    found, _ = compare_runs(results.read_results(first), results.read_results(second))
    gqa = next(each for each in found if each.benchmark == "gqa")
    assert gqa.difference.n == 17
    assert gqa.notes[0] == "not the same data: 3 items with another right answer, left out"


def test_a_task_of_one_side_alone_is_listed_and_nothing_in_common_is_refused(
    tmp_path: Path,
) -> None:
    runs = results.read_results(layouts.write(tmp_path, "0.2.4"))
    gqa, pope = ([run for run in runs if run.task == task] for task in ("gqa", "pope"))
    _, problems = compare_runs([*gqa, *pope], gqa)
    assert problems == ["pope: only one side has it"]
    with pytest.raises(DataError, match="no benchmark can be compared item by item"):
        compare_runs(gqa, pope)


def test_without_samples_the_message_says_how_to_get_them(tmp_path: Path) -> None:
    bare = results.read_results(layouts.write(tmp_path, "0.2.4", with_samples=False))
    with pytest.raises(DataError, match="run lmms-eval with --log_samples"):
        compare_runs(bare, bare)


def test_a_checkpoint_that_was_scored_here_is_found_by_name_folder_and_hash(
    tmp_path: Path,
) -> None:
    scored(tmp_path / "kept" / "one", "first", "abcdef0123456789")
    scored(tmp_path / "kept" / "two", "second", "123456789abcdef0")
    for side in ("first", "checkpoints/first/", "abcdef01", "ABCDEF0123456789"):
        found = runs_of(side, tmp_path / "kept")
        assert {run.own["checkpoint_name"] for run in found} == {"first"}, side
    assert runs_of("third", tmp_path / "kept") == []
    assert runs_of("abcde", tmp_path / "kept") == [], "too short for a hash"
    assert runs_of("first", tmp_path / "nowhere") == []


def test_a_folder_of_several_checkpoints_is_nobody_s_result(tmp_path: Path) -> None:
    scored(tmp_path / "kept" / "one", "first", "abcdef0123456789")
    scored(tmp_path / "kept" / "two", "second", "123456789abcdef0")
    with pytest.raises(DataError, match="results of 2 checkpoints"):
        runs_of(str(tmp_path / "kept"), tmp_path)


def test_a_suite_is_compared_when_all_its_members_are() -> None:
    from paretobench.accuracy import suites
    from paretobench.accuracy.lmms.paired import Paired, _suites
    from paretobench.analysis.items import Difference

    members = suites.SUITES["avg5"].members
    found = [Paired(name, 0.6, 0.5, Difference(0.1, 0.05, 100, 0)) for name in members]
    [mean] = [each for each in _suites(found) if each.benchmark == "avg5"]
    assert mean.difference.value == pytest.approx(0.1)
    assert mean.difference.standard_error == pytest.approx(0.05 / len(members) ** 0.5)
    assert not any(each.benchmark == "avg5" for each in _suites(found[1:]))
