"""Percentiles of values with whole-number weights, such as a data set's image sizes. Pure.

No value is made up between two: a percentile is one of the values given, so that what is reported
is of an image that is in the list.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

NINE_IN_TEN = 0.9
"""The share that a report gives beside a mean over images."""


def percentile(values: Sequence[tuple[float, int]]) -> int:
    """The index of the smallest value that at least `NINE_IN_TEN` of the weight is not above.

    Args:
        values: each with its weight, above 0; at least one.

    >>> percentile([(3.0, 1), (1.0, 8), (2.0, 1)])
    2
    """
    ordered = sorted(range(len(values)), key=lambda index: values[index][0])
    seen = list(accumulate(values[index][1] for index in ordered))
    return ordered[bisect_left(seen, NINE_IN_TEN * seen[-1])]
