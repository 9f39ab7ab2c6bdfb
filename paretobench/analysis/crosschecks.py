"""Whether the samples of one process contradict one another, its cold run, or earlier processes.

Three checks that cost nothing, beside the canary and the readings of contention: both can miss
a cause that is not there while they look (a neighbour on another socket, a throttled memory bus).
On a database measured on a busy machine they found 16 bad processes of 54 besides the 8 that the
canary had found; on the quiet example 13 of 93.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

SPREAD = 1.25
"""Ratio of the 90 % to the 10 % quantile of the samples above which they contradict one another."""

OVER_COLD = 1.10
"""A median may be this many times the process's own cold run: a cold run is the slowest."""

OVER_FASTEST = 1.15
"""A median may be this many times the fastest run of the same workload that counts."""


def contradiction(
    samples_s: Sequence[float], first_run_s: float, fastest_s: float | None = None
) -> str | None:
    """Why a process should be repeated, or None.

    Args:
        samples_s: its samples that count.
        first_run_s: its cold first run.
        fastest_s: the fastest counted run of this workload in this environment, in other
            processes; None if there is none.

    >>> contradiction([1.0, 1.01, 1.02], 1.3) is None
    True
    >>> contradiction([1.0, 1.01, 1.9], 2.0)
    'samples spread by 1.90x (allowed 1.25x)'
    >>> contradiction([1.2, 1.21], 1.0)
    'median 1.21x its own cold run (allowed 1.10x)'
    """
    if not samples_s:
        return None
    ordered = sorted(samples_s)
    spread = _at(ordered, 0.9) / _at(ordered, 0.1)
    if spread > SPREAD:
        return f"samples spread by {spread:.2f}x (allowed {SPREAD:.2f}x)"
    median_s = statistics.median(ordered)
    if first_run_s > 0 and median_s > OVER_COLD * first_run_s:
        return f"median {median_s / first_run_s:.2f}x its own cold run (allowed {OVER_COLD:.2f}x)"
    if fastest_s is not None and median_s > OVER_FASTEST * fastest_s:
        return (
            f"median {median_s / fastest_s:.2f}x this workload's fastest run "
            f"(allowed {OVER_FASTEST:.2f}x)"
        )
    return None


def _at(ordered: Sequence[float], share: float) -> float:
    """The sample at a share of the ranks, without interpolation: two samples are their ends."""
    return ordered[round(share * (len(ordered) - 1) + 1e-9)]
