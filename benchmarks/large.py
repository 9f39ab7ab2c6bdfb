"""A large database to measure on: 10,000 points, a hundred devices, a million cells.

The points are a real grid of this package's own catalogue, expanded and planned as a sweep
does it; the latencies are those that the plan expects, with made-up noise, so that fronts and
figures look as measured ones do. The first device is this machine, so that a plan finds its
own cells among those of the others. Making a million cells takes about three minutes and
2.5 GB; `plan.py` and `store.py` take the file by `--database` and change nothing in it.

    python benchmarks/large.py FILE [--cells 1000000] [--devices 100] [--points 10000]

`--report FOLDER` then writes the whole report of the file (every figure in every format, page
and tables), in a process of its own as a user would, and prints how long that took:

    python benchmarks/large.py large.db --cells 20000 --devices 1 --report report
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from paretobench.config import Request, expand
from paretobench.domain import Workload
from paretobench.domain.records import Cell, Environment, Score, Source
from paretobench.planning.plan import Plan
from paretobench.store import Link, Store, StoredPoint
from paretobench.sweeping.prepare import PlannedSweep, prepare

ENCODERS = ("fastvithd", "fastvit", "convnext_l", "convnext_xxl")
TILINGS = ("none", "grid_2x2", "pixel_shuffle", "m3_36", "resampler_64")
LLMS = (
    *("qwen2_0_5b", "qwen2_1_5b", "qwen1_5_0_5b", "qwen2_5_0_5b", "qwen2_5_1_5b", "qwen2_5_3b"),
    *("qwen3_0_6b", "qwen3_1_7b", "qwen3_4b", "smollm2_135m", "smollm2_360m", "smollm2_1_7b"),
    *("mobilellama_1_4b", "mobilellama_2_7b", "deepseek_llm_1_3b", "phi3_mini"),
)
RESOLUTIONS = tuple(range(256, 2049, 32))

SAMPLES = 20
"""Timed runs of one cell: what `standard` keeps of a workload of 100 ms."""


def grid(wanted: int) -> Request:
    """`wanted` points, at most some 11,000, none of which this machine refuses."""
    with tempfile.TemporaryDirectory() as folder:
        request = expand(["+grid=large"], write_grid(Path(folder)))
    (prepared,), _ = prepare(request, None, must_run=False)
    planned = [one.point for one in prepared.plan.points]
    stride = max(1.0, len(planned) / wanted)
    chosen = [planned[int(i * stride)] for i in range(min(wanted, len(planned)))]
    return replace(request, points=type(request.points)(chosen), refused=type(request.refused)())


def write_grid(sweeps: Path) -> Path:
    """Put the grid file into a folder of a user's own; returns the folder."""
    params = f"{{llm: {list(LLMS)}, tiling: {list(TILINGS)}}}"
    block = f"{{encoder: {list(ENCODERS)}, resolution: {list(RESOLUTIONS)}}}"
    text = "# @package _global_\nname: large\nhydra:\n  sweeper:\n"
    text += f"    params: {params}\n    blocks:\n      - {block}\n"
    (sweeps / "grid").mkdir()
    (sweeps / "grid" / "large.yaml").write_text(text, encoding="utf-8")
    return sweeps


def devices(here: Environment, count: int) -> list[Environment]:
    """This machine and others that differ in their chip."""
    others = [Environment({**here.identity, "chip": f"chip {i}"}) for i in range(1, count)]
    return [here, *others]


def noises(kinds: int = 97) -> list[tuple[float, ...]]:
    """The runs of as many processes, each over what it is expected to take: they differ by half
    a percent from process to process and by one percent within."""
    dice = random.Random(0)
    centres = [dice.gauss(1.0, 0.005) for _ in range(kinds)]
    return [tuple(max(0.9, dice.gauss(it, 0.01)) for _ in range(SAMPLES)) for it in centres]


def cells(
    workloads: Sequence[Workload],
    where: Environment,
    sweep: str | None,
    count: int,
    expected_s: Sequence[float] = (0.1,),
) -> Iterator[Cell]:
    """`count` cells of one device, the workloads in turn, as randomised rounds leave them.

    Args:
        expected_s: what a run of each workload takes, the last for those that follow.
    """
    known = noises()
    for i in range(count):
        typical_s = expected_s[min(i % len(workloads), len(expected_s) - 1)]
        yield Cell(
            workload_key=workloads[i % len(workloads)].key,
            environment_key=where.key,
            sweep_key=sweep,
            started_at=f"2026-01-{1 + i % 28:02d}T{i // 28 % 24:02d}:00:00.{i:06d}Z",
            fidelity="standard",
            round_index=i // len(workloads),
            load_s=1.0 + i * 1e-7,
            first_run_s=0.5,
            warmup_s=(0.2 + i * 1.3e-7, 0.15),
            samples_s=tuple(typical_s * share for share in known[i % len(known)]),
            canary_before_s=0.0201234,
            canary_after_s=0.0201567,
            wall_s=4.0,
            peak_memory_bytes=1 << 30,
            facts={"threads": 2, "isa": "avx512_bf16", "runtime": "made up"},
        )


def fill(store: Store, prepared: PlannedSweep, n_cells: int, n_devices: int) -> None:
    """Points, one sweep for each device, and the cells, as many for each."""
    plan = prepared.plan
    workloads = [one.workload for one in plan.workloads]
    expected_s = [one.expected.latency_s for one in plan.workloads]
    store.add_workloads(workloads)
    points = stored_points(plan)
    store.add_scores(scores(points))
    for where in devices(prepared.environment, n_devices):
        with store.transaction():
            store.add_environment(where)
            sweep = store.add_sweep("large", "", {}, 0, where.key, "2026-01-01T00:00:00Z")
            store.add_points(sweep, points)
        stream = cells(workloads, where, sweep, n_cells // n_devices, expected_s)
        while chunk := list(islice(stream, 10_000)):
            store.add_cells(chunk)


def stored_points(plan: Plan) -> list[StoredPoint]:
    """The plan's points as a sweep stores them."""
    return [
        StoredPoint.of(
            one.point,
            one.tiles,
            [
                *(Link("encode", workload.key, passes) for workload, passes in one.encodes),
                *(Link("prefill", workload.key, times) for workload, times in one.prefills),
            ],
        )
        for one in plan.points
    ]


def scores(points: Sequence[StoredPoint]) -> list[Score]:
    """One score for each point: more with more tokens and parameters, with some scatter."""
    source = Source("imported", "made up for a benchmark")
    made = []
    for i, point in enumerate(points):
        gain = math.log(point.visual_tokens * point.described["llm"]["parameters"]) / 60
        value = min(0.99, gain + (i * 7919 % 1000) / 1e4)
        made.append(
            Score(**point.identity(), recipe="", benchmark="avg5", value=value, source=source)
        )
    return made


def time_report(database: Path, folder: Path) -> None:
    """Write the whole report in a process of its own; say what that took, start included."""
    command = [sys.executable, "-m", "paretobench", "report", "--quiet"]
    start = time.perf_counter()
    subprocess.run(
        [*command, "-d", str(database), "--out", str(folder)], check=True, capture_output=True
    )
    wall_s = time.perf_counter() - start
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory_gib = spent.ru_maxrss / (1 << 30 if sys.platform == "darwin" else 1 << 20)
    print(
        f"report in {folder}: {wall_s:.1f} s, of these {spent.ru_utime:.1f} s of computing and "
        f"{spent.ru_stime:.1f} s in the system; at most {memory_gib:.2f} GiB"
    )


def main(arguments: Sequence[str]) -> int:
    """Make the file and say what is in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--report", type=Path, help="then write its report here and time that")
    options = parser.parse_args(arguments)
    (prepared,), _ = prepare(grid(options.points), None, must_run=False)
    with Store.open(options.file) as store:
        fill(store, prepared, options.cells, options.devices)
        print(f"{prepared.plan.summary}\n{store.cell_count()} cells in {options.file}")
    if options.report is not None:
        time_report(options.file, options.report)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
