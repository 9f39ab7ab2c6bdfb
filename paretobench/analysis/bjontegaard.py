"""One number for two whole fronts: the mean log-latency ratio, and its mirror in accuracy.

BD-TTFT is the geometric mean, over the accuracies that both fronts cover, of how many times
faster the candidate reaches them: both fronts are drawn as log latency over accuracy by
monotone PCHIP through their vertices, and the mean difference is exponentiated. BD-accuracy
is the mean difference in accuracy over the shared log latencies. It is video coding's
BD-rate with TTFT for bit rate. Below half an overlap the range no longer represents the
fronts, so it is refused; below three quarters it is warned about.

References: Bjontegaard, VCEG-M33, 2001; Fritsch and Carlson, SIAM J. Numer. Anal. 17, 1980
(monotone PCHIP); Herglotz et al., "The Bjontegaard Bible", IEEE TIP 33, 2024 (PCHIP, the
overlap as intersection over union, warning below 75 %).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from paretobench.analysis.claims import interval_of
from paretobench.analysis.front import front_mask
from paretobench.analysis.noise import Draws
from paretobench.analysis.points import Contender, Floats, objectives
from paretobench.errors import DataError

REFUSED_BELOW = 0.50
"""Overlap of the two ranges under which no average is given."""
WARNED_BELOW = 0.75
"""Overlap of the two ranges under which the average carries a warning."""
_ROUNDING = 1e-9
"""So that an overlap of exactly one half is not refused for its last bit."""
MOST_LOST_DRAWS = 0.05
"""Share of draws without a result above which no interval is given."""
FEW_VERTICES = 3
"""Fewer vertices than this make a straight line on the log scale, which is said."""


@dataclass(frozen=True)
class BjontegaardDelta:
    """An average over the range that two fronts share.

    Attributes:
        value: BD-TTFT: a ratio, 2.0 where the candidate takes half the time. BD-accuracy: a
            difference of fractions.
        low, high: 95 % interval from the noise; None without draws.
        overlap: intersection over union of the two ranges, in [0, 1].
        range: from where to where it is averaged: accuracies, or seconds.
        vertices: on the candidate's and on the baseline's front.
        warnings: what a reader has to know; sentences.
    """

    value: float
    low: float | None
    high: float | None
    overlap: float
    range: tuple[float, float]
    vertices: tuple[int, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Curve:
    """A front as a function: `position` and `height` strictly rising; shape [k]."""

    position: Floats
    height: Floats

    def integral(self, low: float, high: float) -> float:
        """The area under the monotone PCHIP between two positions inside the curve."""
        from scipy.interpolate import PchipInterpolator  # imported when needed: half a second

        return float(PchipInterpolator(self.position, self.height).integrate(low, high))


def bd_ttft(
    candidates: Sequence[Contender], baselines: Sequence[Contender], draws: Draws | None = None
) -> BjontegaardDelta:
    """How many times faster the candidate is at equal accuracy, on average over both fronts.

    Args:
        candidates, baselines: the points of both sets; their fronts are taken here.
        draws: of candidates and then baselines, drawn together, for the interval. The fronts
            are computed again in each draw.

    Raises:
        DataError: if a front has fewer than two vertices, or the overlap is below 50 %.

    >>> theirs = [Contender(f"b{i}", 0.2 * 2**i, 0.5 + 0.05 * i) for i in range(4)]
    >>> ours = [Contender(f"a{i}", 0.1 * 2**i, 0.5 + 0.05 * i) for i in range(4)]
    >>> round(bd_ttft(ours, theirs).value, 6)
    2.0
    """
    delta = _delta("BD-TTFT", candidates, baselines, draws, _by_accuracy)
    # The logs are candidate minus baseline: faster is negative, so the ends change places.
    low, high = (None if end is None else math.exp(-end) for end in (delta.high, delta.low))
    return replace(delta, value=math.exp(-delta.value), low=low, high=high)


def bd_accuracy(
    candidates: Sequence[Contender], baselines: Sequence[Contender], draws: Draws | None = None
) -> BjontegaardDelta:
    """How much more accurate the candidate is at equal TTFT, on average over both fronts.

    Arguments and refusals as `bd_ttft`; the range is in seconds and averaged on a log scale.
    """
    delta = _delta("BD-accuracy", candidates, baselines, draws, _by_log_latency)
    low, high = delta.range
    return replace(delta, range=(math.exp(low), math.exp(high)))


def _by_accuracy(ttft_s: Floats, accuracy: Floats) -> _Curve:
    """The front as log latency over accuracy."""
    front = _by_log_latency(ttft_s, accuracy)
    return _Curve(front.height, front.position)


def _by_log_latency(ttft_s: Floats, accuracy: Floats) -> _Curve:
    """The front as accuracy over log latency, by its distinct vertices."""
    mask = front_mask(np.column_stack([ttft_s, accuracy]))
    times, first = np.unique(ttft_s[mask], return_index=True)
    return _Curve(np.log(times), accuracy[mask][first])


def _delta(
    name: str,
    candidates: Sequence[Contender],
    baselines: Sequence[Contender],
    draws: Draws | None,
    curve: Callable[[Floats, Floats], _Curve],
) -> BjontegaardDelta:
    """Mean height of the candidate's curve minus the baseline's, with all that goes with it."""
    ours, theirs = (curve(*objectives(points).T) for points in (candidates, baselines))
    counts = len(ours.position), len(theirs.position)
    for whose, count in zip(("candidate", "baseline"), counts, strict=True):
        if count < 2:
            raise DataError(
                f"{name} needs two vertices on each front and the {whose}'s has {count}; "
                f"add a resolution, or compare single vertices"
            )
    overlap = _overlap(ours, theirs)
    if overlap < REFUSED_BELOW - _ROUNDING:
        raise DataError(
            f"{name} refused: the fronts share {overlap:.1%} of their range, and below "
            f"{REFUSED_BELOW:.0%} an average represents neither; compare single vertices"
        )
    warnings = _warnings(name, overlap, counts)
    ends: tuple[float | None, float | None] = (None, None)
    if draws is not None:
        ends, lost = _interval(draws, len(candidates), curve)
        warnings += lost
    value = _mean_difference(ours, theirs)
    return BjontegaardDelta(value, *ends, overlap, _shared(ours, theirs), counts, warnings)


def _shared(ours: _Curve, theirs: _Curve) -> tuple[float, float]:
    """The range of positions that both curves cover; empty if the first is not the lesser."""
    low = max(ours.position[0], theirs.position[0])
    return float(low), float(min(ours.position[-1], theirs.position[-1]))


def _overlap(ours: _Curve, theirs: _Curve) -> float:
    """Intersection over union of the positions of two curves, in [0, 1]."""
    low, high = _shared(ours, theirs)
    both = np.concatenate([ours.position, theirs.position])
    return max(0.0, high - low) / float(both.max() - both.min())


def _mean_difference(ours: _Curve, theirs: _Curve) -> float:
    """Mean of our height minus their height over the shared range."""
    low, high = _shared(ours, theirs)
    return (ours.integral(low, high) - theirs.integral(low, high)) / (high - low)


def _warnings(name: str, overlap: float, counts: tuple[int, int]) -> tuple[str, ...]:
    """What a reader has to know about a result that is given all the same."""
    found = []
    if overlap < WARNED_BELOW - _ROUNDING:
        found.append(
            f"{name} rests on {overlap:.0%} of the two ranges; extend the shorter front to "
            f"reach {WARNED_BELOW:.0%}"
        )
    for whose, count in zip(("candidate", "baseline"), counts, strict=True):
        if count < FEW_VERTICES:
            found.append(f"the {whose}'s front has {count} vertices: a straight line joins them")
    return tuple(found)


def _interval(
    draws: Draws, ours_count: int, curve: Callable[[Floats, Floats], _Curve]
) -> tuple[tuple[float | None, float | None], tuple[str, ...]]:
    """The 95 % interval of the mean difference over the draws, and a warning if there is none."""
    effects = []
    for times, heights in zip(draws.ttft_s, draws.accuracy, strict=True):
        ours = curve(times[:ours_count], heights[:ours_count])
        theirs = curve(times[ours_count:], heights[ours_count:])
        low, high = _shared(ours, theirs)
        if low < high:  # implies two vertices on each
            effects.append(_mean_difference(ours, theirs))
    lost = 1 - len(effects) / len(draws.ttft_s)
    if lost > MOST_LOST_DRAWS:
        return (None, None), (f"no interval: in {lost:.0%} of the draws the fronts do not overlap",)
    return interval_of(effects), ()
