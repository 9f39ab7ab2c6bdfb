"""What a sweep leaves out is stored with it, so that a report made later shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from paretobench.config import expand
from paretobench.report.view.stored import stored_view
from paretobench.store import Store
from paretobench.sweeping.device_sweep import DeviceSweep
from paretobench.sweeping.prepare import PlannedSweep, prepare

GRID = ["encoder=fastvithd", "resolution=256,512", "llm=qwen2_0_5b", "device=torch", "name=g"]


@pytest.fixture
def prepared() -> PlannedSweep:
    """Two points, both beyond the horizon."""
    found, _ = prepare(expand([*GRID, "horizon=0.001s"]), None, must_run=False)
    return found[0]


def begun(prepared: PlannedSweep, store: Store) -> DeviceSweep:
    sweep = DeviceSweep(prepared)
    sweep.begin(store, "paretobench sweep")
    return sweep


def test_points_beyond_the_horizon_are_stored_with_their_parts(
    prepared: PlannedSweep, tmp_path: Path
) -> None:
    with Store.open(tmp_path / "x.db") as store:
        begun(prepared, store)
        points = store.points()
        assert [point.resolution_px for point in points] == [256, 512]
        assert all(len(point.links) == 2 for point in points) and len(store.workloads()) == 4
        rows = stored_view(store, scores=()).rows
    assert len(rows) == 2 and all("beyond horizon=0.001s" in row.reason for row in rows)


def test_an_interrupted_sweep_goes_on_although_it_refuses_others_now(
    prepared: PlannedSweep, tmp_path: Path
) -> None:
    fewer = replace(prepared, plan=replace(prepared.plan, refused=prepared.plan.refused[:1]))
    with Store.open(tmp_path / "x.db") as store:
        assert begun(prepared, store).sweep_key == begun(fewer, store).sweep_key


def test_an_interrupted_sweep_of_other_points_is_not_continued_under_its_name(
    prepared: PlannedSweep, tmp_path: Path
) -> None:
    words = [*GRID, "horizon=0.001s", "resolution=256"]
    (narrower, *_), _ = prepare(expand(words), None, must_run=False)
    with Store.open(tmp_path / "x.db") as store:
        first, second = (begun(one, store).sweep_key for one in (prepared, narrower))
        assert first != second
        assert [point.resolution_px for point in store.points(second)] == [256]
