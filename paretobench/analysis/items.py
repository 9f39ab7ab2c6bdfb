"""Scores from items: their standard errors, and two configurations on the same questions.

A benchmark's value is a mean over items or, for POPE, an F1 or a mean of F1s. Each has its own
error: the first is the items' spread, the second needs resampling, since an F1 is a ratio.
When two configurations answered the same items, most of the spread is shared and only the
differences count: that is what racing and `compare` use.

Pure functions of numbers; which file an item came from is left to `accuracy`.

References:
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 6.
    Miller, "Adding Error Bars to Evals", arXiv 2411.00640: paired differences of items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 4000
"""Bootstrap resamples: the standard error's own error is 1 / sqrt(2 * 4000), about 1 %."""

SEED = 0
Z_95 = 1.959964
"""Normal quantile of a 95 % interval; every benchmark has hundreds of items."""


@dataclass(frozen=True)
class Confusion:
    """Answers of a yes/no benchmark, counted. `invalid_*` are neither yes nor no."""

    true_yes: int
    false_yes: int
    true_no: int
    false_no: int
    invalid_on_yes: int = 0
    invalid_on_no: int = 0

    @property
    def n(self) -> int:
        """Items counted."""
        return sum(self.counts())

    def counts(self) -> tuple[int, ...]:
        """The six counts in the order of the fields."""
        return (
            self.true_yes,
            self.false_yes,
            self.true_no,
            self.false_no,
            self.invalid_on_yes,
            self.invalid_on_no,
        )


def mean_error(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and its standard error, `sd / sqrt(n)`; no error for a single item.

    Raises:
        ValueError: if there are no items or one is not finite.

    >>> mean_error([0.0, 1.0, 1.0, 0.0])
    (0.5, 0.28867513459481287)
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{array.size} items, all of which must be finite numbers")
    error = float(array.std(ddof=1) / math.sqrt(array.size)) if array.size > 1 else None
    return float(array.mean()), error


def f1(confusion: Confusion) -> float:
    """F1 of `yes`: `2 TP / (2 TP + FP + FN)`; 0 if nothing was truly found.

    >>> round(f1(Confusion(true_yes=40, false_yes=10, true_no=40, false_no=10)), 3)
    0.8
    """
    return float(_f1(np.array([confusion.counts()]))[0])


def _f1(counts: np.ndarray) -> np.ndarray:
    true_yes, false_yes, false_no = counts[:, 0], counts[:, 1], counts[:, 3]
    total = 2 * true_yes + false_yes + false_no
    return np.where(total > 0, 2 * true_yes / np.maximum(total, 1), 0.0)


def mean_f1_error(splits: Sequence[Confusion]) -> tuple[float, float | None]:
    """Mean of the splits' F1 and its bootstrap standard error, items resampled in each split.

    Resampling n items with replacement and counting them is one draw of a multinomial, so no
    item has to be touched again. The error is conditional on the splits.

    Raises:
        ValueError: if there is no split or one has no items.

    >>> value, error = mean_f1_error([Confusion(40, 10, 40, 10)] * 3)
    >>> round(value, 3), round(error, 3)
    (0.8, 0.026)
    """
    if not splits or any(split.n == 0 for split in splits):
        raise ValueError("an F1 needs at least one split, each with items")
    generator = np.random.default_rng(SEED)
    draws = np.zeros(RESAMPLES)
    for split in splits:
        counts = np.array(split.counts(), dtype=float)
        draws += _f1(generator.multinomial(split.n, counts / split.n, size=RESAMPLES))
    value = math.fsum(f1(split) for split in splits) / len(splits)
    if all(split.n == 1 for split in splits):
        return value, None
    return value, float((draws / len(splits)).std(ddof=1))


@dataclass(frozen=True)
class Difference:
    """`value` of B minus A over the items that both answered.

    Attributes:
        value: mean difference, in the benchmark's fraction.
        standard_error: of the paired difference; 0 if every item agrees.
        n: items in common.
        only_one: items that one side lacks, left out.
    """

    value: float
    standard_error: float
    n: int
    only_one: int

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - Z_95 * self.standard_error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + Z_95 * self.standard_error

    @property
    def z(self) -> float:
        """Differences in standard errors; infinite if all items differ alike, 0 if none does."""
        if self.standard_error == 0:
            return math.copysign(math.inf, self.value) if self.value else 0.0
        return self.value / self.standard_error


def paired_difference(a: Mapping[str, float], b: Mapping[str, float]) -> Difference:
    """How much better B answered than A, on the items of both.

    Args:
        a, b: item identifier to its score in [0, 1].

    Raises:
        ValueError: if fewer than two items are in common.

    >>> paired_difference({'1': 0, '2': 1, '3': 0}, {'1': 1, '2': 1, '3': 0, '4': 1}).value
    0.3333333333333333
    """
    common = sorted(a.keys() & b.keys())
    if len(common) < 2:
        raise ValueError(f"{len(common)} items in common; a paired difference needs two")
    differences = np.array([b[item] - a[item] for item in common], dtype=float)
    error = float(differences.std(ddof=1) / math.sqrt(len(common)))
    return Difference(float(differences.mean()), error, len(common), len(a.keys() ^ b.keys()))


def mean_difference(parts: Sequence[Difference]) -> Difference:
    """The difference of a mean over benchmarks: independent parts, equal weights.

    Raises:
        ValueError: if there are no parts.

    >>> mean_difference([Difference(.2, .03, 9, 0), Difference(.4, .04, 9, 0)]).standard_error
    0.025
    """
    if not parts:
        raise ValueError("no benchmark in common")
    error = math.hypot(*(part.standard_error for part in parts)) / len(parts)
    value = math.fsum(part.value for part in parts) / len(parts)
    return Difference(value, error, sum(p.n for p in parts), sum(p.only_one for p in parts))
