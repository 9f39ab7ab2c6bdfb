"""Scoring and converting on an engine: what a unit of work is, and how one ends.

A unit is a piece of work that can be lost alone: one checkpoint's scores, one conversion.
Results travel as spool files (`store.spool`): a worker writes files, and the one coordinator
alone writes the database, so a coordinator that is killed ingests what is there and submits
what is missing. A unit that fails costs itself only: its `FinishedUnit` carries the reason, the
others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from paretobench.domain import content_key
from paretobench.store import spool

__all__ = ["FinishedUnit", "Handle", "Kind", "State", "Unit"]

Kind = Literal["accuracy", "convert"]


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
    """The state of a unit; the last three are final."""

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

    def __str__(self) -> str:
        place = f"job {self.job} of {self.where}" if self.job else self.where
        return f"{self.unit.label}: {place}"


@dataclass(frozen=True)
class FinishedUnit:
    """A unit that ended, whatever the end was.

    Attributes:
        reason: why it did not end well, fit to print; empty when done.
        result: what its worker wrote; None if it left nothing that can be read.
    """

    handle: Handle
    state: State
    reason: str = ""
    result: spool.Result | None = None
