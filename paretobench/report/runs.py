"""The timed runs behind an estimate, few enough to travel with a report.

A cell keeps every run; a report shows their values. Each process is thinned to its fastest,
its slowest and the runs at even ranks between, which leaves its range and its quartiles as
they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from paretobench.report.view.rows import Runs

T = TypeVar("T")

RUNS_SHOWN, PROCESSES_SHOWN = 5, 12
"""At most so many runs of a process and processes of a part: what a small plot can show."""


def runs_of(part: str, processes: Sequence[Sequence[float]]) -> Runs:
    """The runs of one part, thinned.

    Args:
        part: its role in the point.
        processes: seconds of every timed run, one sequence per process, in the order of time.

    >>> runs_of('encode', [[3.0, 1.0, 2.0]]).processes
    ((1.0, 2.0, 3.0),)
    """
    timed = [each for each in processes if each]
    shown = thinned(list(range(len(timed))), PROCESSES_SHOWN)
    return Runs(
        part,
        tuple(tuple(thinned(sorted(timed[at]), RUNS_SHOWN)) for at in shown),
        sum(len(each) for each in timed),
        len(timed),
    )


def thinned(values: Sequence[T], most: int) -> list[T]:
    """At most so many of the values: the first, the last, and those evenly between; of one, the
    middle.

    >>> thinned(list(range(101)), 5), thinned([1, 2], 5)
    ([0, 25, 50, 75, 100], [1, 2])
    """
    if len(values) <= most:
        return list(values)
    if most == 1:
        return [values[len(values) // 2]]
    last = len(values) - 1
    return [values[round(step * last / (most - 1))] for step in range(most)]
