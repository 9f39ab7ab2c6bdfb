"""How long a large grid takes to plan, against composing each of its points through Hydra.

Hydra's own sweeper composes a configuration for each point. Here a grid takes one composition
and one file per name (`paretobench.config.composition`). Both are timed in this process, the
second on a sample of points, scaled to all.

    python benchmarks/plan.py [POINTS]
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from paretobench.config import composition, expand
from paretobench.cost import Machine
from paretobench.domain import Device, GridPoint, Runtime
from paretobench.plan import make_plan

SAMPLE = 20
"""Points that are composed in full."""

ENCODERS = ("fastvithd", "fastvit", "convnext_l", "convnext_xxl")


def main(wanted: int) -> None:
    """Print points, workloads and the seconds of each way."""
    with tempfile.TemporaryDirectory() as folder:
        sweeps = Path(folder)
        (sweeps / "grid").mkdir()
        (sweeps / "grid" / "large.yaml").write_text(_grid(wanted), encoding="utf-8")
        start = time.perf_counter()
        request = expand(["+grid=large"], sweeps)
        expanded_s = time.perf_counter() - start
        start = time.perf_counter()
        device = Device("none", Runtime("openvino", "bf16"), Runtime("torch", "bf16"))
        plan = make_plan(request.points, request.refused, device, Machine(1 << 40))
        planned_s = time.perf_counter() - start
        each_s = _full_composition_s(sweeps, request.points[:: len(request.points) // SAMPLE])
    points = len(request.points)
    print(f"{points} points, {len(plan.workloads)} workloads")
    print(f"expand {expanded_s:.2f} s, plan {planned_s:.2f} s")
    print(
        f"a composition per point would take {each_s * points:.0f} s ({each_s * 1e3:.0f} ms each)"
    )


def _grid(wanted: int) -> str:
    """A grid of about `wanted` points over four encoders and eight language models."""
    resolutions = [*itertools.islice(range(256, 10**6, 32), max(1, wanted // (len(ENCODERS) * 8)))]
    llms = ["qwen2_0_5b", "qwen2_1_5b", "qwen2_7b", "vicuna_7b"]
    llms += ["qwen3_0_6b", "qwen3_1_7b", "llama3_8b", "smollm2_360m"]
    return (
        f"# @package _global_\nname: large\nhydra:\n  sweeper:\n    params: {{llm: {llms}}}\n"
        f"    blocks:\n      - {{encoder: {list(ENCODERS)}, resolution: {resolutions}}}\n"
    )


def _full_composition_s(sweeps: Path, points: Sequence[GridPoint]) -> float:
    """Seconds of one complete composition, mean over `points`."""
    with composition.hydra_loader(sweeps) as loader:
        composer = composition.Composer(loader, composition.read_wish(["+grid=large"], loader))
        start = time.perf_counter()
        for point in points:
            composer.full(encoder=point.encoder.name, llm=point.llm.name, tiling="none")
        return (time.perf_counter() - start) / len(points)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
