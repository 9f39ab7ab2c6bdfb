"""Percentiles of values with whole-number weights, such as a data set's image sizes. Pure.

No value is made up between two: a percentile is one of the values given, so that what is reported
is of an image that is in the list.
"""

from __future__ import annotations

from collections.abc import Sequence

NINE_IN_TEN = 0.9
"""The share that a report gives beside a mean over images."""


def percentile(values: Sequence[tuple[float, int]]) -> int:
    """The index of the smallest value that at least `NINE_IN_TEN` of the weight is not above.

    Args:
        values: each with its weight, above 0; at least one.

    >>> percentile([(3.0, 1), (1.0, 8), (2.0, 1)])
    2
    """
    total, seen = sum(weight for _, weight in values), 0
    ordered = sorted(range(len(values)), key=lambda index: values[index][0])
    for index in ordered:
        seen += values[index][1]
        if seen >= NINE_IN_TEN * total:
            return index
    return ordered[-1]
