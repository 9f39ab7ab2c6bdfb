"""Have artifacts made in child processes, and find out which workload killed one.

Making artifacts (exports, conversions, weights) may exhaust memory or crash a converter, so
it never happens in the harness's own process. One child serves many workloads of a backend.
Nothing is timed meanwhile, so several children work side by side where their memory is known:
exporting keeps one core busy.
"""

from __future__ import annotations

import math
import os
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretobench.backends import PreparedArtifact
from paretobench.backends.hardware import usable_memory_bytes
from paretobench.domain import Workload, canonical_json
from paretobench.domain.records import FailureKind
from paretobench.measure import prepare
from paretobench.measure.process import ChildExit, Children, ChildResult, read_outcome
from paretobench.planning.plan import MEMORY_SHARE

PREPARE_MODULE = "paretobench.measure.prepare"

Tell = Callable[..., None]
"""Takes the workload that is next, or what became of one."""

Work = Callable[[Sequence[Workload], Tell, Callable[[], bool]], None]
"""One lane's work: its workloads, where news go, and whether it was given up."""


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
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Preparation]:
    """Prepare every workload, grouped by backend, one outcome at a time.

    What a signal from outside ended is tried once more, as in `Children.ask`.

    Args:
        timeout_s: for one workload; the child is killed when none was finished for so long.
        announce: called with the workload that is next and how many are done.
        is_limit_of_each: whether the limit starts again with each workload; else it is the limit
            of all that one child makes.
        is_stopped: asked again and again; the child is killed when it returns true.
    """
    done = 0
    by_backend: dict[str, list[Workload]] = {}
    for workload in workloads:
        by_backend.setdefault(workload.runtime.backend, []).append(workload)
    for batch in by_backend.values():
        left, has_retried = list(batch), False
        while left:
            outcomes, ended = _one_child(
                left, children, artifacts, timeout_s, announce, done, is_limit_of_each, is_stopped
            )
            is_crash = outcomes[-1].prepared is None and outcomes[-1].kind == "crashed"
            if is_crash and ended.was_ended_from_outside and not has_retried:
                outcomes, has_retried = outcomes[:-1], True
            yield from outcomes
            done += len(outcomes)
            left = left[len(outcomes) :]


def prepare_side_by_side(
    workloads: Sequence[Workload],
    children: Children,
    artifacts: Path,
    timeout_s: float,
    announce: Callable[[Workload, int], None],
    peak_bytes: Mapping[str, int],
) -> Iterator[Preparation]:
    """As `prepare_all`, with a child for each core as far as memory goes; then what is too large
    to share it. Outcomes come in the order in which they are known, `wall_s` as shares of the
    wall time.

    Args:
        announce: called in this thread alone.
        peak_bytes: the plan's memory of each workload, by key; without it all goes one by one.
    """
    n_lanes = min(os.cpu_count() or 1, MOST_LANES)
    share = MEMORY_SHARE * usable_memory_bytes() / n_lanes
    is_small = {one.key: peak_bytes.get(one.key, math.inf) <= share for one in workloads}
    lanes = lanes_of([one for one in workloads if is_small[one.key]], n_lanes)
    done = 0

    def work(lane: Sequence[Workload], tell: Tell, is_stopped: Callable[[], bool]) -> None:
        for made in prepare_all(lane, children, artifacts, timeout_s, tell, is_stopped=is_stopped):
            tell(made)

    for made in _from_threads(lanes, work, announce):
        done += 1
        yield replace(made, wall_s=made.wall_s / max(len(lanes), 1))
    large = [one for one in workloads if not is_small[one.key]]
    yield from prepare_all(
        large, children, artifacts, timeout_s, lambda one, n: announce(one, done + n)
    )


MOST_LANES = 4
"""Children that work side by side at most: exports read and write the same disk."""


def lanes_of(workloads: Sequence[Workload], n: int) -> list[list[Workload]]:
    """Workloads for up to `n` children side by side; what is made of one artifact stays together,
    so that it is made once."""
    lanes: list[list[Workload]] = [[] for _ in range(n)]
    for number, group in enumerate(by_artifact(workloads)):
        lanes[number % n] += group
    return [lane for lane in lanes if lane]


def by_artifact(workloads: Sequence[Workload]) -> list[list[Workload]]:
    """Workloads that one artifact serves, together: an encoder at a size, a language model."""
    groups: dict[str, list[Workload]] = {}
    for one in workloads:
        made_of = canonical_json([one.artifact_subject, one.runtime.backend, one.runtime.precision])
        groups.setdefault(made_of, []).append(one)
    return list(groups.values())


class _StoppedError(Exception):
    """The preparation was given up: the child of this thread ends with it."""


def _from_threads(
    lanes: Sequence[Sequence[Workload]], work: Work, announce: Callable[[Workload, int], None]
) -> Iterator[Preparation]:
    """What is made in the lanes, each in a thread of its own, as it comes."""
    news: queue.Queue[Preparation | Workload | BaseException | None] = queue.Queue()
    stopped = threading.Event()

    def in_thread(lane: Sequence[Workload]) -> None:
        try:
            work(lane, lambda new, *_: news.put(new), stopped.is_set)
        except BaseException as error:
            news.put(error)
        finally:
            news.put(None)

    threads = [threading.Thread(target=in_thread, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    working, done = len(threads), 0
    try:
        while working:
            new = news.get()
            if new is None:
                working -= 1
            elif isinstance(new, BaseException):
                raise new
            elif isinstance(new, Workload):
                announce(new, done)
            else:
                done += 1
                yield new
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _one_child(
    workloads: Sequence[Workload],
    children: Children,
    artifacts: Path,
    timeout_s: float,
    announce: Callable[[Workload, int], None],
    done: int,
    is_limit_of_each: bool,
    is_stopped: Callable[[], bool],
) -> tuple[list[Preparation], ChildExit]:
    """Outcomes of as many workloads as one child got through, at least one, and its end."""
    with tempfile.TemporaryDirectory(prefix="paretobench-") as name:
        folder, seen = Path(name), 0
        announce(workloads[0], done)

        def progressed() -> bool:
            nonlocal seen
            if is_stopped():
                raise _StoppedError
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
        return outcomes, ended


def _preparation(workload: Workload, outcome: ChildResult, share_s: float) -> Preparation:
    answer = outcome.answer
    if answer is None:
        return Preparation(workload, share_s, None, outcome.kind, outcome.reason, outcome.details)
    path = None if answer["path"] is None else Path(answer["path"])
    return Preparation(workload, answer["prepare_s"], PreparedArtifact(path, answer["facts"]))
