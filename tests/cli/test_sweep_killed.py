"""The real command, killed at random moments: while it plans, measures, stores and reports."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from paretobench.domain.records import Cell
from paretobench.store import Store
from tests.cli.test_sweep import SWEEP, folder, run

__all__ = ["folder"]

KILLS = int(os.environ.get("PARETOBENCH_TEST_KILLS", "16"))
LONGEST_S = 3.0
"""A process or two after the first began: kills fall into cells and the rows between them."""

TARGETS = ("coordinator", "child", "both", "group")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)

COMMAND = [*SWEEP, "resolution=32,48,64", "fidelity=standard", "check=0"]


def begin(words: list[str], folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start the command in a group of its own, one that every signal reaches: a shell's background
    job would hand down that SIGINT is to be ignored."""
    return subprocess.Popen(
        [sys.executable, "-m", "paretobench", *words],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


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


def children(sweep: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [child for child in sweep.children() if child.status() != psutil.STATUS_ZOMBIE]
    return []


def hit(sweep: subprocess.Popen[bytes], rng: random.Random) -> tuple[str, signal.Signals] | None:
    """Send a signal while a cell runs; None if the sweep was over before."""
    process = psutil.Process(sweep.pid)
    while sweep.poll() is None and not children(process):
        time.sleep(0.01)
    time.sleep(rng.uniform(0.0, LONGEST_S))
    running = children(process) if sweep.poll() is None else []
    if not running:
        return None
    target, number = rng.choice(TARGETS), rng.choice(SIGNALS)
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        if target in ("child", "both"):
            running[0].send_signal(number)
        if target == "child":  # the sweep starts another; it is ended a moment later
            time.sleep(rng.uniform(0.5, LONGEST_S))
            number = signal.SIGTERM
        if target in ("child", "coordinator", "both"):
            process.send_signal(number)
        if target == "group":
            os.killpg(sweep.pid, number)
    return target, number


@pytest.mark.heavy
@pytest.mark.timeout(2400)
def test_kills_while_cells_run_lose_nothing_double_nothing_and_leave_nothing(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "sweeps", tmp_path / "sweeps")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    rng, known, hits = random.Random(0), set[str](), Counter[str]()
    for _ in range(KILLS):
        sweep = begin([*COMMAND, "retry_failed=true"], tmp_path, TMPDIR=str(temporary))
        struck = hit(sweep, rng)
        status = sweep.wait(120 if struck else 900)
        if struck is not None:
            hits[struck[0]] += status != 0  # 0: it was over before the signal came
            is_killed = struck[1] == signal.SIGKILL
            assert status in (0, -signal.SIGKILL if is_killed else 128 + struck[1]), struck
            left = list(temporary.glob("paretobench-*"))
            assert is_killed or left == [], "temporary folders outlived an orderly end"
            for folder_left in left:
                shutil.rmtree(folder_left)
        wait_until_alone(tmp_path)
        now = stored(tmp_path)
        assert known <= now, "a cell that was stored is gone"
        known = now
        if struck is None:  # all is measured: begin again, with what is known forgotten
            (tmp_path / "results" / "paretobench.db").unlink()
            known = set()
    assert sum(hits.values()) >= KILLS // 2, "the sweep was over before most of the kills"
    done = run(tmp_path, *COMMAND, "retry_failed=true")
    assert done.returncode == 0, done.stderr
    assert known <= stored(tmp_path)
    again = run(tmp_path, *COMMAND)
    assert "nothing had to be measured" in again.stderr
    assert len(json.loads(run(tmp_path, "ls", "workloads", "--json").stdout)) == 6
    with Store.open(tmp_path / "results" / "paretobench.db", read_only=True) as store:
        assert not measured_twice(store.cells())


def measured_twice(cells: list[Cell]) -> list[tuple[object, ...]]:
    """Rounds in which a workload was measured again although its first process was in order; one
    that is suspect or disturbed is repeated once."""
    rounds: dict[tuple[object, ...], list[str]] = {}
    for cell in sorted(cells, key=lambda cell: cell.started_at):
        place = (cell.workload_key, cell.sweep_key, cell.round_index)
        rounds.setdefault(place, []).append(cell.status)
    return [
        place
        for place, statuses in rounds.items()
        if len(statuses) > 2 or (len(statuses) == 2 and statuses[0] in ("ok", "unjudged"))
    ]


def wait_until_alone(folder: Path) -> None:
    """Until no process of the sweep in this folder is left; they end with their coordinator."""
    deadline = time.monotonic() + 30
    while left := [p for p in psutil.process_iter() if _works_in(p, folder)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE
    return False
