"""What would change the answer: which point to score next, which part to measure again.

Everything is valued in one unit, the attained accuracy: the best accuracy that can be had within
a latency budget, averaged over budgets from the fastest to the slowest point, evenly in their
logarithm. It is the hypervolume of the front over log TTFT, divided by the range of log TTFT, so
`0.01` reads as one point more of accuracy for somebody whose budget is anywhere in it. Below the
fastest point, and wherever nothing is better, stands the lowest accuracy that was scored.

A point is worth what it is expected to add: where its accuracy is drawn above the best within its
time, by how much and for which budgets (expected hypervolume improvement: Emmerich, Deutz and
Klinkenberg, IEEE CEC 2011; here both its accuracy and the front's are uncertain, and latencies
are as measured). Several are chosen one after the other, each on top of those before it.

A part is worth what knowing it exactly would add: its true latency is drawn, all else stays as it
is, and the front is found anew. How often it then holds other points is the chance of changing
the answer; what the present front's points lack against it is the gain (the expected value of
perfect information on one input: Strong, Oakley and Brennan, Medical Decision Making 34, 2014).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paretobench.analysis.front import Mask, front_mask
from paretobench.analysis.noise import Assumed, draw_latencies
from paretobench.analysis.points import Contender, Floats, LatencyNoise, Part, objectives
from paretobench.analysis.probability import best_masks, front_masks

DRAWS = 1000
"""Draws for points: a chance of one half is then known to 0.016."""

PART_DRAWS = 400
"""Draws for each part: a chance of 0.05 is then known to 0.011."""


@dataclass(frozen=True)
class ScoreGain:
    """What scoring one point is expected to bring.

    Attributes:
        index: of the point among those without a score.
        expected, low, high: its true accuracy, and where 90 % of the draws lie.
        chance: of being better than everything scored that is as fast; under a limit, of being the
            most accurate within it.
        gain: expected rise of the attained accuracy, on top of the points chosen before it; under
            a limit, of the best accuracy within it.
    """

    index: int
    expected: float
    low: float
    high: float
    chance: float
    gain: float


@dataclass(frozen=True)
class PartGain:
    """What measuring one part until it is known is expected to bring.

    Attributes:
        part: with the fewest noise known; its `workload` is the key.
        chance: that knowing it exactly changes which points are the answer.
        gain: expected rise of the attained accuracy; under a limit, None: an answer that turns out
            to be too slow loses more than accuracy.
    """

    part: Part
    chance: float
    gain: float | None


def attained(ttft_s: Floats, accuracy: Floats, low_s: float, high_s: float, floor: float) -> Floats:
    """The best accuracy within a budget, averaged over budgets from `low_s` to `high_s`.

    Args:
        ttft_s, accuracy: shape [draws, n].
        floor: what stands where no point is better.

    Returns:
        Fractions, shape [draws].

    >>> attained(np.array([[1.0, 10.0]]), np.array([[0.5, 0.6]]), 1.0, 100.0, 0.4).round(3).tolist()
    [0.55]
    """
    order = np.argsort(ttft_s, axis=1)
    times = np.clip(np.log(np.take_along_axis(ttft_s, order, 1)), math.log(low_s), math.log(high_s))
    heights = np.maximum.accumulate(np.take_along_axis(accuracy, order, axis=1), axis=1)
    ends = np.concatenate([times[:, 1:], np.full((len(times), 1), math.log(high_s))], axis=1)
    above = (np.maximum(heights - floor, 0.0) * (ends - times)).sum(axis=1)
    return np.asarray(floor + above / math.log(high_s / low_s))


def worth_scoring(
    ttft_s: Floats,
    accuracy: Floats,
    scored: int,
    floor: float,
    count: int,
    under_s: float | None = None,
) -> list[ScoreGain]:
    """The points that are most worth scoring, the best first.

    Args:
        ttft_s: of all points, those with a score first; seconds, shape [n + m].
        accuracy: draws of the true ones, shape [draws, n + m].
        scored: n.
        floor: the lowest accuracy that was scored.
        count: how many to choose; those without any gain are never chosen.
        under_s: judge by the best within this limit alone.
    """
    if under_s is not None:
        return _within(ttft_s, accuracy, scored, floor, count, under_s)
    order = np.argsort(ttft_s, kind="stable")
    logs = np.log(ttft_s[order])
    length = float(logs[-1] - logs[0])
    if not length > 0:
        return []
    widths = np.diff(logs, append=logs[-1]) / length
    is_scored = order < scored
    own = accuracy[:, order]
    rivals = np.maximum.accumulate(np.where(is_scored, own, -np.inf), axis=1)
    heights = np.maximum(rivals, floor)
    waiting = [int(place) for place in np.flatnonzero(~is_scored)]
    # What a point adds falls as others are chosen, so an old gain bounds the new one from above.
    bounds = {
        place: float(np.maximum(own[:, place] - heights[:, place], 0).mean() * widths[place:].sum())
        for place in waiting
    }
    chosen: list[ScoreGain] = []
    while len(chosen) < count and bounds:
        place, gain = _largest(own, heights, widths, bounds)
        if not gain > 0:
            break
        del bounds[place]
        chance = float((own[:, place] > rivals[:, place]).mean())
        chosen.append(_gain(int(order[place]) - scored, own[:, place], chance, gain))
        heights[:, place:] = np.maximum(heights[:, place:], own[:, place, None])
    return chosen


def _largest(
    own: Floats, heights: Floats, widths: Floats, bounds: dict[int, float]
) -> tuple[int, float]:
    """The place with the largest gain; `bounds` are replaced by gains where these are computed."""
    best, most = -1, -math.inf
    for place in sorted(bounds, key=lambda each: -bounds[each]):
        if bounds[place] <= most:
            break
        excess = np.maximum(own[:, place, None] - heights[:, place:], 0)
        bounds[place] = float((excess @ widths[place:]).mean())
        if bounds[place] > most:
            best, most = place, bounds[place]
    return best, most


def _within(
    ttft_s: Floats, accuracy: Floats, scored: int, floor: float, count: int, under_s: float
) -> list[ScoreGain]:
    """`worth_scoring` where only the best within one limit counts."""
    allowed = ttft_s <= under_s
    best = np.max(accuracy[:, :scored][:, allowed[:scored]], axis=1, initial=floor)
    first = best.copy()
    left = [i for i in range(scored, len(ttft_s)) if allowed[i]]
    chosen: list[ScoreGain] = []
    while left and len(chosen) < count:
        gains = np.maximum(accuracy[:, left] - best[:, None], 0).mean(axis=0)
        pick = int(np.argmax(gains))
        if not gains[pick] > 0:
            break
        column = accuracy[:, left[pick]]
        chance = float((column > first).mean())
        chosen.append(_gain(left[pick] - scored, column, chance, float(gains[pick])))
        best = np.maximum(best, column)
        del left[pick]
    return chosen


def _gain(index: int, drawn: Floats, chance: float, gain: float) -> ScoreGain:
    low, high = np.quantile(drawn, (0.05, 0.95))
    return ScoreGain(index, float(drawn.mean()), float(low), float(high), chance, gain)


def worth_timing(
    contenders: Sequence[Contender],
    accuracy: float,
    predicted: tuple[float, float],
    rng: np.random.Generator,
    under_s: float | None = None,
) -> tuple[float, float]:
    """What measuring a scored point for the first time is expected to bring.

    Args:
        contenders: the points that are measured.
        predicted: its latency in seconds, and the standard error of its logarithm.

    Returns:
        The chance of changing the answer, and the gain in attained accuracy; under a limit in the
        best accuracy within it.
    """
    values = objectives(contenders)
    latency_s, log_se = predicted
    drawn = latency_s * np.exp(log_se * rng.standard_normal(DRAWS))
    times, heights = values[:, 0], values[:, 1]
    if under_s is not None:
        best = max(heights[times <= under_s], default=float(heights.min()))
        share = float((drawn <= under_s).mean()) * (accuracy > best)
        return share, share * max(0.0, accuracy - float(best))
    better = times[heights >= accuracy].min(initial=math.inf)
    low_s, high_s, floor = float(times.min()), float(times.max()), float(heights.min())
    if low_s == high_s:
        return float((drawn < better).mean()), 0.0
    rows = np.column_stack([np.tile(times, (DRAWS, 1)), drawn])
    with_it = attained(rows, np.tile([*heights, accuracy], (DRAWS, 1)), low_s, high_s, floor)
    without = attained(times[None], heights[None], low_s, high_s, floor)
    return float((drawn < better).mean()), float(with_it.mean() - without[0])


def worth_measuring(
    contenders: Sequence[Contender],
    rng: np.random.Generator,
    under_s: float | None = None,
    assumed: Assumed | None = None,
) -> list[PartGain]:
    """Every part of the contenders by what knowing it exactly would bring, the best first.

    Args:
        contenders: scored points; those without parts have nothing to measure apart.
        under_s: the answer is the most accurate within this limit, not the front.
        assumed: the noise of parts that have none.

    Raises:
        DataError: if a TTFT or an accuracy cannot be.
    """
    values = objectives(contenders)
    ttft_s = values[:, 0]
    parts = {part.workload: part for each in contenders for part in each.parts}
    sums = np.array([sum(p.passes * p.seconds for p in each.parts) or 1.0 for each in contenders])
    runs = {key: np.zeros(len(contenders)) for key in parts}
    for row, each in enumerate(contenders):
        for part in each.parts:
            runs[part.workload][row] += part.passes
    found = []
    for key, part in parts.items():
        passes = runs[key]
        noise = part.noise or LatencyNoise((assumed or Assumed()).log_se)
        drawn = draw_latencies(np.array([part.seconds]), [noise], np.eye(1), rng, PART_DRAWS)
        near = passes > 0
        near[~near] = front_mask(values[~near])  # all else stays dominated
        share = (passes * part.seconds / sums)[near]
        moved = ttft_s[near] * (1 + share * (drawn / part.seconds - 1))
        found.append(_worth(part, moved, values, near, under_s))
    return sorted(found, key=lambda each: (-(each.gain or 0.0), -each.chance))


def _worth(
    part: Part, moved: Floats, values: Floats, near: Mask, under_s: float | None
) -> PartGain:
    """The part by where the TTFTs of the points that it concerns move, shape [draws, near]."""
    ttft_s, accuracy = values[near].T
    heights = np.broadcast_to(accuracy, moved.shape)
    if under_s is not None:
        before = best_masks(ttft_s[None] <= under_s, -accuracy[None], ttft_s[None])
        changed = (best_masks(moved <= under_s, -heights, moved) != before).any(axis=1)
        return PartGain(part, float(changed.mean()), None)
    front = front_masks(ttft_s[None], accuracy[None])
    changed = (front_masks(moved, heights) != front).any(axis=1)
    low_s, high_s, floor = values[:, 0].min(), values[:, 0].max(), float(values[:, 1].min())
    if not changed.any() or low_s == high_s:
        return PartGain(part, float(changed.mean()), 0.0)
    rows = moved[changed]
    sides = (heights[changed], np.where(front, heights[changed], floor))
    with_it, without = (attained(rows, side, low_s, high_s, floor) for side in sides)
    return PartGain(part, float(changed.mean()), float((with_it - without).sum() / len(moved)))
