"""`export`: every format of the points, of the paper's tables, and of a model card."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from paretobench.cli import group
from paretobench.cli.export import FORMATS
from paretobench.errors import ConfigError, DataError, ParetobenchError, UnknownNameError
from paretobench.report.tables import paper

POINT = "FastViTHD@1024 + Qwen2-0.5B"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def export(*args: str) -> Result:
    return CliRunner().invoke(group, ["export", *args], prog_name="paretobench")


def printed(*args: str) -> str:
    result = export(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*args: str) -> ParetobenchError:
    result = export(*args)
    assert isinstance(result.exception, ParetobenchError), result.output
    return result.exception


@pytest.mark.parametrize("number", paper.NUMBERS)
@pytest.mark.parametrize("kind", ["csv", "markdown", "latex", "json", "terminal"])
def test_every_table_of_the_paper_in_every_form(number: int, kind: str) -> None:
    text = printed("--table", str(number), "--format", kind)
    assert f"Table {number}" in text


def test_a_table_s_forms_can_be_read_back() -> None:
    rows = list(csv.DictReader(io.StringIO(printed("--table", "3"))))
    assert rows[3]["vision_encoder"] == "FastViTHD"
    document = json.loads(printed("--table", "3", "--format", "json"))
    assert [row["vision_encoder"] for row in document["rows"]] == [
        row["vision_encoder"] for row in rows
    ]


@pytest.mark.parametrize(("short", "long"), [("md", "markdown"), ("tex", "latex")])
def test_a_file_s_ending_is_understood_as_its_format(short: str, long: str) -> None:
    assert printed("--table", "3", "--format", short) == printed("--table", "3", "--format", long)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in ("model-index",)])
def test_the_points_in_every_form(kind: str) -> None:
    if kind == "parquet":
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        printed("--published", "--format", kind, "--out", "points.parquet")
        assert "fastvithd" in set(pandas.read_parquet("points.parquet")["encoder"])
        return
    assert "fastvithd" in printed("--published", "--format", kind).lower()


def test_parquet_of_a_paper_s_table() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    printed("--table", "6", "--format", "parquet", "--out", "6.parquet")
    assert "FastVLM" in " ".join(pandas.read_parquet("6.parquet")["source"])


def test_parquet_without_pyarrow_names_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    error = refusal("--published", "--format", "parquet", "--out", "a.parquet")
    assert isinstance(error, DataError) and "[parquet]' adds it" in str(error)
    assert list(Path().iterdir()) == []


def test_one_point_becomes_a_model_card(tmp_path: Path) -> None:
    args = ("--published", "--format", "model-index", "--recipe", "llava-1.5")
    printed(*args, "--point", POINT, "--out", "card.md")
    front = Path("card.md").read_text().split("---\n")[1]
    [model] = yaml.safe_load(front)["model-index"]
    assert model["name"] == f"{POINT} (llava-1.5)"


@pytest.mark.parametrize(
    ("args", "kind", "says"),
    [
        (("--published", "--format", "model-index"), ConfigError, "name its --point"),
        (("--published", "--format", "model-index", "--point", POINT), ConfigError,
         "choose a --recipe: 15M"),
        (("--published", "--format", "model-index", "--point", "nothing@1"), UnknownNameError,
         "unknown point"),
        (("--published", "--point", POINT), ConfigError, "--point goes with"),
        (("--published", "--format", "parquet"), ConfigError, "parquet is binary"),
        (("--table", "3", "--format", "parquet"), ConfigError, "parquet is binary"),
        (("--published", "--format", "terminal", "--out", "a"), ConfigError, "terminal prints"),
        (("--table", "3", "--format", "model-index"), ConfigError, "leave out --table"),
        (("--table", "3", "-d", "a.db"), ConfigError, "leave out --database"),
        (("--table", "3", "--point", POINT), ConfigError, "leave out --point"),
        (("--table", "7"), UnknownNameError, "unknown table of the paper '7'"),
        (("--table", "3", "--bundle", "a.zip"), ConfigError, "leave out --table, --point"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(
    args: tuple[str, ...], kind: type[ParetobenchError], says: str
) -> None:
    error = refusal(*args)
    assert isinstance(error, kind) and says in str(error)
