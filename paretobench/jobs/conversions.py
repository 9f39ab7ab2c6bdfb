"""Conversions through an executor: artifacts are made where there is memory for it.

One unit makes one artifact, whatever the number of workloads that it serves: two jobs would make
the same weights twice. The artifact store must be on a disk that the workers share with the
process that measures, or be copied from it; `paretobench.measure.builds` does the same work in
this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paretobench.domain import Workload
from paretobench.errors import DataError
from paretobench.jobs import FinishedUnit, Unit
from paretobench.jobs.engines import Chosen
from paretobench.measure.builds import TIMEOUT_S, Built
from paretobench.measure.preparation import by_artifact
from paretobench.store import spool

Announce = Callable[[str], None]


def unit_of(workloads: Sequence[Workload], artifacts: Path, timeout_s: float = TIMEOUT_S) -> Unit:
    """The unit that makes the one artifact of some workloads in a store on the shared disk."""
    payload = {
        "workloads": [workload.to_json() for workload in workloads],
        "artifacts": str(artifacts.absolute()),
        "timeout_s": timeout_s,
    }
    return Unit("convert", f"artifact of {workloads[0].label}", payload)


def build_elsewhere(
    workloads: Sequence[Workload],
    chosen: Chosen,
    artifacts: Path,
    on_event: Announce = lambda _: None,
    timeout_s: float = TIMEOUT_S,
) -> list[Built]:
    """Make what is missing as units of an executor; one result per workload, in their order.

    Without `chosen.wait`, workloads whose unit is under way are not among the results.

    Raises:
        ExecutorError: if the engine cannot be used.
    """
    units = {}
    for group in by_artifact(workloads):
        unit = unit_of(group, artifacts, timeout_s)
        units[unit.key] = (unit, group)
    executor = chosen.executor
    for unit, _ in units.values():
        _reset_if_artifact_missing(chosen, unit)
    for handle in executor.submit([unit for unit, _ in units.values()]):
        on_event(str(handle))
    found: dict[str, Built] = {}
    with chosen.interruptible():
        for ended in executor.collect(wait=chosen.wait):
            unit, group = units[ended.handle.unit.key]
            on_event(f"{unit.label}: {ended.state.value}")
            found |= {one.workload.key: one for one in _built(group, ended)}
    if left := executor.under_way():
        on_event(f"conversions under way: {len(left)}; the same command collects them")
    return [found[workload.key] for workload in workloads if workload.key in found]


def _reset_if_artifact_missing(chosen: Chosen, unit: Unit) -> None:
    """A unit that ended is done again if its artifact was removed since."""
    path = chosen.executor.result(unit)
    if path is None:
        return
    try:
        paths = [one["path"] for one in spool.read(path).about["facts"]["built"]]
    except (DataError, KeyError, TypeError):
        return  # collecting it reports what is wrong with it
    if any(one is not None and not Path(one).exists() for one in paths):
        chosen.executor.forget(unit)


def _built(workloads: Sequence[Workload], ended: FinishedUnit) -> list[Built]:
    """What the worker said of each workload, or that its unit failed as a whole."""
    about = {} if ended.result is None else ended.result.about
    recorded = {one["key"]: one for one in about.get("facts", {}).get("built", ())}
    return [
        _from_json(workload, recorded[workload.key])
        if workload.key in recorded
        else Built(workload, "failed", float(about.get("wall_s", 0.0)), reason=ended.reason)
        for workload in workloads
    ]


def _from_json(workload: Workload, recorded: Mapping[str, Any]) -> Built:
    path = None if recorded["path"] is None else Path(recorded["path"])
    same = {name: recorded[name] for name in ("state", "seconds", "size_bytes", "reason")}
    return Built(workload, path=path, **same)
