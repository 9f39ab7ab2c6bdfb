"""docs/scale.md holds what the model prints; the model's arithmetic is what it says."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("scale", ROOT / "benchmarks" / "scale.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_holds_the_tables_that_the_model_prints(scale: ModuleType) -> None:
    assert scale.constants_table() in PAGE
    assert scale.model_table(scale.SWEEPS) in PAGE


def test_every_constant_says_what_it_is_of(scale: ModuleType) -> None:
    assert [f.name for f in fields(scale.Constants)] == list(scale.SOURCES)


def test_each_constant_moves_what_it_is_of_and_only_upwards(scale: ModuleType) -> None:
    sweep = scale.Sweep.of(10, 10_000)
    before = [one.value for one in scale.quantities(sweep)]
    for f in fields(scale.Constants):
        if f.name == "cell_s":
            continue  # longer processes leave the coordinator more time
        doubled = replace(scale.Constants(), **{f.name: 2 * f.default})
        after = list(scale.quantities(sweep, doubled))
        values = [one.value for one in after]
        limits = [one.limit for one in after]
        assert values != before or limits != [one.limit for one in scale.quantities(sweep)], f.name
        assert all(new >= old for new, old in zip(values, before, strict=True))


def test_cells_are_devices_times_workloads_times_processes(scale: ModuleType) -> None:
    sweep = scale.Sweep(devices=7, points=1000, workloads=50, cells=3)
    found = {one.name: one for one in scale.quantities(sweep)}
    assert sweep.cells_in_all == 1050
    assert found["cells"].value == pytest.approx(1050 / 1e6)
    assert found["open files of the coordinator"].value == 21
    assert found["measuring, all devices side by side"].value == pytest.approx(150 * 8 / 3600)


def test_what_gives_first_stands_first(scale: ModuleType) -> None:
    rows = scale.model_table(scale.SWEEPS).splitlines()[2:]
    ends = [float(row.split("|")[-2].strip(" x").replace(",", "")) for row in rows if " x |" in row]
    assert ends == sorted(ends) and len(ends) > 8
    assert rows[0].startswith("| open files") and "Where it breaks first.** A coordinator" in PAGE
