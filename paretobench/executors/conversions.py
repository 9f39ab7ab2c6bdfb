"""Conversions through an executor: artifacts are made where there is memory for it.

The artifact store must lie on a disk that the workers share with whoever measures, or be copied
from it; `paretobench.measure.builds` does the same work in this process.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paretobench.domain import Workload
from paretobench.executors import Ended, Unit
from paretobench.executors.shared import SharedFolderExecutor
from paretobench.measure.builds import TIMEOUT_S, Built


def unit_of(workload: Workload, artifacts: Path, timeout_s: float = TIMEOUT_S) -> Unit:
    """The unit that makes one workload's artifact in a store on the shared disk."""
    payload = {
        "workload": workload.to_json(),
        "artifacts": str(artifacts.absolute()),
        "timeout_s": timeout_s,
    }
    return Unit("convert", f"artifact of {workload.label}", payload)


def build_elsewhere(
    workloads: Sequence[Workload],
    executor: SharedFolderExecutor,
    artifacts: Path,
    timeout_s: float = TIMEOUT_S,
) -> list[Built]:
    """Make what is missing as units of an executor; one result per workload, in their order.

    Raises:
        ExecutorError: if the engine cannot be used.
    """
    units = {unit_of(one, artifacts, timeout_s).key: one for one in workloads}
    executor.submit([unit_of(one, artifacts, timeout_s) for one in units.values()])
    built = {}
    for ended in executor.collect():
        key = ended.handle.unit.key
        built[key] = _built(units[key], ended)
    return [built[key] for key in units]


def _built(workload: Workload, ended: Ended) -> Built:
    found = ended.facts.get("facts", {}).get("built")
    if found is None:
        return Built(workload, "failed", ended.device_s, reason=ended.reason)
    path = None if found["path"] is None else Path(found["path"])
    return Built(workload, found["state"], found["seconds"], path, found["size_bytes"])
