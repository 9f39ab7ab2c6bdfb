"""A fixed piece of work; its time shows whether the machine is as fast as a minute ago.

About 20 ms of integer matrix product on every core: it uses no BLAS, so it starts no pool of
threads and is not slowed by one; numpy releases the interpreter lock inside it, so one plain
thread per core is enough. Its time follows the clock frequency and the share of the cores
that a neighbour takes. It is another kernel than any workload's, so judging a cell by its
canary is independent of the latency in question.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence

from paretobench.measure.contention import usable_cores

SIDE = 192
"""Side of the square int32 matrices: 3 x 144 KiB, inside the second-level cache of a core."""

PRODUCTS = 6
"""Products per repetition: about 20 ms on a server core of 2023."""

REPETITIONS = 5
"""Repetitions, of which the median counts: one interrupt does not spoil a canary."""

WAKING = 5
"""Repetitions before these that do not count: a core that slept runs slow for some 50 ms."""

MAX_THREADS = 8
"""Cores that take part; more would make the interpreter lock part of the measurement."""

SETTLE_S = 0.3
"""Pause before a canary that follows a session: OpenMP threads keep spinning for 200 ms after
their last region (KMP_BLOCKTIME's default)."""

TOLERANCE = 0.02
"""Relative move of a canary that makes its cell suspect; throttles of 3 % and more were caught
in 98 to 100 % of cases at this threshold without a false alarm."""

WIDEST_TOLERANCE = 0.10
"""A tolerance above this judges nothing: on the machine of one busy sweep it had grown to 13 %, and
8 of 54 processes were called suspect, whose repeats then passed."""

NOISE_MULTIPLE = 4.0
"""Where canaries scatter by themselves (a shared host), the tolerance grows to
this many robust standard deviations of the canaries seen so far."""

_MAD_TO_SD = 1.4826
"""Median absolute deviation of a normal distribution times this is its standard deviation."""


def canary() -> float:
    """Run the fixed work; returns seconds per repetition, the mean over threads of medians."""
    cores = min(len(usable_cores()), MAX_THREADS)
    barrier = threading.Barrier(cores)
    medians: list[float] = []
    threads = [
        threading.Thread(target=_work, args=(barrier, medians), daemon=True) for _ in range(cores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.fmean(medians)


def _work(barrier: threading.Barrier, medians: list[float]) -> None:
    import numpy as np

    matrix = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    out = np.empty_like(matrix)
    barrier.wait()
    times = []
    for _ in range(WAKING + REPETITIONS):
        start = time.perf_counter()
        for _ in range(PRODUCTS):
            np.matmul(matrix, matrix, out=out)
        times.append(time.perf_counter() - start)
    medians.append(statistics.median(times[WAKING:]))


def tolerance(history_s: Sequence[float]) -> float:
    """The relative move that counts as one, given the canaries seen so far.

    >>> tolerance([0.020, 0.020, 0.0201]), tolerance([0.018, 0.020, 0.022, 0.021]) > 0.1
    (0.02, True)
    """
    if len(history_s) < 3:
        return TOLERANCE
    middle = statistics.median(history_s)
    scatter = statistics.median(abs(value / middle - 1.0) for value in history_s)
    return max(TOLERANCE, NOISE_MULTIPLE * _MAD_TO_SD * scatter)


def can_judge(history_s: Sequence[float]) -> bool:
    """Whether the canaries of this machine agree well enough to judge a cell by them.

    >>> can_judge([0.020, 0.020, 0.0201]), can_judge([0.018, 0.020, 0.024, 0.021])
    (True, False)
    """
    return tolerance(history_s) <= WIDEST_TOLERANCE


def verdict(before_s: float, after_s: float, history_s: Sequence[float]) -> str | None:
    """Why a cell is suspect, or None.

    Args:
        before_s, after_s: the cell's own canaries.
        history_s: canaries of the sweep so far that ran on a quiet machine, these two left out; a
            cell that is throttled from its first to its last moment shows only against these.

    >>> verdict(0.02, 0.02, [0.02, 0.02]) is None
    True
    >>> verdict(0.02, 0.021, [])
    'canary moved by +5.0 % within the cell (allowed 2.0 %)'
    """
    allowed = tolerance(history_s)
    moved = after_s / before_s - 1.0
    if abs(moved) > allowed:
        return (
            f"canary moved by {100 * moved:+.1f} % within the cell (allowed {100 * allowed:.1f} %)"
        )
    if len(history_s) >= 2:
        usual = statistics.median(history_s)
        off = (before_s + after_s) / (2.0 * usual) - 1.0
        if abs(off) > allowed:
            return (
                f"canary {100 * off:+.1f} % off this sweep's usual "
                f"{1e3 * usual:.1f} ms (allowed {100 * allowed:.1f} %)"
            )
    return None
