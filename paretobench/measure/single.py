"""One workload without a database: what a remote host or a cluster job measures and sends back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from paretobench.backends.artifacts import default_root
from paretobench.domain import Workload
from paretobench.measure import events, harness
from paretobench.measure.environment import fingerprint
from paretobench.records import Cell, Environment, Failure, Fidelity


class MemoryStore:
    """Cells and failures of one call; `harness.CellStore` without a file."""

    def __init__(self) -> None:
        self.kept: list[Cell] = []
        self.failed: list[Failure] = []

    def add_environment(self, environment: Environment) -> str:
        """Nothing to keep; returns the key."""
        return environment.key

    def add_workloads(self, workloads: Iterable[Workload]) -> int:
        """Nothing to keep."""
        return len(list(workloads))

    def add_cell(self, cell: Cell) -> bool:
        """Keep a cell."""
        self.kept.append(cell)
        return True

    def add_failure(self, failure: Failure) -> bool:
        """Keep a failure."""
        self.failed.append(failure)
        return True

    def cells(
        self, environment_key: str | None = None, workload_keys: Iterable[str] | None = None
    ) -> list[Cell]:
        """What was kept."""
        return list(self.kept)

    def failures(
        self, environment_key: str | None = None, workload_keys: Iterable[str] | None = None
    ) -> list[Failure]:
        """What was kept."""
        return list(self.failed)

    def supersede_failures(
        self, environment_key: str, workload_keys: Iterable[str] | None = None
    ) -> int:
        """There is nothing from before."""
        return 0


def measure_alone(
    workload: Workload,
    fidelity: Fidelity = "standard",
    listen: events.Listener = events.ignore,
) -> dict[str, Any]:
    """Measure one workload on this machine and return everything as JSON.

    Returns:
        `workload`, `environment` (identity and observed), `cells`, `failures`.

    Raises:
        LockError: if the device is held and cannot be waited for.
    """
    store, environment = MemoryStore(), fingerprint()
    harness.run(
        [workload],
        store=store,
        environment=environment,
        options=harness.Options(artifacts=default_root(), fidelity=fidelity),
        listen=listen,
    )
    failures = [{"kind": f.kind, "reason": f.reason, "at": f.at} for f in store.failed]
    return {
        "workload": workload.to_json(),
        "environment": {
            "identity": dict(environment.identity),
            "observed": dict(environment.observed),
        },
        "cells": [cell.to_json() for cell in store.kept],
        "failures": failures,
    }
