"""What the harness reports while it works. Showing it is the caller's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from paretobench.domain import Workload
from paretobench.domain.records import Cell, Failure


@dataclass(frozen=True)
class Waiting:
    """Another process holds the device; `text` names it."""

    text: str


@dataclass(frozen=True)
class Preparing:
    """Artifacts are being made: `workload` is next, `done` of `total` are there."""

    workload: Workload
    done: int
    total: int


@dataclass(frozen=True)
class CellStarted:
    """A process for `workload` is about to start; `remaining_s` is None if it is not known."""

    workload: Workload
    round_index: int
    remaining_s: float | None


@dataclass(frozen=True)
class CellFinished:
    """A process ended well and its cell is stored."""

    workload: Workload
    cell: Cell
    remaining_s: float | None


@dataclass(frozen=True)
class WorkloadFailed:
    """A process failed and its failure is stored; the workload is not visited again."""

    workload: Workload
    failure: Failure


@dataclass(frozen=True)
class WorkloadDone:
    """A workload has what it needs; `why` says by which rule."""

    workload: Workload
    why: str


Event = Waiting | Preparing | CellStarted | CellFinished | WorkloadFailed | WorkloadDone
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener that does nothing."""
