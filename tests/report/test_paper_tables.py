"""The paper's tables in every form: as printed, cited, and nothing lost."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from paretobench.errors import DataError, UnknownNameError
from paretobench.paper import tables as published
from paretobench.report import tables
from paretobench.report.tables import paper
from paretobench.report.tables.paper_terminal import TerminalTable

every_table = pytest.mark.parametrize("number", paper.NUMBERS)


def printed(table: paper.PaperTable, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(TerminalTable(table))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@every_table
def test_every_printed_number_is_in_every_form_and_every_row_is_cited(number: int) -> None:
    table, original = tables.paper_table(number), published.table(f"v1_table{number}")
    markdown, latex = paper.markdown_text(table), paper.latex_text(table)
    read = list(csv.DictReader(io.StringIO(paper.csv_text(table))))
    assert len(read) == len(original.rows) == len(json.loads(paper.json_text(table))["rows"])
    for row, record in zip(original.rows, read, strict=True):
        assert record["source"] == published.source(original, row).cite()
        assert record["source"] in markdown and record["source"] in latex
        for column, cell in row.items():
            if column in ("row", *paper.UNSHOWN):
                continue
            if ";" in cell or not published.unit_of(column):
                continue
            assert record[column] == "" if cell == "" else float(record[column]) == float(cell)
            assert cell in markdown and cell in latex


@every_table
@pytest.mark.parametrize("width", [100, 160])
def test_a_terminal_of_any_usual_width_shows_every_digit(number: int, width: int) -> None:
    table = tables.paper_table(number)
    text = printed(table, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    words = set(text.split())
    for line in table.lines:
        for cell, is_number in zip(line.cells, table.is_number, strict=True):
            assert not is_number or set(cell.text.split()) <= words


def test_the_best_of_a_group_is_bold_and_ties_share_it() -> None:
    lines = paper.markdown_text(tables.paper_table(2)).splitlines()
    assert sum("**63.0**" in line for line in lines) == 2
    table = tables.paper_table(4)
    best = {line.cells[2].text for line in table.lines if line.cells[2].is_best}
    assert best == {"10.1"}, "the lowest latency"


def test_repeated_trainings_are_not_ranked() -> None:
    table = tables.paper_table(11)
    assert not any(cell.is_best for line in table.lines for cell in line.cells)
    assert [line.cells[0].text for line in table.lines] == ["run1", "run2", "run3", "std"]


def test_groups_of_table_6_are_those_of_the_paper_with_a_rule_between_them() -> None:
    table = tables.paper_table("6")
    assert [name for name, _ in paper.groups(table)] == ["0.5B", "1-2B", "7B", "8B multi-encoder"]
    assert paper.latex_text(table).count("\\midrule") == 4
    assert "*8B multi-encoder*" in paper.markdown_text(table)


def test_a_system_of_several_encoders_keeps_each_of_its_numbers() -> None:
    assert "272.1 + 2290.4 + 1171.5 + 127.4" in paper.markdown_text(tables.paper_table(9))


@pytest.mark.parametrize("number", [7, 0, "six"])
def test_a_table_without_numbers_or_outside_the_paper_is_named(number: int | str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown table of the paper .* Known: 1, 2, 3, 4"):
        tables.paper_table(number)


def test_records_become_parquet_and_come_back(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    found = paper.records(tables.paper_table(6))
    path = tables.write_parquet(found, tmp_path / "table6.parquet")
    frame = pandas.read_parquet(path)
    assert list(frame["source"]) == [record["source"] for record in found]
    assert frame["TTFT_ms"].dropna().tolist() == [
        record["TTFT_ms"] for record in found if record["TTFT_ms"] is not None
    ]


def test_without_pyarrow_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas

    def missing(*_: object, **__: object) -> None:
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pandas.DataFrame, "to_parquet", missing)
    with pytest.raises(DataError, match=r"; pip install '.*\[parquet\]' adds it"):
        tables.write_parquet([{"a": 1}], tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []
