"""What a plan knows of a device: its limits, and how past estimates held."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretobench.analysis.stats import replicates
from paretobench.config import DeviceRequest, InventoryDevice, Limits, expand
from paretobench.domain.records import Cell, Environment
from paretobench.measure.harness import progress
from paretobench.planning.stopping import cell_plan
from paretobench.store import Store
from paretobench.sweeping.prepare import (
    EstimateAccuracy,
    estimate_accuracy,
    finished,
    known_cells,
    machine_of,
    prepare,
)
from tests.store import examples

HERE = Environment({"chip": "test"}, {"memory_bytes": 32 << 30, "gflops": 100.0})


def request(place: InventoryDevice | None) -> DeviceRequest:
    return DeviceRequest("desk", {}, {}, "ssh" if place else "local", place)


def test_the_inventory_can_take_memory_away_but_not_add_any() -> None:
    limited = InventoryDevice("desk", "a", limits=Limits(memory_gib=8))
    generous = InventoryDevice("desk", "a", limits=Limits(memory_gib=64))
    assert machine_of(HERE, request(limited)).memory_bytes == 8 << 30
    assert machine_of(HERE, request(generous)).memory_bytes == 32 << 30
    assert machine_of(HERE, request(None)).memory_bytes == 32 << 30


def test_a_record_holds_what_sweeps_of_this_environment_took(tmp_path: Path) -> None:
    with Store.open(tmp_path / "x.db") as store:
        elsewhere = Environment({"chip": "other"})
        for index, (environment, measured_s) in enumerate(
            [(HERE, 50.0), (HERE, 120.0), (elsewhere, 900.0), (HERE, 0.0)]
        ):
            store.add_environment(environment)
            at = f"2026-01-0{index + 1}T00:00:00+00:00"
            key = store.add_sweep("s", "c", {}, 0, environment.key, at)
            store.finish_sweep(key, at, 0, {"estimated_s": 100.0, "measured_s": measured_s})
        for name, status, more in (("budget", 0, {"decision": {}}), ("interrupted", 130, {})):
            at = f"2026-02-01T00:00:{status:03d}"
            key = store.add_sweep(name, "c", {}, 0, HERE.key, at)
            store.finish_sweep(key, at, status, {"estimated_s": 100.0, "measured_s": 30.0, **more})
        record = estimate_accuracy(store, HERE)
    assert record.ratios == (1.2, 0.5)
    assert str(record) == "2 past sweeps here took 0.5 to 1.2 times the estimate"


def test_a_record_of_one_sweep_has_no_range_and_of_none_says_so() -> None:
    assert str(EstimateAccuracy((0.9,))) == "1 past sweep here took 0.9 times the estimate"
    assert "no past sweep" in str(EstimateAccuracy())
    assert estimate_accuracy(None, HERE) == EstimateAccuracy()


cells = st.lists(
    st.builds(
        lambda i, status, fidelity, sweep, at, wall_s, samples_s: examples.cell(
            examples.workload(0),
            HERE,
            i,
            status=status,
            fidelity=fidelity,
            sweep_key=sweep,
            started_at=f"2026-11-20T12:00:{at:02d}Z",
            wall_s=wall_s,
            samples_s=tuple(samples_s),
        ),
        st.integers(0, 2),
        st.sampled_from(["ok", "suspect"]),
        st.sampled_from(["quick", "standard", "rigorous"]),
        st.sampled_from([None, "a", "b"]),
        st.integers(0, 3),
        st.floats(1.0, 100.0),
        st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda cell: cell.key,
)


numbers = itertools.count()


@pytest.fixture(scope="module")
def medians(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of one workload, for all examples, each in an environment of its own."""
    with Store.open(tmp_path_factory.mktemp("medians") / "x.db") as store:
        store.add_workloads([examples.workload(0)])
        yield store


@pytest.mark.parametrize("fidelity", ["quick", "standard", "rigorous"])
@given(cells=cells)
def test_a_plan_decides_from_medians_what_the_harness_decides_from_samples(
    medians: Store, fidelity: str, cells: list[Cell]
) -> None:
    rules = cell_plan(fidelity)  # type: ignore[arg-type]
    where = Environment({"chip": f"of example {next(numbers)}"})
    medians.add_environment(where)
    medians.add_cells(replace(cell, environment_key=where.key) for cell in cells)
    known, whole = known_cells(medians, where), medians.cells(where.key)
    (summaries,) = known.values()
    assert [each.key for each in replicates(summaries)] == [e.key for e in replicates(whole)]
    assert progress(summaries, rules) == progress(whole, rules)
    assert finished(known, rules) == finished({whole[0].workload_key: whole}, rules)


def test_a_plan_reads_the_samples_of_each_workloads_newest_cell_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = expand(["encoder=fastvithd", "resolution=256,512", "llm=qwen2_0_5b", "device=cpu"])
    (first,), _ = prepare(request, None, must_run=False)
    workloads = [one.workload for one in first.plan.workloads]
    with Store.open(tmp_path / "x.db") as store:
        store.add_environment(first.environment)
        store.add_workloads(workloads)
        for i, median_s in enumerate((0.5, 0.25)):
            store.add_cells(
                examples.cell(workload, first.environment, i, median_s) for workload in workloads
            )
        read: list[str] = []
        of_keys = store.cells_by_key
        monkeypatch.setattr(store, "cells", lambda *_: pytest.fail("every sample was read"))
        monkeypatch.setattr(
            store, "cells_by_key", lambda keys: of_keys(read.extend(keys) or list(read))
        )
        plan = prepare(request, store, must_run=False)[0][0].plan
        newest = {cell.key for cell in store.cell_summaries() if cell.round_index == 1}
    assert set(read) == newest
    assert len(read) == len(workloads) == 4
    assert {one.expected.latency_s for one in plan.workloads} == {0.25}


def test_cells_of_chosen_workloads_are_known_alone(tmp_path: Path) -> None:
    both = [examples.workload(0), examples.workload(1)]
    with Store.open(tmp_path / "x.db") as store:
        store.add_environment(HERE)
        store.add_workloads(both)
        store.add_cells(examples.cell(workload, HERE) for workload in both)
        assert set(known_cells(store, HERE)) == {workload.key for workload in both}
        assert set(known_cells(store, HERE, [both[1].key])) == {both[1].key}
    assert known_cells(None, HERE) == {}
