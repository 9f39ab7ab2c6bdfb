"""What the shape of a set of samples gives away: outliers and two modes. Labels, never deletions.

References:
    Tukey, Exploratory Data Analysis (1977): fences at 1.5 and 3 interquartile ranges.
    Ashman, Bird and Zepf, Astronomical Journal 108 (1994): the separation D of two modes.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

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
"""Smallest relative distance of two modes worth a label: below it no decision changes."""

OUTLIERS_NEED = 20
"""Samples of a process below which outliers are no news: 5 to 15 samples of a normal
distribution have one outside the outer fences in 14 to 3 % of cases, 50 in 1 %."""

OUTLIER_SHARE = 0.01
"""Share of the samples above which outliers are worth a label: below it no median moves."""

STEADY = 0.02
"""The last two quarters of a process's samples agree within this share: the warm-up's tolerance."""


def is_settled(samples_s: Sequence[float]) -> bool:
    """Whether the last two quarters of the samples of a process have the same median.

    >>> is_settled([1.0] * 20), is_settled([1.0 + 0.01 * i for i in range(20)]), is_settled([1.0])
    (True, False, False)
    """
    quarter = len(samples_s) // 4
    if quarter < 2:
        return False
    before = statistics.median(samples_s[-2 * quarter : -quarter])
    return abs(statistics.median(samples_s[-quarter:]) / before - 1.0) <= STEADY


def severe_outliers(samples_s: Sequence[float]) -> int:
    """How many samples are outside Tukey's outer fences, on the log scale.

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
    logs = sorted(map(math.log, samples_s))
    cut = _best_cut(logs, max(2, math.ceil(BIMODAL_MINORITY * n)))
    left, right = logs[:cut], logs[cut:]
    gap = sum(right) / len(right) - sum(left) / len(left)
    if gap < math.log1p(BIMODAL_GAP):
        return False
    separation = max(BIMODAL_SEPARATION, _SMALL_SAMPLE_FLOOR + _SMALL_SAMPLE_SLOPE / n)
    return math.sqrt(2.0) * gap > separation * math.sqrt(_variance(left) + _variance(right))


def _best_cut(ordered: Sequence[float], smallest: int) -> int:
    """How many of the sorted values make the left of the two groups with the least variance.

    Args:
        smallest: values that each group has at least.
    """
    n, whole = len(ordered), sum(ordered)
    before = sum(ordered[:smallest])
    best, highest = smallest, -math.inf
    for cut in range(smallest, n - smallest + 1):
        # Least within the groups is most between them.
        between = before**2 / cut + (whole - before) ** 2 / (n - cut)
        if between > highest:
            best, highest = cut, between
        before += ordered[min(cut, n - 1)]
    return best


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)
