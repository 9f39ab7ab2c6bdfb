"""A folder of a user who has two tiny checkpoints: to be scored, to be timed, to be planned."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
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
    "vocab_size": 300, "max_positions": 2048, "parameters": 34848,
}  # fmt: skip
PLACE = {"llm": "small", "recipe": "tiny"}
CHECKPOINTS = [
    {"checkpoint": "fast_vlm", "encoder": "little_fastvit", "resolution_px": 64, **PLACE},
    {"checkpoint": "llava", "encoder": "little_clip", "resolution_px": 28, **PLACE},
]
POINTS = ("little_fastvit@64+small", "little_clip@28+small")
YES = (4 / 12 + 3.8 / 6 + 2 / 3 + 9 / 12 + 3 / 9) / 5
"""Avg-5 of a model that says yes to everything, by the data sets' construction."""

SWEEP = (
    "sweep", "encoder=little_fastvit,little_clip", "llm=small", "device=torch",
    "device.encode.precision=fp32", "device.prefill.precision=fp32", "fidelity=quick",
    "accuracy=lmms_eval",
)  # fmt: skip


def write_two_checkpoints(folder: Path) -> None:
    """The checkpoints and their data, and the user's own files that name them."""
    command = [sys.executable, "-m", "tests.accuracy.lmms.tiny", str(folder)]
    subprocess.run(command, check=True, cwd=REPOSITORY, capture_output=True)
    files = {f"encoder/{n}": ENCODER | e | {"label": n, "family": n} for n, e in ENCODERS.items()}
    for name, content in (files | {"llm/small": LLM}).items():
        path = folder / "sweeps" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    defaults = {"device": "cpu", "batch_size": 6, "data": "data"}
    whole = {"defaults": defaults, "checkpoints": CHECKPOINTS}
    (folder / "checkpoints.yaml").write_text(yaml.safe_dump(whole))
