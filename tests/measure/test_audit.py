"""`fidelity=audit`: sittings an hour apart, and a stack and heap of another size every time."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paretobench.domain.records import Cell, Environment
from paretobench.measure import harness, terms
from paretobench.measure.process import PADDING_VARIABLE, Children
from paretobench.measure.single import MemoryStore
from paretobench.planning.stopping import SamplingPlan, cell_plan
from tests.measure import pretend
from tests.measure.pretend import workload
from tests.measure.scripted import ScriptedChildren

HERE = Environment({"chip": "test"})
PLAN = cell_plan("audit")


def stored(store: MemoryStore, ago_s: float) -> list[Cell]:
    """What a sitting that long ago left, as if its processes had run then."""
    start = datetime.now(UTC) - timedelta(seconds=ago_s)
    moved = [
        replace(cell, started_at=(start + timedelta(seconds=20 * i)).isoformat())
        for i, cell in enumerate(store.kept_cells)
    ]
    store.kept_cells = moved
    return moved


def run(store: MemoryStore, sweep_key: str) -> ScriptedChildren:
    def script(label: str, visit: int) -> dict[str, object]:
        return {"started_at": datetime.now(UTC).isoformat()}

    children = ScriptedChildren(script)
    harness.run(
        [workload("a")],
        store=store,
        environment=HERE,
        options=terms.Options(Path("artifacts"), fidelity="audit", sweep_key=sweep_key),
        children=children,
    )
    return children


def test_a_sitting_takes_five_processes_and_the_next_one_begins_an_hour_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)
    store = MemoryStore()
    assert len(run(store, "1").visits) == 5
    assert run(store, "2").visits == [], "the same sitting goes on"
    stored(store, ago_s=8000)
    assert len(run(store, "3").visits) == 5


def cells_of_sittings(n: int) -> list[Cell]:
    """Five processes in each of `n` sittings, the last of them two hours ago."""
    store = MemoryStore()
    found: list[Cell] = []
    for sitting in range(n):
        store.kept_cells = []
        run(store, str(sitting))
        found += stored(store, ago_s=7200 * (n - sitting))
    return found


def test_after_three_sittings_a_workload_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)
    assert harness.needs_more(cells_of_sittings(2), PLAN)
    assert not harness.needs_more(cells_of_sittings(3), PLAN)


def test_standard_processes_are_no_part_of_an_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)
    standard = [replace(cell, fidelity="standard") for cell in cells_of_sittings(3)]
    assert harness.needs_more(standard, PLAN)


def test_sampling_goes_on_until_the_samples_settle() -> None:
    plan = SamplingPlan(sample_s=1.0, sample_limit_s=1.0, settle_limit_s=9.0)
    falling = [1.0 - 0.02 * i for i in range(20)]
    assert plan.needs_sample(falling, 2.0, 1.0) and not plan.needs_sample(falling, 9.0, 1.0)
    assert not plan.needs_sample([0.1] * 20, 2.0, 1.0)


def test_every_audited_process_has_an_environment_and_a_heap_of_another_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harness, "canary", lambda: 0.02)
    quick = SamplingPlan(sample_s=0.01, sample_limit_s=0.01, warmup_limit_s=0.01, min_samples=3)
    monkeypatch.setattr(
        harness, "cell_plan", lambda *_: replace(PLAN, sampling=quick, min_cells=2, max_cells=2)
    )
    store = MemoryStore()
    harness.run(
        [workload("a")],
        store=store,
        environment=HERE,
        options=terms.Options(Path("artifacts"), fidelity="audit"),
        children=Children(launcher=pretend.HASTY_LAUNCHER),
    )
    layouts = [cell.facts["layout"] for cell in store.kept_cells[:2]]
    assert layouts[0] != layouts[1]
    assert all(0 <= size < 4096 for size in (one["environment_padding_bytes"] for one in layouts))


def test_the_padding_is_in_the_childs_environment(tmp_path: Path) -> None:
    code = (
        "import json, os, sys; given = json.load(sys.stdin); "
        f"print(len(os.environ.get({PADDING_VARIABLE!r}, '')))"
    )
    children = Children(launcher=(sys.executable, "-c", code))
    assert children.run("", {"environment_padding_bytes": 77}, 20.0).log == ("77",)
    assert children.run("", {}, 20.0).log == ("0",)
