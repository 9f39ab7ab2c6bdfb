"""This machine, in this process: hold its lock, run the harness, give the lock back."""

from __future__ import annotations

from collections.abc import Sequence

from paretobench.domain import Workload
from paretobench.domain.records import Environment
from paretobench.measure import events, harness
from paretobench.measure.lock import DeviceLock


def run(
    workloads: Sequence[Workload],
    *,
    store: harness.CellStore,
    environment: Environment,
    options: harness.Options,
    listen: events.Listener = events.ignore,
    wait: bool = True,
    lock: DeviceLock | None = None,
) -> harness.Account:
    """Measure on this machine what the store does not hold yet; see `harness.run`."""
    return harness.run(
        workloads,
        store=store,
        environment=environment,
        options=options,
        listen=listen,
        wait=wait,
        lock=lock,
    )
