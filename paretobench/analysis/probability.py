"""How sure a front is: each point's probability of being on it, given the noise.

With latencies known to half a percent and accuracies to a quarter of a point, the observed
front of some fifty configurations is exactly the true one in about one run in ten. So each
point's true values are drawn from what they could be given all points (`shrinkage`), and the
share of draws in which nothing dominates it is its probability.

What that probability promises: of all points of all sweeps that are given about 0.3, three in
ten are on the front of the true values. `benchmarks/front_calibration.py` checks it against
made-up truths, spread out and crowded, and keeps it within 5 points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from paretobench.analysis.front import Mask
from paretobench.analysis.noise import DRAWS, Assumed, Draws
from paretobench.analysis.points import Contender, Floats
from paretobench.analysis.shrinkage import plausible

Verdict = Literal["on", "ambiguous", "off", "unknown"]

ON_FROM = 0.95
"""At or above this probability a point counts as on the front: the usual 95 %."""
OFF_TO = 0.05
"""At or below this probability it counts as off the front."""

_NUMBERS_AT_ONCE = 2_000_000
"""Draws x points sorted at once: some 100 MB of working memory."""


@dataclass(frozen=True)
class Membership:
    """How sure it is that a point is on a front.

    Attributes:
        probability: share of draws in which it is on the front. Where an error is unknown
            this rests on `Assumed`.
        verdict: `on`, `ambiguous` or `off` by `ON_FROM` and `OFF_TO`; `unknown` if an error
            of the point itself is not known.
    """

    probability: float
    verdict: Verdict


def memberships(
    contenders: Sequence[Contender],
    rng: np.random.Generator,
    draws: int = DRAWS,
    assumed: Assumed | None = None,
    others: Sequence[Contender] = (),
) -> tuple[Membership, ...]:
    """Each contender's place on the front of all of them, with its probability.

    For the front of one family pass that family's contenders alone.

    Args:
        rng: where the randomness comes from; the same seed gives the same answer.
        draws: repetitions of the bootstrap.
        assumed: errors for the points that have none.
        others: points known to be off the front, which still inform about the scatter of
            accuracies.

    Raises:
        DataError: as `noise.draw`.
    """
    shares = front_probability(plausible(contenders, rng, draws, assumed, others)).tolist()
    return tuple(
        Membership(share, verdict(share, is_known=not contender.unknown_noise))
        for contender, share in zip(contenders, shares, strict=True)
    )


def verdict(probability: float, is_known: bool = True) -> Verdict:
    """The class of a probability of being on the front.

    >>> verdict(0.97), verdict(0.5), verdict(0.05), verdict(0.97, is_known=False)
    ('on', 'ambiguous', 'off', 'unknown')
    """
    if not is_known:
        return "unknown"
    if probability >= ON_FROM:
        return "on"
    return "off" if probability <= OFF_TO else "ambiguous"


def front_probability(draws: Draws) -> Floats:
    """Share of draws in which each point is on the front (TTFT down, accuracy up), shape [n]."""
    count, n = draws.ttft_s.shape
    if n == 0:
        return np.zeros(0)
    step = max(1, _NUMBERS_AT_ONCE // n)
    hits: Floats = np.zeros(n)
    for start in range(0, count, step):
        rows = slice(start, start + step)
        hits += front_masks(draws.ttft_s[rows], draws.accuracy[rows]).sum(axis=0)
    return np.asarray(hits / count, dtype=np.float64)


def front_masks(ttft_s: Floats, accuracy: Floats) -> Mask:
    """`front_mask` of two objectives for many draws at once, ties kept; all shape [draws, n].

    Sorted by time, then falling accuracy, a point is on the front if it raises the highest
    accuracy so far, or if it is the point that did, once more.

    >>> front_masks(np.array([[1., 2., 2.]]), np.array([[.5, .6, .6]])).tolist()
    [[True, True, True]]
    """
    order = np.argsort(ttft_s, axis=1)
    times = np.take_along_axis(ttft_s, order, axis=1)
    has_ties = bool((times[:, 1:] == times[:, :-1]).any())
    if has_ties:  # sorting by both takes several times as long
        order = np.lexsort((-accuracy, ttft_s), axis=1)
    heights = np.take_along_axis(accuracy, order, axis=1)
    is_record = np.ones_like(heights, dtype=np.bool_)
    is_record[:, 1:] = heights[:, 1:] > np.maximum.accumulate(heights, axis=1)[:, :-1]
    masks = np.empty(heights.shape, dtype=np.bool_)
    if not has_ties:
        np.put_along_axis(masks, order, is_record, axis=1)
        return masks
    position = np.where(is_record, np.arange(heights.shape[1]), 0)
    last_record = np.maximum.accumulate(position, axis=1)
    is_same = (times == np.take_along_axis(times, last_record, axis=1)) & (
        heights == np.take_along_axis(heights, last_record, axis=1)
    )
    np.put_along_axis(masks, order, is_same, axis=1)
    return masks


def best_masks(allowed: Mask, first: Floats, second: Floats) -> Mask:
    """What has the least of `first` among what is allowed, and of these the least of `second`, in
    each draw; all of shape [draws, n], none where nothing is allowed."""
    first = np.where(allowed, first, np.inf)
    is_best = allowed & (first == first.min(axis=1, keepdims=True))
    second = np.where(is_best, second, np.inf)
    return np.asarray(is_best & (second == second.min(axis=1, keepdims=True)))


def attainment_band(
    draws: Draws, at_s: Floats, levels: Sequence[float] = (0.025, 0.5, 0.975)
) -> Floats:
    """The accuracy that the front reaches within each time, as quantiles over the draws.

    The band around a front's line: the outer levels enclose the best accuracy attainable
    within `at_s` in 95 % of the draws.

    Args:
        at_s: times in seconds, shape [m].
        levels: quantiles, each in [0, 1].

    Returns:
        Fractions, shape [levels, m]; minus infinity where no point is that fast.
    """
    order = np.argsort(draws.ttft_s, axis=1)
    times = np.take_along_axis(draws.ttft_s, order, axis=1)
    heights = np.maximum.accumulate(np.take_along_axis(draws.accuracy, order, axis=1), axis=1)
    best = np.full((len(times), len(at_s)), -np.inf)
    for drawn, own_times, own_heights in zip(best, times, heights, strict=True):
        count = np.searchsorted(own_times, at_s, side="right")
        drawn[count > 0] = own_heights[count[count > 0] - 1]
    # No interpolation between draws: some of them may be minus infinity.
    return np.asarray(np.quantile(best, levels, axis=0, method="inverted_cdf"))
