"""At which level a latency varies: run, process, session or day; and its quantiles. Pure.

A process repeated at once shares the machine's state with the one before: temperature, memory
layout of the kernel, what else runs that day. A session is another sitting, an hour or more after
the last. The interval of an audited latency belongs to the highest level that varies; with fewer
than three groups of a level nothing is concluded about it.

References:
    Kalibera and Jones, ISMM 2013: repetition at the highest level that varies, and the unbiased
    variance of each level (T^2 there), here with harmonic means where groups differ in size.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from paretobench.analysis import stats
from paretobench.analysis.pooling import Pool
from paretobench.analysis.shape import is_settled
from paretobench.analysis.stats import P, cell_median, estimate, replicates, undisturbed
from paretobench.domain.records import Cell, Estimate, Measurement, Process

Level = Literal["process", "session", "day"]

SESSION_GAP_S = 3600.0
"""Between two sessions: an hour outlasts temperatures and most of what else runs."""

FEWEST_GROUPS = 3
"""Sessions or days from which their spread is told apart from that of the level below."""

QUANTILES = (0.5, 0.9, 0.99)


def sessions(cells: Sequence[P]) -> list[list[P]]:
    """Cells by sitting, in the order of their starts: a new one begins after an hour."""
    found: list[list[P]] = []
    for cell in sorted(cells, key=lambda cell: cell.started_at):
        if found and age_s(found[-1][-1], datetime.fromisoformat(cell.started_at)) < SESSION_GAP_S:
            found[-1].append(cell)
        else:
            found.append([cell])
    return found


def age_s(cell: Process, now: datetime) -> float:
    """Seconds since a cell ended."""
    return (now - datetime.fromisoformat(cell.started_at)).total_seconds() - cell.wall_s


@dataclass(frozen=True)
class Spread:
    """How one level varies: the standard deviation that it adds, on the log scale.

    Attributes:
        groups: how many runs, processes, sessions or days there are.
        log_sd: 0 where the level below explains all of it; None where it is not known.
    """

    level: str
    groups: int
    log_sd: float | None


@dataclass(frozen=True)
class Audit:
    """What audited cells of one workload say beyond a median.

    Attributes:
        quantiles: (fraction, seconds) over runs, with the interval of the level it belongs to;
            None where processes have too few samples for that fraction.
        sustained: the last quarter of a process's samples over its first.
        steady: share of the processes whose last two quarters agree.
        level: the highest that varies, to which the intervals belong.
    """

    label: str
    quantiles: tuple[tuple[float, Estimate | None], ...]
    sustained: Estimate | None
    steady: float
    spreads: tuple[Spread, ...]
    level: Level

    def groups(self, level: str) -> int:
        """How many runs, processes, sessions or days there are."""
        return next(spread.groups for spread in self.spreads if spread.level == level)


def audit(cells: Sequence[Cell], label: str = "") -> Audit | None:
    """The audit of one workload's cells; None if none of them was taken at that level."""
    counted = [cell for cell in undisturbed(cells) if cell.fidelity == "audit"]
    if not counted:
        return None
    level, groups = highest_level(counted)
    return Audit(
        label,
        tuple((fraction, _quantile(groups, fraction)) for fraction in QUANTILES),
        _over_groups(groups, _sustained),
        sum(is_settled(cell.counted_s) for cell in counted) / len(counted),
        spreads(counted),
        level,
    )


def measurement(cells: Sequence[Cell], pool: Pool | None = None) -> Measurement:
    """As `stats.measurement`; audited cells have the interval of the highest level that varies."""
    found = stats.measurement(cells, pool)
    if found.fidelity != "audit" or found.latency.is_disturbed:
        return found
    latency = _interval_of_levels(replicates(cells), found.latency.labels)
    return found if latency is None else replace(found, latency=latency)


def _interval_of_levels(cells: Sequence[Cell], labels: tuple[str, ...]) -> Estimate | None:
    """The latency with the interval of the highest level that varies; None for one group.

    The value is the geometric mean over processes, as everywhere.
    """
    found = _over_groups(highest_level(cells)[1], cell_median)
    if found is None or found.low is None or found.high is None:
        return None
    value = estimate([cell_median(cell) for cell in cells]).value
    low, high = (end * (value / found.value) for end in (found.low, found.high))
    return replace(found, value=value, low=low, high=high, n=len(cells), labels=labels)


def highest_level(cells: Sequence[Cell]) -> tuple[Level, list[list[Cell]]]:
    """The highest level with three groups or more that adds to the variance, and its groups."""
    by_level: dict[Level, list[list[Cell]]] = {"day": _days(cells), "session": sessions(cells)}
    known = {spread.level: spread.log_sd for spread in spreads(cells)}
    for level, groups in by_level.items():
        if len(groups) >= FEWEST_GROUPS and (known[level] or 0.0) > 0.0:
            return level, groups
    return "process", [[cell] for cell in cells]


def spreads(cells: Sequence[Cell]) -> tuple[Spread, ...]:
    """What run, process, session and day each add to the spread of the log latency."""
    runs = [float(np.var(np.log(c.counted_s), ddof=1)) for c in cells if len(c.counted_s) > 1]
    total = sum(len(cell.counted_s) for cell in cells)
    run_sd = math.sqrt(statistics.fmean(runs)) if runs else None
    by_session = sessions(cells)
    logs = [[math.log(cell_median(cell)) for cell in group] for group in by_session]
    means = [statistics.fmean(group) for group in logs]
    days: dict[str, list[float]] = {}
    for group, mean in zip(by_session, means, strict=True):
        days.setdefault(_day(group[0]), []).append(mean)
    process = _within(logs)
    session = _within(list(days.values()))
    day = _within([[statistics.fmean(each) for each in days.values()]])
    added = _added(session, process, [len(group) for group in logs])
    added_by_day = _added(day, session, [len(each) for each in days.values()])
    return (
        Spread("run", total, run_sd),
        Spread("process", len(cells), None if process is None else math.sqrt(process)),
        Spread("session", len(by_session), added),
        Spread("day", len(days), added_by_day),
    )


def _within(groups: Sequence[Sequence[float]]) -> float | None:
    """The variance within groups, pooled by degrees of freedom; None if no group has two."""
    squares = sum(sum((x - statistics.fmean(g)) ** 2 for x in g) for g in groups)
    freedom = sum(len(group) - 1 for group in groups)
    return squares / freedom if freedom > 0 else None


def _added(own: float | None, below: float | None, sizes: Sequence[int]) -> float | None:
    """What a level adds to the variance of the means of the level below, as a deviation."""
    if own is None:
        return None
    inherited = (below or 0.0) / statistics.harmonic_mean(sizes)
    return math.sqrt(max(own - inherited, 0.0))


def _quantile(groups: Sequence[Sequence[Cell]], fraction: float) -> Estimate | None:
    """A quantile over groups; None where a process has fewer samples than 1 / (1 - fraction)."""
    least = math.ceil(round(1.0 / (1.0 - fraction), 6))
    if any(len(cell.counted_s) < least for group in groups for cell in group):
        return None
    return _over_groups(groups, lambda cell: float(np.quantile(cell.counted_s, fraction)))


def _sustained(cell: Cell) -> float | None:
    quarter = len(cell.counted_s) // 4
    if quarter < 2:
        return None
    first, last = cell.counted_s[:quarter], cell.counted_s[-quarter:]
    return statistics.median(last) / statistics.median(first)


def _over_groups(
    groups: Sequence[Sequence[Cell]], of: Callable[[Cell], float | None]
) -> Estimate | None:
    """A statistic of each process, averaged in its group, with the interval over groups."""
    means = []
    for group in groups:
        values = [value for cell in group if (value := of(cell)) is not None]
        if values:
            means.append(math.exp(statistics.fmean(map(math.log, values))))
    return estimate(means) if means else None


def _day(cell: Process) -> str:
    return cell.started_at[:10]


def _days(cells: Sequence[Cell]) -> list[list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(_day(cell), []).append(cell)
    return list(found.values())
