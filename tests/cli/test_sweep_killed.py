"""The real command, killed at random moments: while it plans, measures, stores and reports."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from paretobench.store import Store
from tests.cli.test_sweep import SWEEP, folder, run

__all__ = ["folder"]

KILLS = 50
LONGEST_S = 9.0
"""A start and a process or two: kills fall into the plan, the cells, the rows between them."""

COMMAND = [*SWEEP, "resolution=32,48,64", "fidelity=standard", "check=0"]


def stored(folder: Path) -> set[str]:
    """Keys of all cells, from a database that is whole."""
    path = folder / "results" / "paretobench.db"
    if not path.exists():
        return set()
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    with Store.open(path, read_only=True) as store:
        return {cell.key for cell in store.cells()}


@pytest.mark.heavy
@pytest.mark.timeout(2400)
def test_fifty_kills_of_the_real_command_lose_nothing_and_double_nothing(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "sweeps", tmp_path / "sweeps")
    rng, known, hits = random.Random(0), set[str](), 0
    for _ in range(KILLS):
        sweep = subprocess.Popen(
            [sys.executable, "-m", "paretobench", *COMMAND],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.2, LONGEST_S))
        hits += sweep.poll() is None
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
        now = stored(tmp_path)
        assert known <= now, "a cell that was stored is gone"
        known = now
    assert hits >= KILLS // 2, "the sweep was over before most of the kills"
    done = run(tmp_path, *COMMAND)
    assert done.returncode == 0, done.stderr
    assert known <= stored(tmp_path)
    again = run(tmp_path, *COMMAND)
    assert "nothing had to be measured" in again.stderr
    assert len(json.loads(run(tmp_path, "ls", "workloads", "--json").stdout)) == 6
    with Store.open(tmp_path / "results" / "paretobench.db", read_only=True) as store:
        good = [cell for cell in store.cells() if cell.status == "ok"]
    visits = Counter((cell.workload_key, cell.sweep_key, cell.round_index) for cell in good)
    assert set(visits.values()) == {1}, "a workload was measured twice in one round"
