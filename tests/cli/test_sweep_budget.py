"""Sweeps with a budget or a question, from the command line: real processes, tiny models."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paretobench.store import Store
from tests.cli.test_sweep import SCORES, run, write_models

pytest.importorskip("torch")
pytest.importorskip("openvino")
pytestmark = pytest.mark.heavy

GRID = ["encoder=tiny", "llm=small", "resolution=32,48,64", "fidelity=quick", "device=cpu"]
BUDGET_S = 100.0
BESIDES_S = 30.0
"""What a command takes besides its budget: imports, the fingerprint, the plan."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an encoder, an LLM and scores of two of three sizes."""
    write_models(tmp_path, SCORES)
    return tmp_path


def test_a_budget_is_held_and_the_front_is_drawn(folder: Path) -> None:
    started_at = time.monotonic()
    result = run(folder, "sweep", *GRID, "name=tiny", f"budget={BUDGET_S:g}s")
    took_s = time.monotonic() - started_at
    assert result.returncode == 0, result.stderr
    assert took_s <= 1.1 * BUDGET_S + BESIDES_S
    assert (folder / "reports" / "tiny" / "pareto.png").exists()
    (sweep, *_) = json.loads(run(folder, "ls", "sweeps", "--json").stdout)
    assert sweep["exit_status"] == 0


def test_a_front_needs_no_point_without_a_score(folder: Path) -> None:
    asked = (*GRID, "name=tiny", "until=front", "check=0", "tie=0.5")
    result = run(folder, "sweep", *asked)
    assert result.returncode == 0, result.stderr
    workloads = json.loads(run(folder, "ls", "workloads", "--json").stdout)
    measured = {one["label"] for one in workloads if one["cells"]}
    assert {"Tiny@32", "Tiny@64"} <= measured
    assert "Tiny@48" not in measured
    ahead = run(folder, "plan", *asked)
    assert "probably 0 processes" in ahead.stdout + ahead.stderr


def test_an_interrupted_sweep_leaves_the_front_so_far(folder: Path) -> None:
    words = [sys.executable, "-m", "paretobench", "sweep", *GRID, "name=tiny", "until=front"]
    process = subprocess.Popen([*words, "tie=0"], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        while cells(folder) < 4 and process.poll() is None:
            time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode not in (0, 1)
    assert "the front so far is in" in said
    assert (folder / "reports" / "tiny" / "pareto.png").exists()


def cells(folder: Path) -> int:
    """How many processes a folder's database has."""
    path = folder / "results" / "paretobench.db"
    with Store.open(path, read_only=True) as store:
        return len(store.cells())


def test_best_measures_what_is_missing_to_answer(folder: Path) -> None:
    words = ["best", "--under", "2s", "--measure", *GRID, "-d", "results/paretobench.db", "--json"]
    result = run(folder, *words)
    assert result.returncode == 0, result.stderr
    (answer, *_) = json.loads(result.stdout)
    assert answer["best"]["resolution_px"] == 64
    workloads = json.loads(run(folder, "ls", "workloads", "--json").stdout)
    assert "Tiny@48" not in {one["label"] for one in workloads if one["cells"]}


def test_words_of_a_sweep_without_measure_are_refused(folder: Path) -> None:
    result = run(folder, "best", "--under", "2s", "+grid=smoke")
    assert result.returncode == 2
    assert "--measure" in result.stderr
