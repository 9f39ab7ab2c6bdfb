"""Scores from items: their standard errors, and two configurations on the same questions.

A benchmark's value is a mean over items or, for POPE, an F1 or a mean of F1s. Each has its own
error: the first is the items' spread, the second needs resampling, since an F1 is a ratio.
When two configurations answered the same items, most of the spread is shared and only the
differences count: that is what racing and `compare` use.

Questions about one image are no independent draws. Where the images are known, errors are
clustered by image; where only counts are known, a design effect widens them.

Pure functions of numbers; which file an item came from is left to `accuracy`.

References:
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 6.
    Miller, "Adding Error Bars to Evals", arXiv 2411.00640: paired differences of items, and
    errors clustered by the passage or image that questions share (its section 2.2).
    Liang and Zeger, Biometrika 73 (1986): the cluster-robust variance, here with the factor
    G / (G - 1) for few clusters.
    Kish, Survey Sampling (1965): the design effect `1 + (m - 1) rho`.
    Agresti and Min, Statistics in Medicine 24 (2005): intervals of paired differences that hold
    for few items, by one pseudo-item each way and one of no difference.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

RESAMPLES = 4000
"""Bootstrap resamples: the standard error's own error is 1 / sqrt(2 * 4000), about 1 %."""

SEED = 0
Z_95 = 1.959964
"""Normal quantile of a 95 % interval; every benchmark has hundreds of items."""

Z_POWER_80 = 0.841621
"""Normal quantile of a power of 80 %."""

ALPHA = 0.05
FEW_DIFFERING = 30
"""Differing items below which a normal interval alone gives no verdict: a sign test agrees too."""


class Confusion(NamedTuple):
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
        return sum(self)


def design_effect(items: float, images: float, correlation: float) -> float:
    """How much wider a variance is because items share images: `1 + (m - 1) rho`, at least 1.

    Args:
        items, images: how many there are; `m` is their ratio.
        correlation: of two answers about one image.

    >>> round(design_effect(12578, 398, 0.05), 2)
    2.53
    """
    return max(1.0, 1.0 + (items / images - 1.0) * correlation)


def mean_error(
    values: Sequence[float], images: Sequence[str] | None = None
) -> tuple[float, float | None]:
    """Mean of item scores and its standard error; no error for a single item.

    Items without any spread (five right of five) are no proof that there is none: their error is
    that of two more right and two more wrong answers (Agresti and Coull, 1998).

    Args:
        values: item scores; the error of equal ones assumes values in [0, 1].
        images: the image of each item, to cluster by; None for independent items.

    Raises:
        ValueError: if there are no items, one is not finite, or images are not one per item.

    >>> mean_error([0.0, 1.0, 1.0, 0.0])
    (0.5, 0.28867513459481287)
    >>> mean_error([0.0, 1.0, 1.0, 0.0], images=["a", "b", "b", "a"])
    (0.5, 0.5)
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{array.size} items, all of which must be finite numbers")
    mean = float(array.mean())
    if array.size == 1:
        return mean, None
    error = math.sqrt(_variance_of_mean(array, images))
    return mean, error or _error_without_spread(mean, array.size)


def _variance_of_mean(array: np.ndarray, images: Sequence[str] | None) -> float:
    """Variance of the mean; of independent items where images are None or all one."""
    residuals = array - array.mean()
    if images is not None:
        if len(images) != array.size:
            raise ValueError(f"{len(images)} images for {array.size} items")
        _, index = np.unique(np.asarray(images, dtype=object).astype(str), return_inverse=True)
        sums = np.bincount(index, weights=residuals)
        if sums.size > 1:
            spread = float((sums**2).sum()) * sums.size / (sums.size - 1) / array.size**2
            if spread > _ROUNDING or not residuals.any():
                return spread if spread > _ROUNDING else 0.0
    return float((residuals**2).sum()) / (array.size - 1) / array.size


_ROUNDING = 1e-30
"""Variance below which residuals that cancel within images are rounding, not information."""


def _error_without_spread(mean: float, n: int) -> float:
    adjusted = (min(1.0, max(0.0, mean)) * n + 2) / (n + 4)
    return math.sqrt(adjusted * (1 - adjusted) / (n + 4))


def f1(confusion: Confusion) -> float:
    """F1 of `yes`: `2 TP / (2 TP + FP + FN)`; 0 if nothing was truly found.

    >>> round(f1(Confusion(true_yes=40, false_yes=10, true_no=40, false_no=10)), 3)
    0.8
    """
    return float(_f1(np.array([confusion]))[0])


def _f1(counts: np.ndarray) -> np.ndarray:
    true_yes, false_yes, false_no = counts[:, 0], counts[:, 1], counts[:, 3]
    total = 2 * true_yes + false_yes + false_no
    return np.where(total > 0, 2 * true_yes / np.maximum(total, 1), 0.0)


def mean_f1_error(splits: Sequence[Confusion], widening: float = 1.0) -> tuple[float, float | None]:
    """Mean of the splits' F1 and its bootstrap standard error, items resampled in each split.

    Resampling n items with replacement and counting them is one draw of a multinomial, so no
    item has to be touched again. The error is conditional on the splits, and knows nothing of
    images: `mean_f1_error_by_image` does.

    Args:
        widening: square root of the design effect, where items share images that are not known.

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
        counts = np.array(split, dtype=float)
        draws += _f1(generator.multinomial(split.n, counts / split.n, size=RESAMPLES))
    value = math.fsum(f1(split) for split in splits) / len(splits)
    if all(split.n == 1 for split in splits):
        return value, None
    error = float((draws / len(splits)).std(ddof=1)) * widening
    return value, error or _error_without_spread(value, sum(split.n for split in splits))


def mean_f1_error_by_image(
    splits: Mapping[str, Mapping[str, Confusion]],
) -> tuple[float, float | None]:
    """Mean of the splits' F1 and its bootstrap error, images resampled over all splits at once.

    POPE asks about the same images in its three splits, and repeats its positive questions in
    each, so that the splits vary together: one draw of images serves them all.

    Args:
        splits: split to image to the counts of the questions about it.

    Raises:
        ValueError: if there is no split or one has no items.
    """
    images = sorted({image for split in splits.values() for image in split})
    totals = [_sum(split.values()) for split in splits.values()]
    if len(images) < 2:
        return mean_f1_error(totals)
    tables = [
        np.array([split.get(image, (0,) * 6) for image in images], dtype=float)
        for split in splits.values()
    ]
    weights = np.random.default_rng(SEED).multinomial(
        len(images), np.full(len(images), 1 / len(images)), size=RESAMPLES
    )
    draws = sum(_f1(weights @ table) for table in tables) / len(tables)
    value = math.fsum(f1(total) for total in totals) / len(totals)
    error = float(np.asarray(draws).std(ddof=1))
    return value, error or _error_without_spread(value, sum(total.n for total in totals))


def _sum(parts: Collection[Confusion]) -> Confusion:
    if not parts:
        raise ValueError("an F1 needs at least one split, each with items")
    return Confusion(*map(sum, zip(*parts, strict=True)))


@dataclass(frozen=True)
class Difference:
    """`value` of B minus A over the items that both answered.

    Attributes:
        value: mean difference, in the benchmark's fraction.
        standard_error: of the paired difference; 0 if every item agrees.
        n: items in common.
        only_one: items that one side lacks, left out.
        better, worse: items on which B scored higher, and lower, than A.
        images: clusters that the error is over; 0 for independent items.
    """

    value: float
    standard_error: float
    n: int
    only_one: int
    better: int = 0
    worse: int = 0
    images: int = 0

    @property
    def _adjusted(self) -> tuple[float, float]:
        """Value and error with Agresti and Min's pseudo-items: the error is never 0."""
        centre = self.value * self.n / (self.n + 2)
        variance = (self.n * self.standard_error) ** 2 + 1 + 2 * centre**2
        return centre, math.sqrt(variance) / (self.n + 2)

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval, at least -1."""
        centre, error = self._adjusted
        return max(-1.0, centre - Z_95 * error)

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval, at most 1."""
        centre, error = self._adjusted
        return min(1.0, centre + Z_95 * error)

    @property
    def is_separated(self) -> bool:
        """Whether the interval excludes 0 and so, on few differing items, does a sign test."""
        if self.low <= 0 <= self.high:
            return False
        differing = self.better + self.worse
        is_exact = 0 < differing < FEW_DIFFERING
        return not is_exact or sign_test(self.better, self.worse) <= ALPHA

    @property
    def items_needed(self) -> int | None:
        """Items that would show this difference with 80 % power; None if there is none.

        `n (1.96 + 0.84)^2 se^2 / d^2`, as a sample size for paired means, with the images'
        correlation as observed.
        """
        if self.value == 0 or self.standard_error == 0:
            return None
        ratio = (Z_95 + Z_POWER_80) * self.standard_error / self.value
        return math.ceil(self.n * ratio**2)

    @property
    def z(self) -> float:
        """Differences in standard errors: finite even where a few items all differ alike."""
        centre, error = self._adjusted
        return float(centre / error)


def sign_test(better: int, worse: int) -> float:
    """Two-sided exact p of a sign test: as many of `better + worse` going one way by chance.

    >>> sign_test(5, 0), sign_test(8, 0)
    (0.0625, 0.0078125)
    """
    n, few = better + worse, min(better, worse)
    return float(min(1.0, 2.0 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n))


def paired_difference(
    a: Mapping[str, float], b: Mapping[str, float], images: Mapping[str, str] | None = None
) -> Difference:
    """How much better B answered than A, on the items of both.

    Args:
        a, b: item identifier to its score in [0, 1].
        images: item to its image, to cluster the error by; an item without one is its own.

    Raises:
        ValueError: if fewer than two items are in common.

    >>> paired_difference({'1': 0, '2': 1, '3': 0}, {'1': 1, '2': 1, '3': 0, '4': 1}).value
    0.3333333333333333
    """
    common = sorted(a.keys() & b.keys())
    if len(common) < 2:
        raise ValueError(f"{len(common)} items in common; a paired difference needs two")
    differences = np.array([b[item] - a[item] for item in common], dtype=float)
    shared = [images.get(item) or f"item {item}" for item in common] if images else None
    return Difference(
        float(differences.mean()),
        math.sqrt(_variance_of_mean(differences, shared)),
        len(common),
        len(a.keys() ^ b.keys()),
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
        images=len(set(shared)) if shared else 0,
    )


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
    return Difference(
        value,
        error,
        sum(p.n for p in parts),
        sum(p.only_one for p in parts),
        sum(p.better for p in parts),
        sum(p.worse for p in parts),
        sum(p.images for p in parts),
    )
