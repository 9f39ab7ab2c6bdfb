"""Does a session take what the runtime's own benchmark tool says? One ratio per encoder.

    python benchmarks/encoders.py [fastvithd@256 vit_l14@336 ...] [--rounds 5] [--seconds 3]
                                  [--precision bf16] [--json FILE]

Each round times our session in this process and, right after it, the tool: OpenVINO's
benchmark_app in a process of its own (same exported graph, same precision, latency hint,
synchronous) for openvino, torch.utils.benchmark's blocked_autorange for torch. The ratio is
the median over rounds of ours over theirs, paired by round, so a slow minute hurts both.
Needs a quiet machine; the ratio of two busy halves means little.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paretobench import backends
from paretobench.backends import PreparedArtifact, hardware
from paretobench.config import load_catalogue
from paretobench.domain import Runtime, Workload, encode_workload
from paretobench.resources import cache_folder

DEFAULT = ("fastvithd@256", "fastvithd@512", "fastvit@512", "vit_l14@336", "convnext_l@320")
BENCHMARK_APP = (
    "import sys; sys.modules['openvino_telemetry'] = None; "
    "from openvino.tools.benchmark.main import main; main()"
)
ALLOWED = 0.05
"""Largest disagreement that counts as agreement."""


@dataclass(frozen=True)
class Row:
    """One encoder: medians over rounds in seconds, and the paired ratio with its range."""

    name: str
    runtime: str
    ours_s: float
    tool_s: float
    ratio: float
    lowest: float
    highest: float


def main(argv: Sequence[str] | None = None) -> int:
    """Compare every encoder asked for; exit status 1 if one disagrees by more than allowed."""
    options = _options(argv)
    rows = []
    for name in options.encoders:
        for backend, precision in _runtimes(options.precision):
            row = compare(_workload(name, backend, precision), options.rounds, options.seconds)
            print(_line(row), flush=True)
            rows.append(row)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return int(any(abs(row.ratio - 1) > ALLOWED for row in rows))


def compare(workload: Workload, rounds: int, seconds: float) -> Row:
    """Time one workload by ourselves and by the tool, in turn."""
    backend = backends.get(workload.runtime.backend)
    prepared = backend.prepare(workload, cache_folder())
    session: Any = backend.load(workload, prepared)
    time_session(session, seconds / 2)
    tool = _tool(workload, prepared, session)
    pairs = []
    for _ in range(rounds):
        pairs.append((time_session(session, seconds), tool(seconds)))
    session.close()
    ratios = [ours / theirs for ours, theirs in pairs]
    return Row(
        workload.label,
        str(workload.runtime),
        statistics.median(ours for ours, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )


def time_session(session: Any, seconds: float) -> float:
    """Median of our runs, as a cell takes them: a new input before each, untimed."""
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < 3 or time.perf_counter() < end:
        session.renew_input()
        start = time.perf_counter()
        session.run()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def benchmark_app(workload: Workload, graph: Path, seconds: float) -> float:
    """Median latency that OpenVINO's tool reports for the same graph, in seconds."""
    hints = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
    command = [sys.executable, "-c", BENCHMARK_APP, "-m", str(graph), "-d", "CPU", "-api", "sync"]
    command += ["-hint", "latency", "-infer_precision", hints[workload.runtime.precision]]
    command += ["-t", str(max(1, round(seconds)))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Median:\s+([0-9.]+) ms", done.stdout)
    if done.returncode or found is None:
        raise SystemExit(f"benchmark_app failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return float(found.group(1)) / 1e3


def torch_benchmark(session: Any, seconds: float) -> float:
    """Median of torch.utils.benchmark on the session's network and pixels, in seconds."""
    import torch
    from torch.utils.benchmark import Timer

    names = {"network": session.network, "pixels": session.pixels, "torch": torch}
    timer = Timer(
        "network(pixels)", globals=names, num_threads=torch.get_num_threads(), label="encode"
    )
    with torch.inference_mode():
        return float(timer.blocked_autorange(min_run_time=seconds).median)


def _tool(workload: Workload, prepared: PreparedArtifact, session: Any) -> Callable[[float], float]:
    if workload.runtime.backend == "torch":
        return lambda seconds: torch_benchmark(session, seconds)
    if prepared.path is None:
        raise SystemExit(f"{workload.label}: nothing was exported")
    graph = prepared.path / "encoder.xml"
    return lambda seconds: benchmark_app(workload, graph, seconds)


def _runtimes(precision: str) -> list[tuple[str, str]]:
    names = ("openvino", "torch")
    return [(name, precision) for name in names if backends.get(name).available().is_available]


def _workload(name: str, backend: str, precision: str) -> Workload:
    encoder, _, pixels = name.partition("@")
    runtime = Runtime(backend, precision, {"device": "cpu"})
    return encode_workload(load_catalogue().encoders[encoder], int(pixels), runtime)


def _line(row: Row) -> str:
    return (
        f"{row.name:24} {row.runtime:14} ours {row.ours_s * 1e3:8.1f} ms   "
        f"tool {row.tool_s * 1e3:8.1f} ms   "
        f"ratio {row.ratio:.3f} ({row.lowest:.3f} to {row.highest:.3f})"
    )


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    fast = "bf16" if hardware.detect().has_fast_bf16 else "fp32"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("encoders", nargs="*", default=list(DEFAULT), help="NAME@PIXELS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each half of a round")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default=fast)
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
