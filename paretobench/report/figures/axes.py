"""Axes for people: plain ticks on a log scale, and limits that leave room for markers.

Pure functions of numbers but the last, so that a test can say what a figure will read like.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from paretobench.units import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS: tuple[tuple[float, ...], ...] = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))
"""Ticks within a decade, densest first."""

FINE_STEPS = (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5)
"""For limits so close that the others leave one tick or two."""

TIME_LABEL = "time to first token ({}, log scale), left is better"
"""The title of a time axis; the unit is in the braces."""

BAR_FACTOR = 30.0
"""An axis follows an interval at most so many times beyond the outermost value: two processes that
differ can have one from nothing to years."""


def log_limits(
    values: Iterable[float], ends: Iterable[float] = (), pad: float = 0.06
) -> tuple[float, float]:
    """Limits around positive values with `pad` of the log range to spare on each side.

    Args:
        ends: of intervals; they widen the limits up to `BAR_FACTOR`.

    >>> low, high = log_limits([10.0, 1000.0], pad=0.5)
    >>> round(low, 3), round(high)
    (1.0, 10000)
    >>> low, high = log_limits([10.0], [5.0, 1e30], pad=0.0)
    >>> round(low, 2), round(high)
    (4.46, 337)
    """
    listed = [value for value in values if math.isfinite(value) and value > 0]
    if not listed:
        return (1.0, 10.0)
    least, most = min(listed) / BAR_FACTOR, max(listed) * BAR_FACTOR
    listed += [min(max(end, least), most) for end in ends if not math.isnan(end)]
    low, high = math.log10(min(listed)), math.log10(max(listed))
    room = max((high - low) * pad, 0.05)
    return (10 ** (low - room), 10 ** (high + room))


def linear_limits(values: Iterable[float], pad: float = 0.09) -> tuple[float, float]:
    """Limits around values with `pad` of their range to spare, at least half a unit.

    >>> linear_limits([50.0, 60.0], pad=0.1)
    (49.0, 61.0)
    """
    listed = [value for value in values if math.isfinite(value)]
    if not listed:
        return (0.0, 1.0)
    room = max((max(listed) - min(listed)) * pad, 0.5)
    return (min(listed) - room, max(listed) + room)


def plain_ticks(low: float, high: float, most: int = 9) -> list[float]:
    """Round numbers between the limits of a log axis: as many as fit, never more than `most`.

    >>> plain_ticks(18, 2200)
    [20, 50, 100, 200, 500, 1000, 2000]
    >>> plain_ticks(60, 150), plain_ticks(390, 560)
    ([70, 100, 150], [400, 450, 500, 550])
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)

    def within(steps: Sequence[float]) -> list[float]:
        ticks = [step * 10**decade for decade in decades for step in steps]
        return [round(tick, 9) for tick in ticks if low <= tick <= high]

    choices = [within(steps) for steps in STEPS]
    ticks = next((ticks for ticks in choices if len(ticks) <= most), choices[-1])
    fine = within(FINE_STEPS)
    if len(ticks) < 3 and len(fine) <= most:
        ticks = fine
    return [int(tick) if float(tick).is_integer() else tick for tick in ticks]


def tick_text(value: float) -> str:
    """A tick's number without an exponent and without useless zeros.

    >>> tick_text(1000), tick_text(0.5), tick_text(20.0)
    ('1000', '0.5', '20')
    """
    text = significant(value, 2)
    return text.rstrip("0").rstrip(".") if "." in text else text


def steps_through(points: Sequence[tuple[float, float]], right: float) -> list[tuple[float, float]]:
    """The corners of the region a front dominates: right from each point, then up to the next.

    No configuration exists between two points of a front, so a straight line between them
    would promise what cannot be had.

    >>> steps_through([(1.0, 5.0), (3.0, 6.0)], right=9.0)
    [(1.0, 5.0), (3.0, 5.0), (3.0, 6.0), (9.0, 6.0)]
    """
    corners: list[tuple[float, float]] = []
    for x, y in sorted(set(points)):
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((max(right, corners[-1][0]), corners[-1][1]))
    return corners


SECONDS_FROM = 20_000.0
"""Milliseconds from which an axis is written in seconds: 2000000 ms is hard to read."""


def time_unit(high_ms: float) -> tuple[str, float]:
    """The unit of a time axis that ends there, and how many milliseconds it has.

    >>> time_unit(900.0), time_unit(2e6)
    (('ms', 1.0), ('s', 1000.0))
    """
    return ("s", 1000.0) if high_ms >= SECONDS_FROM else ("ms", 1.0)


def log_axis(
    axes: Axes,
    side: Literal["x", "y"],
    limits: tuple[float, float],
    most: int = 9,
    high_ms: float | None = None,
) -> str:
    """Make an axis of milliseconds logarithmic, with plain ticks and no minor ones.

    Args:
        most: ticks that fit.
        high_ms: where the longest axis ends that shares the unit; this one's end by default.

    Returns:
        The unit of its numbers, for its title.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    axes.set(**{f"{side}scale": "log", f"{side}lim": limits})
    unit, per = time_unit(high_ms or limits[1])
    ticks = plain_ticks(*limits, most)
    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator([float(tick) for tick in ticks]))
    axis.set_major_formatter(FixedFormatter([tick_text(tick / per) for tick in ticks]))
    axis.set_minor_locator(NullLocator())
    return unit
