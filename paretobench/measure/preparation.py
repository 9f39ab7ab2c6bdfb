"""Have artifacts made in child processes, and find out which workload killed one.

Making artifacts (exports, conversions, weights) may exhaust memory or crash a converter, so
it never happens in the harness's own process. One child serves many workloads of a backend.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretobench.backends import PreparedArtifact
from paretobench.domain import Workload
from paretobench.domain.records import FailureKind
from paretobench.measure import prepare
from paretobench.measure.process import Children, ChildResult, read_outcome

PREPARE_MODULE = "paretobench.measure.prepare"


@dataclass(frozen=True)
class Preparation:
    """What became of one workload: `prepared`, or a failure's kind, reason and details."""

    workload: Workload
    wall_s: float
    prepared: PreparedArtifact | None = None
    kind: FailureKind = "crashed"
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def prepare_all(
    workloads: Sequence[Workload],
    children: Children,
    artifacts: Path,
    timeout_s: float,
    announce: Callable[[Workload, int], None],
    is_limit_of_each: bool = True,
) -> Iterator[Preparation]:
    """Prepare every workload, grouped by backend, one outcome at a time.

    Args:
        timeout_s: for one workload; the child is killed when none was finished for so long.
        announce: called with the workload that is next and how many are done.
        is_limit_of_each: whether the limit starts again with each workload; else it is the limit
            of all that one child makes.
    """
    done = 0
    by_backend: dict[str, list[Workload]] = {}
    for workload in workloads:
        by_backend.setdefault(workload.runtime.backend, []).append(workload)
    for batch in by_backend.values():
        left = list(batch)
        while left:
            outcomes = _one_child(
                left, children, artifacts, timeout_s, announce, done, is_limit_of_each
            )
            yield from outcomes
            done += len(outcomes)
            left = left[len(outcomes) :]


def _one_child(
    workloads: Sequence[Workload],
    children: Children,
    artifacts: Path,
    timeout_s: float,
    announce: Callable[[Workload, int], None],
    done: int,
    is_limit_of_each: bool,
) -> list[Preparation]:
    """Outcomes of as many workloads as one child got through; at least one."""
    with tempfile.TemporaryDirectory(prefix="paretobench-") as name:
        folder, seen = Path(name), 0
        announce(workloads[0], done)

        def progressed() -> bool:
            nonlocal seen
            if not (folder / f"{seen}.json").exists():
                return False
            seen += 1
            if seen < len(workloads):
                announce(workloads[seen], done + seen)
            return is_limit_of_each

        orders = prepare.orders(workloads, artifacts, folder)
        ended = children.run(PREPARE_MODULE, orders, timeout_s, progressed)
        outcomes: list[Preparation] = []
        for index, workload in enumerate(workloads):
            answered = (folder / f"{index}.json").exists()
            outcome = read_outcome(folder / f"{index}.json", ended)
            outcomes.append(_preparation(workload, outcome, ended.wall_s / len(workloads)))
            if not answered:
                break
        return outcomes


def _preparation(workload: Workload, outcome: ChildResult, share_s: float) -> Preparation:
    answer = outcome.answer
    if answer is None:
        return Preparation(workload, share_s, None, outcome.kind, outcome.reason, outcome.details)
    path = None if answer["path"] is None else Path(answer["path"])
    return Preparation(workload, answer["prepare_s"], PreparedArtifact(path, answer["facts"]))
