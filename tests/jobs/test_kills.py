"""kill -9 of the coordinator and of jobs at random moments: nothing lost, nothing twice."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.jobs.test_submitit import PATIENCE_S, coordinator, end_jobs, jobs_in, stored
from tests.remote.coordinator import TASKS
from tests.remote.fake_child import log, write_checkpoint

pytest.importorskip("submitit")
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

KILLS = 25
LAYERS = ("submitit.local._local", "submitit.core._submit", "jobs.unit", "fake_child")
"""A job's processes from the outside in, by a word of their command lines."""


def test_random_kills_of_coordinator_and_jobs_lose_nothing_and_repeat_nothing(
    tmp_path: Path,
) -> None:
    rng = random.Random(8)
    checkpoints: list[Path] = []
    kills: Counter[str] = Counter()
    while kills.total() < KILLS:
        checkpoints += [_checkpoint(tmp_path, len(checkpoints) + n, rng) for n in range(2)]
        _carry_on(tmp_path, checkpoints, kills, rng)
    end_jobs(tmp_path)
    assert kills["coordinator"] >= KILLS // 5 and len(kills) >= 4, f"one-sided: {kills}"
    for checkpoint in checkpoints:
        done = Counter(line for line in log(checkpoint) if line.startswith("done:"))
        assert set(done.values()) <= {1}, f"{checkpoint.name} did a finished task again: {done}"
    found = Counter((score.resolution_px, score.benchmark) for score in stored(tmp_path))
    averages = {64 + n: found.pop((64 + n, "avg5")) for n in range(len(checkpoints))}
    wanted = {(64 + n, task) for n in range(len(checkpoints)) for task in TASKS}
    assert found == Counter(dict.fromkeys(wanted, 1))
    # A job killed after two tasks leaves an average of two, marked as partial, beside the later.
    assert all(1 <= count <= len(TASKS) for count in averages.values()), averages


def _checkpoint(root: Path, number: int, rng: random.Random) -> Path:
    tasks = ("gqa", "textvqa_val", "docvqa_val")
    return write_checkpoint(root, f"c{number}", **{task: rng.uniform(0.1, 1.0) for task in tasks})


def _carry_on(root: Path, checkpoints: list[Path], kills: Counter[str], rng: random.Random) -> None:
    """Run coordinators until one of them collects everything, killing as we go."""
    deadline = time.monotonic() + 5 * PATIENCE_S
    while time.monotonic() < deadline:
        with coordinator(root, checkpoints) as process:
            while process.poll() is None:
                time.sleep(rng.uniform(0.5, 3.0))
                there = {layer: jobs_in(root, layer) for layer in LAYERS}
                if process.poll() is not None or kills.total() >= KILLS:
                    continue
                # Whoever is there and was hit least, so that the moments are left to chance
                # and the shares are not: the coordinator is always there.
                alive = [layer for layer in LAYERS if there[layer]]
                victim = min((*alive, "coordinator"), key=lambda at: (kills[at], rng.random()))
                with contextlib.suppress(psutil.NoSuchProcess):
                    (process if victim == "coordinator" else rng.choice(there[victim])).kill()
                    kills[victim] += 1
            if process.wait() == 0:
                return
    raise AssertionError(f"not everything was collected after {kills}")
