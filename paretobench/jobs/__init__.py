"""Where work runs: one small protocol, whatever the engine.

A unit is a piece of work that can be lost alone: one device's list of workloads, one
checkpoint's scores, one conversion. An executor takes units, says how each stands, hands over
each result as it ends and can be told to stop. Results travel as spool files (`store.spool`):
whoever works writes files, and the one coordinator alone writes the database, so a coordinator
that is killed ingests what lies there and submits what is missing.

Two promises hold for every executor. Two latency units never run at a time on one device: the
device's own lock (`measure.lock`) is held there, not here. And a unit that fails costs itself
only: its `FinishedUnit` carries the reason, the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from paretobench.domain import content_key

__all__ = ["Executor", "FinishedUnit", "Handle", "Kind", "State", "Unit"]

Kind = Literal["latency", "accuracy", "convert"]


@dataclass(frozen=True)
class Unit:
    """A piece of work that any executor can carry.

    Attributes:
        kind: which worker understands the payload.
        label: for people, such as `gqa on ckpt-3`; no part of the key.
        payload: plain JSON; everything the worker needs that is not on its own disk.
    """

    kind: Kind
    label: str
    payload: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """Content key of kind and payload: the same work is the same unit after a restart."""
        return content_key({"kind": self.kind, "payload": dict(self.payload)})


class State(StrEnum):
    """How a unit stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Handle:
    """A submitted unit.

    Attributes:
        job: the engine's own name for it (a Slurm job, a process), for messages and logs.
        where: the device, partition or host.
    """

    unit: Unit
    job: str
    where: str


@dataclass(frozen=True)
class FinishedUnit:
    """A unit that ended, whatever the end was.

    Attributes:
        spool: result files, whole and on this machine's disk, to be ingested.
        reason: why it did not end well, fit to print; empty when done.
        device_s: seconds that it occupied its device or its GPUs, for the account.
        facts: what else the executor learnt (requeues, node, exit status); plain JSON.
    """

    handle: Handle
    state: State
    spool: tuple[Path, ...] = ()
    reason: str = ""
    device_s: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)


class Executor(Protocol):
    """Something that runs units elsewhere, or here."""

    @property
    def name(self) -> str:
        """Where it runs, for people: `ssh macbook`, `submitit slurm:gpu`."""

    def submit(self, units: Sequence[Unit]) -> Sequence[Handle]:
        """Hand over units, in order; returns at once.

        Raises:
            ExecutorError: if the engine cannot be used at all (nothing was submitted then).
        """

    def poll(self, handle: Handle) -> State:
        """How a unit stands now; never blocks for long, never raises for a lost unit."""

    def collect(self) -> Iterator[FinishedUnit]:
        """Each submitted unit once, as it ends; stops when none is under way."""

    def cancel(self, handle: Handle) -> None:
        """Stop a unit; it still comes out of `collect`, as cancelled. Again does nothing."""
