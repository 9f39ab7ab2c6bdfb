"""One workload, measured here and answered as JSON: what an ssh host or a cluster job runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from paretobench.analysis import stats
from paretobench.domain import Workload
from paretobench.domain.records import Cell, Environment, Failure, Fidelity
from paretobench.measure import harness, terms
from paretobench.measure.environment import fingerprint
from paretobench.measure.process import Children
from paretobench.resources import cache_folder


class MemoryStore:
    """A `CellStore` that forgets: for one answer, and for tests.

    Args:
        cells, failures: what is known already.
    """

    def __init__(self, cells: Iterable[Cell] = (), failures: Iterable[Failure] = ()) -> None:
        self.kept_cells, self.kept_failures = list(cells), list(failures)

    def add_environment(self, environment: Environment) -> None:
        """Nothing is kept."""

    def add_workloads(self, workloads: Iterable[Workload]) -> None:
        """Nothing is kept."""

    def add_cell(self, cell: Cell) -> None:
        """Keep a cell."""
        self.kept_cells.append(cell)

    def add_failure(self, failure: Failure) -> None:
        """Keep a failure."""
        self.kept_failures.append(failure)

    def cells(self, environment_key: str, workload_keys: Iterable[str]) -> list[Cell]:
        """The cells of these workloads in this environment."""
        keys = set(workload_keys)
        return [c for c in self.kept_cells if _is_of(c, environment_key, keys)]

    def failures(self, environment_key: str, workload_keys: Iterable[str]) -> list[Failure]:
        """The failures of these workloads in this environment."""
        keys = set(workload_keys)
        return [f for f in self.kept_failures if _is_of(f, environment_key, keys)]

    def supersede_failures(self, environment_key: str, workload_keys: Iterable[str]) -> None:
        """Forget these failures."""
        keys = set(workload_keys)
        self.kept_failures = [f for f in self.kept_failures if not _is_of(f, environment_key, keys)]


def _is_of(row: Cell | Failure, environment_key: str, workload_keys: Collection[str]) -> bool:
    return row.environment_key == environment_key and row.workload_key in workload_keys


def measure_alone(
    workload: Workload,
    fidelity: Fidelity | str = "standard",
    children: Children | None = None,
) -> dict[str, Any]:
    """Measure one workload with every cell it needs; keeps nothing.

    Args:
        children: how processes are started; None for this interpreter's.

    Returns:
        `workload`, `environment` (key, identity, observed), `cells`, `failures`, and
        `latency` (value, low, high in seconds, n, method) or None: all fit for JSON.
    """
    store, environment = MemoryStore(), fingerprint()
    options = terms.Options(artifacts=cache_folder(), fidelity=fidelity)  # type: ignore[arg-type]
    harness.run(
        [workload],
        store=store,
        environment=environment,
        options=options,
        children=children,
    )
    cells = store.kept_cells
    return {
        "workload": workload.to_json(),
        "environment": {"key": environment.key, **asdict(environment)},
        "cells": [cell.to_json() for cell in cells],
        "failures": [asdict(failure) for failure in store.kept_failures],
        "latency": vars(stats.measurement(cells).latency) if cells else None,
    }
