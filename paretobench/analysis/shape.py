"""What the shape of a set of samples gives away: outliers and two modes. Labels, never deletions.

References:
    Tukey, Exploratory Data Analysis (1977): fences at 1.5 and 3 interquartile ranges.
    Ashman, Bird and Zepf, Astronomical Journal 108 (1994): the separation D of two modes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

SEVERE_FENCE_IQR = 3.0
"""Interquartile ranges beyond the quartiles; Tukey's outer fence."""

BIMODAL_SEPARATION = 4.3
"""Ashman's D above which two groups count as modes, for many samples: the best split of 100
uniform samples exceeds it in 1 % of cases."""

_SMALL_SAMPLE_FLOOR, _SMALL_SAMPLE_SLOPE = 2.8, 45.0
"""Few samples split well by chance: floor + slope / n is the 99 % quantile of D over normal
samples for n from 8 to 300 (simulated, 3000 draws each; tests/analysis/test_shape.py)."""

BIMODAL_MINORITY = 0.15
"""Smallest share of the samples that makes a mode rather than outliers."""

BIMODAL_GAP = 0.02
"""Smallest relative distance of two modes worth a label: below it nobody's decision changes."""


def severe_outliers(samples_s: Sequence[float]) -> int:
    """How many samples lie outside Tukey's outer fences, on the log scale.

    >>> severe_outliers([1.0, 1.01, 0.99, 1.02, 1.0, 1.01, 2.0])
    1
    """
    if len(samples_s) < 4:
        return 0
    logs = sorted(map(math.log, samples_s))  # a report asks of every cell: no arrays for twenty
    lower, upper = _quantile(logs, 0.25), _quantile(logs, 0.75)
    margin = SEVERE_FENCE_IQR * (upper - lower)
    return sum(each < lower - margin or each > upper + margin for each in logs)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """A quantile of sorted values, linear between ranks, as numpy's default."""
    rank = (len(ordered) - 1) * share
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def is_bimodal(samples_s: Sequence[float]) -> bool:
    """Whether the samples fall into two groups: the best split in two, by Ashman's D.

    Args:
        samples_s: positive seconds, in any order; fewer than 8 are never called bimodal.

    >>> is_bimodal([1.0, 1.01, 0.99, 1.0, 1.02] * 2 + [1.2, 1.21, 1.19, 1.2] * 2)
    True
    >>> is_bimodal([1.0 + 0.01 * i for i in range(18)])
    False
    """
    n = len(samples_s)
    if n < 8 or max(samples_s) < min(samples_s) * (1 + BIMODAL_GAP):
        return False
    logs = np.sort(np.log(np.asarray(samples_s, dtype=float)))
    smallest = max(2, int(np.ceil(BIMODAL_MINORITY * n)))
    cuts = np.arange(smallest, n - smallest + 1)
    sums, squares = np.cumsum(logs), np.cumsum(logs**2)
    left_n, right_n = cuts, n - cuts
    left, right = sums[cuts - 1] / left_n, (sums[-1] - sums[cuts - 1]) / right_n
    within = squares[-1] - left_n * left**2 - right_n * right**2
    best = int(np.argmin(within))
    spread = np.var(logs[: cuts[best]]) + np.var(logs[cuts[best] :])
    gap = right[best] - left[best]
    if gap < np.log1p(BIMODAL_GAP):
        return False
    separation = max(BIMODAL_SEPARATION, _SMALL_SAMPLE_FLOOR + _SMALL_SAMPLE_SLOPE / n)
    return bool(np.sqrt(2.0) * gap > separation * np.sqrt(spread))
