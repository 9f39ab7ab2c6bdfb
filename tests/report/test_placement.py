"""What is off the Neural Engine: columns, a dagger on the front, a sentence under it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.backends.coreml_placement import summarise
from paretobench.domain import (
    GridPoint,
    Runtime,
    TilePlan,
    encode_workload,
    prefill_workload,
)
from paretobench.report.formatting import footer_lines
from paretobench.report.placement import CAUTION
from paretobench.report.tables import records
from paretobench.report.tables.columns import general_columns, terminal_columns
from paretobench.report.view.rows import View
from paretobench.report.view.stored import stored_view
from paretobench.store import Link, Store, StoredPoint
from tests.report.test_stored import ENCODER, ENVIRONMENT, LLM, TORCH, cell, score


class Operation:
    """One operation of a program that Core ML placed."""

    def __init__(self, device: str, cost: float) -> None:
        self.kind, self.device, self.cost = "ios17.conv", device, cost


def view(folder: Path, *costs_off: float, backend: str = "coreml") -> View:
    """Points of one encoder, each with that share of its cost on the processor."""
    with Store.open(folder / "demo.db") as store:
        environment = store.add_environment(ENVIRONMENT)
        key = store.add_sweep("demo", "", {}, 0, environment, "2026-11-20T10:00:00Z")
        prefill = prefill_workload(LLM, 16, TORCH)
        store.add_workloads([prefill])
        store.add_cell(cell(prefill, 0.3, 0, ENVIRONMENT))
        for side, off in zip((64, 128, 192), costs_off, strict=False):
            runtime = Runtime(backend, "fp16", {"compute_units": "cpu_and_ne"})
            encode = encode_workload(ENCODER, side, runtime)
            store.add_workloads([encode])
            links = [Link("encode", encode.key, 1), Link("prefill", prefill.key)]
            point = StoredPoint.of(GridPoint(ENCODER, side, LLM), TilePlan(side, 1, 16), links)
            store.add_points(key, [point])
            placed = [Operation("neural_engine", 1 - off), Operation("cpu", off)]
            facts = {"placement": summarise(placed[: 2 if off else 1], "cpu_and_ne")}
            store.add_cell(replace(cell(encode, 0.1, 1, ENVIRONMENT), facts=facts))
        return stored_view(store, "demo", scores=[score(0.5)])


def columns(shown: View) -> dict[str, list[str]]:
    return {each.heading: [each.text(row) for row in shown.rows] for each in general_columns(shown)}


def test_shares_off_the_neural_engine_are_columns(tmp_path: Path) -> None:
    shown = view(tmp_path, 0.25, 0.0)
    assert columns(shown)["ops off NE %"] == ["50.0", "0.0"]
    assert columns(shown)["cost off NE %"] == ["25.0", "0.0"]
    first, second = records(shown)
    assert first["operations_off_neural_engine_fraction"] == 0.5
    assert first["cost_off_neural_engine_fraction"] == pytest.approx(0.25)
    assert second["cost_off_neural_engine_fraction"] == 0.0


def test_a_row_that_is_partly_off_has_a_dagger_and_the_front_says_why(tmp_path: Path) -> None:
    shown = view(tmp_path, 0.25, 0.0)
    assert [row.point_label for row in shown.rows] == ["64†", "128"]
    assert any(f"† {CAUTION}" in line for line in footer_lines(shown, shown.scored))
    assert f"† {CAUTION}" in columns(shown)["note"][0]


def test_less_than_a_percent_of_the_cost_is_no_caution(tmp_path: Path) -> None:
    shown = view(tmp_path, 0.005)
    assert shown.rows[0].cautions == ()
    assert columns(shown)["cost off NE %"] == ["0.5"]


def test_rows_of_other_runtimes_have_no_such_columns(tmp_path: Path) -> None:
    shown = view(tmp_path, 0.25, backend="torch")
    assert not {"ops off NE %", "cost off NE %"} & set(columns(shown))
    assert not any("neural_engine" in name for name in records(shown)[0])
    assert "cost off NE %" not in [each.heading for each in terminal_columns(shown)]
