"""Which points are worth having: dominance, and fronts in drawing order.

A point dominates another if it is at least as fast and as accurate, and better in one of both.
The front is what nothing dominates; identical points do not dominate each other, so ties
stay. Everything here is exact and knows no noise: how sure a front is lives in
`probability`, what two fronts say about each other in `claims`.

Reference: Kung, Luccio, Preparata, "On finding the maxima of a set of vectors", J. ACM 22(4), 1975
(sort and sweep).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretobench.analysis.points import Floats
from paretobench.errors import DataError

Mask = NDArray[np.bool_]


def front_mask(objectives: ArrayLike) -> Mask:
    """Which points nothing dominates. Identical points stay or go together.

    Sorts by time; of equally fast points the highest accuracy must exceed that of all faster ones.
    Sorting one column without order among equals is several times faster than `lexsort`.

    Args:
        objectives: TTFT and accuracy of each point, shape [n, 2]; any units.

    Returns:
        Booleans, shape [n], in O(n log n).

    Raises:
        DataError: if the shape is another one, or a number is not finite.

    >>> front_mask([[0.1, 0.50], [0.2, 0.60], [0.3, 0.55], [0.2, 0.60]]).tolist()
    [True, True, False, True]
    """
    values = _checked(objectives)
    if len(values) == 0:
        return np.zeros(0, dtype=np.bool_)
    order = np.argsort(values[:, 0])
    times, heights = values[order, 0], values[order, 1]
    starts = np.concatenate(([0], np.flatnonzero(times[1:] != times[:-1]) + 1))
    highest = np.maximum.reduceat(heights, starts)
    is_record = np.ones(len(starts), dtype=np.bool_)
    is_record[1:] = highest[1:] > np.maximum.accumulate(highest)[:-1]
    sizes = np.diff(starts, append=len(times))
    mask = np.empty(len(times), dtype=np.bool_)
    mask[order] = np.repeat(np.where(is_record, highest, np.inf), sizes) == heights
    return mask


def _checked(objectives: ArrayLike) -> Floats:
    """The objectives as finite float64, shape [n, 2]."""
    values = np.asarray(objectives, dtype=np.float64)
    if values.size == 0:
        values = values.reshape(0, 2)
    if values.ndim != 2 or values.shape[1] != 2:
        raise DataError(
            f"objectives of shape {values.shape} are not one TTFT and one accuracy for each point"
        )
    finite = np.isfinite(values)
    if not finite.all():
        row, column = (int(i) for i in np.argwhere(~finite)[0])
        raise DataError(
            f"objective {column} of point {row} is {values[row, column]}: a front needs finite "
            f"numbers; leave out the points that have no value"
        )
    return values


def front_vertices(objectives: ArrayLike) -> NDArray[np.intp]:
    """Indices of the points on the front of TTFT and accuracy in drawing order, the fastest first.

    Identical points follow one another in their given order.

    >>> front_vertices([[0.3, 0.7], [0.1, 0.5], [0.2, 0.4], [0.2, 0.6]]).tolist()
    [1, 3, 0]
    """
    found = np.flatnonzero(front_mask(objectives))
    times = np.asarray(objectives, dtype=np.float64)[found, 0]
    return np.asarray(found[np.argsort(times, kind="stable")], dtype=np.intp)
