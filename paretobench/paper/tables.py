"""The bundled tables as they are: one CSV per published table, an index, and every cell.

`results/published/tables.yaml` says what each file is and `coordinates.yaml` what the paper's
words are called in the catalogue. What the numbers mean for a point (scores, latencies) is in
`published`; whether they agree with one another is in `audit`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import yaml

from paretobench import resources
from paretobench.accuracy import suites
from paretobench.domain.records import Provenance, PublishedValue, Source
from paretobench.errors import DataError, UnknownNameError

Row = Mapping[str, str]

_UNITS = {"_pct": "percent", "_score": "points", "_ms": "ms", "_M": "M", "_px": "px"}
_COUNTS = {"visual_tokens": "tokens", "encoder_passes": "count", "ms_per_token": "ms"}
_COORDINATES = {"input_res_px", "data_M_pt_plus_it"}
"""Columns with a unit that say which configuration a row is, not what was found."""


@dataclass(frozen=True)
class Table:
    """One published table.

    Attributes:
        name: the file's name without `.csv`.
        label, title, version, provenance, series: as in `tables.yaml`.
        rows: the cells as text, in the order of print; an empty cell is "not reported".
        recipe: how its rows were trained, where no data column says so; else empty.
        fill: cells that are given in the caption or the text instead of a column.
        placed: whether its rows can be placed on a plot.
    """

    name: str
    label: str
    title: str
    version: str
    provenance: Provenance
    series: str
    rows: tuple[Row, ...]
    recipe: str = ""
    fill: Mapping[str, str] = field(default_factory=dict)
    placed: bool = True

    def row(self, label: str) -> Row:
        """The row of this label.

        Raises:
            UnknownNameError: if there is none.
        """
        for row in self.rows:
            if row["row"] == label:
                return row
        raise UnknownNameError(f"row of {self.name}", label, (row["row"] for row in self.rows))

    def cell(self, row: Row, column: str) -> str:
        """A cell, or what the caption or the text says in its place."""
        return row.get(column) or self.fill.get(column, "")


def numbers(table: Table, row: Row, column: str) -> tuple[float, ...]:
    """The numbers of a cell: none if empty, several for a system of several encoders.

    Raises:
        DataError: if the table has no such column, or the cell is no number.
    """
    if column not in row:
        columns = ", ".join(row)
        raise DataError(f"{table.name} has no column {column!r}. Its columns: {columns}.")
    try:
        return tuple(float(part) for part in row[column].split(";") if part)
    except ValueError as error:
        raise DataError(
            f"{table.name}, {row['row']}, {column}: {row[column]!r} is not a number."
        ) from error


def is_value(column: str) -> bool:
    """Whether a column holds results rather than coordinates.

    >>> is_value('GQA_pct'), is_value('input_res_px'), is_value('llm')
    (True, False, False)
    """
    return column not in _COORDINATES and bool(unit_of(column))


def unit_of(column: str) -> str:
    """The unit a column's name ends with, or an empty string.

    >>> unit_of('TTFT_ms'), unit_of('visual_tokens'), unit_of('method')
    ('ms', 'tokens', '')
    """
    if column in _COUNTS:
        return _COUNTS[column]
    return next((unit for end, unit in _UNITS.items() if column.endswith(end)), "")


def read_yaml(name: str) -> dict[str, Any]:
    """One of the YAML files of the published folder."""
    path = resources.published_folder() / name
    return cast(dict[str, Any], yaml.safe_load(path.read_text(encoding="utf-8")))


@cache
def _index() -> dict[str, Any]:
    return read_yaml("tables.yaml")


def names() -> list[str]:
    """The names of all tables, in the order of the paper."""
    return list(_index()["tables"])


@cache
def table(name: str) -> Table:
    """One table with all its rows.

    Raises:
        UnknownNameError: if there is no such table.
    """
    entries = _index()["tables"]
    if name not in entries:
        raise UnknownNameError("published table", name, entries)
    path = resources.published_folder() / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return Table(name=name, rows=tuple(csv.DictReader(file)), **entries[name])


def every_table() -> list[Table]:
    """All tables, in the order of the paper."""
    return [table(name) for name in names()]


def source(of: Table, row: Row, provenance: Provenance | None = None, note: str = "") -> Source:
    """Where a cell of this row comes from; a `provenance` given here wins over the table's."""
    origin = _index()["source"]
    how = provenance or of.provenance
    return Source(
        kind="digitised" if how == "digitised" else "published",
        title=origin["title"],
        version=of.version,
        table=of.label,
        row=row["row"],
        provenance=how,
        url=origin["url"],
        note=note,
    )


def harness_of(of: Table, row: Row, entry: suites.Benchmark) -> str:
    """Who scored this cell: the authors' own harness, or the work the row was quoted from."""
    flags, method = of.cell(row, "flags"), of.cell(row, "method")
    if "VLMEvalKit" in flags:
        return "VLMEvalKit"
    if "Cambrian-1_paper" in flags:
        return "quoted from the Cambrian-1 paper"
    if of.version == "model card":
        return "not stated"
    if method == "CLIP":
        return "DataComp and ViTamin evaluations"
    is_own = method in _index()["own_methods"]
    return entry.harness if is_own else "quoted from the method's own paper"


def values() -> list[PublishedValue]:
    """Every number of every table, cell by cell, in the units in which it is printed."""
    return [
        _value(of, row, column, part, number)
        for of in every_table()
        for row in of.rows
        for column in filter(is_value, row)
        for part, number in enumerate(numbers(of, row, column))
    ]


def _value(of: Table, row: Row, column: str, part: int, number: float) -> PublishedValue:
    entry = suites.of_column(column)
    return PublishedValue(
        paper_version=of.version,
        table=of.name,
        row=row["row"],
        column=column,
        value=number,
        unit=unit_of(column),
        provenance=of.provenance,
        series=of.series,
        harness=harness_of(of, row, entry) if entry else "",
        part=part,
    )
