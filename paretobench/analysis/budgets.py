"""How likely each point is the best one, at every budget of a range.

`query.best` answers one budget; a page with a slider needs all of them. In each draw of the
true values the most accurate point within a budget changes only where a more accurate one
comes within reach, so one pass over the sorted times answers every budget at once.
"""

from __future__ import annotations

import math

import numpy as np

from paretobench.analysis.noise import Draws
from paretobench.analysis.points import Floats


def budget_steps(low: float, high: float) -> list[float]:
    """Round budgets from `low` to `high`: three digits at most, 2.5 % apart or less.

    The first is at most `low` and the last at least `high`; both positive.

    >>> budget_steps(100.0, 108.0)
    [100.0, 102.0, 104.0, 106.0, 108.0]
    """
    found = [
        float(f"{digits}e{power - 2}")
        for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        for digits in (*range(100, 200, 2), *range(200, 500, 5), *range(500, 1000, 10))
    ]
    start = max((i for i, step in enumerate(found) if step <= low), default=0)
    end = next((i for i, step in enumerate(found) if step >= high), len(found) - 1)
    return found[start : end + 1]


def round_budget(low: float, high: float) -> float:
    """The nearest of 1, 2, 5, 10, 20, ... to the middle of a range, on a log scale.

    >>> round_budget(40.0, 900.0)
    200.0
    """
    middle = math.sqrt(low * high)
    power = math.floor(math.log10(middle))
    candidates = [float(f"{digit}e{p}") for p in (power, power + 1) for digit in (1, 2, 5)]
    return min(candidates, key=lambda each: abs(math.log(each / middle)))


def best_shares(drawn: Draws, limits_s: Floats) -> Floats:
    """Share of draws in which each point is the best within each budget.

    The best is the most accurate point whose TTFT is within the budget, the faster of two
    equals. Where there is none, every share is 0.

    Args:
        limits_s: budgets in seconds, ascending, shape [m].

    Returns:
        Shares in [0, 1], shape [m, n].

    >>> drawn = Draws(np.array([[1.0, 2.0]]), np.array([[0.5, 0.6]]))
    >>> best_shares(drawn, np.array([0.5, 1.5, 2.5])).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    count, n = drawn.ttft_s.shape
    hits = np.zeros((len(limits_s), n))
    if n == 0:
        return hits
    order = np.argsort(drawn.ttft_s, axis=1, kind="stable")
    heights = np.take_along_axis(drawn.accuracy, order, axis=1)
    is_record = np.ones_like(heights, dtype=np.bool_)
    is_record[:, 1:] = heights[:, 1:] > np.maximum.accumulate(heights, axis=1)[:, :-1]
    holder = np.maximum.accumulate(np.where(is_record, np.arange(n), 0), axis=1)
    at = np.arange(len(limits_s))
    for own_order, own_holder, times in zip(order, holder, drawn.ttft_s, strict=True):
        within = np.searchsorted(times[own_order], limits_s, side="right")
        is_any = within > 0
        hits[at[is_any], own_order[own_holder[within[is_any] - 1]]] += 1
    return np.asarray(hits / count, dtype=np.float64)
