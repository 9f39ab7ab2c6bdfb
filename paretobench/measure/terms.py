"""What a run of the harness is given, and what it gives back: a store, options, an account."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from paretobench.domain import Workload
from paretobench.domain.records import Cell, Environment, Failure, Fidelity


class CellStore(Protocol):
    """What the harness needs of a store; `store.Store` is one."""

    def add_environment(self, environment: Environment) -> object:
        """Store an environment."""

    def add_workloads(self, workloads: Iterable[Workload]) -> object:
        """Store workloads."""

    def add_cell(self, cell: Cell) -> object:
        """Store a cell, durably, before this returns."""

    def add_failure(self, failure: Failure) -> object:
        """Store a failure, durably, before this returns."""

    def cells(self, environment_key: str, workload_keys: Iterable[str]) -> list[Cell]:
        """Cells in the order they were started."""

    def failures(self, environment_key: str, workload_keys: Iterable[str]) -> list[Failure]:
        """Failures in force, the oldest first."""

    def supersede_failures(self, environment_key: str, workload_keys: Iterable[str]) -> object:
        """Mark failures as to be retried."""


@dataclass(frozen=True)
class Options:
    """How a sweep measures.

    Attributes:
        fidelity, precision_goal: see `timing.cell_plan`.
        seed: of the order within rounds; stored with every cell.
        sweep_key: the sweep its cells belong to; rounds are counted within it.
        retry_failed: visit workloads that failed before, too.
        cell_timeout_s: time after which a process is killed.
        artifacts: the folder of prepared artifacts.
        expected_cell_s: the plan's estimate of one process by workload key, for the time left.
        cheapest: keys of the workloads that get their least number of processes whatever the
            budget (`stopping.cheapest`).
        beside: keys of the workloads that are measured again in every round of another one, by
            its key: the parts of a check, so that what drifts is the same for both.
        inquiry: JSON of the question that decides what runs next; None visits all in rounds.
        preparation_s: seconds of making what is not there yet, by workload key.
        peak_bytes: the plan's memory of one process by workload key; artifacts are made side by
            side as far as it goes.
        ends_in_s: seconds, once the device is held, until processes have to have ended; None for
            no end.
    """

    artifacts: Path
    fidelity: Fidelity = "standard"
    precision_goal: float = 0.01
    seed: int = 0
    sweep_key: str | None = None
    retry_failed: bool = False
    cell_timeout_s: float = 1800.0
    expected_cell_s: Mapping[str, float] = field(default_factory=dict)
    cheapest: Collection[str] = ()
    beside: Mapping[str, Collection[str]] = field(default_factory=dict)
    inquiry: Mapping[str, Any] | None = None
    preparation_s: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: Mapping[str, int] = field(default_factory=dict)
    ends_in_s: float | None = None


@dataclass
class Account:
    """What a run of the harness did.

    Attributes:
        cells: cells that it stored.
        failures: failures of its workloads that are in force, old ones included.
        reasons: why each measured workload was left as it is, by workload key.
        device_s: wall time of all its cells and failed processes.
        work_s: of these, time in first runs, warm-ups and samples.
        prepare_s: time spent on making artifacts, apart from `device_s`.
        stopped: why it stopped before every workload was complete: the machine was never
            quiet; empty if it did not.
        decision: why a sweep that a question decides ended; empty for others.
    """

    cells: list[Cell] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    device_s: float = 0.0
    work_s: float = 0.0
    prepare_s: float = 0.0
    stopped: str = ""
    decision: str = ""

    @property
    def share(self) -> float | None:
        """Share of the device time that went into runs; None if nothing ran."""
        return self.work_s / self.device_s if self.device_s > 0 else None
