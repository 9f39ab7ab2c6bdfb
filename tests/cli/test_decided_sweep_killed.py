"""A sweep that a question decides, killed at random moments: it goes on with the same decisions."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from paretobench.config import expand
from paretobench.domain.records import Cell
from paretobench.measure import by_decision
from paretobench.planning.plan import Plan
from paretobench.planning.question import Inquiry
from paretobench.planning.stopping import CellPlan, cell_plan
from paretobench.store import Store
from paretobench.sweeping.asking import inquiry_for
from paretobench.sweeping.prepare import prepare
from tests.cli.test_sweep import write_models
from tests.cli.test_sweep_killed import begin, stored, wait_until_alone

pytest.importorskip("torch")
pytest.importorskip("openvino")
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

KILLS = max(6, int(os.environ.get("PARETOBENCH_TEST_KILLS", "16")) // 4)
LONGEST_S = 8.0
"""Up to two processes after the first was stored: kills fall into all that happens between them."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
GRID = [
    *("encoder=tiny", "llm=small", "resolution=32,48", "fidelity=quick", "device=cpu"),
    *("name=tiny", "until=front", "tie=0", "confidence=0.9999", "choose=listed"),
]
"""Two sizes of nearly one latency, whose order is not to be known soon."""

SCORES = "encoder,resolution_px,llm,recipe,benchmark,value_percent\n" + "".join(
    f"tiny,{size},small,ours,avg5,{40 - size / 10}\n" for size in (32, 48)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_models(tmp_path, SCORES)
    return tmp_path


def kill_later(folder: Path, rng: random.Random) -> int:
    """Begin or continue the sweep, and end it or its group while it measures; its exit status."""
    sweep = begin(["sweep", *GRID, "check=0"], folder)
    known = len(stored(folder))
    while sweep.poll() is None and len(stored(folder)) == known:
        time.sleep(0.2)
    time.sleep(rng.uniform(0.0, LONGEST_S))
    if sweep.poll() is None:
        (os.killpg if rng.random() < 0.5 else os.kill)(sweep.pid, rng.choice(SIGNALS))
    return sweep.wait(120)


def test_after_every_kill_it_goes_on_with_the_decisions_of_one_that_was_not_killed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = folder / "results" / "paretobench.db"
    before = tmp_path / "before.db"
    shutil.copy(database, before)
    rng, known = random.Random(1), set[str]()
    for _ in range(KILLS):
        assert kill_later(folder, rng) != 0, "the front was known before it could be killed"
        wait_until_alone(folder)
        assert known <= stored(folder), "a cell that was stored is gone"
        known = stored(folder)
    monkeypatch.chdir(folder)
    inquiry, rule, planned = asked(before)
    with Store.open(database, read_only=True) as store:
        cells = sorted(store.cells(), key=lambda cell: cell.started_at)
        assert not store.failures()
    assert len({cell.sweep_key for cell in cells}) == 1
    assert len(cells) > len(inquiry.parts), "every kill fell into the first round"
    for n, cell in enumerate(cells):
        made = decision(cells[:n], inquiry, rule, planned)
        assert made == (cell.workload_key, cell.round_index), f"process {n + 1} of {len(cells)}"


def asked(path: Path) -> tuple[Inquiry, CellPlan, Plan]:
    """The question and the plan of a sweep that has not begun."""
    with Store.open(path, read_only=True) as store:
        (prepared,), _ = prepare(expand(GRID), store)
        settings = prepared.request.settings
        rule = cell_plan(settings.fidelity, settings.precision_goal)
        prepared.site.close()
        return inquiry_for(prepared, store), rule, prepared.plan


class StartedError(Exception):
    """Ends a sweep at its first start."""


def decision(cells: list[Cell], inquiry: Inquiry, rule: CellPlan, planned: Plan) -> tuple[str, int]:
    """What is started after these cells, and in which round."""
    workloads = {one.workload.key: one.workload for one in planned.workloads}
    of_sweep = {key: [cell for cell in cells if cell.workload_key == key] for key in workloads}

    def start(workload: Any, round_index: int, phase: str) -> None:
        raise StartedError(workload.key, round_index)

    sweep = SimpleNamespace(
        plan=rule,
        options=SimpleNamespace(cheapest=planned.cheapest, preparation_s={}),
        cells=of_sweep,
        of_sweep=of_sweep.get,
        workloads=workloads,
        failed={},
        prepared=dict.fromkeys(workloads),
        deadline=SimpleNamespace(left_s=float("inf"), fits=lambda seconds: True),
        start=start,
    )
    try:
        return by_decision.measure_by_decision(sweep, inquiry), -1  # type: ignore[arg-type]
    except StartedError as chosen:
        key, round_index = chosen.args
        return key, round_index
