"""Scores from people's own CSV files: what is read, and what is refused with which words."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.accuracy import importers, suites
from paretobench.accuracy.accounting import ImportEntry
from paretobench.domain.records import Score
from paretobench.errors import DataError

HEADER = "encoder,resolution_px,llm,benchmark,value_percent"
ROW = "fastvithd,1024,qwen2_0_5b,gqa,61.6"


def read(folder: Path, *lines: str) -> list[Score]:
    """Write a file and read it."""
    path = folder / "mine.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_file(path)


def read_file(path: Path) -> list[Score]:
    """The scores of a file; the first line that is none is an error."""
    scores = []
    for found in importers.stream_scores_csv(path):
        if isinstance(found, ImportEntry):
            raise DataError(found.detail)
        scores.append(found.score)
    return scores


def test_a_minimal_file_gives_scores_as_fractions(tmp_path: Path) -> None:
    (score,) = read(tmp_path, HEADER, ROW)
    assert (score.encoder, score.resolution_px, score.llm) == ("fastvithd", 1024, "qwen2_0_5b")
    assert (score.benchmark, score.value) == ("gqa", 0.616)
    assert (score.tiling, score.recipe, score.standard_error) == ("none", "unstated", None)
    assert (score.source.kind, score.source.title) == ("imported", "mine.csv")
    assert score.source.row == "line 2"
    assert len(score.source.sha256) == 64


def test_every_optional_column_is_kept(tmp_path: Path) -> None:
    (score,) = read(
        tmp_path,
        "encoder,resolution_px,llm,benchmark,value,tiling,recipe,standard_error,n,harness,"
        "protocol,checkpoint,source,url,note",
        "mine,448,my_llm,MY-Bench,0.5,grid_2x2,my recipe,0.01,2500,lmms-eval 0.7.3,"
        'lmms,step 9000,"Our paper, Table 2",https://example.org,checked',
    )
    assert (score.value, score.standard_error, score.n) == (0.5, 0.01, 2500)
    assert (score.tiling, score.recipe, score.benchmark) == ("grid_2x2", "my recipe", "MY-Bench")
    assert (score.harness, score.protocol) == ("lmms-eval 0.7.3", "lmms")
    assert (score.checkpoint, score.source.title) == ("step 9000", "Our paper, Table 2")
    assert (score.source.url, score.source.note) == ("https://example.org", "checked")


def test_labels_of_benchmarks_are_understood(tmp_path: Path) -> None:
    rows = [f"a,1,b,{label},50" for label in ("Avg-5", "SeedBench-image", "MM-Vet")]
    names = [score.benchmark for score in read(tmp_path, HEADER, *rows)]
    assert names == ["avg5", "seedbench_image", "mmvet"]


def test_spaces_empty_lines_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    (score,) = read(
        tmp_path, "\ufeff" + HEADER, "", " fastvithd , 1024,qwen2_0_5b,gqa, 61.6 ", ",,,,"
    )
    assert (score.encoder, score.value) == ("fastvithd", 0.616)


def test_a_suite_is_derived_when_all_members_are_there(tmp_path: Path) -> None:
    members = suites.SUITES["avg5"].members
    rows = [f"a,1,b,{name},{10 * i},1.0,{protocol}" for i, (name, protocol) in enumerate(
        zip(members, ("llava", "llava", "llava", "lmms", "lmms"), strict=True), 1)]  # fmt: skip
    scores = read(tmp_path, HEADER + ",standard_error_percent,protocol", *rows)
    assert [score.benchmark for score in scores] == [*members, "avg5"]
    mean = scores[-1]
    assert mean.value == pytest.approx(0.3)
    assert mean.standard_error == pytest.approx(0.01 / math.sqrt(5))
    assert (mean.protocol, mean.source.provenance) == ("mixed", "derived")
    assert mean.source.note.startswith("mean of gqa, textvqa")


def test_a_given_suite_is_not_derived_again(tmp_path: Path) -> None:
    names = [*suites.SUITES["avg5"].members, "avg5"]
    scores = read(tmp_path, HEADER, *(f"a,1,b,{name},40" for name in names))
    assert len(scores) == 6


def test_members_of_different_recipes_make_no_suite(tmp_path: Path) -> None:
    rows = [f"a,1,b,{name},40,{i}" for i, name in enumerate(suites.SUITES["avg5"].members)]
    assert len(read(tmp_path, HEADER + ",recipe", *rows)) == 5


@given(st.floats(0, 100, allow_nan=False))
def test_any_percentage_is_read_back(value: float) -> None:
    line = importers._Line(Path("f"), 2, "", {"value_percent": repr(value)})
    assert line.fraction("value") == pytest.approx(value / 100, abs=1e-11)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("encoder,resolution_px,llm,value", "mine.csv lacks the column 'benchmark'"),
        ("encoder,resolution_px,llm,benchmark", "lacks the score: add 'value_percent'"),
        (HEADER + ",value", "has both 'value_percent' and 'value'; keep one"),
        (HEADER + ",receipe", "unknown column 'receipe'; did you mean 'recipe'"),
        (HEADER.replace(",", ";"), "separated by semicolons; save it with commas"),
        ("", "lacks the column 'encoder'"),
    ],
)
def test_bad_headers_say_what_is_needed(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, header, ROW)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("fastvithd,1024,b,gqa,abc", "line 3: value_percent is 'abc'; allowed: a number from 0"),
        ("fastvithd,1024,b,gqa,nan", "value_percent is 'nan'; allowed: a number from 0 to 100"),
        ("fastvithd,1024,b,gqa,101", "value_percent is '101'; allowed: a number from 0 to 100"),
        ("fastvithd,1024,b,gqa,", "value_percent is ''; allowed: a number; leave out the row"),
        ("fastvithd,big,b,gqa,60", "resolution_px is 'big'; allowed: a positive whole number"),
        ("fastvithd,0,b,gqa,60", "resolution_px is '0'; allowed: a positive whole number"),
        (",1024,b,gqa,60", "encoder is ''; allowed: any name, but not nothing"),
        ("fastvithd,1024,b,gqa,60,extra", "more cells than columns"),
        (ROW, "line 3: gqa of this configuration is already in line 2"),
    ],
)
def test_bad_rows_name_line_value_and_what_is_allowed(
    tmp_path: Path, row: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, HEADER, ROW, row)
    assert str(caught.value).startswith("mine.csv, line 3: ")


def test_percent_in_the_column_of_fractions_points_to_the_other_column(tmp_path: Path) -> None:
    header = HEADER.replace("value_percent", "value")
    with pytest.raises(DataError, match=r"from 0 to 1; percent go into a column value_percent"):
        read(tmp_path, header, ROW)


def test_a_count_that_is_no_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"n is '-5'; allowed: a positive whole number"):
        read(tmp_path, HEADER + ",n", ROW + ",-5")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has a header but no scores"):
        read(tmp_path, HEADER)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b"\xff\xfe\x00binary")
    with pytest.raises(DataError, match=r"mine\.csv is not UTF-8 text"):
        read_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.csv: No such file"):
        read_file(tmp_path / "none.csv")


def test_the_documented_columns_are_those_that_are_read() -> None:
    documented = (importers.__doc__ or "").partition("Columns")[2].partition("Where all")[0]
    for column in (*importers.REQUIRED, *importers.OPTIONAL):
        assert column in documented
    assert next(csv.reader([HEADER]))[:4] == list(importers.REQUIRED)
