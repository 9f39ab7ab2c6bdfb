"""`compare` of two checkpoints: what it prints, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paretobench.cli import group
from paretobench.errors import DataError
from tests import json_schemas
from tests.accuracy.lmms import layouts
from tests.accuracy.lmms.test_paired import better_at_gqa, rewrite, scored


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compare(*args: str) -> Result:
    return CliRunner().invoke(group, ["compare", *args], prog_name="paretobench")


def test_two_result_folders_are_compared_item_by_item() -> None:
    better_at_gqa(Path("a"))
    rewrite(layouts.write(Path("b"), "0.2.4"), "pope", lambda r: None if r["doc_id"] < 4 else r)
    result = compare("a", "b")
    assert result.exit_code == 0, result.output
    [line] = [line for line in result.stdout.splitlines() if "gqa" in line]
    cells = [cell.strip() for cell in line.strip("│┃ ").split("│")]
    assert cells == [
        "gqa",
        "70.0",
        "50.0",
        "+20.0",
        "-9.4 to +45.8",
        "20",
        "not separated",
        "about 84",
    ]
    assert "pope: not the same items: 4 items only one side answered" in result.stderr
    assert "not compared: docvqa" in result.stderr


def test_the_same_as_json() -> None:
    better_at_gqa(Path("a"))
    layouts.write(Path("b"), "0.2.4")
    found = json.loads(compare("a", "b", "--json").stdout)
    json_schemas.check("compare", found)
    gqa = next(each for each in found["benchmarks"] if each["benchmark"] == "gqa")
    assert gqa["difference"]["value"] == pytest.approx(0.2)
    assert gqa["difference"]["n"] == 20


def test_two_checkpoints_scored_here_are_found_by_name() -> None:
    scored(Path("results/accuracy/one"), "first", "abcdef0123456789")
    scored(Path("results/accuracy/two"), "second", "123456789abcdef0")
    result = compare("first", "second")
    assert result.exit_code == 0, result.output
    assert "not separated" in result.stdout


def test_a_side_without_results_beside_one_with_them_is_named() -> None:
    layouts.write(Path("results/accuracy/one"), "0.2.4")
    result = compare("results/accuracy/one", "vit_l14", "--published")
    assert isinstance(result.exception, DataError)
    assert str(result.exception).startswith("vit_l14 names no lmms-eval results")


def test_encoders_are_still_compared_where_results_are_kept() -> None:
    scored(Path("results/accuracy/one"), "first", "abcdef0123456789")
    result = compare("fastvithd", "vit_l14", "--published")
    assert result.exit_code == 0, result.output
    assert "BD-TTFT" in result.stdout
