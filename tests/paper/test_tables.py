"""The bundled tables: every cell is there, once, with its unit and its origin."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from paretobench import resources
from paretobench.errors import DataError, UnknownNameError
from paretobench.paper import tables


def test_every_csv_of_the_folder_is_in_the_index_and_the_other_way_round() -> None:
    files = {path.stem for path in resources.published_folder().glob("*.csv")} - {"systems"}
    assert files == set(tables.names())


@pytest.mark.parametrize("name", tables.names())
def test_every_number_of_a_table_is_a_value(name: str) -> None:
    path = resources.published_folder() / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cells = [
        (row["row"], column, part)
        for row in rows
        for column, text in row.items()
        if column.endswith(("_pct", "_score", "_ms", "_M", "tokens", "passes", "per_token"))
        for part, _ in enumerate(filter(None, text.split(";")))
    ]
    found = [(v.row, v.column, v.part) for v in tables.values() if v.table == name]
    assert found == cells
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", tables.names())
def test_row_labels_are_unique_within_a_table(name: str) -> None:
    labels = [row["row"] for row in tables.table(name).rows]
    assert len(set(labels)) == len(labels)


def test_all_41_rows_of_table_6_can_be_listed() -> None:
    of = tables.table("v1_table6")
    assert [row["row"] for row in of.rows] == [f"R{i}" for i in range(1, 42)]
    assert of.row("R41")["method"] == "Cambrian-1"


def test_a_system_of_several_encoders_has_one_value_per_encoder() -> None:
    parts = [
        value.value
        for value in tables.values()
        if (value.table, value.row) == ("v1_table9", "R36 (Cambrian-1)")
        and value.column == "vision_encoder_latency_ms"
    ]
    assert parts == [272.1, 2290.4, 1171.5, 127.4]


def test_values_say_version_unit_series_and_harness() -> None:
    found = {(v.table, v.row, v.column): v for v in tables.values()}
    docvqa = found["v1_table6", "R3", "DocVQA_pct"]
    assert (docvqa.paper_version, docvqa.unit, docvqa.value) == ("v1", "percent", 61.0)
    assert docvqa.harness == "lmms-eval 0.2.2"
    assert found["v1_table6", "R3", "GQA_pct"].harness == "LLaVA official"
    assert found["v1_table6", "R12", "GQA_pct"].harness == "quoted from the method's own paper"
    assert found["v1_table6", "R37", "GQA_pct"].harness == "quoted from the Cambrian-1 paper"
    assert found["v2_table7", "R1", "MMMU_pct"].harness == "VLMEvalKit"
    assert found["v1_figure1a", "point 4", "TTFT_ms"].provenance == "digitised"
    assert found["v1_table4", "row 8", "vision_encoder_latency_ms"].series == "table4"
    assert found["model_card", "FastVLM-0.5B", "SQA_pct"].harness == "not stated"


def test_an_unknown_table_offers_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'v1_table6'"):
        tables.table("v1_tabel6")


def test_an_unknown_row_lists_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown row of v1_table1 'R1'.*row 4"):
        tables.table("v1_table1").row("R1")


def test_an_unknown_column_lists_those_there_are() -> None:
    of = tables.table("v1_table1")
    with pytest.raises(DataError, match=r"v1_table1 has no column 'TTFT'.*vision_encoder"):
        tables.numbers(of, of.rows[0], "TTFT")


def test_a_cell_that_is_no_number_is_named() -> None:
    of = tables.table("v1_table1")
    row = {**of.rows[0], "GQA_pct": "62,0"}
    broken = replace(of, rows=(row,))
    with pytest.raises(DataError, match="v1_table1, row 1, GQA_pct: '62,0' is not a number"):
        tables.numbers(broken, row, "GQA_pct")


def test_a_source_cites_version_table_and_row() -> None:
    of = tables.table("v1_table6")
    assert tables.source(of, of.rows[2]).cite() == "FastVLM v1, Table 6, R3"
    figure = tables.table("v1_figure1a")
    assert tables.source(figure, figure.rows[0]).kind == "digitised"
