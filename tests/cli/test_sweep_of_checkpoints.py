"""Both axes of one checkpoint: lmms-eval scores it, torch times its own weights, one plot."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paretobench.domain.checkpoint import checkpoint_hash
from paretobench.measure.lock import FOLDER_VARIABLE
from tests.accuracy.lmms import two_checkpoints
from tests.accuracy.lmms.two_checkpoints import POINTS, YES, write_two_checkpoints

pytest.importorskip("torch")
try:
    importlib.metadata.version("lmms_eval")
except importlib.metadata.PackageNotFoundError:
    pytest.skip("lmms-eval is not installed", allow_module_level=True)

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

STARTING_S = 10.0
"""Of the command itself, before its budget begins."""

SWEEP = (*two_checkpoints.SWEEP, "weights=checkpoint", "name=both")


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paretobench", *args]
    # A lock of its own: nothing is concluded from these times, so nothing need wait for them.
    environment = {**os.environ, FOLDER_VARIABLE: str(folder / "locks")}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny checkpoints, their data, and a sweep of both."""
    folder = tmp_path_factory.mktemp("both")
    write_two_checkpoints(folder)
    result = run(folder, *SWEEP)
    assert result.returncode == 0, result.stderr
    return folder


def rows(folder: Path) -> dict[str, dict]:
    shown = {}
    for point in POINTS:
        (row,) = json.loads(run(folder, "show", point, "--json").stdout)
        shown[row["encoder"]] = row
    return shown


def test_both_axes_carry_the_hash_of_one_checkpoint(folder: Path) -> None:
    found = rows(folder)
    for encoder, name in (("little_fastvit", "fast_vlm"), ("little_clip", "llava")):
        row, digest = found[encoder], checkpoint_hash(folder / name)
        assert row["timed_checkpoint"] == row["score_checkpoint"] == digest
        assert row["ttft_s"] > 0
        assert row["score_fraction"] == pytest.approx(YES)
        assert "different weights" not in row["labels"]


def test_one_plot_names_the_weights_of_both_axes(folder: Path) -> None:
    plot = (folder / "reports" / "both" / "pareto.svg").read_text()
    for name in ("fast_vlm", "llava"):
        assert checkpoint_hash(folder / name)[:12] in plot


def test_the_same_command_again_measures_and_scores_nothing(folder: Path) -> None:
    again = run(folder, *SWEEP)
    assert again.returncode == 0, again.stderr
    assert "nothing had to be measured" in again.stderr


def test_a_changed_checkpoint_is_another_workload(folder: Path, tmp_path: Path) -> None:
    planned = json.loads(run(folder, "plan", *SWEEP[1:], "--json").stdout)
    card = folder / "llava" / "generation_config.json"
    text = card.read_text()
    try:
        card.write_text(text + "\n")
        changed = json.loads(run(folder, "plan", *SWEEP[1:], "--json").stdout)
    finally:
        card.write_text(text)
    states = [workload["state"] for workload in planned["workloads"]]
    assert states == ["done"] * 4
    assert sorted(workload["state"] for workload in changed["workloads"]) == [
        "done", "done", "pending", "pending",
    ]  # fmt: skip


def test_a_budget_covers_scoring_too_and_partial_scores_are_named(tmp_path: Path) -> None:
    write_two_checkpoints(tmp_path)
    started = time.monotonic()
    result = run(tmp_path, *two_checkpoints.SWEEP, "budget=150s", "check=0", "name=budget")
    assert result.returncode == 0, result.stderr
    assert time.monotonic() - started <= 1.1 * 150 + STARTING_S
    scores = json.loads(run(tmp_path, "ls", "scores", "--json").stdout)
    own = [score for score in scores if score["recipe"] == "tiny"]
    assert {score["encoder"] for score in own} == {"little_fastvit", "little_clip"}
    assert "racing: " in result.stderr
    report = (tmp_path / "reports" / "budget" / "README.md").read_text()
    has_partial = any(score["partial"] == "yes" for score in own)
    assert ("Scored on part of the items alone" in report) == has_partial
