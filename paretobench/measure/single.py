"""One workload, measured here and answered as JSON: what an ssh host or a cluster job runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from paretobench.analysis import stats
from paretobench.domain import Workload
from paretobench.domain.records import Cell, Environment, Failure, Fidelity
from paretobench.measure import events, harness, terms
from paretobench.measure.environment import fingerprint
from paretobench.measure.process import Children


class MemoryStore:
    """A `CellStore` that forgets: for one answer, and for tests."""

    def __init__(self) -> None:
        self.kept_cells: list[Cell] = []
        self.kept_failures: list[Failure] = []

    def add_environment(self, environment: Environment) -> str:
        """Nothing is kept but the key, which the environment knows."""
        return environment.key

    def add_workloads(self, workloads: Iterable[Workload]) -> int:
        """Nothing is kept."""
        return 0

    def add_cell(self, cell: Cell) -> bool:
        """Keep a cell."""
        self.kept_cells.append(cell)
        return True

    def add_failure(self, failure: Failure) -> bool:
        """Keep a failure."""
        self.kept_failures.append(failure)
        return True

    def cells(
        self, environment_key: str | None = None, workload_keys: Iterable[str] | None = None
    ) -> list[Cell]:
        """The cells of these workloads in this environment; None means any."""
        return [c for c in self.kept_cells if _matches(c, environment_key, workload_keys)]

    def failures(
        self, environment_key: str | None = None, workload_keys: Iterable[str] | None = None
    ) -> list[Failure]:
        """The failures of these workloads in this environment; None means any."""
        return [f for f in self.kept_failures if _matches(f, environment_key, workload_keys)]

    def supersede_failures(
        self, environment_key: str, workload_keys: Iterable[str] | None = None
    ) -> int:
        """Forget these failures; returns how many there were."""
        before = self.failures(environment_key, workload_keys)
        self.kept_failures = [f for f in self.kept_failures if f not in before]
        return len(before)


def _matches(
    row: Cell | Failure, environment_key: str | None, workload_keys: Iterable[str] | None
) -> bool:
    here = environment_key is None or row.environment_key == environment_key
    return here and (workload_keys is None or row.workload_key in set(workload_keys))


def measure_alone(
    workload: Workload,
    fidelity: Fidelity | str = "standard",
    artifacts: Path | None = None,
    children: Children | None = None,
    listen: events.Listener = events.ignore,
) -> dict[str, Any]:
    """Measure one workload with every cell it needs; keeps nothing.

    Args:
        artifacts: the folder of prepared artifacts; None for this user's.
        children: how processes are started; None for this interpreter's.

    Returns:
        `workload`, `environment` (key, identity, observed), `cells`, `failures`, and
        `latency` (value, low, high in seconds, n, method) or None: all fit for JSON.
    """
    if artifacts is None:
        from paretobench.resources import cache_folder

        artifacts = cache_folder()
    store, environment = MemoryStore(), fingerprint()
    options = terms.Options(artifacts=artifacts, fidelity=fidelity)  # type: ignore[arg-type]
    harness.run(
        [workload],
        store=store,
        environment=environment,
        options=options,
        children=children,
        listen=listen,
    )
    cells = store.kept_cells
    return {
        "workload": workload.to_json(),
        "environment": {
            "key": environment.key,
            "identity": dict(environment.identity),
            "observed": dict(environment.observed),
        },
        "cells": [cell.to_json() for cell in cells],
        "failures": [vars(failure) for failure in store.kept_failures],
        "latency": vars(stats.measurement(cells).latency) if cells else None,
    }
