"""Sweeps that are killed, and sweeps that share a database. Real processes throughout."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paretobench.domain.records import Cell
from paretobench.store import Store
from tests.measure import sweeping

DRIVER = str(Path(sweeping.__file__))


def sweep(folder: Path, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, DRIVER, str(folder / "db.sqlite"), str(folder), str(count)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate(timeout=1200)
    assert process.returncode == 0, said.decode()


def cells(folder: Path) -> list[Cell]:
    with Store.open(folder / "db.sqlite") as store:
        return store.cells()


def check_integrity(folder: Path) -> None:
    connection = sqlite3.connect(folder / "db.sqlite")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()


def check_complete(folder: Path, count: int) -> None:
    """Every workload has exactly its processes: one cell per round, but for repeats."""
    found = cells(folder)
    rounds: dict[tuple[str, int], list[str]] = {}
    for cell in found:
        rounds.setdefault((cell.workload_key, cell.round_index), []).append(cell.status)
    assert len({workload for workload, _ in rounds}) == count
    assert len(rounds) == count * sweeping.CELLS
    for statuses in rounds.values():
        assert statuses == ["ok"] or (statuses[0] == "suspect" and len(statuses) <= 2)


def wait_for(folder: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many cells are stored, or the process has ended."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if count == 0 or ((folder / "db.sqlite").exists() and len(cells(folder)) >= count):
            return
        time.sleep(0.02)


def kill_and_resume(folder: Path, count: int, kills: int) -> int:
    """Kill a sweep at random moments, then let it finish; returns the kills that hit it.

    The moments follow its progress, so that they hit on a fast machine as on a slow one: some
    while it starts and plans, some after one or two further cells, at a random instant each.
    """
    rng, known, hits = random.Random(0), set(), 0
    for _ in range(kills):
        process = sweep(folder, count)
        more = rng.choice((0, 1, 2))
        wait_for(folder, len(known) + more if more else 0, process)
        time.sleep(rng.uniform(0.0, 0.2 if more else 1.0))
        hits += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (folder / "db.sqlite").exists():
            check_integrity(folder)
            now = {cell.key for cell in cells(folder)}
            assert known <= now, "a cell that was stored is gone"
            known = now
    finish(sweep(folder, count))
    assert known <= {cell.key for cell in cells(folder)}
    check_integrity(folder)
    check_complete(folder, count)
    return hits


def test_a_sweep_killed_at_random_moments_is_completed_by_running_it_again(
    tmp_path: Path,
) -> None:
    assert kill_and_resume(tmp_path, count=24, kills=5) == 5


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    assert kill_and_resume(tmp_path, count=300, kills=50) == 50


def test_a_finished_sweep_is_not_measured_again(tmp_path: Path) -> None:
    finish(sweep(tmp_path, 1))
    before = {cell.key for cell in cells(tmp_path)}
    finish(sweep(tmp_path, 1))
    assert {cell.key for cell in cells(tmp_path)} == before


def test_eight_processes_on_one_database_never_measure_the_same_thing_twice(
    tmp_path: Path,
) -> None:
    for process in [sweep(tmp_path, 2) for _ in range(8)]:
        finish(process)
    check_integrity(tmp_path)
    check_complete(tmp_path, 2)


def test_ctrl_c_leaves_everything_consistent_and_no_process_behind(tmp_path: Path) -> None:
    process = sweep(tmp_path, 24)
    wait_for(tmp_path, 1, process)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
    finish(sweep(tmp_path, 24))
    check_complete(tmp_path, 24)
