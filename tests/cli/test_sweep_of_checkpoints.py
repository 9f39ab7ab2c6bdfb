"""Both axes of one checkpoint: lmms-eval scores it, torch times its own weights, one plot."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from paretobench.checkpoint import checkpoint_hash
from paretobench.measure.lock import FOLDER_VARIABLE

pytest.importorskip("torch")
try:
    importlib.metadata.version("lmms_eval")
except importlib.metadata.PackageNotFoundError:
    pytest.skip("lmms-eval is not installed", allow_module_level=True)

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

REPOSITORY = Path(__file__).resolve().parents[2]
ENCODERS = {
    "little_fastvit": {"token_stride_px": 64, "sweep_resolutions_px": [64]},
    "little_clip": {"token_stride_px": 14, "sweep_resolutions_px": [28]},
}
ENCODER = {
    "architecture": "vit_tiny_patch16_224", "token_rounding": "floor", "parameters": 5524416,
    "output_channels": 192, "resolutions": {"min_px": 14, "max_px": 512, "why": "a test"},
}  # fmt: skip
LLM = {
    "label": "Small", "family": "Small", "size_label": "1M", "architecture": "qwen2",
    "hidden_size": 32, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "intermediate_size": 48,
    "vocab_size": 300, "max_positions": 2048, "parameters": 100000,
}  # fmt: skip
YES = (4 / 12 + 3.8 / 6 + 2 / 3 + 9 / 12 + 3 / 9) / 5
"""Avg-5 of a model that says yes to everything, by the data sets' construction."""

SWEEP = (
    "sweep", "encoder=little_fastvit,little_clip", "llm=small", "device=torch",
    "device.encode.precision=fp32", "device.prefill.precision=fp32", "fidelity=quick",
    "accuracy=lmms_eval", "weights=checkpoint", "name=both",
)  # fmt: skip


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
    command = [sys.executable, "-m", "tests.accuracy.lmms.tiny", str(folder)]
    subprocess.run(command, check=True, cwd=REPOSITORY, capture_output=True)
    files = {f"encoder/{n}": ENCODER | e | {"label": n, "family": n} for n, e in ENCODERS.items()}
    for name, content in (files | {"llm/small": LLM}).items():
        path = folder / "sweeps" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    place = {"llm": "small", "recipe": "tiny"}
    checkpoints = [
        {"checkpoint": "fast_vlm", "encoder": "little_fastvit", "resolution_px": 64, **place},
        {"checkpoint": "llava", "encoder": "little_clip", "resolution_px": 28, **place},
    ]
    defaults = {"device": "cpu", "batch_size": 6, "data": "data"}
    whole = {"defaults": defaults, "checkpoints": checkpoints}
    (folder / "checkpoints.yaml").write_text(yaml.safe_dump(whole))
    result = run(folder, *SWEEP)
    assert result.returncode == 0, result.stderr
    return folder


def rows(folder: Path) -> dict[str, dict]:
    shown = {}
    for point in ("little_fastvit@64+small", "little_clip@28+small"):
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
