"""Everything the paper names can be represented: planned and built, placed, or cited."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from paretobench import resources
from paretobench.accuracy import suites
from paretobench.config import load_catalogue
from paretobench.paper import tables

WALKED = ("encoder", "llm", "vlm_method", "token_reduction", "tiling", "benchmark", "metric")


def systems() -> list[tuple[str, str]]:
    """Kind and name of every system that must be representable."""
    path = resources.published_folder() / "systems.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return [(r["kind"], r["name"]) for r in csv.DictReader(file) if r["kind"] in WALKED]


MAP: dict[str, dict[str, dict[str, Any]]] = tables.read_yaml("systems_map.yaml")
CATALOGUE = load_catalogue()
KNOWN = {
    "encoder": CATALOGUE.encoders,
    "llm": CATALOGUE.llms,
    "tiling": CATALOGUE.tilings,
    "benchmark": suites.BENCHMARKS,
}


@pytest.mark.parametrize(("kind", "name"), systems())
def test_every_system_is_representable(kind: str, name: str) -> None:
    entry = MAP[kind][name]
    assert set(entry) & {*KNOWN, "rows", "columns", "note"}
    for noun, known in KNOWN.items():
        assert set(entry.get(noun, ())) <= set(known)


@pytest.mark.parametrize(("kind", "name"), systems())
def test_the_rows_and_columns_of_every_system_exist(kind: str, name: str) -> None:
    entry = MAP[kind][name]
    for text in entry.get("rows", ()):
        table, _, row = text.partition(", ")
        assert tables.table(table).row(row)
    printed = {value.column for value in tables.values()}
    assert set(entry.get("columns", ())) <= printed


def test_the_map_names_nothing_that_the_paper_does_not() -> None:
    assert {(kind, name) for kind, entries in MAP.items() for name in entries} == set(systems())


def test_a_system_with_published_numbers_is_not_merely_cited() -> None:
    methods = {
        table.cell(row, "method")
        for table in map(tables.table, ("v1_table5", "v1_table6"))
        for row in table.rows
    }
    mapped = {
        table.cell(table.row(label), "method")
        for kind in ("vlm_method", "token_reduction")
        for entry in MAP[kind].values()
        for text in entry.get("rows", ())
        for table, label in [(tables.table(text.split(", ")[0]), text.split(", ")[1])]
    }
    assert methods <= mapped


def coordinates(noun: str) -> set[str]:
    """Catalogue names of one kind under which published rows are placed."""
    known = tables.read_yaml("coordinates.yaml")
    if noun == "tiling":
        return {entry["tiling"] for entry in known["methods"].values() if "tiling" in entry}
    names: set[str] = set()
    for value in known[f"{noun}s"].values():
        names |= set(value.values()) if isinstance(value, dict) else {value}
    return names | {entry[noun] for entry in known["methods"].values() if noun in entry}


@pytest.mark.parametrize("noun", ["encoder", "llm", "tiling"])
def test_what_is_published_and_can_be_planned_is_in_the_map(noun: str) -> None:
    mapped = {
        name
        for entries in MAP.values()
        for entry in entries.values()
        for name in entry.get(noun, ())
    }
    missing = coordinates(noun) & set(KNOWN[noun]) - mapped
    assert not missing, f"add {missing} to results/published/systems_map.yaml"
