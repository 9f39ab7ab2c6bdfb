"""Which points are worth having: dominance, and fronts in drawing order.

A point dominates another if it is at least as good in every objective and better in one.
The front is what nothing dominates; identical points do not dominate each other, so ties
stay. Everything here is exact and knows no noise: how sure a front is lives in
`probability`, what two fronts say about each other in `claims`.

References: Kung, Luccio, Preparata, "On finding the maxima of a set of vectors", J. ACM
22(4), 1975 (sort and sweep); Borzsony, Kossmann, Stocker, "The skyline operator", ICDE 2001
(block by block).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretobench.errors import DataError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TIME_AND_ACCURACY = (True, False)
"""Minimise flags of the usual two objectives: TTFT down, accuracy up."""

_BLOCK = 512
"""Rows compared at once beyond two objectives: 512 x 512 comparisons stay in the cache."""


def front_mask(objectives: ArrayLike, minimise: Sequence[bool] = TIME_AND_ACCURACY) -> Mask:
    """Which points nothing dominates. Identical points stay or go together.

    Args:
        objectives: numbers, shape [n, d], one row per point, d >= 1; any units.
        minimise: d flags, True where less is better. Default: TTFT down, accuracy up.

    Returns:
        Booleans, shape [n]. In one or two objectives O(n log n); beyond, O(n * front).

    Raises:
        DataError: if the shape does not fit `minimise`, or a number is not finite.

    >>> front_mask([[0.1, 0.50], [0.2, 0.60], [0.3, 0.55], [0.2, 0.60]]).tolist()
    [True, True, False, True]
    """
    costs = _costs(objectives, minimise)
    if costs.shape[0] == 0:
        return np.zeros(0, dtype=np.bool_)
    if costs.shape[1] == 1:
        return np.asarray(costs[:, 0] == costs[:, 0].min(), dtype=np.bool_)
    if costs.shape[1] == 2:
        return _mask_of_two(costs[:, 0], costs[:, 1])
    return _mask_of_many(costs)


def _costs(objectives: ArrayLike, minimise: Sequence[bool]) -> Floats:
    """The objectives as finite float64 costs, shape [n, d], all to be minimised."""
    values = np.asarray(objectives, dtype=np.float64)
    if values.size == 0 and values.ndim < 2:
        values = values.reshape(0, len(minimise))
    if values.ndim != 2 or values.shape[1] != len(minimise) or not minimise:
        raise DataError(
            f"objectives of shape {values.shape} do not fit {len(minimise)} minimise flags; "
            f"give one row per point and one column per flag"
        )
    finite = np.isfinite(values)
    if not finite.all():
        row, column = (int(i) for i in np.argwhere(~finite)[0])
        raise DataError(
            f"objective {column} of point {row} is {values[row, column]}: a front needs finite "
            f"numbers; leave out the points that have no value"
        )
    return np.where(np.asarray(minimise, dtype=np.bool_), values, -values)


def _mask_of_two(first: Floats, second: Floats) -> Mask:
    """Sort by the first cost; among its equals the lowest second cost must be a new minimum.

    Sorting one column without order among equals is several times faster than `lexsort`.
    """
    order = np.argsort(first)
    x, y = first[order], second[order]
    starts = np.concatenate(([0], np.flatnonzero(x[1:] != x[:-1]) + 1))
    lowest = np.minimum.reduceat(y, starts)
    is_record = np.ones(len(starts), dtype=np.bool_)
    is_record[1:] = lowest[1:] < np.minimum.accumulate(lowest)[:-1]
    sizes = np.diff(starts, append=len(x))
    mask = np.empty(len(x), dtype=np.bool_)
    mask[order] = np.repeat(np.where(is_record, lowest, -np.inf), sizes) == y
    return mask


def _mask_of_many(costs: Floats) -> Mask:
    """Distinct rows by growing sum, block by block, against the front found so far.

    A dominating row has a sum that is not larger and comes earlier lexicographically, also in
    floating point (rounding is monotone), so what has been kept is never removed again.
    """
    rows, inverse = np.unique(costs, axis=0, return_inverse=True)
    order = np.argsort(rows.sum(axis=1), kind="stable")
    rows = rows[order]
    keep = np.zeros(len(rows), dtype=np.bool_)
    for start in range(0, len(rows), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(rows)))
        kept = np.flatnonzero(keep)
        for low in range(0, len(kept), _BLOCK):
            block = block[~_is_dominated(rows[block], rows[kept[low : low + _BLOCK]])]
        keep[block[~_is_dominated(rows[block], rows[block])]] = True
    mask = np.empty(len(rows), dtype=np.bool_)
    mask[order] = keep
    return mask[inverse.reshape(-1)]


def _is_dominated(rows: Floats, by: Floats) -> Mask:
    """Which of the distinct `rows` [m, d] some other row of `by` [k, d] equals or beats."""
    no_worse = np.ones((len(rows), len(by)), dtype=np.bool_)
    is_better = np.zeros_like(no_worse)
    for column in range(rows.shape[1]):
        no_worse &= by[None, :, column] <= rows[:, None, column]
        is_better |= by[None, :, column] < rows[:, None, column]
    return np.asarray((no_worse & is_better).any(axis=1), dtype=np.bool_)


def front_vertices(
    objectives: ArrayLike, minimise: Sequence[bool] = TIME_AND_ACCURACY
) -> NDArray[np.intp]:
    """Indices of the points on the front in drawing order: the best first objective first.

    In two objectives this is the order in which a line passes them; identical points follow
    one another in their given order.

    >>> front_vertices([[0.3, 0.7], [0.1, 0.5], [0.2, 0.4], [0.2, 0.6]]).tolist()
    [1, 3, 0]
    """
    costs = _costs(objectives, minimise)
    found = np.flatnonzero(front_mask(objectives, minimise))
    return np.asarray(found[np.argsort(costs[found, 0], kind="stable")], dtype=np.intp)
