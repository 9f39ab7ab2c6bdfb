"""Time the probes of one backend in a fresh process: `python -m paretobench.measure.probe`.

A cell times one workload and starts anew for the next; probes only rank runtimes, so one process
makes, loads and times all that a backend has, each for a fraction of a second, and imports its
framework once.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paretobench.domain import Workload
from paretobench.measure import cell, child
from paretobench.measure.contention import MachineProbe, Watch, neighbours
from paretobench.planning.stopping import SamplingPlan

SAMPLING = SamplingPlan(
    warmup_limit_s=0.5, sample_s=0.5, sample_limit_s=0.5, share=0.0, min_samples=5
)
"""Half a second each to warm up and to sample: probes take 1 to 50 ms."""

WAIT_LIMIT_S = 10.0
"""Longest wait of one probe for a quiet machine."""


def orders(workloads: Sequence[Workload], artifacts: Path, result: Path) -> dict[str, Any]:
    """What a process is sent: the probes of one backend, and where the answer goes."""
    return {
        "workloads": [workload.to_json() for workload in workloads],
        "artifacts": str(artifacts),
        "result": str(result),
    }


def time_one(workload: Workload, artifacts: Path) -> dict[str, Any]:
    """A probe's median in seconds and whether other programs disturbed it, or why it failed."""
    watch = Watch(MachineProbe(), WAIT_LIMIT_S, name_neighbours=neighbours)
    try:
        session, _, _ = cell.load(workload, {"artifacts": str(artifacts)})
        timed = cell.time_session(session, SAMPLING, 0.0, watch)
        session.close()
    except Exception as error:
        return {"median_s": None, "reason": child.error_record(error)["reason"]}
    counted = watch.counted(timed["samples_s"])
    is_disturbed = len(counted) < min(SAMPLING.min_samples, len(timed["samples_s"]))
    by = ", ".join(one.name for one in watch.neighbours) or "other programs"
    return {
        "median_s": statistics.median(counted or timed["samples_s"]),
        "reason": f"disturbed by {by}" if is_disturbed else "",
    }


def main() -> int:
    """Read orders, time one probe after the other, answer."""
    given = child.read_orders()
    found = {}
    for data in given["workloads"]:
        workload = Workload.from_json(data)
        found[workload.key] = time_one(workload, Path(given["artifacts"]))
        gc.collect()
    child.write_answer(given["result"], {"status": "ok", "probes": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
